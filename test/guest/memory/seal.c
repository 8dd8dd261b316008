// mseal(2), remap_file_pages(2), process_madvise(2).
// build: static
#include "../check.h"
#include <sys/uio.h>

#define PAGE 4096UL
#define RW (PROT_READ | PROT_WRITE)
#ifndef SYS_mseal
#define SYS_mseal 462
#endif
#ifndef SYS_process_madvise
#define SYS_process_madvise 440
#endif

static void sealing(void) {
  char *p = mmap(0, 6 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char *ro = mmap(0, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  fails("flags", syscall(SYS_mseal, p, PAGE, 1), EINVAL);
  fails("in a page", syscall(SYS_mseal, p + 1, PAGE, 0), EINVAL);
  must(munmap(p + 5 * PAGE, PAGE));
  fails("over a hole", syscall(SYS_mseal, p + 4 * PAGE, 2 * PAGE, 0), ENOMEM);
  succeeds("mseal", syscall(SYS_mseal, p + PAGE, 2 * PAGE, 0));
  succeeds("again", syscall(SYS_mseal, p + PAGE, PAGE, 0));
  fails("munmap", munmap(p, 6 * PAGE), EPERM);
  fails("mprotect", mprotect(p + PAGE, PAGE, PROT_READ), EPERM);
  fails("mremap", (long)mremap(p + PAGE, PAGE, 4 * PAGE, MREMAP_MAYMOVE), EPERM);
  fails("mmap over it", (long)mmap(p + 2 * PAGE, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), EPERM);
  p[PAGE] = 1;
  succeeds("a writable area may be emptied", madvise(p + PAGE, PAGE, MADV_DONTNEED));
  succeeds("neighbours are free", munmap(p, PAGE));
  must(syscall(SYS_mseal, ro, PAGE, 0));
  fails("a read-only one may not", madvise(ro, PAGE, MADV_DONTNEED), EPERM);
  pid_t pid = fork();
  if (pid == 0) _exit(munmap(ro, PAGE) == -1 && errno == EPERM ? 0 : 1);
  equal("seals are inherited", status_of(pid), 0);
}

static void remapping(void) {
  int fd = memfd_create("f", 0);
  must(ftruncate(fd, 4 * PAGE));
  for (int i = 0; i < 4; i++) must(pwrite(fd, (char[]){(char)('A' + i)}, 1, i * PAGE));
  char *p = mmap(0, 4 * PAGE, RW, MAP_SHARED, fd, 0);
  succeeds("remap_file_pages", remap_file_pages(p, PAGE, 0, 3, 0));
  holds("shows another page", p[0] == 'D' && p[PAGE] == 'B');
  p[0] = 'd';
  equal("of the same file", p[3 * PAGE], 'd');
  fails("with rights", remap_file_pages(p, PAGE, PROT_READ, 2, 0), EINVAL);
  char *private = mmap(0, PAGE, RW, MAP_PRIVATE, fd, 0);
  fails("of a private mapping", remap_file_pages(private, PAGE, 0, 1, 0), EINVAL);
}

static void advising(void) {
  char *p = mmap(0, 4 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(p, 'x', 4 * PAGE);
  int self = syscall(SYS_pidfd_open, getpid(), 0);
  struct iovec v[2] = {{p, PAGE}, {p + 2 * PAGE, PAGE}};
  equal("cold", syscall(SYS_process_madvise, self, v, 2, MADV_COLD, 0), 2 * PAGE);
  equal("kept", p[0], 'x');
  fails("flags then", syscall(SYS_process_madvise, self, v, 2, MADV_COLD, 1), EINVAL);
  fails("bad descriptor", syscall(SYS_process_madvise, 999, v, 2, MADV_COLD, 0), EBADF);
}

int main(void) {
  sealing();
  remapping();
  advising();
  return check_done();
}
