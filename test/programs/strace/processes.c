// Calls on processes, signals, time and limits.
#include "calls.h"
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>

struct action {
  void* handler;
  unsigned long flags;
  void* restorer;
  uint64_t mask;
};

static void handle(int signo) {
  (void)signo;
}

static void signals(void) {
  uint64_t set = 1ul << (SIGUSR1 - 1) | 1ul << (SIGINT - 1), many = ~set, old, none = 0;
  struct action action = {SIG_IGN, SA_RESTART | SA_NODEFER, 0, set};
  call(SYS_rt_sigaction, SIGUSR2, &action, &action, 8);
  call(SYS_rt_sigaction, SIGUSR2, 0, &action, 8);
  call(SYS_rt_sigaction, SIGKILL, &action, 0, 8);
  call(SYS_rt_sigaction, 40, 0, &action, 8);
  call(SYS_rt_sigprocmask, SIG_BLOCK, &set, &old, 8);
  call(SYS_rt_sigprocmask, SIG_SETMASK, 0, &old, 8);
  call(SYS_rt_sigprocmask, SIG_UNBLOCK, &none, 0, 8);
  call(SYS_rt_sigprocmask, 9, &many, 0, 8);
  signal(SIGUSR1, handle);
  call(SYS_kill, getpid(), SIGUSR1);
  call(SYS_kill, getpid(), 0);
  call(SYS_kill, 99999, SIGRTMIN + 1);
  call(SYS_tkill, getpid(), SIGINT);
  call(SYS_tgkill, getpid(), getpid(), SIGUSR1);
  call(SYS_rt_sigpending, &old, 8);
  siginfo_t info;
  call(SYS_rt_sigtimedwait, &set, &info, &(struct timespec){0, 1000}, 8);
  call(SYS_rt_sigtimedwait, &set, 0, &(struct timespec){0, 1000}, 8);
  call(SYS_rt_sigtimedwait, &set, &info, &(struct timespec){0, 1000}, 8);
  memset(&info, 0, sizeof info);
  info.si_code = SI_QUEUE;
  info.si_pid = getpid();
  info.si_int = 77;
  call(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &info);
  int fd = call(SYS_signalfd4, -1, &set, 8, SFD_CLOEXEC | SFD_NONBLOCK);
  call(SYS_rt_sigprocmask, SIG_UNBLOCK, &set, 0, 8);
  close(fd);
  stack_t stack = {malloc(16384), 0, 16384};
  call(SYS_sigaltstack, &stack, 0);
  call(SYS_sigaltstack, 0, &stack);
  int pidfd = call(SYS_pidfd_open, getpid(), 0);
  call(SYS_pidfd_send_signal, pidfd, SIGUSR1, 0, 0);
  close(pidfd);
  many &= ~(1ul << (SIGALRM - 1));
  signal(SIGALRM, handle);
  call(SYS_setitimer, ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 20000}}, 0);
  call(SYS_rt_sigsuspend, &many, 8);
  call(SYS_setitimer, ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 20000}}, 0);
  call(SYS_pause);
  call(SYS_setitimer, ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 20000}}, 0);
  call(SYS_nanosleep, &(struct timespec){5, 0}, 0);
}

static void dies(int how) {
  if (how == 0)
    call(SYS_exit, 3);
  if (how == 1)
    call(SYS_kill, getpid(), SIGTERM);
  if (how == 2)
    *(volatile int*)16 = 1;
  if (how == 3)
    __builtin_trap();
  if (how == 4)
    call(SYS_exit_group, 0);
  for (;;)
    pause();
}

static void processes(void) {
  int status;
  struct rusage usage;
  siginfo_t info;
  for (int how = 0; how < 5; how++) {
    int pid = call(SYS_fork);
    if (pid == 0)
      dies(how);
    memset(&usage, 0, sizeof usage);
    if (how == 0)
      call(SYS_wait4, -1, &status, 0, &usage);
    if (how == 1)
      call(SYS_wait4, pid, &status, __WALL, 0);
    if (how == 2)
      call(SYS_waitid, P_PID, pid, &info, WEXITED | WNOWAIT, 0);
    if (how >= 2)
      call(SYS_wait4, pid, 0, WUNTRACED | WCONTINUED, 0);
  }
  call(SYS_wait4, -1, &status, WNOHANG, 0);
  call(SYS_waitid, P_ALL, 0, &info, WEXITED | WSTOPPED | WNOHANG, 0);
  int pid = call(SYS_clone, CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD, 0, 0, &status, 0);
  if (pid == 0)
    dies(4);
  call(SYS_wait4, pid, &status, 0, 0);
  struct clone_args args = {.flags = CLONE_FS, .exit_signal = SIGCHLD};
  pid = call(SYS_clone3, &args, sizeof args);
  if (pid == 0)
    dies(4);
  call(SYS_wait4, pid, &status, 0, 0);
  call(SYS_getpid);
  call(SYS_gettid);
  call(SYS_getsid, 99999);
  call(SYS_setpgid, 99999, 0);
  call(SYS_execve, "/none", ((char*[]){"a", "b c", "0123456789012345678901234567890123456789", 0}),
       ((char*[]){"A=1", 0}));
  call(SYS_execve, "/none", 0, 0);
  call(SYS_execveat, AT_FDCWD, "none", ((char*[]){"a", 0}), ((char*[]){0}), 0x100);
}

static void settings(void) {
  char name[20];
  int value;
  call(SYS_prctl, PR_SET_NAME, "a name");
  call(SYS_prctl, PR_GET_NAME, name);
  call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
  call(SYS_prctl, PR_GET_PDEATHSIG, &value);
  call(SYS_prctl, PR_SET_DUMPABLE, 1);
  call(SYS_prctl, PR_GET_DUMPABLE);
  call(SYS_prctl, PR_GET_KEEPCAPS);
  call(SYS_prctl, PR_SET_CHILD_SUBREAPER, 1);
  call(SYS_prctl, PR_GET_CHILD_SUBREAPER, &value);
  call(SYS_prctl, PR_CAPBSET_READ, 5);
  call(SYS_prctl, PR_SET_TIMERSLACK, 60000);
  call(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  call(SYS_prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
  call(SYS_prctl, 9999, 1, 2, 3, 4);
  call(SYS_arch_prctl, 0x1003, name);
  struct rlimit limit = {100, RLIM_INFINITY};
  call(SYS_setrlimit, RLIMIT_CORE, &(struct rlimit){0, 0});
  call(SYS_getrlimit, RLIMIT_CORE, &limit);
  call(SYS_prlimit64, 0, RLIMIT_CORE, 0, &limit);
  call(SYS_prlimit64, 0, RLIMIT_NOFILE, &(struct rlimit){1 << 20, 1ul << 40}, &limit);
  call(SYS_setrlimit, 77, &limit);
  call(SYS_getpriority, PRIO_PROCESS, 0);
  call(SYS_setpriority, PRIO_PROCESS, 0, 5);
  call(SYS_sched_yield);
  call(SYS_sched_getaffinity, 0, 3, &limit);
  call(SYS_sched_setaffinity, 0, 8, (uint64_t[]){1});
  call(SYS_sched_getscheduler, 0);
  call(SYS_sched_setscheduler, 0, SCHED_BATCH, (int[]){0});
  call(SYS_sched_getparam, 0, &value);
  call(SYS_sched_get_priority_max, SCHED_FIFO);
  call(SYS_sched_rr_get_interval, 99999, &limit);
  gid_t groups[40] = {1, 2};
  call(SYS_getgroups, 0, 0);
  call(SYS_getuid);
  call(SYS_setuid, 0);
  call(SYS_setgid, 0);
  call(SYS_setreuid, -1, 0);
  call(SYS_setresgid, -1, -1, 0);
  uid_t ids[3];
  call(SYS_getresuid, ids, ids + 1, ids + 2);
  call(SYS_setfsuid, 0);
  call(SYS_capget, (int[]){0x20080522, 0}, 0);
  call(SYS_seccomp, 2, 0, 0);
  call(SYS_personality, 0xffffffff);
}

static void timing(void) {
  struct timespec now;
  struct itimerspec timer;
  int id;
  call(SYS_nanosleep, &(struct timespec){0, 1000}, &now);
  call(SYS_nanosleep, &(struct timespec){0, -1}, 0);
  call(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &(struct timespec){0, 1000}, 0);
  call(SYS_clock_nanosleep, CLOCK_REALTIME, TIMER_ABSTIME, &(struct timespec){1, 1000}, 0);
  call(SYS_clock_gettime, 77, &now);
  call(SYS_clock_getres, CLOCK_REALTIME, &now);
  call(SYS_clock_settime, CLOCK_MONOTONIC, &(struct timespec){1, 1});
  call(SYS_alarm, 100);
  call(SYS_alarm, 0);
  call(SYS_setitimer, ITIMER_VIRTUAL, &(struct itimerval){{1, 2}, {3, 4}}, 0);
  call(SYS_setitimer, ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 0}}, &timer);
  call(SYS_getitimer, ITIMER_REAL, &timer);
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 5};
  call(SYS_timer_create, CLOCK_MONOTONIC, &event, &id);
  call(SYS_timer_settime, id, 0, &(struct itimerspec){{0, 5}, {100, 0}}, 0);
  call(SYS_timer_settime, id, TIMER_ABSTIME, &(struct itimerspec){{0, 0}, {0, 0}}, 0);
  call(SYS_timer_gettime, id, &timer);
  call(SYS_timer_getoverrun, id);
  call(SYS_timer_delete, id);
  call(SYS_timer_create, CLOCK_REALTIME, 0, &id);
  call(SYS_timer_delete, 99);
  int fd = call(SYS_timerfd_create, CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  call(SYS_timerfd_settime, fd, TFD_TIMER_ABSTIME, &(struct itimerspec){{0, 0}, {1, 0}}, 0);
  call(SYS_timerfd_settime, fd, 0, &(struct itimerspec){{0, 0}, {0, 0}}, 0);
  call(SYS_timerfd_gettime, fd, &timer);
  close(fd);
  call(SYS_set_robust_list, 8, 24);
}

int main(void) {
  begin();
  signals();
  processes();
  settings();
  timing();
  return 7;
}
