/*
 * Sockets of the host's that the Sentry gave us: the guest's reads and writes of them are host calls of ours,
 * and the data goes straight to and from its memory; and the host's epoll instances that watch such sockets.
 * Everything else about them stays the Sentry's matter, and so does every call that isn't plain.
 */
#include "stub.h"

#define MSG_DONTWAIT_ 0x40UL
#define MSG_NOSIGNAL_ 0x4000UL
#define POLLIN_ 1
#define POLLOUT_ 4
#define POLLERR_ 8
#define LONGEST 0x7ffff000UL
#define MOST_EVENTS 65536
/* struct sockaddr_storage */
#define LONGEST_NAME 128
#define EPOLL_DEL 2
#define EPOLLEXCLUSIVE_ (1u << 28)

#if defined(__x86_64__)
struct epoll_event {
  u32 events;
  u64 data;
} __attribute__((packed));
#else
struct epoll_event {
  u32 events;
  u64 data;
};
#endif
#define EVENT_DATA offsetof(struct epoll_event, data)

struct poll_one {
  i32 fd;
  int16_t events, revents;
};

/* By guest descriptor; in memory that the Sentry writes, so that a descriptor that was closed is gone at
 * once. */
static volatile u8* modes;
/* By place: the turn of the socket that is there, or of the last one that was dropped. */
static u64 turns[SOCKET_SLOTS];
static u32 lock, any;
/* By place: the last wait saw the bell. */
static u8 bells[SOCKET_SLOTS];

void sockets_at(struct slot* first) {
  modes = first->socket_modes;
}

void lock_sockets(void) {
  while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
    pause_cpu();
}

void unlock_sockets(void) {
  __atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
}

/* Replies of several threads may be carried out in another order than they were made in: the turn tells. */
void keep_socket(u64 received, u64 place, u64 turn) {
  if (place < SOCKET_SLOTS) {
    lock_sockets();
    if (turn > turns[place]) {
      turns[place] = turn;
      any = 1;
      host6(__NR_dup3, received, FD_SOCKETS + place, 02000000 /* O_CLOEXEC */, 0, 0, 0);
    }
    unlock_sockets();
  }
  host6(__NR_close, received, 0, 0, 0, 0, 0);
}

void drop_socket(u64 place, u64 turn) {
  if (place >= SOCKET_SLOTS)
    return;
  lock_sockets();
  if (turn >= turns[place]) {
    turns[place] = turn;
    host6(__NR_close, FD_SOCKETS + place, 0, 0, 0, 0, 0);
  }
  unlock_sockets();
}

/* In a fork's child: a socket whose owner closes it has to be closed. */
void forget_sockets(void) {
  if (any)
    host6(__NR_close_range, FD_SOCKETS, FD_SOCKETS + SOCKET_SLOTS - 1, 0, 0, 0, 0);
  any = 0;
}

int is_kept_socket(u64 fd) {
  if (fd >= SOCKET_SLOTS)
    return 0;
  u32 mode = modes[fd];
  return mode == SOCKET_NONBLOCKING || mode == SOCKET_WAITING;
}

/* Waits until one of `events` or POLLERR holds: those, or -EINTR, after which the Sentry decides about a
 * restart. */
static i64 wait_for(struct thread* t, u64 place, int events, const u64* a) {
  struct poll_one one = {(i32)(FD_SOCKETS + place), (int16_t)events, 0};
  i64 r = wait_in_host(t, __NR_ppoll, (u64)&one, 1, 0, 0, 0, 0);
  if (r != -EINTR)
    return one.revents;
  for (int i = 0; i < 6; i++)
    t->slot->args[i] = a[i];
  /* Where a futex has its timeout: there is none. */
  t->slot->args[3] = 0;
  return -EINTR;
}

/*
 * Events of the host's instance, which has the guest's sockets with the guest's data. The bell among them
 * says that the Sentry knows of more: what else there is comes first, and the next call goes to the Sentry.
 */
static i64 wait_for_events(struct thread* t, u64 place, const u64* a, u64* handled) {
  u64 most = (u32)a[2];
  if (most - 1 >= MOST_EVENTS || a[1] < ADDRESS_MIN ||
      a[1] > ADDRESS_TEXT - most * sizeof(struct epoll_event))
    return 0;
  if (__atomic_exchange_n(&bells[place], 0, __ATOMIC_RELAXED))
    return 0;
  i64 n = wait_in_host(t, __NR_epoll_pwait, FD_SOCKETS + place, a[1], most, (u64)(i64)(i32)a[3], 0, 8);
  if (n == -EINTR) {
    for (int i = 0; i < 6; i++)
      t->slot->args[i] = a[i];
    /* Never started again once a handler has run (signal(7)), with a timeout or without. */
    t->slot->args[3] = 1;
  } else if (n < 0) {
    return 0;
  }
  for (i64 i = 0; i < n; i++) {
    u64 at = a[1] + (u64)i * sizeof(struct epoll_event), data;
    if (guarded_load64(t, at + EVENT_DATA, &data) || data >> 32 != EPOLL_BELL_HIGH)
      continue;
    n--;
    guarded_copy(t, (void*)at, (void*)(a[1] + (u64)n * sizeof(struct epoll_event)),
                 sizeof(struct epoll_event));
    if (n == 0)
      return 0;
    bells[place] = 1;
    break;
  }
  *handled = 1;
  return n;
}

/*
 * A change of what the host's instance watches, where socket and instance are both here: the Sentry adds its
 * own under the same descriptors. What the Sentry watches itself stays its matter, and so do the errors of
 * wrong calls.
 */
static i64 control_events(struct thread* t, u64 place, const u64* a, u64* handled) {
  u64 operation = (u32)a[1], socket = (u32)a[2];
  struct epoll_event event = {0, 0};
  if (operation - 1 > 2)
    return 0;
  if (!is_kept_socket(socket))
    return 0;
  if (operation != EPOLL_DEL) {
    if (guarded_copy(t, &event, (void*)a[3], sizeof event))
      return 0;
    if ((event.events & EPOLLEXCLUSIVE_) || event.data >> 32 == EPOLL_BELL_HIGH)
      return 0;
  }
  i64 r = host6(__NR_epoll_ctl, FD_SOCKETS + place, operation, FD_SOCKETS + socket, (u64)&event, 0, 0);
  if (r < 0 && r != -EEXIST && r != -ENOENT)
    return 0;
  *handled = 1;
  return r;
}

static int unusable(i64 r) {
  return r == -EBADF || r == -ENOTSOCK;
}

/* Reads and writes have no fourth argument and no more. */
static i64 receive(struct thread* t, u64 place, u64 nr, int waits, const u64* a, u64* handled) {
  int named = nr == __NR_recvfrom;
  for (int waited = 0;; waited = 1) {
    i64 r = nr == __NR_readv ? host6(__NR_readv, FD_SOCKETS + place, a[1], a[2], 0, 0, 0)
                             : host6(__NR_recvfrom, FD_SOCKETS + place, a[1], a[2], MSG_DONTWAIT_,
                                     named ? a[4] : 0, named ? a[5] : 0);
    /* Woken, and nothing is there: somebody else took it, or nothing will come any more (SHUT_RD). */
    if (unusable(r) || (r == -EAGAIN && waited))
      return 0;
    if (r == -EAGAIN && waits)
      r = wait_for(t, place, POLLIN_, a);
    else
      waits = 0;
    if (r < 0 || !waits) {
      *handled = 1;
      return r;
    }
  }
}

/*
 * EPIPE comes with a signal, which is the Sentry's: it finds the same. An error after a part was sent is for
 * the next call, and asking for it would take it away.
 */
static i64 transmit(struct thread* t, u64 place, u64 nr, int waits, const u64* a, u64* handled) {
  u64 done = 0, to = nr == __NR_sendto ? a[4] : 0;
  for (int waited = 0;; waited = 1) {
    i64 r = host6(__NR_sendto, FD_SOCKETS + place, a[1] + done, a[2] - done, MSG_DONTWAIT_ | MSG_NOSIGNAL_,
                  to, to ? a[5] : 0);
    /* Room, and no port for a datagram (udp(7)): not what a wait would help. */
    if (done == 0 && (unusable(r) || r == -EPIPE || (r == -EAGAIN && waited)))
      return 0;
    if (r > 0)
      done += (u64)r;
    int full = r == -EAGAIN || (r > 0 && done < a[2]);
    if (full && waits)
      r = wait_for(t, place, POLLOUT_, a);
    if (!full || !waits || r < 0 || (done > 0 && (r & POLLERR_))) {
      *handled = 1;
      return done > 0 ? (i64)done : r;
    }
  }
}

/* Is the name of a datagram's other side, or its length, the guest's own memory? Its size is at most that of
 * any address. */
static int may_name(u64 nr, const u64* a) {
  if (a[4] < ADDRESS_MIN || a[4] > ADDRESS_TEXT - LONGEST_NAME)
    return 0;
  if (nr == __NR_sendto)
    return GLOBAL->addresses && (u32)a[5] <= LONGEST_NAME;
  return a[5] >= ADDRESS_MIN && a[5] <= ADDRESS_TEXT - sizeof(u32);
}

static i64 transmit_vector(u64 place, const u64* a, u64* handled) {
  i64 r = host6(__NR_writev, FD_SOCKETS + place, a[1], a[2], 0, 0, 0);
  if (!unusable(r) && r != -EPIPE)
    *handled = 1;
  return r;
}

static i64 epoll_syscall(struct thread* t, u64 place, u32 mode, u64 nr, const u64* a, u64* handled) {
  switch (nr) {
  case __NR_epoll_ctl:
    return mode == SOCKET_EPOLL ? control_events(t, place, a, handled) : 0;
#ifdef __NR_epoll_wait
  case __NR_epoll_wait:
    return wait_for_events(t, place, a, handled);
#endif
  case __NR_epoll_pwait:
    return a[4] == 0 ? wait_for_events(t, place, a, handled) : 0;
  }
  return 0;
}

static int is_epoll(u64 nr) {
#ifdef __NR_epoll_wait
  if (nr == __NR_epoll_wait)
    return 1;
#endif
  return nr == __NR_epoll_pwait || nr == __NR_epoll_ctl;
}

i64 socket_syscall(struct thread* t, u64 nr, const u64* a, u64* handled) {
  u64 place = (u32)a[0];
  if (place >= SOCKET_SLOTS)
    return 0;
  u32 mode = modes[place];
  if (mode == SOCKET_NONE || t->slot->files_apart)
    return 0;
  if (mode == SOCKET_EPOLL || mode == SOCKET_EPOLL_WAIT)
    return epoll_syscall(t, place, mode, nr, a, handled);
  if (is_epoll(nr))
    return 0;
  int waits = mode == SOCKET_WAITING;
  int vector = nr == __NR_readv || nr == __NR_writev;
  if (nr == __NR_recvfrom || nr == __NR_sendto) {
    if (((u32)a[3] & ~(MSG_DONTWAIT_ | MSG_NOSIGNAL_)) != 0 || (a[4] != 0 && !may_name(nr, a)))
      return 0;
    if (a[3] & MSG_DONTWAIT_)
      waits = 0;
  }
  /* What a guest's kernel would call EFAULT must not reach our own memory. */
  if (!vector && (a[2] == 0 || a[2] > LONGEST || a[1] < ADDRESS_MIN || a[1] > ADDRESS_TEXT - a[2]))
    return 0;
  if (nr == __NR_writev)
    return waits ? 0 : transmit_vector(place, a, handled);
  if (nr == __NR_write || nr == __NR_sendto)
    return transmit(t, place, nr, waits, a, handled);
  return receive(t, place, nr, waits, a, handled);
}
