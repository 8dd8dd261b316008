// TIME_WAIT (tcp(7), socket(7) SO_REUSEADDR, SO_REUSEPORT): who may bind, listen and connect around it.
#include "net.h"

static int bound(int port, int reuse_address, int reuse_port) {
  int s = must(socket(AF_INET, SOCK_STREAM, 0));
  if (reuse_address) must(set(s, SOL_SOCKET, SO_REUSEADDR, 1));
  if (reuse_port) must(set(s, SOL_SOCKET, SO_REUSEPORT, 1));
  if (bind_to(s, ip4(INADDR_LOOPBACK, port)) == 0) return s;
  int error = errno;
  close(s);
  errno = error;
  return -1;
}

// A connection whose server side closed first: its port is left in TIME_WAIT. Returns the server's port.
static int wait_on_server(int reuse) {
  int l = must(socket(AF_INET, SOCK_STREAM, 0));
  if (reuse) must(set(l, SOL_SOCKET, reuse, 1));
  must(bind_to(l, ip4(INADDR_LOOPBACK, 0)));
  must(listen(l, 5));
  int port = port_of(l), c = must(socket(AF_INET, SOCK_STREAM, 0));
  must(connect_to(c, name_of(l)));
  int a = must(accept(l, NULL, NULL));
  close(l);
  close(a);
  char byte;
  equal("end of file", recv(c, &byte, 1, 0), 0);
  close(c);
  return port;
}

static void server_side(void) {
  int port = wait_on_server(0);
  fails("TIME_WAIT holds the port", bound(port, 0, 0), EADDRINUSE);
  fails("SO_REUSEADDR is for both", bound(port, 1, 0), EADDRINUSE);
  port = wait_on_server(SO_REUSEADDR);
  fails("without SO_REUSEADDR", bound(port, 0, 0), EADDRINUSE);
  int s = succeeds("SO_REUSEADDR of both", bound(port, 1, 0));
  succeeds("listens", listen(s, 5));
  int c = must(socket(AF_INET, SOCK_STREAM, 0));
  succeeds("takes connections", connect_to(c, ip4(INADDR_LOOPBACK, port)));
  close(c);
  close(s);
  port = wait_on_server(SO_REUSEPORT);
  fails("without SO_REUSEPORT", bound(port, 0, 0), EADDRINUSE);
  s = succeeds("SO_REUSEPORT of both", bound(port, 0, 1));
  close(s);
  port = wait_on_server(0);
  s = must(socket(AF_INET, SOCK_STREAM, 0));
  succeeds("another address", bind_to(s, ip4(INADDR_LOOPBACK + 1, port)));
  close(s);
  s = must(socket(AF_INET, SOCK_STREAM, 0));
  fails("the wildcard", bind_to(s, ip4(INADDR_ANY, port)), EADDRINUSE);
  close(s);
}

static void client_side(void) {
  int l = listener(5);
  int c = must(socket(AF_INET, SOCK_STREAM, 0));
  must(connect_to(c, name_of(l)));
  int a = must(accept(l, NULL, NULL)), port = port_of(c);
  close(c);
  char byte;
  equal("client went first", recv(a, &byte, 1, 0), 0);
  close(a);
  fails("its port waits", bound(port, 0, 0), EADDRINUSE);
  fails("SO_REUSEADDR does not help", bound(port, 1, 0), EADDRINUSE);
  // The server's port is free of it: it closed last.
  int server = port_of(l);
  close(l);
  l = succeeds("server's port is free", bound(server, 0, 0));
  close(l);
}

static void resets_leave_nothing(void) {
  int l = listener(5), port = port_of(l);
  int c = must(socket(AF_INET, SOCK_STREAM, 0));
  must(connect_to(c, name_of(l)));
  int a = must(accept(l, NULL, NULL)), mine = port_of(c);
  struct linger now = {1, 0};
  must(setsockopt(c, SOL_SOCKET, SO_LINGER, &now, sizeof now));
  close(l);
  close(c);
  equal("reset", wait_for(a, POLLIN) & POLLERR, POLLERR);
  int s = succeeds("client's port is free", bound(mine, 0, 0));
  close(s);
  close(a);
  s = succeeds("server's port is free", bound(port, 0, 0));
  close(s);
}

static void open_connections(void) {
  int l = must(socket(AF_INET, SOCK_STREAM, 0));
  must(set(l, SOL_SOCKET, SO_REUSEADDR, 1));
  must(bind_to(l, ip4(INADDR_LOOPBACK, 0)));
  must(listen(l, 5));
  int port = port_of(l), c = must(socket(AF_INET, SOCK_STREAM, 0));
  must(connect_to(c, name_of(l)));
  int a = must(accept(l, NULL, NULL));
  equal("accepted inherits SO_REUSEADDR", option(a, SOL_SOCKET, SO_REUSEADDR), 1);
  close(l);
  fails("an open connection holds it", bound(port, 0, 0), EADDRINUSE);
  l = succeeds("restart with SO_REUSEADDR", bound(port, 1, 0));
  succeeds("listens again", listen(l, 5));
  int d = must(socket(AF_INET, SOCK_STREAM, 0));
  succeeds("and serves", connect_to(d, ip4(INADDR_LOOPBACK, port)));
  equal("the old one lives", send(c, "x", 1, 0), 1);
  char byte;
  equal("and gets", recv(a, &byte, 1, 0), 1);
  // Same local port twice to different servers is no conflict, to the same one it is.
  int e = must(socket(AF_INET, SOCK_STREAM, 0));
  must(set(e, SOL_SOCKET, SO_REUSEADDR, 1));
  must(bind_to(e, ip4(INADDR_LOOPBACK, 0)));
  int from = port_of(e);
  must(connect_to(e, ip4(INADDR_LOOPBACK, port)));
  int f = must(socket(AF_INET, SOCK_STREAM, 0));
  must(set(f, SOL_SOCKET, SO_REUSEADDR, 1));
  succeeds("same source port", bind_to(f, ip4(INADDR_LOOPBACK, from)));
  fails("same four ends", connect_to(f, ip4(INADDR_LOOPBACK, port)), EADDRNOTAVAIL);
  close(a), close(c), close(d), close(e), close(f), close(l);
}

// Both ends close at once or in turn, thousands of times: ports come back, TIME_WAIT or not.
static void many(void) {
  int l = listener(16);
  union address to = name_of(l);
  int failed = 0;
  for (int i = 0; i < 10000; i++) {
    int c = socket(AF_INET, SOCK_STREAM, 0);
    if (c < 0 || connect_to(c, to) != 0) {
      failed = errno;
      break;
    }
    int a = accept(l, NULL, NULL);
    close(i % 2 ? a : c);
    close(i % 2 ? c : a);
  }
  equal("10,000 connections", failed, 0);
  close(l);
}

int main(void) {
  server_side();
  client_side();
  resets_leave_nothing();
  open_connections();
  many();
  return check_done();
}
