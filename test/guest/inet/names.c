// Who a socket is: source addresses, wildcards as destinations, names after failures (ip(7), bind(2), connect(2)).
#include "net.h"

static void say_name(const char* what, int s) {
  union address a;
  socklen_t length = sizeof a;
  char text[64] = "?";
  if (getsockname(s, &a.any, &length) != 0) {
    say("ok %s: %s\n", what, strerrorname_np(errno));
    return;
  }
  inet_ntop(a.any.sa_family, a.any.sa_family == AF_INET ? (void*)&a.v4.sin_addr : (void*)&a.v6.sin6_addr, text, sizeof text);
  say("ok %s: %s, %s\n", what, text, a.v4.sin_port == 0 ? "no port" : "a port");
}
static void say_peer(const char* what, int s) {
  union address a;
  socklen_t length = sizeof a;
  char text[64] = "?";
  if (getpeername(s, &a.any, &length) != 0) {
    say("ok %s: %s\n", what, strerrorname_np(errno));
    return;
  }
  inet_ntop(a.any.sa_family, a.any.sa_family == AF_INET ? (void*)&a.v4.sin_addr : (void*)&a.v6.sin6_addr, text, sizeof text);
  say("ok %s: %s\n", what, text);
}

static void streams(void) {
  int l = must(socket(AF_INET, SOCK_STREAM, 0));
  must(bind_to(l, ip4(INADDR_ANY, 0)));
  must(listen(l, 5));
  say_name("listener", l);
  unsigned targets[] = {INADDR_LOOPBACK, INADDR_LOOPBACK + 1, 0x7f010203, INADDR_ANY};
  for (int i = 0; i < 4; i++) {
    char name[40];
    int c = must(socket(AF_INET, SOCK_STREAM, 0));
    sprintf(name, "connect %x", targets[i]);
    succeeds(name, connect_to(c, ip4(targets[i], port_of(l))));
    say_name("client", c);
    say_peer("server", c);
    int a = must(accept(l, NULL, NULL));
    say_name("accepted", a);
    say_peer("accepted's peer", a);
    close(c), close(a);
  }
  int c = must(socket(AF_INET, SOCK_STREAM, 0));
  must(bind_to(c, ip4(INADDR_LOOPBACK + 4, 0)));
  succeeds("from another address", connect_to(c, ip4(INADDR_LOOPBACK, port_of(l))));
  say_name("client", c);
  close(c);
  c = must(socket(AF_INET, SOCK_STREAM, 0));
  must(bind_to(c, ip4(INADDR_ANY, 0)));
  succeeds("from the wildcard", connect_to(c, ip4(INADDR_LOOPBACK, port_of(l))));
  say_name("client", c);
  union address none = {.any.sa_family = AF_UNSPEC};
  must(connect(c, &none.any, sizeof none.v4));
  say_name("dissolved", c);
  close(c);
  int port = port_of(l);
  close(l);
  c = must(socket(AF_INET, SOCK_STREAM, 0));
  fails("refused", connect_to(c, ip4(INADDR_LOOPBACK, port)), ECONNREFUSED);
  say_peer("refused", c);
  equal("SO_ERROR", option(c, SOL_SOCKET, SO_ERROR), 0);
  fails("refused again", connect_to(c, ip4(INADDR_LOOPBACK, port)), ECONNREFUSED);
  fails("unreachable", connect_to(c, ip4(0x08080808, 80)), ENETUNREACH);
  close(c);
  c = must(socket(AF_INET, SOCK_STREAM, 0));
  must(bind_to(c, ip4(INADDR_LOOPBACK, 0)));
  int mine = port_of(c);
  fails("bound and refused", connect_to(c, ip4(INADDR_LOOPBACK, port)), ECONNREFUSED);
  equal("keeps its port", port_of(c), mine);
  fails("bound and unreachable", connect_to(c, ip4(0x08080808, 80)), ENETUNREACH);
  close(c);
  // A socket may meet itself.
  c = must(socket(AF_INET, SOCK_STREAM, 0));
  must(bind_to(c, ip4(INADDR_LOOPBACK, 0)));
  succeeds("connect to itself", connect_to(c, name_of(c)));
  equal("send", send(c, "me", 2, 0), 2);
  char byte[4];
  equal("recv", recv(c, byte, 4, 0), 2);
  close(c);
}

static void datagrams(void) {
  int s = must(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  say_name("unbound", s);
  fails("send to port 0", send_to(s, "x", 1, 0, ip4(INADDR_LOOPBACK, 0)), EINVAL);
  must(connect_to(s, ip4(INADDR_LOOPBACK + 8, 9)));
  say_name("connected", s);
  say_peer("connected", s);
  must(connect_to(s, ip4(INADDR_ANY, 9)));
  say_peer("connected to the wildcard", s);
  union address none = {.any.sa_family = AF_UNSPEC};
  must(connect(s, &none.any, sizeof none.v4));
  say_name("dissolved", s);
  fails("connect out", connect_to(s, ip4(0x08080808, 9)), ENETUNREACH);
  close(s);
  int a = must(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)), b = must(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  must(bind_to(a, ip4(INADDR_ANY, 0)));
  must(send_to(b, "x", 1, 0, ip4(0x7f020304, port_of(a))));
  say_name("sender", b);
  union address from;
  socklen_t length = sizeof from;
  char byte;
  must(recvfrom(a, &byte, 1, 0, &from.any, &length));
  equal("source", ntohl(from.v4.sin_addr.s_addr), INADDR_LOOPBACK);
  must(send_to(b, "x", 1, 0, ip4(INADDR_ANY, port_of(a))));
  equal("the wildcard is 127.0.0.1", recv(a, &byte, 1, 0), 1);
  // A socket connected to another sender does not get it, one bound to the address does before the wildcard.
  int c = must(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  fails("port taken by the wildcard", bind_to(c, ip4(INADDR_LOOPBACK, port_of(a))), EADDRINUSE);
  must(connect_to(a, name_of(b)));
  fails("still taken", bind_to(c, ip4(INADDR_LOOPBACK, port_of(a))), EADDRINUSE);
  close(a), close(b), close(c);
}

static void both_versions(void) {
  int s = must(socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0)), r = udp4(), x = udp6();
  union address mapped = ip6("::ffff:127.0.0.1", port_of(r));
  equal("to a mapped address", send_to(s, "x", 1, 0, mapped), 1);
  char byte;
  equal("arrives", recv(r, &byte, 1, 0), 1);
  say_name("unbound v6", s);
  equal("to v6 as well", send_to(s, "x", 1, 0, name_of(x)), 1);
  union address from;
  socklen_t length = sizeof from;
  must(recvfrom(x, &byte, 1, 0, &from.any, &length));
  char text[64];
  same_text("source", inet_ntop(AF_INET6, &from.v6.sin6_addr, text, sizeof text), "::1");
  equal("v4 address on a v6 socket", send_to(s, "x", 1, 0, name_of(r)), 1);
  must(connect_to(s, mapped));
  say_name("connected to v4", s);
  say_peer("connected to v4", s);
  fails("then v6 does not go", send_to(s, "x", 1, 0, name_of(x)), EAFNOSUPPORT);
  close(s);
  s = must(socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  must(set(s, IPPROTO_IPV6, IPV6_V6ONLY, 1));
  fails("V6ONLY", send_to(s, "x", 1, 0, mapped), ENETUNREACH);
  fails("bind V6ONLY to v4", bind_to(s, ip6("::ffff:127.0.0.1", 0)), EINVAL);
  close(s);
  s = must(socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  fails("foreign", bind_to(s, ip6("2001:db8::1", 0)), EADDRNOTAVAIL);
  fails("unreachable", send_to(s, "x", 1, 0, ip6("2001:db8::1", 9)), ENETUNREACH);
  fails("link local without scope", send_to(s, "x", 1, 0, ip6("fe80::1", 9)), ENETUNREACH);
  fails("bound by then", bind_to(s, ip6("::1", 0)), EINVAL);
  close(s);
  s = must(socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  succeeds("bind mapped", bind_to(s, ip6("::ffff:127.0.0.1", 0)));
  fails("bound to v4, sent to v6", send_to(s, "x", 1, 0, name_of(x)), EAFNOSUPPORT);
  close(s);
  s = udp6();
  fails("bound to v6, sent to v4", send_to(s, "x", 1, 0, mapped), ENETUNREACH);
  int t = must(socket(AF_INET6, SOCK_STREAM, 0));
  must(bind_to(t, ip6("::ffff:127.0.0.1", 0)));
  fails("stream bound to v4, to v6", connect_to(t, ip6("::1", 9)), EAFNOSUPPORT);
  close(t);
  t = must(socket(AF_INET6, SOCK_STREAM, 0));
  must(bind_to(t, ip6("::1", 0)));
  fails("stream bound to v6, to v4", connect_to(t, ip6("::ffff:127.0.0.1", 9)), ENETUNREACH);
  close(t);
  close(s), close(r), close(x);
}

int main(void) {
  streams();
  datagrams();
  both_versions();
  return check_done();
}
