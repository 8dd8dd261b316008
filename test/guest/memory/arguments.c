// execve(2)'s arguments: how much fits, byte for byte, and what does not.
// build: static
#include "../check.h"
#include <sys/resource.h>

extern char **environ;

// The program run again: checks what it was given and reports by its exit code.
static int again(int argc, char **argv) {
  long count = atol(argv[2]), length = atol(argv[3]);
  if (argc != 4 + count) return 10;
  for (long i = 0; i < count; i++) {
    if ((long)strlen(argv[4 + i]) != length) return 11;
    for (long k = 0; k < length; k++)
      if (argv[4 + i][k] != (char)('a' + (i + k) % 26)) return 12;
  }
  if (argv[argc] != NULL) return 13;
  const char *value = getenv("CHECK");
  return value && strcmp(value, "42") == 0 ? 0 : 14;
}

// execve with `count` strings of `length` bytes; the exit code, or 2000 + errno.
static int with(long count, long length, int in_environment) {
  char **argv = calloc(count + 8, sizeof *argv), **envp = calloc(count + 8, sizeof *envp);
  char number[2][32];
  snprintf(number[0], 32, "%ld", in_environment ? 0 : count);
  snprintf(number[1], 32, "%ld", length);
  argv[0] = "arguments";
  argv[1] = "again";
  argv[2] = number[0];
  argv[3] = number[1];
  envp[0] = "CHECK=42";
  for (long i = 0; i < count; i++) {
    char *text = malloc(length + 1);
    for (long k = 0; k < length; k++) text[k] = (char)('a' + (i + k) % 26);
    text[length] = 0;
    if (in_environment) envp[1 + i] = text;
    else argv[4 + i] = text;
  }
  fflush(0);
  pid_t pid = fork();
  if (pid == 0) {
    execve("/proc/self/exe", argv, envp);
    _exit(errno == E2BIG ? 200 : 201);
  }
  return status_of(pid);
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "again") == 0) return again(argc, argv);
  struct rlimit r = {8 << 20, 8 << 20};
  must(setrlimit(RLIMIT_STACK, &r));
  equal("none", with(0, 0, 0), 0);
  equal("empty strings", with(100, 0, 0), 0);
  equal("many short ones", with(20000, 9, 0), 0);
  equal("100 KB", with(10, 10000, 0), 0);
  equal("one of 128 KB less one", with(1, 131071, 0), 0);
  equal("one of 128 KB", with(1, 131072, 0), 200);
  equal("nearly 2 MB", with(19, 100000, 0), 0);
  equal("nearly 2 MB of environment", with(19, 100000, 1), 0);
  equal("more than 2 MB", with(22, 100000, 0), 200);
  equal("more than 2 MB of environment", with(22, 100000, 1), 200);
  equal("pointers count too", with(150000, 5, 0), 200);
  r.rlim_cur = 1 << 20;
  must(setrlimit(RLIMIT_STACK, &r));
  equal("a quarter of a smaller stack", with(2, 100000, 0), 0);
  equal("but no more", with(3, 100000, 0), 200);
  r.rlim_cur = 64 << 10;
  must(setrlimit(RLIMIT_STACK, &r));
  equal("some in any case", with(1, 50000, 0), 0);
  char *no_arguments[] = {NULL};
  pid_t pid = fork();
  if (pid == 0) {
    execve("/bin/true", no_arguments, environ);
    _exit(9);
  }
  equal("no argv at all", status_of(pid), 0);
  pid = fork();
  if (pid == 0) {
    char *bad[] = {"x", (char *)8, NULL};
    execve("/bin/true", bad, environ);
    _exit(errno == EFAULT ? 3 : 4);
  }
  equal("a bad pointer", status_of(pid), 3);
  return check_done();
}
