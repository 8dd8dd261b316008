// flock(2), fcntl(2) record locks: conflicts, splitting, waiting, deadlock, what releases them.
// files
#include "../check.h"
#include <sys/file.h>

static struct flock range(int type, off_t start, off_t len) {
  return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len};
}

static int set(int fd, int cmd, int type, off_t start, off_t len) {
  struct flock l = range(type, start, len);
  return fcntl(fd, cmd, &l);
}

// What a child sees in the way of a lock: type * 10000 + start * 100 + len, 0 when nothing.
static long in_the_way(const char* path, int type, off_t start, off_t len) {
  pid_t parent = getpid();
  pid_t pid = must(fork());
  if (pid == 0) {
    int fd = open(path, O_RDWR);
    struct flock l = range(type, start, len);
    if (fd < 0 || fcntl(fd, F_GETLK, &l))
      _exit(250);
    if (l.l_type == F_UNLCK)
      _exit(0);
    if (l.l_pid != parent)
      _exit(251);
    _exit((l.l_type + 1) * 100 + l.l_start * 4 + l.l_len);
  }
  return status_of(pid);
}

static void posix(void) {
  int fd = must(open("p", O_RDWR | O_CREAT, 0644));
  succeeds("write lock", set(fd, F_SETLK, F_WRLCK, 0, 10));
  equal("seen by another", in_the_way("p", F_RDLCK, 5, 1), 200 + 10);
  equal("not beyond", in_the_way("p", F_WRLCK, 10, 1), 0);
  succeeds("unlock the middle", set(fd, F_SETLK, F_UNLCK, 4, 2));
  equal("left part", in_the_way("p", F_WRLCK, 0, 20), 200 + 4);
  equal("hole", in_the_way("p", F_WRLCK, 4, 2), 0);
  equal("right part", in_the_way("p", F_WRLCK, 5, 20), 200 + 24 + 4);
  succeeds("downgrade", set(fd, F_SETLK, F_RDLCK, 0, 10));
  equal("read locks share", in_the_way("p", F_RDLCK, 0, 10), 0);
  equal("merged", in_the_way("p", F_WRLCK, 9, 1), 100 + 10);
  succeeds("to the end", set(fd, F_SETLK, F_WRLCK, 12, 0));
  equal("len 0 is the end", in_the_way("p", F_RDLCK, 1000, 1), 200 + 48);
  succeeds("negative length", set(fd, F_SETLK, F_UNLCK, 10, -10));
  equal("unlocked backwards", in_the_way("p", F_WRLCK, 0, 10), 0);
  fails("before the start", set(fd, F_SETLK, F_RDLCK, 5, -10), EINVAL);
  fails("bad type", set(fd, F_SETLK, 7, 0, 1), EINVAL);
  fails("bad pointer", fcntl(fd, F_SETLK, (void*)8), EFAULT);
  int r = must(open("p", O_RDONLY));
  fails("write lock on read-only", set(r, F_SETLK, F_WRLCK, 0, 1), EBADF);
  close(r);
  equal("closing any descriptor releases all", in_the_way("p", F_WRLCK, 0, 0), 0);
  must(set(fd, F_SETLK, F_WRLCK, 0, 0));
  pid_t pid = must(fork());
  if (pid == 0) {
    errno = 0;
    int got = set(fd, F_SETLK, F_WRLCK, 0, 1);
    _exit(got == -1 && errno == EAGAIN ? 0 : 1);
  }
  equal("not inherited by fork", status_of(pid), 0);
  pid = must(fork());
  if (pid == 0)
    _exit(set(fd, F_SETLKW, F_WRLCK, 0, 1) == 0 ? 0 : 1);
  sleep_ms(50);
  must(set(fd, F_SETLK, F_UNLCK, 0, 0));
  equal("waits", status_of(pid), 0);

  // Two processes, each waiting for the other's.
  int to_child[2], to_parent[2];
  must(pipe(to_child));
  must(pipe(to_parent));
  must(set(fd, F_SETLK, F_WRLCK, 0, 1));
  pid = must(fork());
  char c;
  if (pid == 0) {
    if (set(fd, F_SETLK, F_WRLCK, 1, 1))
      _exit(1);
    if (write(to_parent[1], "x", 1) != 1)
      _exit(2);
    _exit(set(fd, F_SETLKW, F_WRLCK, 0, 1) == 0 ? 0 : 3);
  }
  must(read(to_parent[0], &c, 1));
  until_asleep(pid);
  fails("deadlock", set(fd, F_SETLKW, F_WRLCK, 1, 1), EDEADLK);
  must(set(fd, F_SETLK, F_UNLCK, 0, 1));
  equal("the other goes on", status_of(pid), 0);
  close(fd);
}

static void ofd(void) {
  int a = must(open("o", O_RDWR | O_CREAT, 0644));
  int b = must(open("o", O_RDWR));
  succeeds("ofd lock", set(a, F_OFD_SETLK, F_WRLCK, 0, 10));
  fails("other description of the same process", set(b, F_OFD_SETLK, F_RDLCK, 0, 1), EAGAIN);
  int c = must(dup(a));
  succeeds("a duplicate owns it too", set(c, F_OFD_SETLK, F_WRLCK, 0, 5));
  struct flock l = range(F_WRLCK, 0, 1);
  must(fcntl(b, F_OFD_GETLK, &l));
  equal("l_pid is -1", l.l_pid, -1);
  l = range(F_WRLCK, 0, 1);
  l.l_pid = 1;
  fails("l_pid must be 0", fcntl(b, F_OFD_SETLK, &l), EINVAL);
  close(a);
  fails("held while a duplicate lives", set(b, F_OFD_SETLK, F_WRLCK, 0, 1), EAGAIN);
  close(c);
  succeeds("released with the last", set(b, F_OFD_SETLK, F_WRLCK, 0, 1));
  close(b);
}

static void flocks(void) {
  int a = must(open("l", O_RDONLY | O_CREAT, 0644));
  int b = must(open("l", O_RDONLY));
  succeeds("shared", flock(a, LOCK_SH));
  succeeds("shared twice", flock(b, LOCK_SH | LOCK_NB));
  fails("no upgrade", flock(a, LOCK_EX | LOCK_NB), EAGAIN);
  must(flock(b, LOCK_UN));
  succeeds("exclusive", flock(a, LOCK_EX | LOCK_NB));
  fails("excludes", flock(b, LOCK_SH | LOCK_NB), EAGAIN);
  int c = must(dup(a));
  close(a);
  fails("held by the duplicate", flock(b, LOCK_SH | LOCK_NB), EAGAIN);
  pid_t pid = must(fork());
  if (pid == 0) {
    close(c);
    _exit(flock(b, LOCK_EX) == 0 ? 0 : 1);
  }
  sleep_ms(50);
  must(flock(c, LOCK_UN));
  equal("waiter gets it", status_of(pid), 0);
  fails("bad operation", flock(b, 77), EINVAL);
  fails("closed", flock(a, LOCK_SH), EBADF);
  int p = must(open("l", O_PATH));
  fails("O_PATH", flock(p, LOCK_SH), EBADF);
}

int main(void) {
  enter_directory("locks");
  posix();
  ofd();
  flocks();
  return check_done();
}
