// dup(2), dup2(2), dup3(2), fcntl(2), close_range(2), close on exec, limits of descriptors.
#include "../check.h"
#include <sys/resource.h>

static int is_open(int fd) { return fcntl(fd, F_GETFD) != -1; }

int main(int argc, char** argv) {
  if (argc > 1) {
    int bits = 0;
    for (int i = 10; i < 14; i++) bits |= is_open(i) << (i - 10);
    return bits;
  }
  int fd = must(open("/dev/null", O_RDWR | O_CLOEXEC));
  int copy = succeeds("dup", dup(fd));
  equal("the lowest free", copy, fd + 1);
  equal("without close on exec", fcntl(copy, F_GETFD), 0);
  equal("dup2", dup2(fd, 20), 20);
  equal("onto itself", dup2(20, 20), 20);
  fails("dup3 onto itself", dup3(20, 20, 0), EINVAL);
  equal("dup3", dup3(fd, 21, O_CLOEXEC), 21);
  equal("with close on exec", fcntl(21, F_GETFD), FD_CLOEXEC);
  fails("dup3 with unknown flags", dup3(fd, 22, 1), EINVAL);
  fails("dup of a closed one", dup(999), EBADF);
  fails("dup2 of a closed one", dup2(999, 20), EBADF);
  holds("leaves the target", is_open(20));
  fails("dup2 to a negative one", dup2(fd, -1), EBADF);
  fails("dup2 past the limit", dup2(fd, 100000000), EBADF);
  equal("F_DUPFD", fcntl(fd, F_DUPFD, 50), 50);
  equal("F_DUPFD_CLOEXEC", fcntl(fd, F_DUPFD_CLOEXEC, 50), 51);
  equal("close on exec", fcntl(51, F_GETFD), FD_CLOEXEC);
  fails("F_DUPFD past the limit", fcntl(fd, F_DUPFD, 100000000), EINVAL);
  equal("F_SETFL", fcntl(copy, F_SETFL, O_NONBLOCK | O_APPEND), 0);
  equal("is shared by copies", fcntl(fd, F_GETFL) & (O_NONBLOCK | O_APPEND), O_NONBLOCK | O_APPEND);
  equal("F_SETFL ignores the access mode", (fcntl(fd, F_SETFL, O_RDONLY), fcntl(fd, F_GETFL) & O_ACCMODE), O_RDWR);
  fails("an unknown command", fcntl(fd, 9999, 0), EINVAL);
  fails("of a closed one", fcntl(999, F_GETFD), EBADF);
  equal("F_GETOWN", fcntl(fd, F_GETOWN), 0);
  equal("close", close(copy), 0);
  fails("close again", close(copy), EBADF);
  for (int i = 30; i < 40; i++) must(dup2(fd, i));
  equal("close_range", syscall(SYS_close_range, 32, 35, 0), 0);
  equal("what is open", is_open(31) && !is_open(32) && !is_open(35) && is_open(36), 1);
  equal("CLOSE_RANGE_CLOEXEC", syscall(SYS_close_range, 36, ~0U, 4), 0);
  equal("marks them", fcntl(39, F_GETFD), FD_CLOEXEC);
  fails("a range upside down", syscall(SYS_close_range, 5, 4, 0), EINVAL);
  fails("unknown flags", syscall(SYS_close_range, 5, 6, 64), EINVAL);

  for (int i = 10; i < 14; i++) must(dup2(fd, i));
  must(fcntl(10, F_SETFD, FD_CLOEXEC));
  must(fcntl(12, F_SETFD, FD_CLOEXEC));
  pid_t pid = must(fork());
  if (pid == 0) {
    execl("/proc/self/exe", argv[0], "child", NULL);
    _exit(99);
  }
  equal("exec closes the marked ones", status_of(pid), 10);
  for (int i = 10; i < 14; i++) close(i);

  struct rlimit limit = {25, 25}, old;
  must(getrlimit(RLIMIT_NOFILE, &old));
  pid = must(fork());
  if (pid == 0) {
    syscall(SYS_close_range, 3, ~0U, 0);
    setrlimit(RLIMIT_NOFILE, &limit);
    int opened = 0;
    while (open("/dev/null", O_RDONLY) >= 0) opened++;
    if (errno != EMFILE) _exit(98);
    int ends[2];
    if (pipe(ends) != -1 || errno != EMFILE) _exit(97);
    _exit(opened);
  }
  equal("EMFILE at the limit", status_of(pid), 22);
  equal("isatty of /dev/null", isatty(fd), 0);
  equal("its errno", errno, ENOTTY);
  return check_done();
}
