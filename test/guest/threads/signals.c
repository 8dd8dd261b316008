// Signals and threads: who gets them, masks of their own, directed ones, faults in threads, storms at many.
// build: -pthread
#include "../check.h"
#include <pthread.h>
#include <sys/time.h>
#include <setjmp.h>

static volatile int by_thread[8], stop;
static __thread int me;
static __thread sigjmp_buf jump;
static long total;

static void handler(int signal) {
  (void)signal;
  __sync_fetch_and_add(&by_thread[me], 1);
}

static void* blocked_waiter(void* argument) {
  me = (int)(long)argument;
  while (!stop) usleep(1000);
  return NULL;
}

static void on_fault(int signal, siginfo_t* info, void* context) {
  (void)context;
  (void)signal;
  siglongjmp(jump, info->si_addr == (void*)(long)(0x1000 + me) ? 1 : 2);
}

static void* faulter(void* argument) {
  me = (int)(long)argument;
  long good = 0;
  for (int i = 0; i < 200; i++) {
    int r = sigsetjmp(jump, 1);
    if (r == 0) *(volatile char*)(long)(0x1000 + me) = 1;
    if (r == 1) good++;
  }
  return (void*)good;
}

static void* worker(void* argument) {
  me = (int)(long)argument;
  unsigned long sum = 0;
  char buffer[64];
  int fd = open("/dev/zero", O_RDONLY);
  while (!stop) {
    if (read(fd, buffer, sizeof buffer) != sizeof buffer && errno != EINTR) return (void*)1;
    for (int i = 0; i < 64; i++) sum += buffer[i];
    if (getppid() == 0 && getpid() != 1 && 0) return (void*)2;
  }
  close(fd);
  __sync_fetch_and_add(&total, sum);
  return NULL;
}

static void* sigwaiter(void* argument) {
  sigset_t* set = argument;
  int got;
  return (void*)(long)(sigwait(set, &got) == 0 ? got : -1);
}

int main(void) {
  pthread_t threads[8];
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  signal(SIGUSR1, handler);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  for (int i = 1; i < 4; i++) pthread_create(&threads[i], NULL, blocked_waiter, (void*)(long)i);
  kill(getpid(), SIGUSR1);
  sleep_ms(20);
  equal("all block it: nobody gets it", by_thread[0] + by_thread[1] + by_thread[2] + by_thread[3], 0);
  pthread_sigmask(SIG_UNBLOCK, &set, NULL);
  equal("who unblocks it gets it", by_thread[0], 1);
  pthread_kill(threads[2], SIGUSR1);
  sleep_ms(20);
  equal("a directed one stays with its thread", by_thread[0] + by_thread[2], 1);
  stop = 1;
  for (int i = 1; i < 4; i++) pthread_join(threads[i], NULL);

  stop = 0;
  for (int i = 1; i < 3; i++) pthread_create(&threads[i], NULL, blocked_waiter, (void*)(long)i);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  pthread_create(&threads[3], NULL, sigwaiter, &set);
  sleep_ms(20);
  by_thread[1] = by_thread[2] = 0;
  stop = 1;
  pthread_join(threads[1], NULL);
  pthread_join(threads[2], NULL);
  kill(getpid(), SIGUSR1);
  void* result;
  pthread_join(threads[3], &result);
  equal("sigwait in a thread takes it", (long)result, SIGUSR1);
  pthread_sigmask(SIG_UNBLOCK, &set, NULL);

  struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
  sigaction(SIGSEGV, &action, NULL);
  long good = 0;
  for (int i = 0; i < 6; i++) pthread_create(&threads[i], NULL, faulter, (void*)(long)i);
  for (int i = 0; i < 6; i++) {
    pthread_join(threads[i], &result);
    good += (long)result;
  }
  equal("faults in six threads, each its own", good, 1200);

  // Timers and directed signals at threads that make calls all the time.
  stop = 0;
  signal(SIGALRM, handler);
  signal(SIGPROF, handler);
  struct itimerval timer = {.it_value = {0, 700}, .it_interval = {0, 700}};
  setitimer(ITIMER_REAL, &timer, NULL);
  for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, worker, (void*)(long)(i + 1));
  for (int i = 0; i < 1000; i++) {
    pthread_kill(threads[i & 3], SIGUSR1);
    if (i % 10 == 0) usleep(200);
  }
  stop = 1;
  long bad = 0;
  for (int i = 0; i < 4; i++) {
    pthread_join(threads[i], &result);
    bad += (long)result;
  }
  memset(&timer, 0, sizeof timer);
  setitimer(ITIMER_REAL, &timer, NULL);
  equal("a storm at four busy threads", bad, 0);
  equal("read what they should", total, 0);
  return check_done();
}
