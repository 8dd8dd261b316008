// Threads of one process that map files and fork at the same moment: each gets its own file, its own child.
// build: static -pthread
#include "../check.h"
#include <pthread.h>

enum { THREADS = 4, ROUNDS = 300, FORKS = 60 };
static int wrong_maps[THREADS], wrong_children[THREADS], done_maps[THREADS];

static void* mapper(void* argument) {
  long me = (long)argument;
  for (int i = 0; i < ROUNDS; i++) {
    char name[] = "/tmp/at-once.XXXXXX";
    int fd = mkstemp(name), mark = i * THREADS + (int)me;
    if (fd < 0 || write(fd, &mark, sizeof mark) != sizeof mark || unlink(name) != 0) return NULL;
    int* at = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED || *at != mark) wrong_maps[me]++;
    else munmap(at, 4096);
    close(fd);
    done_maps[me]++;
  }
  return NULL;
}

static void* forker(void* argument) {
  long me = (long)argument;
  for (int i = 0; i < FORKS; i++) {
    int ends[2], status = 0;
    pid_t told = 0;
    if (pipe(ends) != 0) return NULL;
    pid_t pid = fork();
    if (pid == 0) {
      pid_t own = getpid();
      _exit(write(ends[1], &own, sizeof own) == sizeof own ? 10 + (int)me : 1);
    }
    if (pid < 0 || read(ends[0], &told, sizeof told) != sizeof told || told != pid ||
        waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 10 + me)
      wrong_children[me]++;
    close(ends[0]), close(ends[1]);
  }
  return NULL;
}

static void all(void* (*run)(void*), void* (*other)(void*)) {
  pthread_t threads[THREADS];
  for (long i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, i % 2 ? other : run, (void*)i);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
}

int main(void) {
  all(mapper, mapper);
  all(forker, forker);
  all(mapper, forker);
  for (int i = 0; i < THREADS; i++) {
    equal("maps", done_maps[i], i % 2 ? ROUNDS : 2 * ROUNDS);
    equal("files that were another thread's", wrong_maps[i], 0);
    equal("children that were another thread's", wrong_children[i], 0);
  }
  return check_done();
}
