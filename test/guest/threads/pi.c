// Futexes with priority inheritance (futex(2)): as raw calls, and as glibc's mutexes, also robust and shared ones.
// build: -pthread
#include "../check.h"
#include <linux/futex.h>
#include <pthread.h>

#ifndef FUTEX_LOCK_PI2
#define FUTEX_LOCK_PI2 13
#endif

static uint32_t* word;
static uint32_t* other;
static long futex(uint32_t* at, int op, uint32_t value, const void* time, uint32_t* second, uint32_t third) {
  return syscall(SYS_futex, at, op, value, time, second, third);
}
static pid_t tid(void) { return syscall(SYS_gettid); }
// The word, with whose number it has.
static void show(const char* name) {
  uint32_t value = __atomic_load_n(word, __ATOMIC_SEQ_CST), owner = value & FUTEX_TID_MASK;
  say("ok %s: %s%s%s\n", name, owner == 0 ? "nobody" : owner == (uint32_t)tid() ? "we" : "somebody",
      value & FUTEX_WAITERS ? ", waiters" : "", value & FUTEX_OWNER_DIED ? ", died" : "");
}
static struct timespec after_ms(clockid_t clock, int ms) {
  struct timespec t;
  clock_gettime(clock, &t);
  t.tv_nsec += ms * 1000000L;
  t.tv_sec += t.tv_nsec / 1000000000;
  t.tv_nsec %= 1000000000;
  return t;
}
// In the state of sleep: another thread of ours.
static void until_thread_sleeps(pid_t id) {
  until_asleep(id);
}

struct thread {
  pthread_t thread;
  volatile pid_t id;
  int op, order;
  long result;
  int error;
  volatile int go_on;
  uint32_t seen;
  const struct timespec* until;
  int policy;
};
static volatile int turn;

static void* locks(void* argument) {
  struct thread* t = argument;
  __atomic_store_n(&t->id, tid(), __ATOMIC_SEQ_CST);
  t->result = futex(word, t->op, 0, t->until, NULL, 0);
  t->error = errno;
  if (t->result == 0) {
    t->order = __atomic_add_fetch(&turn, 1, __ATOMIC_SEQ_CST);
    while (!t->go_on) sleep_ms(2);
    futex(word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
  }
  return NULL;
}
static void start(struct thread* t, int op) {
  t->op = op;
  t->id = 0;
  must(-pthread_create(&t->thread, NULL, locks, t));
  while (t->id == 0) sleep_ms(1);
}
static void handler(int signo) { (void)signo; __atomic_add_fetch(&turn, 100, __ATOMIC_SEQ_CST); }

static void raw_calls(int flag) {
  int lock = FUTEX_LOCK_PI | flag, unlock = FUTEX_UNLOCK_PI | flag, try = FUTEX_TRYLOCK_PI | flag;
  *word = 0;
  shows("lock", futex(word, lock, 0, NULL, NULL, 0));
  show("locked");
  shows("again", futex(word, lock, 0, NULL, NULL, 0));
  shows("try again", futex(word, try, 0, NULL, NULL, 0));
  shows("unlock", futex(word, unlock, 0, NULL, NULL, 0));
  show("unlocked");
  shows("unlock again", futex(word, unlock, 0, NULL, NULL, 0));
  shows("try", futex(word, try, 0, NULL, NULL, 0));
  show("tried");
  shows("unlock", futex(word, unlock, 0, NULL, NULL, 0));
  shows("lock2", futex(word, FUTEX_LOCK_PI2 | flag, 0, NULL, NULL, 0));
  shows("unlock", futex(word, unlock, 0, NULL, NULL, 0));
  *word = FUTEX_OWNER_DIED;
  shows("lock after a death", futex(word, lock, 0, NULL, NULL, 0));
  show("it");
  *word = FUTEX_WAITERS;
  shows("lock with waiters that are none", futex(word, lock, 0, NULL, NULL, 0));
  show("it");
  *word = 1 << 29;
  shows("an owner that is none", futex(word, lock, 0, NULL, NULL, 0));
  show("it");
  shows("try with an owner that is none", futex(word, try, 0, NULL, NULL, 0));
  shows("unlock of another's", futex(word, unlock, 0, NULL, NULL, 0));
  *word = tid() | FUTEX_WAITERS;
  shows("unlock with waiters that are none", futex(word, unlock, 0, NULL, NULL, 0));
  show("it");
  shows("misaligned", futex((uint32_t*)((char*)word + 2), lock, 0, NULL, NULL, 0));
  shows("unmapped", futex((uint32_t*)16, lock, 0, NULL, NULL, 0));
  shows("unmapped unlock", futex((uint32_t*)16, unlock, 0, NULL, NULL, 0));
  shows("kernel's", futex((uint32_t*)-4096, lock, 0, NULL, NULL, 0));
  struct timespec bad = {0, 1000000000}, past = {1, 0};
  shows("a bad time", futex(word, lock, 0, &bad, NULL, 0));
  shows("unmapped time", futex(word, lock, 0, (void*)16, NULL, 0));
  shows("with the wall clock", futex(word, lock | FUTEX_CLOCK_REALTIME, 0, NULL, NULL, 0));
  shows("try with the wall clock", futex(word, try | FUTEX_CLOCK_REALTIME, 0, NULL, NULL, 0));
  *word = 0;
  shows("past, but free", futex(word, lock, 0, &past, NULL, 0));
  struct thread one = {.go_on = 1};
  start(&one, lock);
  until_thread_sleeps(one.id);
  show("with one waiter");
  shows("unlock", futex(word, unlock, 0, NULL, NULL, 0));
  pthread_join(one.thread, NULL);
  say("ok the other: %ld\n", one.result);
  show("after it");
  const uint32_t* page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  shows("a read-only word", futex((uint32_t*)page, lock, 0, NULL, NULL, 0));
}

static void waits(int flag) {
  int lock = FUTEX_LOCK_PI | flag, unlock = FUTEX_UNLOCK_PI | flag;
  struct thread threads[3] = {0};
  *word = 0;
  must(futex(word, lock, 0, NULL, NULL, 0));
  turn = 0;
  for (int i = 0; i < 3; i++) {
    start(&threads[i], lock);
    until_thread_sleeps(threads[i].id);
  }
  shows("hand over", futex(word, unlock, 0, NULL, NULL, 0));
  show("handed over");
  shows("try it back", futex(word, FUTEX_TRYLOCK_PI | flag, 0, NULL, NULL, 0));
  for (int i = 0; i < 3; i++) {
    threads[i].go_on = 1;
    pthread_join(threads[i].thread, NULL);
    say("ok thread %d: %ld, turn %d\n", i, threads[i].result, threads[i].order);
  }
  show("at the end");
  *word = 0;
  // Times are absolute: of the wall clock for FUTEX_LOCK_PI.
  must(futex(word, lock, 0, NULL, NULL, 0));
  struct timespec until = after_ms(CLOCK_REALTIME, 50);
  struct thread timed = {.until = &until};
  start(&timed, lock);
  pthread_join(timed.thread, NULL);
  say("ok timed: %s, in time %d\n", strerrorname_np(timed.error), now_ns(CLOCK_REALTIME) >= until.tv_sec * 1000000000 + until.tv_nsec);
  show("after a timeout");
  until = after_ms(CLOCK_MONOTONIC, 50);
  start(&timed, FUTEX_LOCK_PI2 | flag);
  pthread_join(timed.thread, NULL);
  say("ok timed 2: %s, in time %d\n", strerrorname_np(timed.error), now_ns(CLOCK_MONOTONIC) >= until.tv_sec * 1000000000 + until.tv_nsec);
  until = after_ms(CLOCK_REALTIME, 50);
  start(&timed, FUTEX_LOCK_PI2 | FUTEX_CLOCK_REALTIME | flag);
  pthread_join(timed.thread, NULL);
  say("ok timed by the wall clock: %s\n", strerrorname_np(timed.error));
  until = (struct timespec){1, 0};
  start(&timed, lock);
  pthread_join(timed.thread, NULL);
  say("ok past: %s\n", strerrorname_np(timed.error));
  shows("unlock", futex(word, unlock, 0, NULL, NULL, 0));
  // A handler runs, and the wait goes on, whatever SA_RESTART.
  struct sigaction action = {.sa_handler = handler};
  must(sigaction(SIGUSR1, &action, NULL));
  *word = 0;
  turn = 0;
  must(futex(word, lock, 0, NULL, NULL, 0));
  struct thread interrupted = {.go_on = 1};
  start(&interrupted, lock);
  until_thread_sleeps(interrupted.id);
  must(-pthread_kill(interrupted.thread, SIGUSR1));
  while (turn != 100) sleep_ms(1);
  until_thread_sleeps(interrupted.id);
  shows("unlock", futex(word, unlock, 0, NULL, NULL, 0));
  pthread_join(interrupted.thread, NULL);
  say("ok interrupted: %ld, turn %d\n", interrupted.result, turn);
}

// Two locks, two tasks.
static void* crosses(void* argument) {
  struct thread* t = argument;
  futex(other, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0);
  __atomic_store_n(&t->id, tid(), __ATOMIC_SEQ_CST);
  t->result = futex(word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0);
  futex(other, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
  futex(word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
  return NULL;
}
static void deadlock(void) {
  struct thread t = {0};
  *word = *other = 0;
  must(futex(word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0));
  must(-pthread_create(&t.thread, NULL, crosses, &t));
  while (t.id == 0) sleep_ms(1);
  until_thread_sleeps(t.id);
  shows("a circle", futex(other, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0));
  shows("unlock", futex(word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
  pthread_join(t.thread, NULL);
  say("ok it: %ld\n", t.result);
}

static void* dies(void* argument) {
  struct thread* t = argument;
  futex(word, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
  __atomic_store_n(&t->id, tid(), __ATOMIC_SEQ_CST);
  while (!t->go_on) sleep_ms(1);
  return NULL;
}
static void death(void) {
  *word = 0;
  struct thread owner = {0}, waiter = {0};
  must(-pthread_create(&owner.thread, NULL, dies, &owner));
  while (owner.id == 0) sleep_ms(1);
  start(&waiter, FUTEX_LOCK_PI);
  until_thread_sleeps(waiter.id);
  owner.go_on = 1;
  pthread_join(owner.thread, NULL);
  while (waiter.order == 0) sleep_ms(1);
  show("after its owner's end");
  waiter.go_on = 1;
  pthread_join(waiter.thread, NULL);
  say("ok waiter: %ld\n", waiter.result);
  *word = 0;
  owner.id = 0;
  must(-pthread_create(&owner.thread, NULL, dies, &owner));
  pthread_join(owner.thread, NULL);
  shows("of one that ended", futex(word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
  // Another process, killed.
  *word = 0;
  pid_t pid = must(fork());
  if (pid == 0) {
    futex(word, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
    for (;;) pause();
  }
  while (*word == 0) sleep_ms(1);
  waiter = (struct thread){.go_on = 1};
  start(&waiter, FUTEX_LOCK_PI);
  until_thread_sleeps(waiter.id);
  kill(pid, SIGKILL);
  status_of(pid);
  pthread_join(waiter.thread, NULL);
  say("ok of a killed one: %ld\n", waiter.result);
}

static void* conditional(void* argument) {
  struct thread* t = argument;
  __atomic_store_n(&t->id, tid(), __ATOMIC_SEQ_CST);
  t->result = futex(other, FUTEX_WAIT_REQUEUE_PI, 5, t->until, word, ~0);
  t->error = errno;
  if (t->result == 0) {
    t->order = __atomic_add_fetch(&turn, 1, __ATOMIC_SEQ_CST);
    t->seen = *word;
    futex(word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
  }
  return NULL;
}
static void requeue(void) {
  *word = 0;
  *other = 5;
  shows("wait, other value", syscall(SYS_futex, other, FUTEX_WAIT_REQUEUE_PI, 4, NULL, word, ~0));
  shows("wait, same words", syscall(SYS_futex, other, FUTEX_WAIT_REQUEUE_PI, 5, NULL, other, ~0));
  shows("requeue, same words", syscall(SYS_futex, other, FUTEX_CMP_REQUEUE_PI, 1, 1, other, 5));
  shows("requeue, two to wake", syscall(SYS_futex, other, FUTEX_CMP_REQUEUE_PI, 2, 1, word, 5));
  shows("requeue, other value", syscall(SYS_futex, other, FUTEX_CMP_REQUEUE_PI, 1, 1, word, 4));
  shows("requeue of nobody", syscall(SYS_futex, other, FUTEX_CMP_REQUEUE_PI, 1, 9, word, 5));
  struct timespec until = after_ms(CLOCK_MONOTONIC, 50);
  shows("wait with a time", syscall(SYS_futex, other, FUTEX_WAIT_REQUEUE_PI, 5, &until, word, ~0));
  struct thread threads[3] = {0};
  turn = 0;
  must(futex(word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
  for (int i = 0; i < 3; i++) {
    must(-pthread_create(&threads[i].thread, NULL, conditional, &threads[i]));
    while (threads[i].id == 0) sleep_ms(1);
    until_thread_sleeps(threads[i].id);
  }
  *other = 6;
  shows("requeue all", syscall(SYS_futex, other, FUTEX_CMP_REQUEUE_PI, 1, 9, word, 6));
  sleep_ms(50);
  equal("nobody runs yet", turn, 0);
  shows("unlock", futex(word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
  for (int i = 0; i < 3; i++) {
    pthread_join(threads[i].thread, NULL);
    say("ok thread %d: %ld, its own %d\n", i, threads[i].result, (pid_t)(threads[i].seen & FUTEX_TID_MASK) == threads[i].id);
  }
  equal("each had it", turn, 3);
  *other = 5;
  struct thread one = {0};
  must(-pthread_create(&one.thread, NULL, conditional, &one));
  while (one.id == 0) sleep_ms(1);
  until_thread_sleeps(one.id);
  *word = 0;
  shows("one, the mutex free", syscall(SYS_futex, other, FUTEX_CMP_REQUEUE_PI, 1, 0, word, 5));
  pthread_join(one.thread, NULL);
  say("ok it: %ld, its own %d\n", one.result, (pid_t)(one.seen & FUTEX_TID_MASK) == one.id);
}

static pthread_mutex_t* mutex;
static volatile long* count;
static void* adds(void* turns) {
  for (long i = 0; i < (long)turns; i++) {
    pthread_mutex_lock(mutex);
    *count += 1;
    pthread_mutex_unlock(mutex);
  }
  return NULL;
}
static void init(int type, int robust, int shared) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
  pthread_mutexattr_settype(&attributes, type);
  if (robust) pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  if (shared) pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  memset(mutex, 0, sizeof *mutex);
  must(-pthread_mutex_init(mutex, &attributes));
}
static void* locks_and_ends(void* unused) {
  (void)unused;
  pthread_mutex_lock(mutex);
  return NULL;
}
static void* locks_late(void* result) {
  *(int*)result = pthread_mutex_lock(mutex);
  return NULL;
}

static void mutexes(void) {
  init(PTHREAD_MUTEX_ERRORCHECK, 0, 0);
  shows("lock", pthread_mutex_lock(mutex));
  shows("lock again", pthread_mutex_lock(mutex));
  shows("try", pthread_mutex_trylock(mutex));
  shows("unlock", pthread_mutex_unlock(mutex));
  shows("unlock again", pthread_mutex_unlock(mutex));
  init(PTHREAD_MUTEX_NORMAL, 0, 0);
  *count = 0;
  pthread_t threads[4];
  for (int i = 0; i < 4; i++) must(-pthread_create(&threads[i], NULL, adds, (void*)2000));
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  equal("four threads", *count, 8000);
  pthread_mutex_lock(mutex);
  struct timespec until = after_ms(CLOCK_REALTIME, 50);
  pthread_t thread;
  int result = -1;
  shows("timed by oneself", pthread_mutex_timedlock(mutex, &until));
  pthread_mutex_unlock(mutex);
  init(PTHREAD_MUTEX_NORMAL, 0, 1);
  *count = 0;
  pid_t pids[2];
  for (int i = 0; i < 2; i++) {
    pids[i] = must(fork());
    if (pids[i] == 0) {
      adds((void*)2000);
      _exit(0);
    }
  }
  adds((void*)2000);
  for (int i = 0; i < 2; i++) status_of(pids[i]);
  equal("three processes", *count, 6000);
  // Robust ones: of a thread that ended, with and without somebody who waits.
  for (int shared = 0; shared < 2; shared++) {
    init(PTHREAD_MUTEX_NORMAL, 1, shared);
    must(-pthread_create(&thread, NULL, locks_and_ends, NULL));
    pthread_join(thread, NULL);
    shows("of a thread that ended", pthread_mutex_lock(mutex));
    shows("made consistent", pthread_mutex_consistent(mutex));
    shows("unlocked", pthread_mutex_unlock(mutex));
    shows("as ever", pthread_mutex_lock(mutex));
    must(-pthread_create(&thread, NULL, locks_late, &result));
    sleep_ms(50);
    pthread_mutex_unlock(mutex);
    pthread_join(thread, NULL);
    shows("of a waiter that ended", pthread_mutex_lock(mutex));
    shows("left inconsistent", pthread_mutex_unlock(mutex));
    shows("is lost", pthread_mutex_lock(mutex));
  }
  init(PTHREAD_MUTEX_NORMAL, 1, 1);
  pid_t pid = must(fork());
  if (pid == 0) {
    pthread_mutex_lock(mutex);
    *count = -1;
    for (;;) {}
  }
  while (*count != -1) sleep_ms(1);
  must(-pthread_create(&thread, NULL, locks_late, &result));
  sleep_ms(50);
  kill(pid, SIGKILL);
  status_of(pid);
  pthread_join(thread, NULL);
  say("ok waiting for one that was killed: %s\n", strerrorname_np(result));
  init(PTHREAD_MUTEX_NORMAL, 1, 1);
  pid = must(fork());
  if (pid == 0) {
    pthread_mutex_lock(mutex);
    _exit(0);
  }
  status_of(pid);
  shows("of a process that ended", pthread_mutex_lock(mutex));
  // Conditions with such a mutex.
  init(PTHREAD_MUTEX_NORMAL, 0, 0);
  pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
  pthread_mutex_lock(mutex);
  until = after_ms(CLOCK_REALTIME, 30);
  shows("a condition's time", pthread_cond_timedwait(&condition, mutex, &until));
  pthread_mutex_unlock(mutex);
}

int main(void) {
  char* shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  word = (uint32_t*)shared;
  other = word + 16;
  mutex = (pthread_mutex_t*)(shared + 256);
  count = (long*)(shared + 512);
  raw_calls(0);
  waits(0);
  uint32_t* mine = malloc(128);
  word = mine;
  raw_calls(FUTEX_PRIVATE_FLAG);
  waits(FUTEX_PRIVATE_FLAG);
  raw_calls(0);
  word = (uint32_t*)shared;
  deadlock();
  death();
  requeue();
  mutexes();
  return check_done();
}
