// Multicast and broadcast over lo (ip(7) IP_ADD_MEMBERSHIP, IP_MULTICAST_*, ipv6(7), socket(7) SO_BROADCAST).
#include "net.h"

#define GROUP 0xe0000177u        // 224.0.1.119
#define OTHER 0xef010203u        // 239.1.2.3

static char byte[8];

static int any4(void) {
  int s = must(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  must(bind_to(s, ip4(INADDR_ANY, 0)));
  return s;
}
static int join(int s, unsigned group, int index) {
  struct ip_mreqn r = {.imr_multiaddr.s_addr = htonl(group), .imr_ifindex = index};
  return setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &r, sizeof r);
}
static int through_lo(void) {
  int s = must(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  struct ip_mreqn r = {.imr_ifindex = 1};
  must(setsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &r, sizeof r));
  return s;
}
// What recv of one datagram answers, soon: its length or the errno.
static int gets(int s) {
  struct pollfd p = {s, POLLIN, 0};
  poll(&p, 1, 200);
  int n = recv(s, byte, sizeof byte, MSG_DONTWAIT);
  return n < 0 ? -errno : n;
}

static void sending(void) {
  int r = any4(), port = port_of(r), s = must(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  must(join(r, GROUP, 1));
  fails("no route without an interface", send_to(s, "a", 1, 0, ip4(GROUP, port)), ENETUNREACH);
  fails("nor for a broadcast", send_to(s, "a", 1, 0, ip4(INADDR_BROADCAST, port)), ENETUNREACH);
  must(set(s, SOL_SOCKET, SO_BROADCAST, 1));
  fails("with leave", send_to(s, "a", 1, 0, ip4(INADDR_BROADCAST, port)), ENETUNREACH);
  equal("to the net's broadcast address", send_to(s, "bc", 2, 0, ip4(0x7fffffff, port)), 2);
  equal("arrives", gets(r), 2);
  close(s);
  s = udp4();
  equal("the own address chooses the interface", send_to(s, "abc", 3, 0, ip4(GROUP, port)), 3);
  equal("arrives", gets(r), 3);
  must(set(s, SOL_SOCKET, SO_BROADCAST, 1));
  equal("for broadcasts too", send_to(s, "ab", 2, 0, ip4(INADDR_BROADCAST, port)), 2);
  equal("arrives", gets(r), 2);
  close(s);
  s = through_lo();
  equal("IP_MULTICAST_IF", send_to(s, "abcd", 4, 0, ip4(GROUP, port)), 4);
  equal("arrives", gets(r), 4);
  union address from;
  socklen_t length = sizeof from;
  must(send_to(s, "x", 1, 0, ip4(GROUP, port)));
  wait_for(r, POLLIN);
  must(recvfrom(r, byte, 8, 0, &from.any, &length));
  // lo has no address that is good for more than itself.
  equal("from", ntohl(from.v4.sin_addr.s_addr), INADDR_ANY);
  equal("group without members", send_to(s, "x", 1, 0, ip4(OTHER, port)), 1);
  equal("gets lost", gets(r), -EAGAIN);
  must(set(s, IPPROTO_IP, IP_MULTICAST_LOOP, 0));
  must(send_to(s, "no loop", 7, 0, ip4(GROUP, port)));
  equal("lo loops all the same", gets(r), 7);
  must(set(s, IPPROTO_IP, IP_MULTICAST_TTL, 0));
  must(send_to(s, "ttl0", 4, 0, ip4(GROUP, port)));
  equal("whatever the TTL", gets(r), 4);
  succeeds("connect to a group", connect_to(s, ip4(GROUP, port)));
  equal("send", send(s, "con", 3, 0), 3);
  equal("arrives", gets(r), 3);
  int t = must(socket(AF_INET, SOCK_STREAM, 0));
  fails("streams don't", connect_to(t, ip4(GROUP, port)), ENETUNREACH);
  fails("nor to broadcasts", connect_to(t, ip4(INADDR_BROADCAST, port)), ENETUNREACH);
  close(t), close(s), close(r);
}

static void membership(void) {
  int a = any4(), port = port_of(a), s = through_lo();
  fails("no such interface", join(a, GROUP, 77), ENODEV);
  fails("not a group", join(a, INADDR_LOOPBACK, 1), EINVAL);
  fails("no interface to be found", join(a, GROUP, 0), ENODEV);
  struct ip_mreq by_address = {.imr_multiaddr.s_addr = htonl(GROUP), .imr_interface.s_addr = htonl(INADDR_LOOPBACK)};
  succeeds("by address", setsockopt(a, IPPROTO_IP, IP_ADD_MEMBERSHIP, &by_address, sizeof by_address));
  fails("again", join(a, GROUP, 1), EADDRINUSE);
  int b = must(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  must(set(b, SOL_SOCKET, SO_REUSEADDR, 1));
  must(set(a, SOL_SOCKET, SO_REUSEADDR, 1));
  must(bind_to(b, ip4(INADDR_ANY, port)));
  must(send_to(s, "ab", 2, 0, ip4(GROUP, port)));
  equal("member", gets(a), 2);
  equal("IP_MULTICAST_ALL: who has not joined gets it too", gets(b), 2);
  must(set(b, IPPROTO_IP, IP_MULTICAST_ALL, 0));
  must(send_to(s, "abc", 3, 0, ip4(GROUP, port)));
  equal("member", gets(a), 3);
  equal("not without it", gets(b), -EAGAIN);
  must(join(b, GROUP, 1));
  must(send_to(s, "ab", 2, 0, ip4(GROUP, port)));
  equal("both members", gets(a), 2);
  equal("get a copy", gets(b), 2);
  int c = must(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  must(set(c, SOL_SOCKET, SO_REUSEADDR, 1));
  succeeds("bind to the group", bind_to(c, ip4(GROUP, port)));
  must(send_to(s, "ab", 2, 0, ip4(GROUP, port)));
  equal("bound to the group", gets(c), 2);
  equal("a", gets(a), 2);
  equal("b", gets(b), 2);
  must(send_to(s, "a", 1, 0, ip4(INADDR_LOOPBACK, port)));
  equal("the group's has no other address", gets(c), -EAGAIN);
  equal("one of the two gets it", (gets(a) > 0) + (gets(b) > 0), 1);
  close(b);
  close(c);
  struct ip_mreqn drop = {.imr_multiaddr.s_addr = htonl(GROUP), .imr_ifindex = 1};
  succeeds("leave", setsockopt(a, IPPROTO_IP, IP_DROP_MEMBERSHIP, &drop, sizeof drop));
  fails("once", setsockopt(a, IPPROTO_IP, IP_DROP_MEMBERSHIP, &drop, sizeof drop), EADDRNOTAVAIL);
  must(send_to(s, "ab", 2, 0, ip4(GROUP, port)));
  equal("no member left", gets(a), -EAGAIN);
  fails("short", setsockopt(a, IPPROTO_IP, IP_ADD_MEMBERSHIP, &drop, 7), EINVAL);
  int t = must(socket(AF_INET, SOCK_STREAM, 0));
  fails("on a stream", join(t, GROUP, 1), EPROTO);
  close(t);
  struct group_req g = {.gr_interface = 1};
  g.gr_group = *(struct sockaddr_storage*)&(union address){.v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(OTHER)}};
  succeeds("MCAST_JOIN_GROUP", setsockopt(a, IPPROTO_IP, MCAST_JOIN_GROUP, &g, sizeof g));
  must(send_to(s, "xy", 2, 0, ip4(OTHER, port)));
  equal("arrives", gets(a), 2);
  succeeds("MCAST_LEAVE_GROUP", setsockopt(a, IPPROTO_IP, MCAST_LEAVE_GROUP, &g, sizeof g));
  fails("MCAST_LEAVE_GROUP once", setsockopt(a, IPPROTO_IP, MCAST_LEAVE_GROUP, &g, sizeof g), EADDRNOTAVAIL);
  close(a), close(s);
}

static void sources(void) {
  int a = any4(), port = port_of(a), s = udp4(), o = must(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  must(bind_to(o, ip4(INADDR_LOOPBACK + 1, 0)));
  struct ip_mreq_source r = {.imr_multiaddr.s_addr = htonl(GROUP), .imr_interface.s_addr = htonl(INADDR_LOOPBACK),
                             .imr_sourceaddr.s_addr = htonl(INADDR_LOOPBACK)};
  fails("block without membership", setsockopt(a, IPPROTO_IP, IP_BLOCK_SOURCE, &r, sizeof r), EINVAL);
  must(join(a, GROUP, 1));
  succeeds("IP_BLOCK_SOURCE", setsockopt(a, IPPROTO_IP, IP_BLOCK_SOURCE, &r, sizeof r));
  must(send_to(s, "x", 1, 0, ip4(GROUP, port)));
  equal("blocked", gets(a), -EAGAIN);
  must(send_to(o, "xy", 2, 0, ip4(GROUP, port)));
  equal("another source", gets(a), 2);
  succeeds("IP_UNBLOCK_SOURCE", setsockopt(a, IPPROTO_IP, IP_UNBLOCK_SOURCE, &r, sizeof r));
  must(send_to(s, "x", 1, 0, ip4(GROUP, port)));
  equal("unblocked", gets(a), 1);
  fails("unblocked once", setsockopt(a, IPPROTO_IP, IP_UNBLOCK_SOURCE, &r, sizeof r), EADDRNOTAVAIL);
  close(a);
  a = any4(), port = port_of(a);
  succeeds("IP_ADD_SOURCE_MEMBERSHIP", setsockopt(a, IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, &r, sizeof r));
  must(send_to(s, "x", 1, 0, ip4(GROUP, port)));
  equal("wanted", gets(a), 1);
  must(send_to(o, "xy", 2, 0, ip4(GROUP, port)));
  equal("unwanted", gets(a), -EAGAIN);
  succeeds("IP_DROP_SOURCE_MEMBERSHIP", setsockopt(a, IPPROTO_IP, IP_DROP_SOURCE_MEMBERSHIP, &r, sizeof r));
  close(a), close(s), close(o);
}

static void interface_option(void) {
  int s = must(socket(AF_INET, SOCK_DGRAM, 0));
  struct in_addr address = {.s_addr = htonl(0x08080808)};
  fails("no interface has it", setsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &address, sizeof address), EADDRNOTAVAIL);
  struct ip_mreqn r = {.imr_ifindex = 9};
  fails("no such index", setsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &r, sizeof r), EADDRNOTAVAIL);
  address.s_addr = htonl(INADDR_LOOPBACK);
  succeeds("by address", setsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &address, sizeof address));
  socklen_t length = sizeof address;
  address.s_addr = 0;
  must(getsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &address, &length));
  equal("read back", ntohl(address.s_addr), INADDR_LOOPBACK);
  r.imr_ifindex = 1;
  must(setsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &r, sizeof r));
  must(getsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &address, &length));
  equal("by index says no address", ntohl(address.s_addr), 0);
  address.s_addr = 0;
  succeeds("reset", setsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &address, sizeof address));
  fails("reset works", send_to(s, "x", 1, 0, ip4(GROUP, 9)), ENETUNREACH);
  close(s);
}

static void version6(void) {
  int r = must(socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  must(bind_to(r, ip6("::", 0)));
  int port = port_of(r);
  struct ipv6_mreq m = {.ipv6mr_interface = 1};
  inet_pton(AF_INET6, "ff02::4321", &m.ipv6mr_multiaddr);
  succeeds("join", setsockopt(r, IPPROTO_IPV6, IPV6_JOIN_GROUP, &m, sizeof m));
  fails("join again", setsockopt(r, IPPROTO_IPV6, IPV6_JOIN_GROUP, &m, sizeof m), EADDRINUSE);
  m.ipv6mr_interface = 5;
  fails("no such interface", setsockopt(r, IPPROTO_IPV6, IPV6_JOIN_GROUP, &m, sizeof m), ENODEV);
  m.ipv6mr_interface = 1;
  int s = must(socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  fails("no route", send_to(s, "x", 1, 0, ip6("ff02::4321", port)), ENETUNREACH);
  fails("no such index", set(s, IPPROTO_IPV6, IPV6_MULTICAST_IF, 7), ENODEV);
  must(set(s, IPPROTO_IPV6, IPV6_MULTICAST_IF, 1));
  equal("IPV6_MULTICAST_IF", option(s, IPPROTO_IPV6, IPV6_MULTICAST_IF), 1);
  // lo has no route for groups.
  fails("not over lo", send_to(s, "ab", 2, 0, ip6("ff02::4321", port)), ENETUNREACH);
  union address scoped = ip6("ff02::4321", port);
  scoped.v6.sin6_scope_id = 1;
  int t = must(socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  fails("nor with a scope id", send_to(t, "abc", 3, 0, scoped), ENETUNREACH);
  close(t);
  t = must(socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  fails("nor from ::1", (must(bind_to(t, ip6("::1", 0))), send_to(t, "abc", 3, 0, ip6("ff01::1", port))), ENETUNREACH);
  fails("nor connected", connect_to(t, scoped), ENETUNREACH);
  succeeds("leave", setsockopt(r, IPPROTO_IPV6, IPV6_LEAVE_GROUP, &m, sizeof m));
  fails("leave once", setsockopt(r, IPPROTO_IPV6, IPV6_LEAVE_GROUP, &m, sizeof m), EADDRNOTAVAIL);
  fails("not a group", (inet_pton(AF_INET6, "::1", &m.ipv6mr_multiaddr), setsockopt(r, IPPROTO_IPV6, IPV6_JOIN_GROUP, &m, sizeof m)), EINVAL);
  close(r), close(s), close(t);
}

int main(void) {
  sending();
  membership();
  sources();
  interface_option();
  version6();
  return check_done();
}
