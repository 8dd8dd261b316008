/*
 * Descriptors that the Sentry sends ahead of its replies, over the socket that all threads of the address
 * space share. Each message names the thread that it is for: one that another thread comes upon first is put
 * aside.
 */
#include "stub.h"

#define SOL_SOCKET_ 1
#define SCM_RIGHTS_ 1
#define MSG_DONTWAIT_ 0x40
#define MSG_CMSG_CLOEXEC_ 0x40000000
/* More threads than are ever between a reply and its descriptors at once; the longest unclaimed give way. */
#define MAX_ASIDE 32

struct message_header {
  void* name;
  u32 name_len;
  void* iov;
  u64 iov_len;
  void* control;
  u64 control_len;
  u32 flags;
};

struct control {
  u64 len;
  i32 level;
  i32 type;
  i32 fds[2];
};

struct donation {
  u64 index;
  int count;
  int fds[2];
};

/* In the order in which they came. */
static struct donation aside[MAX_ASIDE];
static u32 aside_count, lock;

static void close_fds(const int* fds, int count) {
  for (int i = 0; i < count; i++)
    host6(__NR_close, (u64)fds[i], 0, 0, 0, 0, 0);
}

static void remove_aside(u32 at) {
  aside_count--;
  for (u32 i = at; i < aside_count; i++)
    aside[i] = aside[i + 1];
}

static int receive(struct donation* out) {
  u32 index;
  u64 iov[2] = {(u64)&index, sizeof index};
  struct control control;
  struct message_header msg = {0, 0, iov, 1, &control, sizeof control, 0};
  /* What is for us was sent before the reply that we act on: there is nothing to wait for. */
  i64 n = host6(__NR_recvmsg, FD_SOCKET, (u64)&msg, MSG_CMSG_CLOEXEC_ | MSG_DONTWAIT_, 0, 0, 0);
  if (n != sizeof index || msg.control_len < 20 || control.type != SCM_RIGHTS_)
    return -EBADF;
  out->index = index;
  out->count = control.len >= 24 ? 2 : 1;
  out->fds[0] = control.fds[0];
  out->fds[1] = control.fds[1];
  return 0;
}

static int next_for(u64 index, struct donation* out) {
  for (u32 i = 0; i < aside_count; i++) {
    if (aside[i].index == index) {
      *out = aside[i];
      remove_aside(i);
      return 0;
    }
  }
  for (;;) {
    if (receive(out) < 0)
      return -EBADF;
    if (out->index == index)
      return 0;
    if (aside_count == MAX_ASIDE) {
      close_fds(aside[0].fds, aside[0].count);
      remove_aside(0);
    }
    aside[aside_count++] = *out;
  }
}

int take_fds(struct thread* t, int* fds, int count) {
  while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
    pause_cpu();
  struct donation donation;
  if (next_for(t->index, &donation) < 0)
    return -EBADF;
  if (donation.count != count) {
    close_fds(donation.fds, donation.count);
    return -EBADF;
  }
  for (int i = 0; i < count; i++)
    fds[i] = donation.fds[i];
  return 0;
}

void release_fds(void) {
  __atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
}

void drop_fds(struct thread* t) {
  int fd;
  if (take_fds(t, &fd, 1) == 0)
    close_fds(&fd, 1);
  release_fds();
}

void forget_fds(void) {
  while (aside_count > 0) {
    close_fds(aside[0].fds, aside[0].count);
    remove_aside(0);
  }
}
