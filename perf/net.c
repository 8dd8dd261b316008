// Sockets on loopback: rates a second, as "row<tab>rate" lines. Each row runs for about 0.7 s between two processes.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SECONDS 0.7

static char buffer[65536];

static long check(long result, const char* what) {
  if (result < 0) {
    perror(what);
    exit(1);
  }
  return result;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static struct sockaddr_in at_loopback(int port) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  return a;
}

static int bound(int type, struct sockaddr_in* where) {
  int s = check(socket(AF_INET, type, 0), "socket");
  *where = at_loopback(0);
  socklen_t size = sizeof *where;
  check(bind(s, (struct sockaddr*)where, size), "bind");
  check(getsockname(s, (struct sockaddr*)where, &size), "getsockname");
  if (type == SOCK_STREAM) check(listen(s, 1024), "listen");
  return s;
}

static int connected(struct sockaddr_in* where) {
  int s = check(socket(AF_INET, SOCK_STREAM, 0), "socket");
  check(connect(s, (struct sockaddr*)where, sizeof *where), "connect");
  int on = 1;
  setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return s;
}

static void tcp_pair(int pair[2]) {
  struct sockaddr_in where;
  int listener = bound(SOCK_STREAM, &where);
  pair[0] = connected(&where);
  pair[1] = check(accept(listener, NULL, NULL), "accept");
  int on = 1;
  setsockopt(pair[1], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  close(listener);
}

// The peer of every row is a child that is killed at the end.
static void done(const char* row, pid_t child, double count, double start) {
  double seconds = now() - start;
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  printf("%s\t%.0f\n", row, count / seconds);
  fflush(stdout);
}

static void ping_pong(const char* row, int pair[2]) {
  pid_t child = check(fork(), "fork");
  if (child == 0) {
    while (read(pair[1], buffer, 1) == 1) check(write(pair[1], buffer, 1), "write");
    _exit(0);
  }
  double start = now();
  long count = 0;
  for (; count % 64 != 0 || now() - start < SECONDS; count++) {
    check(write(pair[0], buffer, 1), "write");
    check(read(pair[0], buffer, 1), "read");
  }
  done(row, child, count, start);
  close(pair[0]);
  close(pair[1]);
}

// MB/s of writes of `size` bytes to a peer that reads as much at once.
static void throughput(const char* row, int pair[2], size_t size) {
  pid_t child = check(fork(), "fork");
  if (child == 0) {
    close(pair[0]);
    while (read(pair[1], buffer, size) > 0) {}
    _exit(0);
  }
  close(pair[1]);
  double start = now(), bytes = 0;
  for (long i = 0; i % 16 != 0 || now() - start < SECONDS; i++) bytes += check(write(pair[0], buffer, size), "write");
  done(row, child, bytes / 1e6, start);
  close(pair[0]);
}

static void udp_packets(void) {
  struct sockaddr_in where, self;
  int server = bound(SOCK_DGRAM, &where), client = bound(SOCK_DGRAM, &self);
  pid_t child = check(fork(), "fork");
  if (child == 0) {
    // Answers every sixteenth, so that the sender is never far ahead.
    for (long i = 1;; i++) {
      check(recv(server, buffer, 2048, 0), "recv");
      if (i % 16 == 0) check(sendto(server, buffer, 1, 0, (struct sockaddr*)&self, sizeof self), "sendto");
    }
  }
  check(connect(client, (struct sockaddr*)&where, sizeof where), "connect");
  double start = now();
  long count = 0;
  while (now() - start < SECONDS) {
    for (int i = 0; i < 16; i++) check(send(client, buffer, 512, 0), "send");
    check(recv(client, buffer, 1, 0), "recv");
    count += 16;
  }
  done("UDP, 512-byte packets", child, count, start);
  close(server);
  close(client);
}

static void connects(void) {
  struct sockaddr_in where;
  int listener = bound(SOCK_STREAM, &where);
  pid_t child = check(fork(), "fork");
  if (child == 0) {
    for (;;) {
      int s = check(accept(listener, NULL, NULL), "accept");
      while (read(s, buffer, 16) > 0) {}
      close(s);
    }
  }
  double start = now();
  long count = 0;
  for (; now() - start < SECONDS; count++) {
    int s = connected(&where);
    // The server's end closes second: ports in TIME_WAIT are the client's.
    shutdown(s, SHUT_WR);
    check(read(s, buffer, 1), "read");
    close(s);
  }
  done("TCP connect+close", child, count, start);
  close(listener);
}

// 1,000 idle connections and ten that have something to read all the time; rounds of one event each.
static void epolls(void) {
  enum { IDLE = 1000, ACTIVE = 10 };
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  int epoll = check(epoll_create1(0), "epoll_create1"), active[ACTIVE][2];
  for (int i = 0; i < IDLE; i++) {
    int pair[2];
    check(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), "socketpair");
    struct epoll_event event = {.events = EPOLLIN, .data.fd = pair[0]};
    check(epoll_ctl(epoll, EPOLL_CTL_ADD, pair[0], &event), "epoll_ctl");
  }
  for (int i = 0; i < ACTIVE; i++) {
    tcp_pair(active[i]);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = active[i][0]};
    check(epoll_ctl(epoll, EPOLL_CTL_ADD, active[i][0], &event), "epoll_ctl");
  }
  pid_t child = check(fork(), "fork");
  if (child == 0) {
    for (int i = 0; i < ACTIVE; i++) check(write(active[i][1], buffer, 1), "write");
    int answers = check(epoll_create1(0), "epoll_create1");
    for (int i = 0; i < ACTIVE; i++) {
      struct epoll_event event = {.events = EPOLLIN, .data.fd = active[i][1]};
      check(epoll_ctl(answers, EPOLL_CTL_ADD, active[i][1], &event), "epoll_ctl");
    }
    for (;;) {
      struct epoll_event events[ACTIVE];
      int n = check(epoll_wait(answers, events, ACTIVE, -1), "epoll_wait");
      for (int i = 0; i < n; i++) {
        check(read(events[i].data.fd, buffer, 1), "read");
        check(write(events[i].data.fd, buffer, 1), "write");
      }
    }
  }
  double start = now();
  long count = 0;
  while (now() - start < SECONDS) {
    struct epoll_event events[ACTIVE];
    int n = check(epoll_wait(epoll, events, ACTIVE, -1), "epoll_wait");
    for (int i = 0; i < n; i++) {
      check(read(events[i].data.fd, buffer, 1), "read");
      check(write(events[i].data.fd, buffer, 1), "write");
    }
    count += n;
  }
  done("epoll, 1,000 idle and 10 active, events", child, count, start);
}

static int* unix_pair(void) {
  static int pair[2];
  check(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), "socketpair");
  return pair;
}

int main(void) {
  int pair[2];
  tcp_pair(pair);
  ping_pong("TCP ping-pong", pair);
  tcp_pair(pair);
  throughput("TCP, 64 KiB writes, MB", pair, 65536);
  ping_pong("unix ping-pong", unix_pair());
  throughput("unix, 64 KiB writes, MB", unix_pair(), 65536);
  throughput("unix, 4 KiB writes, MB", unix_pair(), 4096);
  udp_packets();
  connects();
  epolls();
}
