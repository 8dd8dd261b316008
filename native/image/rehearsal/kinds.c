// Each kind of open file: each call with it, and one of each left open.
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "rehearsal.h"

static void* wait_for_ever(void* unused) {
  pause();
  return unused;
}

// One of everything.
static void open_each_kind(void) {
  int ends[2];
  struct itimerspec never = {{0, 0}, {1000, 0}};
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGUSR2);
  open("/etc/passwd", O_RDONLY);
  open("/lib/d1", O_RDONLY | O_DIRECTORY);
  open("/lib", O_PATH);
  open("/tmp/shown", O_RDWR | O_CREAT, 0600);
  open("/tmp", O_RDONLY | O_DIRECTORY);
  open("/tmp", O_RDWR | O_TMPFILE, 0600);
  open("/data/own", O_RDWR | O_CREAT, 0600);
  open("/proc/self/status", O_RDONLY);
  open("/proc/self/fd", O_RDONLY | O_DIRECTORY);
  open("/dev/urandom", O_RDONLY);
  open("/dev/zero", O_RDONLY);
  open("/dev/null", O_RDWR | O_CREAT | O_TRUNC, 0666);
  open("/dev/ptmx", O_RDWR | O_NOCTTY);
  memfd_create("shown", MFD_CLOEXEC);
  pipe(ends);
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  write(ends[1], buffer, 100);
  socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
  write(ends[1], buffer, 100);
  socketpair(AF_UNIX, SOCK_DGRAM, 0, ends);
  tcp(ends);
  write(ends[1], buffer, 100);
  tcp(ends);
  socket(AF_INET, SOCK_DGRAM, 0);
  socket(AF_INET6, SOCK_STREAM, 0);
  eventfd(0, EFD_CLOEXEC);
  signalfd(-1, &mask, 0);
  timerfd_settime(timerfd_create(CLOCK_MONOTONIC, 0), 0, &never, NULL);
  struct epoll_event event = {EPOLLIN, {0}};
  epoll_ctl(epoll_create1(0), EPOLL_CTL_ADD, ends[0], &event);
}

// Each call with each kind of file, which V8 has to have seen together.
static void each_call(int fd) {
  struct stat st;
  struct statx stx;
  struct statfs space;
  struct iovec parts[2] = {{buffer, 30}, {buffer, 50}};
  struct timeval at_once = {0, 0};
  struct epoll_event event = {EPOLLIN, {0}};
  fd_set set;
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  fstat(fd, &st);
  fstatat(fd, "", &st, AT_EMPTY_PATH);
  fstatat(fd, "d1", &st, 0);
  statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &stx);
  fstatfs(fd, &space);
  posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  lseek(fd, 0, SEEK_CUR);
  lseek(fd, 0, SEEK_SET);
  lseek(fd, 0, SEEK_END);
  ioctl(fd, TCGETS, buffer);
  ioctl(fd, TIOCGWINSZ, buffer);
  ioctl(fd, FIONREAD, buffer);
  served(fd, POLLIN, 0);
  FD_ZERO(&set);
  FD_SET(fd, &set);
  select(fd + 1, &set, NULL, NULL, &at_once);
  int watcher = epoll_create1(EPOLL_CLOEXEC);
  epoll_ctl(watcher, EPOLL_CTL_ADD, fd, &event);
  epoll_wait(watcher, &event, 1, 0);
  close(watcher);
  read(fd, buffer, 50);
  readv(fd, parts, 2);
  pread(fd, buffer, 50, 0);
  syscall(SYS_getdents64, fd, buffer, BUFFER_SIZE);
  if (fd > 2) {
    write(fd, buffer, 50);
    writev(fd, parts, 2);
    pwrite(fd, buffer, 50, 0);
    ftruncate(fd, 4 * PAGE);
    fchmod(fd, 0600);
    futimens(fd, NULL);
  }
  void* map = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
  if (map != MAP_FAILED)
    munmap(map, PAGE);
  flock(fd, LOCK_SH | LOCK_NB);
  flock(fd, LOCK_UN);
  fsync(fd);
  close(openat(fd, "d1", O_RDONLY | O_CLOEXEC));
  readlinkat(fd, "", buffer, 100);
  dup2(fd, 200);
  dup2(0, 200);
  dup2(fd, 200);
  close(200);
  int copy = fcntl(fd, F_DUPFD_CLOEXEC, 100);
  fcntl(copy, F_GETFD);
  fcntl(copy, F_SETFD, 0);
  dup3(fd, copy, O_CLOEXEC);
  close(copy);
}

void each_kind(char* self) {
  open_each_kind();
  int first_free = dup(0);
  TIMES(6) {
    for (int fd = 0; fd < first_free; fd++)
      each_call(fd);
    // What is open now goes to a child, as from a shell, and is closed by exec.
    pid_t child = i % 2 == 0 ? vfork() : fork();
    if (child == 0) {
      dup2(3 + i, 0);
      execl(i % 4 == 0 ? self : DYNAMIC, self, "nothing", NULL);
      _exit(1);
    }
    waitpid(child, NULL, 0);
  }
  closefrom(3);
  for (int fd = 0; fd < 3; fd++)
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
}

// One of everything, left open.
void show(void) {
  pthread_t thread;
  sigset_t mask;
  open_each_kind();
  // Lists that are not at their end.
  for (int fd = dup(0); fd > 2; fd--)
    syscall(SYS_getdents64, fd, buffer, 100);
  // Signals that wait.
  sigfillset(&mask);
  sigprocmask(SIG_BLOCK, &mask, NULL);
  kill(getpid(), SIGUSR1);
  raise(SIGUSR2);
  if (fork() == 0)
    _exit(1);
  waitid(P_ALL, 0, &(siginfo_t){0}, WEXITED | WNOWAIT);
  mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  mmap(NULL, PAGE, PROT_READ, MAP_SHARED, open("/tmp/shown", O_RDWR), 0);
  pthread_create(&thread, NULL, wait_for_ever, NULL);
  if (fork() == 0)
    pause();
  if (fork() == 0) {
    poll(NULL, 0, -1);
    _exit(0);
  }
}
