// msync(2), mincore(2), and that mappings and read(2)/write(2) see the same file.
// build: static
// files
#include "../check.h"

#define PAGE 4096UL
#define RW (PROT_READ | PROT_WRITE)

static void syncs(void) {
  int fd = must(open("file", O_RDWR | O_CREAT | O_TRUNC, 0600));
  must(ftruncate(fd, 4 * PAGE));
  char *p = mmap(0, 4 * PAGE, RW, MAP_SHARED, fd, 0);
  p[10] = 'a';
  succeeds("sync", msync(p, 4 * PAGE, MS_SYNC));
  succeeds("async", msync(p, 4 * PAGE, MS_ASYNC));
  succeeds("invalidate", msync(p, 4 * PAGE, MS_INVALIDATE));
  succeeds("sync and invalidate", msync(p, 4 * PAGE, MS_SYNC | MS_INVALIDATE));
  succeeds("no flags", msync(p, 4 * PAGE, 0));
  succeeds("length 0", msync(p, 0, MS_SYNC));
  fails("both", msync(p, PAGE, MS_SYNC | MS_ASYNC), EINVAL);
  fails("unknown flag", msync(p, PAGE, 0x10), EINVAL);
  fails("in a page", msync(p + 1, PAGE, MS_SYNC), EINVAL);
  fails("length that wraps", msync(p, -PAGE, MS_SYNC), ENOMEM);
  must(munmap(p + PAGE, PAGE));
  fails("over a hole", msync(p, 4 * PAGE, MS_SYNC), ENOMEM);
  fails("over a hole, async", msync(p, 4 * PAGE, MS_ASYNC), ENOMEM);
  must(mlock(p, PAGE));
  fails("invalidate locked pages", msync(p, PAGE, MS_INVALIDATE), EBUSY);
  must(munlock(p, PAGE));
  char c;
  must(pread(fd, &c, 1, 10));
  equal("in the file", c, 'a');
  char *anonymous = mmap(0, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  succeeds("anonymous memory", msync(anonymous, PAGE, MS_SYNC));
  close(fd);
}

static void coherent(void) {
  int fd = must(open("file", O_RDWR | O_CREAT | O_TRUNC, 0600));
  must(write(fd, "hello", 5));
  char *shared = mmap(0, 2 * PAGE, RW, MAP_SHARED, fd, 0);
  char *private = mmap(0, PAGE, RW, MAP_PRIVATE, fd, 0);
  equal("the file's content", memcmp(shared, "hello", 6), 0);
  must(pwrite(fd, "J", 1, 0));
  equal("write(2) is seen by a shared mapping", shared[0], 'J');
  equal("and by a private one not yet written", private[0], 'J');
  private[0] = 'P';
  must(pwrite(fd, "K", 1, 0));
  equal("a written private page is its own", private[0], 'P');
  shared[1] = 'E';
  char text[6] = {0};
  must(pread(fd, text, 5, 0));
  same_text("read(2) sees the mapping's writes", text, "KEllo");
  must(ftruncate(fd, PAGE + 3));
  shared[PAGE + 1] = 'z';
  must(pread(fd, text, 1, PAGE + 1));
  equal("the file grew under the mapping", text[0], 'z');
  shared[PAGE + 100] = 'q';
  must(ftruncate(fd, 2 * PAGE));
  pid_t pid = fork();
  if (pid == 0) {
    shared[2] = 'C';
    _exit(0);
  }
  equal("child writes", status_of(pid), 0);
  equal("the parent sees it", shared[2], 'C');
  must(ftruncate(fd, 0));
  pid = fork();
  if (pid == 0) {
    (void)*(volatile char *)shared;
    _exit(0);
  }
  equal("beyond the file's end: SIGBUS", status_of(pid), 1000 + SIGBUS);
  fails("read(2) into it", read(open("/dev/zero", O_RDONLY), shared, 1), EFAULT);
  int other = must(open("file2", O_RDWR | O_CREAT, 0600));
  fails("write(2) from it", write(other, shared, 1), EFAULT);
  must(unlink("file"));
  must(ftruncate(fd, PAGE));
  must(pwrite(fd, "alive", 5, 0));
  close(fd);
  equal("unlinked and closed it lives on", memcmp(shared, "alive", 5), 0);
}

static void resident(void) {
  char *p = mmap(0, 8 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  unsigned char v[8];
  must(madvise(p, 8 * PAGE, MADV_NOHUGEPAGE));
  p[0] = p[3 * PAGE] = 1;
  succeeds("mincore", mincore(p, 8 * PAGE, v));
  int right = 1;
  for (int i = 0; i < 8; i++) right &= (v[i] & 1) == (i == 0 || i == 3);
  holds("tells touched pages from others", right);
  fails("in a page", mincore(p + 1, PAGE, v), EINVAL);
  succeeds("length is rounded up", mincore(p, 1, v));
  succeeds("length 0", mincore(p, 0, v));
  fails("bad vector", mincore(p, PAGE, (unsigned char *)8), EFAULT);
  must(munmap(p + 4 * PAGE, PAGE));
  fails("over a hole", mincore(p, 8 * PAGE, v), ENOMEM);
  fails("beyond the end", mincore((void *)(1UL << 62), PAGE, v), ENOMEM);
}

int main(void) {
  enter_directory("msync");
  syncs();
  coherent();
  resident();
  return check_done();
}
