// Queues of signals: order, realtime, siginfo fields of each sender, sigtimedwait(2), rt_sigqueueinfo(2).
#include "../check.h"

static siginfo_t infos[64];
static volatile int count;

static void record(int signal, siginfo_t* info, void* context) {
  (void)signal;
  (void)context;
  if (count < 64) infos[count] = *info;
  count++;
}

static void install(int signal) {
  struct sigaction action = {.sa_sigaction = record, .sa_flags = SA_SIGINFO};
  sigfillset(&action.sa_mask);
  must(sigaction(signal, &action, NULL));
}

// The parent may see the state before the signal.
static void wait_for_one(void) {
  for (int i = 0; count == 0 && i < 60000; i++) sleep_ms(1);
}

static void block(int how, int first, int last) {
  sigset_t set;
  sigemptyset(&set);
  for (int s = first; s <= last; s++) sigaddset(&set, s);
  must(sigprocmask(how, &set, NULL));
}

static void order(void) {
  for (int s = 34; s <= 40; s++) install(s);
  install(SIGUSR1);
  block(SIG_BLOCK, 1, 64);
  for (int i = 0; i < 5; i++) must(sigqueue(getpid(), 36, (union sigval){.sival_int = i}));
  must(sigqueue(getpid(), 34, (union sigval){.sival_int = 100}));
  must(sigqueue(getpid(), 40, (union sigval){.sival_int = 101}));
  must(sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 102}));
  must(sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 103}));
  block(SIG_UNBLOCK, 1, 64);
  equal("all of the realtime ones, one of the standard ones", count, 8);
  int values[] = {102, 100, 0, 1, 2, 3, 4, 101};
  for (int i = 0; i < 8; i++) equal("lowest first, then in order", infos[i].si_value.sival_int, values[i]);
  equal("si_code", infos[0].si_code, SI_QUEUE);
  equal("si_pid", infos[0].si_pid == getpid(), 1);
  equal("si_uid", infos[0].si_uid, getuid());
  equal("si_signo", infos[1].si_signo, 34);
}

static void senders(void) {
  count = 0;
  install(SIGUSR1);
  kill(getpid(), SIGUSR1);
  equal("kill: si_code", infos[0].si_code, SI_USER);
  equal("kill: si_pid", infos[0].si_pid == getpid(), 1);
  raise(SIGUSR1);
  equal("tgkill: si_code", infos[1].si_code, SI_TKILL);
  equal("tgkill: si_pid", infos[1].si_pid == getpid(), 1);
  install(SIGCHLD);
  count = 0;
  pid_t pid = must(fork());
  if (pid == 0) _exit(11);
  status_of(pid);
  equal("SIGCHLD came", count, 1);
  equal("SIGCHLD: si_code", infos[0].si_code, CLD_EXITED);
  equal("SIGCHLD: si_status", infos[0].si_status, 11);
  equal("SIGCHLD: si_pid", infos[0].si_pid == pid, 1);
  equal("SIGCHLD: si_uid", infos[0].si_uid, getuid());
  count = 0;
  pid = must(fork());
  if (pid == 0) {
    for (;;) pause();
  }
  kill(pid, SIGSTOP);
  int status;
  waitpid(pid, &status, WUNTRACED);
  wait_for_one();
  equal("stopped: si_code", infos[0].si_code, CLD_STOPPED);
  equal("stopped: si_status", infos[0].si_status, SIGSTOP);
  count = 0;
  kill(pid, SIGCONT);
  waitpid(pid, &status, WCONTINUED);
  wait_for_one();
  equal("continued: si_code", infos[0].si_code, CLD_CONTINUED);
  count = 0;
  kill(pid, SIGKILL);
  status_of(pid);
  equal("killed: si_code", infos[0].si_code, CLD_KILLED);
  equal("killed: si_status", infos[0].si_status, SIGKILL);
  struct sigaction action = {.sa_sigaction = record, .sa_flags = SA_SIGINFO | SA_NOCLDSTOP};
  sigaction(SIGCHLD, &action, NULL);
  count = 0;
  pid = must(fork());
  if (pid == 0) {
    for (;;) pause();
  }
  kill(pid, SIGSTOP);
  waitpid(pid, &status, WUNTRACED);
  equal("SA_NOCLDSTOP: none for stops", count, 0);
  kill(pid, SIGKILL);
  status_of(pid);
  wait_for_one();
  equal("SA_NOCLDSTOP: one for the end", count, 1);
  signal(SIGCHLD, SIG_DFL);
  install(SIGALRM);
  count = 0;
  alarm(1);
  while (count == 0) sleep_ms(10);
  equal("alarm: si_code", infos[0].si_code, SI_KERNEL);
  install(SIGPIPE);
  count = 0;
  int ends[2];
  must(pipe(ends));
  close(ends[0]);
  fails("EPIPE", write(ends[1], "x", 1), EPIPE);
  equal("SIGPIPE came", count, 1);
  equal("SIGPIPE: si_code", infos[0].si_code, SI_USER);
  close(ends[1]);
}

static void waiting(void) {
  siginfo_t info;
  struct timespec zero = {0, 0}, short_time = {0, 30000000}, bad = {0, 1000000000}, negative = {-1, 0};
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, 35);
  block(SIG_BLOCK, SIGUSR1, SIGUSR1);
  block(SIG_BLOCK, 35, 35);
  fails("sigtimedwait with nothing pending", sigtimedwait(&set, &info, &zero), EAGAIN);
  long start = now_ns(CLOCK_MONOTONIC);
  fails("sigtimedwait times out", sigtimedwait(&set, &info, &short_time), EAGAIN);
  holds("after its time", now_ns(CLOCK_MONOTONIC) - start >= 30000000);
  fails("sigtimedwait with a bad time", sigtimedwait(&set, &info, &bad), EINVAL);
  fails("sigtimedwait with a negative time", sigtimedwait(&set, &info, &negative), EINVAL);
  sigqueue(getpid(), 35, (union sigval){.sival_int = 7});
  sigqueue(getpid(), 35, (union sigval){.sival_int = 8});
  raise(SIGUSR1);
  equal("lowest first", sigwaitinfo(&set, &info), SIGUSR1);
  equal("then the queue", sigwaitinfo(&set, &info), 35);
  equal("its value", info.si_value.sival_int, 7);
  equal("next of the queue", sigtimedwait(&set, &info, &zero), 35);
  equal("next value", info.si_value.sival_int, 8);
  fails("nothing left", sigtimedwait(&set, &info, &zero), EAGAIN);
  pid_t parent = getpid();
  pid_t pid = must(fork());
  if (pid == 0) {
    sleep_ms(30);
    sigqueue(parent, 35, (union sigval){.sival_int = 9});
    _exit(0);
  }
  equal("waits for one", sigwaitinfo(&set, &info), 35);
  equal("si_pid of the sender", info.si_pid == pid, 1);
  status_of(pid);
  install(SIGUSR2);
  pid = interrupt_asleep(SIGUSR2);
  fails("interrupted by another", sigwaitinfo(&set, &info), EINTR);
  status_of(pid);
  fails("bad set", syscall(SYS_rt_sigtimedwait, (void*)8, NULL, &zero, 8), EFAULT);
  fails("bad size", syscall(SYS_rt_sigtimedwait, &set, NULL, &zero, 4), EINVAL);
  raise(SIGUSR1);
  fails("bad info", syscall(SYS_rt_sigtimedwait, &set, (void*)8, &zero, 8), EFAULT);
}

static void queueinfo(void) {
  siginfo_t info = {.si_code = -60};
  struct timespec zero = {0, 0};
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, 35);
  equal("rt_sigqueueinfo to myself with any code", syscall(SYS_rt_sigqueueinfo, getpid(), 35, &info), 0);
  equal("it comes", sigtimedwait(&set, &info, &zero), 35);
  equal("with its code", info.si_code, -60);
  info.si_code = SI_USER;
  pid_t pid = must(fork());
  if (pid == 0) {
    for (;;) pause();
  }
  fails("the kernel's codes can't be sent to others", syscall(SYS_rt_sigqueueinfo, pid, 35, &info), EPERM);
  info.si_code = SI_TKILL;
  fails("nor tkill's", syscall(SYS_rt_sigqueueinfo, pid, 35, &info), EPERM);
  kill(pid, SIGKILL);
  status_of(pid);
  info.si_code = SI_QUEUE;
  fails("nobody", syscall(SYS_rt_sigqueueinfo, 2000000000, 35, &info), ESRCH);
  fails("bad info", syscall(SYS_rt_sigqueueinfo, getpid(), 35, (void*)8), EFAULT);
}

int main(void) {
  order();
  senders();
  waiting();
  queueinfo();
  return check_done();
}
