/** Making, removing and moving names: mkdir(2), mknod(2), symlink(2), link(2), unlink(2), rmdir(2), rename(2). */
import { CAP_MKNOD } from '../abi/capability.ts';
import {
  EBUSY,
  EEXIST,
  EINVAL,
  EISDIR,
  ENAMETOOLONG,
  ENOENT,
  ENOTDIR,
  ENOTEMPTY,
  EPERM,
  EROFS,
  EXDEV,
} from '../abi/errno.ts';
import { PATH_MAX, RENAME_EXCHANGE, RENAME_NOREPLACE, RENAME_WHITEOUT } from '../abi/fcntl.ts';
import {
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
  S_ISUID,
  S_ISGID,
  S_IXGRP,
} from '../abi/stat.ts';
import type { CallerContext } from './context.ts';
import { exchangeDentries, forgetName, instantiate, isAncestor, moveDentry } from './dcache.ts';
import type { Inode } from './inode.ts';
import {
  activeMarks,
  IN_ATTRIB,
  IN_CREATE,
  IN_DELETE,
  IN_DELETE_SELF,
  IN_ISDIR,
  IN_MOVED_FROM,
  IN_MOVED_TO,
  IN_MOVE_SELF,
  newCookie,
  notifyInode,
} from './notify.ts';
import type { Dentry, Path } from './path.ts';
import {
  inheritMode,
  isReadonly,
  MAY_WRITE,
  mayCreate,
  mayDelete,
  permission,
  isOwnerOrCapable,
  MAY_READ,
} from './permission.ts';
import { LAST_DOT, LAST_DOTDOT, LAST_NORM, LastComponent, lookupLast, resolveLast } from './walk.ts';

/** Types that mknod(2) makes. */
const MAKEABLE: readonly number[] = [0, S_IFREG, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK];

const last = new LastComponent();
const target = new LastComponent();

/** mkdir(2): `mode` before the umask. */
export function makeDirectory(ctx: CallerContext, start: Path | null, name: string, mode: number): number {
  const r = beginCreate(ctx, start, name, true);
  if (r < 0) return r;
  const dir = last.parent.dentry.inode!;
  const full = inheritMode(dir, S_IFDIR | (mode & 0o1777 & ~ctx.umask), ctx.creds);
  return finishCreate(dir, dir.mkdir(last.name, full, ctx));
}

/** mknod(2): the type bits may be 0 (regular). */
export function makeNode(
  ctx: CallerContext,
  start: Path | null,
  name: string,
  mode: number,
  rdev: number,
): number {
  const type = mode & S_IFMT;
  if (type === S_IFDIR) return -EPERM;
  if (!MAKEABLE.includes(type)) return -EINVAL;
  const r = beginCreate(ctx, start, name, false);
  if (r < 0) return r;
  // Whiteouts (character device 0:0) need no privilege.
  if ((type === S_IFCHR && rdev !== 0) || type === S_IFBLK) {
    if (!ctx.creds.hasCap(CAP_MKNOD)) return -EPERM;
  }
  const dir = last.parent.dentry.inode!;
  const full = inheritMode(dir, (type === 0 ? S_IFREG : type) | (mode & 0o7777 & ~ctx.umask), ctx.creds);
  const made =
    type === 0 || type === S_IFREG ? dir.create(last.name, full, ctx) : dir.mknod(last.name, full, rdev, ctx);
  return finishCreate(dir, made);
}

/** The inode just made by makeNode and friends: for bind(2), which adds its hook to the socket node. */
export function lastMade(): Inode {
  return last.dentry.inode!;
}

export function makeSymlink(ctx: CallerContext, text: string, start: Path | null, name: string): number {
  if (text.length === 0) return -ENOENT;
  if (text.length >= PATH_MAX) return -ENAMETOOLONG;
  const r = beginCreate(ctx, start, name, false);
  if (r < 0) return r;
  const dir = last.parent.dentry.inode!;
  return finishCreate(dir, dir.symlink(last.name, text, ctx));
}

/** link(2): `from` is resolved already, links followed or not as the flags said. */
export function makeLink(ctx: CallerContext, from: Path, start: Path | null, name: string): number {
  const r = beginCreate(ctx, start, name, false, from);
  if (r < 0) return r;
  const inode = from.dentry.inode!;
  const dir = last.parent.dentry.inode!;
  if ((inode.mode & S_IFMT) === S_IFDIR) return -EPERM;
  if (from.dentry.unlinkable || !inode.linkable()) return -ENOENT;
  const linked = dir.link(last.name, inode, ctx);
  if (linked < 0) return linked;
  notifyInode(inode, IN_ATTRIB, '', 0);
  return finishCreate(dir, inode);
}

/** fs.protected_hardlinks (proc_sys_fs(5)): a file of somebody else's only by who may read and write it anyway. */
function mayLink(ctx: CallerContext, inode: Inode): boolean {
  if (isOwnerOrCapable(inode, ctx.creds)) return true;
  const { mode } = inode;
  if ((mode & S_IFMT) !== S_IFREG || (mode & S_ISUID) !== 0) return false;
  if ((mode & (S_ISGID | S_IXGRP)) === (S_ISGID | S_IXGRP)) return false;
  return permission(inode, MAY_READ | MAY_WRITE, ctx.creds) === 0;
}

export function removeFile(ctx: CallerContext, start: Path | null, name: string): number {
  const r = resolveLast(ctx, start, name, 0, last);
  if (r < 0) return r;
  if (last.kind !== LAST_NORM) return -EISDIR;
  if (isReadonly(last.parent.mount)) return -EROFS;
  const found = lookupLast(ctx, last);
  if (found < 0) return found;
  const dentry = last.dentry;
  const inode = dentry.inode;
  if (inode === null) return -ENOENT;
  const isDir = (inode.mode & S_IFMT) === S_IFDIR;
  if (last.slash) return isDir ? -EISDIR : -ENOTDIR;
  const dir = last.parent.dentry.inode!;
  const allowed = mayDelete(dir, inode, ctx.creds);
  if (allowed < 0) return allowed;
  if (isDir) return -EISDIR;
  if (dentry.mounts !== null) return -EBUSY;
  const done = dir.unlink(last.name, inode, ctx);
  if (done < 0) return done;
  if (activeMarks !== 0) {
    notifyInode(dir, IN_DELETE, last.name, 0);
    notifyInode(inode, IN_ATTRIB, '', 0);
    if (inode.nlink === 0) notifyInode(inode, IN_DELETE_SELF, '', 0);
  }
  forgetName(dentry);
  return 0;
}

export function removeDirectory(ctx: CallerContext, start: Path | null, name: string): number {
  const r = resolveLast(ctx, start, name, 0, last);
  if (r < 0) return r;
  if (last.kind !== LAST_NORM) {
    return last.kind === LAST_DOTDOT ? -ENOTEMPTY : last.kind === LAST_DOT ? -EINVAL : -EBUSY;
  }
  if (isReadonly(last.parent.mount)) return -EROFS;
  const found = lookupLast(ctx, last);
  if (found < 0) return found;
  const dentry = last.dentry;
  const inode = dentry.inode;
  if (inode === null) return -ENOENT;
  const dir = last.parent.dentry.inode!;
  const allowed = mayDelete(dir, inode, ctx.creds);
  if (allowed < 0) return allowed;
  if ((inode.mode & S_IFMT) !== S_IFDIR) return -ENOTDIR;
  if (dentry.mounts !== null) return -EBUSY;
  const done = dir.rmdir(last.name, inode, ctx);
  if (done < 0) return done;
  if (activeMarks !== 0) {
    notifyInode(dir, IN_DELETE | IN_ISDIR, last.name, 0);
    notifyInode(inode, IN_DELETE_SELF | IN_ISDIR, '', 0);
  }
  forgetName(dentry);
  return 0;
}

/** renameat2(2). */
export function rename(
  ctx: CallerContext,
  oldStart: Path | null,
  oldPath: string,
  newStart: Path | null,
  newPath: string,
  flags: number,
): number {
  if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT)) !== 0) return -EINVAL;
  if ((flags & (RENAME_NOREPLACE | RENAME_WHITEOUT)) !== 0 && (flags & RENAME_EXCHANGE) !== 0) return -EINVAL;
  let r = resolveLast(ctx, oldStart, oldPath, 0, last);
  if (r < 0) return r;
  r = resolveLast(ctx, newStart, newPath, 0, target);
  if (r < 0) return r;
  if (last.parent.mount !== target.parent.mount) return -EXDEV;
  if (last.kind !== LAST_NORM) return -EBUSY;
  if (target.kind !== LAST_NORM) return (flags & RENAME_NOREPLACE) !== 0 ? -EEXIST : -EBUSY;
  if (isReadonly(last.parent.mount)) return -EROFS;
  r = lookupLast(ctx, last);
  if (r < 0) return r;
  const from = last.dentry;
  if (from.inode === null) return -ENOENT;
  r = lookupLast(ctx, target);
  if (r < 0) return r;
  const to = target.dentry;
  r = checkRename(from, to, flags);
  if (r < 0) return r;
  if (from.inode === to.inode) return 0;
  return moveEntry(ctx, from, to, flags);
}

/** What the two names are, before permissions: existence, slashes, loops. */
function checkRename(from: Dentry, to: Dentry, flags: number): number {
  const exchange = (flags & RENAME_EXCHANGE) !== 0;
  if ((flags & RENAME_NOREPLACE) !== 0 && to.inode !== null) return -EEXIST;
  if (exchange && to.inode === null) return -ENOENT;
  if (exchange && !isDirectory(to.inode!) && target.slash) return -ENOTDIR;
  if (!isDirectory(from.inode!) && (last.slash || (!exchange && target.slash))) return -ENOTDIR;
  if (isAncestor(from, target.parent.dentry)) return -EINVAL;
  if (isAncestor(to, last.parent.dentry)) return exchange ? -EINVAL : -ENOTEMPTY;
  return 0;
}

function moveEntry(ctx: CallerContext, from: Dentry, to: Dentry, flags: number): number {
  const inode = from.inode!;
  const replaced = to.inode;
  const oldDir = last.parent.dentry.inode!;
  const newDir = target.parent.dentry.inode!;
  const exchange = (flags & RENAME_EXCHANGE) !== 0;
  const isDir = isDirectory(inode);
  let r = mayDelete(oldDir, inode, ctx.creds);
  if (r < 0) return r;
  if (replaced === null) {
    if (target.parent.dentry.deleted) return -ENOENT;
    r = mayCreate(newDir, ctx.creds);
  } else {
    r = mayDelete(newDir, replaced, ctx.creds);
    if (r === 0 && !exchange && isDir !== isDirectory(replaced)) return isDir ? -ENOTDIR : -EISDIR;
  }
  if (r < 0) return r;
  // A directory that gets another parent has its ".." rewritten: that is a write to it.
  if (oldDir !== newDir) {
    if (isDir && permission(inode, MAY_WRITE, ctx.creds) < 0) return permission(inode, MAY_WRITE, ctx.creds);
    if (exchange && isDirectory(replaced!)) {
      r = permission(replaced!, MAY_WRITE, ctx.creds);
      if (r < 0) return r;
    }
  }
  if (from.mounts !== null || to.mounts !== null) return -EBUSY;
  r = oldDir.rename(last.name, inode, newDir, target.name, replaced, flags, ctx);
  if (r < 0) return r;
  if (activeMarks !== 0)
    notifyMove(oldDir, newDir, inode, exchange ? replaced : null, exchange ? null : replaced);
  if (exchange) exchangeDentries(from, to);
  else {
    if (replaced !== null) forgetName(to);
    moveDentry(from, target.parent.dentry, target.name);
  }
  return 0;
}

function notifyMove(
  oldDir: Inode,
  newDir: Inode,
  moved: Inode,
  swapped: Inode | null,
  gone: Inode | null,
): void {
  const isDir = isDirectory(moved) ? IN_ISDIR : 0;
  const cookie = newCookie();
  notifyInode(oldDir, IN_MOVED_FROM | isDir, last.name, cookie);
  notifyInode(newDir, IN_MOVED_TO | isDir, target.name, cookie);
  notifyInode(moved, IN_MOVE_SELF | isDir, '', 0);
  if (swapped !== null) {
    const swappedDir = isDirectory(swapped) ? IN_ISDIR : 0;
    const back = newCookie();
    notifyInode(newDir, IN_MOVED_FROM | swappedDir, target.name, back);
    notifyInode(oldDir, IN_MOVED_TO | swappedDir, last.name, back);
    notifyInode(swapped, IN_MOVE_SELF | swappedDir, '', 0);
  }
  if (gone !== null) {
    notifyInode(gone, IN_ATTRIB, '', 0);
    if (gone.nlink === 0) notifyInode(gone, IN_DELETE_SELF, '', 0);
  }
}

/** The start of every creating call: the parent, a free name, a writable mount, permission. */
function beginCreate(
  ctx: CallerContext,
  start: Path | null,
  name: string,
  directory: boolean,
  linked: Path | null = null,
): number {
  let r = resolveLast(ctx, start, name, 0, last);
  if (r < 0) return r;
  if (last.kind !== LAST_NORM) return -EEXIST;
  r = lookupLast(ctx, last);
  if (r < 0) return r;
  if (last.dentry.inode !== null) return -EEXIST;
  if (last.slash && !directory) return -ENOENT;
  if (isReadonly(last.parent.mount)) return -EROFS;
  if (linked !== null) {
    if (linked.mount !== last.parent.mount) return -EXDEV;
    if (!mayLink(ctx, linked.dentry.inode!)) return -EPERM;
  }
  const dir = last.parent.dentry;
  if (dir.deleted || dir.inode!.nlink === 0) return -ENOENT;
  return mayCreate(dir.inode!, ctx.creds);
}

function finishCreate(dir: Inode, made: Inode | number): number {
  if (typeof made === 'number') return made;
  instantiate(last.dentry, made);
  notifyInode(dir, isDirectory(made) ? IN_CREATE | IN_ISDIR : IN_CREATE, last.name, 0);
  return 0;
}

function isDirectory(inode: Inode): boolean {
  return (inode.mode & S_IFMT) === S_IFDIR;
}
