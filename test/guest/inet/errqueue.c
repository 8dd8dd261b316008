// Errors that come back (ip(7) IP_RECVERR, recv(2) MSG_ERRQUEUE): ports nobody listens at, datagrams too long.
#include "net.h"
#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>

// Waits for an error. The queue's entry wakes a poll just before the socket has the error too, and on a busy machine
// it may get it a while later: until then recv(2) answers EAGAIN, and SO_ERROR 0.
static void await_entry(int s) {
  holds("an error came", (wait_for(s, 0) & POLLERR) != 0);
  sleep_ms(100);
}
static ssize_t receive_error(int s) {
  char byte;
  ssize_t r = recv(s, &byte, 1, 0);
  for (int i = 0; i < 12000 && r < 0 && errno == EAGAIN; i++) sleep_ms(5), r = recv(s, &byte, 1, 0);
  return r;
}
static int pending_error(int s) {
  int e = option(s, SOL_SOCKET, SO_ERROR);
  for (int i = 0; i < 12000 && e == 0; i++) sleep_ms(5), e = option(s, SOL_SOCKET, SO_ERROR);
  return e;
}

// Reads one entry and says all of it.
static void entry(const char* name, int s, int level, int type, int port) {
  char data[64], control[256];
  union address to;
  struct iovec v = {data, sizeof data};
  struct msghdr m = {.msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &v, .msg_iovlen = 1,
                     .msg_control = control, .msg_controllen = sizeof control};
  errno = 0;
  int n = recvmsg(s, &m, MSG_ERRQUEUE);
  say("ok %s: %d %s, flags %x, port %d\n", name, n, n < 0 ? strerrorname_np(errno) : "", n < 0 ? 0 : m.msg_flags,
      n < 0 || m.msg_namelen == 0 ? -1 : ntohs(to.v4.sin_port) == port);
  if (n < 0) return;
  say("ok %s: data %.*s, name of %u\n", name, n, data, m.msg_namelen);
  for (struct cmsghdr* c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
    say("ok %s: message %d/%d of %zu\n", name, c->cmsg_level, c->cmsg_type, c->cmsg_len);
    if (c->cmsg_level != level || c->cmsg_type != type) continue;
    struct sock_extended_err* e = (void*)CMSG_DATA(c);
    union address* from = (void*)SO_EE_OFFENDER(e);
    say("ok %s: %s origin %d type %d code %d info %u from family %d\n", name, strerrorname_np(e->ee_errno), e->ee_origin,
        e->ee_type, e->ee_code, e->ee_info, from->any.sa_family);
    if (from->any.sa_family == AF_INET) say("ok %s: from %s\n", name, inet_ntoa(from->v4.sin_addr));
  }
}

// A port that nobody has.
static int free_port(int family) {
  int s = must(socket(family, SOCK_DGRAM, 0));
  must(bind_to(s, family == AF_INET ? ip4(INADDR_LOOPBACK, 0) : ip6("::1", 0)));
  int port = port_of(s);
  close(s);
  return port;
}

static void version4(void) {
  int s = udp4(), port = free_port(AF_INET);
  union address nobody = ip4(INADDR_LOOPBACK, port);
  equal("unconnected, not asked for", send_to(s, "one", 3, 0, nobody), 3);
  sleep_ms(5);
  equal("hears nothing", readiness(s), POLLOUT);
  entry("empty", s, IPPROTO_IP, IP_RECVERR, port);
  must(set(s, IPPROTO_IP, IP_RECVERR, 1));
  equal("asked for", send_to(s, "two", 3, 0, nobody), 3);
  equal("POLLERR", wait_for(s, 0), POLLERR);
  equal("with POLLIN asked", readiness(s), POLLOUT | POLLERR);
  fails("recv", receive_error(s), ECONNREFUSED);
  equal("queue stays", readiness(s), POLLOUT | POLLERR);
  fails("recv again", recv(s, &port, 1, 0), EAGAIN);
  entry("first", s, IPPROTO_IP, IP_RECVERR, port);
  entry("then empty", s, IPPROTO_IP, IP_RECVERR, port);
  equal("quiet", readiness(s), POLLOUT);
  must(send_to(s, "three", 5, 0, nobody));
  await_entry(s);
  entry("without recv", s, IPPROTO_IP, IP_RECVERR, port);
  equal("error goes with the queue", option(s, SOL_SOCKET, SO_ERROR), 0);
  must(send_to(s, "four", 4, 0, nobody));
  await_entry(s);
  fails("send tells it", send_to(s, "five", 4, 0, nobody), ECONNREFUSED);
  equal("once", send_to(s, "six", 3, 0, nobody), 3);
  entry("four", s, IPPROTO_IP, IP_RECVERR, port);
  await_entry(s);
  equal("error of the next", pending_error(s), ECONNREFUSED);
  entry("six", s, IPPROTO_IP, IP_RECVERR, port);
  static char big[70000];
  fails("too long", send_to(s, big, 65508, 0, nobody), EMSGSIZE);
  entry("too long", s, IPPROTO_IP, IP_RECVERR, port);
  must(send_to(s, big, 2000, 0, nobody));
  await_entry(s);
  static char data[4000];
  equal("the start comes back", recv(s, data, sizeof data, MSG_ERRQUEUE), 520);
  // An error is told before the data that came earlier.
  union address self = name_of(s);
  must(send_to(s, "data", 4, 0, self));
  must(send_to(s, "x", 1, 0, nobody));
  await_entry(s);
  fails("error first", recv(s, data, 8, 0), ECONNREFUSED);
  equal("then data", recv(s, data, 8, 0), 4);
  equal("and the queue", recv(s, data, 8, MSG_ERRQUEUE), 1);
  must(send_to(s, "seven", 5, 0, nobody));
  await_entry(s);
  must(set(s, IPPROTO_IP, IP_RECVERR, 0));
  entry("switching off empties", s, IPPROTO_IP, IP_RECVERR, port);
  equal("no POLLERR", readiness(s) & ~POLLERR, POLLOUT);
  close(s);

  s = udp4();
  must(connect_to(s, nobody));
  must(send(s, "a", 1, 0));
  equal("connected", wait_for(s, POLLIN), POLLERR);
  equal("SO_ERROR", option(s, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
  equal("taken", readiness(s), POLLOUT);
  must(set(s, IPPROTO_IP, IP_RECVERR, 1));
  must(send(s, "b", 1, 0));
  await_entry(s);
  entry("connected", s, IPPROTO_IP, IP_RECVERR, port);
  // With an error of its own, and data to peek at.
  char control[10], byte[4];
  struct iovec v = {byte, 1};
  must(send(s, "long", 4, 0));
  await_entry(s);
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  equal("no room", recvmsg(s, &m, MSG_ERRQUEUE), 1);
  equal("says so", m.msg_flags, MSG_ERRQUEUE | MSG_TRUNC | MSG_CTRUNC);
  close(s);
}

static void version6(void) {
  int s = udp6(), port = free_port(AF_INET6);
  must(set(s, IPPROTO_IPV6, IPV6_RECVERR, 1));
  must(send_to(s, "six", 3, 0, ip6("::1", port)));
  await_entry(s);
  entry("v6", s, IPPROTO_IPV6, IPV6_RECVERR, port);
  static char data[4000];
  must(send_to(s, data, 3000, 0, ip6("::1", port)));
  await_entry(s);
  equal("the start comes back", recv(s, data, sizeof data, MSG_ERRQUEUE), 1184);
  close(s);
  s = must(socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  must(connect_to(s, ip6("::1", port)));
  must(send(s, "x", 1, 0));
  await_entry(s);
  fails("v6 refused", receive_error(s), ECONNREFUSED);
  close(s);
  s = must(socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  must(set(s, IPPROTO_IPV6, IPV6_RECVERR, 1));
  must(set(s, IPPROTO_IP, IP_RECVERR, 1));
  must(send_to(s, "map", 3, 0, ip6("::ffff:127.0.0.1", free_port(AF_INET))));
  await_entry(s);
  fails("mapped refused", receive_error(s), ECONNREFUSED);
  entry("mapped", s, IPPROTO_IPV6, IPV6_RECVERR, port);
  close(s);
}

static void streams(void) {
  int s[2];
  tcp_pair(s);
  char byte;
  fails("empty", recv(s[0], &byte, 1, MSG_ERRQUEUE), EAGAIN);
  must(set(s[0], IPPROTO_IP, IP_RECVERR, 1));
  fails("empty still", recv(s[0], &byte, 1, MSG_ERRQUEUE), EAGAIN);
  close(s[0]), close(s[1]);
  int c = must(socket(AF_INET, SOCK_STREAM, 0));
  fails("unconnected", recv(c, &byte, 1, MSG_ERRQUEUE), EAGAIN);
  close(c);
}

int main(void) {
  version4();
  version6();
  streams();
  return check_done();
}
