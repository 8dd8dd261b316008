// A thread that another one has woken gets to run while its waker goes on without ever waiting.
#include "../check.h"
#include <pthread.h>
#include <stdatomic.h>

enum { ROUNDS = 20 };

static int ends[2];
static atomic_int taken;

static void* reader(void* unused) {
  (void)unused;
  char byte;
  while (read(ends[0], &byte, 1) == 1)
    atomic_fetch_add(&taken, 1);
  return NULL;
}

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

// Until the reader has taken its byte, with system calls (`calls`) or without: whether that was soon.
static int goes_on(int calls, int round) {
  double end = seconds() + 10;
  while (atomic_load(&taken) != round && seconds() < end) {
    if (calls)
      syscall(SYS_getppid);
  }
  return atomic_load(&taken) == round;
}

int main(void) {
  must(pipe(ends));
  pthread_t thread;
  must(pthread_create(&thread, NULL, reader, NULL));
  int soon = 0;
  for (int round = 1; round <= ROUNDS; round++) {
    // The reader sleeps by now.
    sleep_ms(2);
    must(write(ends[1], "x", 1));
    soon += goes_on(round % 2, round);
  }
  equal("woken while the waker goes on", soon, ROUNDS);
  close(ends[1]);
  must(pthread_join(thread, NULL));
  return check_done();
}
