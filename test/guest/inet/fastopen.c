// MSG_FASTOPEN and TCP_FASTOPEN_CONNECT (tcp(7)): connections that begin with data, where the other side takes it.
#include "net.h"

#ifndef TCP_FASTOPEN_CONNECT
#define TCP_FASTOPEN_CONNECT 30
#endif

static const char* all_of(int l, size_t length) {
  static char data[128];
  int s = must(accept(l, NULL, NULL));
  ssize_t n = recv(s, data, length, MSG_WAITALL);
  data[n < 0 ? 0 : n] = 0;
  must(send(s, "ok", 2, 0));
  close(s);
  return data;
}

static void sends(int l) {
  union address at = name_of(l), nobody = ip4(INADDR_LOOPBACK, 1);
  char byte[4];
  for (int i = 0; i < 3; i++) {
    int s = must(socket(AF_INET, SOCK_STREAM, 0));
    equal("connects and sends", send_to(s, "hello", 5, MSG_FASTOPEN, at), 5);
    same_text("what arrives", all_of(l, 5), "hello");
    equal("the answer", recv(s, byte, 4, MSG_WAITALL), 2);
    equal("no option of it", option(s, IPPROTO_TCP, TCP_FASTOPEN_CONNECT), 0);
    fails("a second time", send_to(s, "x", 1, MSG_FASTOPEN, at), EISCONN);
    close(s);
  }
  int s = must(socket(AF_INET, SOCK_STREAM, 0));
  struct iovec parts[] = {{"a ", 2}, {"vector", 6}};
  struct msghdr m = {.msg_name = &at, .msg_namelen = sizeof at.v4, .msg_iov = parts, .msg_iovlen = 2};
  equal("sendmsg", sendmsg(s, &m, MSG_FASTOPEN), 8);
  same_text("all of it", all_of(l, 8), "a vector");
  close(s);
  s = must(socket(AF_INET, SOCK_STREAM, 0));
  fails("nobody there", send_to(s, "x", 1, MSG_FASTOPEN, nobody), ECONNREFUSED);
  close(s);
  s = must(socket(AF_INET, SOCK_STREAM, 0));
  fails("to nowhere", send(s, "x", 1, MSG_FASTOPEN), EINVAL);
  fails("a short address", sendto(s, "x", 1, MSG_FASTOPEN, &at.any, 8), EINVAL);
  union address none = at;
  none.any.sa_family = AF_UNSPEC;
  fails("to no family", send_to(s, "x", 1, MSG_FASTOPEN, none), EOPNOTSUPP);
  fails("another family's", send_to(s, "x", 1, MSG_FASTOPEN, ip6("::1", 1)), EAFNOSUPPORT);
  close(s);
  s = must(socket(AF_INET, SOCK_DGRAM, 0));
  equal("of a datagram: nothing", send_to(s, "x", 1, MSG_FASTOPEN, at), 1);
  close(s);
  // Without waiting the data is not sent, but the connection is on its way.
  s = must(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  fails("under way", send_to(s, "x", 1, MSG_FASTOPEN, at), EINPROGRESS);
  equal("there", wait_for(s, POLLOUT), POLLOUT);
  equal("sent then", send(s, "later", 5, 0), 5);
  same_text("the one data", all_of(l, 5), "later");
  close(s);
}

static void connects(int l) {
  union address at = name_of(l);
  char byte[4];
  for (int i = 0; i < 3; i++) {
    int s = must(socket(AF_INET, SOCK_STREAM, 0));
    must(set(s, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1));
    must(connect_to(s, at));
    equal("option", option(s, IPPROTO_TCP, TCP_FASTOPEN_CONNECT), 1);
    equal("sent", send(s, "fast", 4, 0), 4);
    same_text("arrived", all_of(l, 4), "fast");
    equal("answered", recv(s, byte, 4, MSG_WAITALL), 2);
    close(s);
  }
}

int main(void) {
  int l = listener(8);
  sends(l);
  connects(l);
  // Where the listener would take data with the first segment, if its namespace let it.
  must(set(l, IPPROTO_TCP, TCP_FASTOPEN, 5));
  sends(l);
  connects(l);
  close(l);
  return check_failures != 0;
}
