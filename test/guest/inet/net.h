// What the tests of AF_INET and AF_INET6 sockets share.
#ifndef TEST_GUEST_INET_NET_H
#define TEST_GUEST_INET_NET_H
#include "../check.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

union address {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
};

__attribute__((unused)) static union address ip4(unsigned ip, int port) {
  union address a;
  memset(&a, 0, sizeof a);
  a.v4.sin_family = AF_INET;
  a.v4.sin_addr.s_addr = htonl(ip);
  a.v4.sin_port = htons(port);
  return a;
}
__attribute__((unused)) static union address ip6(const char* text, int port) {
  union address a;
  memset(&a, 0, sizeof a);
  a.v6.sin6_family = AF_INET6;
  inet_pton(AF_INET6, text, &a.v6.sin6_addr);
  a.v6.sin6_port = htons(port);
  return a;
}
__attribute__((unused)) static socklen_t size_of(const union address* a) {
  return a->any.sa_family == AF_INET ? sizeof a->v4 : sizeof a->v6;
}
__attribute__((unused)) static int bind_to(int s, union address a) {
  return bind(s, &a.any, size_of(&a));
}
__attribute__((unused)) static int connect_to(int s, union address a) {
  return connect(s, &a.any, size_of(&a));
}
__attribute__((unused)) static ssize_t send_to(int s, const void* data, size_t n, int flags, union address a) {
  return sendto(s, data, n, flags, &a.any, size_of(&a));
}
__attribute__((unused)) static union address name_of(int s) {
  union address a;
  socklen_t length = sizeof a;
  must(getsockname(s, &a.any, &length));
  return a;
}
__attribute__((unused)) static int port_of(int s) {
  return ntohs(name_of(s).v4.sin_port);
}
__attribute__((unused)) static int set(int s, int level, int name, int value) {
  return setsockopt(s, level, name, &value, sizeof value);
}
// The value, or the negated errno.
__attribute__((unused)) static int option(int s, int level, int name) {
  int value = 0;
  socklen_t length = sizeof value;
  return getsockopt(s, level, name, &value, &length) == 0 ? value : -errno;
}
__attribute__((unused)) static int readiness(int fd) {
  struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDHUP | POLLPRI, 0};
  poll(&p, 1, 0);
  return p.revents;
}
__attribute__((unused)) static int wait_for(int fd, int events) {
  struct pollfd p = {fd, events, 0};
  return poll(&p, 1, 60000) == 1 ? p.revents : -1;
}
// Listens on 127.0.0.1, at a port of the kernel's choice.
__attribute__((unused)) static int listener(int backlog) {
  int l = must(socket(AF_INET, SOCK_STREAM, 0));
  must(bind_to(l, ip4(INADDR_LOOPBACK, 0)));
  must(listen(l, backlog));
  return l;
}
// A connection: s[0] is the client's end.
__attribute__((unused)) static void tcp_pair(int* s) {
  int l = listener(5);
  s[0] = must(socket(AF_INET, SOCK_STREAM, 0));
  must(connect_to(s[0], name_of(l)));
  s[1] = must(accept(l, NULL, NULL));
  close(l);
}
__attribute__((unused)) static int udp4(void) {
  int s = must(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  must(bind_to(s, ip4(INADDR_LOOPBACK, 0)));
  return s;
}
__attribute__((unused)) static int udp6(void) {
  int s = must(socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  must(bind_to(s, ip6("::1", 0)));
  return s;
}
#endif
