// Full accept queues, descriptors and ports that run out, ends in the middle (listen(2), accept(2), connect(2)).
#include "net.h"
#include <sys/resource.h>

static void full_backlog(void) {
  int l = listener(1), c[4];
  for (int i = 0; i < 3; i++) {
    c[i] = must(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    fails("connect", connect_to(c[i], name_of(l)), EINPROGRESS);
  }
  sleep_ms(30);
  equal("first is in", readiness(c[0]), POLLOUT);
  equal("one more than the backlog", readiness(c[1]), POLLOUT);
  equal("the third is not", readiness(c[2]), 0);
  fails("in progress", connect_to(c[2], name_of(l)), EALREADY);
  fails("send", send(c[2], "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT), EAGAIN);
  fails("recv", recv(c[2], c, 1, MSG_DONTWAIT), EAGAIN);
  fails("no peer yet", getpeername(c[2], &(struct sockaddr){}, &(socklen_t){sizeof(struct sockaddr)}), ENOTCONN);
  must(accept(l, NULL, NULL));
  equal("room lets it in", wait_for(c[2], POLLOUT), POLLOUT);
  equal("without an error", option(c[2], SOL_SOCKET, SO_ERROR), 0);
  c[3] = must(socket(AF_INET, SOCK_STREAM, 0));
  struct timeval soon = {0, 100000};
  must(setsockopt(c[3], SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof soon));
  fails("SO_SNDTIMEO of connect", connect_to(c[3], name_of(l)), EINPROGRESS);
  close(c[3]);
  c[3] = must(socket(AF_INET, SOCK_STREAM, 0));
  must(set(c[3], IPPROTO_TCP, TCP_USER_TIMEOUT, 1));
  long begin = now_ns(CLOCK_MONOTONIC);
  fails("a connect that times out", connect_to(c[3], name_of(l)), ETIMEDOUT);
  long took = (now_ns(CLOCK_MONOTONIC) - begin) / 1000000;
  holds("after a second or so", took > 500 && took < 30000);
  for (int i = 0; i < 4; i++) close(c[i]);
  close(l);
}

static void out_of_descriptors(void) {
  int l = listener(8), c = must(socket(AF_INET, SOCK_STREAM, 0));
  must(connect_to(c, name_of(l)));
  wait_for(l, POLLIN);
  struct rlimit old, now;
  must(getrlimit(RLIMIT_NOFILE, &old));
  int next = must(dup(0));
  close(next);
  now = (struct rlimit){next, old.rlim_max};
  must(setrlimit(RLIMIT_NOFILE, &now));
  fails("socket", socket(AF_INET, SOCK_STREAM, 0), EMFILE);
  fails("accept", accept(l, NULL, NULL), EMFILE);
  int pair[2];
  fails("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair), EMFILE);
  must(setrlimit(RLIMIT_NOFILE, &old));
  int a = succeeds("the connection is still there", accept(l, NULL, NULL));
  equal("and works", send(c, "x", 1, 0), 1);
  close(a), close(c), close(l);
}

static void out_of_ports(void) {
  // A range of four ports, for this socket alone.
  int l = listener(16), c[6], ok = 0, error = 0;
  unsigned range = 50003u << 16 | 50000u;
  for (int i = 0; i < 6; i++) {
    c[i] = must(socket(AF_INET, SOCK_STREAM, 0));
    must(setsockopt(c[i], IPPROTO_IP, 51, &range, sizeof range));
    if (connect_to(c[i], name_of(l)) == 0) {
      ok++;
      if (port_of(c[i]) < 50000 || port_of(c[i]) > 50003) equal("port", port_of(c[i]), 50000);
    } else {
      error = errno;
    }
  }
  equal("so many fit", ok, 4);
  equal("then EADDRNOTAVAIL", error, EADDRNOTAVAIL);
  int other = listener(4);
  succeeds("another destination has ports", connect_to(c[4], name_of(other)));
  int b = must(socket(AF_INET, SOCK_STREAM, 0));
  must(setsockopt(b, IPPROTO_IP, 51, &range, sizeof range));
  fails("bind finds none", bind_to(b, ip4(INADDR_LOOPBACK, 0)), EADDRINUSE);
  close(b);
  int u[6];
  ok = 0;
  for (int i = 0; i < 6; i++) {
    u[i] = must(socket(AF_INET, SOCK_DGRAM, 0));
    must(setsockopt(u[i], IPPROTO_IP, 51, &range, sizeof range));
    if (bind_to(u[i], ip4(INADDR_LOOPBACK, 0)) == 0) ok++;
    else error = errno;
  }
  equal("datagrams' ports", ok, 4);
  equal("then EADDRINUSE", error, EADDRINUSE);
  for (int i = 0; i < 6; i++) close(c[i]), close(u[i]);
  close(l), close(other);
}

// A peer that never reads; then it ends, in the middle.
static void writer_without_reader(void) {
  static char data[65536];
  int s[2];
  tcp_pair(s);
  pid_t pid = must(fork());
  if (pid == 0) {
    close(s[1]);
    signal(SIGPIPE, SIG_IGN);
    for (;;)
      if (send(s[0], data, sizeof data, 0) < 0) _exit(errno);
  }
  close(s[0]);
  sleep_ms(100);
  equal("blocks", waitpid(pid, NULL, WNOHANG), 0);
  struct linger now = {1, 0};
  must(setsockopt(s[1], SOL_SOCKET, SO_LINGER, &now, sizeof now));
  close(s[1]);
  equal("reset in the middle of a send", status_of(pid), ECONNRESET);

  tcp_pair(s);
  pid = must(fork());
  if (pid == 0) {
    close(s[1]);
    long n = recv(s[0], data, sizeof data, MSG_WAITALL);
    _exit(n < 0 ? errno : n);
  }
  close(s[0]);
  must(send(s[1], "part", 4, 0));
  until_asleep(pid);
  sleep_ms(50);
  must(setsockopt(s[1], SOL_SOCKET, SO_LINGER, &now, sizeof now));
  close(s[1]);
  equal("reset in the middle of MSG_WAITALL", status_of(pid), 4);

  tcp_pair(s);
  must(shutdown(s[0], SHUT_WR));
  wait_for(s[1], POLLRDHUP);
  must(send(s[1], "half open", 9, 0));
  equal("half open reads", recv(s[0], data, 16, 0), 9);
  close(s[0]);
  sleep_ms(20);
  equal("first write", send(s[1], "x", 1, MSG_NOSIGNAL), 1);
  sleep_ms(20);
  fails("then it is told", send(s[1], "x", 1, MSG_NOSIGNAL), EPIPE);
  close(s[1]);
}

static void slow_reader(void) {
  static char data[100000];
  int s[2];
  tcp_pair(s);
  pid_t pid = must(fork());
  if (pid == 0) {
    close(s[1]);
    for (int i = 0; i < 100; i++)
      if (send(s[0], data, sizeof data, 0) != sizeof data) _exit(1);
    _exit(0);
  }
  close(s[0]);
  long sum = 0;
  for (ssize_t n; (n = recv(s[1], data, 7001, 0)) > 0; sum += n)
    if (sum % 11 == 0) sleep_ms(1);
  equal("all of it", sum, 10000000);
  equal("writer", status_of(pid), 0);
  close(s[1]);
}

int main(void) {
  full_backlog();
  out_of_descriptors();
  out_of_ports();
  writer_without_reader();
  slow_reader();
  return check_done();
}
