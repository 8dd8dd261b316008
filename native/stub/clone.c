/* fork, new threads and thread exit, as the Sentry's reply parameters say. */
#include "stub.h"

/* Maps a region of its own over the parent's and takes its own socket. The hello byte carries our pid to the
 * Sentry. */
static void adopt_region(struct thread* t, int region_fd, int socket_fd) {
  host6(__NR_mmap, ADDRESS_REGION, REGION_SIZE, PROT_READ | PROT_WRITE,
        MAP_SHARED | MAP_FIXED | MAP_NORESERVE, (u64)region_fd, 0);
  host6(__NR_madvise, ADDRESS_REGION, REGION_SIZE, MADV_DONTFORK, 0, 0, 0);
  host6(__NR_close, (u64)region_fd, 0, 0, 0, 0, 0);
  sockets_at(t->slot);
  host6(__NR_dup3, (u64)socket_fd, FD_SOCKET, 02000000 /* O_CLOEXEC */, 0, 0, 0);
  host6(__NR_close, (u64)socket_fd, 0, 0, 0, 0, 0);
  u8 hello = 'h';
  host6(__NR_write, FD_SOCKET, (u64)&hello, 1, 0, 0, 0);
  /* After the hello: the Sentry looks for that, then asks here. */
  t->pending = __atomic_load_n(&t->slot->birth_interrupt, __ATOMIC_SEQ_CST);
}

/* params: set_tid address, child tid, stack or 0, thread pointer, whether to set it. 0 in the child, the host
 * pid in the parent, or a negated errno. */
i64 do_fork(struct thread* t, struct context* context) {
  struct slot* slot = t->slot;
  u64 set_tid = slot->params[0];
  u32 tid = (u32)slot->params[1];
  u64 stack = slot->params[2], tls = slot->params[3], set_tls = slot->params[4];
  int fds[2];
  /* Until they are closed again no other thread may fork: its child would keep this child's socket open. */
  if (take_fds(t, fds, 2) < 0) {
    release_fds();
    return -EAGAIN;
  }
  /* A call site must not stay half patched in the child. */
  arch_lock_patching();
  lock_sockets();
  i64 pid = host6(__NR_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0, 0);
  unlock_sockets();
  arch_unlock_patching();
  if (pid != 0) {
    host6(__NR_close, (u64)fds[0], 0, 0, 0, 0, 0);
    host6(__NR_close, (u64)fds[1], 0, 0, 0, 0, 0);
    release_fds();
    return pid;
  }
  release_fds();
  forget_fds();
  forget_sockets();
  adopt_region(t, fds[0], fds[1]);
  CONTEXT_RESULT(context) = 0;
  if (stack)
    CONTEXT_SP(context) = stack;
  if (set_tls)
    arch_set_thread_pointer(tls);
  if (set_tid)
    guarded_store32(t, set_tid, tid);
  return 0;
}

/* params: index, stack, thread pointer, whether to set it, set_tid address, child tid. */
i64 do_thread(struct thread* t, struct context* context) {
  volatile u64* p = t->slot->params;
  u64 index = p[0], stack = p[1], tls = p[2], set_tls = p[3], set_tid = p[4], tid = p[5];
  if (index >= MAX_THREADS)
    return -EAGAIN;
  struct thread* child = thread_at(index);
  memset(child, 0, sizeof *child);
  child->self = (u64)child;
  child->index = index;
  child->slot = slot_at(index);
  child->stack_top = (u64)child + BLOCK_SIZE - 64;
  child->restart_nr = NO_RESTART;
  if (set_tid)
    guarded_store32(t, set_tid, (u32)tid);
  return arch_clone_thread(child, context, stack, tls, set_tls);
}

#define ROBUST_LIMIT 2048

/* A dead owner's robust mutex: mark it and wake one waiter (get_robust_list(2)). Those with priority
 * inheritance
 * (`entry`'s lowest bit) the Sentry hands on. It may have died between a release and its wake-up, too. */
static void release_robust(struct thread* t, u64 entry, u64 offset, u32 tid, int was_pending) {
  u64 word = (entry & ~1UL) + offset;
  int inherits = (int)(entry & 1);
  u32 value;
  if ((word & 3) || guarded_copy(t, &value, (const void*)word, 4))
    return;
  if (was_pending && !inherits && value == 0)
    host6(__NR_futex, word, FUTEX_WAKE, 1, 0, 0, 0);
  while ((value & FUTEX_TID_MASK) == tid) {
    u32 dead = (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
    u32 seen = value;
    if (arch_guarded_cmpxchg32(t, word, &seen, dead))
      return;
    if (seen == value) {
      if ((value & FUTEX_WAITERS) && !inherits)
        host6(__NR_futex, word, FUTEX_WAKE, 1, 0, 0, 0);
      return;
    }
    value = seen;
  }
}

static void walk_robust_list(struct thread* t, u64 head, u32 tid) {
  u64 next, offset, pending;
  if (guarded_load64(t, head, &next) || guarded_load64(t, head + 8, &offset) ||
      guarded_load64(t, head + 16, &pending))
    return;
  for (int i = 0; i < ROBUST_LIMIT && (next & ~1UL) != head && next != 0; i++) {
    u64 entry = next;
    if (guarded_load64(t, entry & ~1UL, &next))
      break;
    if ((entry & ~1UL) != (pending & ~1UL))
      release_robust(t, entry, offset, tid, 0);
  }
  if (pending)
    release_robust(t, pending, offset, tid, 1);
}

/*
 * params: clear_tid address, robust list head, guest tid, nonzero for the process's main thread, nonzero if
 * the Sentry has already cleared the word.
 */
void do_exit(struct thread* t) {
  volatile u64* p = t->slot->params;
  u64 clear_tid = p[0], robust = p[1], tid = p[2], is_main = p[3], cleared = p[4];
  if (robust)
    walk_robust_list(t, robust, (u32)tid);
  if (clear_tid && (cleared || !guarded_store32(t, clear_tid, 0)))
    host6(__NR_futex, clear_tid, FUTEX_WAKE, 1, 0, 0, 0);
  /* A process whose main thread is gone has no memory that process_vm_readv could find: it stays, asleep. */
  u32 never = 0;
  while (is_main)
    host6(__NR_futex, (u64)&never, FUTEX_WAIT, 0, 0, 0, 0);
  for (;;)
    host6(__NR_exit, 0, 0, 0, 0, 0, 0);
}
