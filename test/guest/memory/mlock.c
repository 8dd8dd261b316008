// mlock(2), mlock2(2), munlock(2), mlockall(2), munlockall(2): limits, accounting in /proc/self/status, errnos.
// build: static
#include "../check.h"
#include <sys/resource.h>

#define PAGE 4096UL
#define RW (PROT_READ | PROT_WRITE)
#ifndef MLOCK_ONFAULT
#define MLOCK_ONFAULT 1
#endif

// A field of /proc/self/status in KiB.
static long status_field(const char *name) {
  FILE *f = fopen("/proc/self/status", "r");
  char line[256];
  long value = -1;
  while (f && fgets(line, sizeof line, f))
    if (strncmp(line, name, strlen(name)) == 0) value = atol(line + strlen(name) + 1);
  if (f) fclose(f);
  return value;
}

static char *pages(int n) {
  char *p = mmap(0, n * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) exit(1);
  return p;
}

static void without_right(void) {
  struct {
    unsigned version;
    int pid;
  } header = {0x20080522, 0};
  unsigned none[6] = {0};
  must(syscall(SYS_capset, &header, none));
}

static void locking(void) {
  char *p = pages(8);
  equal("nothing is locked", status_field("VmLck:"), 0);
  succeeds("mlock", mlock(p, 2 * PAGE));
  equal("two pages", status_field("VmLck:"), 8);
  succeeds("mlock of a part of a page takes it whole", mlock(p + 2 * PAGE + 100, 10));
  equal("three pages", status_field("VmLck:"), 12);
  succeeds("across a page's end", mlock(p + 4 * PAGE - 1, 2));
  equal("five pages", status_field("VmLck:"), 20);
  succeeds("again", mlock(p, 2 * PAGE));
  equal("still five", status_field("VmLck:"), 20);
  succeeds("munlock", munlock(p + PAGE, PAGE));
  equal("four pages", status_field("VmLck:"), 16);
  succeeds("length 0", mlock(p, 0));
  succeeds("munmap unlocks", munmap(p, PAGE));
  equal("three pages again", status_field("VmLck:"), 12);
  fails("over a hole", mlock(p, 2 * PAGE), ENOMEM);
  fails("hole behind", ({
          must(munmap(p + 6 * PAGE, PAGE));
          mlock(p + 5 * PAGE, 2 * PAGE);
        }), ENOMEM);
  fails("munlock over a hole", munlock(p + 5 * PAGE, 2 * PAGE), ENOMEM);
  succeeds("mlock2", syscall(SYS_mlock2, p + PAGE, PAGE, 0));
  succeeds("mlock2 on fault", syscall(SYS_mlock2, p + PAGE, PAGE, MLOCK_ONFAULT));
  fails("mlock2 with an unknown flag", syscall(SYS_mlock2, p + PAGE, PAGE, 2), EINVAL);
  char *none = mmap(0, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  fails("PROT_NONE", mlock(none, PAGE), ENOMEM);
  pid_t pid = fork();
  if (pid == 0) _exit(status_field("VmLck:") != 0);
  equal("locks are not inherited", status_of(pid), 0);
  succeeds("munlockall", munlockall());
  equal("nothing is locked any more", status_field("VmLck:"), 0);
}

static void limits(void) {
  pid_t pid = fork();
  if (pid == 0) {
    check_failures = 0;
    struct rlimit r = {16 * PAGE, 16 * PAGE};
    must(setrlimit(RLIMIT_MEMLOCK, &r));
    without_right();
    char *p = pages(32);
    succeeds("up to the limit", mlock(p, 16 * PAGE));
    succeeds("the same again", mlock(p, 16 * PAGE));
    fails("beyond it", mlock(p, 17 * PAGE), ENOMEM);
    fails("length that wraps", mlock(p, -PAGE), ENOMEM);
    fails("elsewhere", mlock(p + 20 * PAGE, PAGE), ENOMEM);
    fails("mlockall", mlockall(MCL_CURRENT), ENOMEM);
    must(munlock(p, 16 * PAGE));
    succeeds("mlockall of the future", mlockall(MCL_FUTURE));
    fails("mmap beyond the limit then", (long)mmap(0, 64 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), EAGAIN);
    succeeds("mmap within it", (long)mmap(0, 4 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    equal("is locked", status_field("VmLck:"), 16);
    must(munlockall());
    r.rlim_cur = 0;
    must(setrlimit(RLIMIT_MEMLOCK, &r));
    fails("no right at all", mlock(p, PAGE), EPERM);
    fails("mlockall neither", mlockall(MCL_FUTURE), EPERM);
    succeeds("munlock always", munlock(p, PAGE));
    _exit(check_failures);
  }
  equal("limits", status_of(pid), 0);
}

static void all(void) {
  fails("mlockall without flags", mlockall(0), EINVAL);
  fails("mlockall with an unknown flag", mlockall(8), EINVAL);
  fails("on fault alone", mlockall(4), EINVAL);
}

int main(void) {
  locking();
  limits();
  all();
  return check_done();
}
