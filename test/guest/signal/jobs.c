// Sessions, process groups, stopping and going on: setsid(2), setpgid(2), orphaned groups, who gets signals.
#include "../check.h"

static volatile int count;
static void handler(int signal) {
  (void)signal;
  count++;
}

static pid_t sleeper(void) {
  pid_t pid = must(fork());
  if (pid == 0) {
    for (;;) pause();
  }
  return pid;
}

static void groups(void) {
  pid_t a = sleeper(), b = sleeper();
  equal("setpgid makes a group", setpgid(a, a), 0);
  equal("setpgid joins it", setpgid(b, a), 0);
  equal("getpgid", getpgid(b) == a, 1);
  equal("kill of the group", kill(-a, SIGTERM), 0);
  equal("first ends", status_of(a), 1000 + SIGTERM);
  equal("second ends", status_of(b), 1000 + SIGTERM);
  fails("the group is gone", kill(-a, 0), ESRCH);
  fails("setpgid to a group that isn't there", setpgid(0, 999999), EPERM);
  fails("setpgid of one who is not a child", setpgid(1, 0), getpid() == 1 ? EPERM : ESRCH);
  fails("setpgid negative", setpgid(0, -1), EINVAL);
  fails("getpgid of nobody", getpgid(2000000000), ESRCH);
  fails("getsid of nobody", getsid(2000000000), ESRCH);
  int executed[2];
  char c;
  must(pipe2(executed, O_CLOEXEC));
  pid_t pid = must(fork());
  if (pid == 0) {
    execl("/bin/sleep", "sleep", "100", NULL);
    _exit(1);
  }
  must(close(executed[1]));
  equal("it is executed", read(executed[0], &c, 1), 0);
  fails("setpgid of a child after exec", setpgid(pid, pid), EACCES);
  kill(pid, SIGKILL);
  status_of(pid);
}

static void sessions(void) {
  pid_t pid = must(fork());
  if (pid == 0) {
    if (setsid() != getpid()) _exit(1);
    if (getsid(0) != getpid() || getpgrp() != getpid()) _exit(2);
    if (setsid() != -1 || errno != EPERM) _exit(3);
    if (setpgid(0, 0) != -1 || errno != EPERM) _exit(4);
    if (open("/dev/tty", O_RDWR) != -1 || errno != ENXIO) _exit(5);
    _exit(0);
  }
  equal("setsid", status_of(pid), 0);
  pid = must(fork());
  if (pid == 0) {
    setpgid(0, 0);
    _exit(setsid() == -1 && errno == EPERM ? 0 : 1);
  }
  equal("a group leader can't", status_of(pid), 0);
  pid = must(fork());
  if (pid == 0) {
    setsid();
    pid_t child = fork();
    if (child == 0) {
      sleep_ms(50);
      _exit(0);
    }
    _exit(0);
  }
  equal("setsid with a child", status_of(pid), 0);
}

static void stop_and_continue(void) {
  int status, ends[2];
  must(pipe(ends));
  pid_t pid = must(fork());
  if (pid == 0) {
    signal(SIGCONT, handler);
    raise(SIGSTOP);
    _exit(count == 1 ? 0 : 1);
  }
  equal("stops itself", waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status), 1);
  kill(pid, SIGTERM);
  equal("a stopped one doesn't act on SIGTERM", waitpid(pid, &status, WNOHANG), 0);
  kill(pid, SIGCONT);
  equal("continued, then ended", status_of(pid), 1000 + SIGTERM);
  pid = must(fork());
  if (pid == 0) {
    signal(SIGCONT, handler);
    raise(SIGSTOP);
    _exit(count == 1 ? 0 : 1);
  }
  waitpid(pid, &status, WUNTRACED);
  kill(pid, SIGCONT);
  equal("SIGCONT's handler runs", status_of(pid), 0);
  int tty_signals[] = {SIGTSTP, SIGTTIN, SIGTTOU};
  for (int i = 0; i < 3; i++) {
    pid = must(fork());
    if (pid == 0) {
      raise(tty_signals[i]);
      _exit(7);
    }
    equal("stop signals stop", waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status), 1);
    equal("which", WSTOPSIG(status), tty_signals[i]);
    kill(pid, SIGCONT);
    equal("goes on", status_of(pid), 7);
  }
  // SIGCONT takes pending stops away, stops take pending SIGCONTs away.
  pid = must(fork());
  if (pid == 0) {
    sigset_t set, pending;
    sigfillset(&set);
    sigprocmask(SIG_SETMASK, &set, NULL);
    raise(SIGTSTP);
    raise(SIGCONT);
    sigpending(&pending);
    if (sigismember(&pending, SIGTSTP) || !sigismember(&pending, SIGCONT)) _exit(1);
    raise(SIGTTIN);
    sigpending(&pending);
    if (sigismember(&pending, SIGCONT) || !sigismember(&pending, SIGTTIN)) _exit(2);
    _exit(0);
  }
  equal("SIGCONT and stops cancel each other", status_of(pid), 0);
  // In an orphaned group the default of terminal stops is to do nothing.
  pid = must(fork());
  if (pid == 0) {
    setsid();
    raise(SIGTSTP);
    _exit(5);
  }
  equal("SIGTSTP in an orphaned group", status_of(pid), 5);
  // A newly orphaned group with a stopped member gets SIGHUP and SIGCONT.
  pid = must(fork());
  if (pid == 0) {
    setsid();
    pid_t leader = fork();
    if (leader == 0) {
      setpgid(0, 0);
      pid_t member = fork();
      if (member == 0) {
        signal(SIGHUP, handler);
        raise(SIGSTOP);
        char c = 'h' + count;
        _exit(write(ends[1], &c, 1) != 1);
      }
      waitpid(member, &status, WUNTRACED);
      _exit(0);
    }
    waitpid(leader, &status, 0);
    _exit(0);
  }
  status_of(pid);
  close(ends[1]);
  char c = 0;
  equal("the orphan goes on", read(ends[0], &c, 1), 1);
  equal("after a SIGHUP", c, 'i');
}

static void broadcast(void) {
  signal(SIGUSR1, handler);
  count = 0;
  pid_t group = must(fork());
  if (group == 0) {
    setpgid(0, 0);
    signal(SIGUSR1, handler);
    kill(0, SIGUSR1);
    _exit(count);
  }
  equal("kill(0) reaches one's own group", status_of(group), 1);
  equal("and no other", count, 0);
}

int main(void) {
  groups();
  sessions();
  stop_and_continue();
  broadcast();
  return check_done();
}
