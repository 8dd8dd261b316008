// poll(2), ppoll(2).
#include "../check.h"
#include <poll.h>
#include <sys/resource.h>

static volatile int alarms;
static void on_signal(int s) {
  (void)s;
  alarms++;
}

int main(void) {
  int a[2], b[2];
  must(pipe(a));
  must(pipe(b));
  struct pollfd p[4] = {{a[0], POLLIN, 77}, {b[1], POLLOUT, 77}, {-1, POLLIN, 77}, {999, POLLIN, 77}};
  equal("count", poll(p, 4, 0), 2);
  equal("not ready", p[0].revents, 0);
  equal("ready", p[1].revents, POLLOUT);
  equal("negative is skipped", p[2].revents, 0);
  equal("unknown", p[3].revents, POLLNVAL);
  equal("timeout 0", poll(p, 1, 0), 0);
  long before = now_ns(CLOCK_MONOTONIC);
  equal("timeout", poll(p, 1, 30), 0);
  holds("waited", now_ns(CLOCK_MONOTONIC) - before >= 30000000);
  equal("nothing but time", poll(NULL, 0, 10), 0);
  fails("bad pointer", syscall(SYS_ppoll, (void*)8, 1, NULL, NULL, 8), EFAULT);
  struct rlimit old, few = {3, 0};
  must(getrlimit(RLIMIT_NOFILE, &old));
  few.rlim_max = old.rlim_max;
  must(setrlimit(RLIMIT_NOFILE, &few));
  fails("more than RLIMIT_NOFILE", poll(p, 4, 0), EINVAL);
  must(setrlimit(RLIMIT_NOFILE, &old));

  int file = must(open("/proc/self/exe", O_RDONLY));
  struct pollfd f = {file, POLLIN | POLLOUT, 0};
  equal("a file is always ready", poll(&f, 1, -1), 1);
  equal("both ways", f.revents, POLLIN | POLLOUT);

  pid_t pid = must(fork());
  if (pid == 0) {
    sleep_ms(50);
    _exit(write(a[1], "x", 1) != 1);
  }
  struct pollfd two[2] = {{a[0], POLLIN, 0}, {a[0], POLLIN, 0}};
  equal("woken by data, twice listed", poll(two, 2, -1), 2);
  equal("child", status_of(pid), 0);
  close(b[1]);
  struct pollfd h = {b[0], 0, 0};
  equal("hang-up unasked", poll(&h, 1, -1), 1);
  equal("POLLHUP", h.revents, POLLHUP);

  struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigaction(SIGALRM, &sa, NULL);
  char c;
  must(read(a[0], &c, 1));
  pid = interrupt_asleep(SIGALRM);
  fails("interrupted in spite of SA_RESTART", poll(p, 1, -1), EINTR);
  status_of(pid);
  equal("handler ran", alarms, 1);

  struct timespec t = {0, 20000000};
  equal("ppoll timeout", ppoll(p, 1, &t, NULL), 0);
  struct timespec raw = {100, 0};
  sigset_t mask, empty;
  sigemptyset(&empty);
  sigemptyset(&mask);
  sigaddset(&mask, SIGUSR1);
  sigprocmask(SIG_BLOCK, &mask, NULL);
  sigaction(SIGUSR1, &sa, NULL);
  raise(SIGUSR1);
  equal("blocked", alarms, 1);
  fails("ppoll lets the signal in", syscall(SYS_ppoll, p, 1, &raw, &empty, 8), EINTR);
  equal("delivered", alarms, 2);
  holds("remaining time is written", raw.tv_sec < 100 && raw.tv_sec > 50);
  sigprocmask(SIG_BLOCK, NULL, &mask);
  equal("mask is restored", sigismember(&mask, SIGUSR1), 1);
  fails("ppoll with a bad mask size", syscall(SYS_ppoll, p, 1, &raw, &empty, 4), EINVAL);
  raw = (struct timespec){0, 1000000000};
  fails("ppoll with bad nanoseconds", syscall(SYS_ppoll, p, 1, &raw, NULL, 8), EINVAL);
  raw = (struct timespec){-1, 0};
  fails("ppoll with negative seconds", syscall(SYS_ppoll, p, 1, &raw, NULL, 8), EINVAL);
  must(write(a[1], "x", 1));
  raw = (struct timespec){100, 0};
  equal("ppoll ready at once", syscall(SYS_ppoll, p, 1, &raw, NULL, 8), 1);
  holds("time left", raw.tv_sec > 50 && raw.tv_sec <= 100);
  return check_done();
}
