/* x86_64 guest signal frames: the layout is the kernel's struct rt_sigframe, so that unwinders and handlers
 * find it. */
#include "../stub.h"

#define RED_ZONE 128
#define FP_XSTATE_MAGIC1_ 0x46505853u

/* Of struct _fpx_sw_bytes, at byte 464 of the FXSAVE area. */
struct fpx_software {
  u32 magic1;
  u32 extended_size;
  u64 features;
  u32 xstate_size;
};

struct guest_frame {
  u64 restorer;
  struct ucontext uc;
  u8 info[128];
};

u64 fpstate_size(const struct context* c) {
  const u8* fp = (const u8*)c->uc.uc_mcontext.fpstate;
  const struct fpx_software* sw = (const struct fpx_software*)(fp + 464);
  u64 size = sw->magic1 == FP_XSTATE_MAGIC1_ ? sw->extended_size : 512;
  return size < 512 || size > BLOCK_SIZE / 4 ? 512 : size;
}

/* A fresh FPU and vector state: all components in their initial configuration, default rounding and masks. */
static void reset_fpstate(struct context* c) {
  u8* fp = (u8*)c->uc.uc_mcontext.fpstate;
  *(u32*)(fp + 24) = 0x1f80; /* MXCSR */
  if (fpstate_size(c) > 512) {
    *(u64*)(fp + 512) = 0; /* XSTATE_BV */
    *(uint16_t*)fp = 0x37f;
  } else {
    memset(fp, 0, 416);
    *(uint16_t*)fp = 0x37f;
    *(u32*)(fp + 24) = 0x1f80;
  }
}

/* Builds the frame that the Sentry describes and aims the context at the handler. 1: the stack cannot take
 * it. */
int arch_push_signal(struct thread* t, struct context* c) {
  struct slot* slot = t->slot;
  struct sigcontext* m = &c->uc.uc_mcontext;
  if (slot->sig_set_result)
    m->rax = (u64)slot->sig_result;
  if (slot->sig_restart)
    arch_restart(t, c);
  t->restart_nr = NO_RESTART;
  u64 fp_size = fpstate_size(c);
  u64 sp = slot->sig_stack_top ? slot->sig_stack_top : m->rsp - RED_ZONE;
  u64 fp = (sp - fp_size) & ~63UL;
  u64 at = ((fp - sizeof(struct guest_frame)) & ~15UL) - 8;
  struct guest_frame frame;
  frame.restorer = slot->sig_restorer;
  memcpy(&frame.uc, &c->uc, sizeof frame.uc);
  frame.uc.uc_link = 0;
  frame.uc.uc_stack.ss_sp = (void*)slot->sig_alt_sp;
  frame.uc.uc_stack.ss_size = slot->sig_alt_size;
  frame.uc.uc_stack.ss_flags = (int)slot->sig_alt_flags;
  frame.uc.uc_mcontext.fpstate = (struct _fpstate*)fp;
  frame.uc.uc_mcontext.oldmask = slot->sig_mask;
  memcpy(&frame.uc.uc_sigmask, (void*)&slot->sig_mask, 8);
  u32 info = slot->sig_info_offset;
  if (info > SLOT_DATA - sizeof frame.info)
    info = 0;
  memcpy(frame.info, slot_data(slot) + info, sizeof frame.info);
  if (guarded_copy(t, (void*)fp, m->fpstate, fp_size) || guarded_copy(t, (void*)at, &frame, sizeof frame))
    return 1;
  m->rip = slot->sig_handler;
  m->rsp = at;
  m->rdi = slot->sig_no;
  m->rsi = at + offsetof(struct guest_frame, info);
  m->rdx = at + offsetof(struct guest_frame, uc);
  m->rax = 0;
  m->eflags &= ~0x10500UL; /* TF, DF, RF */
  reset_fpstate(c);
  return 0;
}

/* rt_sigreturn finds the frame's ucontext at the stack pointer; mask and stack_t go to the Sentry. */
void arch_marshal_sigreturn(struct thread* t, struct context* c) {
  marshal_bytes(t, c->uc.uc_mcontext.rsp, sizeof(struct ucontext));
}

/* Takes the registers back from the guest's frame. What only the host may set (segments, its own stack) stays
 * ours. */
int arch_sigreturn(struct thread* t, struct context* c) {
  struct sigcontext* m = &c->uc.uc_mcontext;
  struct ucontext guest;
  if (guarded_copy(t, &guest, (const void*)m->rsp, sizeof guest))
    return 1;
  struct sigcontext* g = &guest.uc_mcontext;
  u8* fp = (u8*)m->fpstate;
  u64 size = fpstate_size(c);
  if (g->fpstate) {
    struct fpx_software sw;
    u32 magic2;
    memcpy(&sw, fp + 464, sizeof sw);
    memcpy(&magic2, fp + size - 4, 4);
    if (guarded_copy(t, fp, g->fpstate, size))
      return 1;
    /* The host kernel rejects a frame whose description does not fit its own. */
    memcpy(fp + 464, &sw, sizeof sw);
    if (size > 512) {
      memcpy(fp + size - 4, &magic2, 4);
      *(u64*)(fp + 512) &= sw.features;
      memset(fp + 520, 0, 56);
    }
    *(u32*)(fp + 24) &= 0x2ffff;
  } else {
    reset_fpstate(c);
  }
  m->r8 = g->r8;
  m->r9 = g->r9;
  m->r10 = g->r10;
  m->r11 = g->r11;
  m->r12 = g->r12;
  m->r13 = g->r13;
  m->r14 = g->r14;
  m->r15 = g->r15;
  m->rdi = g->rdi;
  m->rsi = g->rsi;
  m->rbp = g->rbp;
  m->rbx = g->rbx;
  m->rdx = g->rdx;
  m->rax = g->rax;
  m->rcx = g->rcx;
  m->rsp = g->rsp;
  m->rip = g->rip;
  m->eflags = g->eflags;
  return 0;
}

/* execve's end: params are the instruction and stack pointer, all else is zero. */
void arch_start(struct thread* t, struct context* c) {
  struct sigcontext* m = &c->uc.uc_mcontext;
  m->r8 = m->r9 = m->r10 = m->r11 = m->r12 = m->r13 = m->r14 = m->r15 = 0;
  m->rdi = m->rsi = m->rbp = m->rbx = m->rdx = m->rax = m->rcx = 0;
  m->rip = t->slot->params[0];
  m->rsp = t->slot->params[1];
  m->eflags = 0x202;
  reset_fpstate(c);
  arch_set_thread_pointer(0);
}
