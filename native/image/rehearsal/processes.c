// Processes, threads and signals.
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rehearsal.h"

static volatile int hits;

static void on_signal(int signal) {
  hits += signal != 0;
}

void spawn(char* self) {
  char *arguments[] = {self, "nothing", NULL}, *nothing[] = {NULL};
  TIMES(20) {
    pid_t child;
    siginfo_t info;
    posix_spawn(&child, i % 4 < 2 ? self : DYNAMIC, NULL, NULL, arguments, nothing);
    if (i % 2 == 0)
      waitid(P_PID, (id_t)child, &info, WEXITED);
    while (waitpid(-1, NULL, 0) > 0)
      ;
  }
}

// As a shell waits for its jobs.
void wait_by_signals(void) {
  struct sigaction action = {.sa_handler = on_signal};
  sigset_t mask, none;
  sigemptyset(&none);
  sigemptyset(&mask);
  sigaddset(&mask, SIGCHLD);
  sigaction(SIGCHLD, &action, NULL);
  TIMES(30) {
    sigprocmask(SIG_BLOCK, &mask, NULL);
    pid_t child = fork();
    if (child == 0) {
      setpgid(0, 0);
      _exit(1);
    }
    setpgid(child, child);
    while (waitpid(-1, NULL, WNOHANG) == 0)
      sigsuspend(&none);
    sigprocmask(SIG_UNBLOCK, &mask, NULL);
    child = fork();
    if (child == 0)
      pause();
    kill(child, i % 2 == 0 ? SIGTERM : SIGKILL);
    waitpid(child, NULL, 0);
    kill(-getpgrp(), 0);
  }
  signal(SIGCHLD, SIG_DFL);
}

static void* lock_often(void* mutex) {
  TIMES(500) {
    pthread_mutex_lock(mutex);
    hits++;
    if (i % 50 == 0)
      sched_yield();
    pthread_mutex_unlock(mutex);
  }
  return NULL;
}

void processes(char* self) {
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigaction(SIGUSR1, &action, NULL);
  TIMES(100) {
    kill(getpid(), SIGUSR1);
  }
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  TIMES(30) {
    pthread_t one, two;
    pthread_create(&one, NULL, lock_often, &mutex);
    pthread_create(&two, NULL, lock_often, &mutex);
    pthread_join(one, NULL);
    pthread_join(two, NULL);
  }
  TIMES(60) {
    int ends[2], status;
    pipe(ends);
    pid_t child = i % 3 == 0 ? vfork() : fork();
    if (child == 0) {
      if (i % 3 != 0) {
        close(ends[0]);
        dup2(ends[1], 1);
        close(ends[1]);
        setpgid(0, 0);
      }
      if (i % 4 != 3)
        execl(i % 2 == 0 ? self : DYNAMIC, self, "nothing", NULL);
      _exit(i);
    }
    close(ends[1]);
    while (read(ends[0], buffer, 512) > 0)
      ;
    close(ends[0]);
    waitpid(child, &status, 0);
  }
}
