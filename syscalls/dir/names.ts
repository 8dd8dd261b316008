/** mkdir(2), mknod(2), link(2), symlink(2), unlink(2), rmdir(2), rename(2), readlink(2). */
import { bytes } from '../../platform/arena.ts';
import { CAP_DAC_READ_SEARCH } from '../../sentry/abi/capability.ts';
import { EBADF, EINVAL, ENOENT, EPERM } from '../../sentry/abi/errno.ts';
import { AT_EMPTY_PATH, AT_FDCWD, AT_REMOVEDIR, AT_SYMLINK_FOLLOW } from '../../sentry/abi/fcntl.ts';
import { S_IFLNK, S_IFMT, S_IFDIR } from '../../sentry/abi/stat.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { trimDentries } from '../../sentry/vfs/dcache.ts';
import { showPath } from '../../sentry/vfs/path-name.ts';
import {
  makeDirectory,
  makeLink,
  makeNode,
  makeSymlink,
  removeDirectory,
  removeFile,
  rename,
} from '../../sentry/vfs/names.ts';
import { resolve, WALK_EMPTY, WALK_NOFOLLOW } from '../../sentry/vfs/walk.ts';
import { startAt } from './dir-fd.ts';

export function sys_mkdir(t: Task): number {
  return mkdir(t, AT_FDCWD, 0, t.argI32(1));
}
export function sys_mkdirat(t: Task): number {
  return mkdir(t, t.argI32(0), 1, t.argI32(2));
}
function mkdir(t: Task, fd: number, pathArg: number, mode: number): number {
  const name = t.path(pathArg);
  if (typeof name === 'number') return name;
  const start = startAt(t, fd, name);
  if (typeof start === 'number') return start;
  trimDentries();
  return makeDirectory(t, start, name, mode);
}

export function sys_mknod(t: Task): number {
  return mknod(t, AT_FDCWD, 0, t.argI32(1), t.argU32(2));
}
export function sys_mknodat(t: Task): number {
  return mknod(t, t.argI32(0), 1, t.argI32(2), t.argU32(3));
}
function mknod(t: Task, fd: number, pathArg: number, mode: number, dev: number): number {
  if ((mode & S_IFMT) === S_IFDIR) return -EPERM;
  const name = t.path(pathArg);
  if (typeof name === 'number') return name;
  const start = startAt(t, fd, name);
  if (typeof start === 'number') return start;
  return makeNode(t, start, name, mode & 0xffff, dev);
}

export function sys_link(t: Task): number {
  return link(t, AT_FDCWD, 0, AT_FDCWD, 1, 0);
}
export function sys_linkat(t: Task): number {
  return link(t, t.argI32(0), 1, t.argI32(2), 3, t.argI32(4));
}
function link(t: Task, oldFd: number, oldArg: number, newFd: number, newArg: number, flags: number): number {
  if ((flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) !== 0) return -EINVAL;
  const oldName = t.path(oldArg);
  if (typeof oldName === 'number') return oldName;
  const newName = t.path(newArg);
  if (typeof newName === 'number') return newName;
  const empty = (flags & AT_EMPTY_PATH) !== 0;
  if (empty && oldName === '' && !mayName(t, oldFd)) return -ENOENT;
  const oldStart = startAt(t, oldFd, oldName);
  if (typeof oldStart === 'number') return oldStart;
  const follow = (flags & AT_SYMLINK_FOLLOW) !== 0 ? 0 : WALK_NOFOLLOW;
  const from = resolve(t, oldStart, oldName, follow | (empty ? WALK_EMPTY : 0));
  if (typeof from === 'number') return from;
  const newStart = startAt(t, newFd, newName);
  return typeof newStart === 'number' ? newStart : makeLink(t, from, newStart, newName);
}

/** A descriptor that was passed to a process is no name for it; one that it opened with the rights it has, is. */
function mayName(t: Task, fd: number): boolean {
  const opener = t.files.get(fd)?.openedBy ?? null;
  return opener === null || opener === t.creds || t.creds.hasCap(CAP_DAC_READ_SEARCH);
}

export function sys_symlink(t: Task): number {
  return symlink(t, AT_FDCWD, 1);
}
export function sys_symlinkat(t: Task): number {
  return symlink(t, t.argI32(1), 2);
}
function symlink(t: Task, fd: number, pathArg: number): number {
  const text = t.path(0);
  if (typeof text === 'number') return text;
  const name = t.path(pathArg);
  if (typeof name === 'number') return name;
  const start = startAt(t, fd, name);
  return typeof start === 'number' ? start : makeSymlink(t, text, start, name);
}

export function sys_unlink(t: Task): number {
  return unlink(t, AT_FDCWD, 0, 0);
}
export function sys_rmdir(t: Task): number {
  return unlink(t, AT_FDCWD, 0, AT_REMOVEDIR);
}
export function sys_unlinkat(t: Task): number {
  return unlink(t, t.argI32(0), 1, t.argI32(2));
}
function unlink(t: Task, fd: number, pathArg: number, flags: number): number {
  if ((flags & ~AT_REMOVEDIR) !== 0) return -EINVAL;
  const name = t.path(pathArg);
  if (typeof name === 'number') return name;
  const start = startAt(t, fd, name);
  if (typeof start === 'number') return start;
  return (flags & AT_REMOVEDIR) !== 0 ? removeDirectory(t, start, name) : removeFile(t, start, name);
}

export function sys_rename(t: Task): number {
  return renameAt(t, AT_FDCWD, 0, AT_FDCWD, 1, 0);
}
export function sys_renameat(t: Task): number {
  return renameAt(t, t.argI32(0), 1, t.argI32(2), 3, 0);
}
export function sys_renameat2(t: Task): number {
  return renameAt(t, t.argI32(0), 1, t.argI32(2), 3, t.argI32(4));
}
function renameAt(
  t: Task,
  oldFd: number,
  oldArg: number,
  newFd: number,
  newArg: number,
  flags: number,
): number {
  const oldName = t.path(oldArg);
  if (typeof oldName === 'number') return oldName;
  const newName = t.path(newArg);
  if (typeof newName === 'number') return newName;
  const oldStart = startAt(t, oldFd, oldName);
  if (typeof oldStart === 'number') return oldStart;
  const newStart = startAt(t, newFd, newName);
  if (typeof newStart === 'number') return newStart;
  return rename(t, oldStart, oldName, newStart, newName, flags);
}

export function sys_readlink(t: Task): number {
  return readlink(t, AT_FDCWD, 0, t.arg(1), t.argI32(2));
}
export function sys_readlinkat(t: Task): number {
  return readlink(t, t.argI32(0), 1, t.arg(2), t.argI32(3));
}
function readlink(t: Task, fd: number, pathArg: number, out: number, size: number): number {
  if (size <= 0) return -EINVAL;
  const name = t.path(pathArg);
  if (typeof name === 'number') return name;
  // An empty name reads the link that an O_PATH descriptor refers to.
  if (name === '' && (fd === AT_FDCWD || t.files.get(fd) === null)) return fd === AT_FDCWD ? -ENOENT : -EBADF;
  const start = startAt(t, fd, name);
  if (typeof start === 'number') return start;
  const path = resolve(t, start, name, WALK_NOFOLLOW | WALK_EMPTY);
  if (typeof path === 'number') return path;
  const inode = path.dentry.inode!;
  if ((inode.mode & S_IFMT) !== S_IFLNK) return name === '' ? -ENOENT : -EINVAL;
  let text = inode.readlink(t);
  if (text === -EINVAL) {
    // A magic link without a text of its own shows the path of what it leads to.
    const target = inode.followMagic(t);
    if (target === null) return -EINVAL;
    if (typeof target === 'number') return target;
    text = showPath(target, t.root);
  }
  if (typeof text === 'number') return text;
  inode.accessed(path.mount.flags);
  return copyOutText(t, out, text, size);
}

/** Copies at most `size` bytes of a latin1 string, without NUL; their count or a negated errno. */
function copyOutText(t: Task, addr: number, text: string, size: number): number {
  const n = Math.min(text.length, size);
  const at = t.stage(n);
  if (at < 0) return at;
  bytes.latin1Write(text, at, n);
  const r = t.copyOutStaged(addr, at, n);
  return r < 0 ? r : n;
}
