// Calls that need no particular file, and each call with each kind of path.
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "rehearsal.h"

void memory(void) {
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

void small_calls(void) {
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

void ask_proc(void) {
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

// Each call with each kind of path.
void each_path(void) {
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
