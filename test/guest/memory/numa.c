// set_mempolicy(2), get_mempolicy(2), mbind(2), move_pages(2), migrate_pages(2) on a machine with node 0.
// build: static
#include "../check.h"

#define PAGE 4096UL
enum { DEFAULT, PREFERRED, BIND, INTERLEAVE, LOCAL };
#define F_NODE 1
#define F_ADDR 2
#define F_MEMS_ALLOWED 4

static long set(int mode, unsigned long *mask, unsigned long max) { return syscall(SYS_set_mempolicy, mode, mask, max); }
static long get(int *mode, unsigned long *mask, unsigned long max, void *addr, int flags) {
  return syscall(SYS_get_mempolicy, mode, mask, max, addr, flags);
}

int main(void) {
  // Wide enough for whatever the kernel was built for.
  unsigned long mask[128] = {0}, node0[128] = {1}, none[128] = {0};
  int mode = -1;
  succeeds("the default policy", get(&mode, 0, 0, 0, 0));
  equal("is MPOL_DEFAULT", mode, DEFAULT);
  fails("unknown mode", set(77, 0, 0), EINVAL);
  fails("default with nodes", set(DEFAULT, node0, 64), EINVAL);
  fails("bind without nodes", set(BIND, 0, 0), EINVAL);
  fails("bind with an empty mask", set(BIND, none, 64), EINVAL);
  fails("interleave without nodes", set(INTERLEAVE, none, 64), EINVAL);
  fails("local with nodes", set(LOCAL, node0, 64), EINVAL);
  fails("bad mask", set(BIND, (unsigned long *)8, 64), EFAULT);
  fails("static and relative", set(BIND | 0xc000, node0, 64), EINVAL);
  succeeds("bind", set(BIND, node0, 64));
  succeeds("get", get(&mode, mask, 8 * sizeof mask, 0, 0));
  equal("mode", mode, BIND);
  equal("mask", mask[0], 1);
  succeeds("preferred without nodes", set(PREFERRED, 0, 0));
  must(get(&mode, 0, 0, 0, 0));
  equal("means local", mode, LOCAL);
  succeeds("interleave", set(INTERLEAVE, node0, 64));
  succeeds("back to the default", set(DEFAULT, 0, 0));
  memset(mask, 0xff, sizeof mask);
  succeeds("nodes allowed", get(0, mask, 8 * sizeof mask, 0, F_MEMS_ALLOWED));
  equal("node 0", mask[0] & 1, 1);
  fails("nodes allowed of an address", get(0, mask, 8 * sizeof mask, mask, F_MEMS_ALLOWED | F_ADDR), EINVAL);
  fails("address without the flag", get(&mode, 0, 0, mask, 0), EINVAL);
  fails("address of nothing", get(&mode, 0, 0, (void *)PAGE, F_ADDR), EFAULT);
  fails("unknown flag", get(&mode, 0, 0, 0, 8), EINVAL);
  succeeds("the node of an address", get(&mode, 0, 0, mask, F_ADDR | F_NODE));
  equal("is 0", mode, 0);
  char *p = mmap(0, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(p, 1, 4 * PAGE);
  succeeds("mbind", syscall(SYS_mbind, p, 4 * PAGE, BIND, node0, 64, 0));
  succeeds("mbind default", syscall(SYS_mbind, p, 4 * PAGE, DEFAULT, 0, 0, 0));
  fails("mbind in a page", syscall(SYS_mbind, p + 1, PAGE, BIND, node0, 64, 0), EINVAL);
  fails("mbind with an unknown flag", syscall(SYS_mbind, p, PAGE, BIND, node0, 64, 0x100), EINVAL);
  succeeds("mbind of nothing", syscall(SYS_mbind, p, 0, BIND, node0, 64, 0));
  void *pages[2] = {p, p + PAGE};
  int status[2] = {-1, -1};
  succeeds("move_pages asks", syscall(SYS_move_pages, 0, 2, pages, 0, status, 0));
  holds("node 0 for both", status[0] == 0 && status[1] == 0);
  fails("move_pages with an unknown flag", syscall(SYS_move_pages, 0, 2, pages, 0, status, 0x100), EINVAL);
  return check_done();
}
