/*
 * Waits with a duration that the stub does by itself. A signal without a handler, or a stop, interrupts the
 * host's wait; the guest's call is started again and has to end when it would have (Linux's restart_block).
 */
#include "stub.h"

#define NS_PER_SEC 1000000000

static struct times now(u64 clock) {
  struct times t = {0, 0};
  host6(__NR_clock_gettime, clock, (u64)&t, 0, 0, 0, 0);
  return t;
}

void deadline_after(u64 clock, const struct times* duration, struct times* deadline) {
  *deadline = now(clock);
  if (__builtin_add_overflow(deadline->sec, duration->sec, &deadline->sec))
    deadline->sec = INT64_MAX - 1;
  deadline->part += duration->part;
  if (deadline->part >= NS_PER_SEC && deadline->sec < INT64_MAX) {
    deadline->part -= NS_PER_SEC;
    deadline->sec++;
  }
}

void time_left(u64 clock, const struct times* deadline, struct times* left) {
  struct times t = now(clock);
  left->sec = deadline->sec - t.sec;
  left->part = deadline->part - t.part;
  if (left->part < 0) {
    left->part += NS_PER_SEC;
    left->sec--;
  }
  if (left->sec < 0)
    left->sec = left->part = 0;
}

void keep_deadline(struct thread* t, u64 nr, const u64* a, const struct times* deadline) {
  t->deadline = *deadline;
  t->deadline_args[0] = nr;
  for (int i = 0; i < 3; i++)
    t->deadline_args[1 + i] = a[i];
}

int kept_deadline(struct thread* t, u64 nr, const u64* a, struct times* deadline) {
  u64 restarted = t->restarted;
  t->restarted = 0;
  /* A handler may have run between the restart and the call: then it is any call. */
  if (!restarted || t->deadline_args[0] != nr)
    return 0;
  for (int i = 0; i < 3; i++)
    if (t->deadline_args[1 + i] != a[i])
      return 0;
  *deadline = t->deadline;
  return 1;
}
