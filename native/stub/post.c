/* Posting a slot and waiting for the Sentry's reply: spin when it pays, sleep when it does not. */
#include "stub.h"

INLINE i64 futex_wait(volatile u32* word, u32 value) {
  return host6(__NR_futex, (u64)word, FUTEX_WAIT, value, 0, 0, 0);
}

/* Sleeps until the state is REPLIED. The Sentry stores the reply, then reads `asleep`: the order here mirrors
 * it. */
static void sleep_for_reply(struct slot* slot) {
  __atomic_store_n(&slot->asleep, 1, __ATOMIC_SEQ_CST);
  for (;;) {
    u32 state = __atomic_load_n(&slot->state, __ATOMIC_SEQ_CST);
    if (state == STATE_REPLIED)
      break;
    futex_wait(&slot->state, state);
  }
  __atomic_store_n(&slot->asleep, 0, __ATOMIC_RELAXED);
}

void post_and_wait(struct thread* t) {
  struct slot* slot = t->slot;
  u32 cpu = cpu_number();
  CHANGE(slot->cpu, cpu);
  CHANGE(slot->input_count, t->input_count);
  CHANGE(slot->data_used, t->data_used);
  __atomic_store_n(&slot->state, STATE_POSTED, __ATOMIC_SEQ_CST);
  if (__atomic_load_n(&GLOBAL->sleeping, __ATOMIC_SEQ_CST)) {
    u64 one = 1;
    host6(__NR_write, FD_DOORBELL, (u64)&one, 8, 0, 0, 0);
  }
  /* On the Sentry's own CPU spinning would only keep it from answering. */
  if (GLOBAL->cpu == cpu) {
    sleep_for_reply(slot);
    return;
  }
  u64 limit = GLOBAL->spin_ticks;
  u64 start = 0;
  for (u32 n = 1;; n++) {
    u32 state = __atomic_load_n(&slot->state, __ATOMIC_ACQUIRE);
    if (state == STATE_REPLIED)
      return;
    if (state == STATE_SLEEP)
      break;
    pause_cpu();
    if ((n & 15) == 0) {
      u64 now = ticks();
      if (start == 0)
        start = now;
      if (now - start > limit)
        break;
    }
  }
  sleep_for_reply(slot);
}
