/* One post and what its reply asks for: host operations (operations.c), copy-outs, then an action. */
#include "stub.h"

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
  CHANGE(slot->patch_pattern, 0);
  CHANGE(slot->full_context, context != 0);
  if (!context)
    return;
  slot->ip = CONTEXT_IP(context);
  slot->sp = CONTEXT_SP(context);
}

/* What the last call brought along is not needed: the Sentry gets its room for siginfo and the like. */
static void drop_inputs(struct thread* t) {
  t->input_count = 0;
  t->data_used = 0;
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
    drop_inputs(t);
  for (;;) {
    post_and_wait(t);
    u32 flags = slot->reply_flags;
    if (slot->op_count != 0 || (flags & REPLY_ACK_OPS)) {
      i64 r = run_ops(t);
      CHANGE(slot->op_count, 0);
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
      drop_inputs(t);
      slot->event = event = EVENT_INTERRUPT;
      t->restart_nr = NO_RESTART;
      slot->nr = (u32)NO_RESTART;
      continue;
    }
    return out;
  }
}
