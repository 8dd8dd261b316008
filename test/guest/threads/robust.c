// Robust mutexes (get_robust_list(2)) of owners that are killed in guest code, in calls, or that start another program.
// build: -pthread
#include "../check.h"
#include <pthread.h>

#pragma GCC diagnostic ignored "-Wreturn-type"

static struct shared {
  pthread_mutex_t mutex[4];
  volatile int ready;
} * all;

static void make(int protocol) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setprotocol(&attributes, protocol);
  memset(all, 0, sizeof *all);
  for (int i = 0; i < 4; i++) must(-pthread_mutex_init(&all->mutex[i], &attributes));
}
static void* thread_spins(void* unused) {
  (void)unused;
  for (;;) {}
}
static void* thread_locks(void* unused) {
  (void)unused;
  pthread_mutex_lock(&all->mutex[2]);
  pthread_mutex_lock(&all->mutex[3]);
  for (;;) pause();
}
static void take(void) {
  pthread_mutex_lock(&all->mutex[0]);
  pthread_mutex_lock(&all->mutex[1]);
}
enum end { SPINS, SLEEPS, EXITS, EXITS_GROUP, EXECS, FAULTS, WITH_THREADS, EXECS_WITH_THREADS, ENDS };
static const char* const ends[] = {"killed while it runs", "killed asleep", "exit", "exit by a thread", "execve", "a fault", "threads, killed", "threads, execve"};

static void ended(enum end end, int wait_first) {
  pid_t pid = must(fork());
  if (pid == 0) {
    pthread_t thread;
    take();
    if (end >= WITH_THREADS) {
      pthread_create(&thread, NULL, thread_locks, NULL);
      pthread_create(&thread, NULL, thread_spins, NULL);
      sleep_ms(30);
    }
    all->ready = 1;
    switch (end) {
    case SPINS:
    case WITH_THREADS:
      for (;;) {}
    case SLEEPS:
      for (;;) pause();
    case EXITS:
      sleep_ms(50);
      _exit(0);
    case EXITS_GROUP:
      sleep_ms(50);
      syscall(SYS_exit, 0);
      break;
    case FAULTS:
      sleep_ms(50);
      *(volatile int*)16 = 1;
      break;
    default:
      sleep_ms(50);
      execl("/bin/sleep", "sleep", "1000", NULL);
    }
    _exit(9);
  }
  while (!all->ready) sleep_ms(1);
  if (!wait_first && (end == SPINS || end == SLEEPS || end == WITH_THREADS)) sleep_ms(30);
  if (end == SPINS || end == SLEEPS || end == WITH_THREADS) kill(pid, SIGKILL);
  if (wait_first && end != EXECS && end != EXECS_WITH_THREADS) status_of(pid);
  int last = end >= WITH_THREADS ? 4 : 2;
  for (int i = 0; i < last; i++) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 5;
    int result = pthread_mutex_timedlock(&all->mutex[i], &until);
    say("ok %s, %d: %s\n", ends[end], i, result == 0 ? "free" : strerrorname_np(result));
  }
  if (end == EXECS || end == EXECS_WITH_THREADS) kill(pid, SIGKILL);
  if (!wait_first || end == EXECS || end == EXECS_WITH_THREADS) status_of(pid);
}

int main(void) {
  all = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  for (int protocol = 0; protocol < 2; protocol++)
    for (enum end end = 0; end < ENDS; end++)
      for (int wait_first = 0; wait_first < 2; wait_first++) {
        make(protocol ? PTHREAD_PRIO_INHERIT : PTHREAD_PRIO_NONE);
        ended(end, wait_first);
      }
  return check_done();
}
