// brk(2): the break moves byte by byte, memory by pages; limits and neighbours stop it.
// build: static
#include "../check.h"
#include <sys/resource.h>

#define PAGE 4096L

static long brk_to(long to) { return syscall(SYS_brk, to); }

int main(void) {
  long start = brk_to(0);
  holds("there is a break", start > 0);
  equal("it does not go below its start", brk_to(1), start);
  long end = start + 5 * PAGE;
  equal("grows", brk_to(end), end);
  volatile char *p = (char *)start;
  int zero = 1;
  for (long i = 0; i < 5 * PAGE; i++) zero &= p[i] == 0;
  holds("new memory is zero", zero);
  p[0] = p[5 * PAGE - 1] = 'x';
  equal("by one byte", brk_to(end + 1), end + 1);
  long page_end = (end + PAGE) & -PAGE;
  ((volatile char *)page_end)[-1] = 1;
  equal("back by one", brk_to(end), end);
  equal("kept", p[5 * PAGE - 1], 'x');
  equal("shrinks", brk_to(start + PAGE), start + PAGE);
  equal("grows again", brk_to(end), end);
  equal("and is zero again", p[5 * PAGE - 1], 0);
  equal("first page kept", p[0], 'x');
  equal("impossible sizes change nothing", brk_to(1L << 46), end);
  equal("nor does the end of the address space", brk_to(-PAGE), end);
  // A mapping in the way.
  long wall = ((end + PAGE) & -PAGE) + 16 * PAGE;
  must((long)mmap((void *)wall, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
  equal("stops at a mapping", brk_to(wall + PAGE), end);
  equal("a page is kept free below it", brk_to(wall - PAGE + 1), end);
  wall -= PAGE;
  equal("up to there is room", brk_to(wall), wall);
  must(munmap((void *)(wall + PAGE), PAGE));
  pid_t pid = fork();
  if (pid == 0) {
    p[1] = 'c';
    if (brk_to(0) != wall) _exit(1);
    if (brk_to(wall + 8 * PAGE) != wall + 8 * PAGE) _exit(2);
    struct rlimit r = {1 << 20, 1 << 20};
    setrlimit(RLIMIT_DATA, &r);
    if (brk_to(wall + (4 << 20)) != wall + 8 * PAGE) _exit(3);
    _exit(0);
  }
  equal("a child has its own, with limits", status_of(pid), 0);
  equal("the parent's is where it was", brk_to(0), wall);
  equal("with its content", p[1], 0);
  void *a = sbrk(0);
  void *b = malloc(100000);
  void *c = malloc(300000);
  memset(b, 1, 100000);
  memset(c, 1, 300000);
  holds("malloc on top", b != 0 && c != 0 && a != 0);
  return check_done();
}
