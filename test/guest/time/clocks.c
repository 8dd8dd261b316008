// clock_gettime(2), nanosleep(2), setitimer(2), timer_create(2), timerfd_create(2), times(2): values and errnos.
#include "../check.h"
#include <poll.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>

static volatile int count, overruns;
static volatile long value;
static void handler(int signal) {
  (void)signal;
  count++;
}
static void timer_handler(int signal, siginfo_t* info, void* context) {
  (void)signal;
  (void)context;
  count++;
  value = info->si_value.sival_int;
  overruns = info->si_code;
}

static void clocks(void) {
  struct timespec a, b;
  int ids[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW,
               CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME};
  for (int i = 0; i < 8; i++) {
    char name[32];
    snprintf(name, sizeof name, "clock %d", ids[i]);
    equal(name, clock_gettime(ids[i], &a), 0);
    for (volatile int n = 0; n < 100000; n++) {}
    clock_gettime(ids[i], &b);
    holds("does not go back", b.tv_sec > a.tv_sec || (b.tv_sec == a.tv_sec && b.tv_nsec >= a.tv_nsec));
    equal("syscall too", syscall(SYS_clock_gettime, ids[i], &a), 0);
    equal("clock_getres", clock_getres(ids[i], &b), 0);
  }
  fails("an unknown clock", clock_gettime(99, &a), EINVAL);
  fails("a bad pointer", syscall(SYS_clock_gettime, CLOCK_REALTIME, 8), EFAULT);
  fails("clock_settime of monotonic", clock_settime(CLOCK_MONOTONIC, &a), EINVAL);
  struct timeval tv;
  equal("gettimeofday", gettimeofday(&tv, NULL), 0);
  clock_gettime(CLOCK_REALTIME, &a);
  holds("agrees with the clock", labs(a.tv_sec - tv.tv_sec) <= 1);
  holds("and time", labs(time(NULL) - tv.tv_sec) <= 1);
  struct tms t;
  holds("times", times(&t) != (clock_t)-1);
  pid_t pid = must(fork());
  if (pid == 0) {
    long end = now_ns(CLOCK_PROCESS_CPUTIME_ID) + 50000000;
    while (now_ns(CLOCK_PROCESS_CPUTIME_ID) < end) {}
    _exit(now_ns(CLOCK_THREAD_CPUTIME_ID) > 40000000 ? 0 : 1);
  }
  equal("CPU clocks run", status_of(pid), 0);
  long before = now_ns(CLOCK_PROCESS_CPUTIME_ID);
  sleep_ms(50);
  holds("and stand still during sleep", now_ns(CLOCK_PROCESS_CPUTIME_ID) - before < 40000000);
}

static void sleeps(void) {
  struct timespec t = {0, 20000000}, bad = {0, -1}, negative = {-1, 0};
  long start = now_ns(CLOCK_MONOTONIC);
  equal("nanosleep", nanosleep(&t, NULL), 0);
  holds("20 ms", now_ns(CLOCK_MONOTONIC) - start >= 20000000);
  fails("bad nanoseconds", nanosleep(&bad, NULL), EINVAL);
  fails("negative seconds", nanosleep(&negative, NULL), EINVAL);
  fails("a bad pointer", syscall(SYS_nanosleep, 8, NULL), EFAULT);
  clock_gettime(CLOCK_MONOTONIC, &t);
  equal("absolute, in the past", clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL), 0);
  clock_gettime(CLOCK_REALTIME, &t);
  t.tv_sec += 0;
  t.tv_nsec += 20000000;
  if (t.tv_nsec >= 1000000000) t.tv_sec++, t.tv_nsec -= 1000000000;
  start = now_ns(CLOCK_MONOTONIC);
  equal("absolute, realtime", clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &t, NULL), 0);
  holds("about 20 ms", now_ns(CLOCK_MONOTONIC) - start >= 15000000);
  equal("an unknown clock", clock_nanosleep(99, 0, &t, NULL), EINVAL);
  equal("the thread's clock", clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &t, NULL), EINVAL);
}

static void itimers(void) {
  signal(SIGALRM, handler);
  signal(SIGVTALRM, handler);
  signal(SIGPROF, handler);
  struct itimerval timer = {.it_value = {0, 10000}, .it_interval = {0, 10000}}, old;
  count = 0;
  equal("setitimer", setitimer(ITIMER_REAL, &timer, NULL), 0);
  while (count < 5) pause();
  equal("getitimer", getitimer(ITIMER_REAL, &old), 0);
  equal("its interval", old.it_interval.tv_usec, 10000);
  holds("what remains", old.it_value.tv_sec == 0 && old.it_value.tv_usec <= 10000);
  memset(&timer, 0, sizeof timer);
  equal("disarm", setitimer(ITIMER_REAL, &timer, &old), 0);
  equal("the old interval", old.it_interval.tv_usec, 10000);
  count = 0;
  sleep_ms(30);
  equal("no more", count, 0);
  timer.it_value.tv_usec = 20000;
  equal("ITIMER_PROF", setitimer(ITIMER_PROF, &timer, NULL), 0);
  while (count < 1) {}
  count = 0;
  equal("ITIMER_VIRTUAL", setitimer(ITIMER_VIRTUAL, &timer, NULL), 0);
  while (count < 1) {}
  fails("an unknown timer", setitimer(9, &timer, NULL), EINVAL);
  timer.it_value.tv_usec = 1000000;
  fails("bad microseconds", setitimer(ITIMER_REAL, &timer, NULL), EINVAL);
  equal("alarm", alarm(100), 0);
  holds("alarm again", alarm(0) >= 50);
}

static void posix_timers(void) {
  struct sigaction action = {.sa_sigaction = timer_handler, .sa_flags = SA_SIGINFO};
  sigaction(SIGRTMIN, &action, NULL);
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 77};
  timer_t timer;
  equal("timer_create", timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
  struct itimerspec spec = {.it_value = {0, 10000000}, .it_interval = {0, 5000000}}, now;
  count = 0;
  equal("timer_settime", timer_settime(timer, 0, &spec, NULL), 0);
  while (count < 3) pause();
  equal("si_value", value, 77);
  equal("si_code", overruns, SI_TIMER);
  equal("timer_gettime", timer_gettime(timer, &now), 0);
  equal("its interval", now.it_interval.tv_nsec, 5000000);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN);
  sigprocmask(SIG_BLOCK, &set, NULL);
  sleep_ms(60);
  siginfo_t info;
  sigwaitinfo(&set, &info);
  holds("overruns are counted", info.si_overrun >= 5);
  holds("timer_getoverrun", timer_getoverrun(timer) >= 5);
  equal("timer_delete", timer_delete(timer), 0);
  sigprocmask(SIG_UNBLOCK, &set, NULL);
  fails("and again", timer_delete(timer), EINVAL);
  event.sigev_notify = SIGEV_NONE;
  equal("SIGEV_NONE", timer_create(CLOCK_REALTIME, &event, &timer), 0);
  timer_delete(timer);
  fails("an unknown clock", timer_create(99, &event, &timer), EINVAL);
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = 99;
  fails("a bad signal", timer_create(CLOCK_REALTIME, &event, &timer), EINVAL);
}

static void timerfds(void) {
  uint64_t expirations;
  int fd = must(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  fails("not armed", read(fd, &expirations, 8), EAGAIN);
  struct itimerspec spec = {.it_value = {0, 10000000}, .it_interval = {0, 10000000}}, now;
  equal("timerfd_settime", timerfd_settime(fd, 0, &spec, NULL), 0);
  struct pollfd p = {.fd = fd, .events = POLLIN};
  equal("poll", poll(&p, 1, 60000), 1);
  equal("read", read(fd, &expirations, 8), 8);
  holds("at least one", expirations >= 1);
  sleep_ms(55);
  equal("read later", read(fd, &expirations, 8), 8);
  holds("several", expirations >= 5);
  equal("timerfd_gettime", timerfd_gettime(fd, &now), 0);
  equal("its interval", now.it_interval.tv_nsec, 10000000);
  fails("too small", read(fd, &expirations, 4), EINVAL);
  memset(&spec, 0, sizeof spec);
  equal("disarm", timerfd_settime(fd, 0, &spec, NULL), 0);
  fails("unknown flags", timerfd_create(CLOCK_MONOTONIC, 1), EINVAL);
  fails("an unknown clock", timerfd_create(99, 0), EINVAL);
  fails("not one", timerfd_settime(0, 0, &spec, NULL), EINVAL);
  fails("settime with unknown flags", timerfd_settime(fd, 64, &spec, NULL), EINVAL);
  fcntl(fd, F_SETFL, 0);
  spec.it_value.tv_nsec = 20000000;
  timerfd_settime(fd, 0, &spec, NULL);
  equal("a blocking read", read(fd, &expirations, 8), 8);
  equal("once", expirations, 1);
  clock_gettime(CLOCK_MONOTONIC, &spec.it_value);
  equal("absolute, in the past", timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, NULL), 0);
  equal("is readable at once", read(fd, &expirations, 8), 8);
}

int main(void) {
  clocks();
  sleeps();
  itimers();
  posix_timers();
  timerfds();
  return check_done();
}
