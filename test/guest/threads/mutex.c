// Locks between threads and processes: mutexes, conditions, read-write locks, barriers, robust and shared ones.
// build: -pthread
#include "../check.h"
#include <pthread.h>
#include <semaphore.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t barrier;
static long counter, turn, rounds_seen;

static void* increment(void* argument) {
  for (int i = 0; i < 20000; i++) {
    pthread_mutex_lock(&mutex);
    counter++;
    pthread_mutex_unlock(&mutex);
  }
  return argument;
}

static void* ping(void* argument) {
  long me = (long)argument;
  for (int i = 0; i < 1000; i++) {
    pthread_mutex_lock(&mutex);
    while (turn != me) pthread_cond_wait(&condition, &mutex);
    turn = !me;
    pthread_cond_broadcast(&condition);
    pthread_mutex_unlock(&mutex);
  }
  return NULL;
}

static void* wait_barrier(void* argument) {
  for (int i = 0; i < 50; i++) {
    if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD) __sync_fetch_and_add(&rounds_seen, 1);
  }
  return argument;
}

static void* readers_writers(void* argument) {
  for (int i = 0; i < 2000; i++) {
    if (i % 10 == 0) {
      pthread_rwlock_wrlock(&rwlock);
      counter++;
    } else {
      pthread_rwlock_rdlock(&rwlock);
    }
    pthread_rwlock_unlock(&rwlock);
  }
  return argument;
}

static pthread_mutex_t* robust;
static void* die_holding(void* argument) {
  pthread_mutex_lock(robust);
  return argument;
}

static void* lock_cleanup(void* argument) {
  pthread_mutex_lock(&mutex);
  pthread_mutex_unlock(&mutex);
  return argument;
}

static volatile int entered, cleaned;
static void cleanup(void* argument) {
  (void)argument;
  cleaned = 1;
}
static void* cancel_me(void* argument) {
  pthread_cleanup_push(cleanup, NULL);
  entered = 1;
  int ends[2];
  char c;
  if (pipe(ends) != 0) return NULL;
  if (read(ends[0], &c, 1) == 1) return NULL;
  pthread_cleanup_pop(0);
  return argument;
}
static void* cancel_busy(void* argument) {
  (void)argument;
  pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
  for (;;) __asm__ volatile("");
}

static void run(int count, void* (*function)(void*)) {
  pthread_t threads[16];
  for (int i = 0; i < count; i++) pthread_create(&threads[i], NULL, function, (void*)(long)i);
  for (int i = 0; i < count; i++) pthread_join(threads[i], NULL);
}

int main(void) {
  pthread_t thread;
  void* result;
  run(4, increment);
  equal("a contended mutex counts right", counter, 80000);
  run(2, ping);
  equal("a condition variable takes turns", turn, 0);
  pthread_barrier_init(&barrier, NULL, 4);
  run(4, wait_barrier);
  equal("a barrier has one serial thread a round", rounds_seen, 50);
  counter = 0;
  run(4, readers_writers);
  equal("a read-write lock", counter, 4 * 200);

  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_nsec += 30000000;
  if (until.tv_nsec >= 1000000000) until.tv_sec++, until.tv_nsec -= 1000000000;
  pthread_mutex_lock(&mutex);
  equal("pthread_cond_timedwait", pthread_cond_timedwait(&condition, &mutex, &until), ETIMEDOUT);
  pthread_create(&thread, NULL, lock_cleanup, NULL);
  sleep_ms(20);
  pthread_mutex_unlock(&mutex);
  equal("a waiting thread gets it", pthread_join(thread, NULL), 0);
  sem_t semaphore;
  sem_init(&semaphore, 0, 0);
  clock_gettime(CLOCK_REALTIME, &until);
  fails("sem_timedwait", sem_timedwait(&semaphore, &until), ETIMEDOUT);

  robust = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init(robust, &attributes);
  pthread_create(&thread, NULL, die_holding, NULL);
  pthread_join(thread, NULL);
  equal("a robust mutex whose thread ended", pthread_mutex_lock(robust), EOWNERDEAD);
  equal("made consistent", pthread_mutex_consistent(robust), 0);
  equal("unlocked", pthread_mutex_unlock(robust), 0);
  pid_t pid = must(fork());
  if (pid == 0) {
    pthread_mutex_lock(robust);
    _exit(0);
  }
  status_of(pid);
  equal("a robust mutex whose process exited", pthread_mutex_lock(robust), EOWNERDEAD);
  pthread_mutex_consistent(robust);
  pthread_mutex_unlock(robust);
  pid = must(fork());
  if (pid == 0) {
    pthread_mutex_lock(robust);
    for (;;) pause();
  }
  until_asleep(pid);
  kill(pid, SIGKILL);
  equal("a waiter of a killed process", pthread_mutex_lock(robust), EOWNERDEAD);
  status_of(pid);
  pthread_mutex_unlock(robust);
  equal("not made consistent", pthread_mutex_lock(robust), ENOTRECOVERABLE);

  pthread_mutex_t* shared = (pthread_mutex_t*)((char*)robust + 256);
  long* value = (long*)((char*)robust + 512);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_STALLED);
  pthread_mutex_init(shared, &attributes);
  pid_t pids[3];
  for (int i = 0; i < 3; i++) {
    pids[i] = must(fork());
    if (pids[i] == 0) {
      for (int n = 0; n < 5000; n++) {
        pthread_mutex_lock(shared);
        ++*value;
        pthread_mutex_unlock(shared);
      }
      _exit(0);
    }
  }
  for (int i = 0; i < 3; i++) status_of(pids[i]);
  equal("a mutex between processes", *value, 15000);

  pthread_create(&thread, NULL, cancel_me, NULL);
  while (!entered) sleep_ms(5);
  sleep_ms(20);
  equal("pthread_cancel", pthread_cancel(thread), 0);
  pthread_join(thread, &result);
  equal("cancelled in read", result == PTHREAD_CANCELED, 1);
  equal("its cleanup ran", cleaned, 1);
  pthread_create(&thread, NULL, cancel_busy, NULL);
  sleep_ms(20);
  pthread_cancel(thread);
  pthread_join(thread, &result);
  equal("cancelled in a loop", result == PTHREAD_CANCELED, 1);
  return check_done();
}
