// timer_create(2) and its kin, setitimer(2), alarm(2): events, errors, overruns, and what fork and delete do.
// build: -lrt -pthread
#include "../check.h"
#include <sys/time.h>

static volatile int hits, code, value, overrun;
static void handler(int signo, siginfo_t* info, void* context) {
  (void)signo, (void)context;
  hits++;
  code = info->si_code;
  value = info->si_value.sival_int;
  overrun = info->si_overrun;
}
static long create(clockid_t clock, int notify, int signo, timer_t* timer) {
  struct sigevent event = {.sigev_notify = notify, .sigev_signo = signo, .sigev_value.sival_int = 77};
  if (notify == SIGEV_THREAD_ID) event._sigev_un._tid = syscall(SYS_gettid);
  int id = -1;
  long r = syscall(SYS_timer_create, clock, &event, &id);
  *timer = (timer_t)(long)id;
  return r;
}
static long raw_settime(timer_t timer, int flags, const void* new, void* old) {
  return syscall(SYS_timer_settime, (int)(long)timer, flags, new, old);
}
static long settime(timer_t timer, int flags, long sec, long nsec, long isec, long insec) {
  struct itimerspec spec = {{isec, insec}, {sec, nsec}};
  return raw_settime(timer, flags, &spec, NULL);
}
static void erase(timer_t timer) { syscall(SYS_timer_delete, (int)(long)timer); }
static void until_hit(int n) {
  for (int i = 0; i < 4000 && hits < n; i++) sleep_ms(2);
}

static void creation(void) {
  static const clockid_t clocks[] = {0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 99, -1};
  static const int kinds[] = {SIGEV_SIGNAL, SIGEV_NONE, SIGEV_THREAD, SIGEV_THREAD_ID, 3, 8, -1};
  char name[64];
  timer_t timer;
  for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++) {
    snprintf(name, sizeof name, "clock %d", clocks[i]);
    if (shows(name, create(clocks[i], SIGEV_SIGNAL, SIGUSR1, &timer)) == 0) erase(timer);
  }
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    for (int signo = -1; signo < 67; signo += signo == 1 ? 63 : 1) {
      snprintf(name, sizeof name, "event %d signal %d", kinds[i], signo);
      if (shows(name, create(CLOCK_MONOTONIC, kinds[i], signo, &timer)) == 0) erase(timer);
    }
  struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1, ._sigev_un._tid = 1 << 20};
  int id;
  shows("another's thread", syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id));
  shows("unmapped event", syscall(SYS_timer_create, CLOCK_MONOTONIC, (void*)16, &id));
  shows("unmapped id", syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, (void*)16));
  shows("no event", syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, &id));
  timer = (timer_t)(long)id;
  struct itimerspec spec = {{0, 0}, {100, 0}}, old;
  shows("settime", raw_settime(timer, 0, &spec, &old));
  say("ok old %ld %ld\n", old.it_value.tv_sec, old.it_value.tv_nsec);
  shows("settime, unmapped old", raw_settime(timer, 0, &spec, (void*)16));
  shows("settime, no new", raw_settime(timer, 0, NULL, NULL));
  shows("settime, unmapped new", raw_settime(timer, 0, (void*)16, NULL));
  shows("settime, unknown flags", raw_settime(timer, 0x10, &spec, NULL));
  shows("nanoseconds", settime(timer, 0, 1, 1000000000, 0, 0));
  shows("negative nanoseconds", settime(timer, 0, 1, -1, 0, 0));
  shows("negative seconds", settime(timer, 0, -1, 0, 0, 0));
  shows("a bad interval", settime(timer, 0, 1, 0, 0, 1000000000));
  shows("a negative interval", settime(timer, 0, 1, 0, -1, 0));
  shows("disarm with a bad interval", settime(timer, 0, 0, 0, -1, 0));
  shows("gettime, unmapped", syscall(SYS_timer_gettime, id, (void*)16));
  shows("no such timer", syscall(SYS_timer_gettime, 12345, &old));
  shows("no such timer's overruns", syscall(SYS_timer_getoverrun, 12345));
  shows("no such timer, delete", syscall(SYS_timer_delete, 12345));
  shows("in a child", ({
          pid_t pid = must(fork());
          if (pid == 0) _exit(syscall(SYS_timer_gettime, id, &old) == -1 ? errno : 0);
          status_of(pid);
        }));
  settime(timer, 0, 50, 0, 7, 5);
  must(syscall(SYS_timer_gettime, id, &old));
  say("ok interval %ld %ld left %d\n", old.it_interval.tv_sec, old.it_interval.tv_nsec, old.it_value.tv_sec >= 40 && old.it_value.tv_sec < 50);
  settime(timer, 0, 0, 0, 7, 5);
  must(syscall(SYS_timer_gettime, id, &old));
  say("ok disarmed: interval %ld %ld left %ld\n", old.it_interval.tv_sec, old.it_interval.tv_nsec, old.it_value.tv_sec);
  erase(timer);
}

static void signals(void) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
  must(sigaction(SIGUSR1, &action, NULL));
  must(sigaction(SIGRTMIN, &action, NULL));
  static const int kinds[] = {SIGEV_SIGNAL, SIGEV_THREAD_ID, SIGEV_NONE};
  for (int k = 0; k < 3; k++)
    for (int signo = SIGUSR1; signo <= SIGRTMIN; signo += SIGRTMIN - SIGUSR1)
      for (int absolute = 0; absolute < 2; absolute++) {
        timer_t timer;
        hits = code = value = 0;
        must(create(CLOCK_MONOTONIC, kinds[k], signo, &timer));
        must(settime(timer, absolute, 0, 1000000, 0, 0));
        if (kinds[k] == SIGEV_NONE) sleep_ms(20);
        else until_hit(1);
        struct itimerspec left;
        must(syscall(SYS_timer_gettime, (int)(long)timer, &left));
        say("ok event %d signal %d absolute %d: %d code %d value %d left %ld\n", kinds[k], signo, absolute, hits, code, value, left.it_value.tv_nsec);
        erase(timer);
      }
  // Blocked, it counts what it has missed.
  sigset_t set, none;
  sigemptyset(&none);
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, NULL);
  timer_t timer;
  hits = 0;
  must(create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, &timer));
  must(settime(timer, 0, 0, 1000000, 0, 1000000));
  sleep_ms(50);
  sigprocmask(SIG_SETMASK, &none, NULL);
  int first = overrun;
  say("ok overruns: %d, the same by call %d\n", first > 20, hits >= 1);
  sigprocmask(SIG_BLOCK, &set, NULL);
  must(settime(timer, 0, 0, 0, 0, 0));
  sigprocmask(SIG_SETMASK, &none, NULL);
  erase(timer);
  // Ignored for a while.
  signal(SIGUSR1, SIG_IGN);
  must(create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, &timer));
  must(settime(timer, 0, 0, 1000000, 0, 1000000));
  sleep_ms(30);
  hits = 0;
  must(sigaction(SIGUSR1, &action, NULL));
  until_hit(3);
  say("ok goes on when no longer ignored %d\n", hits >= 3);
  erase(timer);
  must(create(CLOCK_PROCESS_CPUTIME_ID, SIGEV_SIGNAL, SIGUSR1, &timer));
  hits = 0;
  must(settime(timer, 0, 0, 20000000, 0, 0));
  while (!hits) {}
  say("ok on CPU time %d\n", hits);
  erase(timer);
}

static long set(int which, long sec, long usec, long isec, long iusec, struct itimerval* old) {
  struct itimerval spec = {{isec, iusec}, {sec, usec}};
  return syscall(SYS_setitimer, which, &spec, old);
}
static void intervals(void) {
  struct itimerval old;
  for (int which = -1; which < 4; which++) {
    char name[64];
    snprintf(name, sizeof name, "timer %d", which);
    shows(name, set(which, 100, 0, 3, 4, NULL));
    memset(&old, 0x11, sizeof old);
    if (shows(name, syscall(SYS_getitimer, which, &old)) == 0)
      say("ok interval %ld %ld left %d\n", old.it_interval.tv_sec, old.it_interval.tv_usec, old.it_value.tv_sec >= 90 && old.it_value.tv_sec <= 100);
    shows("microseconds", set(which, 1, 1000000, 0, 0, NULL));
    shows("negative microseconds", set(which, 1, -1, 0, 0, NULL));
    shows("negative seconds", set(which, -1, 0, 0, 0, NULL));
    shows("a bad interval", set(which, 1, 0, 0, 1000000, NULL));
    shows("unmapped", syscall(SYS_setitimer, which, (void*)16, NULL));
    shows("unmapped old", syscall(SYS_setitimer, which, NULL, (void*)16));
    shows("unmapped get", syscall(SYS_getitimer, which, (void*)16));
    shows("no new", syscall(SYS_setitimer, which, NULL, &old));
    if (syscall(SYS_getitimer, which, &old) == 0) say("ok then %ld %ld\n", old.it_value.tv_sec, old.it_interval.tv_sec);
  }
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
  static const int signals[] = {SIGALRM, SIGVTALRM, SIGPROF};
  for (int which = 0; which < 3; which++) {
    must(sigaction(signals[which], &action, NULL));
    hits = 0;
    must(set(which, 0, 5000, 0, 5000, NULL));
    while (hits < 3) {}
    must(set(which, 0, 0, 0, 0, &old));
    say("ok timer %d: code %d interval %ld\n", which, code, old.it_interval.tv_usec);
  }
  shows("alarm", alarm(100));
  shows("alarm again", alarm(0) >= 99);
  shows("alarm none", alarm(0));
  must(set(ITIMER_REAL, 10, 0, 0, 0, NULL));
  pid_t pid = must(fork());
  if (pid == 0) _exit(syscall(SYS_getitimer, ITIMER_REAL, &old) == 0 ? old.it_value.tv_sec : 99);
  equal("not in a child", status_of(pid), 0);
  pid = must(fork());
  if (pid == 0) {
    signal(SIGALRM, SIG_DFL);
    set(ITIMER_REAL, 0, 300000, 0, 0, NULL);
    execl("/bin/sleep", "sleep", "100", NULL);
  }
  equal("kept over execve", status_of(pid), 1000 + SIGALRM);
}

int main(void) {
  creation();
  signals();
  intervals();
  return check_done();
}
