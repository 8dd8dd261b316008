/* One post and what its reply asks for: host operations, copy-outs, then an action. */
#include "stub.h"

/* platform.ts's OP_ numbers. */
#define OP_MMAP 1
#define OP_MUNMAP 2
#define OP_MPROTECT 3
#define OP_MREMAP 4
#define OP_MADVISE 5
#define OP_MSYNC 6
#define OP_MLOCK 7
#define OP_MINCORE 8
#define OP_MEMBARRIER 9
#define OP_ZERO 10
#define OP_SET_FS 11
#define OP_KEEP_FD 13
#define OP_CLOSE_FD 14
#define OP_PREAD 15
#define OP_KEEP_SOCKET 16
#define OP_DROP_SOCKET 17
#define OP_NAME 18
#define OP_ARGUMENTS 19
#define DONATED_FD (-2)

/*
 * Kept files. One that is read again and again is mapped, its first part: a copy from there costs less than a
 * call. The Sentry asks for no more than the file has; where the host has cut it meanwhile, the copy faults.
 */
#define READS_BEFORE_MAPPING 8
#define MAPPED 0xff
static u8 file_reads[FILE_SLOTS];

static u8* file_window(u64 index) {
  return (u8*)(ADDRESS_FILES + index * FILE_WINDOW);
}

static void unmap_file(u64 fd) {
  u64 index = fd - FD_FILES;
  if (index >= FILE_SLOTS)
    return;
  if (file_reads[index] == MAPPED)
    host6(__NR_munmap, (u64)file_window(index), FILE_WINDOW, 0, 0, 0, 0);
  file_reads[index] = 0;
}

static i64 read_file(struct thread* t, u64 fd, u64 addr, u64 len, u64 pos) {
  u64 index = fd - FD_FILES;
  if (index < FILE_SLOTS && pos < FILE_WINDOW && len <= FILE_WINDOW - pos) {
    if (file_reads[index] == MAPPED) {
      if (!guarded_copy(t, (void*)addr, file_window(index) + pos, len))
        return (i64)len;
    } else if (++file_reads[index] == READS_BEFORE_MAPPING) {
      i64 r = host6(__NR_mmap, (u64)file_window(index), FILE_WINDOW, 1 /* PROT_READ */,
                    0x11 /* MAP_SHARED | MAP_FIXED */, fd, 0);
      file_reads[index] = r < 0 ? 0 : MAPPED;
    }
  }
  return host6(__NR_pread64, fd, addr, len, pos, 0, 0);
}

/*
 * What /proc/PID/cmdline shows on the host. The rest of the map says nothing about the guest: it only has to
 * be in order. Hosts without CONFIG_CHECKPOINT_RESTORE refuse it.
 */
static void show_arguments(const u64* a) {
  u64 text = ADDRESS_TEXT;
  struct prctl_mm_map map = {
      .start_code = text,
      .end_code = (u64)stub_text_end,
      .start_data = text,
      .end_data = text,
      .start_brk = text,
      .brk = text,
      .start_stack = a[0],
      .arg_start = a[0],
      .arg_end = a[1],
      .env_start = a[2],
      .env_end = a[3],
      .exe_fd = (u32)-1,
  };
  host6(__NR_prctl, PR_SET_MM, PR_SET_MM_MAP, (u64)&map, sizeof map, 0, 0);
}

/* Host memory operations with addresses that the Sentry chose. All of them can only hurt this address space.
 */
static i64 run_op(struct thread* t, const struct slot_op* op) {
  const u64* a = op->a;
  switch (op->op) {
  case OP_MMAP: {
    u64 fd = a[4];
    int received;
    if ((i64)fd != DONATED_FD)
      return host6(__NR_mmap, a[0], a[1], a[2], a[3], fd, a[5]);
    i64 r = take_fds(t, &received, 1);
    if (r == 0) {
      r = host6(__NR_mmap, a[0], a[1], a[2], a[3], (u64)received, a[5]);
      host6(__NR_close, (u64)received, 0, 0, 0, 0, 0);
    }
    release_fds();
    return r;
  }
  case OP_MUNMAP:
    return host6(__NR_munmap, a[0], a[1], 0, 0, 0, 0);
  case OP_MPROTECT:
    return host6(__NR_mprotect, a[0], a[1], a[2], 0, 0, 0);
  case OP_MREMAP:
    return host6(__NR_mremap, a[0], a[1], a[2], a[3], a[4], 0);
  case OP_MADVISE:
    return host6(__NR_madvise, a[0], a[1], a[2], 0, 0, 0);
  case OP_MSYNC:
    return host6(__NR_msync, a[0], a[1], a[2], 0, 0, 0);
  case OP_MLOCK:
    host6(__NR_mlock, a[0], a[1], 0, 0, 0, 0);
    return 0;
  case OP_MINCORE:
    if (a[2] >= SLOT_DATA || a[1] / 4096 > SLOT_DATA - a[2])
      return -EINVAL;
    return host6(__NR_mincore, a[0], a[1], (u64)slot_data(t->slot) + a[2], 0, 0, 0);
  case OP_MEMBARRIER:
    return host6(__NR_membarrier, a[0], 0, 0, 0, 0, 0);
  case OP_ZERO: {
    static const u8 zeros[256];
    for (u64 at = a[0], end = a[0] + a[1]; at < end;) {
      u64 n = end - at < sizeof zeros ? end - at : sizeof zeros;
      if (guarded_copy(t, (void*)at, zeros, n))
        return -EFAULT;
      at += n;
    }
    return 0;
  }
  case OP_SET_FS:
    return arch_set_thread_pointer(a[0]);
  case OP_KEEP_FD: {
    int received;
    i64 r = take_fds(t, &received, 1);
    if (r == 0) {
      unmap_file(a[0]);
      r = host6(__NR_dup3, (u64)received, a[0], 02000000 /* O_CLOEXEC */, 0, 0, 0);
      host6(__NR_close, (u64)received, 0, 0, 0, 0, 0);
    }
    release_fds();
    return r;
  }
  case OP_CLOSE_FD:
    unmap_file(a[0]);
    host6(__NR_close, a[0], 0, 0, 0, 0, 0);
    return 0;
  case OP_PREAD: {
    i64 r = read_file(t, a[0], a[1], a[2], a[3]);
    if (r >= 0)
      t->slot->result = r;
    return r;
  }
  case OP_KEEP_SOCKET: {
    int received;
    if (take_fds(t, &received, 1) == 0)
      keep_socket((u64)received, a[0], a[1]);
    release_fds();
    return 0;
  }
  case OP_DROP_SOCKET:
    drop_socket(a[0], a[1]);
    return 0;
  case OP_NAME: {
    u32 name[4] = {(u32)a[0], (u32)a[1], (u32)a[2], (u32)a[3]};
    host6(__NR_prctl, PR_SET_NAME, (u64)name, 0, 0, 0, 0);
    return 0;
  }
  case OP_ARGUMENTS:
    show_arguments(a);
    return 0;
  default:
    return -ENOSYS;
  }
}

static int takes_fd(const struct slot_op* op) {
  return op->op == OP_KEEP_FD || op->op == OP_KEEP_SOCKET ||
         (op->op == OP_MMAP && (i64)op->a[4] == DONATED_FD);
}

/* The first failure ends the list; its result (or 0) is what EVENT_OPS reports. The descriptors of the rest
 * go. */
static i64 run_ops(struct thread* t) {
  struct slot* slot = t->slot;
  u32 count = slot->op_count;
  if (count > MAX_OPS)
    count = MAX_OPS;
  for (u32 i = 0; i < count; i++) {
    struct slot_op op = slot->ops[i];
    i64 r = run_op(t, &op);
    if (r < 0 && r > -4096) {
      while (++i < count) {
        op = slot->ops[i];
        if (takes_fd(&op))
          drop_fds(t);
      }
      return r;
    }
  }
  return 0;
}

static int run_copy_outs(struct thread* t) {
  struct slot* slot = t->slot;
  u32 count = slot->out_count;
  if (count > MAX_OUTS)
    count = MAX_OUTS;
  int bad = 0;
  for (u32 i = 0; i < count; i++) {
    struct slot_output out = slot->outs[i];
    if (out.offset >= SLOT_DATA || out.length > SLOT_DATA - out.offset)
      continue;
    if (guarded_copy(t, (void*)out.addr, slot_data(slot) + out.offset, out.length))
      bad = 1;
  }
  return bad;
}

static void fill_context(struct slot* slot, struct context* context) {
  slot->patch_pattern = 0;
  slot->full_context = context != 0;
  if (!context)
    return;
  slot->ip = CONTEXT_IP(context);
  slot->sp = CONTEXT_SP(context);
}

/* What the last call brought along is not needed: the Sentry gets its room for siginfo and the like. */
static void drop_inputs(struct slot* slot) {
  slot->input_count = 0;
  slot->data_used = 0;
}

struct outcome serve(struct thread* t, u32 event, struct context* context) {
  struct slot* slot = t->slot;
  struct outcome out = {0, 0, 0};
  fill_context(slot, context);
  slot->event = event;
  if (event == EVENT_SYSCALL && context)
    slot->patch_pattern = arch_patch_pattern(CONTEXT_IP(context), slot->nr);
  if (event == EVENT_INTERRUPT && context && t->asks_patch)
    slot->patch_pattern = arch_patch_pattern(CONTEXT_IP(context), __NR_futex);
  if (event == EVENT_INTERRUPT)
    slot->nr = (u32)t->restart_nr;
  if (event != EVENT_SYSCALL)
    drop_inputs(slot);
  for (;;) {
    post_and_wait(t);
    u32 flags = slot->reply_flags;
    if (slot->op_count != 0 || (flags & REPLY_ACK_OPS)) {
      i64 r = run_ops(t);
      slot->op_count = 0;
      if (r < 0 || (flags & REPLY_ACK_OPS)) {
        /* With the acknowledgement the list of copy-outs is the next reply's. */
        if (r >= 0 && slot->out_count != 0 && run_copy_outs(t))
          r = -EFAULT;
        slot->op_result = r;
        slot->event = event = EVENT_OPS;
        continue;
      }
    }
    i64 result = slot->result;
    if (slot->out_count != 0 && run_copy_outs(t))
      result = -EFAULT;
    switch (slot->action) {
    case ACTION_RETURN:
      out.result = result;
      out.patch = flags & REPLY_PATCH;
      out.trap_after = flags & REPLY_TRAP_AFTER;
      if (context)
        CONTEXT_RESULT(context) = (u64)result;
      break;
    case ACTION_CONTINUE:
      out.patch = flags & REPLY_PATCH;
      if (context && ((flags & REPLY_RESTART) || (event == EVENT_INTERRUPT && t->restart_nr != NO_RESTART)))
        arch_restart(t, context);
      out.trap_after = flags & REPLY_TRAP_AFTER;
      break;
    case ACTION_SIGNAL:
      if (!context)
        break;
      if (arch_push_signal(t, context)) {
        fill_context(slot, context);
        slot->event = event = EVENT_BAD_FRAME;
        continue;
      }
      out.trap_after = flags & REPLY_TRAP_AFTER;
      break;
    case ACTION_SIGRETURN:
      if (!context)
        break;
      if (arch_sigreturn(t, context)) {
        fill_context(slot, context);
        slot->event = event = EVENT_BAD_FRAME;
        continue;
      }
      out.trap_after = flags & REPLY_TRAP_AFTER;
      break;
    case ACTION_START:
      if (context)
        arch_start(t, context);
      break;
    case ACTION_FORK: {
      if (!context)
        break;
      i64 r = do_fork(t, context);
      if (r == 0) {
        slot = t->slot;
        if (!(flags & REPLY_BLANK))
          return out;
        fill_context(slot, context);
        slot->event = event = EVENT_READY;
        continue;
      }
      slot->op_result = r < 0 ? r : 0;
      slot->event = event = EVENT_CLONED;
      continue;
    }
    case ACTION_THREAD: {
      if (!context)
        break;
      i64 r = do_thread(t, context);
      slot->op_result = r < 0 ? r : 0;
      slot->event = event = EVENT_CLONED;
      continue;
    }
    case ACTION_EXIT:
      do_exit(t);
    default:
      break;
    }
    if (out.trap_after && context) {
      /* Registers are complete here, so the next post needs no detour. */
      out.trap_after = 0;
      fill_context(slot, context);
      drop_inputs(slot);
      slot->event = event = EVENT_INTERRUPT;
      t->restart_nr = NO_RESTART;
      slot->nr = (u32)NO_RESTART;
      continue;
    }
    return out;
  }
}

/*
 * Calls that need nothing of the Sentry: futexes (private and shared ones alike live in host-native memory),
 * the thread's own CPU clocks, data of sockets that the Sentry gave us. Their arguments can only make this
 * thread wait or fail, or say what the guest may say to a peer.
 */
i64 local_syscall(struct thread* t, u64 nr, const u64* a, u64* handled) {
  *handled = 0;
  switch (nr) {
  case __NR_read:
  case __NR_write:
  case __NR_recvfrom:
  case __NR_sendto:
  case __NR_readv:
  case __NR_writev:
#ifdef __NR_epoll_wait
  case __NR_epoll_wait:
#endif
  case __NR_epoll_pwait:
  case __NR_epoll_ctl:
    return socket_syscall(t, nr, a, handled);
#ifdef __NR_poll
  case __NR_poll:
#endif
#ifdef __NR_select
  case __NR_select:
#endif
  case __NR_ppoll:
  case __NR_pselect6:
    return poll_syscall(t, nr, a, handled);
  }
  if (nr == __NR_futex) {
    u32 op = (u32)a[1];
    u32 cmd = op & ~(u32)(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME);
    if (cmd > FUTEX_WAKE_BITSET || ((1u << cmd) & FUTEX_LOCAL_COMMANDS) == 0)
      return 0;
    *handled = 1;
    /* Only a wait can be interrupted; the others must not be given up half way. */
    if (cmd != FUTEX_WAIT && cmd != FUTEX_WAIT_BITSET)
      return host6(__NR_futex, a[0], a[1], a[2], a[3], a[4], a[5]);
    /* Of the words that somebody waits for without end, those that are zero when nobody has them may be
     * locks. */
    i64 r = a[3] == 0 && (u32)a[2] != 0 && GLOBAL->lock_ticks != 0 ? hold_back(t, a[0]) : 0;
    if (r == 0)
      r = waiting_call(t, __NR_futex, a[0], a[1], a[2], a[3], a[4], a[5]);
    /* For the Sentry, which decides by the timeout whether to start it again. */
    if (r == -EINTR)
      for (int i = 0; i < 6; i++)
        t->slot->args[i] = a[i];
    return r;
  }
  if (nr == __NR_clock_gettime && (a[0] == 2 || a[0] == 3)) {
    u64 ts[2];
    i64 r = host6(__NR_clock_gettime, a[0], (u64)ts, 0, 0, 0, 0);
    if (r == 0 && guarded_copy(t, (void*)a[1], ts, sizeof ts))
      r = -EFAULT;
    *handled = 1;
    return r;
  }
  return 0;
}
