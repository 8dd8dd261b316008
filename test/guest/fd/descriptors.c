// dup(2), close_range(2), fcntl(2), ioctl(2) on descriptors.
#include "../check.h"
#include <sys/ioctl.h>
#include <sys/resource.h>

// The kernel's O_LARGEFILE, which libc hides.
#ifdef __aarch64__
#define LARGE 0400000
#else
#define LARGE 0100000
#endif

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC 4
#endif
#ifndef F_DUPFD_QUERY
#define F_DUPFD_QUERY 1027
#endif

static volatile int io_signals;
static int io_fd, io_code;
static void on_io(int s, siginfo_t* info, void* c) {
  (void)s;
  (void)c;
  io_signals++;
  io_fd = info->si_fd;
  io_code = info->si_code;
}

int main(void) {
  enter_directory("descriptors");
  must(make_file("f", "0123456789"));
  int fd = must(open("f", O_RDWR));
  int d = must(dup(fd));
  must(lseek(fd, 5, SEEK_SET));
  equal("dup shares the offset", lseek(d, 0, SEEK_CUR), 5);
  fails("dup bad", dup(99), EBADF);
  equal("dup2", dup2(fd, 50), 50);
  equal("dup2 onto itself", dup2(50, 50), 50);
  fails("dup2 bad onto itself", dup2(51, 51), EBADF);
  fails("dup2 bad", dup2(51, 52), EBADF);
  fails("dup2 negative", dup2(fd, -1), EBADF);
  fails("dup2 past the limit", dup2(fd, 1 << 30), EBADF);
  fails("dup3 same", dup3(fd, fd, 0), EINVAL);
  fails("dup3 flags", dup3(fd, 60, 1), EINVAL);
  equal("dup3 cloexec", dup3(fd, 60, O_CLOEXEC), 60);
  equal("is cloexec", fcntl(60, F_GETFD), FD_CLOEXEC);
  equal("dup2 clears it", dup2(60, 61), 61);
  equal("cleared", fcntl(61, F_GETFD), 0);
  equal("F_DUPFD", fcntl(fd, F_DUPFD, 70), 70);
  equal("F_DUPFD next", fcntl(fd, F_DUPFD, 70), 71);
  equal("F_DUPFD_CLOEXEC", fcntl(fd, F_DUPFD_CLOEXEC, 72), 72);
  equal("cloexec", fcntl(72, F_GETFD), FD_CLOEXEC);
  fails("F_DUPFD negative", fcntl(fd, F_DUPFD, -1), EINVAL);
  fails("F_DUPFD past the limit", fcntl(fd, F_DUPFD, 1 << 30), EINVAL);
  equal("F_GETFL", fcntl(fd, F_GETFL), O_RDWR | LARGE);
  succeeds("F_SETFL", fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK | O_WRONLY | O_CREAT));
  equal("only status flags change", fcntl(fd, F_GETFL), O_RDWR | LARGE | O_APPEND | O_NONBLOCK);
  equal("shared with dup", fcntl(d, F_GETFL), O_RDWR | LARGE | O_APPEND | O_NONBLOCK);
  succeeds("F_SETFD", fcntl(fd, F_SETFD, FD_CLOEXEC));
  equal("F_GETFD", fcntl(fd, F_GETFD), FD_CLOEXEC);
  equal("not shared with dup", fcntl(d, F_GETFD), 0);
  succeeds("FIONCLEX", ioctl(fd, FIONCLEX));
  equal("cleared by ioctl", fcntl(fd, F_GETFD), 0);
  succeeds("FIOCLEX", ioctl(fd, FIOCLEX));
  equal("set by ioctl", fcntl(fd, F_GETFD), FD_CLOEXEC);
  int on = 0;
  succeeds("FIONBIO", ioctl(fd, FIONBIO, &on));
  equal("cleared O_NONBLOCK", fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
  int left = 0;
  must(lseek(fd, 3, SEEK_SET));
  succeeds("FIONREAD", ioctl(fd, FIONREAD, &left));
  equal("bytes left", left, 7);
  fails("TCGETS on a file", ioctl(fd, TCGETS, &left), ENOTTY);
  fails("unknown ioctl", ioctl(fd, 0x12345678, &left), ENOTTY);
  fails("ioctl bad", ioctl(99, FIONREAD, &left), EBADF);
  fails("unknown fcntl", fcntl(fd, 999, 0), EINVAL);
  fails("fcntl bad", fcntl(99, F_GETFD), EBADF);
  fails("F_GETPIPE_SZ on a file", fcntl(fd, F_GETPIPE_SZ), EBADF);
  int before = must(open("f", O_RDONLY));
  equal("lowest free is used", before, must(d) + 1);
  close(before);
  close(d);
  equal("the freed one", open("f", O_RDONLY), d);
  fails("close twice", ({
          close(d);
          close(d);
        }),
        EBADF);
  for (int i = 80; i < 90; i++)
    must(dup2(fd, i));
  succeeds("close_range", close_range(82, 85, 0));
  fails("closed", fcntl(83, F_GETFD), EBADF);
  equal("others stay", fcntl(86, F_GETFD), 0);
  succeeds("close_range cloexec", close_range(86, ~0U, CLOSE_RANGE_CLOEXEC));
  equal("marked", fcntl(87, F_GETFD), FD_CLOEXEC);
  fails("close_range backwards", close_range(9, 8, 0), EINVAL);
  fails("close_range flags", close_range(8, 9, 0x80), EINVAL);
  succeeds("close_range to the end", close_range(70, ~0U, 0));
  fails("gone", fcntl(89, F_GETFD), EBADF);

  struct rlimit old, small;
  must(getrlimit(RLIMIT_NOFILE, &old));
  small = old;
  small.rlim_cur = 20;
  must(setrlimit(RLIMIT_NOFILE, &small));
  while (dup(fd) >= 0) {
  }
  fails("table full", dup(fd), EMFILE);
  fails("open with a full table", open("f", O_RDONLY), EMFILE);
  fails("open of what isn't there with a full table", open("none", O_RDONLY), EMFILE);
  fails("creat with a full table", open("made", O_WRONLY | O_CREAT, 0600), EMFILE);
  fails("not made", access("made", F_OK), ENOENT);
  must(pwrite(fd, "text", 4, 0));
  fails("truncating with a full table", open("f", O_WRONLY | O_TRUNC), EMFILE);
  struct stat st;
  must(fstat(fd, &st));
  holds("not truncated", st.st_size >= 4);
  fails("pipe with a full table", pipe((int[2]){0}), EMFILE);
  equal("dup2 to one in use", dup2(fd, 19), 19);
  fails("dup2 past", dup2(fd, 20), EBADF);
  must(setrlimit(RLIMIT_NOFILE, &old));
  must(close_range(fd + 1, ~0U, 0));

  int p[2];
  must(pipe(p));
  equal("no owner", fcntl(p[0], F_GETOWN), 0);
  succeeds("F_SETOWN", fcntl(p[0], F_SETOWN, getpid()));
  equal("F_GETOWN", fcntl(p[0], F_GETOWN) == getpid(), 1);
  struct f_owner_ex owner = {F_OWNER_TID, getpid()};
  succeeds("F_SETOWN_EX", fcntl(p[0], F_SETOWN_EX, &owner));
  must(fcntl(p[0], F_GETOWN_EX, &owner));
  equal("type", owner.type, F_OWNER_TID);
  fails("no such process", fcntl(p[0], F_SETOWN, 999999), ESRCH);
  struct sigaction a = {.sa_sigaction = on_io, .sa_flags = SA_SIGINFO};
  must(sigaction(SIGRTMIN + 1, &a, NULL));
  succeeds("F_SETSIG", fcntl(p[0], F_SETSIG, SIGRTMIN + 1));
  equal("F_GETSIG", fcntl(p[0], F_GETSIG), SIGRTMIN + 1);
  fails("F_SETSIG bad", fcntl(p[0], F_SETSIG, 65), EINVAL);
  succeeds("O_ASYNC", fcntl(p[0], F_SETFL, O_ASYNC | O_NONBLOCK));
  must(write(p[1], "x", 1));
  equal("signal on input", io_signals, 1);
  equal("si_fd", io_fd == p[0], 1);
  equal("si_code", io_code, POLL_IN);
  succeeds("off", fcntl(p[0], F_SETFL, O_NONBLOCK));
  must(write(p[1], "x", 1));
  equal("no more", io_signals, 1);
  return check_done();
}
