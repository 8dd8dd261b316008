// Sockets that are read and written much, and what happens to them then: everything holds for them as for others.
// build: -pthread
#include "net.h"
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/uio.h>

enum { MUCH = 40 };
static void* volatile nowhere = (void*)-4096L;

// Used in both directions so often that it is no longer new, from both ends.
static void use(int* s) {
  char byte = 0;
  long good = 0;
  for (int i = 0; i < MUCH; i++) {
    good += write(s[0], "a", 1) == 1 && read(s[1], &byte, 1) == 1 && byte == 'a';
    good += send(s[1], "b", 1, 0) == 1 && recv(s[0], &byte, 1, 0) == 1 && byte == 'b';
  }
  equal("used", good, 2 * MUCH);
}

static int* used_pair(void) {
  static int s[2];
  tcp_pair(s);
  use(s);
  return s;
}

static void numbers(void) {
  int* s = used_pair();
  int other[2];
  char byte = 0;
  int old = s[1];
  must(pipe(other));
  must(write(other[1], "p", 1));
  // The number is another file's now: its data, not the socket's.
  int kept = must(dup(s[1]));
  must(dup2(other[0], s[1]));
  must(write(s[0], "s", 1));
  equal("dup2 over it", read(s[1], &byte, 1) == 1 ? byte : 0, 'p');
  equal("the socket elsewhere", read(kept, &byte, 1) == 1 ? byte : 0, 's');
  close(s[1]);
  fails("closed", read(old, &byte, 1), EBADF);
  fails("closed for writing", write(old, &byte, 1), EBADF);
  close(kept);
  equal("the last close is the end", read(s[0], &byte, 1), 0);
  close(s[0]), close(other[0]), close(other[1]);
  for (int i = 0; i < MUCH; i++) {
    tcp_pair(s);
    must(write(s[0], "x", 1));
    must(read(s[1], &byte, 1));
    close(s[1]);
    if (read(s[0], &byte, 1) != 0) say("FAIL no end\n");
    close(s[0]);
  }
}

static void children(void) {
  int* s = used_pair();
  char byte = 0;
  // A child that does nothing holds the socket open as long as it lives, and no longer.
  int hold[2];
  must(pipe(hold));
  pid_t pid = must(fork());
  if (pid == 0) {
    close(hold[1]);
    (void)!read(hold[0], &byte, 1);
    _exit(0);
  }
  close(hold[0]);
  while (recv(s[0], &byte, 1, MSG_DONTWAIT) == 1) {}
  close(s[1]);
  struct pollfd p = {.fd = s[0], .events = POLLIN};
  equal("held by the child", poll(&p, 1, 50), 0);
  close(hold[1]);
  waitpid(pid, NULL, 0);
  equal("let go with it", poll(&p, 1, 60000), 1);
  equal("the end", read(s[0], &byte, 1), 0);
  close(s[0]);
  // vfork's child has descriptors of its own in the parent's memory.
  s = used_pair();
  pid = vfork();
  if (pid == 0) {
    close(s[1]);
    _exit(read(s[1], &byte, 1) == -1 && errno == EBADF ? 0 : 1);
  }
  equal("closed in vfork's child alone", status_of(pid), 0);
  use(s);
  close(s[0]), close(s[1]);
}

static void waiting(void) {
  int* s = used_pair();
  char byte = 0;
  must(fcntl(s[1], F_SETFL, O_NONBLOCK));
  fails("O_NONBLOCK", read(s[1], &byte, 1), EAGAIN);
  fails("readv", readv(s[1], &(struct iovec){&byte, 1}, 1), EAGAIN);
  equal("writev", writev(s[1], (struct iovec[]){{"ab", 2}, {"c", 1}}, 2), 3);
  char three[8] = "";
  equal("readv of three", readv(s[0], (struct iovec[]){{three, 1}, {three + 1, 7}}, 2), 3);
  same_text("the three", three, "abc");
  must(fcntl(s[1], F_SETFL, 0));
  fails("MSG_DONTWAIT", recv(s[1], &byte, 1, MSG_DONTWAIT), EAGAIN);
  struct timeval t = {.tv_usec = 30000};
  must(setsockopt(s[1], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));
  fails("SO_RCVTIMEO", read(s[1], &byte, 1), EAGAIN);
  t.tv_usec = 0;
  must(setsockopt(s[1], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));
  pid_t pid = must(fork());
  if (pid == 0) {
    sleep_ms(50);
    _exit(write(s[0], "w", 1) == 1 ? 0 : 1);
  }
  equal("waits", read(s[1], &byte, 1) == 1 ? byte : 0, 'w');
  waitpid(pid, NULL, 0);
  fails("a bad address", read(s[1], nowhere, 1), EFAULT);
  void* mapped = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  must(write(s[0], "zz", 2));
  fails("an unmapped one", read(s[1], mapped, 1), EFAULT);
  equal("nothing was lost", recv(s[1], &byte, 1, MSG_PEEK), 1);
  close(s[0]), close(s[1]);
}

static volatile int handled;
static void on_alarm(int signo) {
  (void)signo;
  handled++;
}

static void* write_later(void* s) {
  while (handled < 2) sleep_ms(5);
  sleep_ms(20);
  must(write(*(int*)s, "l", 1));
  return NULL;
}

static void signals(void) {
  int* s = used_pair();
  char byte = 0;
  struct sigaction a = {.sa_handler = on_alarm};
  must(sigaction(SIGALRM, &a, NULL));
  pid_t pid = interrupt_asleep(SIGALRM);
  fails("a handler ends the wait", read(s[1], &byte, 1), EINTR);
  status_of(pid);
  a.sa_flags = SA_RESTART;
  must(sigaction(SIGALRM, &a, NULL));
  pthread_t thread;
  sigset_t alarm_alone;
  sigemptyset(&alarm_alone);
  sigaddset(&alarm_alone, SIGALRM);
  pthread_sigmask(SIG_BLOCK, &alarm_alone, NULL);
  must(-pthread_create(&thread, NULL, write_later, &s[0]));
  pthread_sigmask(SIG_UNBLOCK, &alarm_alone, NULL);
  pid = interrupt_asleep(SIGALRM);
  equal("SA_RESTART", read(s[1], &byte, 1) == 1 ? byte : 0, 'l');
  equal("both handled", handled, 2);
  pthread_join(thread, NULL);
  status_of(pid);
  signal(SIGPIPE, on_alarm);
  handled = 0;
  close(s[1]);
  while (read(s[0], &byte, 1) > 0) {}
  for (int i = 0; i < 100 && write(s[0], "x", 1) >= 0; i++) sleep_ms(1);
  fails("write to nobody", write(s[0], "x", 1), EPIPE);
  holds("SIGPIPE", handled >= 1);
  handled = 0;
  fails("MSG_NOSIGNAL", send(s[0], "x", 1, MSG_NOSIGNAL), EPIPE);
  fails("writev", writev(s[0], &(struct iovec){"x", 1}, 1), EPIPE);
  equal("one more", handled, 1);
  close(s[0]);
}

static int next(int e, int ms, unsigned* data) {
  struct epoll_event v = {0};
  int n = epoll_wait(e, &v, 1, ms);
  *data = n == 1 ? v.data.u32 : 0;
  return n == 1 ? (int)v.events : n;
}

static void events(void) {
  int* s = used_pair();
  int p[2], e = must(epoll_create1(0));
  unsigned data;
  char byte;
  must(pipe(p));
  struct epoll_event v = {.events = EPOLLIN, .data.u32 = 5};
  must(epoll_ctl(e, EPOLL_CTL_ADD, s[1], &v));
  v.data.u32 = 6;
  must(epoll_ctl(e, EPOLL_CTL_ADD, p[0], &v));
  long good = 0;
  for (int i = 0; i < MUCH; i++) {
    must(write(s[0], "a", 1));
    good += next(e, 60000, &data) == EPOLLIN && data == 5;
    must(read(s[1], &byte, 1));
    good += next(e, 0, &data) == 0;
    must(write(p[1], "a", 1));
    good += next(e, 60000, &data) == EPOLLIN && data == 6;
    must(read(p[0], &byte, 1));
    good += next(e, 0, &data) == 0;
  }
  equal("a socket and a pipe by turns", good, 4 * MUCH);
  must(write(s[0], "a", 1)), must(write(p[1], "a", 1));
  unsigned both = 0;
  for (int i = 0; i < 4; i++) next(e, 60000, &data), both |= 1u << data;
  equal("both at once", both, 1 << 5 | 1 << 6);
  must(read(p[0], &byte, 1));
  // The same socket under another descriptor.
  int copy = must(dup(s[1]));
  v.data.u32 = 7;
  must(epoll_ctl(e, EPOLL_CTL_ADD, copy, &v));
  both = 0;
  for (int i = 0; i < 4; i++) next(e, 60000, &data), both |= 1u << data;
  equal("under two descriptors", both, 1 << 5 | 1 << 7);
  must(epoll_ctl(e, EPOLL_CTL_DEL, copy, NULL));
  close(copy);
  must(read(s[1], &byte, 1));
  equal("nothing", next(e, 20, &data), 0);
  struct sigaction a = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
  must(sigaction(SIGALRM, &a, NULL));
  pid_t pid = interrupt_asleep(SIGALRM);
  fails("never restarted", next(e, -1, &data), EINTR);
  status_of(pid);
  must(write(s[0], "a", 1));
  fails("no events asked for", epoll_wait(e, &v, 0, 0), EINVAL);
  fails("a bad address", epoll_wait(e, nowhere, 1, 0), EFAULT);
  v.events = EPOLLIN | EPOLLONESHOT;
  v.data.u32 = 8;
  must(epoll_ctl(e, EPOLL_CTL_MOD, s[1], &v));
  equal("oneshot", next(e, 60000, &data), EPOLLIN);
  equal("its data", data, 8);
  equal("disarmed", next(e, 20, &data), 0);
  v.events = EPOLLIN;
  must(epoll_ctl(e, EPOLL_CTL_MOD, s[1], &v));
  close(s[1]);
  equal("closed: no longer watched", next(e, 20, &data), 0);
  close(s[0]), close(p[0]), close(p[1]);
  int old = e;
  close(e);
  fails("closed itself", next(old, 0, &data), EBADF);
}

int main(void) {
  numbers();
  children();
  waiting();
  signals();
  events();
  return check_failures != 0;
}
