// fork(2): what a child has of its own, what it shares, and many of them.
#include "../check.h"

static int global = 1;

static void memory_is_copied(void) {
  int* heap = malloc(sizeof *heap);
  int* shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  *heap = 1;
  *shared = 1;
  int local = 1;
  pid_t pid = must(fork());
  if (pid == 0) {
    global = local = *heap = *shared = 2;
    _exit(global + local + *heap);
  }
  equal("child sees its own writes", status_of(pid), 6);
  equal("global of the parent is untouched", global, 1);
  equal("stack of the parent is untouched", local, 1);
  equal("heap of the parent is untouched", *heap, 1);
  equal("shared mapping is shared", *shared, 2);
  munmap(shared, 4096);
  free(heap);
}

static void descriptors_share_the_offset(void) {
  enter_directory("fork");
  int fd = must(open("f", O_CREAT | O_RDWR, 0600));
  must(write(fd, "0123456789", 10));
  must(lseek(fd, 0, SEEK_SET));
  pid_t pid = must(fork());
  if (pid == 0) {
    char buffer[4];
    _exit(read(fd, buffer, 4) == 4 ? 0 : 1);
  }
  equal("child reads", status_of(pid), 0);
  equal("offset moved for the parent", lseek(fd, 0, SEEK_CUR), 4);
  pid = must(fork());
  if (pid == 0) _exit(close(fd));
  equal("child closes", status_of(pid), 0);
  equal("the parent's descriptor is open", lseek(fd, 0, SEEK_CUR), 4);
  close(fd);
}

static void identity_differs(void) {
  pid_t parent = getpid();
  int ends[2];
  must(pipe(ends));
  pid_t pid = must(fork());
  if (pid == 0) {
    pid_t ids[4] = {getpid(), getppid(), (pid_t)syscall(SYS_gettid), getpgrp()};
    _exit(write(ends[1], ids, sizeof ids) != sizeof ids);
  }
  pid_t ids[4];
  equal("ids arrive", read(ends[0], ids, sizeof ids), sizeof ids);
  equal("getpid of the child", ids[0] == pid, 1);
  equal("getppid of the child", ids[1] == parent, 1);
  equal("gettid of the child", ids[2] == pid, 1);
  equal("getpgrp is inherited", ids[3] == getpgrp(), 1);
  equal("child ends", status_of(pid), 0);
  close(ends[0]);
  close(ends[1]);
}

static void pending_signals_and_alarms_stay_behind(void) {
  sigset_t set, pending;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  must(sigprocmask(SIG_BLOCK, &set, NULL));
  raise(SIGUSR1);
  alarm(100);
  pid_t pid = must(fork());
  if (pid == 0) {
    sigset_t mask;
    sigpending(&pending);
    sigprocmask(SIG_BLOCK, NULL, &mask);
    _exit(sigismember(&pending, SIGUSR1) | (alarm(0) != 0) << 1 | sigismember(&mask, SIGUSR1) << 2);
  }
  equal("mask inherited, pending and alarm not", status_of(pid), 4);
  holds("alarm of the parent goes on", alarm(0) > 90);
  struct timespec zero = {0, 0};
  equal("pending in the parent", sigtimedwait(&set, NULL, &zero), SIGUSR1);
  must(sigprocmask(SIG_UNBLOCK, &set, NULL));
}

static void many(void) {
  enum { COUNT = 200 };
  int good = 0;
  for (int i = 0; i < COUNT; i++) {
    pid_t pid = must(fork());
    if (pid == 0) _exit(i & 127);
    if (status_of(pid) == (i & 127)) good++;
  }
  equal("one after another", good, COUNT);
  pid_t pids[40];
  for (int i = 0; i < 40; i++) {
    pids[i] = must(fork());
    if (pids[i] == 0) {
      usleep(1000 * (40 - i) / 4);
      _exit(i);
    }
  }
  good = 0;
  for (int i = 0; i < 40; i++) good += status_of(pids[i]) == i;
  equal("many at once", good, 40);
}

static int deep(int depth) {
  if (depth == 0) return 7;
  pid_t pid = fork();
  if (pid == 0) _exit(deep(depth - 1));
  return status_of(pid);
}

static void memory_survives_generations(void) {
  size_t size = 8 << 20;
  unsigned char* block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (size_t i = 0; i < size; i += 4096) block[i] = i >> 12;
  pid_t pid = must(fork());
  if (pid == 0) {
    pid_t second = fork();
    if (second == 0) {
      for (size_t i = 0; i < size; i += 4096)
        if (block[i] != (unsigned char)(i >> 12)) _exit(1);
      memset(block, 9, size);
      _exit(0);
    }
    int status = status_of(second);
    for (size_t i = 0; i < size; i += 4096)
      if (block[i] != (unsigned char)(i >> 12)) _exit(2);
    _exit(status);
  }
  equal("grandchildren see the pages", status_of(pid), 0);
}

int main(void) {
  memory_is_copied();
  descriptors_share_the_offset();
  identity_differs();
  pending_signals_and_alarms_stay_behind();
  many();
  equal("forks ten deep", deep(10), 7);
  memory_survives_generations();
  return check_done();
}
