// sigprocmask(2), sigpending(2), sigsuspend(2), sigaction(2): masks, flags and errnos.
// build: static
#include "../check.h"

static volatile int count, last, nested_depth, deepest;
static sigset_t seen;

static void handler(int signal) {
  count++;
  last = signal;
  sigprocmask(SIG_BLOCK, NULL, &seen);
}

static void nested(int signal) {
  nested_depth++;
  if (nested_depth > deepest) deepest = nested_depth;
  if (++count < 5) raise(signal);
  nested_depth--;
}

static sigset_t set_of(int a, int b) {
  sigset_t set;
  sigemptyset(&set);
  if (a) sigaddset(&set, a);
  if (b) sigaddset(&set, b);
  return set;
}

static void install(int signal, void (*function)(int), int flags, int masked) {
  struct sigaction action = {.sa_handler = function, .sa_flags = flags};
  if (masked) sigaddset(&action.sa_mask, masked);
  must(sigaction(signal, &action, NULL));
}

static void masks(void) {
  sigset_t one = set_of(SIGUSR1, 0), both = set_of(SIGUSR1, SIGUSR2), old, pending;
  install(SIGUSR1, handler, 0, SIGUSR2);
  raise(SIGUSR1);
  equal("handler ran", count, 1);
  holds("the signal itself is blocked in it", sigismember(&seen, SIGUSR1));
  holds("sa_mask is blocked in it", sigismember(&seen, SIGUSR2));
  sigprocmask(SIG_BLOCK, NULL, &old);
  holds("and not after it", !sigismember(&old, SIGUSR1) && !sigismember(&old, SIGUSR2));
  equal("block", sigprocmask(SIG_BLOCK, &one, NULL), 0);
  raise(SIGUSR1);
  raise(SIGUSR1);
  equal("blocked: not delivered", count, 1);
  sigpending(&pending);
  holds("pending", sigismember(&pending, SIGUSR1));
  equal("unblock", sigprocmask(SIG_UNBLOCK, &one, &old), 0);
  equal("standard signals merge", count, 2);
  holds("old mask", sigismember(&old, SIGUSR1));
  install(SIGUSR2, handler, 0, 0);
  sigprocmask(SIG_SETMASK, &both, NULL);
  raise(SIGUSR2);
  raise(SIGUSR1);
  sigset_t none = set_of(0, 0);
  sigprocmask(SIG_SETMASK, &none, NULL);
  equal("both delivered", count, 4);
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  sigprocmask(SIG_SETMASK, NULL, &old);
  holds("SIGKILL can't be blocked", !sigismember(&old, SIGKILL));
  holds("SIGSTOP can't be blocked", !sigismember(&old, SIGSTOP));
  sigprocmask(SIG_SETMASK, &none, NULL);
}

static void flags(void) {
  count = 0;
  install(SIGUSR1, handler, SA_NODEFER, 0);
  raise(SIGUSR1);
  holds("SA_NODEFER: not blocked in it", !sigismember(&seen, SIGUSR1));
  install(SIGUSR1, nested, SA_NODEFER, 0);
  count = 0;
  raise(SIGUSR1);
  equal("SA_NODEFER: nests", deepest, 5);
  install(SIGUSR1, nested, 0, 0);
  count = deepest = 0;
  raise(SIGUSR1);
  equal("without it: one after another", deepest, 1);
  equal("but all of them", count, 5);
  install(SIGUSR1, handler, SA_RESETHAND, 0);
  raise(SIGUSR1);
  struct sigaction old;
  sigaction(SIGUSR1, NULL, &old);
  holds("SA_RESETHAND", old.sa_handler == SIG_DFL);
  install(SIGUSR1, handler, SA_RESTART | SA_ONSTACK | SA_NOCLDSTOP, SIGHUP);
  sigaction(SIGUSR1, NULL, &old);
  equal("flags read back", old.sa_flags & ~0x04000000, SA_RESTART | SA_ONSTACK | SA_NOCLDSTOP);
  holds("mask reads back", sigismember(&old.sa_mask, SIGHUP) && !sigismember(&old.sa_mask, SIGINT));
  holds("handler reads back", old.sa_handler == handler);
}

static void suspend(void) {
  install(SIGALRM, handler, 0, 0);
  sigset_t alarm_set = set_of(SIGALRM, 0), none = set_of(0, 0), usr = set_of(SIGUSR1, 0), now;
  count = 0;
  sigprocmask(SIG_SETMASK, &alarm_set, NULL);
  raise(SIGALRM);
  fails("sigsuspend with a pending signal", sigsuspend(&none), EINTR);
  equal("handler ran once", count, 1);
  sigprocmask(SIG_SETMASK, NULL, &now);
  holds("mask is restored", sigismember(&now, SIGALRM));
  pid_t parent = getpid();
  pid_t pid = must(fork());
  if (pid == 0) {
    sleep_ms(30);
    kill(parent, SIGALRM);
    _exit(0);
  }
  fails("sigsuspend waits", sigsuspend(&usr), EINTR);
  equal("handler ran again", count, 2);
  holds("sigsuspend's mask was blocked in the handler", sigismember(&seen, SIGUSR1));
  status_of(pid);
  sigprocmask(SIG_SETMASK, &none, NULL);
  pid = interrupt_asleep(SIGALRM);
  fails("pause", pause(), EINTR);
  status_of(pid);
}

static void errors(void) {
  struct sigaction action = {.sa_handler = handler};
  sigset_t set = set_of(SIGUSR1, 0);
  fails("sigaction of SIGKILL", syscall(SYS_rt_sigaction, SIGKILL, &action, NULL, 8), EINVAL);
  fails("sigaction of SIGSTOP", syscall(SYS_rt_sigaction, SIGSTOP, &action, NULL, 8), EINVAL);
  equal("reading SIGKILL's", syscall(SYS_rt_sigaction, SIGKILL, NULL, &action, 8), 0);
  fails("sigaction of 0", syscall(SYS_rt_sigaction, 0, NULL, &action, 8), EINVAL);
  fails("sigaction of 65", syscall(SYS_rt_sigaction, 65, NULL, &action, 8), EINVAL);
  fails("sigaction with another set size", syscall(SYS_rt_sigaction, SIGUSR1, NULL, &action, 4), EINVAL);
  fails("sigaction from a bad pointer", syscall(SYS_rt_sigaction, SIGUSR1, (void*)8, NULL, 8), EFAULT);
  fails("sigaction to a bad pointer", syscall(SYS_rt_sigaction, SIGUSR1, NULL, (void*)8, 8), EFAULT);
  fails("sigprocmask with an unknown how", syscall(SYS_rt_sigprocmask, 7, &set, NULL, 8), EINVAL);
  equal("unless there is no set", syscall(SYS_rt_sigprocmask, 7, NULL, NULL, 8), 0);
  fails("sigprocmask with another size", syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, NULL, 16), EINVAL);
  fails("sigprocmask from a bad pointer", syscall(SYS_rt_sigprocmask, SIG_BLOCK, (void*)8, NULL, 8), EFAULT);
  fails("sigpending to a bad pointer", syscall(SYS_rt_sigpending, (void*)8, 8), EFAULT);
  fails("sigpending with a large size", syscall(SYS_rt_sigpending, &set, 16), EINVAL);
  fails("sigsuspend with another size", syscall(SYS_rt_sigsuspend, &set, 4), EINVAL);
  fails("kill with a bad signal", kill(getpid(), 65), EINVAL);
  fails("kill with a negative signal", kill(getpid(), -1), EINVAL);
  equal("kill with 0", kill(getpid(), 0), 0);
  fails("kill of nobody", kill(2000000000, 0), ESRCH);
  fails("kill of no group", kill(-2000000000, 0), ESRCH);
  fails("tgkill with tid 0", syscall(SYS_tgkill, getpid(), 0, 0), EINVAL);
  fails("tgkill with tgid -1", syscall(SYS_tgkill, -1, getpid(), 0), EINVAL);
  fails("tgkill of another group", syscall(SYS_tgkill, getpid() + 1000000, getpid(), 0), ESRCH);
  fails("tkill with 0", syscall(SYS_tkill, 0, 0), EINVAL);
}

static void ignoring(void) {
  sigset_t set = set_of(SIGUSR1, 0), pending;
  sigprocmask(SIG_BLOCK, &set, NULL);
  install(SIGUSR1, handler, 0, 0);
  raise(SIGUSR1);
  install(SIGUSR1, SIG_IGN, 0, 0);
  sigpending(&pending);
  holds("ignoring discards what is pending", !sigismember(&pending, SIGUSR1));
  install(SIGCHLD, handler, 0, 0);
  set = set_of(SIGCHLD, 0);
  sigprocmask(SIG_BLOCK, &set, NULL);
  raise(SIGCHLD);
  install(SIGCHLD, SIG_DFL, 0, 0);
  sigpending(&pending);
  holds("so does a default of ignoring", !sigismember(&pending, SIGCHLD));
  sigset_t none = set_of(0, 0);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

static void defaults(void) {
  int terminating[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGILL,  SIGTRAP, SIGABRT, SIGBUS,    SIGFPE,  SIGUSR1,
                       SIGSEGV, SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, SIGXCPU, SIGVTALRM, SIGPROF, SIGIO,
                       SIGSYS,  SIGXFSZ, SIGPWR,  SIGSTKFLT, 34,    50,      64};
  for (unsigned i = 0; i < sizeof terminating / sizeof *terminating; i++) {
    char name[32];
    snprintf(name, sizeof name, "default of %d ends", terminating[i]);
    pid_t pid = must(fork());
    if (pid == 0) {
      signal(terminating[i], SIG_DFL);
      raise(terminating[i]);
      _exit(0);
    }
    equal(name, status_of(pid), 1000 + terminating[i]);
  }
  int ignored[] = {SIGCHLD, SIGURG, SIGWINCH, SIGCONT};
  for (unsigned i = 0; i < sizeof ignored / sizeof *ignored; i++) {
    char name[32];
    snprintf(name, sizeof name, "default of %d is to ignore", ignored[i]);
    pid_t pid = must(fork());
    if (pid == 0) {
      raise(ignored[i]);
      _exit(0);
    }
    equal(name, status_of(pid), 0);
  }
}

int main(void) {
  masks();
  flags();
  suspend();
  errors();
  ignoring();
  defaults();
  return check_done();
}
