/** Changing attributes: chmod(2), chown(2), utimensat(2), truncate(2), with their permission rules. */
import { CAP_CHOWN, CAP_FOWNER, CAP_FSETID } from '../abi/capability.ts';
import { EACCES, EFBIG, EINVAL, EISDIR, EOPNOTSUPP, EPERM, EROFS, ETXTBSY } from '../abi/errno.ts';
import {
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_ISGID,
  S_ISUID,
  S_IXGRP,
  UTIME_NOW,
  UTIME_OMIT,
} from '../abi/stat.ts';
import type { CallerContext } from './context.ts';
import { noteRemoval } from './dcache.ts';
import type { Inode } from './inode.ts';
import { IN_ATTRIB, notifyPath } from './notify.ts';
import { nowNsec, nowSec, takeNow } from './now.ts';
import { truncateInode } from './open.ts';
import type { Path } from './path.ts';
import { isOwnerOrCapable, isReadonly, MAY_WRITE, permission } from './permission.ts';
import { MAX_FILE_SIZE } from './regular-file.ts';
import type { SetAttr } from './stat.ts';

const SIGXFSZ = 25;

export function changeMode(ctx: CallerContext, path: Path, mode: number): number {
  const inode = path.dentry.inode!;
  if (isReadonly(path.mount)) return -EROFS;
  if ((inode.mode & S_IFMT) === S_IFLNK) return -EOPNOTSUPP;
  if (!isOwnerOrCapable(inode, ctx.creds)) return -EPERM;
  let bits = mode & 0o7777;
  // Who isn't in the group can't set setgid.
  if ((bits & S_ISGID) !== 0 && !ctx.creds.inGroup(inode.gid) && !ctx.creds.hasCap(CAP_FSETID))
    bits &= ~S_ISGID;
  return apply(ctx, path, inode, { mode: bits });
}

/** -1 leaves the uid or gid as it is. */
export function changeOwner(ctx: CallerContext, path: Path, uid: number, gid: number): number {
  const inode = path.dentry.inode!;
  const { creds } = ctx;
  if (isReadonly(path.mount)) return -EROFS;
  const attr: SetAttr = {};
  if (uid !== -1) {
    const same = uid >>> 0 === inode.uid && creds.fsuid === inode.uid;
    if (!same && !creds.hasCap(CAP_CHOWN)) return -EPERM;
    attr.uid = uid >>> 0;
  }
  if (gid !== -1) {
    const own = creds.fsuid === inode.uid && (gid >>> 0 === inode.gid || creds.inGroup(gid >>> 0));
    if (!own && !creds.hasCap(CAP_CHOWN)) return -EPERM;
    attr.gid = gid >>> 0;
  }
  if ((inode.mode & S_IFMT) !== S_IFDIR && (inode.mode & (S_ISUID | S_ISGID)) !== 0) {
    // Even for root (chown(2)); setgid without group execution is not a privilege.
    let bits = inode.mode & 0o7777 & ~S_ISUID;
    if ((bits & S_IXGRP) !== 0) bits &= ~S_ISGID;
    if (bits !== (inode.mode & 0o7777)) attr.mode = bits;
  }
  return apply(ctx, path, inode, attr);
}

/** utimensat(2): nanoseconds may be UTIME_NOW or UTIME_OMIT. `both` null: both now. */
export function changeTimes(
  ctx: CallerContext,
  path: Path,
  asec: number,
  ansec: number,
  msec: number,
  mnsec: number,
): number {
  const inode = path.dentry.inode!;
  if (ansec === UTIME_OMIT && mnsec === UTIME_OMIT) return 0;
  if (isReadonly(path.mount)) return -EROFS;
  const bothNow = ansec === UTIME_NOW && mnsec === UTIME_NOW;
  if (!isOwnerOrCapable(inode, ctx.creds)) {
    if (!bothNow) return -EPERM;
    if (permission(inode, MAY_WRITE, ctx.creds) < 0 && !ctx.creds.hasCap(CAP_FOWNER)) return -EACCES;
  }
  takeNow();
  const attr: SetAttr = {};
  if (ansec !== UTIME_OMIT) {
    attr.atimeSec = ansec === UTIME_NOW ? nowSec : asec;
    attr.atimeNsec = ansec === UTIME_NOW ? nowNsec : ansec;
  }
  if (mnsec !== UTIME_OMIT) {
    attr.mtimeSec = mnsec === UTIME_NOW ? nowSec : msec;
    attr.mtimeNsec = mnsec === UTIME_NOW ? nowNsec : mnsec;
  }
  return apply(ctx, path, inode, attr);
}

/** truncate(2) by path. */
export function truncatePath(ctx: CallerContext, path: Path, size: number): number {
  const inode = path.dentry.inode!;
  const type = inode.mode & S_IFMT;
  if (type === S_IFDIR) return -EISDIR;
  if (type !== S_IFREG) return -EINVAL;
  if (isReadonly(path.mount)) return -EROFS;
  const allowed = permission(inode, MAY_WRITE, ctx.creds);
  if (allowed < 0) return allowed;
  if (inode.writers < 0) return -ETXTBSY;
  const r = checkNewSize(ctx, inode, size);
  return r < 0 ? r : truncateInode(ctx, path, size);
}

/** RLIMIT_FSIZE and the largest size, for truncate and fallocate. */
export function checkNewSize(ctx: CallerContext, inode: Inode, size: number): number {
  if (size > MAX_FILE_SIZE) return -EFBIG;
  if (size > ctx.fileSizeLimit && size > inode.size()) {
    ctx.signalSelf(SIGXFSZ);
    return -EFBIG;
  }
  return 0;
}

function apply(ctx: CallerContext, path: Path, inode: Inode, attr: SetAttr): number {
  const r = inode.setattr(attr, ctx);
  if (r < 0) return r;
  // Search permission below a directory may have changed.
  if ((inode.mode & S_IFMT) === S_IFDIR) noteRemoval();
  notifyPath(path, inode, IN_ATTRIB);
  return 0;
}
