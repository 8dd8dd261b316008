// execve(2): arguments and environment, what survives it, scripts, and errnos.
#include "../check.h"
#include <sys/auxv.h>
#include <linux/limits.h>
#include <sys/prctl.h>

static char self[PATH_MAX];

static int run(const char* path, char* const argv[], char* const envp[]) {
  pid_t pid = must(fork());
  if (pid == 0) {
    execve(path, argv, envp);
    _exit(200 + (errno & 31));
  }
  return status_of(pid);
}

// The program is its own child: what it is asked to do is in argv[1].
static int child(int argc, char** argv, char** envp) {
  const char* what = argv[1];
  if (!strcmp(what, "args")) {
    if (argc != 5 || strcmp(argv[2], "one") || strcmp(argv[3], "") || strcmp(argv[4], "three four")) return 1;
    if (strcmp(envp[0], "A=1") || strcmp(envp[1], "EMPTY=") || envp[2] != NULL) return 2;
    return 0;
  }
  if (!strcmp(what, "state")) {
    int bits = 0;
    struct sigaction action;
    sigset_t mask, pending;
    sigaction(SIGUSR1, NULL, &action);
    if (action.sa_handler == SIG_DFL) bits |= 1; // was handled
    sigaction(SIGUSR2, NULL, &action);
    if (action.sa_handler == SIG_IGN) bits |= 2; // was ignored
    sigprocmask(SIG_BLOCK, NULL, &mask);
    if (sigismember(&mask, SIGTERM)) bits |= 4;
    sigpending(&pending);
    if (sigismember(&pending, SIGTERM)) bits |= 8;
    if (fcntl(atoi(argv[2]), F_GETFD) == -1 && errno == EBADF) bits |= 16; // close on exec
    if (fcntl(atoi(argv[3]), F_GETFD) == 0) bits |= 32;
    if (getpid() == atoi(argv[4])) bits |= 64;
    stack_t stack;
    sigaltstack(NULL, &stack);
    if (stack.ss_flags == SS_DISABLE) bits |= 128;
    return bits;
  }
  if (!strcmp(what, "aux")) {
    if (getauxval(AT_PAGESZ) != 4096) return 1;
    if (getauxval(AT_UID) != getuid() || getauxval(AT_EGID) != getegid()) return 2;
    if (getauxval(AT_SECURE) != 0) return 3;
    if (getauxval(AT_RANDOM) == 0) return 4;
    if (getauxval(AT_ENTRY) == 0 || getauxval(AT_PHDR) == 0 || getauxval(AT_PHNUM) == 0) return 5;
    if (getauxval(AT_CLKTCK) != 100) return 6;
    if (strcmp((char*)getauxval(AT_EXECFN), argv[2])) return 7;
#ifdef __x86_64__
    const char* platform = "x86_64";
#else
    const char* platform = "aarch64";
#endif
    if (strcmp((char*)getauxval(AT_PLATFORM), platform)) return 8;
    if (getauxval(AT_HWCAP) == 0) return 9;
    char name[16];
    prctl(PR_GET_NAME, name);
    if (strcmp(name, "renamed-program")) return 10; // 15 bytes of renamed-program-with-a-long-name
    return 0;
  }
  if (!strcmp(what, "count")) {
    size_t total = 0;
    for (int i = 2; i < argc; i++) total += strlen(argv[i]);
    return argc == 2 + 1000 && total == 1000 * 100 ? 0 : 1;
  }
  if (!strcmp(what, "script")) {
    // interpreter's argument (one word, however many there were), script, its arguments
    return argc == 5 && !strcmp(argv[2], "./s") && !strcmp(argv[3], "x") && !strcmp(argv[4], "y") ? 0 : argc;
  }
  if (!strcmp(what, "script two words")) return 55;
  return 99;
}

static void handler(int signal) { (void)signal; }

static void state(void) {
  int gone = must(open("/dev/null", O_RDONLY | O_CLOEXEC));
  int kept = must(open("/dev/null", O_RDONLY));
  pid_t pid = must(fork());
  if (pid == 0) {
    char a[16], b[16], c[16];
    snprintf(a, sizeof a, "%d", gone);
    snprintf(b, sizeof b, "%d", kept);
    snprintf(c, sizeof c, "%d", getpid());
    signal(SIGUSR1, handler);
    signal(SIGUSR2, SIG_IGN);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGTERM);
    stack_t stack = {.ss_sp = malloc(SIGSTKSZ), .ss_size = SIGSTKSZ};
    sigaltstack(&stack, NULL);
    char* argv[] = {"x", "state", a, b, c, NULL};
    execv(self, argv);
    _exit(250);
  }
  equal("dispositions, mask, pending, descriptors, pid", status_of(pid), 255);
}

static void errors(void) {
  char* argv[] = {"x", NULL};
  char* none[] = {NULL};
  fails("missing", execve("missing", argv, none), ENOENT);
  fails("empty path", execve("", argv, none), ENOENT);
  must(make_file("plain", "#!/bin/sh\n"));
  fails("not executable", execve("plain", argv, none), EACCES);
  fails("directory", execve(".", argv, none), EACCES);
  fails("through a file", execve("plain/x", argv, none), ENOTDIR);
  must(make_file("garbage", "this is not a program"));
  must(chmod("garbage", 0755));
  fails("no known format", execve("garbage", argv, none), ENOEXEC);
  must(make_file("empty", ""));
  must(chmod("empty", 0755));
  fails("empty file", execve("empty", argv, none), ENOEXEC);
  must(make_file("badinterp", "#!/no/such/interpreter\n"));
  must(chmod("badinterp", 0755));
  fails("interpreter missing", execve("badinterp", argv, none), ENOENT);
  must(make_file("nointerp", "#!   \n"));
  must(chmod("nointerp", 0755));
  fails("no interpreter named", execve("nointerp", argv, none), ENOEXEC);
  must(symlink("loop", "loop"));
  fails("symlink loop", execve("loop", argv, none), ELOOP);
  char name[300];
  memset(name, 'a', sizeof name);
  name[299] = 0;
  fails("name too long", execve(name, argv, none), ENAMETOOLONG);
  fails("bad path pointer", execve((char*)8, argv, none), EFAULT);
  fails("bad argv pointer", execve(self, (char**)8, none), EFAULT);
  char* bad[] = {"x", (char*)8, NULL};
  fails("bad pointer in argv", execve(self, bad, none), EFAULT);
  fails("bad envp pointer", execve(self, argv, (char**)8), EFAULT);
  char* big = malloc(140000);
  memset(big, 'b', 139999);
  big[139999] = 0;
  char* huge[] = {"x", big, NULL};
  fails("one argument above 128 KiB", execve(self, huge, none), E2BIG);
  free(big);
  must(make_file("recursive", "#!./recursive\n"));
  must(chmod("recursive", 0755));
  fails("a script that is its own interpreter", execve("recursive", argv, none), ELOOP);
  unsigned char elf[64] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
  int fd = must(open("elf", O_CREAT | O_WRONLY, 0755));
  must(write(fd, elf, sizeof elf));
  close(fd);
  fails("elf of no type", execve("elf", argv, none), ENOEXEC);
  int busy = must(open("busy", O_CREAT | O_WRONLY, 0755));
  fails("open for writing", execve("busy", argv, none), ETXTBSY);
  close(busy);
}

static void scripts(void) {
  char text[PATH_MAX + 64];
  snprintf(text, sizeof text, "#!%s script\n", self);
  must(make_file("s", text));
  must(chmod("s", 0755));
  char* argv[] = {"ignored", "x", "y", NULL};
  equal("script with one argument", run("./s", argv, environ), 0);
  snprintf(text, sizeof text, "#! \t%s   script two words  \n", self);
  must(make_file("s", text));
  equal("the rest of the line is one argument", run("./s", argv, environ), 55);
  must(make_file("t", "#!./s\n"));
  must(chmod("t", 0755));
  equal("a script as interpreter", run("./t", argv, environ), 55);
  must(make_file("sh", "#!/bin/sh\nexit $#"));
  must(chmod("sh", 0755));
  equal("no newline at the end", run("./sh", argv, environ), 2);
}

int main(int argc, char** argv, char** envp) {
  if (argc > 1) return child(argc, argv, envp);
  must(readlink("/proc/self/exe", self, sizeof self - 1));
  enter_directory("exec");
  char* args[] = {"zero", "args", "one", "", "three four", NULL};
  char* environment[] = {"A=1", "EMPTY=", NULL};
  equal("arguments and environment", run(self, args, environment), 0);
  state();
  must(symlink(self, "renamed-program-with-a-long-name"));
  char* aux[] = {"x", "aux", "./renamed-program-with-a-long-name", NULL};
  equal("auxiliary vector and name", run("./renamed-program-with-a-long-name", aux, environ), 0);
  char* many[1003] = {"x", "count"};
  char* word = malloc(101);
  memset(word, 'w', 100);
  word[100] = 0;
  for (int i = 0; i < 1000; i++) many[2 + i] = word;
  many[1002] = NULL;
  equal("a thousand arguments", run(self, many, environ), 0);
  errors();
  scripts();
  int fd = must(open(self, O_RDONLY | O_CLOEXEC));
  pid_t pid = must(fork());
  if (pid == 0) {
    syscall(SYS_execveat, fd, "", args, environment, AT_EMPTY_PATH);
    _exit(200 + (errno & 31));
  }
  equal("execveat of a descriptor", status_of(pid), 0);
  fails("execveat with unknown flags", syscall(SYS_execveat, AT_FDCWD, self, args, environment, 1), EINVAL);
  fails("execveat nofollow of a symlink",
        syscall(SYS_execveat, AT_FDCWD, "renamed-program-with-a-long-name", args, environment, AT_SYMLINK_NOFOLLOW),
        ELOOP);
  fails("execveat of a bad descriptor", syscall(SYS_execveat, 999, "x", args, environment, 0), EBADF);
  return check_done();
}
