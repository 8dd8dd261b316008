// epoll(7): level, edge, oneshot, exclusive, nesting, dup'd descriptors, errnos.
#include "../check.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

static struct epoll_event out[64];

static int ctl(int ep, int op, int fd, unsigned events, uint64_t data) {
  struct epoll_event e = {.events = events, .data = {.u64 = data}};
  return epoll_ctl(ep, op, fd, &e);
}

static int ready(int ep) {
  return epoll_wait(ep, out, 64, 0);
}

static void errors(void) {
  int p[2];
  must(pipe(p));
  fails("create with 0", epoll_create(0), EINVAL);
  fails("create1 with unknown flags", epoll_create1(1), EINVAL);
  int ep = succeeds("create1", epoll_create1(EPOLL_CLOEXEC));
  equal("cloexec", fcntl(ep, F_GETFD), FD_CLOEXEC);
  int file = must(open("/proc/self/exe", O_RDONLY));
  fails("regular file", ctl(ep, EPOLL_CTL_ADD, file, EPOLLIN, 0), EPERM);
  int dir = must(open("/", O_RDONLY));
  fails("directory", ctl(ep, EPOLL_CTL_ADD, dir, EPOLLIN, 0), EPERM);
  fails("unknown descriptor", ctl(ep, EPOLL_CTL_ADD, 900, EPOLLIN, 0), EBADF);
  fails("unknown instance", ctl(900, EPOLL_CTL_ADD, p[0], EPOLLIN, 0), EBADF);
  fails("not an instance", ctl(p[1], EPOLL_CTL_ADD, p[0], EPOLLIN, 0), EINVAL);
  fails("itself", ctl(ep, EPOLL_CTL_ADD, ep, EPOLLIN, 0), EINVAL);
  fails("unknown operation", ctl(ep, 9, p[0], EPOLLIN, 0), EINVAL);
  fails("modify what is not there", ctl(ep, EPOLL_CTL_MOD, p[0], EPOLLIN, 0), ENOENT);
  fails("delete what is not there", ctl(ep, EPOLL_CTL_DEL, p[0], EPOLLIN, 0), ENOENT);
  must(ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 0));
  fails("add twice", ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 0), EEXIST);
  fails("bad event pointer", syscall(SYS_epoll_ctl, ep, EPOLL_CTL_ADD, p[1], (void*)8), EFAULT);
  equal("delete needs no event", epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL), 0);
  fails("wait for none", syscall(SYS_epoll_pwait, ep, out, 0, 0, NULL, 8), EINVAL);
  fails("wait for less than none", syscall(SYS_epoll_pwait, ep, out, -1, 0, NULL, 8), EINVAL);
  fails("wait on a pipe", epoll_wait(p[0], out, 1, 0), EINVAL);
  fails("wait on nothing", epoll_wait(900, out, 1, 0), EBADF);
  must(ctl(ep, EPOLL_CTL_ADD, p[1], EPOLLOUT, 0));
  fails("bad events pointer", syscall(SYS_epoll_pwait, ep, (void*)8, 1, 0, NULL, 8), EFAULT);
  equal("the event is not lost", ready(ep), 1);
  fails("exclusive with oneshot", ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT, 0),
        EINVAL);
  must(ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLEXCLUSIVE, 0));
  fails("exclusive cannot be modified", ctl(ep, EPOLL_CTL_MOD, p[0], EPOLLIN, 0), EINVAL);
  close(ep);
  close(p[0]);
  close(p[1]);
  close(file);
  close(dir);
}

static void triggers(void) {
  int p[2];
  char c[8];
  must(pipe2(p, O_NONBLOCK));
  int ep = must(epoll_create1(0));
  must(ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 0x123456789abcdefull));
  equal("idle", ready(ep), 0);
  must(write(p[1], "ab", 2));
  equal("level", ready(ep), 1);
  equal("events", out[0].events, EPOLLIN);
  holds("data", out[0].data.u64 == 0x123456789abcdefull);
  equal("level again", ready(ep), 1);
  must(read(p[0], c, 2));
  equal("drained", ready(ep), 0);

  must(ctl(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLET, 1));
  must(write(p[1], "a", 1));
  equal("edge", ready(ep), 1);
  equal("no second report", ready(ep), 0);
  must(write(p[1], "b", 1));
  equal("new data, new edge", ready(ep), 1);
  must(ctl(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLET, 1));
  equal("modify reports again", ready(ep), 1);
  must(read(p[0], c, 8));
  equal("edge drained", ready(ep), 0);

  must(ctl(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT, 1));
  must(write(p[1], "a", 1));
  equal("oneshot", ready(ep), 1);
  must(write(p[1], "b", 1));
  equal("disabled", ready(ep), 0);
  must(ctl(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT, 2));
  equal("rearmed", ready(ep), 1);
  equal("rearmed data", out[0].data.u32, 2);
  close(p[1]);
  equal("disabled for hang-up too", ready(ep), 0);
  must(ctl(ep, EPOLL_CTL_MOD, p[0], 0, 2));
  equal("hang-up unasked", ready(ep), 1);
  equal("EPOLLHUP", out[0].events, EPOLLHUP);
  close(p[0]);
  equal("gone with the file", ready(ep), 0);
  close(ep);
}

static void duplicates(void) {
  int p[2];
  must(pipe(p));
  int ep = must(epoll_create1(0));
  int d = must(dup(p[0]));
  must(ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 1));
  must(ctl(ep, EPOLL_CTL_ADD, d, EPOLLIN, 2));
  must(write(p[1], "x", 1));
  equal("both descriptors", ready(ep), 2);
  close(p[0]);
  equal("the description lives on", ready(ep), 2);
  fails("cannot be deleted by its closed number", epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL), EBADF);
  close(d);
  equal("last reference", ready(ep), 0);
  close(p[1]);
  close(ep);
}

static void nesting(void) {
  int p[2], e[7];
  must(pipe(p));
  for (int i = 0; i < 7; i++)
    e[i] = must(epoll_create1(0));
  must(ctl(e[0], EPOLL_CTL_ADD, p[0], EPOLLIN, 10));
  must(ctl(e[1], EPOLL_CTL_ADD, e[0], EPOLLIN, 11));
  equal("nested idle", ready(e[1]), 0);
  must(write(p[1], "x", 1));
  equal("nested ready", ready(e[1]), 1);
  equal("nested data", out[0].data.u32, 11);
  equal("inner ready", ready(e[0]), 1);
  fails("cycle", ctl(e[0], EPOLL_CTL_ADD, e[1], EPOLLIN, 0), ELOOP);
  char c;
  must(read(p[0], &c, 1));
  equal("nested drained", ready(e[1]), 0);
  int deep = 1;
  while (deep < 6 && ctl(e[deep + 1], EPOLL_CTL_ADD, e[deep], EPOLLIN, 0) == 0)
    deep++;
  equal("levels", deep, 4);
  equal("too deep", errno, ELOOP);
  for (int i = 0; i < 7; i++)
    close(e[i]);
  close(p[0]);
  close(p[1]);
}

static void order(void) {
  int fd[5], ep = must(epoll_create1(0));
  uint64_t one = 1;
  for (int i = 0; i < 5; i++) {
    fd[i] = must(eventfd(0, 0));
    must(ctl(ep, EPOLL_CTL_ADD, fd[i], EPOLLIN, i));
  }
  for (int i = 0; i < 5; i++)
    must(write(fd[(i * 2 + 1) % 5], &one, 8));
  equal("all", epoll_wait(ep, out, 64, 0), 5);
  int sum = 0;
  for (int i = 0; i < 5; i++)
    sum |= 1 << out[i].data.u32;
  equal("each once", sum, 31);
  int seen = 0;
  for (int i = 0; i < 5; i++) {
    must(epoll_wait(ep, out, 1, 0));
    seen |= 1 << out[0].data.u32;
  }
  equal("one at a time is fair", seen, 31);
  equal("at most two", epoll_wait(ep, out, 2, 0), 2);
  for (int i = 0; i < 5; i++)
    close(fd[i]);
  close(ep);
}

static volatile int signals_seen;
static void on_signal(int s) {
  (void)s;
  signals_seen++;
}

static void waiting(void) {
  int p[2], ep = must(epoll_create1(0));
  must(pipe(p));
  must(ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 5));
  long before = now_ns(CLOCK_MONOTONIC);
  equal("timeout", epoll_wait(ep, out, 1, 30), 0);
  holds("waited", now_ns(CLOCK_MONOTONIC) - before >= 30000000);
  pid_t pid = must(fork());
  if (pid == 0) {
    sleep_ms(50);
    _exit(write(p[1], "x", 1) != 1);
  }
  equal("woken", epoll_wait(ep, out, 1, -1), 1);
  equal("child", status_of(pid), 0);
  char c;
  must(read(p[0], &c, 1));
  struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigaction(SIGUSR1, &sa, NULL);
  sigset_t mask, empty;
  sigemptyset(&empty);
  sigemptyset(&mask);
  sigaddset(&mask, SIGUSR1);
  sigprocmask(SIG_BLOCK, &mask, NULL);
  raise(SIGUSR1);
  equal("blocked signal does not interrupt", epoll_wait(ep, out, 1, 10), 0);
  fails("pwait lets it in", epoll_pwait(ep, out, 1, 5000, &empty), EINTR);
  equal("delivered", signals_seen, 1);
  struct timespec t = {0, 5000000};
  equal("pwait2", syscall(441, ep, out, 1, &t, NULL, 8), 0);
  t.tv_nsec = -1;
  fails("pwait2 with a bad time", syscall(441, ep, out, 1, &t, NULL, 8), EINVAL);
  fails("pwait with a bad mask size", syscall(SYS_epoll_pwait, ep, out, 1, 0, &empty, 4), EINVAL);

  int s[2];
  must(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  must(ctl(ep, EPOLL_CTL_ADD, s[0], EPOLLIN | EPOLLRDHUP | EPOLLET, 9));
  shutdown(s[1], SHUT_WR);
  equal("half close", ready(ep), 1);
  equal("EPOLLRDHUP", out[0].events, EPOLLIN | EPOLLRDHUP);
  close(s[1]);
  equal("close", ready(ep), 1);
  equal("EPOLLHUP", out[0].events, EPOLLIN | EPOLLRDHUP | EPOLLHUP);
}

int main(void) {
  errors();
  triggers();
  duplicates();
  nesting();
  order();
  waiting();
  return check_done();
}
