/** fsync(2), sync(2), sync_file_range(2), truncate(2), fallocate(2), posix_fadvise(2), readahead(2). */
import { EBADF, EFBIG, EINVAL, EISDIR, ENODEV, EOPNOTSUPP, EPERM, ESPIPE } from '../../sentry/abi/errno.ts';
import {
  FALLOC_FL_COLLAPSE_RANGE,
  FALLOC_FL_INSERT_RANGE,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  FALLOC_FL_UNSHARE_RANGE,
  FALLOC_FL_ZERO_RANGE,
} from '../../sentry/abi/fcntl.ts';
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFMT, S_IFREG } from '../../sentry/abi/stat.ts';
import { TmpfsFile } from '../../sentry/fs/tmpfs/file.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { checkNewSize, truncatePath } from '../../sentry/vfs/attributes.ts';
import type { MountNamespace } from '../../sentry/vfs/mount-namespace.ts';
import { truncateInode } from '../../sentry/vfs/open.ts';
import { MAX_FILE_SIZE, RegularFile } from '../../sentry/vfs/regular-file.ts';
import { resolve } from '../../sentry/vfs/walk.ts';

export function sys_fsync(t: Task): number {
  const file = t.fileNoPath(0);
  return file === null ? -EBADF : file.fsync(false);
}
export function sys_fdatasync(t: Task): number {
  const file = t.fileNoPath(0);
  return file === null ? -EBADF : file.fsync(true);
}

export function sys_sync(t: Task): number {
  for (const mount of (t.fs.mountNs as MountNamespace).mounts()) mount.fs.sync();
  return 0;
}
export function sys_syncfs(t: Task): number {
  const file = t.fileNoPath(0);
  if (file === null) return -EBADF;
  return file.path === null ? 0 : file.path.mount.fs.sync();
}

export function sys_sync_file_range(t: Task): number {
  const file = t.fileNoPath(0);
  const offset = t.argI64(1);
  const length = t.argI64(2);
  if (file === null) return -EBADF;
  if ((t.argU32(3) & ~7) !== 0 || offset < 0 || length < 0) return -EINVAL;
  const mode = file.inode === null ? S_IFIFO : file.inode.mode & S_IFMT;
  if (mode !== S_IFREG && mode !== S_IFBLK && mode !== S_IFDIR && mode !== 0o120000) return -ESPIPE;
  return 0;
}

export function sys_truncate(t: Task): number {
  const size = t.argI64(1);
  if (size < 0) return -EINVAL;
  const name = t.path(0);
  if (typeof name === 'number') return name;
  const path = resolve(t, null, name, 0);
  return typeof path === 'number' ? path : truncatePath(t, path, size);
}

export function sys_ftruncate(t: Task): number {
  const size = t.argI64(1);
  if (size < 0) return -EINVAL;
  const file = t.fileNoPath(0);
  if (file === null) return -EBADF;
  const inode = file.inode;
  if (inode === null || (inode.mode & S_IFMT) !== S_IFREG || !file.writable) return -EINVAL;
  const r = checkNewSize(t, inode, size);
  if (r < 0) return r;
  if (!(file instanceof RegularFile)) return file.truncate(size);
  return truncateInode(t, file.path!, size);
}

export function sys_fallocate(t: Task): number {
  const file = t.fileNoPath(0);
  const mode = t.argI32(1);
  const offset = t.argI64(2);
  const length = t.argI64(3);
  if (file === null) return -EBADF;
  if (offset < 0 || length <= 0) return -EINVAL;
  const known =
    FALLOC_FL_KEEP_SIZE |
    FALLOC_FL_PUNCH_HOLE |
    FALLOC_FL_COLLAPSE_RANGE |
    FALLOC_FL_ZERO_RANGE |
    FALLOC_FL_INSERT_RANGE |
    FALLOC_FL_UNSHARE_RANGE;
  if ((mode & ~known) !== 0) return -EOPNOTSUPP;
  if ((mode & FALLOC_FL_PUNCH_HOLE) !== 0 && (mode & FALLOC_FL_ZERO_RANGE) !== 0) return -EOPNOTSUPP;
  if ((mode & FALLOC_FL_PUNCH_HOLE) !== 0 && (mode & FALLOC_FL_KEEP_SIZE) === 0) return -EOPNOTSUPP;
  if ((mode & FALLOC_FL_COLLAPSE_RANGE) !== 0 && mode !== FALLOC_FL_COLLAPSE_RANGE) return -EINVAL;
  if ((mode & FALLOC_FL_INSERT_RANGE) !== 0 && mode !== FALLOC_FL_INSERT_RANGE) return -EINVAL;
  if (
    (mode & FALLOC_FL_UNSHARE_RANGE) !== 0 &&
    (mode & ~(FALLOC_FL_UNSHARE_RANGE | FALLOC_FL_KEEP_SIZE)) !== 0
  ) {
    return -EINVAL;
  }
  if (!file.writable) return -EBADF;
  const inode = file.inode;
  if (inode === null) return -ESPIPE;
  if (inode.writers < 0) return -EPERM;
  switch (inode.mode & S_IFMT) {
    case S_IFIFO:
      return -ESPIPE;
    case S_IFDIR:
      return -EISDIR;
    case S_IFCHR:
      return -ENODEV;
    case S_IFREG:
    case S_IFBLK:
      break;
    default:
      return -ENODEV;
  }
  if (offset + length > MAX_FILE_SIZE) return -EFBIG;
  // tmpfs counts pages beyond the end, too.
  const pages = inode instanceof TmpfsFile && (mode & FALLOC_FL_PUNCH_HOLE) === 0;
  if ((mode & FALLOC_FL_KEEP_SIZE) === 0 || pages) {
    const r = checkNewSize(t, inode, offset + length);
    if (r < 0) return r;
  }
  return file.allocate(mode, offset, length);
}

/** Advice changes nothing here: the host caches. Errors as on Linux. */
export function sys_fadvise64(t: Task): number {
  const file = t.fileNoPath(0);
  if (file === null) return -EBADF;
  const mode = file.inode === null ? S_IFIFO : file.inode.mode & S_IFMT;
  if (mode === S_IFIFO) return -ESPIPE;
  const advice = t.argI32(3);
  if (t.argI64(2) < 0 || advice < 0 || advice > 5) return -EINVAL;
  return 0;
}

export function sys_readahead(t: Task): number {
  const file = t.fileNoPath(0);
  if (file === null || !file.readable) return -EBADF;
  const mode = file.inode === null ? S_IFIFO : file.inode.mode & S_IFMT;
  return mode === S_IFREG || mode === S_IFBLK ? 0 : -EINVAL;
}
