// select(2), pselect6(2).
#include "../check.h"
#include <sys/select.h>

static volatile int signals_seen;
static void on_signal(int s) {
  (void)s;
  signals_seen++;
}

int main(void) {
  int a[2];
  must(pipe(a));
  fd_set r, w, e;
  FD_ZERO(&r);
  FD_ZERO(&w);
  FD_ZERO(&e);
  FD_SET(a[0], &r);
  FD_SET(a[1], &w);
  FD_SET(a[0], &e);
  struct timeval tv = {0, 0};
  equal("count", select(a[1] + 1, &r, &w, &e, &tv), 1);
  holds("not readable", !FD_ISSET(a[0], &r));
  holds("writable", FD_ISSET(a[1], &w));
  holds("no exception", !FD_ISSET(a[0], &e));
  FD_SET(a[0], &r);
  tv = (struct timeval){0, 20000};
  equal("timeout", select(a[1] + 1, &r, NULL, NULL, &tv), 0);
  holds("cleared", !FD_ISSET(a[0], &r));
  equal("time is used up", tv.tv_sec * 1000000 + tv.tv_usec, 0);
  fails("negative count", syscall(SYS_pselect6, -1, NULL, NULL, NULL, NULL, NULL), EINVAL);
  tv = (struct timeval){-1, 0};
  fails("negative time", select(0, NULL, NULL, NULL, &tv), EINVAL);
  FD_ZERO(&r);
  FD_SET(60, &r);
  tv = (struct timeval){0, 0};
  fails("unknown descriptor", select(61, &r, NULL, NULL, &tv), EBADF);
  FD_ZERO(&r);
  FD_SET(a[0], &r);
  FD_SET(60, &r);
  equal("beyond nfds is not looked at", select(a[1] + 1, &r, NULL, NULL, &tv), 0);
  must(write(a[1], "x", 1));
  FD_ZERO(&r);
  FD_SET(a[0], &r);
  FD_ZERO(&w);
  FD_SET(a[1], &w);
  tv = (struct timeval){100, 0};
  equal("bits of both sets count", select(a[1] + 1, &r, &w, NULL, &tv), 2);
  holds("time left", tv.tv_sec > 50 && tv.tv_sec <= 100);
  close(a[1]);
  char c;
  must(read(a[0], &c, 1));
  FD_ZERO(&r);
  FD_SET(a[0], &r);
  equal("end of file is readable", select(a[0] + 1, &r, NULL, NULL, NULL), 1);

  int b[2];
  must(pipe(b));
  struct sigaction sa = {.sa_handler = on_signal};
  sigaction(SIGUSR1, &sa, NULL);
  sigset_t mask, empty;
  sigemptyset(&empty);
  sigemptyset(&mask);
  sigaddset(&mask, SIGUSR1);
  sigprocmask(SIG_BLOCK, &mask, NULL);
  raise(SIGUSR1);
  FD_ZERO(&r);
  FD_SET(b[0], &r);
  struct timespec ts = {100, 0};
  fails("pselect lets the signal in", pselect(b[0] + 1, &r, NULL, NULL, &ts, &empty), EINTR);
  equal("delivered", signals_seen, 1);
  holds("sets stay", FD_ISSET(b[0], &r));
  pid_t pid = must(fork());
  if (pid == 0) {
    sleep_ms(50);
    _exit(write(b[1], "x", 1) != 1);
  }
  equal("woken", select(b[0] + 1, &r, NULL, NULL, NULL), 1);
  equal("child", status_of(pid), 0);
  equal("nothing but time", select(0, NULL, NULL, NULL, &(struct timeval){0, 1000}), 0);
  return check_done();
}
