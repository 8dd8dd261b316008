/*
 * Patching of syscall sites, so that they reach the stub by a jump and not by a trap.
 *
 *   b8 imm32 0f 05        mov $nr,%eax; syscall         ->  ff 24 25 abs32          jmp *table entry
 *   0f 05 48 3d imm32     syscall; cmp $imm32,%rax      ->  3e ff 24 25 abs32       the same with a padding
 * prefix
 *
 * A site is replaced by one 8-byte store inside a cache line, so a thread sees the old or the new bytes; a
 * site across two lines only while its process has no other thread. What is left is a thread whose
 * instruction pointer stands inside: at the first pattern's syscall it finds 06 (the table's addresses are
 * 0x0006xxxx), an invalid opcode; at the second's cmp it runs `24 25` (and $0x25,%al) and then meets 06
 * (those entries' addresses end in 06). patch_fixup sends both on: the first back to the site's start, the
 * second to the displaced cmp with the result register as the stub last left it. All such threads have passed
 * through the stub, which records that value whenever it returns into guest code by a signal return.
 */
#include "../stub.h"

#define PATTERN_MOV 1
#define PATTERN_CMP 2

static volatile u32 lock;
static u32 used_mov, used_cmp, used_code;

void arch_lock_patching(void) {
  while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
    pause_cpu();
}

void arch_unlock_patching(void) {
  __atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
}

INLINE int in_one_line(u64 at) {
  return (at & 63) <= 56;
}

/* ip is the address after the syscall instruction; the bytes there are mapped, since they were just executed.
 */
u32 arch_patch_pattern(u64 ip, u64 nr) {
  if (!GLOBAL->patch || ip < 0x100000 || ip >= ADDRESS_TEXT)
    return 0;
  const u8* p = (const u8*)ip;
  if (p[-2] != 0x0f || p[-1] != 0x05)
    return 0;
  u32 found = 0;
  if ((ip & 4095) >= 7 && p[-7] == 0xb8 && *(const u32*)(p - 6) == (u32)nr)
    found = PATTERN_MOV | (in_one_line(ip - 7) ? 0 : PATCH_ACROSS_LINES);
  int cmp = (ip & 4095) >= 2 && (ip & 4095) < 4090 && p[0] == 0x48 && p[1] == 0x3d;
  if (cmp && (found == 0 || (found != PATTERN_MOV && in_one_line(ip - 2))))
    found = PATTERN_CMP | (in_one_line(ip - 2) ? 0 : PATCH_ACROSS_LINES);
  return found;
}

static u8* put(u8* p, const u8* bytes, u64 n) {
  memcpy(p, bytes, n);
  return p + n;
}

static u8* put_jump_to_stub(u8* p, u64 resume) {
  p = put(p, (const u8[]){0x48, 0xb9}, 2); /* movabs $resume,%rcx */
  p = put(p, (const u8*)&resume, 8);
  u32 table = PATCH_TABLE;
  p = put(p, (const u8[]){0xff, 0x24, 0x25}, 3); /* jmp *PATCH_TABLE */
  return put(p, (const u8*)&table, 4);
}

/* Writes the 8 bytes at `at` through a private page made writable meanwhile: in one store, within a cache
 * line. */
static int replace(u64 at, u64 bytes) {
  u64 page = at & ~4095UL;
  if (host6(__NR_mprotect, page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, 0, 0, 0))
    return 0;
  __atomic_store_n((u64*)at, bytes, __ATOMIC_SEQ_CST);
  host6(__NR_mprotect, page, 4096, PROT_READ | PROT_EXEC, 0, 0, 0);
  return 1;
}

static int patch_mov(u64 site, u64 nr) {
  u64 entry = PATCH_TABLE + 8 + used_mov * 8, code = PATCH_CODE + used_code * PATCH_BLOCK;
  if (entry + 8 > PATCH_TABLE + PATCH_TABLE_SIZE || code + PATCH_BLOCK > BOUNCE_ADDRESS)
    return 0;
  used_mov++;
  used_code++;
  u32 number = (u32)nr;
  u8* p = put((u8*)code, (const u8[]){0xb8}, 1); /* mov $nr,%eax */
  p = put(p, (const u8*)&number, 4);
  put_jump_to_stub(p, site + 7);
  *(u64*)(code + 24) = site;
  *(u64*)entry = code;
  u64 bytes;
  memcpy(&bytes, (const void*)site, 8);
  bytes = (bytes & 0xff00000000000000UL) | 0x2524ffUL | (entry << 24);
  return replace(site, bytes);
}

static int patch_cmp(u64 site) {
  u64 entry = PATCH_TABLE2 + 6 + used_cmp * 256, code = PATCH_CODE + used_code * PATCH_BLOCK;
  if (entry + 8 > PATCH_TABLE2 + PATCH_TABLE2_SIZE || code + PATCH_BLOCK > BOUNCE_ADDRESS)
    return 0;
  used_cmp++;
  used_code++;
  u64 resume = code + PATCH_BLOCK / 2, back = site + 8;
  put_jump_to_stub((u8*)code, resume);
  *(u64*)(code + 24) = site;
  u8* p = put((u8*)resume, (const u8*)(site + 2), 6);  /* the displaced cmp */
  p = put(p, (const u8[]){0xff, 0x25, 0, 0, 0, 0}, 6); /* jmp *0(%rip) */
  put(p, (const u8*)&back, 8);
  memcpy((void*)entry, &code, 8);
  return replace(site, 0x2524ff3eUL | (entry << 32));
}

/* Patches the site whose syscall ends at ip, if nobody else is patching. */
int arch_patch(u64 ip, u64 nr) {
  if (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
    return 0;
  u32 pattern = arch_patch_pattern(ip, nr) & ~(u32)PATCH_ACROSS_LINES;
  int done = 0;
  if (pattern == PATTERN_MOV)
    done = patch_mov(ip - 7, nr);
  if (pattern == PATTERN_CMP)
    done = patch_cmp(ip - 2);
  arch_unlock_patching();
  return done;
}

/* The trampoline block that a patched cmp site at `site` jumps to, or 0. */
static u64 cmp_block(u64 site) {
  u32 word, entry;
  memcpy(&word, (const void*)site, 4);
  memcpy(&entry, (const void*)(site + 4), 4);
  if (word != 0x2524ff3e || (entry & 0xff) != 6 || entry < PATCH_TABLE2 ||
      entry >= PATCH_TABLE2 + PATCH_TABLE2_SIZE)
    return 0;
  u64 block;
  memcpy(&block, (const void*)(u64)entry, 8);
  return block >= PATCH_CODE && block < BOUNCE_ADDRESS ? block : 0;
}

/* A thread stopped on an invalid opcode: if a patch put it there, send it on. */
int patch_fixup(struct thread* t, struct context* c) {
  struct sigcontext* m = &c->uc.uc_mcontext;
  u64 ip = m->rip;
  if (ip < 0x100000 || ip >= ADDRESS_TEXT || *(const u8*)ip != 0x06)
    return 0;
  if ((ip & 4095) < 5)
    return 0;
  u64 block = cmp_block(ip - 4);
  if (block) {
    m->rip = block + PATCH_BLOCK / 2;
    m->rax = t->last_result;
    return 1;
  }
  const u8* p = (const u8*)(ip - 5);
  if (p[0] == 0xff && p[1] == 0x24 && p[2] == 0x25) {
    m->rip = ip - 5;
    return 1;
  }
  return 0;
}

/* Where to return after the syscall that ended at ip: past a cmp that has been displaced meanwhile. */
u64 patch_resume(u64 ip) {
  if (ip < 0x100000 || ip >= ADDRESS_TEXT || (ip & 4095) < 2 || (ip & 4095) >= 4090)
    return ip;
  if (*(const u8*)(ip - 2) != 0x3e)
    return ip;
  u64 block = cmp_block(ip - 2);
  return block ? block + PATCH_BLOCK / 2 : ip;
}

/* Where a syscall that returned to ip is to be started again. */
u64 patch_restart(u64 ip) {
  if (ip >= PATCH_CODE && ip < BOUNCE_ADDRESS)
    return *(u64*)((ip & ~(u64)(PATCH_BLOCK - 1)) + 24);
  const u8* p = (const u8*)ip;
  if (p[-2] == 0x0f && p[-1] == 0x05)
    return ip - 2;
  if (p[-7] == 0xff && p[-6] == 0x24 && p[-5] == 0x25)
    return ip - 7;
  return ip - 2;
}
