// The rest of unix(7): autobind, urgent bytes, peers' pidfds, truncated ancillary data, cycles of descriptors, limits.
#include "../check.h"
#include <poll.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#define SO_PEERPIDFD 77
#endif
#ifndef SCM_PIDFD
#define SCM_PIDFD 4
#endif

static char text[4096];

static int set(int s, int name, int value) {
  return setsockopt(s, SOL_SOCKET, name, &value, sizeof value);
}
static int readiness(int fd) {
  struct pollfd p = {fd, POLLIN | POLLOUT | POLLPRI | POLLRDHUP, 0};
  poll(&p, 1, 0);
  return p.revents;
}

static void autobind(void) {
  int s = must(socket(AF_UNIX, SOCK_DGRAM, 0)), t = must(socket(AF_UNIX, SOCK_DGRAM, 0));
  struct sockaddr_un a = {AF_UNIX, ""}, b;
  must(bind(s, (void*)&a, sizeof(sa_family_t)));
  must(bind(t, (void*)&a, sizeof(sa_family_t)));
  socklen_t length = sizeof a, other = sizeof b;
  must(getsockname(s, (void*)&a, &length));
  must(getsockname(t, (void*)&b, &other));
  equal("length", length, sizeof(sa_family_t) + 6);
  holds("abstract, five digits", a.sun_path[0] == 0 && strspn(a.sun_path + 1, "0123456789abcdef") >= 5);
  holds("different", memcmp(&a, &b, length) != 0);
  equal("reachable", sendto(t, "x", 1, 0, (void*)&a, length), 1);
  equal("arrives", recv(s, text, 10, 0), 1);
  fails("a second name", bind(s, (void*)&(struct sockaddr_un){AF_UNIX, "/tmp/never"}, 20), EINVAL);
  int u = must(socket(AF_UNIX, SOCK_DGRAM, 0));
  must(set(u, SO_PASSCRED, 1));
  must(sendto(u, "x", 1, 0, (void*)&a, length));
  other = sizeof b;
  must(recvfrom(s, text, 10, 0, (void*)&b, &other));
  equal("SO_PASSCRED names the sender", other, sizeof(sa_family_t) + 6);
  close(s), close(t), close(u);
}

static volatile sig_atomic_t urgents;
static void on_urgent(int s) { (void)s, urgents++; }

static void urgent(void) {
  int s[2], mark = -1;
  must(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  signal(SIGURG, on_urgent);
  must(fcntl(s[1], F_SETOWN, getpid()));
  fails("none", recv(s[1], text, 1, MSG_OOB), EINVAL);
  must(send(s[0], "ab", 2, 0));
  if (send(s[0], "cX", 2, MSG_OOB) == -1) {
    say("ok no urgent bytes: %s\n", strerrorname_np(errno));
    return;
  }
  must(send(s[0], "de", 2, 0));
  equal("SIGURG", urgents, 1);
  equal("POLLPRI", readiness(s[1]), POLLIN | POLLOUT | POLLPRI);
  must(ioctl(s[1], 0x8905, &mark));
  equal("not at the mark", mark, 0);
  equal("up to the mark", recv(s[1], text, 100, 0), 3);
  must(ioctl(s[1], 0x8905, &mark));
  equal("at the mark", mark, 1);
  equal("peek", recv(s[1], text, 100, MSG_OOB | MSG_PEEK), 1);
  equal("urgent", recv(s[1], text, 100, MSG_OOB), 1);
  equal("X", text[0], 'X');
  fails("once", recv(s[1], text, 1, MSG_OOB), EINVAL);
  equal("the rest", recv(s[1], text, 100, 0), 2);
  equal("quiet", readiness(s[1]), POLLOUT);
  must(send(s[0], "1", 1, MSG_OOB));
  must(send(s[0], "2", 1, MSG_OOB));
  equal("the first became ordinary", recv(s[1], text, 100, MSG_DONTWAIT), 1);
  equal("1", text[0], '1');
  equal("the second is urgent", recv(s[1], text, 100, MSG_OOB), 1);
  equal("2", text[0], '2');
  must(set(s[1], SO_OOBINLINE, 1));
  must(send(s[0], "ab", 2, 0));
  must(send(s[0], "Y", 1, MSG_OOB));
  must(send(s[0], "cd", 2, 0));
  fails("inline", recv(s[1], text, 1, MSG_OOB), EINVAL);
  equal("before it", recv(s[1], text, 100, 0), 2);
  equal("with it", recv(s[1], text, 100, 0), 3);
  holds("in its place", memcmp(text, "Ycd", 3) == 0);
  must(set(s[1], SO_OOBINLINE, 0));
  must(send(s[0], "ab", 2, 0));
  must(send(s[0], "Z", 1, MSG_OOB));
  must(send(s[0], "cd", 2, 0));
  equal("before", recv(s[1], text, 100, 0), 2);
  equal("past it without asking", recv(s[1], text, 100, 0), 2);
  holds("skipped", memcmp(text, "cd", 2) == 0);
  fails("lost", recv(s[1], text, 1, MSG_OOB | MSG_DONTWAIT), EINVAL);
  close(s[0]), close(s[1]);
  must(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
  fails("datagrams have none", send(s[0], "x", 1, MSG_OOB), EOPNOTSUPP);
  fails("nor do they receive", recv(s[1], text, 1, MSG_OOB), EOPNOTSUPP);
  close(s[0]), close(s[1]);
}

static void pidfds(void) {
  int s[2], fd = -1, again = -1;
  socklen_t length = sizeof fd;
  must(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  if (getsockopt(s[0], SOL_SOCKET, SO_PEERPIDFD, &fd, &length) == -1) {
    say("ok SO_PEERPIDFD: %s\n", strerrorname_np(errno));
  } else {
    char path[64], info[512] = "";
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
    int f = must(open(path, O_RDONLY));
    must(read(f, info, sizeof info - 1));
    char* at = strstr(info, "\nPid:\t");
    equal("SO_PEERPIDFD", at ? atoi(at + 6) : -1, getpid());
    equal("close on exec", fcntl(fd, F_GETFD), FD_CLOEXEC);
    must(getsockopt(s[0], SOL_SOCKET, SO_PEERPIDFD, &again, &length));
    holds("a new one each time", again != fd);
    close(f), close(fd), close(again);
  }
  int t = must(socket(AF_UNIX, SOCK_STREAM, 0));
  fails("nobody's", getsockopt(t, SOL_SOCKET, SO_PEERPIDFD, &fd, &length), ENODATA);
  if (set(s[1], SO_PASSPIDFD, 1) == 0) {
    must(send(s[0], "x", 1, 0));
    char control[100];
    struct iovec v = {text, 10};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    must(recvmsg(s[1], &m, 0));
    struct cmsghdr* c = CMSG_FIRSTHDR(&m);
    holds("SCM_PIDFD", c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_PIDFD && c->cmsg_len == CMSG_LEN(sizeof(int)));
    equal("nothing else", c ? CMSG_NXTHDR(&m, c) == NULL : -1, 1);
  } else {
    say("ok SO_PASSPIDFD: %s\n", strerrorname_np(errno));
  }
  close(s[0]), close(s[1]), close(t);
}

static void send_fds(int s, const int* fds, int n) {
  char control[CMSG_SPACE(sizeof(int) * 16)] = {0};
  struct iovec v = {"f", 1};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(sizeof(int) * n)};
  struct cmsghdr* c = CMSG_FIRSTHDR(&m);
  *c = (struct cmsghdr){CMSG_LEN(sizeof(int) * n), SOL_SOCKET, SCM_RIGHTS};
  memcpy(CMSG_DATA(c), fds, sizeof(int) * n);
  must(sendmsg(s, &m, 0));
}

static void truncated(void) {
  int s[2], p[2];
  must(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  must(pipe(p));
  int fds[4] = {p[0], p[0], p[0], p[1]};
  for (unsigned room = 0; room <= CMSG_SPACE(4 * sizeof(int)); room += 4) {
    send_fds(s[0], fds, 4);
    char control[64];
    memset(control, 0x55, sizeof control);
    struct iovec v = {text, 1};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = room};
    must(recvmsg(s[1], &m, 0));
    int n = 0;
    struct cmsghdr* c = CMSG_FIRSTHDR(&m);
    if (c && c->cmsg_type == SCM_RIGHTS) {
      n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (int i = 0; i < n; i++) close(((int*)CMSG_DATA(c))[i]);
    }
    say("ok room %u: %d descriptors, flags %x, length %zu\n", room, n, m.msg_flags, m.msg_controllen);
  }
  // Dropped ones are closed: the pipe ends when both of ours are.
  send_fds(s[0], &p[1], 1);
  must(recv(s[1], text, 1, 0));
  close(p[1]);
  equal("dropped descriptors are closed", read(p[0], text, 1), 0);
  close(p[0]), close(s[0]), close(s[1]);
}

static int open_files(void) {
  int n = 0;
  for (int i = 0; i < 1024; i++) n += fcntl(i, F_GETFD) != -1;
  return n;
}

// Sockets that only lie in each other's queues: what they hold is let go of.
static void cycles(void) {
  int before = open_files();
  for (int i = 0; i < 60; i++) {
    int s[2], t[2], p[2];
    must(socketpair(AF_UNIX, i % 2 ? SOCK_STREAM : SOCK_DGRAM, 0, s));
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, t));
    must(pipe(p));
    send_fds(s[0], s, 2);
    send_fds(s[1], t, 2);
    send_fds(t[0], s, 2);
    send_fds(t[0], &p[1], 1);
    for (int j = 0; j < 2; j++) close(s[j]), close(t[j]);
    close(p[1]);
    if (i < 59) {
      close(p[0]);
      continue;
    }
    // Collected sooner or later: each close of a socket may do it.
    struct pollfd end = {p[0], POLLIN, 0};
    for (int tries = 0; tries < 300 && poll(&end, 1, 0) == 0; tries++) {
      must(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
      send_fds(s[0], s, 1);
      close(s[0]), close(s[1]);
      if (tries % 50 == 0) sleep_ms(5);
    }
    equal("a pipe held by a cycle ends", read(p[0], text, 1), 0);
    close(p[0]);
  }
  equal("descriptors", open_files(), before);
}

static void malformed(void) {
  int s[2];
  must(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  char control[64] = {0};
  struct iovec v = {"x", 1};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr* c = CMSG_FIRSTHDR(&m);
  *c = (struct cmsghdr){4, SOL_SOCKET, SCM_RIGHTS};
  fails("shorter than its header", sendmsg(s[0], &m, 0), EINVAL);
  *c = (struct cmsghdr){1000, SOL_SOCKET, SCM_RIGHTS};
  fails("longer than the buffer", sendmsg(s[0], &m, 0), EINVAL);
  *c = (struct cmsghdr){-1, SOL_SOCKET, SCM_RIGHTS};
  fails("as long as can be", sendmsg(s[0], &m, 0), EINVAL);
  *c = (struct cmsghdr){CMSG_LEN(4), SOL_SOCKET, 99};
  fails("unknown type", sendmsg(s[0], &m, 0), EINVAL);
  *c = (struct cmsghdr){CMSG_LEN(4), SOL_SOCKET, SCM_RIGHTS};
  *(int*)CMSG_DATA(c) = 999;
  fails("not a descriptor", sendmsg(s[0], &m, 0), EBADF);
  *(int*)CMSG_DATA(c) = -1;
  fails("negative", sendmsg(s[0], &m, 0), EBADF);
  *c = (struct cmsghdr){CMSG_LEN(3), SOL_SOCKET, SCM_RIGHTS};
  fails("a header of zeros behind it", sendmsg(s[0], &m, 0), EINVAL);
  m.msg_controllen = CMSG_SPACE(3);
  equal("not a whole descriptor", sendmsg(s[0], &m, 0), 1);
  m.msg_controllen = sizeof control;
  *c = (struct cmsghdr){CMSG_LEN(8), SOL_SOCKET, SCM_CREDENTIALS};
  fails("short credentials", sendmsg(s[0], &m, 0), EINVAL);
  m.msg_controllen = 10;
  equal("too short for any", sendmsg(s[0], &m, 0), 1);
  m.msg_controllen = 1UL << 40;
  fails("too long", sendmsg(s[0], &m, 0), ENOBUFS);
  m.msg_controllen = 24;
  m.msg_control = (void*)8;
  fails("nowhere", sendmsg(s[0], &m, 0), EFAULT);
  m.msg_control = NULL;
  m.msg_controllen = 0;
  m.msg_iovlen = 2000;
  fails("too many buffers", sendmsg(s[0], &m, 0), EMSGSIZE);
  m.msg_iovlen = 1;
  m.msg_name = text;
  m.msg_namelen = -1;
  fails("negative name length", sendmsg(s[0], &m, 0), EINVAL);
  equal("what went through", recv(s[1], text, 100, MSG_DONTWAIT), 2);
  close(s[0]), close(s[1]);
}

int main(void) {
  autobind();
  urgent();
  pidfds();
  truncated();
  malformed();
  cycles();
  return check_done();
}
