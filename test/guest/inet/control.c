// Ancillary data of datagrams: where they go out, what is told of those that came (ip(7), ipv6(7)); and datagram
// sockets that are shut down.
#include "net.h"
#include <pthread.h>

static char room[512];

static int wildcard(int family) {
  int s = must(socket(family, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  must(bind_to(s, family == AF_INET ? ip4(INADDR_ANY, 0) : ip6("::", 0)));
  return s;
}

static struct msghdr message(union address* to, struct iovec* part) {
  struct msghdr m = {.msg_name = to, .msg_namelen = size_of(to), .msg_iov = part, .msg_iovlen = 1};
  m.msg_control = room;
  return m;
}

static void put(struct msghdr* m, int level, int type, const void* data, size_t n) {
  struct cmsghdr* c = (struct cmsghdr*)room;
  *c = (struct cmsghdr){CMSG_LEN(n), level, type};
  memcpy(CMSG_DATA(c), data, n);
  m->msg_controllen = CMSG_SPACE(n);
}

// The source of what arrives at `s`, as text.
static const char* source(int s) {
  static char text[64];
  union address from;
  socklen_t length = sizeof from;
  char byte;
  if (wait_for(s, POLLIN) < 0 || recvfrom(s, &byte, 1, 0, &from.any, &length) < 0) return "nothing";
  if (from.any.sa_family == AF_INET) return inet_ntop(AF_INET, &from.v4.sin_addr, text, sizeof text);
  return inet_ntop(AF_INET6, &from.v6.sin6_addr, text, sizeof text);
}

static void sources(void) {
  int server = wildcard(AF_INET), client = udp4();
  union address to = name_of(client);
  struct iovec part = {"x", 1};
  struct msghdr m = message(&to, &part);
  struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl(INADDR_LOOPBACK + 4)};
  put(&m, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
  equal("IP_PKTINFO", sendmsg(server, &m, 0), 1);
  same_text("chooses the source", source(client), "127.0.0.5");
  info.ipi_ifindex = 1;
  put(&m, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
  equal("with an interface", sendmsg(server, &m, 0), 1);
  same_text("from there", source(client), "127.0.0.5");
  info.ipi_spec_dst.s_addr = 0;
  put(&m, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
  equal("only an interface", sendmsg(server, &m, 0), 1);
  same_text("the usual source", source(client), "127.0.0.1");
  info.ipi_ifindex = 77;
  put(&m, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
  fails("no such interface", sendmsg(server, &m, 0), ENODEV);
  info = (struct in_pktinfo){.ipi_spec_dst.s_addr = htonl(0x0a090909)};
  put(&m, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
  // EINVAL, and ENETUNREACH from Linux 6.17 on.
  equal("not an address of ours", sendmsg(server, &m, 0), -1);
  holds("is told", errno == EINVAL || errno == ENETUNREACH);
  close(server), close(client);

  server = wildcard(AF_INET6), client = udp6();
  to = name_of(client);
  m = message(&to, &part);
  struct in6_pktinfo info6 = {.ipi6_addr = IN6ADDR_LOOPBACK_INIT, .ipi6_ifindex = 1};
  put(&m, IPPROTO_IPV6, IPV6_PKTINFO, &info6, sizeof info6);
  equal("IPV6_PKTINFO", sendmsg(server, &m, 0), 1);
  same_text("its source", source(client), "::1");
  inet_pton(AF_INET6, "2001:db8::5", &info6.ipi6_addr);
  put(&m, IPPROTO_IPV6, IPV6_PKTINFO, &info6, sizeof info6);
  fails("not an address of ours", sendmsg(server, &m, 0), EINVAL);
  info6.ipi6_ifindex = 77;
  put(&m, IPPROTO_IPV6, IPV6_PKTINFO, &info6, sizeof info6);
  fails("no such interface", sendmsg(server, &m, 0), ENODEV);

  // What a server for both versions answers to clients of IPv4.
  int client4 = udp4();
  to = ip6("::ffff:127.0.0.1", port_of(client4));
  m = message(&to, &part);
  info6.ipi6_ifindex = 0;
  inet_pton(AF_INET6, "::ffff:127.0.0.5", &info6.ipi6_addr);
  put(&m, IPPROTO_IPV6, IPV6_PKTINFO, &info6, sizeof info6);
  equal("mapped", sendmsg(server, &m, 0), 1);
  same_text("its source", source(client4), "127.0.0.5");
  info6.ipi6_addr = in6addr_loopback;
  put(&m, IPPROTO_IPV6, IPV6_PKTINFO, &info6, sizeof info6);
  fails("of the other version", sendmsg(server, &m, 0), EINVAL);
  close(server), close(client), close(client4);
}

// All ancillary data of one datagram, in order.
static void say_control(const char* what, int s) {
  char byte;
  struct iovec part = {&byte, 1};
  struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
  if (wait_for(s, POLLIN) < 0 || recvmsg(s, &m, 0) != 1) say("FAIL %s: nothing\n", what);
  int count = 0;
  for (struct cmsghdr* c = CMSG_FIRSTHDR(&m); c != NULL; c = CMSG_NXTHDR(&m, c), count++) {
    char hex[129] = "";
    unsigned char* data = CMSG_DATA(c);
    size_t n = c->cmsg_len - CMSG_LEN(0);
    for (size_t i = 0; i < n && i < 64; i++) sprintf(hex + 2 * i, "%02x", data[i]);
    // Ports vary.
    if (c->cmsg_type == IP_ORIGDSTADDR || c->cmsg_type == IPV6_ORIGDSTADDR) memcpy(hex + 4, "port", 4);
    say("ok %s %d: level %d type %d %s\n", what, count, c->cmsg_level, c->cmsg_type, hex);
  }
  say("ok %s: %d, flags %x\n", what, count, m.msg_flags);
}

static void told(void) {
  int both = wildcard(AF_INET6), four = wildcard(AF_INET);
  int names4[] = {IP_PKTINFO, IP_RECVTTL, IP_RECVTOS, IP_RECVORIGDSTADDR};
  int names6[] = {IPV6_RECVPKTINFO, IPV6_RECVHOPLIMIT, IPV6_RECVTCLASS, IPV6_RECVORIGDSTADDR};
  for (int i = 0; i < 4; i++) {
    must(set(both, IPPROTO_IP, names4[i], 1));
    must(set(four, IPPROTO_IP, names4[i], 1));
    must(set(both, IPPROTO_IPV6, names6[i], 1));
  }
  int c4 = udp4(), c6 = udp6();
  must(set(c4, IPPROTO_IP, IP_TTL, 9));
  must(set(c4, IPPROTO_IP, IP_TOS, 0x20));
  send_to(c4, "x", 1, 0, ip4(INADDR_LOOPBACK + 2, port_of(four)));
  say_control("IPv4", four);
  send_to(c4, "x", 1, 0, ip4(INADDR_LOOPBACK + 2, port_of(both)));
  say_control("IPv4 at IPv6", both);
  send_to(c6, "x", 1, 0, ip6("::1", port_of(both)));
  say_control("IPv6", both);
  must(set(both, IPPROTO_IPV6, 2 /* IPV6_2292PKTINFO */, 1));
  must(set(both, IPPROTO_IPV6, 8 /* IPV6_2292HOPLIMIT */, 1));
  send_to(c6, "x", 1, 0, ip6("::1", port_of(both)));
  say_control("with RFC 2292's", both);
  close(both), close(four), close(c4), close(c6);
}

static void* shut_later(void* arg) {
  sleep_ms(200);
  int r = shutdown(*(int*)arg, SHUT_RDWR);
  say("ok shutdown: %s\n", r == 0 ? "0" : strerrorname_np(errno));
  return NULL;
}

// A thread that waits for datagrams is told to stop by a shutdown, which fails without a peer and works.
static void stop_waiting(const char* name, int connected, int uses) {
  char byte;
  int s = must(socket(AF_INET, SOCK_DGRAM, 0)), other = udp4();
  must(bind_to(s, ip4(INADDR_LOOPBACK, 0)));
  if (connected) must(connect_to(s, name_of(other)));
  for (int i = 0; i < uses; i++) {
    must(send_to(other, "x", 1, 0, name_of(s)));
    must(recv(s, &byte, 1, 0));
  }
  pthread_t shutter;
  pthread_create(&shutter, NULL, shut_later, &s);
  equal(name, recv(s, &byte, 1, 0), 0);
  pthread_join(shutter, NULL);
  equal("again", recv(s, &byte, 1, 0), 0);
  equal("and by read", read(s, &byte, 1), 0);
  fails("MSG_DONTWAIT", recv(s, &byte, 1, MSG_DONTWAIT), EAGAIN);
  equal("poll", readiness(s), POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
  fails("sends", send_to(s, "x", 1, 0, name_of(other)), EPIPE);
  send_to(other, "x", 1, 0, name_of(s));
  equal("what comes is still taken", recv(s, &byte, 1, 0), 1);
  must(fcntl(s, F_SETFL, O_NONBLOCK));
  fails("O_NONBLOCK", recv(s, &byte, 1, 0), EAGAIN);
  close(s), close(other);
}

static void locks(void) {
  int s = must(socket(AF_INET, SOCK_STREAM, 0));
  equal("SO_BUF_LOCK", option(s, SOL_SOCKET, 72), 0);
  must(set(s, SOL_SOCKET, SO_SNDBUF, 10000));
  equal("SO_SNDBUF", option(s, SOL_SOCKET, 72), 1);
  must(set(s, SOL_SOCKET, SO_RCVBUF, 10000));
  equal("SO_RCVBUF", option(s, SOL_SOCKET, 72), 3);
  must(set(s, SOL_SOCKET, 72, 0));
  equal("let go", option(s, SOL_SOCKET, 72), 0);
  must(set(s, IPPROTO_TCP, TCP_WINDOW_CLAMP, 1000));
  equal("TCP_WINDOW_CLAMP", option(s, IPPROTO_TCP, TCP_WINDOW_CLAMP), 1152);
  close(s);
}

int main(void) {
  sources();
  told();
  stop_waiting("without a peer", 0, 0);
  stop_waiting("with a peer", 1, 0);
  stop_waiting("much used", 0, 40);
  stop_waiting("much used, with a peer", 1, 40);
  locks();
  return check_done();
}
