// What guests of the rehearsal do (README.md): what programs usually ask a kernel for, often enough that V8
// finds out what is worth optimizing, each in the way that common programs do it. Nothing is checked:
// whatever fails is rehearsed as a failure.
//
// usage: rehearsal, with a tree that runsc/sandbox/rehearsal.ts has made. A byte on standard output says that
// all is done, and that everything which was opened for show is there to be looked at.
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
#define TIMES(n) for (int i = 0; i < (n); i++)

static char buffer[64 << 10];

// find(1): descriptors of directories, attributes of what is in them.
static void walk(int parent, const char* name) {
  int fd = openat(parent, name, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC | O_DIRECTORY);
  struct stat st;
  fstat(fd, &st);
  int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  fcntl(copy, F_GETFD);
  DIR* directory = fdopendir(fd);
  for (struct dirent* entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
    if (entry->d_name[0] == '.')
      continue;
    fstatat(copy, entry->d_name, &st, AT_SYMLINK_NOFOLLOW);
    if (S_ISDIR(st.st_mode))
      walk(copy, entry->d_name);
    else if (S_ISLNK(st.st_mode))
      readlinkat(copy, entry->d_name, buffer, sizeof buffer);
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
    while (read(file, buffer, 32 << 10) > 0)
      ;
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
    readlink("/bin/link", buffer, sizeof buffer);
    open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    stat("/bin/link", &st);
    stat("/hosts", &st);
    lstat("/bin/link", &st);
    getcwd(buffer, sizeof buffer);
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
  walk(AT_FDCWD, directory);
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

static int served(int fd, short events) {
  struct pollfd poller = {fd, events, 0};
  return poll(&poller, 1, 1000);
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
      served(ends[0], POLLIN);
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
    posix_spawn(&child, self, NULL, NULL, arguments, nothing);
    if (i % 2 == 0)
      waitid(P_PID, (id_t)child, &info, WEXITED);
    while (waitpid(-1, NULL, 0) > 0)
      ;
  }
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
        execl(self, self, "nothing", NULL);
      _exit(i);
    }
    close(ends[1]);
    while (read(ends[0], buffer, 512) > 0)
      ;
    close(ends[0]);
    waitpid(child, &status, 0);
  }
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
    read(STDIN_FILENO, buffer, 128);
    write(STDERR_FILENO, "rehearsal\n", 10);
  }
}

static void ask_proc(void) {
  static const char* const files[] = {"/proc/self/status", "/proc/self/maps", "/proc/self/stat",
                                      "/proc/meminfo",     "/proc/cpuinfo",   "/proc/self/mounts",
                                      "/proc/stat",        "/proc/uptime",    "/proc/self/cmdline",
                                      "/proc/self/cgroup", "/etc/hosts",      "/proc/self/limits"};
  struct statfs space;
  for (size_t k = 0; k < 3 * sizeof files / sizeof *files; k++) {
    int fd = open(files[k % (sizeof files / sizeof *files)], O_RDONLY | O_CLOEXEC);
    while (read(fd, buffer, PAGE) > 0)
      ;
    close(fd);
  }
  walk(AT_FDCWD, "/proc/self/fd");
  walk(AT_FDCWD, "/dev");
  statfs("/", &space);
  statfs("/tmp", &space);
}

static void* wait_for_ever(void* unused) {
  pause();
  return unused;
}

// One of everything, left open.
static void show(void) {
  int ends[2];
  struct itimerspec never = {{0, 0}, {1000, 0}};
  sigset_t mask;
  pthread_t thread;
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
  open("/dev/urandom", O_RDONLY);
  open("/dev/zero", O_RDONLY);
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
  chdir("/");
  TIMES(3) {
    walk(AT_FDCWD, "/lib");
    search(AT_FDCWD, "/lib");
    walk(AT_FDCWD, "/data");
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
  standard_streams();
  ask_proc();
  show();
  write(STDOUT_FILENO, "", 1);
  pause();
}
