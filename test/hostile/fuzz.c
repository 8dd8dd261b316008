// System calls with garbage, by a fixed seed, each batch in a child of its own; also the i386 and x32 entries.
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t state = 88172645463325252ULL;
static uint64_t next(void) {
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}

static char* page;
static long argument(void) {
  static const long edges[] = {0, 1, -1, 2, 7, 8, 4095, 4096, 65536, 0x7fffffff, 0x80000000L, 0xffffffffL, 1L << 47,
                               (1L << 47) - 1, -4096, (long)(1UL << 63), 0x7fff10000000L, 0x7fff00000000L};
  switch (next() % 5) {
    case 0: return edges[next() % (sizeof edges / sizeof *edges)];
    case 1: return (long)page + next() % 4096;
    case 2: return next() % 64;
    case 3: return (long)page + 4096 - next() % 32;
    default: return next();
  }
}

static int skipped(long nr) {
  // What ends or stops the child by itself, or waits forever.
  switch (nr) {
    case SYS_exit:
    case SYS_exit_group:
    case SYS_pause:
    case SYS_rt_sigsuspend:
    case SYS_kill:
    case SYS_tkill:
    case SYS_tgkill:
    case SYS_rt_sigqueueinfo:
    case SYS_rt_tgsigqueueinfo:
    case SYS_fork:
    case SYS_vfork:
    case SYS_clone:
    case SYS_clone3:
    case SYS_reboot: return 1;
    default: return 0;
  }
}

int main(int argc, char** argv) {
  state += argc > 1 ? strtoul(argv[1], NULL, 10) * 15485863 : 0;
  int batches = argc > 2 ? atoi(argv[2]) : 100;
  for (int batch = 0; batch < batches; batch++) {
    uint64_t seed = next();
    pid_t pid = fork();
    if (pid == 0) {
      state = seed | 1;
      struct rlimit limit = {64 << 20, 64 << 20};
      setrlimit(RLIMIT_FSIZE, &limit);
      if (chdir("/tmp") != 0) _exit(1);
      page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      for (int i = 0; i < 4096; i++) page[i] = next() % 3 == 0 ? next() : 0;
      signal(SIGALRM, SIG_DFL);
      alarm(2);
      for (int i = 0; i < 60; i++) {
        long nr = next() % 8 == 0 ? (long)(next() % 2000) : (long)(next() % 460);
        if (nr == SYS_alarm || nr == SYS_setitimer || nr == SYS_rt_sigprocmask || nr == SYS_rt_sigaction) continue;
        if (!skipped(nr)) syscall(nr, argument(), argument(), argument(), argument(), argument(), argument());
      }
      _exit(0);
    }
    int status;
    while (waitpid(pid, &status, 0) == -1) {}
  }
  // int 0x80 and x32 numbers: refused, or the death of the child.
  for (int kind = 0; kind < 2; kind++) {
    pid_t pid = fork();
    if (pid == 0) {
      long result;
      if (kind == 0) __asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory", "r8", "r9", "r10", "r11");
      else result = syscall(0x40000000 | SYS_getpid);
      _exit(result == getpid() ? 1 : 0);
    }
    int status;
    while (waitpid(pid, &status, 0) == -1) {}
    if (WIFEXITED(status) && WEXITSTATUS(status) == 1) printf("kind %d was let through\n", kind);
  }
  printf("fuzzed\n");
  return 0;
}
