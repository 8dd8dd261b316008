// sigaltstack(2): handlers on it, nesting, growth past the stack's end, errnos.
#include "../check.h"
#include <setjmp.h>

static char area[64 * 1024];
static volatile int on_stack, flags_inside, depth;
static sigjmp_buf jump;

static int inside(void* p) { return (char*)p >= area && (char*)p < area + sizeof area; }

static void handler(int signal) {
  (void)signal;
  int local;
  stack_t stack;
  on_stack = inside(&local);
  sigaltstack(NULL, &stack);
  flags_inside = stack.ss_flags;
}

static void nested(int signal) {
  int local;
  if (!inside(&local)) on_stack = 0;
  if (++depth < 4) raise(signal);
}

static void change(int signal) {
  (void)signal;
  stack_t stack = {.ss_sp = area, .ss_size = sizeof area};
  depth = sigaltstack(&stack, NULL) == -1 ? errno : 0;
}

static void overflow_handler(int signal) {
  (void)signal;
  int local;
  on_stack = inside(&local);
  siglongjmp(jump, 1);
}

static int recurse(volatile char* previous) {
  volatile char block[4096];
  block[0] = previous ? previous[0] : 1;
  return recurse(block) + block[0];
}

static void install(int signal, void (*function)(int), int flags) {
  struct sigaction action = {.sa_handler = function, .sa_flags = flags};
  must(sigaction(signal, &action, NULL));
}

int main(void) {
  stack_t stack = {.ss_sp = area, .ss_size = sizeof area}, old;
  equal("none at first", sigaltstack(NULL, &old), 0);
  equal("SS_DISABLE", old.ss_flags, SS_DISABLE);
  equal("set", sigaltstack(&stack, NULL), 0);
  equal("read back", sigaltstack(NULL, &old), 0);
  holds("its address", old.ss_sp == area);
  equal("its size", old.ss_size, sizeof area);
  equal("not on it", old.ss_flags, 0);
  install(SIGUSR1, handler, SA_ONSTACK);
  raise(SIGUSR1);
  equal("handler is on it", on_stack, 1);
  equal("SS_ONSTACK inside", flags_inside, SS_ONSTACK);
  install(SIGUSR1, handler, 0);
  raise(SIGUSR1);
  equal("without SA_ONSTACK it is not", on_stack, 0);
  equal("flags inside", flags_inside, 0);
  on_stack = 1;
  install(SIGUSR1, nested, SA_ONSTACK | SA_NODEFER);
  raise(SIGUSR1);
  equal("nested handlers stay on it", on_stack, 1);
  equal("four deep", depth, 4);
  install(SIGUSR1, change, SA_ONSTACK);
  raise(SIGUSR1);
  equal("it can't be changed while in use", depth, EPERM);
  install(SIGSEGV, overflow_handler, SA_ONSTACK);
  on_stack = 0;
  if (sigsetjmp(jump, 1) == 0) recurse(NULL);
  equal("stack overflow is handled on it", on_stack, 1);
  on_stack = 0;
  if (sigsetjmp(jump, 1) == 0) recurse(NULL);
  equal("and again", on_stack, 1);
  pid_t pid = must(fork());
  if (pid == 0) {
    sigaltstack(NULL, &old);
    _exit(old.ss_flags == 0 && old.ss_sp == area ? 0 : 1);
  }
  equal("fork inherits it", status_of(pid), 0);
  stack_t small = {.ss_sp = area, .ss_size = 100};
  fails("too small", sigaltstack(&small, NULL), ENOMEM);
  stack_t flags = {.ss_sp = area, .ss_size = sizeof area, .ss_flags = 0x40};
  fails("unknown flags", sigaltstack(&flags, NULL), EINVAL);
  fails("bad pointer", syscall(SYS_sigaltstack, (void*)8, NULL), EFAULT);
  fails("bad old pointer", syscall(SYS_sigaltstack, NULL, (void*)8), EFAULT);
  stack_t disarm = {.ss_sp = area, .ss_size = sizeof area, .ss_flags = (int)(1U << 31)};
  equal("SS_AUTODISARM", sigaltstack(&disarm, NULL), 0);
  install(SIGUSR1, handler, SA_ONSTACK);
  raise(SIGUSR1);
  equal("disarmed inside", flags_inside & 0x7fffffff, SS_DISABLE);
  sigaltstack(NULL, &old);
  equal("armed again after", old.ss_flags, (int)(1U << 31));
  stack_t off = {.ss_flags = SS_DISABLE};
  equal("disable", sigaltstack(&off, NULL), 0);
  sigaltstack(NULL, &old);
  equal("is disabled", old.ss_flags, SS_DISABLE);
  pid = must(fork());
  if (pid == 0) {
    install(SIGSEGV, SIG_DFL, 0);
    recurse(NULL);
    _exit(0);
  }
  equal("overflow without it ends by SIGSEGV", status_of(pid), 1000 + SIGSEGV);
  return check_done();
}
