/*
 * Waits for a lock that is taken again as soon as it is released. Its threads would fight: each failed
 * attempt marks the lock as wanted, so that every release becomes a call, and nobody gets further than a few
 * turns. So a thread that comes to wait for the same word again and again looks at it for a moment; when it
 * sees that somebody else takes the lock right after its release, it stays away for a while, and that one
 * runs on undisturbed. To the others it looks like a thread that was not scheduled before its call: no
 * wake-up can be lost, since the host compares the word afterwards.
 */
#include "stub.h"

/* Waits for one word, one after the other, before it is looked at. */
#define PATIENCE 1
/* Waits that follow a look in vain without another one. */
#define DISCOURAGED 4
/* Waits further apart than this many looks have nothing to do with each other (a millisecond). */
#define APART 512
/* How long a thread stays away. The host's timer adds its slack, 50 us. */
#define AWAY_NS 100000

/* Whether the word, zero when the lock is free, is set again right after a release. */
static int taken_again(struct thread* t, u64 word) {
  u64 start = ticks(), freed = 0;
  for (;;) {
    u32 value;
    if (guarded_copy(t, &value, (const void*)word, sizeof value))
      return 0;
    u64 now = ticks();
    if (value != 0 && freed)
      return 1;
    if (value == 0 && !freed)
      freed = now;
    if (now - (freed ? freed : start) > GLOBAL->lock_ticks)
      return 0;
    pause_cpu();
  }
}

i64 hold_back(struct thread* t, u64 word) {
  u64 now = ticks(), since = now - t->lock_time;
  t->lock_time = now;
  if (word != t->lock_word || since > APART * (u64)GLOBAL->lock_ticks) {
    t->lock_word = word;
    t->lock_patience = PATIENCE;
  }
  if (t->lock_patience > 0) {
    t->lock_patience--;
    return 0;
  }
  if (!taken_again(t, word)) {
    t->lock_patience = DISCOURAGED;
    return 0;
  }
  u32 never = 0;
  u64 away[2] = {0, AWAY_NS};
  i64 r = wait_in_host(t, __NR_futex, (u64)&never, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, (u64)away, 0, 0);
  t->lock_time = ticks();
  return r == -EINTR ? r : 0;
}
