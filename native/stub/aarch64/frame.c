/* aarch64 guest signal frames: siginfo, ucontext, its records, and a frame record for unwinders, as the
 * kernel lays out. */
#include "../stub.h"

#define STACK_FRAME_RECORD 16
/* Set between an indirect branch and its landing pad: the handler is not where that branch went. */
#define PSTATE_BTYPE (3UL << 10)

struct guest_frame {
  u8 info[SIGINFO_SIZE];
  struct ucontext uc;
};

#define RESERVED_SIZE sizeof(((struct sigcontext*)0)->__reserved)

/* The record with that magic number, or 0; magic 0 finds the list's end. */
static struct _aarch64_ctx* find_in(const u8* p, u32 magic) {
  const u8* end = p + RESERVED_SIZE;
  while (p + sizeof(struct _aarch64_ctx) <= end) {
    struct _aarch64_ctx* head = (struct _aarch64_ctx*)p;
    if (head->magic == magic)
      return head;
    if (head->magic == 0 || head->size < sizeof *head || head->size > (u64)(end - p))
      return 0;
    p += head->size;
  }
  return 0;
}

struct _aarch64_ctx* find_record(const struct context* c, u32 magic) {
  return find_in(c->uc.uc_mcontext.__reserved, magic);
}

/* The record of registers that do not fit into the ucontext (long vectors), or 0. */
INLINE struct extra_context* find_extra(const struct context* c) {
  return (struct extra_context*)find_record(c, EXTRA_MAGIC);
}

u64 frame_extra_size(const struct context* c) {
  const struct extra_context* extra = find_extra(c);
  u64 size = extra ? extra->size : 0;
  return size > BLOCK_SIZE / 4 ? 0 : size;
}

/* Copies the record to `at` and points the copy's ucontext there. */
void copy_frame_extra(struct context* to, const struct context* from, u64 at) {
  const struct extra_context* have = find_extra(from);
  struct extra_context* want = find_extra(to);
  if (!have || !want)
    return;
  memcpy((void*)at, (const void*)have->datap, frame_extra_size(from));
  want->datap = at;
}

int arch_push_signal(struct thread* t, struct context* c) {
  struct slot* slot = t->slot;
  struct sigcontext* m = &c->uc.uc_mcontext;
  if (slot->sig_set_result)
    m->regs[0] = (u64)slot->sig_result;
  if (slot->sig_restart)
    arch_restart(t, c);
  t->restart_nr = NO_RESTART;
  u64 sp = (slot->sig_stack_top ? slot->sig_stack_top : m->sp) & ~15UL;
  u64 record = sp - STACK_FRAME_RECORD;
  u64 extra_size = frame_extra_size(c);
  u64 extra_at = (record - extra_size) & ~15UL;
  u64 at = (extra_at - sizeof(struct guest_frame)) & ~15UL;
  u64 uc_at = at + offsetof(struct guest_frame, uc);
  u32 info = slot->sig_info_offset;
  if (info > SLOT_DATA - SIGINFO_SIZE)
    info = 0;
  u64 frame_record[2] = {m->regs[29], m->regs[30]};

  struct extra_context* extra = find_extra(c);
  u64 host_extra = extra ? extra->datap : 0;
  struct ucontext head; /* what differs from the host's ucontext lies in its first bytes */
  memcpy(&head, &c->uc, offsetof(struct ucontext, uc_mcontext));
  head.uc_link = 0;
  head.uc_stack.ss_sp = (void*)slot->sig_alt_sp;
  head.uc_stack.ss_size = slot->sig_alt_size;
  head.uc_stack.ss_flags = (int)slot->sig_alt_flags;
  memcpy(&head.uc_sigmask, (void*)&slot->sig_mask, 8);
  if (extra)
    extra->datap = extra_at;
  int bad = guarded_copy(t, (void*)record, frame_record, sizeof frame_record) ||
            guarded_copy(t, (void*)extra_at, (const void*)host_extra, extra_size) ||
            guarded_copy(t, (void*)at, slot_data(slot) + info, SIGINFO_SIZE) ||
            guarded_copy(t, (void*)uc_at, &head, offsetof(struct ucontext, uc_mcontext)) ||
            guarded_copy(t, (void*)(uc_at + offsetof(struct ucontext, uc_mcontext)), m, sizeof *m);
  if (extra)
    extra->datap = host_extra;
  if (bad)
    return 1;
  m->regs[0] = slot->sig_no;
  m->regs[1] = at;
  m->regs[2] = uc_at;
  m->regs[29] = record;
  m->regs[30] = (slot->sig_flags & 0x04000000) ? slot->sig_restorer : SIGRETURN_ADDRESS;
  m->sp = at;
  m->pc = slot->sig_handler;
  m->pstate &= ~PSTATE_BTYPE;
  return 0;
}

void arch_marshal_sigreturn(struct thread* t, struct context* c) {
  marshal_bytes(t, c->uc.uc_mcontext.sp + SIGINFO_SIZE, offsetof(struct ucontext, uc_mcontext));
}

/*
 * The long vectors of a guest's frame into the host's. A syscall discards them, so the host's record is
 * mostly an empty one: then a full one takes its place. Those that need an extra_context are not taken back.
 */
static void restore_vectors(struct context* c, const u8* theirs) {
  u8* reserved = c->uc.uc_mcontext.__reserved;
  struct sve_context* ours = (struct sve_context*)find_in(reserved, SVE_MAGIC);
  const struct sve_context* want = (const struct sve_context*)find_in(theirs, SVE_MAGIC);
  if (!ours || !want || want->vl != ours->vl || want->flags != 0)
    return;
  u64 full = (SVE_SIG_CONTEXT_SIZE(sve_vq_from_vl(ours->vl)) + 15) & ~15UL;
  if (want->head.size < full)
    return;
  if (ours->head.size < full) {
    struct sve_context fresh = {.head = {SVE_MAGIC, (u32)full}, .vl = ours->vl};
    u8* next = (u8*)ours + ours->head.size;
    u8* end = (u8*)find_in(next - ours->head.size, 0);
    if (!end || (u64)(end - reserved) - ours->head.size + full + sizeof(struct _aarch64_ctx) > RESERVED_SIZE)
      return;
    memcpy(ours, next, (u64)(end - next));
    ours = (struct sve_context*)((u8*)ours + (end - next));
    memcpy(ours, &fresh, sizeof fresh);
    memset((u8*)ours + full, 0, sizeof(struct _aarch64_ctx));
  }
  memcpy((u8*)ours + sizeof *ours, (const u8*)want + sizeof *want, full - sizeof *want);
}

/* Takes registers, FPU and vector state back from the guest's frame; the host's own records keep their shape.
 */
int arch_sigreturn(struct thread* t, struct context* c) {
  struct sigcontext* m = &c->uc.uc_mcontext;
  u64 guest = m->sp + SIGINFO_SIZE + offsetof(struct ucontext, uc_mcontext);
  u64 integer = offsetof(struct sigcontext, __reserved);
  u8 theirs[RESERVED_SIZE] __attribute__((aligned(16)));
  if (guarded_copy(t, theirs, (const void*)(guest + integer), sizeof theirs))
    return 1;
  u64 fault_address = m->fault_address;
  if (guarded_copy(t, m, (const void*)guest, integer))
    return 1;
  m->fault_address = fault_address;
  u8* fp = (u8*)find_in(m->__reserved, FPSIMD_MAGIC);
  const u8* want = (const u8*)find_in(theirs, FPSIMD_MAGIC);
  u64 size = sizeof(struct fpsimd_context), head = sizeof(struct _aarch64_ctx);
  if (fp && want && ((const struct _aarch64_ctx*)want)->size >= size)
    memcpy(fp + head, want + head, size - head);
  restore_vectors(c, theirs);
  return 0;
}

void arch_start(struct thread* t, struct context* c) {
  struct sigcontext* m = &c->uc.uc_mcontext;
  for (int i = 0; i < 31; i++)
    m->regs[i] = 0;
  m->pc = t->slot->params[0];
  m->sp = t->slot->params[1];
  m->pstate = 0;
  struct fpsimd_context* fp = (struct fpsimd_context*)m->__reserved;
  if (fp->head.magic == FPSIMD_MAGIC)
    memset((u8*)fp + sizeof fp->head, 0, sizeof *fp - sizeof fp->head);
  arch_set_thread_pointer(0);
}
