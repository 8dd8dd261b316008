// poll(2) and select(2) of sockets that are used much, alone and with other files.
#include "net.h"
#include <signal.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { MUCH = 40 };

static void used_pair(int* s) {
  long good = 0;
  char byte;
  tcp_pair(s);
  for (int i = 0; i < MUCH; i++) {
    good += write(s[0], "a", 1) == 1 && read(s[1], &byte, 1) == 1;
    good += write(s[1], "b", 1) == 1 && read(s[0], &byte, 1) == 1;
  }
  equal("used", good, 2 * MUCH);
}

static volatile int handled;
static void on_alarm(int signo) {
  (void)signo;
  handled++;
}

// glibc's keeps what is left of the time to itself.
static int timed_poll(struct pollfd* f, unsigned long n, struct timespec* t, const sigset_t* mask) {
  return syscall(SYS_ppoll, f, n, t, mask, 8);
}
static long left_ms(const struct timespec* t) {
  return t->tv_sec * 1000 + t->tv_nsec / 1000000;
}

static void polls(void) {
  int s[2], p[2];
  char byte;
  used_pair(s);
  must(pipe(p));
  struct pollfd f[4] = {{s[0], POLLIN, 7}, {-1, POLLIN, 7}, {s[1], POLLIN | POLLOUT | POLLPRI, 7}, {s[0], 0, 7}};
  equal("one is", poll(f, 4, 60000), 1);
  equal("nothing to read", f[0].revents, 0);
  equal("nobody", f[1].revents, 0);
  equal("room", f[2].revents, POLLOUT);
  equal("nothing asked", f[3].revents, 0);
  equal("as it was", f[0].fd, s[0]);
  must(write(s[1], "x", 1));
  f[3].events = POLLIN;
  wait_for(s[0], POLLIN);
  equal("three are", poll(f, 4, -1), 3);
  equal("twice the same", f[0].revents == POLLIN && f[3].revents == POLLIN, 1);
  must(read(s[0], &byte, 1));
  long start = now_ns(CLOCK_MONOTONIC);
  equal("none in time", poll(f, 1, 60), 0);
  long took = (now_ns(CLOCK_MONOTONIC) - start) / 1000000;
  holds("which passes", took >= 59 && took < 50000);
  struct timespec t = {105, 500000000};
  equal("ppoll", timed_poll(f + 2, 1, &t, NULL), 1);
  holds("what is left", left_ms(&t) > 1000 && left_ms(&t) <= 105500);
  t = (struct timespec){0, 20000000};
  equal("none", timed_poll(f, 1, &t, NULL), 0);
  equal("nothing is left", left_ms(&t), 0);
  t.tv_nsec = 1000000000;
  fails("no such time", timed_poll(f, 1, &t, NULL), EINVAL);
  fails("no such place", poll((void*)-4096L, 1, 0), EFAULT);
  fails("too many", syscall(SYS_ppoll, f, 1ul << 31, NULL, NULL, 8), EINVAL);
  // With a file that is none: it goes to who knows of all.
  struct pollfd mixed[3] = {{s[0], POLLIN, 0}, {p[0], POLLIN, 0}, {900, POLLIN, 0}};
  equal("a pipe, too", poll(mixed, 2, 0), 0);
  must(write(p[1], "p", 1)), must(write(s[1], "s", 1));
  equal("both", wait_for(s[0], POLLIN) == POLLIN ? poll(mixed, 2, 60000) : -1, 2);
  equal("and a bad one", poll(mixed, 3, 60000), 3);
  equal("POLLNVAL", mixed[2].revents, POLLNVAL);
  must(read(s[0], &byte, 1));
  // A signal ends the wait, whatever SA_RESTART says; a mask holds it off.
  struct sigaction a = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
  must(sigaction(SIGALRM, &a, NULL));
  pid_t pid = interrupt_asleep(SIGALRM);
  fails("interrupted", poll(f, 1, -1), EINTR);
  status_of(pid);
  t = (struct timespec){100, 0};
  pid = interrupt_asleep(SIGALRM);
  fails("interrupted", timed_poll(f, 1, &t, NULL), EINTR);
  holds("the rest", left_ms(&t) > 1000 && left_ms(&t) < 100000);
  status_of(pid);
  sigset_t none;
  sigfillset(&none);
  t = (struct timespec){0, 100000000};
  ualarm(20000, 0);
  equal("with a mask", timed_poll(f, 1, &t, &none), 0);
  equal("handled all three", handled, 3);
  must(shutdown(s[1], SHUT_WR));
  f[0].events = POLLIN | POLLRDHUP;
  equal("the end", poll(f, 1, 60000), 1);
  equal("of one half", f[0].revents, POLLIN | POLLRDHUP);
  close(s[1]);
  int old = s[0];
  close(s[0]);
  f[0].fd = old;
  equal("closed", poll(f, 1, 0), 1);
  equal("says so", f[0].revents, POLLNVAL);
  close(p[0]), close(p[1]);
}

static fd_set sets[3];
static int ask(int first, int second, long usec) {
  for (int i = 0; i < 3; i++) FD_ZERO(&sets[i]);
  FD_SET(first, &sets[0]);
  FD_SET(second, &sets[1]);
  FD_SET(first, &sets[2]);
  struct timeval t = {0, usec};
  return select((first > second ? first : second) + 1, &sets[0], &sets[1], &sets[2], &t);
}
static int bits(int first, int second) {
  int all = FD_ISSET(first, &sets[0]) ? 1 : 0;
  if (FD_ISSET(second, &sets[1])) all |= 2;
  if (FD_ISSET(first, &sets[2])) all |= 4;
  if (FD_ISSET(second, &sets[0])) all |= 8;
  return all;
}

static void selects(void) {
  int s[2], p[2];
  char byte;
  used_pair(s);
  must(pipe(p));
  equal("room alone", ask(s[0], s[1], 500000), 1);
  equal("in the second set", bits(s[0], s[1]), 2);
  must(write(s[1], "x", 1));
  wait_for(s[0], POLLIN);
  equal("data, too", ask(s[0], s[1], 500000), 2);
  equal("in the first", bits(s[0], s[1]), 3);
  must(send(s[1], "u", 1, MSG_OOB));
  wait_for(s[0], POLLPRI);
  equal("and what is urgent", ask(s[0], s[1], 500000), 3);
  equal("in the third", bits(s[0], s[1]), 7);
  must(recv(s[0], &byte, 1, MSG_OOB)), must(read(s[0], &byte, 1));
  struct timeval t = {100, 0};
  FD_ZERO(&sets[1]);
  FD_SET(s[1], &sets[1]);
  equal("one set", select(s[1] + 1, NULL, &sets[1], NULL, &t), 1);
  holds("what is left", t.tv_sec < 100 || t.tv_usec == 0);
  FD_ZERO(&sets[0]);
  FD_SET(s[0], &sets[0]);
  t = (struct timeval){0, 30000};
  equal("none", select(1024, &sets[0], NULL, NULL, &t), 0);
  equal("an empty set", FD_ISSET(s[0], &sets[0]), 0);
  equal("no time", t.tv_usec, 0);
  t.tv_usec = -1;
  fails("no such time", select(1, NULL, NULL, NULL, &t), EINVAL);
  fails("no such set", select(s[0] + 1, (void*)-4096L, NULL, NULL, NULL), EFAULT);
  fails("no such count", select(-1, NULL, NULL, NULL, NULL), EINVAL);
  FD_SET(s[0], &sets[0]);
  FD_SET(p[0], &sets[0]);
  must(write(p[1], "p", 1));
  t = (struct timeval){60, 0};
  equal("with a pipe", select(1024, &sets[0], NULL, NULL, &t), 1);
  holds("that one", FD_ISSET(p[0], &sets[0]) && !FD_ISSET(s[0], &sets[0]));
  FD_ZERO(&sets[0]);
  FD_SET(s[0], &sets[0]);
  struct timespec n = {0, 30000000};
  equal("pselect", pselect(s[0] + 1, &sets[0], NULL, NULL, &n, NULL), 0);
  sigset_t empty;
  sigemptyset(&empty);
  FD_SET(s[0], &sets[0]);
  pid_t pid = interrupt_asleep(SIGALRM);
  fails("a signal", pselect(s[0] + 1, &sets[0], NULL, NULL, NULL, &empty), EINTR);
  status_of(pid);
  handled = 0;
  pid = interrupt_asleep(SIGALRM);
  fails("without a mask", select(s[0] + 1, &sets[0], NULL, NULL, NULL), EINTR);
  status_of(pid);
  equal("handled", handled, 1);
  // An end is something to read, and nothing urgent.
  FD_ZERO(&sets[0]);
  FD_ZERO(&sets[2]);
  close(s[1]);
  wait_for(s[0], POLLIN);
  must(write(s[0], "x", 1));
  wait_for(s[0], POLLHUP);
  FD_SET(s[0], &sets[2]);
  t = (struct timeval){0, 30000};
  equal("a reset is not urgent", select(s[0] + 1, NULL, NULL, &sets[2], &t), 0);
  FD_SET(s[0], &sets[0]);
  t = (struct timeval){60, 0};
  equal("but to be read", select(s[0] + 1, &sets[0], NULL, NULL, &t), 1);
  int old = s[0];
  close(s[0]);
  FD_SET(old, &sets[0]);
  fails("closed", select(old + 1, &sets[0], NULL, NULL, &t), EBADF);
  close(p[0]), close(p[1]);
}

int main(void) {
  polls();
  selects();
  return check_failures != 0;
}
