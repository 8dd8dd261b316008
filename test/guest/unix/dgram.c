// AF_UNIX SOCK_DGRAM and SOCK_SEQPACKET: boundaries, truncation, addresses, full queues, many messages at
// once.
#include "../check.h"
#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

static char big[1 << 20];
static struct sockaddr_un addr;
#define A ((struct sockaddr*)&addr)

static socklen_t name(const char* text) {
  memset(&addr, 0, sizeof addr);
  addr.sun_family = AF_UNIX;
  memcpy(addr.sun_path + 1, text, strlen(text));
  return offsetof(struct sockaddr_un, sun_path) + 1 + strlen(text);
}

static int readiness(int fd) {
  struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDHUP, 0};
  poll(&p, 1, 0);
  return p.revents;
}

static void messages(int type, const char* what) {
  int s[2], n;
  say("# %s\n", what);
  must(socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, s));
  equal("send", send(s[0], "hello", 5, 0), 5);
  equal("send 2", send(s[0], "you", 3, 0), 3);
  equal("empty message", send(s[0], "", 0, 0), 0);
  must(ioctl(s[1], FIONREAD, &n));
  equal("FIONREAD", n, type == SOCK_DGRAM ? 5 : 8);
  equal("peek", recv(s[1], big, 100, MSG_PEEK), 5);
  struct iovec v = {big, 2};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
  equal("cut", recvmsg(s[1], &m, 0), 2);
  equal("MSG_TRUNC set", m.msg_flags, MSG_TRUNC);
  equal("real length", recv(s[1], big, 1, MSG_TRUNC), 3);
  equal("empty", recv(s[1], big, 10, 0), 0);
  fails("nothing left", recv(s[1], big, 10, 0), EAGAIN);
  fails("too long", send(s[0], big, sizeof big, 0), EMSGSIZE);
  equal("long", send(s[0], big, 100000, 0), 100000);
  equal("long received", recv(s[1], big, sizeof big, 0), 100000);
  struct iovec two[2] = {{big, 3}, {big + 10, 4}};
  m = (struct msghdr){.msg_iov = two, .msg_iovlen = 2};
  memcpy(big, "abc", 3);
  memcpy(big + 10, "defg", 4);
  equal("gather", sendmsg(s[0], &m, 0), 7);
  two[0].iov_len = 5;
  equal("scatter", recvmsg(s[1], &m, 0), 7);
  holds("scattered", memcmp(big, "abcde", 5) == 0 && memcmp(big + 10, "fg", 2) == 0);
  m.msg_iovlen = 2000;
  fails("too many parts", sendmsg(s[0], &m, 0), EMSGSIZE);
  fails("bad header", sendmsg(s[0], (void*)8, 0), EFAULT);
  int count = 0;
  while (send(s[0], "x", 1, 0) == 1)
    count++;
  equal("full", errno, EAGAIN);
  holds("many fit", count > 100 && count < 1000);
  equal("not writable", readiness(s[0]) & POLLOUT, 0);
  while (recv(s[1], big, 10, 0) == 1)
    count--;
  equal("all came", count, 0);
  equal("writable", readiness(s[0]), POLLOUT);
  struct mmsghdr mm[4];
  struct iovec mv[4];
  memset(mm, 0, sizeof mm);
  for (int i = 0; i < 4; i++) {
    mv[i] = (struct iovec){big + i * 100, i + 1};
    mm[i].msg_hdr.msg_iov = &mv[i];
    mm[i].msg_hdr.msg_iovlen = 1;
  }
  equal("sendmmsg", sendmmsg(s[0], mm, 4, 0), 4);
  equal("length sent", mm[3].msg_len, 4);
  for (int i = 0; i < 4; i++)
    mv[i].iov_len = 100;
  equal("recvmmsg gives what is there", recvmmsg(s[1], mm, 4, MSG_DONTWAIT, NULL), 4);
  equal("length received", mm[2].msg_len, 3);
  fails("recvmmsg of nothing", recvmmsg(s[1], mm, 4, MSG_DONTWAIT, NULL), EAGAIN);
  close(s[1]);
  if (type == SOCK_DGRAM) {
    fails("peer gone", send(s[0], "x", 1, 0), ECONNREFUSED);
    fails("and forgotten", send(s[0], "x", 1, 0), ENOTCONN);
  } else {
    fails("peer gone", send(s[0], "x", 1, MSG_NOSIGNAL), EPIPE);
    equal("end", recv(s[0], big, 1, 0), 0);
    equal("hang-up", readiness(s[0]), POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
  }
  close(s[0]);
}

static void addresses(void) {
  int a = must(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  int b = must(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  socklen_t la = name("runsc-dgram-a");
  must(bind(a, A, la));
  fails("send to nobody", send(b, "x", 1, 0), ENOTCONN);
  fails("unknown name", sendto(b, "x", 1, 0, A, name("runsc-dgram-none")), ECONNREFUSED);
  equal("sendto", sendto(b, "hi", 2, 0, A, name("runsc-dgram-a")), 2);
  socklen_t len = sizeof addr;
  equal("recvfrom", recvfrom(a, big, 10, 0, A, &len), 2);
  equal("unnamed sender", len, 0);
  must(bind(b, A, name("runsc-dgram-b")));
  must(connect(b, A, name("runsc-dgram-a")));
  equal("send", send(b, "yo", 2, 0), 2);
  len = sizeof addr;
  equal("recvfrom 2", recvfrom(a, big, 10, 0, A, &len), 2);
  equal("sender's name", len, 2 + 14);
  fails("listen", listen(a, 1), EOPNOTSUPP);
  fails("accept", accept(a, NULL, NULL), EOPNOTSUPP);
  int c = must(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  must(connect(a, A, name("runsc-dgram-b")));
  fails("connected elsewhere", sendto(c, "x", 1, 0, A, name("runsc-dgram-a")), EPERM);
  fails("connect to it", connect(c, A, name("runsc-dgram-a")), EPERM);
  addr.sun_family = AF_UNSPEC;
  must(connect(a, A, sizeof addr));
  succeeds("after disconnect", sendto(c, "x", 1, 0, A, name("runsc-dgram-a")));
  int count = 1;
  while (sendto(c, "x", 1, 0, A, name("runsc-dgram-a")) == 1)
    count++;
  equal("queue full", errno, EAGAIN);
  int limit = 10;
  FILE* f = fopen("/proc/sys/net/unix/max_dgram_qlen", "r");
  if (f == NULL || fscanf(f, "%d", &limit) != 1)
    limit = 10;
  equal("queue length", count, limit + 1);
  must(connect(c, A, name("runsc-dgram-a")));
  equal("not writable while the peer is full", readiness(c), 0);
  must(recv(a, big, 1, 0));
  equal("writable", readiness(c), POLLOUT);
  must(send(c, "x", 1, 0));
  pid_t pid = must(fork());
  if (pid == 0) {
    sleep_ms(50);
    _exit(recv(a, big, 1, 0) != 1);
  }
  int d = must(socket(AF_UNIX, SOCK_DGRAM, 0));
  equal("a sender waits for room", sendto(d, "x", 1, 0, A, name("runsc-dgram-a")), 1);
  equal("child", status_of(pid), 0);
  struct timeval tv = {0, 30000};
  must(setsockopt(d, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv));
  fails("SO_RCVTIMEO", recv(d, big, 1, 0), EAGAIN);
  must(setsockopt(d, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv));
  fails("SO_SNDTIMEO", sendto(d, "x", 1, 0, A, name("runsc-dgram-a")), EAGAIN);
  must(shutdown(a, SHUT_RD));
  fails("receiver shut down", sendto(b, "x", 1, 0, A, name("runsc-dgram-a")), EPIPE);
}

static void seqpacket(void) {
  int l = must(socket(AF_UNIX, SOCK_SEQPACKET, 0));
  must(bind(l, A, name("runsc-seq")));
  must(listen(l, 4));
  int c = must(socket(AF_UNIX, SOCK_SEQPACKET, 0));
  fails("send unconnected", send(c, "x", 1, 0), ENOTCONN);
  fails("recv unconnected", recv(c, big, 1, 0), ENOTCONN);
  must(connect(c, A, name("runsc-seq")));
  int s = must(accept(l, NULL, NULL));
  must(send(c, "one", 3, 0));
  must(send(c, "two", 3, 0));
  equal("one", recv(s, big, 100, 0), 3);
  equal("cut", recv(s, big, 1, 0), 1);
  must(shutdown(c, SHUT_WR));
  equal("end", recv(s, big, 1, 0), 0);
}

int main(void) {
  messages(SOCK_DGRAM, "datagrams");
  messages(SOCK_SEQPACKET, "seqpackets");
  addresses();
  seqpacket();
  return check_done();
}
