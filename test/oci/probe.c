// What the tests of config.json ask the kernel that busybox has no command for: `probe WHAT [ARGUMENTS]`.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void onSys(int signal, siginfo_t* info, void* context) {
  (void)context;
  printf("signal %d code %d errno %d call %d\n", signal, info->si_code, info->si_errno, info->si_syscall);
  fflush(stdout);
}

// syscall NR [ARGUMENTS...]: in a child, so that a policy that kills is seen.
static int doCall(int count, char** words) {
  pid_t pid = fork();
  if (pid == 0) {
    struct sigaction action = {.sa_sigaction = onSys, .sa_flags = SA_SIGINFO};
    sigaction(SIGSYS, &action, NULL);
    long args[6] = {0};
    for (int i = 1; i < count && i < 7; i++)
      args[i - 1] = (long)strtoull(words[i], NULL, 0);
    errno = 0;
    long result = syscall(atol(words[0]), args[0], args[1], args[2], args[3], args[4], args[5]);
    printf("result %s errno %d\n", result < 0 ? "-1" : "ok", errno);
    fflush(stdout);
    _exit(0);
  }
  int status;
  waitpid(pid, &status, 0);
  if (WIFSIGNALED(status))
    printf("killed by %d\n", WTERMSIG(status));
  return 0;
}

// getpid(2) as 32-bit programs call it.
static int foreign(void) {
  long result = 0;
#if defined(__x86_64__)
  __asm__ volatile("int $0x80" : "=a"(result) : "0"(20L) : "memory", "r8", "r9", "r10", "r11");
#endif
  return printf("answered %d\n", result > 0) < 0;
}

// Times of the clocks that a container may have offsets for, in whole seconds.
static int clocks(void) {
  struct timespec boot, monotonic;
  clock_gettime(CLOCK_BOOTTIME, &boot);
  clock_gettime(CLOCK_MONOTONIC, &monotonic);
  printf("%ld %ld\n", (long)boot.tv_sec, (long)monotonic.tv_sec);
  return 0;
}

static int file(const char* path) {
  struct stat s;
  if (lstat(path, &s) != 0) {
    printf("%s: %s\n", path, strerror(errno));
    return 1;
  }
  printf("%s: mode %o owner %u:%u device %u:%u\n", path, s.st_mode, s.st_uid, s.st_gid, major(s.st_rdev),
         minor(s.st_rdev));
  return 0;
}

static int mountOf(const char* path) {
  struct statvfs s;
  if (statvfs(path, &s) != 0)
    return 1;
  printf("%s: blocks %lu of %lu inodes %lu flags %lx\n", path, (unsigned long)s.f_blocks, s.f_frsize,
         (unsigned long)s.f_files, s.f_flag & (ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC | ST_NOATIME));
  return 0;
}

static int scheduling(void) {
  struct sched_param param;
  sched_getparam(0, &param);
  errno = 0;
  long nice = syscall(SYS_getpriority, 0, 0);
  long io = syscall(SYS_ioprio_get, 1, 0);
  printf("policy %d priority %d nice %ld io %ld:%ld\n", sched_getscheduler(0), param.sched_priority,
         20 - nice, io >> 13, io & 7);
  return 0;
}

int main(int count, char** words) {
  const char* what = count > 1 ? words[1] : "";
  int status = 0;
  if (strcmp(what, "syscall") == 0 && count > 2)
    return doCall(count - 2, words + 2);
  if (strcmp(what, "foreign") == 0)
    return foreign();
  if (strcmp(what, "clocks") == 0)
    return clocks();
  if (strcmp(what, "scheduling") == 0)
    return scheduling();
  if (strcmp(what, "personality") == 0)
    return printf("%x\n", (unsigned)personality(0xffffffff)) < 0;
  for (int i = 2; i < count; i++)
    status |= strcmp(what, "mount") == 0 ? mountOf(words[i]) : file(words[i]);
  return status;
}
