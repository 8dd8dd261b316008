/* Host operations that a reply asks for, on the guest's memory and on the descriptors that the stub keeps. */
#include "stub.h"

/* platform.ts's OP_ numbers. */
#define OP_MMAP 1
#define OP_MUNMAP 2
#define OP_MPROTECT 3
#define OP_MREMAP 4
#define OP_MADVISE 5
#define OP_MSYNC 6
#define OP_MLOCK 7
#define OP_MINCORE 8
#define OP_MEMBARRIER 9
#define OP_ZERO 10
#define OP_SET_FS 11
#define OP_KEEP_FD 13
#define OP_CLOSE_FD 14
#define OP_PREAD 15
#define OP_KEEP_SOCKET 16
#define OP_DROP_SOCKET 17
#define OP_NAME 18
#define OP_ARGUMENTS 19
#define OP_COMPARE_EXCHANGE 20
#define DONATED_FD (-2)

/*
 * Kept files. One that is read again and again is mapped, its first part: a copy from there costs less than a
 * call. The Sentry asks for no more than the file has; where the host has cut it meanwhile, the copy faults.
 */
#define READS_BEFORE_MAPPING 8
#define MAPPED 0xff
static u8 file_reads[FILE_SLOTS];

static u8* file_window(u64 index) {
  return (u8*)(ADDRESS_FILES + index * FILE_WINDOW);
}

static void unmap_file(u64 fd) {
  u64 index = fd - FD_FILES;
  if (index >= FILE_SLOTS)
    return;
  if (file_reads[index] == MAPPED)
    host6(__NR_munmap, (u64)file_window(index), FILE_WINDOW, 0, 0, 0, 0);
  file_reads[index] = 0;
}

static i64 read_file(struct thread* t, u64 fd, u64 addr, u64 len, u64 pos) {
  u64 index = fd - FD_FILES;
  if (index < FILE_SLOTS && pos < FILE_WINDOW && len <= FILE_WINDOW - pos) {
    if (file_reads[index] == MAPPED) {
      if (!guarded_copy(t, (void*)addr, file_window(index) + pos, len))
        return (i64)len;
    } else if (++file_reads[index] == READS_BEFORE_MAPPING) {
      i64 r = host6(__NR_mmap, (u64)file_window(index), FILE_WINDOW, 1 /* PROT_READ */,
                    0x11 /* MAP_SHARED | MAP_FIXED */, fd, 0);
      file_reads[index] = r < 0 ? 0 : MAPPED;
    }
  }
  return host6(__NR_pread64, fd, addr, len, pos, 0, 0);
}

/*
 * What /proc/PID/cmdline shows on the host. The rest of the map says nothing about the guest: it only has to
 * be in order. Hosts without CONFIG_CHECKPOINT_RESTORE refuse it.
 */
static void show_arguments(const u64* a) {
  u64 text = ADDRESS_TEXT;
  struct prctl_mm_map map = {
      .start_code = text,
      .end_code = (u64)stub_text_end,
      .start_data = text,
      .end_data = text,
      .start_brk = text,
      .brk = text,
      .start_stack = a[0],
      .arg_start = a[0],
      .arg_end = a[1],
      .env_start = a[2],
      .env_end = a[3],
      .exe_fd = (u32)-1,
  };
  host6(__NR_prctl, PR_SET_MM, PR_SET_MM_MAP, (u64)&map, sizeof map, 0, 0);
}

/* Host memory operations with addresses that the Sentry chose. All of them can only hurt this address space.
 */
static i64 run_op(struct thread* t, const struct slot_op* op) {
  const u64* a = op->a;
  switch (op->op) {
  case OP_MMAP: {
    u64 fd = a[4];
    int received;
    if ((i64)fd != DONATED_FD)
      return host6(__NR_mmap, a[0], a[1], a[2], a[3], fd, a[5]);
    i64 r = take_fds(t, &received, 1);
    if (r == 0) {
      r = host6(__NR_mmap, a[0], a[1], a[2], a[3], (u64)received, a[5]);
      host6(__NR_close, (u64)received, 0, 0, 0, 0, 0);
    }
    release_fds();
    return r;
  }
  case OP_MUNMAP:
    return host6(__NR_munmap, a[0], a[1], 0, 0, 0, 0);
  case OP_MPROTECT:
    return host6(__NR_mprotect, a[0], a[1], a[2], 0, 0, 0);
  case OP_MREMAP:
    return host6(__NR_mremap, a[0], a[1], a[2], a[3], a[4], 0);
  case OP_MADVISE:
    return host6(__NR_madvise, a[0], a[1], a[2], 0, 0, 0);
  case OP_MSYNC:
    return host6(__NR_msync, a[0], a[1], a[2], 0, 0, 0);
  case OP_MLOCK:
    host6(__NR_mlock, a[0], a[1], 0, 0, 0, 0);
    return 0;
  case OP_MINCORE:
    if (a[2] >= SLOT_DATA || a[1] / 4096 > SLOT_DATA - a[2])
      return -EINVAL;
    return host6(__NR_mincore, a[0], a[1], (u64)slot_data(t->slot) + a[2], 0, 0, 0);
  case OP_MEMBARRIER:
    return host6(__NR_membarrier, a[0], 0, 0, 0, 0, 0);
  case OP_ZERO: {
    static const u8 zeros[256];
    for (u64 at = a[0], end = a[0] + a[1]; at < end;) {
      u64 n = end - at < sizeof zeros ? end - at : sizeof zeros;
      if (guarded_copy(t, (void*)at, zeros, n))
        return -EFAULT;
      at += n;
    }
    return 0;
  }
  case OP_SET_FS:
    return arch_set_thread_pointer(a[0]);
  case OP_KEEP_FD: {
    int received;
    i64 r = take_fds(t, &received, 1);
    if (r == 0) {
      unmap_file(a[0]);
      r = host6(__NR_dup3, (u64)received, a[0], 02000000 /* O_CLOEXEC */, 0, 0, 0);
      host6(__NR_close, (u64)received, 0, 0, 0, 0, 0);
    }
    release_fds();
    return r;
  }
  case OP_CLOSE_FD:
    unmap_file(a[0]);
    host6(__NR_close, a[0], 0, 0, 0, 0, 0);
    return 0;
  case OP_PREAD: {
    i64 r = read_file(t, a[0], a[1], a[2], a[3]);
    if (r >= 0)
      t->slot->result = r;
    return r;
  }
  case OP_KEEP_SOCKET: {
    int received;
    if (take_fds(t, &received, 1) == 0)
      keep_socket((u64)received, a[0], a[1]);
    release_fds();
    return 0;
  }
  case OP_DROP_SOCKET:
    drop_socket(a[0], a[1]);
    return 0;
  case OP_NAME: {
    u32 name[4] = {(u32)a[0], (u32)a[1], (u32)a[2], (u32)a[3]};
    host6(__NR_prctl, PR_SET_NAME, (u64)name, 0, 0, 0, 0);
    return 0;
  }
  case OP_ARGUMENTS:
    show_arguments(a);
    return 0;
  case OP_COMPARE_EXCHANGE: {
    u32 seen = (u32)a[1];
    if (arch_guarded_cmpxchg32(t, a[0], &seen, (u32)a[2]))
      return -EFAULT;
    return seen == (u32)a[1] ? (i64)a[3] : -EAGAIN;
  }
  default:
    return -ENOSYS;
  }
}

static int takes_fd(const struct slot_op* op) {
  return op->op == OP_KEEP_FD || op->op == OP_KEEP_SOCKET ||
         (op->op == OP_MMAP && (i64)op->a[4] == DONATED_FD);
}

/* The first failure ends the list; its result (or 0) is what EVENT_OPS reports. The descriptors of the rest
 * go. */
i64 run_ops(struct thread* t) {
  struct slot* slot = t->slot;
  u32 count = slot->op_count;
  if (count > MAX_OPS)
    count = MAX_OPS;
  for (u32 i = 0; i < count; i++) {
    struct slot_op op = slot->ops[i];
    i64 r = run_op(t, &op);
    if (r < 0 && r > -4096) {
      while (++i < count) {
        op = slot->ops[i];
        if (takes_fd(&op))
          drop_fds(t);
      }
      return r;
    }
  }
  return 0;
}
