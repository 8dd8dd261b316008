/*
 * poll(2) and select(2) of sockets that the Sentry gave us, and of nothing else: the host waits for all of
 * them at once. Whatever has another descriptor among its own goes to the Sentry.
 */
#include "stub.h"

#define MOST MOST_POLLED
#define POLLNVAL_ 0x20
/* What select's three sets ask for, and count as found. */
#define READ_ASKED 0x0c9   /* POLLIN | POLLRDNORM | POLLRDBAND | POLLERR */
#define READ_FOUND 0x0d9   /* and POLLHUP */
#define WRITE_ASKED 0x304  /* POLLOUT | POLLWRNORM | POLLWRBAND */
#define WRITE_FOUND 0x30c  /* and POLLERR */
#define EXCEPT_ASKED 0x002 /* POLLPRI */
#define WORDS 16           /* FD_SETSIZE bits */

struct poll_one {
  i32 fd;
  int16_t events, revents;
};

/* Waits with the guest's own signal mask. -EINTR is never started again once a handler has run (signal(7)).
 */
static i64 wait_for_any(struct thread* t, struct poll_one* fds, u64 count, struct times* left, const u64* a) {
  i64 n = wait_in_host(t, __NR_ppoll, (u64)fds, count, (u64)left, 0, 0, 0);
  if (n == -EINTR) {
    for (int i = 0; i < 6; i++)
      t->slot->args[i] = a[i];
    t->slot->args[3] = 1;
  }
  return n;
}

/* One that went away meanwhile is the Sentry's to explain. */
static int any_gone(const struct poll_one* fds, u64 count) {
  for (u64 i = 0; i < count; i++)
    if (fds[i].revents & POLLNVAL_)
      return 1;
  return 0;
}

static i64 poll_sockets(struct thread* t, const u64* a, struct times* left, u64* handled) {
  struct poll_one fds[MOST];
  u64 count = (u32)a[1], size = count * sizeof fds[0];
  if (count - 1 >= MOST || guarded_copy(t, fds, (void*)a[0], size))
    return 0;
  for (u64 i = 0; i < count; i++) {
    fds[i].revents = 0;
    if (fds[i].fd < 0)
      continue;
    if (!is_kept_socket((u64)fds[i].fd))
      return 0;
    fds[i].fd += FD_SOCKETS;
  }
  i64 n = wait_for_any(t, fds, count, left, a);
  if (n >= 0 && any_gone(fds, count))
    return 0;
  if (n >= 0) {
    for (u64 i = 0; i < count; i++)
      if (fds[i].fd >= 0)
        fds[i].fd -= FD_SOCKETS;
    if (guarded_copy(t, (void*)a[0], fds, size))
      n = -EFAULT;
  }
  *handled = 1;
  return n;
}

/* The sets of a call, as whole words; those that are not given are empty. */
static int load_sets(struct thread* t, const u64* a, u64 words, u64 (*sets)[WORDS]) {
  for (int set = 0; set < 3; set++) {
    memset(sets[set], 0, sizeof sets[set]);
    if (a[1 + set] && guarded_copy(t, sets[set], (void*)a[1 + set], words * 8))
      return -EFAULT;
  }
  return 0;
}

static i64 select_sockets(struct thread* t, const u64* a, struct times* left, u64* handled) {
  static const int16_t asked[] = {READ_ASKED, WRITE_ASKED, EXCEPT_ASKED};
  static const int16_t counted[] = {READ_FOUND, WRITE_FOUND, EXCEPT_ASKED};
  u64 sets[3][WORDS], limit = (u32)a[0], words = (limit + 63) / 64, count = 0;
  struct poll_one fds[MOST];
  if (limit - 1 >= WORDS * 64 || load_sets(t, a, words, sets))
    return 0;
  for (u64 fd = 0; fd < limit; fd++) {
    u64 word = fd / 64, bit = 1UL << (fd & 63);
    if (((sets[0][word] | sets[1][word] | sets[2][word]) & bit) == 0)
      continue;
    if (count == MOST || !is_kept_socket(fd))
      return 0;
    fds[count] = (struct poll_one){(i32)(FD_SOCKETS + fd), 0, 0};
    for (int set = 0; set < 3; set++)
      if (sets[set][word] & bit)
        fds[count].events |= asked[set];
    count++;
  }
  if (count == 0)
    return 0;
  i64 n = wait_for_any(t, fds, count, left, a);
  if (n < 0) {
    *handled = 1;
    return n;
  }
  i64 found = 0;
  for (u64 i = 0; i < count; i++) {
    u64 fd = (u64)fds[i].fd - FD_SOCKETS, bit = 1UL << (fd & 63);
    for (int set = 0; set < 3; set++) {
      if ((sets[set][fd / 64] & bit) == 0)
        continue;
      if (fds[i].revents & counted[set])
        found++;
      else
        sets[set][fd / 64] &= ~bit;
    }
  }
  /* A hangup that none of the sets is about: select waits on, poll does not. */
  if (any_gone(fds, count) || (n > 0 && found == 0))
    return 0;
  *handled = 1;
  for (int set = 0; set < 3; set++)
    if (a[1 + set] && guarded_copy(t, (void*)a[1 + set], sets[set], words * 8))
      return -EFAULT;
  return found;
}

/* A struct timespec, or with `unit` 1000 a timeval; anything odd is the Sentry's. */
static int load_times(struct thread* t, u64 addr, i64 unit, struct times* out) {
  if (guarded_copy(t, out, (void*)addr, sizeof *out))
    return -EFAULT;
  if (out->sec < 0 || out->part < 0 || out->part >= 1000000000 / unit)
    return -EINVAL;
  out->part *= unit;
  return 0;
}

static i64 timed(struct thread* t, u64 nr, const u64* a, u64 addr, i64 unit, u64* handled) {
  struct times left;
  if (addr && load_times(t, addr, unit, &left))
    return 0;
  struct times* timeout = addr ? &left : 0;
  i64 r = nr == __NR_ppoll ? poll_sockets(t, a, timeout, handled) : select_sockets(t, a, timeout, handled);
  /* What is left is told whatever came; where it cannot be, nobody hears of it (select(2)). */
  if (*handled && addr) {
    left.part /= unit;
    guarded_copy(t, (void*)addr, &left, sizeof left);
  }
  return r;
}

i64 poll_syscall(struct thread* t, u64 nr, const u64* a, u64* handled) {
  if (t->slot->files_apart)
    return 0;
  switch (nr) {
#ifdef __NR_poll
  case __NR_poll: {
    i64 ms = (i32)a[2];
    struct times left = {ms / 1000, ms % 1000 * 1000000}, deadline;
    if (ms < 0)
      return poll_sockets(t, a, 0, handled);
    if (kept_deadline(t, nr, a, &deadline))
      time_left(CLOCK_MONOTONIC, &deadline, &left);
    i64 r = poll_sockets(t, a, &left, handled);
    if (r == -EINTR) {
      deadline_after(CLOCK_MONOTONIC, &left, &deadline);
      keep_deadline(t, nr, a, &deadline);
    }
    return r;
  }
#endif
#ifdef __NR_select
  case __NR_select:
    return timed(t, nr, a, a[4], 1000, handled);
#endif
  case __NR_ppoll:
    return a[3] ? 0 : timed(t, nr, a, a[2], 1, handled);
  case __NR_pselect6: {
    u64 mask = 0;
    if (a[5] && (guarded_load64(t, a[5], &mask) || mask))
      return 0;
    return timed(t, nr, a, a[4], 1, handled);
  }
  }
  return 0;
}
