// clone(2), clone3(2), vfork(2): flags, exit signals, what is shared, and errnos.
// build: -pthread
#include "../check.h"
#include <linux/sched.h>
#include <spawn.h>
#include <pthread.h>

static char stack[256 * 1024] __attribute__((aligned(64)));
static volatile int shared_word;
static int child_tid_word, parent_tid_word;

static int set_word(void* value) {
  shared_word = (int)(long)value;
  return 5;
}

static int close_three(void* value) {
  (void)value;
  return close(3) == 0 ? 0 : 1;
}

static int change_directory(void* value) {
  (void)value;
  umask(0700);
  return chdir("/") == 0 ? 0 : 1;
}

static int change_handler(void* value) {
  (void)value;
  signal(SIGUSR1, SIG_IGN);
  return 0;
}

static pid_t run(int (*function)(void*), int flags, void* argument) {
  return clone(function, stack + sizeof stack, flags, argument, &parent_tid_word, NULL, &child_tid_word);
}

static int status_any(pid_t pid, int options) {
  int status;
  if (waitpid(pid, &status, options) != pid) return -errno;
  return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void sharing(void) {
  shared_word = 1;
  equal("CLONE_VM", status_any(must(run(set_word, CLONE_VM | SIGCHLD, (void*)2)), 0), 5);
  equal("writes are seen", shared_word, 2);
  equal("without CLONE_VM", status_any(must(run(set_word, SIGCHLD, (void*)3)), 0), 5);
  equal("writes are not seen", shared_word, 2);
  must(dup2(1, 3));
  equal("without CLONE_FILES", status_any(must(run(close_three, SIGCHLD, NULL)), 0), 0);
  equal("3 is open", fcntl(3, F_GETFD), 0);
  equal("CLONE_FILES", status_any(must(run(close_three, CLONE_FILES | SIGCHLD, NULL)), 0), 0);
  fails("3 is closed", fcntl(3, F_GETFD), EBADF);
  char before[256], after[256];
  enter_directory("clone");
  getcwd(before, sizeof before);
  umask(022);
  status_any(must(run(change_directory, SIGCHLD, NULL)), 0);
  same_text("without CLONE_FS the directory stays", getcwd(after, sizeof after), before);
  status_any(must(run(change_directory, CLONE_FS | SIGCHLD, NULL)), 0);
  same_text("CLONE_FS: the directory changed", getcwd(after, sizeof after), "/");
  equal("CLONE_FS: the umask changed", umask(022), 0700);
  signal(SIGUSR1, SIG_DFL);
  status_any(must(run(change_handler, CLONE_VM | SIGCHLD, NULL)), 0);
  holds("without CLONE_SIGHAND", signal(SIGUSR1, SIG_DFL) == SIG_DFL);
  status_any(must(run(change_handler, CLONE_VM | CLONE_SIGHAND | SIGCHLD, NULL)), 0);
  holds("CLONE_SIGHAND", signal(SIGUSR1, SIG_DFL) == SIG_IGN);
}

static void tids(void) {
  parent_tid_word = child_tid_word = 0;
  pid_t pid = must(run(set_word, CLONE_VM | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, NULL));
  equal("CLONE_PARENT_SETTID", parent_tid_word == pid, 1);
  status_any(pid, 0);
  equal("CLONE_CHILD_SETTID", child_tid_word == pid, 1);
  child_tid_word = 77;
  pid = must(run(set_word, CLONE_VM | CLONE_CHILD_CLEARTID | SIGCHLD, NULL));
  status_any(pid, 0);
  equal("CLONE_CHILD_CLEARTID", child_tid_word, 0);
}

static volatile int chld, usr1;
static void count(int signal) {
  if (signal == SIGCHLD) chld++;
  else usr1++;
}

static void exit_signals(void) {
  signal(SIGCHLD, count);
  signal(SIGUSR1, count);
  pid_t pid = must(run(set_word, SIGUSR1, NULL));
  equal("other exit signal: __WALL", status_any(pid, __WALL), 5);
  equal("SIGUSR1 came", usr1, 1);
  equal("SIGCHLD did not", chld, 0);
  pid = must(run(set_word, 0, NULL));
  fails("no exit signal: plain wait sees none", waitpid(pid, NULL, 0), ECHILD);
  equal("no exit signal: __WCLONE", status_any(pid, __WCLONE), 5);
  signal(SIGCHLD, SIG_DFL);
  signal(SIGUSR1, SIG_DFL);
}

static void errors(void) {
  fails("CLONE_SIGHAND without CLONE_VM", run(set_word, CLONE_SIGHAND | SIGCHLD, NULL), EINVAL);
  fails("CLONE_THREAD without CLONE_SIGHAND", run(set_word, CLONE_THREAD | CLONE_VM, NULL), EINVAL);
  fails("CLONE_FS with CLONE_NEWNS", run(set_word, CLONE_FS | CLONE_NEWNS, NULL), EINVAL);
  fails("CLONE_PIDFD with CLONE_PARENT_SETTID", run(set_word, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, NULL), EINVAL);
  struct clone_args args = {.exit_signal = SIGCHLD};
  fails("clone3 too small", syscall(SYS_clone3, &args, 8), EINVAL);
  fails("clone3 bad pointer", syscall(SYS_clone3, (void*)8, sizeof args), EFAULT);
}

static void vforks(void) {
  shared_word = 0;
  long start = now_ns(CLOCK_MONOTONIC);
  pid_t pid = vfork();
  if (pid == 0) {
    shared_word = 9;
    struct timespec t = {0, 30000000};
    syscall(SYS_nanosleep, &t, NULL);
    _exit(4);
  }
  holds("vfork waits for the child", now_ns(CLOCK_MONOTONIC) - start >= 30000000);
  equal("and shares memory", shared_word, 9);
  equal("its status", status_of(pid), 4);
  pid = vfork();
  if (pid == 0) {
    execl("/bin/sh", "sh", "-c", "exit 6", NULL);
    _exit(99);
  }
  equal("exec in vfork", status_of(pid), 6);
  pid = vfork();
  if (pid == 0) {
    execl("/no/such/program", "x", NULL);
    _exit(8);
  }
  equal("failing exec in vfork", status_of(pid), 8);
  pid = vfork();
  if (pid == 0) {
    kill(getpid(), SIGKILL);
    _exit(0);
  }
  equal("killed in vfork", status_of(pid), 1009);
  int good = 0;
  for (int i = 0; i < 50; i++) {
    pid_t spawned;
    char* argv[] = {"true", NULL};
    if (posix_spawnp(&spawned, "true", NULL, NULL, argv, environ) == 0 && status_of(spawned) == 0) good++;
  }
  equal("posix_spawn fifty times", good, 50);
  pid_t spawned;
  char* argv[] = {"x", NULL};
  equal("posix_spawn of what is missing", posix_spawn(&spawned, "/no/such", NULL, NULL, argv, environ), ENOENT);
}

static void* spawner(void* argument) {
  long bad = 0;
  for (int i = 0; i < 10; i++) {
    pid_t pid;
    char* argv[] = {"sh", "-c", "exit 3", NULL};
    if (posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, environ) != 0 || status_of(pid) != 3) bad++;
  }
  (void)argument;
  return (void*)bad;
}

static void threads_spawn(void) {
  pthread_t threads[4];
  long bad = 0;
  for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, spawner, NULL);
  for (int i = 0; i < 4; i++) {
    void* result;
    pthread_join(threads[i], &result);
    bad += (long)result;
  }
  equal("four threads spawn at once", bad, 0);
}

int main(void) {
  sharing();
  tids();
  exit_signals();
  errors();
  vforks();
  threads_spawn();
  return check_done();
}
