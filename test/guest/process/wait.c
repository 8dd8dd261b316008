// wait4(2), waitid(2): flags, who is waited for, what is reported, and errnos.
#include "../check.h"
#include <sys/resource.h>

static pid_t child_exiting(int code) {
  pid_t pid = must(fork());
  if (pid == 0) _exit(code);
  return pid;
}

static pid_t child_sleeping(void) {
  pid_t pid = must(fork());
  if (pid == 0) {
    for (;;) pause();
  }
  return pid;
}

static void errors(void) {
  int status;
  fails("wait4 without children", waitpid(-1, &status, 0), ECHILD);
  fails("wait4 for one that is not ours", waitpid(getpid(), &status, 0), ECHILD);
  fails("wait4 with unknown options", wait4(-1, &status, 0x4000, NULL), EINVAL);
  fails("wait4 for pid INT_MIN", wait4(-2147483647 - 1, &status, 0, NULL), ESRCH);
  fails("waitid without events", waitid(P_ALL, 0, NULL, WNOHANG), EINVAL);
  fails("waitid with unknown options", waitid(P_ALL, 0, NULL, WEXITED | 0x4000), EINVAL);
  fails("waitid with unknown type", waitid(77, 0, NULL, WEXITED), EINVAL);
  fails("waitid P_PID of 0", waitid(P_PID, 0, NULL, WEXITED), EINVAL);
  fails("waitid without children", waitid(P_ALL, 0, NULL, WEXITED), ECHILD);
  pid_t pid = child_exiting(0);
  fails("wait4 writes status to a bad pointer", wait4(pid, (int*)8, 0, NULL), EFAULT);
  fails("and the child is gone", waitpid(pid, NULL, 0), ECHILD);
}

static void exit_status(void) {
  int codes[] = {0, 1, 42, 127, 255, 256 + 3};
  for (unsigned i = 0; i < sizeof codes / sizeof *codes; i++) {
    int status;
    pid_t pid = child_exiting(codes[i]);
    equal("waitpid gives the pid", waitpid(pid, &status, 0) == pid, 1);
    equal("status", status, (codes[i] & 255) << 8);
  }
  int signals[] = {SIGKILL, SIGTERM, SIGHUP, SIGUSR1, SIGALRM, SIGRTMIN, 64};
  for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) {
    int status;
    pid_t pid = child_sleeping();
    kill(pid, signals[i]);
    equal("killed: waitpid gives the pid", waitpid(pid, &status, 0) == pid, 1);
    equal("killed: status", status & 0xff7f, signals[i]);
  }
}

static void no_hang(void) {
  int status = 77;
  pid_t pid = child_sleeping();
  equal("WNOHANG with a running child", waitpid(pid, &status, WNOHANG), 0);
  equal("status is not written", status, 77);
  siginfo_t info;
  memset(&info, 0xff, sizeof info);
  equal("waitid WNOHANG", waitid(P_PID, pid, &info, WEXITED | WNOHANG), 0);
  equal("si_pid is 0", info.si_pid, 0);
  equal("si_signo is 0", info.si_signo, 0);
  kill(pid, SIGKILL);
  equal("killed", status_of(pid), 1000 + SIGKILL);
}

static void waitid_fields(void) {
  siginfo_t info = {0};
  pid_t pid = child_exiting(9);
  equal("WNOWAIT", waitid(P_PID, pid, &info, WEXITED | WNOWAIT), 0);
  equal("si_status", info.si_status, 9);
  memset(&info, 0, sizeof info);
  equal("again", waitid(P_PID, pid, &info, WEXITED), 0);
  equal("si_signo", info.si_signo, SIGCHLD);
  equal("si_code exited", info.si_code, CLD_EXITED);
  equal("si_pid", info.si_pid == pid, 1);
  equal("si_uid", info.si_uid, getuid());
  equal("si_errno", info.si_errno, 0);
  fails("and it is gone", waitid(P_PID, pid, &info, WEXITED), ECHILD);
  pid = child_sleeping();
  kill(pid, SIGTERM);
  equal("waitid of a killed child", waitid(P_PID, pid, &info, WEXITED), 0);
  equal("si_code killed", info.si_code, CLD_KILLED);
  equal("si_status is the signal", info.si_status, SIGTERM);
}

static void stops(void) {
  siginfo_t info;
  int status;
  pid_t pid = child_sleeping();
  kill(pid, SIGSTOP);
  equal("WUNTRACED", waitpid(pid, &status, WUNTRACED) == pid, 1);
  equal("stopped status", status, SIGSTOP << 8 | 0x7f);
  equal("reported once", waitpid(pid, &status, WUNTRACED | WNOHANG), 0);
  kill(pid, SIGCONT);
  equal("WCONTINUED", waitpid(pid, &status, WCONTINUED) == pid, 1);
  equal("continued status", status, 0xffff);
  equal("continued once", waitpid(pid, &status, WCONTINUED | WNOHANG), 0);
  kill(pid, SIGTSTP);
  equal("waitid WSTOPPED", waitid(P_PID, pid, &info, WSTOPPED), 0);
  equal("si_code stopped", info.si_code, CLD_STOPPED);
  equal("si_status stopped", info.si_status, SIGTSTP);
  kill(pid, SIGCONT);
  equal("waitid WCONTINUED", waitid(P_PID, pid, &info, WCONTINUED), 0);
  equal("si_code continued", info.si_code, CLD_CONTINUED);
  equal("si_status continued", info.si_status, SIGCONT);
  kill(pid, SIGSTOP);
  kill(pid, SIGKILL);
  equal("SIGKILL ends a stopped one", status_of(pid), 1000 + SIGKILL);
}

static void groups(void) {
  pid_t a = must(fork());
  if (a == 0) {
    setpgid(0, 0);
    _exit(1);
  }
  setpgid(a, a);
  pid_t b = must(fork());
  if (b == 0) _exit(2);
  int status;
  equal("by group", waitpid(-a, &status, 0) == a, 1);
  fails("no more in the group", waitpid(-a, &status, 0), ECHILD);
  equal("pid 0 is my group", waitpid(0, &status, 0) == b, 1);
  equal("its status", WEXITSTATUS(status), 2);
}

static void ignored_children(void) {
  signal(SIGCHLD, SIG_IGN);
  pid_t pid = child_exiting(3);
  fails("ignored SIGCHLD: nobody to wait for", waitpid(pid, NULL, 0), ECHILD);
  struct sigaction action = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT};
  sigaction(SIGCHLD, &action, NULL);
  pid = child_exiting(3);
  fails("SA_NOCLDWAIT: nobody to wait for", waitpid(pid, NULL, 0), ECHILD);
  signal(SIGCHLD, SIG_DFL);
}

static void orphans(void) {
  int ends[2];
  must(pipe(ends));
  pid_t pid = must(fork());
  if (pid == 0) {
    pid_t me = getpid();
    if (fork() == 0) {
      while (getppid() == me) usleep(1000);
      char c = getppid() != me;
      _exit(write(ends[1], &c, 1) != 1);
    }
    _exit(0);
  }
  status_of(pid);
  char c = 0;
  close(ends[1]);
  equal("the orphan reports", read(ends[0], &c, 1), 1);
  equal("and has another parent", c, 1);
  close(ends[0]);
}

static void usage(void) {
  struct rusage before, after;
  memset(&before, 0xff, sizeof before);
  pid_t pid = must(fork());
  if (pid == 0) {
    long end = now_ns(CLOCK_PROCESS_CPUTIME_ID) + 60000000;
    while (now_ns(CLOCK_PROCESS_CPUTIME_ID) < end) {}
    _exit(0);
  }
  equal("wait4 with usage", wait4(pid, NULL, 0, &before) == pid, 1);
  long us = before.ru_utime.tv_sec * 1000000 + before.ru_utime.tv_usec + before.ru_stime.tv_sec * 1000000 +
            before.ru_stime.tv_usec;
  holds("at least 40 ms", us >= 40000);
  holds("at most 10 s", us < 10000000);
  must(getrusage(RUSAGE_CHILDREN, &after));
  holds("RUSAGE_CHILDREN has it", after.ru_utime.tv_sec * 1000000 + after.ru_utime.tv_usec +
                                      after.ru_stime.tv_sec * 1000000 + after.ru_stime.tv_usec >= 40000);
}

int main(void) {
  errors();
  exit_status();
  no_hang();
  waitid_fields();
  stops();
  groups();
  ignored_children();
  orphans();
  usage();
  return check_done();
}
