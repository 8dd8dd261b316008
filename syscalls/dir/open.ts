/** open(2), openat(2), creat(2), openat2(2). */
import { E2BIG, EAGAIN, EINVAL } from '../../sentry/abi/errno.ts';
import {
  AT_FDCWD,
  O_ACCMODE,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_LARGEFILE,
  O_NOFOLLOW,
  O_PATH,
  O_TMPFILE_BIT,
  O_TRUNC,
  O_VALID,
  O_WRONLY,
  RESOLVE_BENEATH,
  RESOLVE_CACHED,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
} from '../../sentry/abi/fcntl.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { trimDentries } from '../../sentry/vfs/dcache.ts';
import { openAt } from '../../sentry/vfs/open.ts';
import { startAt } from './dir-fd.ts';

const OPEN_HOW_SIZE = 24;
const RESOLVE_VALID =
  RESOLVE_NO_XDEV |
  RESOLVE_NO_MAGICLINKS |
  RESOLVE_NO_SYMLINKS |
  RESOLVE_BENEATH |
  RESOLVE_IN_ROOT |
  RESOLVE_CACHED;

export function sys_open(t: Task): number {
  return open(t, AT_FDCWD, 0, t.argI32(1), t.argI32(2), 0);
}
export function sys_openat(t: Task): number {
  return open(t, t.argI32(0), 1, t.argI32(2), t.argI32(3), 0);
}
export function sys_creat(t: Task): number {
  return open(t, AT_FDCWD, 0, O_CREAT | O_WRONLY | O_TRUNC, t.argI32(1), 0);
}

export function sys_openat2(t: Task): number {
  const howAddr = t.arg(2);
  const size = t.arg(3);
  if (size < OPEN_HOW_SIZE) return -EINVAL;
  if (size > 4096) return -E2BIG;
  const how = t.copyInBytes(howAddr, size);
  if (typeof how === 'number') return how;
  // A newer, longer struct is fine as long as what we don't know is zero.
  for (let i = OPEN_HOW_SIZE; i < size; i++) if (how[i] !== 0) return -E2BIG;
  const words = new DataView(how.buffer, how.byteOffset, OPEN_HOW_SIZE);
  const flags = words.getUint32(0, true);
  const mode = words.getUint32(8, true);
  const resolve = words.getUint32(16, true);
  if (words.getUint32(4, true) !== 0 || (flags & ~O_VALID) !== 0) return -EINVAL;
  if (words.getUint32(12, true) !== 0 || (mode & ~0o7777) !== 0) return -EINVAL;
  if (words.getUint32(20, true) !== 0 || (resolve & ~RESOLVE_VALID) !== 0) return -EINVAL;
  if ((resolve & RESOLVE_BENEATH) !== 0 && (resolve & RESOLVE_IN_ROOT) !== 0) return -EINVAL;
  if ((flags & (O_CREAT | O_TMPFILE_BIT)) === 0 && mode !== 0) return -EINVAL;
  if ((flags & O_PATH) !== 0 && (flags & ~(O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) !== 0)
    return -EINVAL;
  if ((resolve & RESOLVE_CACHED) !== 0 && (flags & (O_TRUNC | O_CREAT | O_TMPFILE_BIT)) !== 0) return -EAGAIN;
  return open(t, t.argI32(0), 1, flags, mode, resolve & ~RESOLVE_CACHED);
}

function open(t: Task, dirFd: number, pathArg: number, flags: number, mode: number, resolve: number): number {
  if ((flags & (O_DIRECTORY | O_CREAT)) === (O_DIRECTORY | O_CREAT) && (flags & O_PATH) === 0) return -EINVAL;
  if ((flags & O_TMPFILE_BIT) !== 0 && (flags & O_PATH) === 0) {
    if ((flags & O_DIRECTORY) === 0 || (flags & O_CREAT) !== 0) return -EINVAL;
    if ((flags & O_ACCMODE) === 0) return -EINVAL;
  }
  const name = t.path(pathArg);
  if (typeof name === 'number') return name;
  // Without a descriptor nothing is created, truncated or waited for.
  const admitted = t.files.admits();
  if (admitted < 0) return admitted;
  // With BENEATH and IN_ROOT even an absolute name starts at the descriptor.
  const anchored = (resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) !== 0;
  const start = startAt(t, dirFd, anchored ? '' : name);
  if (typeof start === 'number') return start;
  trimDentries();
  const extra = (flags & O_PATH) === 0 ? O_LARGEFILE : 0;
  const file = openAt(t, start, name, (flags & O_VALID) | extra, mode, resolve);
  if (typeof file === 'number') return file;
  const fd = t.files.alloc(file, 0, (flags & O_CLOEXEC) !== 0);
  if (fd < 0) {
    // Nobody has it yet: taking and dropping a reference releases it.
    file.incRef();
    file.decRef();
  }
  return fd;
}
