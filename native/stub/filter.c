/*
 * The guest's seccomp filter. A guest may jump to any instruction of the stub with any registers, so what is
 * allowed from the stub's text must be harmless for arbitrary arguments: it may hurt the caller's own address
 * space and nothing else. Everything from elsewhere traps, and so do other architectures' entry points.
 */
#include "stub.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#define MSG_DONTWAIT_ 0x40
#define MSG_NOSIGNAL_ 0x4000
#define MAX_FILTER 400
#define DATA_NR 0
#define DATA_ARCH 4
#define DATA_IP_LO 8
#define DATA_IP_HI 12
#define DATA_ARG_LO(i) (16 + 8 * (i))
#define DATA_ARG_HI(i) (20 + 8 * (i))

#if defined(__x86_64__)
#define ARCH_NUMBER AUDIT_ARCH_X86_64
#else
#define ARCH_NUMBER AUDIT_ARCH_AARCH64
#endif

struct program {
  struct sock_filter code[MAX_FILTER];
  u32 len;
  u32 rule; /* where the rule begins that is being written */
};

static void emit(struct program* p, uint16_t code, u32 k, u8 jt, u8 jf) {
  if (p->len < MAX_FILTER)
    p->code[p->len++] = (struct sock_filter){code, jt, jf, k};
}

static void load(struct program* p, u32 offset) {
  emit(p, BPF_LD | BPF_W | BPF_ABS, offset, 0, 0);
}
static void ret(struct program* p, u32 action) {
  emit(p, BPF_RET | BPF_K, action, 0, 0);
}
/* if (accumulator OP k) skip `jt` else skip `jf` instructions; in a rule also GOOD and BAD */
static void jump(struct program* p, uint16_t op, u32 k, u8 jt, u8 jf) {
  emit(p, BPF_JMP | op | BPF_K, k, jt, jf);
}

/*
 * A rule is what one call's arguments have to be: begin(), conditions, end(). In its jumps GOOD leads to
 * where the call is allowed and BAD to where it traps; conditions that hold go on with the next, behind the
 * last is GOOD. Between rules the accumulator has the call's number.
 */
#define GOOD 0xfe
#define BAD 0xff

static void begin(struct program* p, u32 nr) {
  p->rule = p->len;
  jump(p, BPF_JEQ, nr, 0, 0);
}

static void end(struct program* p) {
  u32 good = p->len, bad = good + 1;
  for (u32 i = p->rule + 1; i < good; i++) {
    struct sock_filter* at = &p->code[i];
    if (BPF_CLASS(at->code) != BPF_JMP)
      continue;
    u8* ways[] = {&at->jt, &at->jf};
    for (u32 w = 0; w < 2; w++)
      if (*ways[w] >= GOOD)
        *ways[w] = (u8)((*ways[w] == GOOD ? good : bad) - i - 1);
  }
  ret(p, SECCOMP_RET_ALLOW);
  ret(p, SECCOMP_RET_TRAP);
  p->code[p->rule].jf = (u8)(bad - p->rule);
}

static void equals(struct program* p, u32 offset, u32 value) {
  load(p, offset);
  jump(p, BPF_JEQ, value, 0, BAD);
}

static void is_null(struct program* p, u32 arg) {
  equals(p, DATA_ARG_LO(arg), 0);
  equals(p, DATA_ARG_HI(arg), 0);
}

/* The number of a kept socket. */
static void is_socket(struct program* p, u32 arg) {
  load(p, DATA_ARG_LO(arg));
  jump(p, BPF_JGE, FD_SOCKETS, 0, BAD);
  jump(p, BPF_JGE, FD_SOCKETS + SOCKET_SLOTS, BAD, 0);
}

/* The last condition of a rule: the argument, masked, is one of the values. */
static void one_of(struct program* p, u32 arg, u32 mask, const u32* values, u32 count) {
  load(p, DATA_ARG_LO(arg));
  emit(p, BPF_ALU | BPF_AND | BPF_K, mask, 0, 0);
  for (u32 i = 0; i < count; i++)
    jump(p, BPF_JEQ, values[i], GOOD, i + 1 < count ? 0 : BAD);
}

static void allow(struct program* p, u32 nr) {
  jump(p, BPF_JEQ, nr, 0, 1);
  ret(p, SECCOMP_RET_ALLOW);
}

static void allow_values(struct program* p, u32 nr, u32 arg, u32 mask, const u32* values, u32 count) {
  begin(p, nr);
  one_of(p, arg, mask, values, count);
  end(p);
}

/* A call on a kept socket, whatever its other arguments are. */
static void allow_socket(struct program* p, u32 nr) {
  begin(p, nr);
  is_socket(p, 0);
  end(p);
}

/* A transfer on a kept socket with exactly these flags; `anywhere`: with an address. */
static void allow_transfer(struct program* p, u32 nr, u32 flags, int anywhere) {
  begin(p, nr);
  is_socket(p, 0);
  equals(p, DATA_ARG_LO(3), flags);
  if (!anywhere)
    is_null(p, 4);
  end(p);
}

#define VALUES(...) (const u32[]){__VA_ARGS__}, sizeof((const u32[]){__VA_ARGS__}) / sizeof(u32)

void install_filter(void) {
  static struct program program;
  struct program* p = &program;
  load(p, DATA_ARCH);
  jump(p, BPF_JEQ, ARCH_NUMBER, 1, 0);
  ret(p, SECCOMP_RET_TRAP);
#if defined(__x86_64__)
  /* x32 numbers come under the same architecture value. */
  load(p, DATA_NR);
  jump(p, BPF_JSET, 0x40000000, 0, 1);
  ret(p, SECCOMP_RET_TRAP);
#endif
  load(p, DATA_IP_HI);
  jump(p, BPF_JEQ, (u32)(ADDRESS_TEXT >> 32), 1, 0);
  ret(p, SECCOMP_RET_TRAP);
  load(p, DATA_IP_LO);
  jump(p, BPF_JGT, (u32)(u64)stub_text_end, 0, 1);
  ret(p, SECCOMP_RET_TRAP);
  load(p, DATA_NR);

  /* What every wait for a reply does comes first. */
  /* Futexes without priority inheritance: can only make the caller wait. */
  allow_values(p, __NR_futex, 1, 0x7f,
               VALUES(FUTEX_WAIT, FUTEX_WAKE, FUTEX_REQUEUE, FUTEX_CMP_REQUEUE, FUTEX_WAKE_OP,
                      FUTEX_WAIT_BITSET, FUTEX_WAKE_BITSET));
  /* The doorbell is an eventfd, the socket leads to the Sentry, which reads one byte a space's life. */
  allow_values(p, __NR_write, 0, 0xffffffff, VALUES(FD_DOORBELL, FD_SOCKET));
  /*
   * Sockets of the guest's that the Sentry gave it: data to and from their peers, other addresses only where
   * no rule forbids any, and none of the flags that mean more. The vectors' host files do not wait.
   */
  allow_transfer(p, __NR_recvfrom, MSG_DONTWAIT_, 1);
  allow_transfer(p, __NR_sendto, MSG_DONTWAIT_ | MSG_NOSIGNAL_, GLOBAL->addresses != 0);
  allow_socket(p, __NR_readv);
  allow_socket(p, __NR_writev);
  /* Which of the guest's own sockets one of its own instances watches. */
  begin(p, __NR_epoll_ctl);
  is_socket(p, 0);
  is_socket(p, 2);
  end(p);
  /* Waiting for events of the guest's own sockets, with its own signal mask. */
  begin(p, __NR_epoll_pwait);
  is_socket(p, 0);
  is_null(p, 4);
  end(p);
  /* Waiting for some of the caller's own descriptors, with its own signal mask. */
  begin(p, __NR_ppoll);
  is_null(p, 3);
  load(p, DATA_ARG_LO(1));
  jump(p, BPF_JGT, MOST_POLLED, BAD, 0);
  end(p);
  allow(p, __NR_rt_sigreturn); /* restores the caller's own registers */
  allow(p, __NR_munmap);       /* the caller's own memory, as the next six */
  allow(p, __NR_mprotect);
  allow(p, __NR_mremap);
  allow(p, __NR_mmap); /* descriptors a stub can hold are those donated to it */
  allow(p, __NR_msync);
  allow(p, __NR_mlock); /* bounded by RLIMIT_MEMLOCK and the cgroup */
  allow(p, __NR_mincore);
  allow(p, __NR_close);                                        /* the caller's own descriptors */
  allow_values(p, __NR_close_range, 2, 0xffffffff, VALUES(0)); /* the same */
  allow(p, __NR_exit);                                         /* ends the caller */
  allow(p, __NR_sigaltstack);                                  /* the caller's own signal stack */
  allow_values(p, __NR_recvmsg, 0, 0xffffffff, VALUES(FD_SOCKET));
  /* Reads of files that the Sentry gave it because the guest may read them. */
  allow_values(p, __NR_pread64, 0, (u32) ~(FILE_SLOTS - 1), VALUES(FD_FILES));
  /* To where those are; never the doorbell, which all stubs ring and none may read or watch. */
  begin(p, __NR_dup3);
  load(p, DATA_ARG_LO(0));
  jump(p, BPF_JEQ, FD_DOORBELL, BAD, 0);
  load(p, DATA_ARG_LO(1));
  jump(p, BPF_JEQ, FD_SOCKET, GOOD, 0);
  jump(p, BPF_JGE, FD_SOCKETS, 0, 1);
  jump(p, BPF_JGE, FD_SOCKETS + SOCKET_SLOTS, BAD, GOOD);
  emit(p, BPF_ALU | BPF_AND | BPF_K, (u32) ~(FILE_SLOTS - 1), 0, 0);
  jump(p, BPF_JEQ, FD_FILES, GOOD, BAD);
  end(p);
  /* Advice about the caller's own memory; not HWPOISON, not KSM (a side channel), not COLLAPSE. */
  allow_values(p, __NR_madvise, 2, 0xffffffff,
               VALUES(0, 1, 2, 3, 4, 8, 9, 10, 11, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23));
  allow_values(p, __NR_clock_gettime, 0, 0xffffffff,
               VALUES(0, 1, 2, 3)); /* the time, and the caller's own CPU time */
  allow_values(p, __NR_membarrier, 0, 0xffffffff, VALUES(0, 1, 2, 4, 8, 16, 32, 64)); /* a barrier */
  /*
   * The caller's own name, and what the host shows as its arguments: with no capability, a map may be any
   * that is in order, and names no executable.
   */
  begin(p, __NR_prctl);
  load(p, DATA_ARG_LO(0));
  jump(p, BPF_JEQ, PR_SET_NAME, GOOD, 0);
  jump(p, BPF_JEQ, PR_SET_MM, 0, BAD);
  equals(p, DATA_ARG_LO(1), PR_SET_MM_MAP);
  end(p);
#if defined(__x86_64__)
  allow_values(p, __NR_arch_prctl, 0, 0xffffffff,
               VALUES(0x1001, 0x1002)); /* the caller's own FS and GS base */
#endif
  /*
   * A process or a thread under this same filter; how many is bounded by the cgroup's pids limit. The flags
   * are exact, namespaces and tracing are out of reach.
   */
  u32 thread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
               CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID;
  begin(p, __NR_clone);
  equals(p, DATA_ARG_HI(0), 0);
  one_of(p, 0, 0xffffffff, VALUES(CLONE_PARENT | SIGCHLD, thread, thread | CLONE_SETTLS));
  end(p);
  ret(p, SECCOMP_RET_TRAP);

  struct {
    unsigned short len;
    struct sock_filter* filter;
  } prog = {(unsigned short)p->len, p->code};
  host6(__NR_prctl, 38 /* PR_SET_NO_NEW_PRIVS */, 1, 0, 0, 0, 0);
  i64 r = host6(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, (u64)&prog, 0, 0, 0);
  if (r != 0)
    host6(__NR_exit_group, 126, 0, 0, 0, 0, 0);
}
