// A lock that several threads take all the time: nobody is forgotten, and signals, timeouts and ends are prompt.
// build: -pthread
#include "../check.h"
#include <linux/futex.h>
#include <pthread.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static volatile int stop, interrupted;
static volatile long counter;
static int* word;

static long futex(int op, int value) { return syscall(SYS_futex, word, op, value, NULL, NULL, ~0U); }

static void* hammer(void* argument) {
  while (!stop) {
    pthread_mutex_lock(&mutex);
    counter = counter + 1;
    pthread_mutex_unlock(&mutex);
  }
  return argument;
}

static void* count(void* argument) {
  for (int i = 0; i < 100000; i++) {
    pthread_mutex_lock(&mutex);
    counter = counter + 1;
    pthread_mutex_unlock(&mutex);
  }
  return argument;
}

static void* lock_once(void* argument) {
  pthread_mutex_lock(&mutex);
  pthread_mutex_unlock(&mutex);
  return argument;
}

// Sets a word and clears it, as a lock would be by others.
static void* toggle(void* argument) {
  while (!stop) {
    __atomic_store_n(word, 2, __ATOMIC_SEQ_CST);
    for (int i = 0; i < 20; i++) __asm__ volatile("");
    __atomic_store_n(word, 0, __ATOMIC_SEQ_CST);
    futex(FUTEX_WAKE_PRIVATE, 1);
    futex(FUTEX_WAKE, 1);
  }
  return argument;
}

static volatile long last_error;
static void* wait_until_error(void* argument) {
  long op = (long)argument;
  do last_error = futex(op, 2) < 0 ? errno : 0;
  while (last_error == 0 || last_error == EAGAIN);
  return NULL;
}

static void handler(int signal) {
  (void)signal;
  interrupted++;
}

static void start(pthread_t* threads, int n, void* (*function)(void*)) {
  for (int i = 0; i < n; i++) pthread_create(&threads[i], NULL, function, NULL);
}
static void join(pthread_t* threads, int n) {
  for (int i = 0; i < n; i++) pthread_join(threads[i], NULL);
}

// The status of a process with busy threads that ends by itself, or by a signal from outside.
static int ends_soon(int signal) {
  pid_t pid = must(fork());
  if (pid == 0) {
    pthread_t threads[4];
    start(threads, 4, hammer);
    sleep_ms(50);
    if (signal == 0) _exit(7);
    for (;;) pause();
  }
  sleep_ms(30);
  long begin = now_ns(CLOCK_MONOTONIC);
  if (signal != 0) {
    sleep_ms(50);
    kill(pid, signal);
  }
  int status = status_of(pid);
  holds("soon", now_ns(CLOCK_MONOTONIC) - begin < 20000000000);
  return status;
}

// Starts a thread that waits for the word again and again, first while it is toggled.
static void toggle_while_waiting(pthread_t* waiter, long op) {
  pthread_t toggler;
  stop = 0;
  start(&toggler, 1, toggle);
  pthread_create(waiter, NULL, wait_until_error, (void*)op);
  sleep_ms(20);
  stop = 1;
  join(&toggler, 1);
}

int main(void) {
  pthread_t threads[8], one;
  start(threads, 4, count);
  join(threads, 4);
  equal("no turn is lost", counter, 400000);
  start(threads, 8, count);
  join(threads, 8);
  equal("with eight threads", counter, 1200000);

  // Whoever stays away from a busy lock is there when it is free.
  start(threads, 3, hammer);
  sleep_ms(30);
  pthread_mutex_lock(&mutex);
  stop = 1;
  sleep_ms(30);
  pthread_create(&one, NULL, lock_once, NULL);
  sleep_ms(10);
  long begin = now_ns(CLOCK_MONOTONIC);
  pthread_mutex_unlock(&mutex);
  join(threads, 3);
  pthread_join(one, NULL);
  holds("all get it in the end", now_ns(CLOCK_MONOTONIC) - begin < 20000000000);
  stop = 0;

  start(threads, 2, hammer);
  sleep_ms(20);
  pthread_mutex_lock(&mutex);
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&held);
  until.tv_nsec += 30000000;
  if (until.tv_nsec >= 1000000000) until.tv_sec++, until.tv_nsec -= 1000000000;
  begin = now_ns(CLOCK_MONOTONIC);
  equal("a timed wait", pthread_mutex_timedlock(&held, &until), ETIMEDOUT);
  holds("takes its time", now_ns(CLOCK_MONOTONIC) - begin >= 29000000);
  pthread_mutex_unlock(&mutex);

  // Signals to a thread that fights for the lock.
  struct sigaction action = {.sa_handler = handler};
  sigaction(SIGUSR1, &action, NULL);
  int late = 0;
  for (int i = 0; i < 50; i++) {
    int before = interrupted;
    begin = now_ns(CLOCK_MONOTONIC);
    pthread_kill(threads[0], SIGUSR1);
    while (interrupted == before && now_ns(CLOCK_MONOTONIC) - begin < 60000000000) sched_yield();
    if (now_ns(CLOCK_MONOTONIC) - begin > 10000000000) late++;
  }
  equal("signals arrive", interrupted, 50);
  equal("at once", late, 0);
  stop = 1;
  join(threads, 2);
  stop = 0;

  equal("exits with busy threads", ends_soon(0), 7);
  equal("is killed with busy threads", ends_soon(SIGKILL), 1000 + SIGKILL);
  equal("and by another signal", ends_soon(SIGTERM), 1000 + SIGTERM);

  int ops[] = {FUTEX_WAIT_PRIVATE, FUTEX_WAIT, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG};
  for (int i = 0; i < 3; i++) {
    word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    last_error = 0;
    toggle_while_waiting(&one, ops[i]);
    *word = 2;
    for (int k = 0; k < 60000 && last_error != EINTR; k++) {
      sleep_ms(1);
      pthread_kill(one, SIGUSR1);
    }
    pthread_join(one, NULL);
    equal("a signal's handler ends the wait", last_error, EINTR);
    *word = 0;
    toggle_while_waiting(&one, ops[i]);
    *word = 0;
    munmap(word, 4096);
    pthread_join(one, NULL);
    equal("so does the end of its word", last_error, EFAULT);
  }
  return check_done();
}
