// Bad arguments to many calls: unmapped pointers, pages that end too early, unterminated strings, huge sizes,
// negative counts. Every call has to answer as Linux does, and the program goes on.
#include "../check.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/utsname.h>

// arm64 has none of the old calls: their rows are left out there.
#define NO_CALL (-2)
#ifndef SYS_open
#define SYS_open NO_CALL
#define SYS_stat NO_CALL
#define SYS_access NO_CALL
#define SYS_mkdir NO_CALL
#define SYS_unlink NO_CALL
#define SYS_rename NO_CALL
#define SYS_link NO_CALL
#define SYS_symlink NO_CALL
#define SYS_readlink NO_CALL
#define SYS_chmod NO_CALL
#define SYS_pipe NO_CALL
#define SYS_poll NO_CALL
#define SYS_select NO_CALL
#endif

static char *page, *end, *readonly, *string_at_end;
static int fd, ends[2];

struct try {
  const char* name;
  long nr;
  long a, b, c, d, e;
  int want;
};

int main(void) {
  enter_directory("pointers");
  // Two pages, the second without access: what crosses `end` faults.
  page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  must(mprotect(page + 4096, 4096, PROT_NONE));
  end = page + 4096;
  readonly = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(end - 64, 'x', 64);
  string_at_end = end - 64;
  must(make_file("f", "0123456789"));
  fd = must(open("f", O_RDWR));
  must(pipe(ends));
  must(write(ends[1], "abcdefgh", 8));
  long bad = 8, high = (long)0xffff800000000000UL, noncanonical = 0x800000000000L, last = -1L, e = (long)end;
  long ro = (long)readonly, s = (long)string_at_end, f = fd;
  struct try tries[] = {
      {"read, unmapped", SYS_read, f, bad, 4, 0, 0, EFAULT},
      {"read, kernel address", SYS_read, f, high, 4, 0, 0, EFAULT},
      {"read, non-canonical", SYS_read, f, noncanonical, 4, 0, 0, EFAULT},
      {"read, the last address", SYS_read, f, last, 4, 0, 0, EFAULT},
      {"read, read-only memory", SYS_read, f, ro, 4, 0, 0, EFAULT},
      {"read of a pipe, unmapped", SYS_read, ends[0], bad, 4, 0, 0, EFAULT},
      {"write, unmapped", SYS_write, f, bad, 4, 0, 0, EFAULT},
      {"write to a pipe, unmapped", SYS_write, ends[1], bad, 4, 0, 0, EFAULT},
      {"write, kernel address", SYS_write, f, high, 4, 0, 0, EFAULT},
      {"write, a negative size", SYS_write, f, s, last, 0, 0, EFAULT},
      {"read, a negative size", SYS_read, f, s, last, 0, 0, EFAULT},
      {"pread64, a negative offset", SYS_pread64, f, s, 4, last, 0, EINVAL},
      {"open, unmapped", SYS_open, bad, 0, 0, 0, 0, EFAULT},
      {"open, unterminated", SYS_open, s, 0, 0, 0, 0, EFAULT},
      {"open, kernel address", SYS_open, high, 0, 0, 0, 0, EFAULT},
      {"openat, null", SYS_openat, AT_FDCWD, 0, 0, 0, 0, EFAULT},
      {"stat, unmapped path", SYS_stat, bad, s, 0, 0, 0, EFAULT},
      {"stat, unmapped result", SYS_stat, (long)"f", bad, 0, 0, 0, EFAULT},
      {"stat, result across the end", SYS_stat, (long)"f", e - 16, 0, 0, 0, EFAULT},
      {"stat, read-only result", SYS_stat, (long)"f", ro, 0, 0, 0, EFAULT},
      {"fstat, unmapped", SYS_fstat, f, bad, 0, 0, 0, EFAULT},
      {"newfstatat, null path", SYS_newfstatat, AT_FDCWD, 0, s, 0, 0, EFAULT},
      {"access, unterminated", SYS_access, s, 0, 0, 0, 0, EFAULT},
      {"chdir, unmapped", SYS_chdir, bad, 0, 0, 0, 0, EFAULT},
      {"mkdir, unmapped", SYS_mkdir, bad, 0, 0, 0, 0, EFAULT},
      {"unlink, unterminated", SYS_unlink, s, 0, 0, 0, 0, EFAULT},
      {"rename, second unmapped", SYS_rename, (long)"f", bad, 0, 0, 0, EFAULT},
      {"link, first unmapped", SYS_link, bad, (long)"g", 0, 0, 0, EFAULT},
      {"symlink, text unterminated", SYS_symlink, s, (long)"g", 0, 0, 0, EFAULT},
      {"readlink, unmapped path", SYS_readlink, bad, s, 10, 0, 0, EFAULT},
      {"readlink, a negative size", SYS_readlink, (long)"f", s, last, 0, 0, EINVAL},
      {"chmod, unmapped", SYS_chmod, bad, 0, 0, 0, 0, EFAULT},
      {"truncate, unmapped", SYS_truncate, bad, 0, 0, 0, 0, EFAULT},
      {"truncate, negative", SYS_truncate, (long)"f", last, 0, 0, 0, EINVAL},
      {"getcwd, unmapped", SYS_getcwd, bad, 100, 0, 0, 0, EFAULT},
      {"getcwd, a size of 0", SYS_getcwd, s, 0, 0, 0, 0, ERANGE},
      {"getdents64, unmapped", SYS_getdents64, 0, bad, 100, 0, 0, ENOTDIR},
      {"readv, unmapped vector", SYS_readv, f, bad, 1, 0, 0, EFAULT},
      {"readv, a negative count", SYS_readv, f, s, last, 0, 0, EINVAL},
      {"readv, a huge count", SYS_readv, f, s, 1 << 20, 0, 0, EINVAL},
      {"writev, vector across the end", SYS_writev, f, e - 16, 2, 0, 0, EFAULT},
      {"pipe, unmapped", SYS_pipe, bad, 0, 0, 0, 0, EFAULT},
      {"pipe2, across the end", SYS_pipe2, e - 4, 0, 0, 0, 0, EFAULT},
      {"socketpair, unmapped", SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, bad, 0, EFAULT},
      {"poll, unmapped", SYS_poll, bad, 1, 0, 0, 0, EFAULT},
      {"poll, a huge count", SYS_poll, s, 1L << 30, 0, 0, 0, EINVAL},
      {"ppoll, unmapped time", SYS_ppoll, 0, 0, bad, 0, 0, EFAULT},
      {"select, unmapped set", SYS_select, 10, bad, 0, 0, 0, EFAULT},
      {"select, a negative count", SYS_select, last, 0, 0, 0, 0, EINVAL},
      {"nanosleep, unmapped", SYS_nanosleep, bad, 0, 0, 0, 0, EFAULT},
      {"gettimeofday, unmapped", SYS_gettimeofday, bad, 0, 0, 0, 0, EFAULT},
      {"clock_gettime, read-only", SYS_clock_gettime, CLOCK_THREAD_CPUTIME_ID, ro, 0, 0, 0, EFAULT},
      {"setitimer, unmapped", SYS_setitimer, ITIMER_REAL, bad, 0, 0, 0, EFAULT},
      {"getitimer, unmapped", SYS_getitimer, ITIMER_REAL, bad, 0, 0, 0, EFAULT},
      {"times, unmapped", SYS_times, bad, 0, 0, 0, 0, EFAULT},
      {"getrlimit, unmapped", SYS_getrlimit, RLIMIT_NOFILE, bad, 0, 0, 0, EFAULT},
      {"setrlimit, unmapped", SYS_setrlimit, RLIMIT_NOFILE, bad, 0, 0, 0, EFAULT},
      {"getrusage, unmapped", SYS_getrusage, RUSAGE_SELF, bad, 0, 0, 0, EFAULT},
      {"sysinfo, unmapped", SYS_sysinfo, bad, 0, 0, 0, 0, EFAULT},
      {"uname, across the end", SYS_uname, e - 100, 0, 0, 0, 0, EFAULT},
      {"statfs, unmapped", SYS_statfs, (long)"f", bad, 0, 0, 0, EFAULT},
      {"getrandom, across the end", SYS_getrandom, bad, 10, 0, 0, 0, EFAULT},
      {"rt_sigaction, across the end", SYS_rt_sigaction, SIGUSR1, e - 8, 0, 8, 0, EFAULT},
      {"rt_sigprocmask, unmapped", SYS_rt_sigprocmask, 0, bad, 0, 8, 0, EFAULT},
      {"sigaltstack, unmapped", SYS_sigaltstack, bad, 0, 0, 0, 0, EFAULT},
      {"epoll_ctl, unmapped", SYS_epoll_ctl, 0, EPOLL_CTL_ADD, 0, bad, 0, EFAULT},
      {"sendfile, unmapped offset", SYS_sendfile, ends[1], f, bad, 10, 0, EFAULT},
      {"utimensat, unmapped times", SYS_utimensat, AT_FDCWD, (long)"f", bad, 0, 0, EFAULT},
      {"getgroups, a negative count", SYS_getgroups, last, 0, 0, 0, 0, EINVAL},
      {"setgroups, unmapped", SYS_setgroups, 3, bad, 0, 0, 0, EFAULT},
      {"capget, unmapped", SYS_capget, bad, 0, 0, 0, 0, EFAULT},
      {"sched_getaffinity, unmapped", SYS_sched_getaffinity, 0, 128, bad, 0, 0, EFAULT},
      {"sched_getaffinity, a small size", SYS_sched_getaffinity, 0, 1, s, 0, 0, EINVAL},
      {"getresuid, unmapped", SYS_getresuid, bad, bad, bad, 0, 0, EFAULT},
      {"prctl PR_SET_NAME, unmapped", SYS_prctl, 15, bad, 0, 0, 0, EFAULT},
      {"mmap, length 0", SYS_mmap, 0, 0, 3, 0x22, last, EINVAL},
      {"mmap, a huge length", SYS_mmap, 0, 1L << 60, 3, 0x22, last, ENOMEM},
      {"munmap, not aligned", SYS_munmap, 1, 4096, 0, 0, 0, EINVAL},
      {"munmap, past the end", SYS_munmap, high, 4096, 0, 0, 0, EINVAL},
      {"mprotect, unmapped", SYS_mprotect, 0x100000, 4096, 1, 0, 0, ENOMEM},
      {"mremap, unmapped", SYS_mremap, 0x100000, 4096, 8192, 1, 0, EFAULT},
      {"ioctl FIONREAD, unmapped", SYS_ioctl, ends[0], 0x541b, bad, 0, 0, EFAULT},
      {"fcntl F_GETLK, unmapped", SYS_fcntl, f, F_GETLK, bad, 0, 0, EFAULT},
      {"recvfrom, not a socket", SYS_recvfrom, f, s, 10, 0, 0, ENOTSOCK},
      {"wait4, unmapped usage without children", SYS_wait4, last, 0, 0, bad, 0, ECHILD},
      {"futex, not aligned", SYS_futex, s + 1, 0, 0, 0, 0, EINVAL},
      {"getxattr, unmapped name", SYS_getxattr, (long)"f", bad, s, 10, 0, EFAULT},
      {"setxattr, huge", SYS_setxattr, (long)"f", (long)"user.x", s, 1 << 20, 0, E2BIG},
      {"inotify_add_watch, unmapped", SYS_inotify_add_watch, f, bad, 1, 0, 0, EINVAL},
      {"memfd_create, unmapped", SYS_memfd_create, bad, 0, 0, 0, 0, EFAULT},
      {"statx, unmapped", SYS_statx, AT_FDCWD, (long)"f", 0, 0x7ff, bad, EFAULT},
  };
  for (unsigned i = 0; i < sizeof tries / sizeof *tries; i++) {
    struct try* t = &tries[i];
    if (t->nr == NO_CALL) continue;
    memset(string_at_end, 'x', 64);
    fails(t->name, syscall(t->nr, t->a, t->b, t->c, t->d, t->e, 0), t->want);
  }

  // What crosses into nothing: the part before it arrives, or nothing does, as on Linux.
  int zero = must(open("/dev/null", O_RDONLY));
  equal("read of nothing into nothing", read(zero, (void*)8, 4), 0);
  equal("a path that ends at the page's end", ({
          memcpy(end - 2, "f", 2);
          access(end - 2, F_OK);
        }), 0);
  equal("a buffer that ends there", pread(fd, end - 10, 10, 0), 10);
  equal("read of 0 bytes to nowhere", read(fd, (void*)8, 0), 0);
  equal("write of 0 bytes from nowhere", write(fd, (void*)8, 0), 0);
  struct iovec vector[2] = {{end - 4, 4}, {(void*)8, 4}};
  equal("a vector with a bad second part", preadv(fd, vector, 2, 0), 4);
  equal("poll of none at a bad pointer", poll((void*)8, 0, 0), 0);
  // A huge size is cut to what may be moved: memory behind the first bytes is missing.
  long got = syscall(SYS_pread64, fd, end - 4, 0x7fffffffL, 0);
  holds("a read that is larger than the memory", got == 4 || (got == -1 && errno == EFAULT) || got == 10);
  return check_done();
}
