// Many threads change one address space at once: nobody's memory is given away or lost.
// build: static -pthread
#include "../check.h"
#include <pthread.h>

#define PAGE 4096UL
#define RW (PROT_READ | PROT_WRITE)
#define THREADS 8
#define ROUNDS 400

static int fd;
static volatile int wrong;

// Maps, stamps, checks and unmaps: another thread's memory in the place of ours would carry its stamp.
static void *worker(void *arg) {
  long id = (long)arg;
  unsigned seed = (unsigned)id * 7919 + 1;
  char *mine[8] = {0};
  long size[8];
  int private[8];
  for (int round = 0; round < ROUNDS; round++) {
    int i = rand_r(&seed) % 8;
    if (mine[i]) {
      for (long k = 0; k < size[i]; k++)
        if (mine[i][k * PAGE] != (char)(id * 8 + i)) wrong = 1;
      if (private[i] && rand_r(&seed) % 3 == 0) {
        char *moved = mremap(mine[i], size[i] * PAGE, (size[i] + 2) * PAGE, MREMAP_MAYMOVE);
        if (moved == MAP_FAILED) {
          wrong = 2;
          break;
        }
        mine[i] = moved;
        memset(moved + size[i] * PAGE, (int)(id * 8 + i), 2 * PAGE);
        size[i] += 2;
        continue;
      }
      if (munmap(mine[i], size[i] * PAGE) != 0) wrong = 3;
      mine[i] = 0;
    } else {
      size[i] = 1 + rand_r(&seed) % 6;
      private[i] = rand_r(&seed) % 4 != 0;
      mine[i] = mmap(0, size[i] * PAGE, RW, (private[i] ? MAP_PRIVATE : MAP_SHARED) | MAP_ANONYMOUS, -1, 0);
      if (mine[i] == MAP_FAILED) {
        wrong = 4;
        break;
      }
      if (mine[i][0] != 0) wrong = 5;
      memset(mine[i], (int)(id * 8 + i), size[i] * PAGE);
      if (mprotect(mine[i], PAGE, PROT_READ) != 0 || mprotect(mine[i], PAGE, RW) != 0) wrong = 6;
    }
    if (round % 16 == 0) {
      // Each thread maps its own page of the file: descriptors must not get mixed up.
      char *page = mmap(0, PAGE, PROT_READ, MAP_PRIVATE, fd, id * (long)PAGE);
      if (page == MAP_FAILED || page[0] != (char)('A' + id)) wrong = 7;
      munmap(page, PAGE);
    }
  }
  for (int i = 0; i < 8; i++)
    if (mine[i]) munmap(mine[i], size[i] * PAGE);
  return 0;
}

static void *allocator(void *arg) {
  unsigned seed = (unsigned)(long)arg + 99;
  for (int i = 0; i < 300; i++) {
    long n = 1 + rand_r(&seed) % 300000;
    char *p = malloc(n);
    memset(p, (char)n, n);
    if (p[n - 1] != (char)n) wrong = 8;
    free(p);
  }
  return 0;
}

static volatile int stop;

static void *forker(void *arg) {
  (void)arg;
  for (int i = 0; i < 20 && !stop; i++) {
    pid_t pid = fork();
    if (pid == 0) {
      char *page = mmap(0, PAGE, PROT_READ, MAP_PRIVATE, fd, 2 * PAGE);
      _exit(page != MAP_FAILED && page[0] == 'C' ? 0 : 1);
    }
    if (status_of(pid) != 0) wrong = 9;
  }
  return 0;
}

int main(void) {
  fd = must(memfd_create("pages", 0));
  for (int i = 0; i < THREADS; i++) must(pwrite(fd, (char[]){(char)('A' + i)}, 1, i * (long)PAGE));
  must(ftruncate(fd, THREADS * PAGE));
  pthread_t t[THREADS];
  for (long i = 0; i < THREADS; i++) equal("start", pthread_create(&t[i], 0, worker, (void *)i), 0);
  for (int i = 0; i < THREADS; i++) pthread_join(t[i], 0);
  equal("mapping threads", wrong, 0);
  for (long i = 0; i < THREADS; i++) pthread_create(&t[i], 0, allocator, (void *)i);
  for (int i = 0; i < THREADS; i++) pthread_join(t[i], 0);
  equal("allocating threads", wrong, 0);
  pthread_t f;
  pthread_create(&f, 0, forker, 0);
  for (long i = 0; i < 4; i++) pthread_create(&t[i], 0, worker, (void *)i);
  for (int i = 0; i < 4; i++) pthread_join(t[i], 0);
  pthread_join(f, 0);
  equal("forking among them", wrong, 0);
  return check_done();
}
