/* System calls that the stub answers without the Sentry. */
#include "stub.h"

/* For the Sentry, which decides by the timeout whether to start it again. */
static void show_wait(struct thread* t, const u64* a) {
  for (int i = 0; i < 6; i++)
    t->slot->args[i] = a[i];
}

/* FUTEX_WAIT with a duration: as a wait until its end, which it keeps over a stop. */
static i64 timed_futex_wait(struct thread* t, const u64* a) {
  struct times duration, deadline;
  if (guarded_copy(t, &duration, (void*)a[3], sizeof duration))
    return -EFAULT;
  if (duration.sec < 0 || (u64)duration.part >= 1000000000)
    return -EINVAL;
  if (!kept_deadline(t, __NR_futex, a, &deadline))
    deadline_after(CLOCK_MONOTONIC, &duration, &deadline);
  u64 op = FUTEX_WAIT_BITSET | (a[1] & FUTEX_PRIVATE_FLAG);
  i64 r = wait_in_host(t, __NR_futex, a[0], op, a[2], (u64)&deadline, 0, FUTEX_BITSET_MATCH_ANY);
  if (r == -EINTR) {
    show_wait(t, a);
    keep_deadline(t, __NR_futex, a, &deadline);
  }
  return r;
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
    if (cmd == FUTEX_WAIT && a[3] != 0 && !(op & FUTEX_CLOCK_REALTIME))
      return timed_futex_wait(t, a);
    /* Of the words that somebody waits for without end, those that are zero when nobody has them may be
     * locks. */
    i64 r = a[3] == 0 && (u32)a[2] != 0 && GLOBAL->lock_ticks != 0 ? hold_back(t, a[0]) : 0;
    if (r == 0)
      r = wait_in_host(t, __NR_futex, a[0], a[1], a[2], a[3], a[4], a[5]);
    if (r == -EINTR)
      show_wait(t, a);
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
