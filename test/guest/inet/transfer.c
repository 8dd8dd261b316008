// MSG_ flags, SO_PEEK_OFF, many messages at once, sendfile and splice through sockets (send(2), recv(2), sendmmsg(2)).
#include "net.h"
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/un.h>

static char text[70000];

static void peek_offset(const char* kind, int* s) {
  char name[80];
#define NAME(x) (snprintf(name, sizeof name, "%s: %s", kind, x), name)
  must(send(s[0], "aaaa", 4, 0));
  must(send(s[0], "bbbb", 4, 0));
  must(send(s[0], "cccc", 4, 0));
  sleep_ms(10);
  equal(NAME("off"), option(s[1], SOL_SOCKET, SO_PEEK_OFF), -1);
  if (set(s[1], SOL_SOCKET, SO_PEEK_OFF, 0) != 0) {
    say("ok %s\n", strerrorname_np(errno));
    return;
  }
  equal(NAME("peek"), recv(s[1], text, 2, MSG_PEEK), 2);
  equal(NAME("offset"), option(s[1], SOL_SOCKET, SO_PEEK_OFF), 2);
  equal(NAME("peek on"), recv(s[1], text, 4, MSG_PEEK), option(s[1], SOL_SOCKET, SO_TYPE) == SOCK_STREAM ? 4 : 2);
  say("ok %s: now %d, %.2s\n", kind, option(s[1], SOL_SOCKET, SO_PEEK_OFF), text);
  equal(NAME("read"), recv(s[1], text, 3, 0), 3);
  say("ok %s: then %d\n", kind, option(s[1], SOL_SOCKET, SO_PEEK_OFF));
  int n = recv(s[1], text, 16, MSG_PEEK);
  say("ok %s: peeks %d %.*s\n", kind, n, n > 0 ? n : 0, text);
  n = recv(s[1], text, 16, MSG_PEEK | MSG_DONTWAIT);
  say("ok %s: and %d %s\n", kind, n, n < 0 ? strerrorname_np(errno) : "");
  must(set(s[1], SOL_SOCKET, SO_PEEK_OFF, -1));
  n = recv(s[1], text, 16, MSG_PEEK);
  say("ok %s: off again: %d %.*s\n", kind, n, n > 0 ? n : 0, text);
}

static void udp_pair(int* s) {
  s[0] = udp4(), s[1] = udp4();
  must(connect_to(s[0], name_of(s[1])));
  must(connect_to(s[1], name_of(s[0])));
}

static void flags(void) {
  int s[2];
  tcp_pair(s);
  equal("MSG_MORE", send(s[0], "ab", 2, MSG_MORE), 2);
  equal("the rest", send(s[0], "cd", 2, 0), 2);
  equal("arrives", recv(s[1], text, 4, MSG_WAITALL), 4);
  equal("MSG_DONTROUTE", send(s[0], "x", 1, MSG_DONTROUTE), 1);
  equal("MSG_CONFIRM", send(s[0], "x", 1, MSG_CONFIRM), 1);
  equal("MSG_EOR", send(s[0], "x", 1, MSG_EOR), 1);
  sleep_ms(10);
  equal("MSG_TRUNC drops", recv(s[1], NULL, 2, MSG_TRUNC), 2);
  equal("one is left", recv(s[1], text, 4, 0), 1);
  fails("MSG_WAITALL for nothing", recv(s[1], text, 0, MSG_WAITALL | MSG_DONTWAIT), EAGAIN);
  fails("MSG_WAITALL and MSG_DONTWAIT", recv(s[1], text, 4, MSG_WAITALL | MSG_DONTWAIT), EAGAIN);
  must(send(s[0], "12", 2, 0));
  sleep_ms(10);
  equal("what is there", recv(s[1], text, 4, MSG_WAITALL | MSG_DONTWAIT), 2);
  must(send(s[0], "12", 2, 0));
  sleep_ms(10);
  equal("MSG_PEEK again", recv(s[1], text, 4, MSG_PEEK), 2);
  equal("and again", recv(s[1], text, 4, MSG_PEEK), 2);
  struct timeval soon = {0, 50000};
  must(setsockopt(s[1], SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon));
  equal("MSG_WAITALL and SO_RCVTIMEO", recv(s[1], text, 4, MSG_WAITALL), 2);
  must(set(s[1], SOL_SOCKET, SO_RCVLOWAT, 4));
  must(send(s[0], "123", 3, 0));
  sleep_ms(10);
  equal("SO_RCVLOWAT", readiness(s[1]) & POLLIN, 0);
  equal("does not hold back recv for ever", recv(s[1], text, 10, 0), 3);
  must(send(s[0], "1234", 4, 0));
  equal("enough", wait_for(s[1], POLLIN), POLLIN);
  equal("address is ignored", sendto(s[0], "x", 1, 0, &(struct sockaddr){AF_INET}, sizeof(struct sockaddr)), 1);
  close(s[0]), close(s[1]);

  udp_pair(s);
  equal("MSG_MORE corks", send(s[0], "ab", 2, MSG_MORE), 2);
  fails("nothing yet", recv(s[1], text, 9, 0), EAGAIN);
  equal("the end of it", send(s[0], "cd", 2, 0), 2);
  equal("one datagram", recv(s[1], text, 9, 0), 4);
  must(set(s[0], IPPROTO_UDP, UDP_CORK, 1));
  must(send(s[0], "ab", 2, 0));
  must(send(s[0], "cde", 3, 0));
  fails("UDP_CORK", recv(s[1], text, 9, 0), EAGAIN);
  must(set(s[0], IPPROTO_UDP, UDP_CORK, 0));
  equal("uncorked", recv(s[1], text, 9, 0), 5);
  equal("MSG_WAITALL means nothing", (must(send(s[0], "ab", 2, 0)), recv(s[1], text, 9, MSG_WAITALL)), 2);
  fails("MSG_OOB", send(s[0], "x", 1, MSG_OOB), EOPNOTSUPP);
  fails("recv MSG_OOB", recv(s[1], text, 1, MSG_OOB), EAGAIN);
  equal("MSG_TRUNC", (must(send(s[0], "abcdef", 6, 0)), recv(s[1], text, 2, MSG_TRUNC)), 6);
  must(set(s[0], IPPROTO_UDP, 103, 4));
  equal("UDP_SEGMENT", send(s[0], "aaaabbbbcc", 10, 0), 10);
  equal("first", recv(s[1], text, 99, 0), 4);
  equal("second", recv(s[1], text, 99, 0), 4);
  equal("third", recv(s[1], text, 99, 0), 2);
  close(s[0]), close(s[1]);
}

static void many(void) {
  int s[2];
  udp_pair(s);
  struct mmsghdr m[5];
  struct iovec v[5];
  for (int i = 0; i < 5; i++) {
    v[i] = (struct iovec){"abcdefgh", i + 1};
    m[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &v[i], .msg_iovlen = 1}};
  }
  equal("sendmmsg", sendmmsg(s[0], m, 5, 0), 5);
  equal("each length", m[4].msg_len, 5);
  for (int i = 0; i < 5; i++) v[i] = (struct iovec){text + 100 * i, 100};
  equal("recvmmsg", recvmmsg(s[1], m, 3, 0, NULL), 3);
  equal("lengths", m[2].msg_len, 3);
  equal("the rest", recvmmsg(s[1], m, 5, MSG_WAITFORONE, NULL), 2);
  fails("none", recvmmsg(s[1], m, 5, 0, NULL), EAGAIN);
  must(fcntl(s[1], F_SETFL, 0));
  must(send(s[0], "x", 1, 0));
  struct timespec soon = {0, 20000000};
  equal("timeout is looked at after a message", recvmmsg(s[1], m, 1, 0, &soon), 1);
  fails("bad timeout", recvmmsg(s[1], m, 1, 0, &(struct timespec){0, 1000000000}), EINVAL);
  // An error after some were sent is told by the next call.
  v[0] = (struct iovec){"ok", 2}, v[1] = (struct iovec){(void*)8, 2};
  equal("sendmmsg stops at an error", sendmmsg(s[0], m, 2, 0), 1);
  close(s[0]), close(s[1]);
}

static void files(void) {
  enter_directory("transfer");
  int fd = must(open("data", O_RDWR | O_CREAT, 0600)), s[2], p[2];
  memset(text, 'q', sizeof text);
  must(write(fd, text, 50000));
  tcp_pair(s);
  off_t at = 10;
  equal("sendfile", sendfile(s[0], fd, &at, 20000), 20000);
  equal("offset", at, 20010);
  equal("arrives", recv(s[1], text, 20000, MSG_WAITALL), 20000);
  lseek(fd, 0, SEEK_SET);
  equal("to its end", sendfile(s[0], fd, NULL, 100000), 50000);
  equal("arrives", recv(s[1], text, 50000, MSG_WAITALL), 50000);
  equal("file position", lseek(fd, 0, SEEK_CUR), 50000);
  must(pipe(p));
  must(write(p[1], "through a pipe", 14));
  equal("splice into a socket", splice(p[0], NULL, s[0], NULL, 100, 0), 14);
  equal("splice out of one", splice(s[1], NULL, p[1], NULL, 100, 0), 14);
  equal("arrives", read(p[0], text, 100), 14);
  must(fcntl(s[1], F_SETFL, O_NONBLOCK));
  fails("nothing to splice", splice(s[1], NULL, p[1], NULL, 100, 0), EAGAIN);
  must(fcntl(s[1], F_SETFL, 0));
  fails("no offset in a socket", splice(s[1], &(loff_t){0}, p[1], NULL, 100, 0), EINVAL);
  close(s[0]);
  equal("end of file", splice(s[1], NULL, p[1], NULL, 100, 0), 0);
  fails("sendfile from a socket", sendfile(fd, s[1], NULL, 10), EINVAL);
  close(s[1]);
  tcp_pair(s);
  must(fcntl(s[0], F_SETFL, O_NONBLOCK));
  must(ftruncate(fd, 64 << 20));
  at = 0;
  long sent = 0, n;
  while ((n = sendfile(s[0], fd, &at, 64 << 20)) > 0) sent += n;
  equal("a full socket", errno, EAGAIN);
  holds("took something", sent > 0 && sent < 64 << 20 && at == sent);
  close(s[0]), close(s[1]);
  signal(SIGPIPE, SIG_IGN);
  tcp_pair(s);
  shutdown(s[0], SHUT_WR);
  at = 0;
  fails("sendfile after shutdown", sendfile(s[0], fd, &at, 10), EPIPE);
  must(write(p[1], "x", 1));
  fails("splice after shutdown", splice(p[0], NULL, s[0], NULL, 1, 0), EPIPE);
  close(s[0]), close(s[1]);
  int u[2];
  must(socketpair(AF_UNIX, SOCK_STREAM, 0, u));
  at = 0;
  equal("AF_UNIX too", sendfile(u[0], fd, &at, 1000), 1000);
  equal("splice from AF_UNIX", splice(u[1], NULL, p[1], NULL, 1000, 0), 1000);
  struct iovec v[2] = {{"ab", 2}, {"cd", 2}};
  equal("writev", writev(u[0], v, 2), 4);
  equal("readv", readv(u[1], (struct iovec[]){{text, 1}, {text + 1, 9}}, 2), 4);
  fails("pread", pread(u[1], text, 1, 0), ESPIPE);
  fails("pwrite", pwrite(u[1], text, 1, 0), ESPIPE);
  fails("lseek", lseek(u[1], 0, SEEK_CUR), ESPIPE);
  fails("ftruncate", ftruncate(u[1], 0), EINVAL);
  fails("fsync", fsync(u[1]), EINVAL);
  fails("mmap", (long)mmap(NULL, 4096, PROT_READ, MAP_SHARED, u[1], 0), ENODEV);
}

int main(void) {
  int s[2];
  tcp_pair(s);
  peek_offset("tcp", s);
  udp_pair(s);
  peek_offset("udp", s);
  must(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  peek_offset("unix stream", s);
  must(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
  peek_offset("unix dgram", s);
  must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s));
  peek_offset("unix seqpacket", s);
  flags();
  many();
  files();
  return check_done();
}
