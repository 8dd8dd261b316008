// TCP over loopback (tcp(7), ip(7), ipv6(7)): names, states, half close, resets, backlog, options, dual
// stack.
#include "../check.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static char big[1 << 20];
static volatile int pipe_signals;
static void on_sigpipe(int s) {
  (void)s;
  pipe_signals++;
}

static int readiness(int fd) {
  struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDHUP | POLLPRI, 0};
  poll(&p, 1, 0);
  return p.revents;
}
static int wait_for(int fd, int events) {
  struct pollfd p = {fd, events, 0};
  return poll(&p, 1, 60000) == 1 ? p.revents : -1;
}

static struct sockaddr_in in4;
static struct sockaddr_in6 in6;
#define A4 ((struct sockaddr*)&in4)
#define A6 ((struct sockaddr*)&in6)
static socklen_t len;

static void address4(unsigned ip, int port) {
  memset(&in4, 0, sizeof in4);
  in4.sin_family = AF_INET;
  in4.sin_addr.s_addr = htonl(ip);
  in4.sin_port = htons(port);
}
static void address6(const char* text, int port) {
  memset(&in6, 0, sizeof in6);
  in6.sin6_family = AF_INET6;
  inet_pton(AF_INET6, text, &in6.sin6_addr);
  in6.sin6_port = htons(port);
}
static int port_of(int s) {
  struct sockaddr_storage a;
  socklen_t l = sizeof a;
  must(getsockname(s, (struct sockaddr*)&a, &l));
  return ntohs(((struct sockaddr_in*)&a)->sin_port);
}
static int option(int s, int level, int name) {
  int v = -7;
  socklen_t l = sizeof v;
  if (getsockopt(s, level, name, &v, &l) != 0)
    return -errno;
  return v;
}
static int set(int s, int level, int name, int v) {
  return setsockopt(s, level, name, &v, sizeof v);
}

static int listener(int backlog) {
  int l = must(socket(AF_INET, SOCK_STREAM, 0));
  address4(INADDR_LOOPBACK, 0);
  must(bind(l, A4, sizeof in4));
  must(listen(l, backlog));
  return l;
}
// A connected pair: s[0] the client.
static void pair(int* s) {
  int l = listener(5);
  s[0] = must(socket(AF_INET, SOCK_STREAM, 0));
  address4(INADDR_LOOPBACK, port_of(l));
  must(connect(s[0], A4, sizeof in4));
  s[1] = must(accept(l, NULL, NULL));
  close(l);
}

static void creation(void) {
  fails("protocol of another type", socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
  fails("seqpacket", socket(AF_INET, SOCK_SEQPACKET, 0), ESOCKTNOSUPPORT);
  int s[2];
  fails("socketpair", socketpair(AF_INET, SOCK_STREAM, 0, s), EOPNOTSUPP);
  int c = succeeds("socket", socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  equal("unconnected", readiness(c), POLLOUT | POLLHUP);
  fails("recv unconnected", recv(c, big, 1, 0), ENOTCONN);
  fails("send unconnected", send(c, "x", 1, MSG_NOSIGNAL), EPIPE);
  fails("shutdown unconnected", shutdown(c, SHUT_WR), ENOTCONN);
  fails("accept unbound", accept(c, NULL, NULL), EINVAL);
  len = sizeof in4;
  fails("peer of nobody", getpeername(c, A4, &len), ENOTCONN);
  must(getsockname(c, A4, &len));
  holds("unbound name", in4.sin_addr.s_addr == 0 && in4.sin_port == 0 && len == sizeof in4);
  address4(INADDR_LOOPBACK, 0);
  fails("short address", bind(c, A4, 8), EINVAL);
  in4.sin_family = AF_UNIX;
  fails("wrong family", bind(c, A4, sizeof in4), EAFNOSUPPORT);
  address4(0x08080808, 0);
  fails("foreign address", bind(c, A4, sizeof in4), EADDRNOTAVAIL);
  address4(INADDR_LOOPBACK, 0);
  must(bind(c, A4, sizeof in4));
  holds("ephemeral", port_of(c) >= 32768);
  fails("bind twice", bind(c, A4, sizeof in4), EINVAL);
  equal("SO_TYPE", option(c, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
  equal("SO_PROTOCOL", option(c, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP);
  equal("SO_DOMAIN", option(c, SOL_SOCKET, SO_DOMAIN), AF_INET);
  close(c);
}

static void connection(void) {
  int l = listener(5), port = port_of(l);
  equal("SO_ACCEPTCONN", option(l, SOL_SOCKET, SO_ACCEPTCONN), 1);
  equal("listening", readiness(l), 0);
  fails("recv on a listener", recv(l, big, 1, 0), ENOTCONN);
  fails("send on a listener", send(l, "x", 1, MSG_NOSIGNAL), EPIPE);
  int c = must(socket(AF_INET, SOCK_STREAM, 0));
  address4(INADDR_LOOPBACK, port);
  must(connect(c, A4, sizeof in4));
  fails("connect twice", connect(c, A4, sizeof in4), EISCONN);
  fails("connect a listener", connect(l, A4, sizeof in4), EISCONN);
  equal("acceptable", wait_for(l, POLLIN), POLLIN);
  len = sizeof in4;
  int a = must(accept4(l, A4, &len, SOCK_NONBLOCK));
  equal("peer's port", ntohs(in4.sin_port), port_of(c));
  equal("accepted port", port_of(a), port);
  equal("accepted flags", fcntl(a, F_GETFL), O_RDWR | O_NONBLOCK);
  len = sizeof in4;
  must(getpeername(c, A4, &len));
  equal("server's port", ntohs(in4.sin_port), port);
  equal("idle", readiness(a), POLLOUT);
  equal("send", send(c, "hello", 5, 0), 5);
  equal("arrives", wait_for(a, POLLIN), POLLIN);
  int n;
  must(ioctl(a, FIONREAD, &n));
  equal("FIONREAD", n, 5);
  equal("peek", recv(a, big, 3, MSG_PEEK), 3);
  len = sizeof in4;
  equal("recvfrom", recvfrom(a, big, 100, 0, A4, &len), 5);
  fails("nothing more", recv(a, big, 1, 0), EAGAIN);
  fails("no urgent data", recv(a, big, 1, MSG_OOB), EINVAL);
  // Refused.
  int r = must(socket(AF_INET, SOCK_STREAM, 0));
  address4(INADDR_LOOPBACK, 1);
  fails("refused", connect(r, A4, sizeof in4), ECONNREFUSED);
  int nb = must(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  fails("refused later", connect(nb, A4, sizeof in4), EINPROGRESS);
  equal("error is ready", wait_for(nb, POLLOUT | POLLIN), POLLIN | POLLOUT | POLLERR | POLLHUP);
  equal("SO_ERROR", option(nb, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
  equal("SO_ERROR once", option(nb, SOL_SOCKET, SO_ERROR), 0);
  close(nb);
  nb = must(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  address4(INADDR_LOOPBACK, port);
  fails("non-blocking", connect(nb, A4, sizeof in4), EINPROGRESS);
  equal("done", wait_for(nb, POLLOUT), POLLOUT);
  equal("no error", option(nb, SOL_SOCKET, SO_ERROR), 0);
  equal("told once", connect(nb, A4, sizeof in4), 0);
  fails("then connected", connect(nb, A4, sizeof in4), EISCONN);
  in4.sin_family = AF_UNSPEC;
  equal("dissolve", connect(nb, A4, sizeof in4), 0);
  fails("dissolved", send(nb, "x", 1, MSG_NOSIGNAL), ECONNRESET);
  fails("told once", send(nb, "x", 1, MSG_NOSIGNAL), EPIPE);
  close(nb);
  close(r);
  close(a);
  close(c);
  close(l);
}

static void ends(void) {
  int s[2];
  signal(SIGPIPE, on_sigpipe);
  pair(s);
  must(send(s[0], "abc", 3, 0));
  must(shutdown(s[0], SHUT_WR));
  equal("half close", wait_for(s[1], POLLRDHUP) & POLLRDHUP, POLLRDHUP);
  equal("half closed", readiness(s[1]), POLLIN | POLLOUT | POLLRDHUP);
  equal("data first", recv(s[1], big, 10, 0), 3);
  equal("end", recv(s[1], big, 10, 0), 0);
  equal("the other way", send(s[1], "x", 1, 0), 1);
  equal("still comes", recv(s[0], big, 10, 0), 1);
  fails("send after shutdown", send(s[0], "x", 1, 0), EPIPE);
  equal("SIGPIPE", pipe_signals, 1);
  must(shutdown(s[1], SHUT_WR));
  wait_for(s[0], POLLHUP);
  equal("both closed", readiness(s[0]), POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
  close(s[0]);
  close(s[1]);

  pair(s);
  close(s[1]);
  wait_for(s[0], POLLRDHUP);
  equal("peer closed", readiness(s[0]), POLLIN | POLLOUT | POLLRDHUP);
  equal("first write goes", send(s[0], "x", 1, MSG_NOSIGNAL), 1);
  sleep_ms(20);
  fails("second does not", send(s[0], "x", 1, MSG_NOSIGNAL), EPIPE);
  equal("end of file", recv(s[0], big, 1, 0), 0);
  close(s[0]);

  pair(s);
  must(send(s[0], "unread", 6, 0));
  wait_for(s[1], POLLIN);
  close(s[1]);
  wait_for(s[0], POLLERR);
  equal("reset", readiness(s[0]), POLLIN | POLLOUT | POLLRDHUP | POLLHUP | POLLERR);
  fails("ECONNRESET", recv(s[0], big, 1, 0), ECONNRESET);
  equal("then the end", recv(s[0], big, 1, 0), 0);
  fails("write after a reset", send(s[0], "x", 1, MSG_NOSIGNAL), EPIPE);
  len = sizeof in4;
  fails("no peer any more", getpeername(s[0], A4, &len), ENOTCONN);
  close(s[0]);

  pair(s);
  struct linger lin = {1, 0};
  must(setsockopt(s[1], SOL_SOCKET, SO_LINGER, &lin, sizeof lin));
  close(s[1]);
  wait_for(s[0], POLLERR);
  fails("linger 0 resets", recv(s[0], big, 1, 0), ECONNRESET);
  close(s[0]);

  int l = listener(5);
  int c = must(socket(AF_INET, SOCK_STREAM, 0));
  address4(INADDR_LOOPBACK, port_of(l));
  must(connect(c, A4, sizeof in4));
  close(l);
  wait_for(c, POLLERR);
  fails("never accepted", recv(c, big, 1, 0), ECONNRESET);
  close(c);

  l = listener(5);
  pid_t pid = must(fork());
  if (pid == 0) {
    sleep_ms(50);
    shutdown(l, SHUT_RDWR);
    _exit(0);
  }
  fails("shutdown wakes accept", accept(l, NULL, NULL), EINVAL);
  status_of(pid);
  close(l);
}

static void transfer(void) {
  int s[2];
  pair(s);
  pid_t pid = must(fork());
  if (pid == 0) {
    close(s[0]);
    long sum = 0;
    for (ssize_t n; (n = recv(s[1], big, 70000, 0)) > 0;) {
      for (int i = 0; i < n; i++) {
        if (big[i] != (char)(sum + i))
          _exit(2);
      }
      sum += n;
    }
    _exit(sum == 8L << 20 ? 0 : 1);
  }
  close(s[1]);
  static char out[1 << 20];
  for (int i = 0; i < (int)sizeof out; i++)
    out[i] = i;
  for (int i = 0; i < 8; i++) {
    if (send(s[0], out, sizeof out, 0) != sizeof out)
      equal("long send", -1, 0);
  }
  close(s[0]);
  equal("all arrives in order", status_of(pid), 0);
  pair(s);
  must(fcntl(s[0], F_SETFL, O_NONBLOCK));
  long filled = 0;
  for (ssize_t n; (n = send(s[0], out, 65536, 0)) > 0;)
    filled += n;
  equal("fills", errno, EAGAIN);
  holds("bounded", filled > 65536 && filled < 32 << 20);
  equal("not writable", readiness(s[0]), 0);
  while (filled > 0)
    filled -= must(recv(s[1], big, sizeof big, 0));
  equal("writable again", wait_for(s[0], POLLOUT), POLLOUT);
  must(send(s[0], "ab", 2, 0));
  equal("urgent byte", send(s[0], "cd", 2, MSG_OOB), 2);
  must(send(s[0], "ef", 2, 0));
  equal("POLLPRI", wait_for(s[1], POLLPRI), POLLPRI);
  sleep_ms(20);
  equal("stops at the mark", recv(s[1], big, 100, 0), 3);
  int mark;
  must(ioctl(s[1], 0x8905, &mark));
  equal("at the mark", mark, 1);
  equal("urgent", recv(s[1], big, 10, MSG_OOB), 1);
  equal("is d", big[0], 'd');
  equal("the rest", recv(s[1], big, 100, 0), 2);
  struct timeval tv = {0, 30000};
  must(setsockopt(s[1], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv));
  fails("SO_RCVTIMEO of recv", recv(s[1], big, 1, 0), EAGAIN);
  fails("SO_RCVTIMEO of read", read(s[1], big, 1), EAGAIN);
  close(s[0]);
  close(s[1]);
}

static void sharing(void) {
  int a = must(socket(AF_INET, SOCK_STREAM, 0));
  int b = must(socket(AF_INET, SOCK_STREAM, 0));
  address4(INADDR_LOOPBACK, 0);
  must(bind(a, A4, sizeof in4));
  int port = port_of(a);
  address4(INADDR_LOOPBACK, port);
  fails("in use", bind(b, A4, sizeof in4), EADDRINUSE);
  address4(INADDR_ANY, port);
  fails("wildcard in use", bind(b, A4, sizeof in4), EADDRINUSE);
  address4(INADDR_LOOPBACK + 1, port);
  succeeds("another address", bind(b, A4, sizeof in4));
  close(b);
  b = must(socket(AF_INET, SOCK_STREAM, 0));
  set(b, SOL_SOCKET, SO_REUSEADDR, 1);
  address4(INADDR_LOOPBACK, port);
  fails("only one says SO_REUSEADDR", bind(b, A4, sizeof in4), EADDRINUSE);
  set(a, SOL_SOCKET, SO_REUSEADDR, 1);
  succeeds("both say SO_REUSEADDR", bind(b, A4, sizeof in4));
  must(listen(a, 1));
  fails("two listeners", listen(b, 1), EADDRINUSE);
  close(a);
  close(b);
  a = must(socket(AF_INET, SOCK_STREAM, 0));
  b = must(socket(AF_INET, SOCK_STREAM, 0));
  set(a, SOL_SOCKET, SO_REUSEPORT, 1);
  set(b, SOL_SOCKET, SO_REUSEPORT, 1);
  address4(INADDR_LOOPBACK, 0);
  must(bind(a, A4, sizeof in4));
  address4(INADDR_LOOPBACK, port_of(a));
  succeeds("SO_REUSEPORT", bind(b, A4, sizeof in4));
  must(listen(a, 1));
  succeeds("both listen", listen(b, 1));
  close(a);
  close(b);
}

static void version6(void) {
  int l = must(socket(AF_INET6, SOCK_STREAM, 0));
  address6("::", 0);
  must(bind(l, A6, sizeof in6));
  must(listen(l, 5));
  int port = port_of(l);
  int c = must(socket(AF_INET, SOCK_STREAM, 0));
  address4(INADDR_LOOPBACK, port);
  succeeds("v4 to a dual-stack listener", connect(c, A4, sizeof in4));
  len = sizeof in6;
  int a = must(accept(l, A6, &len));
  holds("mapped address", len == sizeof in6 && IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr));
  close(a);
  close(c);
  c = must(socket(AF_INET6, SOCK_STREAM, 0));
  address6("::1", port);
  succeeds("v6", connect(c, A6, sizeof in6));
  len = sizeof in6;
  a = must(accept(l, A6, &len));
  holds("::1", IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr));
  close(a);
  close(c);
  c = must(socket(AF_INET6, SOCK_STREAM, 0));
  address6("::ffff:127.0.0.1", port);
  succeeds("mapped destination", connect(c, A6, sizeof in6));
  close(c);
  c = must(socket(AF_INET, SOCK_STREAM, 0));
  address4(INADDR_ANY, port);
  fails("dual stack takes the v4 port too", bind(c, A4, sizeof in4), EADDRINUSE);
  close(l);
  l = must(socket(AF_INET6, SOCK_STREAM, 0));
  equal("IPV6_V6ONLY", option(l, IPPROTO_IPV6, IPV6_V6ONLY), 0);
  must(set(l, IPPROTO_IPV6, IPV6_V6ONLY, 1));
  address6("::", 0);
  set(l, SOL_SOCKET, SO_REUSEADDR, 1);
  must(bind(l, A6, sizeof in6));
  port = port_of(l);
  fails("IPV6_V6ONLY after bind", set(l, IPPROTO_IPV6, IPV6_V6ONLY, 0), EINVAL);
  must(listen(l, 1));
  set(c, SOL_SOCKET, SO_REUSEADDR, 1);
  address4(INADDR_ANY, port);
  succeeds("v6 only leaves v4 free", bind(c, A4, sizeof in4));
  int d = must(socket(AF_INET, SOCK_STREAM, 0));
  address4(INADDR_LOOPBACK, port);
  fails("v4 to a v6 only listener", connect(d, A4, sizeof in4), ECONNREFUSED);
  address4(INADDR_LOOPBACK, port);
  int e = must(socket(AF_INET6, SOCK_STREAM, 0));
  fails("v4 address on a v6 socket", connect(e, A4, sizeof in4), EINVAL);
  close(l);
  close(c);
  close(d);
  close(e);
}

static void options(void) {
  int s = must(socket(AF_INET, SOCK_STREAM, 0));
  equal("TCP_NODELAY off", option(s, IPPROTO_TCP, TCP_NODELAY), 0);
  must(set(s, IPPROTO_TCP, TCP_NODELAY, 5));
  equal("TCP_NODELAY", option(s, IPPROTO_TCP, TCP_NODELAY), 1);
  equal("TCP_KEEPIDLE", option(s, IPPROTO_TCP, TCP_KEEPIDLE), 7200);
  must(set(s, IPPROTO_TCP, TCP_KEEPIDLE, 60));
  equal("TCP_KEEPIDLE set", option(s, IPPROTO_TCP, TCP_KEEPIDLE), 60);
  fails("TCP_KEEPIDLE 0", set(s, IPPROTO_TCP, TCP_KEEPIDLE, 0), EINVAL);
  fails("TCP_KEEPCNT too large", set(s, IPPROTO_TCP, TCP_KEEPCNT, 128), EINVAL);
  equal("TCP_KEEPINTVL", option(s, IPPROTO_TCP, TCP_KEEPINTVL), 75);
  equal("TCP_KEEPCNT", option(s, IPPROTO_TCP, TCP_KEEPCNT), 9);
  must(set(s, IPPROTO_TCP, TCP_USER_TIMEOUT, 5000));
  equal("TCP_USER_TIMEOUT", option(s, IPPROTO_TCP, TCP_USER_TIMEOUT), 5000);
  fails("unknown TCP option", set(s, IPPROTO_TCP, 200, 1), ENOPROTOOPT);
  fails("UDP option", set(s, IPPROTO_UDP, 1, 1), ENOPROTOOPT);
  equal("IP_TTL", option(s, IPPROTO_IP, IP_TTL), 64);
  must(set(s, IPPROTO_IP, IP_TTL, 10));
  equal("IP_TTL set", option(s, IPPROTO_IP, IP_TTL), 10);
  fails("IP_TTL too large", set(s, IPPROTO_IP, IP_TTL, 300), EINVAL);
  must(set(s, IPPROTO_IP, IP_TOS, 0x10));
  equal("IP_TOS", option(s, IPPROTO_IP, IP_TOS), 0x10);
  fails("IP_MTU unconnected", option(s, IPPROTO_IP, IP_MTU) == -ENOTCONN ? (errno = ENOTCONN, -1) : 0,
        ENOTCONN);
  struct tcp_info info;
  len = sizeof info;
  must(getsockopt(s, IPPROTO_TCP, TCP_INFO, &info, &len));
  equal("TCP_INFO state", info.tcpi_state, TCP_CLOSE);
  equal("SO_KEEPALIVE", option(s, SOL_SOCKET, SO_KEEPALIVE), 0);
  fails("SO_PASSCRED", set(s, SOL_SOCKET, SO_PASSCRED, 1), EOPNOTSUPP);
  close(s);
  int p[2];
  pair(p);
  len = sizeof info;
  must(getsockopt(p[0], IPPROTO_TCP, TCP_INFO, &info, &len));
  equal("TCP_INFO established", info.tcpi_state, TCP_ESTABLISHED);
  char name[16];
  len = sizeof name;
  must(getsockopt(p[0], IPPROTO_TCP, TCP_CONGESTION, name, &len));
  equal("TCP_CONGESTION length", len, 16);
  close(p[0]);
  close(p[1]);
}

int main(void) {
  creation();
  connection();
  ends();
  transfer();
  sharing();
  version6();
  options();
  return check_done();
}
