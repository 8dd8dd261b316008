// What guests of the rehearsal do (README.md): what programs usually ask a kernel for, often enough that V8
// finds out what is worth optimizing, each in the way that common programs do it. Nothing is checked:
// whatever fails is rehearsed as a failure.
//
// usage: rehearsal, with a tree that runsc/sandbox/rehearsal.ts has made. A byte on standard output says that
// all is done, and that everything which was opened for show is there to be looked at. Standard input is the
// other end of standard error. What is executed is this program, and `rehearsal-dynamic`, the same for a
// dynamic linker.
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096
#define BUFFER_SIZE (64 << 10)
// With another buffer in turn.
#define TIMES(n) for (int i = 0; i < (n); buffer = ++i % 2 == 0 ? low_buffer : high_buffer)
#define COUNT(array) (sizeof(array) / sizeof *(array))
#define DYNAMIC "/bin/rehearsal-dynamic"

// To V8, addresses in the one are small integers, those in the other are not.
static char low_buffer[BUFFER_SIZE];
static char* high_buffer;
static char* volatile buffer = low_buffer;

// find(1): descriptors of directories, and what is in them, with attributes or without.
static void walk(int parent, const char* name, int look) {
  int fd = openat(parent, name, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC | O_DIRECTORY);
  struct stat st;
  fstat(fd, &st);
  int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  fcntl(copy, F_GETFD);
  DIR* directory = fdopendir(fd);
  for (struct dirent* entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
    if (entry->d_name[0] == '.')
      continue;
    if (look)
      fstatat(copy, entry->d_name, &st, AT_SYMLINK_NOFOLLOW);
    if (entry->d_type == DT_DIR)
      walk(copy, entry->d_name, look);
    else if (look && entry->d_type == DT_LNK)
      readlinkat(copy, entry->d_name, buffer, BUFFER_SIZE);
  }
  if (directory != NULL)
    closedir(directory);
  close(copy);
}

// grep -r: each regular file to its end.
static void search(int parent, const char* name) {
  int fd = openat(parent, name, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC | O_DIRECTORY);
  struct stat st;
  DIR* directory = fdopendir(fd);
  for (struct dirent* entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
    if (entry->d_name[0] == '.')
      continue;
    if (entry->d_type == DT_DIR) {
      search(fd, entry->d_name);
      continue;
    }
    if (entry->d_type != DT_REG)
      continue;
    int file = openat(fd, entry->d_name, O_RDONLY | O_NOCTTY | O_NOFOLLOW);
    fstat(file, &st);
    posix_fadvise(file, 0, 0, POSIX_FADV_SEQUENTIAL);
    while (read(file, buffer, st.st_size > BUFFER_SIZE ? BUFFER_SIZE : 32 << 10) > 0)
      ;
    lseek(file, 0, SEEK_CUR);
    lseek(file, 0, SEEK_HOLE);
    lseek(file, st.st_size, SEEK_DATA);
    close(file);
  }
  if (directory != NULL)
    closedir(directory);
}

// An interpreter that looks for modules and reads them, and a loader of libraries.
static void import(const char* directory) {
  char path[256];
  struct stat st;
  TIMES(300) {
    snprintf(path, sizeof path, "%s/none-%d.so", directory, i);
    stat(path, &st);
    open(path, O_RDONLY | O_CLOEXEC);
    access(path, R_OK);
    snprintf(path, sizeof path, "%s/d%d/f%d", directory, i % 150, i % 6);
    stat(path, &st);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    fstat(fd, &st);
    ioctl(fd, TIOCGWINSZ, buffer);
    lseek(fd, 0, SEEK_CUR);
    struct statx stx;
    statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &stx);
    read(fd, buffer, (size_t)st.st_size + 1);
    read(fd, buffer, 1);
    pread(fd, buffer, 64, 0);
    if (i % 4 == 0) {
      char* map = mmap(NULL, 4 * PAGE, PROT_READ, MAP_PRIVATE | MAP_DENYWRITE, fd, 0);
      mmap(map + PAGE, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd, 0);
      mprotect(map + PAGE, PAGE, PROT_READ);
      mmap(map + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0);
      munmap(map, 4 * PAGE);
    }
    close(fd);
  }
  TIMES(100) {
    readlink("/bin/link", buffer, BUFFER_SIZE);
    open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    stat("/bin/link", &st);
    stat("/hosts", &st);
    lstat("/bin/link", &st);
    getcwd(buffer, BUFFER_SIZE);
  }
  closefrom(3);
}

// A version control system, a compiler, an archiver: files are made, written, renamed, linked, removed.
static void change(const char* directory) {
  char path[256], other[256];
  struct stat st;
  mkdir(directory, 0755);
  TIMES(200) {
    snprintf(path, sizeof path, "%s/o%d", directory, i % 16);
    if (i < 16)
      mkdir(path, 0777);
    snprintf(path, sizeof path, "%s/o%d/tmp_%d", directory, i % 16, i);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    fcntl(fd, F_GETFL);
    write(fd, buffer, 120);
    struct iovec parts[2] = {{buffer, 30}, {buffer, 50}};
    writev(fd, parts, 2);
    pwrite(fd, buffer, 10, 200);
    lseek(fd, 0, SEEK_SET);
    read(fd, buffer, 300);
    fstat(fd, &st);
    fchmod(fd, 0644);
    if (i % 8 == 0) {
      ftruncate(fd, 3 * PAGE);
      char* map = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
      if (map != MAP_FAILED)
        map[PAGE] = 1;
      munmap(map, 3 * PAGE);
      flock(fd, LOCK_EX);
      fsync(fd);
    }
    close(fd);
    snprintf(other, sizeof other, "%s/o%d/file_%d", directory, i % 16, i);
    if (i % 2 == 0)
      rename(path, other);
    else
      link(path, other);
    unlink(path);
    chmod(other, 0644);
    utimensat(AT_FDCWD, other, NULL, 0);
    lstat(other, &st);
    fd = open(other, O_WRONLY | O_TRUNC | O_APPEND);
    write(fd, buffer, 6000);
    close(fd);
    symlink("target", path);
    unlink(path);
    if (i % 3 == 0)
      unlink(other);
  }
  walk(AT_FDCWD, directory, 1);
  search(AT_FDCWD, directory);
}

static void memory(void) {
  char* areas[8];
  TIMES(200) {
    areas[i % 8] = mmap(NULL, 64 << 10, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    areas[i % 8][0] = 1;
    if (i % 8 == 7) {
      for (int k = 0; k < 8; k++)
        munmap(areas[k], 64 << 10);
    }
    char* area = mmap(NULL, 8 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    mprotect(area + PAGE, 2 * PAGE, PROT_READ | PROT_WRITE);
    area[PAGE] = 1;
    madvise(area + PAGE, PAGE, MADV_DONTNEED);
    area = mremap(area, 8 * PAGE, 16 * PAGE, MREMAP_MAYMOVE);
    munmap(area, 16 * PAGE);
    sbrk(PAGE);
    sbrk(-PAGE);
  }
}

static void small_calls(void) {
  struct utsname names;
  struct rusage usage;
  struct rlimit limit;
  struct timespec moment = {0, 1000};
  sigset_t mask;
  TIMES(1500) {
    syscall(SYS_getpid);
    syscall(SYS_getppid);
    syscall(SYS_gettid);
    getuid();
    sigprocmask(SIG_BLOCK, NULL, &mask);
    if (i % 10 != 0)
      continue;
    uname(&names);
    getrusage(RUSAGE_SELF, &usage);
    getrlimit(RLIMIT_NOFILE, &limit);
    umask(022);
    sched_yield();
    getpgid(0);
    getsid(0);
    prctl(PR_GET_NAME, buffer);
    syscall(SYS_getrandom, buffer, 16, 0);
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &moment);
    if (i % 100 == 0) {
      moment = (struct timespec){0, 1000};
      nanosleep(&moment, NULL);
    }
  }
  int zero = open("/dev/zero", O_RDONLY), null = open("/dev/null", O_WRONLY),
      urandom = open("/dev/urandom", O_RDONLY);
  TIMES(300) {
    read(zero, buffer, 1);
    write(null, buffer, PAGE);
    read(urandom, buffer, 16);
    int copy = dup(zero);
    dup2(copy, 40);
    close(copy);
  }
}

static int served(int fd, short events, int milliseconds) {
  struct pollfd poller = {fd, events, 0};
  return poll(&poller, 1, milliseconds);
}

static void* echo(void* pair) {
  int fd = ((int*)pair)[1];
  for (ssize_t n; (n = read(fd, buffer + 8192, 4096)) > 0;)
    write(fd, buffer + 8192, (size_t)n);
  return NULL;
}

// Two ends that talk, one of them in a thread of its own.
static void converse(int ends[2]) {
  pthread_t thread;
  int set = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {EPOLLIN, {0}};
  pthread_create(&thread, NULL, echo, ends);
  epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event);
  TIMES(300) {
    if (i % 2 == 0)
      send(ends[0], buffer, 512, MSG_NOSIGNAL);
    else
      write(ends[0], buffer, 512);
    if (i % 3 == 0)
      served(ends[0], POLLIN, 1000);
    else if (i % 3 == 1)
      epoll_wait(set, &event, 1, 1000);
    read(ends[0], buffer, 4096);
    recv(ends[0], buffer, 10, MSG_DONTWAIT);
  }
  shutdown(ends[0], SHUT_RDWR);
  pthread_join(thread, NULL);
  close(ends[0]);
  close(ends[1]);
  close(set);
}

static void tcp(int ends[2]) {
  struct sockaddr_in place = {AF_INET, 0, {htonl(INADDR_LOOPBACK)}, {0}};
  socklen_t length = sizeof place;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  bind(listener, (struct sockaddr*)&place, sizeof place);
  listen(listener, 16);
  getsockname(listener, (struct sockaddr*)&place, &length);
  ends[0] = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(ends[0], IPPROTO_TCP, 1, &on, sizeof on);
  connect(ends[0], (struct sockaddr*)&place, sizeof place);
  ends[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  close(listener);
}

static void talk(void) {
  int ends[2];
  socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
  converse(ends);
  TIMES(10) {
    tcp(ends);
    if (i == 9)
      converse(ends);
    close(ends[0]);
    close(ends[1]);
  }
  int udp = socket(AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in place = {AF_INET, 0, {htonl(INADDR_LOOPBACK)}, {0}};
  socklen_t length = sizeof place;
  bind(udp, (struct sockaddr*)&place, sizeof place);
  getsockname(udp, (struct sockaddr*)&place, &length);
  TIMES(100) {
    sendto(udp, buffer, 64, 0, (struct sockaddr*)&place, length);
    recvfrom(udp, buffer, 64, 0, NULL, NULL);
  }
  close(udp);
  pipe2(ends, O_CLOEXEC);
  TIMES(500) {
    write(ends[1], buffer, 100);
    read(ends[0], buffer, 100);
  }
  // A pipe that fills up, and one that is emptied piece by piece.
  TIMES(200) {
    write(ends[1], buffer, 3 * PAGE);
    while (served(ends[0], POLLIN, 0))
      read(ends[0], buffer, i % 2 == 0 ? PAGE : 16 * PAGE);
  }
  close(ends[0]);
  close(ends[1]);
}

static volatile int hits;

static void on_signal(int signal) {
  hits += signal != 0;
}

static void spawn(char* self) {
  char *arguments[] = {self, "nothing", NULL}, *nothing[] = {NULL};
  TIMES(20) {
    pid_t child;
    siginfo_t info;
    posix_spawn(&child, i % 4 < 2 ? self : DYNAMIC, NULL, NULL, arguments, nothing);
    if (i % 2 == 0)
      waitid(P_PID, (id_t)child, &info, WEXITED);
    while (waitpid(-1, NULL, 0) > 0)
      ;
  }
}

// As a shell waits for its jobs.
static void wait_by_signals(void) {
  struct sigaction action = {.sa_handler = on_signal};
  sigset_t mask, none;
  sigemptyset(&none);
  sigemptyset(&mask);
  sigaddset(&mask, SIGCHLD);
  sigaction(SIGCHLD, &action, NULL);
  TIMES(30) {
    sigprocmask(SIG_BLOCK, &mask, NULL);
    pid_t child = fork();
    if (child == 0) {
      setpgid(0, 0);
      _exit(1);
    }
    setpgid(child, child);
    while (waitpid(-1, NULL, WNOHANG) == 0)
      sigsuspend(&none);
    sigprocmask(SIG_UNBLOCK, &mask, NULL);
    child = fork();
    if (child == 0)
      pause();
    kill(child, i % 2 == 0 ? SIGTERM : SIGKILL);
    waitpid(child, NULL, 0);
    kill(-getpgrp(), 0);
  }
  signal(SIGCHLD, SIG_DFL);
}

static void* lock_often(void* mutex) {
  TIMES(500) {
    pthread_mutex_lock(mutex);
    hits++;
    if (i % 50 == 0)
      sched_yield();
    pthread_mutex_unlock(mutex);
  }
  return NULL;
}

static void processes(char* self) {
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigaction(SIGUSR1, &action, NULL);
  TIMES(100) {
    kill(getpid(), SIGUSR1);
  }
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  TIMES(30) {
    pthread_t one, two;
    pthread_create(&one, NULL, lock_often, &mutex);
    pthread_create(&two, NULL, lock_often, &mutex);
    pthread_join(one, NULL);
    pthread_join(two, NULL);
  }
  TIMES(60) {
    int ends[2], status;
    pipe(ends);
    pid_t child = i % 3 == 0 ? vfork() : fork();
    if (child == 0) {
      if (i % 3 != 0) {
        close(ends[0]);
        dup2(ends[1], 1);
        close(ends[1]);
        setpgid(0, 0);
      }
      if (i % 4 != 3)
        execl(i % 2 == 0 ? self : DYNAMIC, self, "nothing", NULL);
      _exit(i);
    }
    close(ends[1]);
    while (read(ends[0], buffer, 512) > 0)
      ;
    close(ends[0]);
    waitpid(child, &status, 0);
  }
}

static void* type_slowly(void* unused) {
  struct timespec moment = {0, 1000000};
  TIMES(20) {
    nanosleep(&moment, NULL);
    write(STDERR_FILENO, "slowly\n", 7);
  }
  return unused;
}

// As by a shell and by what looks for a terminal.
static void standard_streams(void) {
  struct stat st;
  TIMES(30) {
    for (int fd = 0; fd < 3; fd++) {
      fstat(fd, &st);
      ioctl(fd, TCGETS, buffer);
      lseek(fd, 0, SEEK_CUR);
      fcntl(fd, F_GETFL);
    }
    write(STDERR_FILENO, "rehearsal\n", 10);
    read(STDIN_FILENO, buffer, 128);
  }
  pthread_t thread;
  pthread_create(&thread, NULL, type_slowly, NULL);
  for (ssize_t n, got = 0; got < 20 * 7 && (n = read(STDIN_FILENO, buffer, 128)) > 0;)
    got += n;
  pthread_join(thread, NULL);
}

static void ask_proc(void) {
  static const char* const files[] = {"/proc/self/status", "/proc/self/maps", "/proc/self/stat",
                                      "/proc/meminfo",     "/proc/cpuinfo",   "/proc/self/mounts",
                                      "/proc/stat",        "/proc/uptime",    "/proc/self/cmdline",
                                      "/proc/self/cgroup", "/etc/hosts",      "/proc/self/limits"};
  struct statfs space;
  for (size_t k = 0; k < 3 * COUNT(files); k++) {
    int fd = open(files[k % COUNT(files)], O_RDONLY | O_CLOEXEC);
    while (read(fd, buffer, PAGE) > 0)
      ;
    close(fd);
  }
  walk(AT_FDCWD, "/proc/self/fd", 1);
  walk(AT_FDCWD, "/dev", 1);
  // Directories with mounts in them.
  TIMES(10) {
    DIR* root = opendir("/");
    while (readdir(root) != NULL)
      ;
    rewinddir(root);
    readdir(root);
    closedir(root);
  }
  statfs("/", &space);
  statfs("/tmp", &space);
}

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

static void each_kind(char* self) {
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

// Each call with each kind of path.
static void each_path(void) {
  static const char* const paths[] = {
      "/",
      "/lib",
      "/lib/d1/f1",
      "/lib/d1/link",
      "/lib/d1/f1/none",
      "/data",
      "/data/d1/f1",
      "/tmp",
      "/tmp/shown",
      "/dev/null",
      "/dev/tty",
      "/dev/pts/ptmx",
      "/proc",
      "/proc/self",
      "/proc/self/exe",
      "/sys",
      "/proc/self/fd",
      "/proc/self/fd/0",
      "/etc/hosts",
      "/proc/self/status",
      "/none/at",
      "/etc/none",
      "/../lib/./d2",
      "/bin/link",
      "/dev/stdin",
  };
  struct stat st;
  struct statx stx;
  struct statfs space;
  for (size_t k = 0; k < 6 * COUNT(paths); k++) {
    const char* path = paths[k % COUNT(paths)];
    stat(path, &st);
    lstat(path, &st);
    statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &stx);
    access(path, F_OK);
    access(path, R_OK | W_OK);
    faccessat(AT_FDCWD, path, X_OK, AT_EACCESS);
    readlink(path, buffer, 100);
    statfs(path, &space);
    open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    open(path, O_PATH | O_CLOEXEC);
    open(path, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0666);
    mkdir(path, 0777);
    rmdir("/none/at");
    if (chdir(path) == 0)
      stat("d1/f1", &st);
    getcwd(buffer, PAGE);
    if (strcmp(path, "/proc/self/exe") != 0)
      execl(path, path, NULL);
    closefrom(3);
  }
  chdir("/");
}

// One of everything, left open.
static void show(void) {
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

int main(int argc, char** argv) {
  if (argc > 1)
    return 0;
  // Containers have limits.
  setrlimit(RLIMIT_NPROC, &(struct rlimit){10000, 10000});
  high_buffer = mmap(NULL, BUFFER_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  chdir("/");
  TIMES(3) {
    walk(AT_FDCWD, "/lib", 0);
    search(AT_FDCWD, "/lib");
    walk(AT_FDCWD, "/lib", 1);
    walk(AT_FDCWD, "/data", i % 2);
  }
  import("/lib");
  import("/data");
  change("/tmp/work");
  change("/data/work");
  memory();
  small_calls();
  talk();
  processes(argv[0]);
  spawn(argv[0]);
  wait_by_signals();
  standard_streams();
  ask_proc();
  each_path();
  each_kind(argv[0]);
  show();
  write(STDOUT_FILENO, "", 1);
  pause();
}
