// Numbers that calls take, one after the other: clocks, signals, prctl(2), sched(7), rlimits, mmap(2) and madvise(2)
// flags, wait(2) options, futex(2) operations: what each answers to what it knows and to what it doesn't.

#include "../check.h"

#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>

static char label[128];
#define named(...) (snprintf(label, sizeof label, __VA_ARGS__), label)

static void clocks(void) {
  for (int clock = 0; clock < 20; clock++) {
    // The alarm clocks need a machine with a real-time clock.
    if (clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM) continue;
    struct timespec t;
    struct itimerspec none = {{0, 0}, {0, 0}};
    shows(named("clock_gettime %d", clock), syscall(SYS_clock_gettime, clock, &t));
    shows(named("clock_getres %d", clock), syscall(SYS_clock_getres, clock, &t));
    if (clock >= 0) say("ok resolution %d: %d\n", clock, syscall(SYS_clock_getres, clock, &t) == 0 && t.tv_nsec != 1 ? t.tv_nsec > 1000 : 0);
    struct timespec zero = {0, 0}, bad = {0, 1000000000}, negative = {-1, 0};
    shows(named("clock_nanosleep %d", clock), syscall(SYS_clock_nanosleep, clock, 0, &zero, NULL));
    shows(named("clock_nanosleep abs %d", clock), syscall(SYS_clock_nanosleep, clock, TIMER_ABSTIME, &zero, NULL));
    shows(named("clock_nanosleep bad %d", clock), syscall(SYS_clock_nanosleep, clock, 0, &bad, NULL));
    shows(named("clock_nanosleep negative %d", clock), syscall(SYS_clock_nanosleep, clock, 0, &negative, NULL));
    shows(named("clock_nanosleep flags %d", clock), syscall(SYS_clock_nanosleep, clock, 2, &zero, NULL));
    shows(named("clock_nanosleep fault %d", clock), syscall(SYS_clock_nanosleep, clock, 0, (void*)8, NULL));
    int fd = shows(named("timerfd_create %d", clock), ({
                     int made = timerfd_create(clock, 0);
                     made < 0 ? -1 : (close(made), 0);
                   }));
    (void)fd;
    int id = -1;
    struct sigevent event = {.sigev_notify = SIGEV_NONE};
    if (shows(named("timer_create %d", clock), syscall(SYS_timer_create, clock, &event, &id) < 0 ? -1 : 0) == 0) {
      shows(named("timer_settime %d", clock), syscall(SYS_timer_settime, id, 0, &none, NULL));
      shows(named("timer_settime flags %d", clock), syscall(SYS_timer_settime, id, 8, &none, NULL));
      shows(named("timer_delete %d", clock), syscall(SYS_timer_delete, id));
      shows(named("timer_delete again %d", clock), syscall(SYS_timer_delete, id));
    }
    shows(named("clock_settime %d", clock), syscall(SYS_clock_settime, clock, &negative));
  }
  for (int which = -1; which < 5; which++) {
    struct itimerval value = {{0, 0}, {0, 0}}, bad = {{0, 0}, {0, 1000000}}, negative = {{-1, 0}, {0, 0}};
    shows(named("getitimer %d", which), getitimer(which, &value));
    shows(named("setitimer %d", which), setitimer(which, &value, NULL));
    shows(named("setitimer bad %d", which), setitimer(which, &bad, NULL));
    shows(named("setitimer negative %d", which), setitimer(which, &negative, NULL));
    shows(named("setitimer fault %d", which), syscall(SYS_setitimer, which, 8, NULL));
  }
  for (int notify = 0; notify < 8; notify++) {
    for (int signo = -1; signo < 67; signo += 17) {
      int id = -1;
      struct sigevent event = {.sigev_notify = notify, .sigev_signo = signo};
      event._sigev_un._tid = getpid();
      long made = shows(named("timer_create notify %d signo %d", notify, signo),
                        syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id) < 0 ? -1 : 0);
      if (made == 0) syscall(SYS_timer_delete, id);
    }
  }
}

static void nothing(int s) {
  (void)s;
}

static void signals(void) {
  struct sigaction action = {.sa_handler = nothing}, old;
  for (int s = -1; s < 68; s++) {
    shows(named("rt_sigaction %d", s), syscall(SYS_rt_sigaction, s, NULL, NULL, 8));
    struct {
      void* handler;
      unsigned long flags;
      void* restorer;
      unsigned long mask;
    } ignore = {(void*)1, 0x04000000, NULL, 0};
    // 32 and 33 are the C library's.
    if (s != 32 && s != 33) shows(named("ignore %d", s), syscall(SYS_rt_sigaction, s, &ignore, NULL, 8));
    if (s != 9 && s != 19 && s != 32 && s != 33) shows(named("kill myself %d", s), kill(getpid(), s));
    shows(named("tgkill %d", s), syscall(SYS_tgkill, getpid(), 99999, s));
    shows(named("tkill nobody %d", s), syscall(SYS_tkill, 99999, s));
    shows(named("kill nobody %d", s), kill(99999, s));
  }
  shows("rt_sigaction size", syscall(SYS_rt_sigaction, 1, NULL, NULL, 4));
  shows("rt_sigaction fault", syscall(SYS_rt_sigaction, 1, 8, NULL, 8));
  shows("rt_sigaction old fault", syscall(SYS_rt_sigaction, 1, NULL, 8, 8));
  for (int how = -1; how < 5; how++) {
    unsigned long mask = 0;
    shows(named("rt_sigprocmask %d", how), syscall(SYS_rt_sigprocmask, how, &mask, NULL, 8));
    shows(named("rt_sigprocmask no set %d", how), syscall(SYS_rt_sigprocmask, how, NULL, &mask, 8));
    shows(named("rt_sigprocmask size %d", how), syscall(SYS_rt_sigprocmask, how, &mask, NULL, 16));
    shows(named("rt_sigprocmask fault %d", how), syscall(SYS_rt_sigprocmask, how, 8, NULL, 8));
  }
  signal(SIGCHLD, SIG_DFL);
  // How each ends a process, or does not.
  for (int s = 1; s <= 64; s++) {
    if (s == 32 || s == 33) continue;
    pid_t child = must(fork());
    if (child == 0) {
      struct rlimit none = {0, 0};
      setrlimit(RLIMIT_CORE, &none);
      sigset_t all;
      sigfillset(&all);
      signal(s, SIG_DFL);
      sigprocmask(SIG_UNBLOCK, &all, NULL);
      kill(getpid(), s);
      _exit(7);
    }
    int status = 0;
    must(waitpid(child, &status, WUNTRACED));
    say("ok signal %d: status %x\n", s, status);
    if (WIFSTOPPED(status)) {
      kill(child, SIGKILL);
      waitpid(child, &status, 0);
    }
  }
  action.sa_flags = -1;
  for (int bit = 0; bit < 32; bit++) {
    action.sa_flags = 1u << bit;
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGUSR1, NULL, &old);
    say("ok sa_flags bit %d: %x\n", bit, old.sa_flags & ~0x04000000);
  }
  signal(SIGUSR1, SIG_IGN);
  stack_t stack = {0};
  for (int bit = -1; bit < 32; bit++) {
    stack.ss_flags = bit < 0 ? 0 : 1u << bit;
    stack.ss_sp = malloc(65536);
    stack.ss_size = 65536;
    shows(named("sigaltstack bit %d", bit), sigaltstack(&stack, NULL));
    stack.ss_size = 100;
    shows(named("sigaltstack small bit %d", bit), sigaltstack(&stack, NULL));
  }
  stack.ss_flags = SS_DISABLE;
  sigaltstack(&stack, NULL);
}

static void processes(void) {
  for (int option = 1; option < 59; option++) {
    // Names, signals of the parent, seccomp, memory maps, speculation, TSC, and pointers.
    static const int skipped[] = {PR_SET_PDEATHSIG, PR_SET_NAME, PR_SET_SECCOMP, PR_SET_TIMERSLACK, PR_SET_TSC, PR_SET_MM, PR_SET_NO_NEW_PRIVS,
                                  PR_GET_SPECULATION_CTRL, PR_SET_SPECULATION_CTRL, 26, 33, 34, 35, 40};
    int skip = 0;
    for (size_t i = 0; i < sizeof skipped / sizeof *skipped; i++) skip |= skipped[i] == option;
    if (skip) continue;
    for (int argument = -1; argument < 3; argument++) {
      static char out[64];
      int gets = option == PR_GET_PDEATHSIG || option == PR_GET_NAME || option == PR_GET_TSC || option == PR_GET_CHILD_SUBREAPER ||
                 option == PR_GET_UNALIGN || option == PR_GET_FPEMU || option == PR_GET_FPEXC || option == PR_GET_ENDIAN || option == PR_GET_TID_ADDRESS;
      shows(named("prctl %d %d", option, argument), prctl(option, gets ? (long)out : argument, 0, 0, 0));
    }
  }
  prctl(PR_SET_DUMPABLE, 1);
  prctl(PR_SET_CHILD_SUBREAPER, 0);
  for (int signo = -1; signo < 67; signo += 33) shows(named("PR_SET_PDEATHSIG %d", signo), prctl(PR_SET_PDEATHSIG, signo));
  prctl(PR_SET_PDEATHSIG, 0);
  for (int policy = -1; policy < 9; policy++) {
    for (int priority = -1; priority < 100; priority += 50) {
      struct sched_param param = {priority};
      shows(named("sched_setscheduler %d %d", policy, priority), sched_setscheduler(0, policy, &param));
    }
    shows(named("sched_get_priority_max %d", policy), sched_get_priority_max(policy));
    shows(named("sched_get_priority_min %d", policy), sched_get_priority_min(policy));
  }
  struct sched_param normal = {0};
  sched_setscheduler(0, SCHED_OTHER, &normal);
  shows("sched_getscheduler nobody", sched_getscheduler(99999));
  shows("sched_getscheduler -1", sched_getscheduler(-1));
  shows("sched_getparam null", syscall(SYS_sched_getparam, 0, NULL));
  for (int which = -1; which < 4; which++) {
    shows(named("getpriority %d", which), syscall(SYS_getpriority, which, 0));
    shows(named("getpriority %d nobody", which), syscall(SYS_getpriority, which, 99999));
    shows(named("setpriority %d", which), setpriority(which, 0, 0));
    shows(named("setpriority %d nobody", which), setpriority(which, 99999, 0));
  }
  for (int limit = -1; limit < 18; limit++) {
    struct rlimit value, wrong;
    shows(named("getrlimit %d", limit), syscall(SYS_getrlimit, limit, &value));
    if (limit < 0 || limit > 15) continue;
    wrong = (struct rlimit){2, 1};
    shows(named("setrlimit %d soft above hard", limit), setrlimit(limit, &wrong));
    must(getrlimit(limit, &value));
    shows(named("setrlimit %d the same", limit), setrlimit(limit, &value));
    shows(named("prlimit %d fault", limit), syscall(SYS_prlimit64, 0, limit, 8, NULL));
    if (value.rlim_max != RLIM_INFINITY) {
      wrong = (struct rlimit){value.rlim_cur, value.rlim_max + 1};
      shows(named("setrlimit %d raised", limit), setrlimit(limit, &wrong));
    }
  }
  for (int who = -3; who < 3; who++) {
    struct rusage usage;
    shows(named("getrusage %d", who), getrusage(who, &usage));
  }
  for (int bit = -1; bit < 32; bit++) {
    int status;
    unsigned options = bit < 0 ? 0 : 1u << bit;
    siginfo_t info;
    shows(named("wait4 bit %d", bit), syscall(SYS_wait4, -1, &status, options | WNOHANG, NULL));
    shows(named("waitid bit %d", bit), syscall(SYS_waitid, P_ALL, 0, &info, options | WNOHANG, NULL));
  }
  for (int bit = 0; bit < 32; bit++) {
    if (bit == 8 || bit == 9 || bit == 10 || bit == 11 || bit == 16) continue;
    if (bit == 7 || bit == 17 || (bit >= 25 && bit <= 30)) continue;
    shows(named("unshare bit %d", bit), syscall(SYS_unshare, 1u << bit));
  }
}

static void memory(void) {
  for (int bit = 0; bit < 32; bit++) {
    for (int kind = 0; kind < 4; kind++) {
      static const int types[] = {MAP_PRIVATE, MAP_SHARED, MAP_SHARED_VALIDATE, 0};
      // Where the bit is a type, an anonymous mapping, a fixed place, or huge pages.
      if (bit < 4 || (1u << bit) == MAP_FIXED || (1u << bit) == MAP_HUGETLB) continue;
      unsigned flags = types[kind] | MAP_ANONYMOUS | 1u << bit;
      shows(named("mmap type %d bit %d", types[kind], bit), ({
              void* at = mmap(NULL, 8192, PROT_READ | PROT_WRITE, flags, -1, 0);
              int error = errno;
              if (at != MAP_FAILED) munmap(at, 8192);
              errno = error;
              at == MAP_FAILED ? -1 : 0;
            }));
    }
    char* page = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bit != 24 && bit != 25) shows(named("mprotect bit %d", bit), mprotect(page, 4096, 1u << bit));
    shows(named("mremap bit %d", bit), ({
            void* at = mremap(page + 8192, 4096, 4096, 1u << bit, page + 12288);
            at == MAP_FAILED ? -1 : 0;
          }));
    shows(named("msync bit %d", bit), msync(page, 4096, 1u << bit));
    shows(named("mlock2 bit %d", bit), syscall(SYS_mlock2, page, 4096, 1u << bit));
    if (bit > 2) shows(named("mlockall bit %d", bit), mlockall(1u << bit));
    munmap(page, 16384);
  }
  char* page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char* shared = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  for (int advice = -1; advice < 30; advice++) {
    // Cold and pageout answer alike; collapse and guards are not there; soft offline is for real machines.
    if (advice == 25) continue;
    shows(named("madvise %d", advice), madvise(page, 4096, advice));
    shows(named("madvise shared %d", advice), madvise(shared, 4096, advice));
    shows(named("madvise odd %d", advice), madvise(page + 1, 4096, advice));
    shows(named("madvise nothing %d", advice), madvise(page, 0, advice));
    shows(named("madvise hole %d", advice), madvise((void*)0x10000, 4096, advice));
  }
}

static void futexes(void) {
  int word = 0, other = 0;
  for (int operation = 0; operation < 16; operation++) {
    // Of priority inheritance there is none.
    if (operation == FUTEX_LOCK_PI || operation == FUTEX_UNLOCK_PI || operation == FUTEX_TRYLOCK_PI ||
        operation == FUTEX_WAIT_REQUEUE_PI || operation == FUTEX_CMP_REQUEUE_PI || operation == 13) continue;
    for (int flags = 0; flags < 4; flags++) {
      int op = operation | (flags & 1 ? FUTEX_PRIVATE_FLAG : 0) | (flags & 2 ? FUTEX_CLOCK_REALTIME : 0);
      struct timespec soon = {0, 1}, bad = {0, -1};
      int takes_time = operation == FUTEX_WAIT || operation == FUTEX_WAIT_BITSET;
      shows(named("futex %d", op), syscall(SYS_futex, &word, op, takes_time ? 1 : 0, takes_time ? (long)&soon : 0, &other, -1));
      if (takes_time) {
        shows(named("futex %d times out", op), syscall(SYS_futex, &word, op, 0, &soon, NULL, -1));
        shows(named("futex %d bad time", op), syscall(SYS_futex, &word, op, 0, &bad, NULL, -1));
        shows(named("futex %d fault of time", op), syscall(SYS_futex, &word, op, 0, 8, NULL, -1));
        shows(named("futex %d no bits", op), syscall(SYS_futex, &word, op, 0, &soon, NULL, 0));
      }
      shows(named("futex %d odd", op), syscall(SYS_futex, (char*)&word + 1, op, 0, NULL, &other, -1));
      shows(named("futex %d fault", op), syscall(SYS_futex, (void*)0x10000, op, 0, takes_time ? &soon : NULL, &other, -1));
      shows(named("futex %d second odd", op), takes_time ? 0 : syscall(SYS_futex, &word, op, 0, NULL, (char*)&other + 1, -1));
      shows(named("futex %d negative", op), takes_time ? 0 : syscall(SYS_futex, &word, op, -1, (void*)-1, &other, 0));
    }
  }
  for (int op = 0; op < 16; op++) {
    for (int compare = 0; compare < 8; compare++) {
      other = 5;
      long result = syscall(SYS_futex, &word, FUTEX_WAKE_OP, 0, NULL, &other, op << 28 | compare << 24 | 3 << 12 | 5);
      say("ok wake_op %d %d: %ld %d %d\n", op, compare, result, result < 0 ? errno : 0, other);
    }
  }
  shows("set_robust_list size", syscall(SYS_set_robust_list, &word, 8));
  shows("get_robust_list nobody", syscall(SYS_get_robust_list, 99999, &word, &other));
}

static void small(void) {
  int null = must(open("/dev/null", O_RDONLY));
  for (int bit = 0; bit < 32; bit++) {
    unsigned flags = 1u << bit;
    sigset_t set;
    sigemptyset(&set);
    int ends[2];
    static const char* names[] = {"eventfd2", "epoll_create1", "timerfd_create", "signalfd4", "inotify_init1", "pipe2", "dup3", "memfd_create", "pidfd_open", "socket", "close_range", "getrandom", "memfd"};
    for (int call = 0; call < 12; call++) {
      // Huge pages for memfds, threads for pidfds.
      if (call == 7 && (bit == 2 || bit >= 26)) continue;
      if (call == 9 && bit < 4) continue;
      char bytes[4];
      long result = call == 0   ? syscall(SYS_eventfd2, 0, flags)
                    : call == 1 ? syscall(SYS_epoll_create1, flags)
                    : call == 2 ? syscall(SYS_timerfd_create, CLOCK_MONOTONIC, flags)
                    : call == 3 ? syscall(SYS_signalfd4, -1, &set, 8, flags)
                    : call == 4 ? syscall(SYS_inotify_init1, flags)
                    : call == 5 ? (syscall(SYS_pipe2, ends, flags) < 0 ? -1 : (close(ends[1]), ends[0]))
                    : call == 6 ? syscall(SYS_dup3, null, 77, flags)
                    : call == 7 ? syscall(SYS_memfd_create, "x", flags)
                    : call == 8 ? syscall(SYS_pidfd_open, getpid(), flags)
                    : call == 9 ? syscall(SYS_socket, AF_UNIX, SOCK_STREAM | flags, 0)
                    : call == 10 ? syscall(SYS_close_range, 500, 600, flags)
                                 : syscall(SYS_getrandom, bytes, sizeof bytes, flags);
      int error = errno;
      if (result >= 0 && call < 10) {
        int kept = fcntl(result, F_GETFL), cloexec = fcntl(result, F_GETFD);
        say("ok %s bit %d: flags %x %x\n", names[call], bit, kept, cloexec);
        close(result);
      } else {
        say("ok %s bit %d: %ld %s\n", names[call], bit, result < 0 ? -1 : result, result < 0 ? strerrorname_np(error) : "");
      }
    }
  }
}

int main(void) {
  clocks();
  signals();
  processes();
  memory();
  futexes();
  small();
  return check_done();
}
