// futex(2): each operation, timeouts, bitsets, requeueing, across processes, signals, errnos.
// build: -pthread
#include "../check.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sys/time.h>

static long futex(void* word, int op, unsigned value, void* timeout, void* word2, unsigned value3) {
  return syscall(SYS_futex, word, op, value, timeout, word2, value3);
}

static int word, word2;
static volatile int woken;

static void* waiter(void* argument) {
  int op = (int)(long)argument;
  if (futex(&word, op, 0, NULL, NULL, 0) == 0) __sync_fetch_and_add(&woken, 1);
  return NULL;
}
static void* bitset_waiter(void* argument) {
  if (futex(&word, FUTEX_WAIT_BITSET, 0, NULL, NULL, (unsigned)(long)argument) == 0)
    __sync_fetch_and_add(&woken, (int)(long)argument);
  return NULL;
}
static void handler(int signal) { (void)signal; }

// Until so many wait for the word: they are counted by moving them to another one, and back.
static void until_waiting(int count, int private) {
  static int aside;
  int op = FUTEX_CMP_REQUEUE | private;
  for (int i = 0; i < 12000; i++) {
    long there = futex(&word, op, 0, (void*)100L, &aside, 0);
    futex(&aside, op, 0, (void*)100L, &word, 0);
    if (there == count) return;
    sleep_ms(5);
  }
}

// The handler again and again: the first time may be too early.
static void interrupt_often(long us) {
  struct itimerval timer = {.it_value = {0, us}, .it_interval = {0, us}};
  must(setitimer(ITIMER_REAL, &timer, NULL));
}

static void wait_woken(int count) {
  for (int i = 0; woken < count && i < 60000; i++) sleep_ms(1);
  sleep_ms(5);
}

int main(void) {
  struct timespec short_time = {0, 20000000}, bad = {0, 1000000000}, negative = {-1, 0};
  pthread_t threads[8];
  fails("another value", futex(&word, FUTEX_WAIT, 1, NULL, NULL, 0), EAGAIN);
  long start = now_ns(CLOCK_MONOTONIC);
  fails("a timeout", futex(&word, FUTEX_WAIT, 0, &short_time, NULL, 0), ETIMEDOUT);
  holds("after its time", now_ns(CLOCK_MONOTONIC) - start >= 20000000);
  fails("a bad timeout", futex(&word, FUTEX_WAIT, 0, &bad, NULL, 0), EINVAL);
  fails("a negative timeout", futex(&word, FUTEX_WAIT, 0, &negative, NULL, 0), EINVAL);
  fails("a bad timeout pointer", futex(&word, FUTEX_WAIT, 0, (void*)8, NULL, 0), EFAULT);
  fails("a bad word", futex((void*)8, FUTEX_WAIT, 0, NULL, NULL, 0), EFAULT);
  fails("an odd word", futex((char*)&word + 1, FUTEX_WAIT, 0, NULL, NULL, 0), EINVAL);
  fails("an unknown operation", futex(&word, 99, 0, NULL, NULL, 0), ENOSYS);
  fails("an empty bitset", futex(&word, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0), EINVAL);
  equal("nobody to wake", futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0), 0);
  struct timespec past = {1, 0};
  fails("absolute, in the past", futex(&word, FUTEX_WAIT_BITSET, 0, &past, NULL, ~0U), ETIMEDOUT);
  fails("absolute realtime, in the past", futex(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &past, NULL, ~0U),
        ETIMEDOUT);

  int ops[] = {FUTEX_WAIT, FUTEX_WAIT | FUTEX_PRIVATE_FLAG};
  for (int k = 0; k < 2; k++) {
    int wake = FUTEX_WAKE | (ops[k] & FUTEX_PRIVATE_FLAG);
    woken = 0;
    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, waiter, (void*)(long)ops[k]);
    until_waiting(4, ops[k] & FUTEX_PRIVATE_FLAG);
    equal("wake one", futex(&word, wake, 1, NULL, NULL, 0), 1);
    wait_woken(1);
    equal("one woke", woken, 1);
    equal("wake the rest", futex(&word, wake, 100, NULL, NULL, 0), 3);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    equal("all woke", woken, 4);
  }

  woken = 0;
  for (int i = 0; i < 3; i++) pthread_create(&threads[i], NULL, bitset_waiter, (void*)(1L << i));
  until_waiting(3, 0);
  equal("wake by bitset", futex(&word, FUTEX_WAKE_BITSET, 10, NULL, NULL, 2), 1);
  wait_woken(2);
  equal("the right one woke", woken, 2);
  equal("wake by two bits", futex(&word, FUTEX_WAKE_BITSET, 10, NULL, NULL, 5), 2);
  for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);

  woken = 0;
  for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, waiter, (void*)(long)FUTEX_WAIT);
  until_waiting(4, 0);
  fails("cmp_requeue with another value", futex(&word, FUTEX_CMP_REQUEUE, 1, (void*)10L, &word2, 5), EAGAIN);
  equal("cmp_requeue", futex(&word, FUTEX_CMP_REQUEUE, 1, (void*)10L, &word2, 0), 4);
  wait_woken(1);
  equal("one woke", woken, 1);
  equal("none is left here", futex(&word, FUTEX_WAKE, 10, NULL, NULL, 0), 0);
  equal("the rest is there", futex(&word2, FUTEX_WAKE, 10, NULL, NULL, 0), 3);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);

  woken = 0;
  pthread_create(&threads[0], NULL, waiter, (void*)(long)FUTEX_WAIT);
  until_waiting(1, 0);
  word2 = 5;
  equal("wake_op", futex(&word, FUTEX_WAKE_OP, 1, (void*)1L, &word2, FUTEX_OP(FUTEX_OP_ADD, 3, FUTEX_OP_CMP_EQ, 5)), 1);
  equal("its operation", word2, 8);
  pthread_join(threads[0], NULL);

  int* shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pid_t pid = must(fork());
  if (pid == 0) _exit(futex(shared, FUTEX_WAIT, 0, NULL, NULL, 0) == 0 ? 0 : 1);
  int result = 0;
  for (int i = 0; i < 12000 && result == 0; i++) {
    sleep_ms(5);
    result = futex(shared, FUTEX_WAKE, 1, NULL, NULL, 0);
  }
  equal("wakes another process", result, 1);
  equal("which ends", status_of(pid), 0);

  struct sigaction action = {.sa_handler = handler};
  sigaction(SIGALRM, &action, NULL);
  interrupt_often(30000);
  fails("a signal ends the wait", futex(&word, FUTEX_WAIT, 0, NULL, NULL, 0), EINTR);
  action.sa_flags = SA_RESTART;
  sigaction(SIGALRM, &action, NULL);
  struct timespec longer = {100, 0};
  fails("a timed wait never restarts", futex(&word, FUTEX_WAIT, 0, &longer, NULL, 0), EINTR);
  interrupt_often(0);
  long head = 0, length = 0;
  succeeds("get_robust_list", syscall(SYS_get_robust_list, 0, &head, &length));
  equal("its length", length, 24);
  fails("set_robust_list of another length", syscall(SYS_set_robust_list, &head, 8), EINVAL);
  return check_done();
}
