/* Start of the zygote: the only stub that is executed; every address space is a copy of it or of one of its
 * copies. */
#include "stub.h"

#include <linux/auxvec.h>

static u64 auxiliary(const u64* aux, u64 key) {
  for (; aux[0] != AT_NULL; aux += 2)
    if (aux[0] == key)
      return aux[1];
  return 0;
}

static void map_fixed(u64 addr, u64 size, u64 prot, u64 flags, u64 fd) {
  i64 r = host6(__NR_mmap, addr, size, prot, flags | MAP_FIXED, fd, 0);
  if (r != (i64)addr)
    host6(__NR_exit_group, 125, 0, 0, 0, 0, 0);
}

__attribute__((used, noreturn)) HIDDEN void stub_start(u64* stack) {
  u64* p = stack + 1 + stack[0] + 1; /* past argc, argv and its NULL */
  while (*p)
    p++;
  const u64* aux = p + 1;
  map_fixed(ADDRESS_GLOBAL, 4096, PROT_READ, MAP_SHARED, FD_GLOBAL);
  map_fixed(ADDRESS_REGION, REGION_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, FD_REGION);
  host6(__NR_madvise, ADDRESS_REGION, REGION_SIZE, MADV_DONTFORK, 0, 0, 0);
  map_fixed(ADDRESS_BLOCKS, BLOCK_SIZE * MAX_THREADS, PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, (u64)-1);
  host6(__NR_close, FD_GLOBAL, 0, 0, 0, 0, 0);
  host6(__NR_close, FD_REGION, 0, 0, 0, 0, 0);

  struct thread* t = thread_at(0);
  t->self = (u64)t;
  t->index = 0;
  t->slot = slot_at(0);
  t->stack_top = (u64)t + BLOCK_SIZE - 64;
  t->restart_nr = NO_RESTART;
  sockets_at(t->slot);
  arch_init_process();
  arch_init_thread(t);
  struct slot* slot = t->slot;
  slot->args[0] = auxiliary(aux, AT_SYSINFO_EHDR);
  slot->args[1] = auxiliary(aux, AT_HWCAP) & ARCH_HWCAP;
  slot->args[2] = auxiliary(aux, AT_HWCAP2) & ARCH_HWCAP2;
  slot->args[3] = auxiliary(aux, 51 /* AT_MINSIGSTKSZ */);
  install_filter();
  arch_bounce(t);
}
