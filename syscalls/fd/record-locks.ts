/** fcntl(2) record locks (POSIX and open file description) and flock(2). */
import { i32, u8, setU64, getI64 } from '../../platform/arena.ts';
import { EAGAIN, EBADF, EDEADLK, EFAULT, EINVAL, ENOLCK, EOVERFLOW } from '../../sentry/abi/errno.ts';
import {
  F_GETLK,
  F_OFD_GETLK,
  F_OFD_SETLK,
  F_OFD_SETLKW,
  F_RDLCK,
  F_SETLKW,
  F_UNLCK,
  F_WRLCK,
  LOCK_EX,
  LOCK_NB,
  LOCK_SH,
  LOCK_UN,
  SEEK_CUR,
  SEEK_END,
  SEEK_SET,
} from '../../sentry/abi/fcntl.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import type { FileDescription } from '../../sentry/vfs/file-description.ts';
import {
  findConflict,
  lockQueue,
  recordLocks,
  setFlock,
  setRecordLock,
  stopWaiting,
  wouldDeadlock,
  type LockOwner,
} from '../../sentry/vfs/file-locks.ts';
import { POLLIN } from '../file/transfer.ts';

const FLOCK_SIZE = 32;
const MAX_OFFSET = 2 ** 63;
/** Bounds what a guest can make the kernel keep and search. */
const LOCKS_PER_FILE = 65536;

// The struct flock of the call in progress.
let type = 0;
let start = 0;
let end = 0;

export function recordLock(t: Task, file: FileDescription, cmd: number): number {
  const inode = file.inode;
  if (inode === null) return -EBADF;
  const addr = t.arg(2);
  const ofd = cmd === F_OFD_GETLK || cmd === F_OFD_SETLK || cmd === F_OFD_SETLKW;
  const pid = loadFlock(t, file, addr);
  if (pid < 0) return pid;
  if (ofd && pid !== 0) return -EINVAL;
  const owner: LockOwner = ofd ? file : t.pid;
  if (cmd === F_GETLK || cmd === F_OFD_GETLK) {
    if (type === F_UNLCK) return -EINVAL;
    const conflict = findConflict(inode, owner, type, start, end);
    if (conflict === null) return storeFlock(t, addr, F_UNLCK, -1, 0, 0, 0);
    const len = conflict.end === Infinity ? 0 : conflict.end - conflict.start + 1;
    const holder = typeof conflict.owner === 'number' ? conflict.owner : -1;
    return storeFlock(t, addr, conflict.type, SEEK_SET, conflict.start, len, holder);
  }
  if (type === F_RDLCK && !file.readable) return -EBADF;
  if (type === F_WRLCK && !file.writable) return -EBADF;
  if (type !== F_UNLCK && recordLocks(inode).length >= LOCKS_PER_FILE) return -ENOLCK;
  const conflict = setRecordLock(inode, owner, type, start, end);
  if (conflict === null) return 0;
  if (cmd !== F_SETLKW && cmd !== F_OFD_SETLKW) return -EAGAIN;
  // Linux looks for circles among POSIX locks only.
  if (!ofd) {
    if (wouldDeadlock(owner, conflict.owner)) return -EDEADLK;
    t.onUnblock = () => {
      stopWaiting(owner);
    };
  }
  return t.waitOn(lockQueue(inode), POLLIN);
}

/** Fills type, start and end; l_pid (or 0 where only its being 0 matters), or a negated errno. */
function loadFlock(t: Task, file: FileDescription, addr: number): number {
  const at = t.copyIn(addr, FLOCK_SIZE);
  if (at < 0) return at;
  const head = u8[at]! | (u8[at + 1]! << 8);
  const from = u8[at + 2]! | (u8[at + 3]! << 8);
  const offset = getI64(at + 8);
  const len = getI64(at + 16);
  const pid = i32[(at + 24) >>> 2]!;
  if (head !== F_RDLCK && head !== F_WRLCK && head !== F_UNLCK) return -EINVAL;
  type = head;
  switch (from) {
    case SEEK_SET:
      start = offset;
      break;
    case SEEK_CUR:
      start = file.pos + offset;
      break;
    case SEEK_END:
      start = (file.inode?.size() ?? 0) + offset;
      break;
    default:
      return -EINVAL;
  }
  if (start >= MAX_OFFSET) return -EOVERFLOW;
  if (start < 0) return -EINVAL;
  if (len > 0) {
    end = start + len - 1;
    // Past what any offset can say: to the end.
    if (end >= MAX_OFFSET) return -EOVERFLOW;
  } else if (len < 0) {
    end = start - 1;
    start += len;
    if (start < 0) return -EINVAL;
  } else {
    end = Infinity;
  }
  return pid === 0 ? 0 : 1;
}

/** whence -1: only the type is changed, as F_GETLK does when nothing is in the way. */
function storeFlock(
  t: Task,
  addr: number,
  newType: number,
  newWhence: number,
  from: number,
  len: number,
  pid: number,
): number {
  if (newWhence < 0) {
    const at = t.stage(2);
    if (at < 0) return -EFAULT;
    u8[at] = newType;
    u8[at + 1] = 0;
    return t.copyOutStaged(addr, at, 2);
  }
  const at = t.stage(FLOCK_SIZE);
  if (at < 0) return -EFAULT;
  u8.fill(0, at, at + FLOCK_SIZE);
  u8[at] = newType;
  u8[at + 2] = newWhence;
  setU64(at + 8, from);
  setU64(at + 16, len);
  i32[(at + 24) >>> 2] = pid;
  return t.copyOutStaged(addr, at, FLOCK_SIZE);
}

export function sys_flock(t: Task): number {
  const file = t.fileNoPath(0);
  const op = t.argI32(1);
  const kind = op & ~LOCK_NB;
  if (kind !== LOCK_SH && kind !== LOCK_EX && kind !== LOCK_UN) return -EINVAL;
  if (file === null) return -EBADF;
  const inode = file.inode;
  if (inode === null) return -EBADF;
  if (kind !== LOCK_UN && !file.readable && !file.writable) return -EBADF;
  if (setFlock(inode, file, kind === LOCK_UN ? 0 : kind)) return 0;
  if ((op & LOCK_NB) !== 0) return -EAGAIN;
  return t.waitOn(lockQueue(inode), POLLIN);
}
