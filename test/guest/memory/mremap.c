// mremap(2): shrinking, growing in place and by moving, fixed places, duplicates, MREMAP_DONTUNMAP.
// build: static
#include "../check.h"

#define PAGE 4096UL
#define RW (PROT_READ | PROT_WRITE)
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

// `n` pages with a hole on either side, so that they are an area of their own.
static char *pages(int n) {
  char *p = mmap(0, (n + 2) * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) exit(1);
  must(munmap(p, PAGE));
  must(munmap(p + (n + 1) * PAGE, PAGE));
  p += PAGE;
  for (int i = 0; i < n; i++) p[i * PAGE] = (char)('a' + i);
  return p;
}

// A place with `n` free pages.
static char *hole(int n) {
  char *p = mmap(0, n * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  must(munmap(p, n * PAGE));
  return p;
}

static long remap(void *old, long old_len, long new_len, int flags, void *place) {
  return syscall(SYS_mremap, old, old_len, new_len, flags, place);
}

// Mapped according to mincore(2)?
static int mapped(char *p) {
  unsigned char v;
  return mincore(p, PAGE, &v) == 0;
}

static void errors(void) {
  char *p = pages(4);
  char *free_place = hole(8);
  fails("in a page", remap(p + 1, PAGE, PAGE, 0, 0), EINVAL);
  fails("unknown flag", remap(p, PAGE, PAGE, 8, 0), EINVAL);
  fails("new size 0", remap(p, PAGE, 0, 0, 0), EINVAL);
  fails("fixed without maymove", remap(p, PAGE, PAGE, MREMAP_FIXED, free_place), EINVAL);
  fails("fixed in a page", remap(p, PAGE, PAGE, MREMAP_FIXED | MREMAP_MAYMOVE, free_place + 1), EINVAL);
  fails("fixed over itself", remap(p, 2 * PAGE, 2 * PAGE, MREMAP_FIXED | MREMAP_MAYMOVE, p + PAGE), EINVAL);
  fails("fixed beyond the end", remap(p, PAGE, PAGE, MREMAP_FIXED | MREMAP_MAYMOVE, (void *)(1UL << ADDRESS_BITS)), EINVAL);
  fails("dontunmap without maymove", remap(p, PAGE, PAGE, MREMAP_DONTUNMAP, 0), EINVAL);
  fails("dontunmap with another size", remap(p, PAGE, 2 * PAGE, MREMAP_DONTUNMAP | MREMAP_MAYMOVE, 0), EINVAL);
  fails("nothing there", remap(free_place, PAGE, 2 * PAGE, MREMAP_MAYMOVE, 0), EFAULT);
  fails("grows beyond its area", remap(p, 5 * PAGE, 6 * PAGE, MREMAP_MAYMOVE, 0), EFAULT);
  fails("private with size 0", remap(p, 0, PAGE, MREMAP_MAYMOVE, 0), EINVAL);
  fails("no room and no maymove", remap(p, PAGE, 8 * PAGE, 0, 0), ENOMEM);
  fails("more than there is", remap(p, PAGE, 1L << 62, MREMAP_MAYMOVE, 0), EINVAL);
  equal("same size stays", remap(p, 4 * PAGE, 4 * PAGE, 0, 0), (long)p);
  equal("sizes are rounded up", remap(p, 4 * PAGE - 5, 4 * PAGE - 9, 0, 0), (long)p);
}

static void sizes(void) {
  char *p = pages(8);
  equal("shrink", remap(p, 8 * PAGE, 3 * PAGE, 0, 0), (long)p);
  holds("the tail is gone", !mapped(p + 3 * PAGE) && mapped(p + 2 * PAGE));
  equal("grow in place", remap(p, 3 * PAGE, 6 * PAGE, 0, 0), (long)p);
  equal("kept", p[2 * PAGE], 'c');
  equal("new pages are zero", p[4 * PAGE], 0);
  p[5 * PAGE] = 'x';
  must((long)mmap(p + 6 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
  char *q = (char *)succeeds("grow by moving", remap(p, 6 * PAGE, 20 * PAGE, MREMAP_MAYMOVE, 0));
  holds("elsewhere", q != p && !mapped(p));
  equal("content moved", q[PAGE], 'b');
  equal("all of it", q[5 * PAGE], 'x');
  equal("zero behind it", q[19 * PAGE], 0);
  // Only a part of an area.
  char *r = (char *)succeeds("move the middle", remap(q + PAGE, PAGE, 3 * PAGE, MREMAP_MAYMOVE, 0));
  equal("its content", r[0], 'b');
  holds("leaves a hole", !mapped(q + PAGE) && mapped(q) && mapped(q + 2 * PAGE));
}

static void fixed(void) {
  char *p = pages(4);
  char *place = hole(8);
  char *q = (char *)succeeds("to a free place", remap(p, 2 * PAGE, 2 * PAGE, MREMAP_FIXED | MREMAP_MAYMOVE, place));
  holds("there", q == place && q[PAGE] == 'b' && !mapped(p) && mapped(p + 2 * PAGE));
  char *target = pages(4);
  q = (char *)succeeds("over a mapping", remap(p + 2 * PAGE, PAGE, 2 * PAGE, MREMAP_FIXED | MREMAP_MAYMOVE, target + PAGE));
  holds("replaces it", q == target + PAGE && q[0] == 'c' && q[PAGE] == 0 && target[0] == 'a' && target[3 * PAGE] == 'd');
  char *s = pages(4);
  char *t = hole(4);
  succeeds("shrinks on the way", remap(s, 4 * PAGE, PAGE, MREMAP_FIXED | MREMAP_MAYMOVE, t));
  holds("source is gone, size is right", !mapped(s) && !mapped(s + 3 * PAGE) && mapped(t) && !mapped(t + PAGE));
}

static void duplicates(void) {
  char *p = mmap(0, 2 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  p[0] = 'm';
  char *q = (char *)succeeds("a second view", remap(p, 0, 2 * PAGE, MREMAP_MAYMOVE, 0));
  equal("same content", q[0], 'm');
  q[1] = 'n';
  equal("same memory", p[1], 'n');
  must(munmap(p, 2 * PAGE));
  equal("lives on", q[1], 'n');
  char *place = hole(2);
  equal("at a fixed place", remap(q, 0, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place), (long)place);
  equal("too", place[1], 'n');
}

static void dont_unmap(void) {
  char *p = pages(3);
  char *q = (char *)succeeds("dontunmap", remap(p, 3 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0));
  holds("moved", q != p && q[PAGE] == 'b');
  holds("and empty behind", mapped(p) && p[PAGE] == 0);
  char *place = hole(3);
  int flags = MREMAP_MAYMOVE | MREMAP_DONTUNMAP | MREMAP_FIXED;
  equal("to a fixed place", remap(q, 3 * PAGE, 3 * PAGE, flags, place), (long)place);
  equal("with its content", place[2 * PAGE], 'c');
}

static void files(void) {
  int fd = memfd_create("f", 0);
  must(ftruncate(fd, 8 * PAGE));
  for (int i = 0; i < 8; i++) must(pwrite(fd, (char[]){(char)('A' + i)}, 1, i * PAGE));
  char *p = mmap(0, 2 * PAGE, RW, MAP_SHARED, fd, 2 * PAGE);
  char *q = (char *)succeeds("file grows", remap(p, 2 * PAGE, 6 * PAGE, MREMAP_MAYMOVE, 0));
  equal("first page", q[0], 'C');
  equal("page of the file behind", q[5 * PAGE], 'H');
  q[5 * PAGE] = 'h';
  char c;
  must(pread(fd, &c, 1, 7 * PAGE));
  equal("written to the file", c, 'h');
  char *r = (char *)succeeds("part of a file's mapping", remap(q + 3 * PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE, 0));
  equal("keeps its offset", r[0], 'F');
  equal("and goes on from it", r[PAGE], 'G');
}

int main(void) {
  errors();
  sizes();
  fixed();
  duplicates();
  dont_unmap();
  files();
  return check_done();
}
