// Ancillary data of AF_UNIX: SCM_RIGHTS, SCM_CREDENTIALS, truncation, garbage; socket options.
#include "../check.h"
#include <stddef.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

static char data[256];
static char control[4096] __attribute__((aligned(8)));

static ssize_t send_fds(int s, const int* fds, int n, int len) {
  struct iovec v = {"0123456789", len};
  struct msghdr m = {
      .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(n * 4)};
  memset(control, 0, sizeof control);
  struct cmsghdr* c = CMSG_FIRSTHDR(&m);
  c->cmsg_len = CMSG_LEN(n * 4);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_RIGHTS;
  memcpy(CMSG_DATA(c), fds, n * 4);
  return sendmsg(s, &m, 0);
}

static struct msghdr got;
static struct iovec got_iov;
// Receives with `room` bytes of control buffer; descriptors go to fds.
static ssize_t receive(int s, int* fds, int* n, int room, int flags) {
  got_iov = (struct iovec){data, sizeof data};
  got = (struct msghdr){.msg_iov = &got_iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = room};
  memset(control, 0xff, sizeof control);
  ssize_t r = recvmsg(s, &got, flags);
  *n = 0;
  if (r < 0)
    return r;
  for (struct cmsghdr* c = CMSG_FIRSTHDR(&got); c != NULL; c = CMSG_NXTHDR(&got, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
      continue;
    int count = (c->cmsg_len - CMSG_LEN(0)) / 4;
    memcpy(fds, CMSG_DATA(c), count * 4);
    *n += count;
  }
  return r;
}

static void rights(void) {
  int s[2], p[2], fds[300], n;
  must(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  must(pipe(p));
  equal("send two", send_fds(s[0], p, 2, 3), 3);
  must(send(s[0], "tail", 4, 0));
  equal("bytes end with the descriptors' message", receive(s[1], fds, &n, sizeof control, MSG_CMSG_CLOEXEC),
        3);
  equal("two came", n, 2);
  equal("flags", got.msg_flags, MSG_CMSG_CLOEXEC);
  equal("control length", got.msg_controllen, CMSG_SPACE(8));
  equal("cloexec", fcntl(fds[0], F_GETFD), FD_CLOEXEC);
  must(write(fds[1], "q", 1));
  equal("the same pipe", read(p[0], data, 10), 1);
  close(fds[0]);
  close(fds[1]);
  equal("rest", receive(s[1], fds, &n, sizeof control, 0), 4);
  equal("none", n, 0);
  must(send(s[0], "head", 4, 0));
  must(send_fds(s[0], p, 1, 3));
  must(send_fds(s[0], p, 1, 3));
  equal("joined up to the first descriptors", receive(s[1], fds, &n, sizeof control, 0), 7);
  equal("one", n, 1);
  close(fds[0]);
  equal("peek", receive(s[1], fds, &n, sizeof control, MSG_PEEK), 3);
  equal("peeked one", n, 1);
  close(fds[0]);
  equal("room for none", receive(s[1], fds, &n, 0, 0), 3);
  equal("MSG_CTRUNC", got.msg_flags, MSG_CTRUNC);
  must(send_fds(s[0], (int[]){p[0], p[1], p[0]}, 3, 1));
  receive(s[1], fds, &n, CMSG_LEN(8), 0);
  equal("room for two", n, 2);
  equal("MSG_CTRUNC 2", got.msg_flags, MSG_CTRUNC);
  close(fds[0]);
  close(fds[1]);
  must(send_fds(s[0], p, 2, 1));
  equal("plain read drops them", read(s[1], data, 10), 1);
  fails("bad descriptor", send_fds(s[0], (int[]){900}, 1, 1), EBADF);
  int many[254];
  for (int i = 0; i < 254; i++)
    many[i] = p[0];
  fails("too many", send_fds(s[0], many, 254, 1), EINVAL);
  equal("the most", send_fds(s[0], many, 253, 1), 1);
  receive(s[1], fds, &n, sizeof control, 0);
  equal("all came", n, 253);
  for (int i = 0; i < n; i++)
    close(fds[i]);
  struct rlimit old, few;
  must(getrlimit(RLIMIT_NOFILE, &old));
  few = old;
  few.rlim_cur = s[1] + 4;
  must(send_fds(s[0], (int[]){p[0], p[0], p[0], p[0], p[0], p[0]}, 6, 1));
  must(setrlimit(RLIMIT_NOFILE, &few));
  receive(s[1], fds, &n, sizeof control, 0);
  must(setrlimit(RLIMIT_NOFILE, &old));
  holds("as many as there are numbers", n < 6);
  equal("MSG_CTRUNC 3", got.msg_flags, MSG_CTRUNC);
  for (int i = 0; i < n; i++)
    close(fds[i]);
  struct iovec v = {"x", 1};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = 32};
  struct cmsghdr* c = (struct cmsghdr*)control;
  *c = (struct cmsghdr){.cmsg_len = 64, .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
  fails("length beyond the buffer", sendmsg(s[0], &m, 0), EINVAL);
  c->cmsg_len = 4;
  fails("length below a header", sendmsg(s[0], &m, 0), EINVAL);
  *c = (struct cmsghdr){.cmsg_len = 20, .cmsg_level = SOL_SOCKET, .cmsg_type = 99};
  fails("unknown type", sendmsg(s[0], &m, 0), EINVAL);
  // A socket in its own queue, then nobody left.
  for (int i = 0; i < 100; i++) {
    int g[2];
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, g));
    must(send_fds(g[0], g, 2, 1));
    must(send_fds(g[1], g, 2, 1));
    close(g[0]);
    close(g[1]);
  }
  succeeds("cycles do not use descriptors up", send_fds(s[0], p, 2, 1));
  must(receive(s[1], fds, &n, sizeof control, 0));
  close(p[1]);
  close(fds[1]);
  equal("last writer gone", read(p[0], data, 1), 0);
}

static void credentials(int type) {
  int s[2], one = 1;
  must(socketpair(AF_UNIX, type, 0, s));
  must(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof one));
  socklen_t len = sizeof one;
  must(getsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &one, &len));
  equal("SO_PASSCRED", one, 1);
  must(send(s[0], "x", 1, 0));
  struct iovec v = {data, 10};
  struct msghdr m = {
      .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  must(recvmsg(s[1], &m, 0));
  struct cmsghdr* c = CMSG_FIRSTHDR(&m);
  holds("came unasked", c != NULL && c->cmsg_type == SCM_CREDENTIALS);
  struct ucred u;
  memcpy(&u, CMSG_DATA(c), sizeof u);
  holds("mine", u.pid == getpid() && u.uid == getuid() && u.gid == getgid());
  equal("cmsg_len", c->cmsg_len, CMSG_LEN(12));
  equal("control length", m.msg_controllen, CMSG_SPACE(12));
  m.msg_controllen = CMSG_SPACE(12);
  v.iov_len = 1;
  c->cmsg_len = CMSG_LEN(12);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_CREDENTIALS;
  equal("given explicitly", sendmsg(s[0], &m, 0), 1);
  c->cmsg_len = CMSG_LEN(8);
  fails("wrong length", sendmsg(s[0], &m, 0), EINVAL);
  struct ucred peer;
  len = sizeof peer;
  must(getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &peer, &len));
  holds("SO_PEERCRED", peer.pid == getpid() && peer.uid == geteuid() && peer.gid == getegid());
  close(s[0]);
  close(s[1]);
}

static int option(int s, int name, int size) {
  int v[4] = {-7, -7, -7, -7};
  socklen_t len = size;
  if (getsockopt(s, SOL_SOCKET, name, v, &len) != 0)
    return -errno;
  return v[0];
}

static void options(void) {
  int s = must(socket(AF_UNIX, SOCK_STREAM, 0)), v;
  equal("SO_TYPE", option(s, SO_TYPE, 4), SOCK_STREAM);
  equal("SO_DOMAIN", option(s, SO_DOMAIN, 4), AF_UNIX);
  equal("SO_PROTOCOL", option(s, SO_PROTOCOL, 4), 0);
  equal("SO_ERROR", option(s, SO_ERROR, 4), 0);
  equal("SO_ACCEPTCONN", option(s, SO_ACCEPTCONN, 4), 0);
  equal("SO_SNDBUF", option(s, SO_SNDBUF, 4), 212992);
  equal("SO_RCVBUF", option(s, SO_RCVBUF, 4), 212992);
  v = 10000;
  must(setsockopt(s, SOL_SOCKET, SO_SNDBUF, &v, 4));
  equal("SO_SNDBUF doubles", option(s, SO_SNDBUF, 4), 20000);
  v = 1;
  must(setsockopt(s, SOL_SOCKET, SO_SNDBUF, &v, 4));
  equal("SO_SNDBUF at least", option(s, SO_SNDBUF, 4), 4608);
  must(setsockopt(s, SOL_SOCKET, SO_RCVBUF, &v, 4));
  equal("SO_RCVBUF at least", option(s, SO_RCVBUF, 4), 2304);
  must(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &v, 4));
  equal("SO_REUSEADDR", option(s, SO_REUSEADDR, 4), 1);
  must(setsockopt(s, SOL_SOCKET, SO_KEEPALIVE, &v, 4));
  equal("SO_KEEPALIVE", option(s, SO_KEEPALIVE, 4), 1);
  struct timeval tv = {2, 500000};
  must(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv));
  tv.tv_sec = 0;
  socklen_t len = sizeof tv;
  must(getsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, &len));
  holds("SO_RCVTIMEO", tv.tv_sec == 2 && tv.tv_usec == 500000);
  tv.tv_usec = 1000000;
  fails("SO_RCVTIMEO out of range", setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv), EDOM);
  struct linger l = {1, 5};
  must(setsockopt(s, SOL_SOCKET, SO_LINGER, &l, sizeof l));
  l.l_linger = 0;
  len = sizeof l;
  must(getsockopt(s, SOL_SOCKET, SO_LINGER, &l, &len));
  holds("SO_LINGER", l.l_onoff == 1 && l.l_linger == 5 && len == sizeof l);
  equal("SO_PEEK_OFF", option(s, SO_PEEK_OFF, 4), -1);
  fails("read-only", setsockopt(s, SOL_SOCKET, SO_TYPE, &v, 4), ENOPROTOOPT);
  fails("unknown", setsockopt(s, SOL_SOCKET, 9999, &v, 4), ENOPROTOOPT);
  fails("unknown get", option(s, 9999, 4) < 0 ? (errno = ENOPROTOOPT, -1) : 0, ENOPROTOOPT);
  fails("too short", setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &v, 2), EINVAL);
  fails("other level", setsockopt(s, 6, 1, &v, 4), EOPNOTSUPP);
  len = -1;
  fails("negative length", getsockopt(s, SOL_SOCKET, SO_TYPE, &v, &len), EINVAL);
  len = 2;
  v = -1;
  must(getsockopt(s, SOL_SOCKET, SO_TYPE, &v, &len));
  equal("cut", v, (int)0xffff0001);
  equal("cut length", len, 2);
  struct ucred none;
  len = sizeof none;
  must(getsockopt(s, SOL_SOCKET, SO_PEERCRED, &none, &len));
  holds("nobody's credentials", none.pid == 0 && none.uid == (uid_t)-1 && none.gid == (gid_t)-1);
}

int main(void) {
  rights();
  credentials(SOCK_STREAM);
  credentials(SOCK_DGRAM);
  credentials(SOCK_SEQPACKET);
  options();
  return check_done();
}
