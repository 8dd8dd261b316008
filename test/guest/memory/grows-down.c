// MAP_GROWSDOWN: a stack grows by faults, keeps its distance and its limit.
// build: static
#include "../check.h"
#include <sys/resource.h>

#define PAGE 4096UL
#define RW (PROT_READ | PROT_WRITE)

static char *stack;

static char *make(unsigned long room) {
  char *p = mmap(0, room + PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  must(munmap(p, room + PAGE));
  char *s = mmap(p + room, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN, -1, 0);
  if (s == MAP_FAILED) exit(1);
  return s;
}

static int child_touches(volatile char *p) {
  pid_t pid = fork();
  if (pid == 0) {
    *p = 1;
    _exit(*p != 1);
  }
  return status_of(pid);
}

int main(void) {
  stack = make(64 << 20);
  stack[0] = 's';
  equal("the page below", child_touches(stack - 1), 0);
  equal("ten pages below", child_touches(stack - 10 * PAGE), 0);
  equal("a megabyte below", child_touches(stack - (1 << 20)), 0);
  equal("beyond RLIMIT_STACK", child_touches(stack - (32 << 20)), 1000 + SIGSEGV);
  pid_t pid = fork();
  if (pid == 0) {
    for (int i = 1; i <= 100; i++) stack[-i * (long)PAGE] = (char)i;
    for (int i = 1; i <= 100; i++)
      if (stack[-i * (long)PAGE] != (char)i) _exit(1);
    _exit(stack[0] != 's' || stack[-5 * (long)PAGE + 1] != 0);
  }
  equal("grows page by page", status_of(pid), 0);
  // A neighbour within the gap.
  char *near = stack - (1 << 20) - 8 * PAGE;
  must((long)mmap(near, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
  equal("not towards a neighbour", child_touches(stack - 16 * PAGE), 1000 + SIGSEGV);
  equal("but as long as a megabyte stays", child_touches(stack - 6 * PAGE), 0);
  return check_done();
}
