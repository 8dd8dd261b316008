/*
 * The stub: the only host code in a guest's address space. It turns a guest's syscalls, faults and interrupts
 * into posts in a shared slot, and does what the Sentry replies. Freestanding: no libc, no globals that are
 * written after start but the state of patches, kept sockets and files, and donated descriptors. A guest can
 * read, write and jump anywhere in it: nothing here is trusted by the Sentry, and the seccomp filter
 * (filter.c) must hold for arbitrary arguments.
 */
#ifndef RUNSC_STUB_H
#define RUNSC_STUB_H

#include <asm/siginfo.h>
#include <asm/signal.h>
#include <asm/unistd.h>
#include <linux/errno.h>
#include <linux/futex.h>
#include <linux/mman.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/time.h>

#include "../include/layout.h"

typedef uint64_t u64;
typedef int64_t i64;
typedef uint32_t u32;
typedef int32_t i32;
typedef uint8_t u8;

#define INLINE static inline __attribute__((always_inline))
#define HIDDEN __attribute__((visibility("hidden")))
#define GLOBAL ((volatile struct global_page*)ADDRESS_GLOBAL)

/* Why a thread goes through the bounce instruction (arch): it needs a full register context. */
/* platform.ts's EVENT_ numbers. */
#define EVENT_SYSCALL 0
#define EVENT_INTERRUPT 1
#define EVENT_FAULT 2
#define EVENT_READY 3
#define EVENT_OPS 4
#define EVENT_CLONED 5
#define EVENT_BAD_FRAME 6

enum bounce { BOUNCE_NONE = 0, BOUNCE_TRAP_AFTER = 1, BOUNCE_SYSCALL = 2, BOUNCE_READY = 3 };

struct times {
  i64 sec, part;
};

/* At the start of a thread's block; assembly knows the first seven offsets (see arch). */
/* A store to what another CPU has read costs more than a look. */
#define CHANGE(field, value)                                                                                 \
  do {                                                                                                       \
    if ((field) != (value))                                                                                  \
      (field) = (value);                                                                                     \
  } while (0)

struct thread {
  u64 self;
  u64 saved_sp;
  u64 stack_top;
  u64 pending; /* an interrupt arrived in the stub: post before going back to guest code */
  u64 resume_result;
  u64 resume_ip;
  u64 bounce;
  u64 fault_ip; /* where a guarded access goes on after a fault */
  u64 last_result;
  struct slot* slot;
  u64 index;
  u64 last_nr;    /* of the last syscall, for a restart */
  u64 restart_nr; /* a local call that an interrupt ended: its number, else NO_RESTART */
  /* When a wait with a duration has to end that an interrupt ended (on what clock: of its call), whose it
   * was, and whether it is started again. */
  struct times deadline;
  u64 deadline_args[4], restarted;
  u64 asks_patch; /* the interrupt that it posts is a question: may this site of futex calls be patched? */
  /* Of the slot; shown there with the post. */
  u32 input_count, data_used;
  /* The word that this thread last waited for with hold_back, when, and how often it will not look at it. */
  u64 lock_word, lock_time, lock_patience;
};

#define NO_RESTART (~0UL)

struct context; /* arch: the interrupted guest's registers (a host signal frame) */

#include "arch.h"

INLINE struct thread* thread_at(u64 index) {
  return (struct thread*)(ADDRESS_BLOCKS + index * BLOCK_SIZE);
}
INLINE struct slot* slot_at(u64 index) {
  return (struct slot*)(ADDRESS_REGION + index * SLOT_SIZE);
}
INLINE u8* slot_data(struct slot* slot) {
  return (u8*)slot + SLOT_HEADER;
}

/* copy.c: guarded copies between guest memory and the slot. */
HIDDEN int guarded_copy(struct thread* t, void* dst, const void* src, u64 len);
HIDDEN i64 guarded_string(struct thread* t, u8* dst, u64 src, u64 cap);
HIDDEN int guarded_load64(struct thread* t, u64 addr, u64* value);
HIDDEN int guarded_store32(struct thread* t, u64 addr, u32 value);

/* marshal.c */
HIDDEN void marshal(struct thread* t, u64 nr, const u64* args);
HIDDEN void marshal_bytes(struct thread* t, u64 addr, u64 len);

/* waiting_call, shown to who looks at the thread meanwhile. */
INLINE i64 wait_in_host(struct thread* t, u64 nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f) {
  t->slot->waits = 1;
  i64 r = waiting_call(t, nr, a, b, c, d, e, f);
  t->slot->waits = 0;
  return r;
}

/* post.c */
HIDDEN void post_and_wait(struct thread* t);

/* serve.c: posts one event and acts on the reply; context is NULL on the fast path. */
struct outcome {
  i64 result;
  u64 trap_after;
  u64 patch;
};
/* The operations of the reply, until one fails: its result, or 0. */
HIDDEN i64 run_ops(struct thread* t);
HIDDEN struct outcome serve(struct thread* t, u32 event, struct context* context);
HIDDEN i64 local_syscall(struct thread* t, u64 nr, const u64* a, u64* handled);

/* deadline.c: of waits with a duration, which goes on over their interruptions. */
/* The time of that clock after `duration`. */
HIDDEN void deadline_after(u64 clock, const struct times* duration, struct times* deadline);
/* The call was interrupted: when it is to end in spite of that. */
HIDDEN void keep_deadline(struct thread* t, u64 nr, const u64* a, const struct times* deadline);
/* That of the same call, if this is its restart. */
HIDDEN int kept_deadline(struct thread* t, u64 nr, const u64* a, struct times* deadline);
/* What is left until the deadline. */
HIDDEN void time_left(u64 clock, const struct times* deadline, struct times* left);

/* contention.c: before a wait for the lock at `word`: 0, or -EINTR for the wait. */
HIDDEN i64 hold_back(struct thread* t, u64 word);

/* clone.c */
HIDDEN i64 do_fork(struct thread* t, struct context* context);
HIDDEN i64 do_thread(struct thread* t, struct context* context);
HIDDEN void do_exit(struct thread* t) __attribute__((noreturn));

/* donated.c */
/* The next `count` descriptors for this thread: 0 or -EBADF. Call release_fds() when they are closed, and
 * after a failure. */
HIDDEN int take_fds(struct thread* t, int* fds, int count);
HIDDEN void release_fds(void);
/* Closes this thread's next descriptor. */
HIDDEN void drop_fds(struct thread* t);
/* In a fork's child: those that were put aside are for threads of its parent. */
HIDDEN void forget_fds(void);

/* sockets.c: sockets of the host's that the Sentry let us read and write for the guest. */
HIDDEN void sockets_at(struct slot* first);
HIDDEN void keep_socket(u64 received, u64 place, u64 turn);
HIDDEN void drop_socket(u64 place, u64 turn);
HIDDEN void lock_sockets(void);
HIDDEN void unlock_sockets(void);
HIDDEN void forget_sockets(void);
HIDDEN i64 socket_syscall(struct thread* t, u64 nr, const u64* a, u64* handled);
/* Is the guest's descriptor one of them? */
HIDDEN int is_kept_socket(u64 fd);

/* polls.c: waits for so many of them at most. */
#define MOST_POLLED 64
HIDDEN i64 poll_syscall(struct thread* t, u64 nr, const u64* a, u64* handled);

/* Futex commands that the stub runs by itself: all but the priority-inheriting ones. */
#define FUTEX_LOCAL_COMMANDS                                                                                 \
  ((1u << FUTEX_WAIT) | (1u << FUTEX_WAKE) | (1u << FUTEX_REQUEUE) | (1u << FUTEX_CMP_REQUEUE) |             \
   (1u << FUTEX_WAKE_OP) | (1u << FUTEX_WAIT_BITSET) | (1u << FUTEX_WAKE_BITSET))

/* filter.c */
HIDDEN void install_filter(void);

extern char stub_text_end[] HIDDEN;
INLINE int in_stub_text(u64 ip) {
  return ip >= ADDRESS_TEXT && ip < (u64)stub_text_end;
}

void* memcpy(void* dst, const void* src, size_t n);
void* memset(void* dst, int c, size_t n);

#endif
