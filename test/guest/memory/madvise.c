// madvise(2): what each advice does to content, forks and errnos.
// build: static
#include "../check.h"

#define PAGE 4096UL
#define RW (PROT_READ | PROT_WRITE)

static char *pages(int n) {
  char *p = mmap(0, n * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) exit(1);
  memset(p, 'x', n * PAGE);
  return p;
}

static int child_sees(char *p) {
  pid_t pid = fork();
  if (pid == 0) _exit(*(volatile char *)p);
  return status_of(pid);
}

static void errors(void) {
  char *p = pages(4);
  fails("unknown advice", madvise(p, PAGE, 77), EINVAL);
  fails("in a page", madvise(p + 1, PAGE, MADV_NORMAL), EINVAL);
  fails("length that wraps", madvise(p, -1UL, MADV_NORMAL), EINVAL);
  succeeds("length 0", madvise(p, 0, MADV_DONTNEED));
  fails("length 0 and unknown advice", madvise(p, 0, 77), EINVAL);
  must(munmap(p + PAGE, PAGE));
  fails("over a hole", madvise(p, 3 * PAGE, MADV_DONTNEED), ENOMEM);
  equal("before the hole it is done", p[0], 0);
  equal("behind it too", p[2 * PAGE], 0);
  equal("beyond it not", p[3 * PAGE], 'x');
  fails("nothing there", madvise(p + PAGE, PAGE, MADV_WILLNEED), ENOMEM);
}

static void hints(void) {
  char *p = pages(4);
  static const struct {
    const char *name;
    int advice;
  } list[] = {{"normal", MADV_NORMAL},         {"random", MADV_RANDOM},     {"sequential", MADV_SEQUENTIAL},
              {"willneed", MADV_WILLNEED},     {"dontdump", MADV_DONTDUMP}, {"dodump", MADV_DODUMP},
              {"cold", MADV_COLD},             {"pageout", MADV_PAGEOUT},   {"populate read", MADV_POPULATE_READ},
              {"populate write", MADV_POPULATE_WRITE}};
  for (unsigned i = 0; i < sizeof list / sizeof list[0]; i++) succeeds(list[i].name, madvise(p, 4 * PAGE, list[i].advice));
  int kept = 1;
  for (unsigned i = 0; i < 4 * PAGE; i++) kept &= p[i] == 'x';
  holds("hints keep the content", kept);
}

static void discards(void) {
  char *p = pages(4);
  succeeds("dontneed", madvise(p + PAGE, 2 * PAGE, MADV_DONTNEED));
  holds("zeroes", p[PAGE] == 0 && p[3 * PAGE - 1] == 0 && p[PAGE - 1] == 'x' && p[3 * PAGE] == 'x');
  succeeds("free", madvise(p, PAGE, MADV_FREE));
  p[5] = 'w';
  equal("a write after it counts", p[5], 'w');
  int fd = memfd_create("f", 0);
  must(ftruncate(fd, 4 * PAGE));
  must(pwrite(fd, "file", 4, 0));
  char *private = mmap(0, PAGE, RW, MAP_PRIVATE, fd, 0);
  private[0] = 'F';
  succeeds("dontneed of a private file mapping", madvise(private, PAGE, MADV_DONTNEED));
  equal("shows the file again", private[0], 'f');
  fails("free of a file", madvise(private, PAGE, MADV_FREE), EINVAL);
  char *shared = mmap(0, 4 * PAGE, RW, MAP_SHARED, fd, 0);
  shared[0] = 'G';
  shared[PAGE] = 'H';
  succeeds("dontneed of a shared mapping", madvise(shared, PAGE, MADV_DONTNEED));
  equal("keeps the content", shared[0], 'G');
  succeeds("remove", madvise(shared, PAGE, MADV_REMOVE));
  equal("punches a hole", shared[0], 0);
  char c = 'x';
  must(pread(fd, &c, 1, 0));
  equal("into the file", c, 0);
  equal("only there", shared[PAGE], 'H');
  fails("remove of private memory", madvise(p, PAGE, MADV_REMOVE), EINVAL);
  fails("remove of a private file mapping", madvise(private, PAGE, MADV_REMOVE), EACCES);
  must(mlock(p, PAGE));
  fails("dontneed of locked pages", madvise(p, PAGE, MADV_DONTNEED), EINVAL);
  fails("free of locked pages", madvise(p, PAGE, MADV_FREE), EINVAL);
  must(munlock(p, PAGE));
}

static void forks(void) {
  char *p = pages(3);
  succeeds("dontfork", madvise(p + PAGE, PAGE, MADV_DONTFORK));
  equal("child sees the rest", child_sees(p), 'x');
  equal("but not the page", child_sees(p + PAGE), 1000 + SIGSEGV);
  equal("the parent does", p[PAGE], 'x');
  succeeds("dofork", madvise(p + PAGE, PAGE, MADV_DOFORK));
  equal("child sees it again", child_sees(p + PAGE), 'x');
  succeeds("wipeonfork", madvise(p, PAGE, MADV_WIPEONFORK));
  equal("child sees zero", child_sees(p), 0);
  equal("parent keeps it", p[0], 'x');
  succeeds("keeponfork", madvise(p, PAGE, MADV_KEEPONFORK));
  equal("child sees it", child_sees(p), 'x');
  char *shared = mmap(0, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  fails("wipeonfork of shared memory", madvise(shared, PAGE, MADV_WIPEONFORK), EINVAL);
  // A child's child: the setting is inherited.
  must(madvise(p, PAGE, MADV_WIPEONFORK));
  pid_t pid = fork();
  if (pid == 0) {
    p[0] = 'y';
    _exit(child_sees(p));
  }
  equal("inherited by the child's child", status_of(pid), 0);
}

static void populate(void) {
  char *p = mmap(0, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  succeeds("populate read of read-only memory", madvise(p, 2 * PAGE, MADV_POPULATE_READ));
  fails("populate write of it", madvise(p, 2 * PAGE, MADV_POPULATE_WRITE), EINVAL);
  must(mprotect(p, PAGE, PROT_NONE));
  fails("populate read of PROT_NONE", madvise(p, PAGE, MADV_POPULATE_READ), EINVAL);
  must(munmap(p, PAGE));
  fails("populate of a hole", madvise(p, 2 * PAGE, MADV_POPULATE_READ), ENOMEM);
}

int main(void) {
  errors();
  hints();
  discards();
  forks();
  populate();
  return check_done();
}
