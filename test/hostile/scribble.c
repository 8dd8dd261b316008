// Writes over the memory of the platform in this process: every page of the slot region, with several patterns, from
// threads that make calls meanwhile. Nothing is expected of this program but that it harms only itself.
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static __thread sigjmp_buf jump;
static void on_fault(int signal) {
  (void)signal;
  siglongjmp(jump, 1);
}

static void* caller(void* argument) {
  char buffer[100];
  for (;;) {
    getppid();
    if (write(-1, buffer, sizeof buffer) == 0) break;
  }
  return argument;
}

static uint64_t state = 88172645463325252ULL;
static uint64_t next(void) {
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}

int main(int argc, char** argv) {
  state += argc > 1 ? strtoul(argv[1], NULL, 10) * 7919 : 0;
  int pattern = argc > 1 ? atoi(argv[1]) % 4 : 0;
  for (int s = 1; s < 32; s++) signal(s, on_fault);
  alarm(5);
  pthread_t threads[3];
  for (int i = 0; i < 3; i++) pthread_create(&threads[i], NULL, caller, NULL);
  const uintptr_t start = 0x7fff10000000UL, size = 64UL << 20;
  for (int round = 0; round < 3; round++) {
    for (uintptr_t at = start; at < start + size; at += 4096) {
      if (sigsetjmp(jump, 1) != 0) continue;
      volatile uint64_t* words = (volatile uint64_t*)at;
      for (int i = 0; i < 512; i++) {
        if (pattern == 0) words[i] = ~0UL;
        else if (pattern == 1) words[i] = 0;
        else if (pattern == 2) words[i] = next();
        else if (i < 64 && next() % 8 == 0) words[i] = next() >> (next() % 64);
      }
    }
  }
  printf("survived\n");
  return 0;
}
