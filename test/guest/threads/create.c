// Threads: creation storms, results, ids, thread-local storage, detached ones, ends in every order.
// build: -pthread static
#include "../check.h"
#include <pthread.h>
#include <semaphore.h>

static __thread int local = 7;
static __thread char big_local[4096];

static void* identity(void* argument) { return argument; }

static void* tls(void* argument) {
  int bad = local != 7 || big_local[4095] != 0;
  local = (int)(long)argument;
  memset(big_local, (int)(long)argument, sizeof big_local);
  sched_yield();
  for (int i = 0; i < 4096; i++)
    if (big_local[i] != (char)(long)argument) bad = 1;
  return (void*)(long)(bad || local != (int)(long)argument);
}

static void* ids(void* argument) {
  pid_t* out = argument;
  out[0] = getpid();
  out[1] = syscall(SYS_gettid);
  return NULL;
}

static void* maker(void* argument) {
  long bad = 0;
  for (int i = 0; i < 50; i++) {
    pthread_t thread;
    void* result;
    if (pthread_create(&thread, NULL, identity, (void*)(long)i) != 0) bad++;
    else if (pthread_join(thread, &result) != 0 || result != (void*)(long)i) bad++;
  }
  (void)argument;
  return (void*)bad;
}

static sem_t done;
static void* detached(void* argument) {
  sem_post(&done);
  return argument;
}

static void* leader_gone(void* argument) {
  (void)argument;
  sleep_ms(50);
  char name[32];
  snprintf(name, sizeof name, "/proc/self/task/%d", (int)syscall(SYS_gettid));
  _exit(access(name, F_OK) == 0 ? 21 : 22);
}

static void* exec_in_thread(void* argument) {
  (void)argument;
  char me[16];
  snprintf(me, sizeof me, "%d", getpid());
  execl("/bin/sh", "sh", "-c", "test $$ = $0 && exit 17; exit 18", me, NULL);
  _exit(19);
}

static void* sleeper(void* argument) {
  for (;;) pause();
  return argument;
}

static void* exit_group_thread(void* argument) {
  (void)argument;
  sleep_ms(20);
  exit(23);
}

static void* forker(void* argument) {
  (void)argument;
  long bad = 0;
  for (int i = 0; i < 20; i++) {
    pid_t pid = fork();
    if (pid == 0) _exit(i);
    if (status_of(pid) != i) bad++;
  }
  return (void*)bad;
}

int main(void) {
  pthread_t threads[64];
  void* result;
  int good = 0;
  for (int i = 0; i < 300; i++) {
    if (pthread_create(&threads[0], NULL, identity, (void*)(long)i) != 0) break;
    if (pthread_join(threads[0], &result) == 0 && result == (void*)(long)i) good++;
  }
  equal("create and join three hundred", good, 300);
  good = 0;
  for (int i = 0; i < 64; i++) pthread_create(&threads[i], NULL, tls, (void*)(long)(i + 1));
  for (int i = 0; i < 64; i++) {
    pthread_join(threads[i], &result);
    good += result == NULL;
  }
  equal("sixty-four at once, each with its own locals", good, 64);
  long bad = 0;
  for (int i = 0; i < 8; i++) pthread_create(&threads[i], NULL, maker, NULL);
  for (int i = 0; i < 8; i++) {
    pthread_join(threads[i], &result);
    bad += (long)result;
  }
  equal("threads that make threads", bad, 0);
  pid_t seen[2];
  pthread_create(&threads[0], NULL, ids, seen);
  pthread_join(threads[0], NULL);
  equal("getpid is the process's", seen[0] == getpid(), 1);
  equal("gettid is not", seen[1] != getpid(), 1);
  // pthread_join(3) returns when the thread has left its memory, a moment before its number is free.
  for (int i = 0; i < 1000 && syscall(SYS_tgkill, getpid(), seen[1], 0) == 0; i++) sleep_ms(5);
  fails("the tid is gone", syscall(SYS_tgkill, getpid(), seen[1], 0), ESRCH);

  sem_init(&done, 0, 0);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  for (int i = 0; i < 50; i++) pthread_create(&threads[0], &attributes, detached, NULL);
  for (int i = 0; i < 50; i++) sem_wait(&done);
  equal("detached ones all ran", 1, 1);

  for (int i = 0; i < 8; i++) pthread_create(&threads[i], NULL, forker, NULL);
  bad = 0;
  for (int i = 0; i < 8; i++) {
    pthread_join(threads[i], &result);
    bad += (long)result;
  }
  equal("threads that fork", bad, 0);

  pid_t pid = must(fork());
  if (pid == 0) {
    pthread_create(&threads[0], NULL, leader_gone, NULL);
    pthread_exit(NULL);
  }
  equal("the leader leaves first", status_of(pid), 21);
  pid = must(fork());
  if (pid == 0) {
    pthread_create(&threads[0], NULL, sleeper, NULL);
    pthread_create(&threads[1], NULL, exec_in_thread, NULL);
    for (;;) pause();
  }
  equal("exec in a thread ends the others and keeps the pid", status_of(pid), 17);
  pid = must(fork());
  if (pid == 0) {
    for (int i = 0; i < 5; i++) pthread_create(&threads[i], NULL, sleeper, NULL);
    pthread_create(&threads[5], NULL, exit_group_thread, NULL);
    for (;;) pause();
  }
  equal("exit in a thread ends the process", status_of(pid), 23);
  pid = must(fork());
  if (pid == 0) {
    for (int i = 0; i < 5; i++) pthread_create(&threads[i], NULL, sleeper, NULL);
    sleep_ms(10);
    return 24;
  }
  equal("return from main ends the others", status_of(pid), 24);
  pid = must(fork());
  if (pid == 0) {
    for (int i = 0; i < 5; i++) pthread_create(&threads[i], NULL, sleeper, NULL);
    for (;;) {}
  }
  sleep_ms(30);
  kill(pid, SIGKILL);
  equal("SIGKILL of a process with a busy thread", status_of(pid), 1000 + SIGKILL);
  return check_done();
}
