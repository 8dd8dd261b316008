// Signals in signals: different ones inside each other, faults in handlers, forks and waits in handlers, storms.
#include "../check.h"
#include <setjmp.h>
#include <sys/time.h>

static volatile int order[16], steps, children, usr1, usr2;
static sigjmp_buf jump;

static void outer(int signal) {
  order[steps++] = signal;
  kill(getpid(), SIGUSR2);
  order[steps++] = -signal;
}
static void inner(int signal) {
  order[steps++] = signal;
  order[steps++] = -signal;
}
static void fault_in_handler(int signal) {
  (void)signal;
  if (sigsetjmp(jump, 1) == 0) *(volatile int*)8 = 1;
  steps++;
}
static void on_fault(int signal) {
  (void)signal;
  steps += 10;
  siglongjmp(jump, 1);
}
static void fork_in_handler(int signal) {
  (void)signal;
  pid_t pid = fork();
  if (pid == 0) _exit(33);
  children += status_of(pid) == 33;
}
static void count_usr1(int signal) {
  (void)signal;
  usr1++;
}
static void count_usr2(int signal) {
  (void)signal;
  usr2++;
}
static void reap(int signal) {
  (void)signal;
  while (waitpid(-1, NULL, WNOHANG) > 0) children++;
}

int main(void) {
  signal(SIGUSR1, outer);
  signal(SIGUSR2, inner);
  raise(SIGUSR1);
  int want[] = {SIGUSR1, SIGUSR2, -SIGUSR2, -SIGUSR1};
  for (int i = 0; i < 4; i++) equal("one inside the other", order[i], want[i]);

  steps = 0;
  signal(SIGUSR1, fault_in_handler);
  signal(SIGSEGV, on_fault);
  raise(SIGUSR1);
  equal("a fault in a handler", steps, 11);

  signal(SIGUSR1, fork_in_handler);
  for (int i = 0; i < 5; i++) raise(SIGUSR1);
  equal("forks in handlers", children, 5);

  // Two processes flood each other; nothing is lost that must not be, nobody dies.
  signal(SIGUSR1, count_usr1);
  signal(SIGUSR2, count_usr2);
  pid_t parent = getpid();
  pid_t pid = must(fork());
  if (pid == 0) {
    for (int i = 0; i < 2000; i++) kill(parent, i & 1 ? SIGUSR1 : SIGUSR2);
    _exit(0);
  }
  int status;
  while (waitpid(pid, &status, 0) != pid) {}
  equal("flood from a child", status, 0);
  holds("some of each came", usr1 > 0 && usr2 > 0);

  children = 0;
  signal(SIGCHLD, reap);
  for (int i = 0; i < 50; i++) {
    if (must(fork()) == 0) _exit(0);
  }
  sigset_t block, old;
  sigemptyset(&block);
  sigaddset(&block, SIGCHLD);
  sigprocmask(SIG_BLOCK, &block, &old);
  while (children < 50) sigsuspend(&old);
  sigprocmask(SIG_SETMASK, &old, NULL);
  equal("fifty children reaped by the handler", children, 50);
  signal(SIGCHLD, SIG_DFL);

  // Realtime signals: not one is lost.
  struct sigaction action = {.sa_handler = count_usr1};
  sigaction(40, &action, NULL);
  usr1 = 0;
  pid = must(fork());
  if (pid == 0) {
    for (int i = 0; i < 500; i++) {
      while (sigqueue(parent, 40, (union sigval){.sival_int = i}) != 0) usleep(100);
    }
    _exit(0);
  }
  while (waitpid(pid, &status, 0) != pid) {}
  equal("five hundred realtime signals", usr1, 500);
  return check_done();
}
