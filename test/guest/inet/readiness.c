// Readiness of sockets: epoll level, edge, oneshot, exclusive and nested, select's third set, signals (epoll(7), fcntl(2)).
#include "net.h"
#include <sys/epoll.h>
#include <sys/select.h>

static int watch(int e, int fd, unsigned events) {
  struct epoll_event v = {.events = events, .data.fd = fd};
  return epoll_ctl(e, EPOLL_CTL_ADD, fd, &v);
}
static int rearm(int e, int fd, unsigned events) {
  struct epoll_event v = {.events = events, .data.fd = fd};
  return epoll_ctl(e, EPOLL_CTL_MOD, fd, &v);
}
// The events of one descriptor within so many ms; 0: none.
static int next(int e, int ms) {
  struct epoll_event v = {0};
  return epoll_wait(e, &v, 1, ms) == 1 ? (int)v.events : 0;
}

static void edges(const char* kind, int* s) {
  char name[80], byte[16];
#define NAME(x) (snprintf(name, sizeof name, "%s: %s", kind, x), name)
  int e = must(epoll_create1(0));
  must(watch(e, s[1], EPOLLIN | EPOLLOUT | EPOLLET | EPOLLRDHUP));
  equal(NAME("first"), next(e, 60000), EPOLLOUT);
  equal(NAME("an edge once"), next(e, 30), 0);
  must(send(s[0], "a", 1, 0));
  equal(NAME("data"), next(e, 60000), EPOLLIN | EPOLLOUT);
  equal(NAME("once"), next(e, 30), 0);
  must(send(s[0], "b", 1, 0));
  equal(NAME("more data is another edge"), next(e, 60000), EPOLLIN | EPOLLOUT);
  must(recv(s[1], byte, 1, 0));
  equal(NAME("reading is none"), next(e, 30), 0);
  must(recv(s[1], byte, 1, 0));
  must(rearm(e, s[1], EPOLLIN | EPOLLONESHOT));
  must(send(s[0], "c", 1, 0));
  equal(NAME("oneshot"), next(e, 60000), EPOLLIN);
  must(send(s[0], "d", 1, 0));
  equal(NAME("disarmed"), next(e, 20), 0);
  must(rearm(e, s[1], EPOLLIN | EPOLLONESHOT));
  equal(NAME("armed again"), next(e, 60000), EPOLLIN);
  must(rearm(e, s[1], EPOLLIN));
  int outer = must(epoll_create1(0));
  must(watch(outer, e, EPOLLIN));
  equal(NAME("nested"), next(outer, 60000), EPOLLIN);
  while (recv(s[1], byte, 16, MSG_DONTWAIT) > 0) {}
  equal(NAME("nested is quiet"), next(outer, 0), 0);
  close(e), close(outer);
  e = must(epoll_create1(0));
  must(watch(e, s[1], EPOLLIN));
  must(rearm(e, s[1], EPOLLIN | EPOLLOUT | EPOLLET));
  equal(NAME("from level to edge"), next(e, 60000), EPOLLOUT);
  equal(NAME("that edge once"), next(e, 30), 0);
  close(e);
}

static void ends(void) {
  int s[2], e = must(epoll_create1(0));
  tcp_pair(s);
  must(watch(e, s[1], EPOLLIN | EPOLLRDHUP | EPOLLET));
  must(shutdown(s[0], SHUT_WR));
  equal("half close", next(e, 60000), EPOLLIN | EPOLLRDHUP);
  must(shutdown(s[1], SHUT_WR));
  int got = next(e, 60000);
  equal("both closed", got, EPOLLIN | EPOLLRDHUP | EPOLLHUP);
  close(s[0]), close(s[1]);
  tcp_pair(s);
  must(watch(e, s[1], EPOLLET));
  struct linger now = {1, 0};
  must(setsockopt(s[0], SOL_SOCKET, SO_LINGER, &now, sizeof now));
  close(s[0]);
  equal("reset without asking", next(e, 60000), EPOLLERR | EPOLLHUP);
  close(s[1]);
  equal("closed ones are gone", next(e, 0), 0);
  int l = listener(5), c[3];
  must(watch(e, l, EPOLLIN | EPOLLET));
  for (int i = 0; i < 3; i++) {
    c[i] = must(socket(AF_INET, SOCK_STREAM, 0));
    must(connect_to(c[i], name_of(l)));
    equal("each connection is an edge", next(e, 60000), EPOLLIN);
  }
  int n = must(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  must(watch(e, n, EPOLLOUT | EPOLLET));
  equal("unconnected", next(e, 60000), EPOLLOUT | EPOLLHUP);
  fails("connect", connect_to(n, name_of(l)), EINPROGRESS);
  int out = 0;
  for (int i = 0; i < 4 && out != EPOLLOUT; i++) out = next(e, 60000);
  equal("connected is an edge", out, EPOLLOUT);
  close(e);
}

// Two processes wait for the same listener: an exclusive wake-up goes to one of them.
static void exclusive(void) {
  int l = listener(5);
  must(fcntl(l, F_SETFL, O_NONBLOCK));
  pid_t pid[2];
  for (int i = 0; i < 2; i++) {
    pid[i] = must(fork());
    if (pid[i] > 0) continue;
    int e = must(epoll_create1(0));
    must(watch(e, l, EPOLLIN | EPOLLEXCLUSIVE));
    struct epoll_event v;
    if (epoll_wait(e, &v, 1, -1) != 1) _exit(3);
    _exit(accept(l, NULL, NULL) >= 0 ? 1 : 2);
  }
  for (int i = 0; i < 2; i++) until_asleep(pid[i]);
  int c = must(socket(AF_INET, SOCK_STREAM, 0)), status;
  must(connect_to(c, name_of(l)));
  pid_t first = must(wait(&status)), other = first == pid[0] ? pid[1] : pid[0];
  equal("one of two", WEXITSTATUS(status), 1);
  sleep_ms(100);
  equal("the other goes on waiting", waitpid(other, NULL, WNOHANG), 0);
  kill(other, SIGKILL);
  status_of(other);
  int e = must(epoll_create1(0));
  must(watch(e, l, EPOLLIN | EPOLLEXCLUSIVE));
  fails("no changing it", rearm(e, l, EPOLLIN), EINVAL);
  fails("not with EPOLLONESHOT", watch(e, c, EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT), EINVAL);
  close(e), close(c), close(l);
}

static volatile sig_atomic_t count;
static volatile int code, band, fd_of;
static void on_io(int signal, siginfo_t* i, void* context) {
  (void)signal, (void)context;
  count++, code = i->si_code, band = i->si_band, fd_of = i->si_fd;
}
static void wait_signal(int more_than) {
  for (int i = 0; i < 12000 && count <= more_than; i++) sleep_ms(5);
}

static void signals(void) {
  int s[2] = {udp4(), udp4()};
  char byte;
  must(connect_to(s[0], name_of(s[1])));
  struct sigaction action = {.sa_sigaction = on_io, .sa_flags = SA_SIGINFO | SA_RESTART};
  sigaction(SIGIO, &action, NULL);
  sigaction(SIGRTMIN, &action, NULL);
  must(send(s[0], "x", 1, 0));
  must(fcntl(s[1], F_SETOWN, getpid()));
  must(fcntl(s[1], F_SETFL, O_ASYNC | O_NONBLOCK));
  sleep_ms(30);
  equal("what is there already is no signal", count, 0);
  must(recv(s[1], &byte, 1, 0));
  must(send(s[0], "x", 1, 0));
  wait_signal(0);
  equal("SIGIO", count, 1);
  must(fcntl(s[1], F_SETSIG, SIGRTMIN));
  count = 0;
  must(send(s[0], "x", 1, 0));
  wait_signal(0);
  holds("F_SETSIG", count == 1 && code == POLL_IN && (band & POLLIN) && fd_of == s[1]);
  must(fcntl(s[1], F_SETFL, O_NONBLOCK));
  count = 0;
  must(send(s[0], "x", 1, 0));
  sleep_ms(20);
  equal("switched off", count, 0);
  int on = 1;
  must(ioctl(s[1], FIOASYNC, &on));
  must(send(s[0], "x", 1, 0));
  wait_signal(0);
  equal("FIOASYNC", count, 1);
  int owner = 0;
  must(ioctl(s[1], 0x8903, &owner));  // FIOGETOWN
  equal("FIOGETOWN", owner, getpid());
  owner = 0;
  must(ioctl(s[1], 0x8902, &owner));  // SIOCSPGRP
  equal("SIOCSPGRP", fcntl(s[1], F_GETOWN), 0);
  close(s[0]), close(s[1]);
}

static void third_set(void) {
  int s[2];
  tcp_pair(s);
  must(send(s[0], "!", 1, MSG_OOB));
  wait_for(s[1], POLLPRI);
  fd_set r, w, x;
  FD_ZERO(&r);
  FD_ZERO(&w);
  FD_ZERO(&x);
  FD_SET(s[1], &r), FD_SET(s[1], &w), FD_SET(s[1], &x);
  equal("select", select(s[1] + 1, &r, &w, &x, NULL), 2);
  holds("exceptional, writable", FD_ISSET(s[1], &x) && FD_ISSET(s[1], &w) && !FD_ISSET(s[1], &r));
  close(s[0]), close(s[1]);
}

int main(void) {
  int s[2];
  tcp_pair(s);
  edges("tcp", s);
  s[0] = udp4(), s[1] = udp4();
  must(connect_to(s[0], name_of(s[1])));
  edges("udp", s);
  must(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  edges("unix stream", s);
  must(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
  edges("unix dgram", s);
  must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s));
  edges("unix seqpacket", s);
  ends();
  exclusive();
  signals();
  third_set();
  return check_done();
}
