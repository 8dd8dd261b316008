// mmap(2) and munmap(2): every flag and errno, placement, content, rights, splitting and reuse.
// build: static
#include "../check.h"
#include <sys/resource.h>

#define PAGE 4096UL
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW (PROT_READ | PROT_WRITE)
#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE 0x08
#endif

static long map(unsigned long addr, unsigned long len, int prot, int flags, int fd, long offset) {
  return syscall(SYS_mmap, addr, len, prot, flags, fd, offset);
}

// Runs `body` in a child; its exit code, or 1000 + the signal that killed it.
#define in_child(body)        \
  ({                          \
    pid_t pid = fork();       \
    if (pid == 0) {           \
      body;                   \
      _exit(0);               \
    }                         \
    status_of(pid);           \
  })

static void errors(void) {
  int fd = memfd_create("m", 0);
  must(ftruncate(fd, 8 * PAGE));
  fails("length 0", map(0, 0, RW, ANON, -1, 0), EINVAL);
  fails("no type", map(0, PAGE, RW, MAP_ANONYMOUS, -1, 0), EINVAL);
  fails("both types, anonymous", map(0, PAGE, RW, MAP_SHARED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), EINVAL);
  fails("unknown type", map(0, PAGE, RW, 0x0c | MAP_ANONYMOUS, -1, 0), EINVAL);
  fails("offset in a page", map(0, PAGE, RW, ANON, -1, 1), EINVAL);
  fails("offset in a file's page", map(0, PAGE, RW, MAP_SHARED, fd, 512), EINVAL);
  fails("bad descriptor", map(0, PAGE, RW, MAP_PRIVATE, -1, 0), EBADF);
  fails("closed descriptor", map(0, PAGE, RW, MAP_PRIVATE, 999, 0), EBADF);
  fails("huge length", map(0, 1UL << 63, RW, ANON, -1, 0), ENOMEM);
  fails("length that wraps", map(0, -1UL, RW, ANON, -1, 0), ENOMEM);
  fails("length as the address space", map(0, 1UL << ADDRESS_BITS, PROT_NONE, ANON | MAP_NORESERVE, -1, 0), ENOMEM);
  fails("more than there is, private", map(0, 1UL << 44, RW, ANON, -1, 0), ENOMEM);
  fails("more than there is, shared", map(0, 1UL << 44, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0), ENOMEM);
  succeeds("but it may be reserved", map(0, 1UL << 44, RW, ANON | MAP_NORESERVE, -1, 0));
  succeeds("or kept without rights", map(0, 1UL << 44, PROT_NONE, ANON, -1, 0));
  fails("offset and length overflow", map(0, 2 * PAGE, PROT_READ, MAP_SHARED, fd, (long)(0UL - PAGE)), EOVERFLOW);
  fails("fixed in a page", map(0x10000001, PAGE, RW, ANON | MAP_FIXED, -1, 0), EINVAL);
  fails("fixed beyond the end", map(1UL << ADDRESS_BITS, PAGE, RW, ANON | MAP_FIXED, -1, 0), ENOMEM);
  fails("fixed across the end", map((1UL << ADDRESS_BITS) - 2 * PAGE, 64 * PAGE, RW, ANON | MAP_FIXED, -1, 0), ENOMEM);
  int ro = open("/proc/self/exe", O_RDONLY);
  fails("shared write to a read-only file", map(0, PAGE, RW, MAP_SHARED, ro, 0), EACCES);
  succeeds("private write to a read-only file", map(0, PAGE, RW, MAP_PRIVATE, ro, 0));
  succeeds("shared read of a read-only file", map(0, PAGE, PROT_READ, MAP_SHARED, ro, 0));
  int path = open("/proc/self/exe", O_PATH);
  fails("O_PATH descriptor", map(0, PAGE, PROT_READ, MAP_PRIVATE, path, 0), EBADF);
  int dir = open("/", O_RDONLY | O_DIRECTORY);
  fails("directory", map(0, PAGE, PROT_READ, MAP_PRIVATE, dir, 0), ENODEV);
  char name[64];
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  int wo = open(name, O_WRONLY);
  fails("write-only file, private", map(0, PAGE, PROT_READ, MAP_PRIVATE, wo, 0), EACCES);
  fails("write-only file, shared", map(0, PAGE, PROT_WRITE, MAP_SHARED, wo, 0), EACCES);
  fails("validate with an unknown flag", map(0, PAGE, RW, MAP_SHARED_VALIDATE | 0x2000000, fd, 0), EOPNOTSUPP);
  fails("validate with MAP_SYNC", map(0, PAGE, RW, MAP_SHARED_VALIDATE | MAP_SYNC, fd, 0), EOPNOTSUPP);
  succeeds("validate", map(0, PAGE, RW, MAP_SHARED_VALIDATE, fd, 0));
  fails("validate, anonymous", map(0, PAGE, RW, MAP_SHARED_VALIDATE | MAP_ANONYMOUS, -1, 0), EINVAL);
  fails("grows down, shared", map(0, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0), EINVAL);
  fails("grows down, file", map(0, PAGE, RW, MAP_PRIVATE | MAP_GROWSDOWN, fd, 0), EINVAL);
  fails("huge pages of a file", map(0, 2 << 20, RW, MAP_PRIVATE | MAP_HUGETLB, fd, 0), EINVAL);
  fails("huge pages of an unknown size", map(0, 2 << 20, RW, ANON | MAP_HUGETLB | (13 << 26), -1, 0), EINVAL);
  succeeds("private dev zero", ({
    int z = open("/dev/zero", O_RDWR);
    map(0, PAGE, RW, MAP_PRIVATE, z, 0);
  }));
  int null = open("/dev/null", O_RDWR);
  fails("dev null", map(0, PAGE, RW, MAP_PRIVATE, null, 0), ENODEV);
  close(fd);
}

static void placement(void) {
  char *a = (char *)must(map(0, 16 * PAGE, RW, ANON, -1, 0));
  char *b = (char *)must(map(0, PAGE, PROT_READ, ANON, -1, 0));
  holds("pages are aligned", ((long)a | (long)b) % PAGE == 0);
  holds("no overlap", b + PAGE <= a || b >= a + 16 * PAGE);
  must(munmap(a + 4 * PAGE, 4 * PAGE));
  equal("a free hint is taken", map((long)a + 5 * PAGE, PAGE, RW, ANON, -1, 0) - (long)a, 5 * PAGE);
  equal("a hint is rounded down", map((long)a + 6 * PAGE + 123, PAGE, RW, ANON, -1, 0) - (long)a, 6 * PAGE);
  holds("a used hint is not", map((long)a, 16 * PAGE, RW, ANON, -1, 0) != (long)a);
  equal("fixed replaces", map((long)a, PAGE, RW, ANON | MAP_FIXED, -1, 0), (long)a);
  fails("noreplace in use", map((long)a, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
  fails("noreplace partly in use", map((long)a + 7 * PAGE, 2 * PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
  equal("noreplace free", map((long)a + 7 * PAGE, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), (long)a + 7 * PAGE);
  fails("noreplace in a page", map((long)a + 1, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), EINVAL);
#ifdef __x86_64__
  holds("MAP_32BIT", map(0, PAGE, RW, ANON | MAP_32BIT, -1, 0) < 0x80000000L);
#endif
  // A freed place is found again.
  char *c = (char *)must(map(0, 64 * PAGE, RW, ANON, -1, 0));
  must(munmap(c, 64 * PAGE));
  equal("the same place again", map(0, 64 * PAGE, RW, ANON, -1, 0), (long)c);
  int good = 1;
  char *many[200];
  for (int i = 0; i < 200; i++) {
    many[i] = (char *)must(map(0, (1 + i % 7) * PAGE, i % 2 ? RW : PROT_READ, ANON, -1, 0));
    if (i % 2) memset(many[i], i, (1 + i % 7) * PAGE);
  }
  for (int i = 0; i < 200; i += 3) must(munmap(many[i], (1 + i % 7) * PAGE));
  for (int i = 1; i < 200; i += 2)
    if (i % 3 && (many[i][0] != (char)i || many[i][(1 + i % 7) * PAGE - 1] != (char)i)) good = 0;
  holds("many mappings keep their content", good);
}

static void content(void) {
  char *p = (char *)must(map(0, 8 * PAGE, RW, ANON, -1, 0));
  int zero = 1;
  for (unsigned i = 0; i < 8 * PAGE; i++) zero &= p[i] == 0;
  holds("anonymous memory is zero", zero);
  memset(p, 'x', 8 * PAGE);
  must(map((long)p + PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0));
  equal("replaced page is zero", p[PAGE], 0);
  equal("page before is kept", p[PAGE - 1], 'x');
  equal("page after is kept", p[2 * PAGE], 'x');
  must(munmap(p + 4 * PAGE, PAGE));
  equal("unmapped page faults", in_child(p[4 * PAGE] = 1), 1000 + SIGSEGV);
  equal("its neighbour does not", in_child(p[5 * PAGE] = 1), 0);
  equal("PROT_NONE faults on read", in_child(({
          char *q = (char *)map(0, PAGE, PROT_NONE, ANON, -1, 0);
          (void)*(volatile char *)q;
        })),
        1000 + SIGSEGV);
  equal("PROT_READ faults on write", in_child(({
          volatile char *q = (char *)map(0, PAGE, PROT_READ, ANON, -1, 0);
          *q = 1;
        })),
        1000 + SIGSEGV);
  char *populated = (char *)succeeds("MAP_POPULATE", map(0, 8 * PAGE, RW, ANON | MAP_POPULATE, -1, 0));
  equal("populated is zero", populated[7 * PAGE], 0);
  succeeds("MAP_NORESERVE", map(0, 64UL << 30, RW, ANON | MAP_NORESERVE, -1, 0));
  succeeds("MAP_STACK", map(0, 64 * PAGE, RW, ANON | MAP_STACK, -1, 0));
  succeeds("MAP_DENYWRITE and MAP_EXECUTABLE are ignored", map(0, PAGE, RW, ANON | MAP_DENYWRITE | MAP_EXECUTABLE, -1, 0));
  succeeds("MAP_LOCKED", map(0, PAGE, RW, ANON | MAP_LOCKED, -1, 0));
  succeeds("unknown PROT bits are ignored", map(0, PAGE, RW | 0x40, ANON, -1, 0));
}

static void shared(void) {
  volatile int *p = (int *)must(map(0, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  volatile int *q = (int *)must(map(0, PAGE, RW, ANON, -1, 0));
  p[0] = q[0] = 1;
  equal("child writes", in_child(({
          p[0] = 7;
          q[0] = 7;
        })),
        0);
  equal("shared is seen", p[0], 7);
  equal("private is not", q[0], 1);
  int z = open("/dev/zero", O_RDWR);
  volatile int *s = (int *)must(map(0, PAGE, RW, MAP_SHARED, z, 0));
  close(z);
  equal("child writes dev zero", in_child(s[5] = 9), 0);
  equal("shared dev zero", s[5], 9);
}

static void executes(void) {
#ifdef __x86_64__
  static const unsigned char code[] = {0xb8, 42, 0, 0, 0, 0xc3};
#else
  static const unsigned int code[] = {0x52800540, 0xd65f03c0};
#endif
  char *p = (char *)must(map(0, PAGE, RW | PROT_EXEC, ANON, -1, 0));
  memcpy(p, code, sizeof code);
  __builtin___clear_cache(p, p + sizeof code);
  equal("code runs", ((int (*)(void))p)(), 42);
  equal("without PROT_EXEC it does not", in_child(({
          must(mprotect(p, PAGE, RW));
          ((int (*)(void))p)();
        })),
        1000 + SIGSEGV);
}

static void unmaps(void) {
  char *p = (char *)must(map(0, 10 * PAGE, RW, ANON, -1, 0));
  fails("munmap in a page", munmap(p + 1, PAGE), EINVAL);
  fails("munmap of nothing", munmap(p, 0), EINVAL);
  fails("munmap beyond the end", munmap((void *)(1UL << ADDRESS_BITS), PAGE), EINVAL);
  fails("munmap of a length that wraps", munmap(p, -PAGE), EINVAL);
  succeeds("munmap rounds its length up", munmap(p + 9 * PAGE, 1));
  equal("so the page is gone", in_child(p[9 * PAGE] = 1), 1000 + SIGSEGV);
  succeeds("munmap of holes", munmap(p + 8 * PAGE, 2 * PAGE));
  succeeds("munmap again", munmap(p + 8 * PAGE, 2 * PAGE));
  for (int i = 1; i < 8; i += 2) must(munmap(p + i * PAGE, PAGE));
  p[0] = p[2 * PAGE] = p[6 * PAGE] = 5;
  succeeds("munmap across areas and holes", munmap(p, 8 * PAGE));
}

static void limits(void) {
  equal("RLIMIT_AS", in_child(({
          struct rlimit r = {256 << 20, 256 << 20};
          setrlimit(RLIMIT_AS, &r);
          if (map(0, 512 << 20, PROT_NONE, ANON | MAP_NORESERVE, -1, 0) != -1 || errno != ENOMEM) _exit(1);
        })),
        0);
  equal("RLIMIT_DATA", in_child(({
          struct rlimit r = {64 << 20, 64 << 20};
          setrlimit(RLIMIT_DATA, &r);
          if (map(0, 128 << 20, RW, ANON, -1, 0) != -1 || errno != ENOMEM) _exit(1);
          if (map(0, 128 << 20, PROT_READ, ANON, -1, 0) == -1) _exit(2);
        })),
        0);
  equal("RLIMIT_MEMLOCK without the right", in_child(({
          struct rlimit r = {64 << 10, 64 << 10};
          setrlimit(RLIMIT_MEMLOCK, &r);
          struct {
            unsigned version;
            int pid;
          } header = {0x20080522, 0};
          unsigned none[6] = {0};
          if (syscall(SYS_capset, &header, none) != 0) _exit(3);
          if (map(0, 1 << 20, RW, ANON | MAP_LOCKED, -1, 0) != -1 || errno != EAGAIN) _exit(1);
          if (map(0, 16 << 10, RW, ANON | MAP_LOCKED, -1, 0) == -1) _exit(2);
        })),
        0);
  equal("max_map_count", in_child(({
          char *p = (char *)map(0, 140000 * PAGE, PROT_READ, ANON | MAP_NORESERVE, -1, 0);
          long i = 0;
          for (; i < 70000; i++)
            if (mprotect(p + 2 * i * PAGE, PAGE, PROT_NONE) != 0) break;
          if (errno != ENOMEM || i < 30000 || i > 33000) _exit(1);
        })),
        0);
}

static void droppable(void) {
  long r = map(0, PAGE, RW, MAP_DROPPABLE | MAP_ANONYMOUS, -1, 0);
  if (r == -1) return;  // before Linux 6.11
  char *p = (char *)r;
  p[0] = 1;
  equal("droppable is wiped at fork", in_child(_exit(p[0])), 0);
}

int main(void) {
  errors();
  placement();
  content();
  shared();
  executes();
  unmaps();
  limits();
  droppable();
  return check_done();
}
