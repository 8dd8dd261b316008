/** getxattr(2), setxattr(2), listxattr(2), removexattr(2) in their three forms each, with the rules of xattr(7). */
import { CAP_FOWNER, CAP_SETFCAP, CAP_SYS_ADMIN } from '../../sentry/abi/capability.ts';
import {
  E2BIG,
  EBADF,
  EFAULT,
  EINVAL,
  ENAMETOOLONG,
  ENODATA,
  EOPNOTSUPP,
  EPERM,
  ERANGE,
  EROFS,
} from '../../sentry/abi/errno.ts';
import { S_IFDIR, S_IFMT, S_IFREG, S_ISVTX, S_IFSOCK } from '../../sentry/abi/stat.ts';
import {
  XATTR_CAPS,
  XATTR_CREATE,
  XATTR_NAME_MAX,
  XATTR_REPLACE,
  XATTR_SECURITY_PREFIX,
  XATTR_SIZE_MAX,
  XATTR_SYSTEM_PREFIX,
  XATTR_TRUSTED_PREFIX,
  XATTR_USER_PREFIX,
} from '../../sentry/abi/xattr.ts';
import { pathOfFile } from '../../sentry/fs/proc/object-path.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import type { Inode } from '../../sentry/vfs/inode.ts';
import { IN_ATTRIB, notifyPath } from '../../sentry/vfs/notify.ts';
import type { Path } from '../../sentry/vfs/path.ts';
import { isReadonly, MAY_READ, MAY_WRITE, permission } from '../../sentry/vfs/permission.ts';
import { resolve, WALK_NOFOLLOW } from '../../sentry/vfs/walk.ts';
import { copyOutNow } from '../file/transfer.ts';

export function sys_getxattr(t: Task): number {
  return getxattr(t, pathOf(t, 0));
}
export function sys_lgetxattr(t: Task): number {
  return getxattr(t, pathOf(t, WALK_NOFOLLOW));
}
export function sys_fgetxattr(t: Task): number {
  return getxattr(t, openPathOf(t));
}
export function sys_setxattr(t: Task): number {
  return setxattr(t, pathOf(t, 0));
}
export function sys_lsetxattr(t: Task): number {
  return setxattr(t, pathOf(t, WALK_NOFOLLOW));
}
export function sys_fsetxattr(t: Task): number {
  return setxattr(t, openPathOf(t));
}
export function sys_listxattr(t: Task): number {
  return listxattr(t, pathOf(t, 0));
}
export function sys_llistxattr(t: Task): number {
  return listxattr(t, pathOf(t, WALK_NOFOLLOW));
}
export function sys_flistxattr(t: Task): number {
  return listxattr(t, openPathOf(t));
}
export function sys_removexattr(t: Task): number {
  return removexattr(t, pathOf(t, 0));
}
export function sys_lremovexattr(t: Task): number {
  return removexattr(t, pathOf(t, WALK_NOFOLLOW));
}
export function sys_fremovexattr(t: Task): number {
  return removexattr(t, openPathOf(t));
}

function pathOf(t: Task, walkFlags: number): Path | number {
  const name = t.path(0);
  return typeof name === 'number' ? name : resolve(t, null, name, walkFlags);
}
function openPathOf(t: Task): Path | number {
  const file = t.fileNoPath(0);
  return file === null ? -EBADF : pathOfFile(file);
}

function nameOf(t: Task): string | number {
  const name = t.copyInString(t.arg(1), XATTR_NAME_MAX + 1);
  if (name === -ENAMETOOLONG || name === '') return -ERANGE;
  return name;
}

function getxattr(t: Task, path: Path | number): number {
  if (typeof path === 'number') return path;
  const name = nameOf(t);
  if (typeof name === 'number') return name;
  const inode = path.dentry.inode!;
  const r = mayAccess(t, inode, name, MAY_READ);
  if (r < 0) return r;
  const value = inode.getxattr(name);
  if (typeof value === 'number') return value;
  const size = t.arg(3);
  if (size === 0) return value.length;
  if (value.length > size) return -ERANGE;
  return copyOut(t, t.arg(2), value);
}

function setxattr(t: Task, path: Path | number): number {
  const flags = t.argI32(4);
  if ((flags & ~(XATTR_CREATE | XATTR_REPLACE)) !== 0) return -EINVAL;
  if (typeof path === 'number') return path;
  const name = nameOf(t);
  if (typeof name === 'number') return name;
  const size = t.arg(3);
  if (size > XATTR_SIZE_MAX) return -E2BIG;
  const value = t.copyInBytes(t.arg(2), size);
  if (typeof value === 'number') return value;
  if (isReadonly(path.mount)) return -EROFS;
  const inode = path.dentry.inode!;
  const r = mayAccess(t, inode, name, MAY_WRITE);
  if (r < 0) return r;
  const done = inode.setxattr(name, value, flags);
  if (done === 0) notifyPath(path, inode, IN_ATTRIB);
  return done;
}

function removexattr(t: Task, path: Path | number): number {
  if (typeof path === 'number') return path;
  const name = nameOf(t);
  if (typeof name === 'number') return name;
  if (isReadonly(path.mount)) return -EROFS;
  const inode = path.dentry.inode!;
  const r = mayAccess(t, inode, name, MAY_WRITE);
  if (r < 0) return r;
  const done = inode.removexattr(name);
  if (done === 0) notifyPath(path, inode, IN_ATTRIB);
  return done;
}

function listxattr(t: Task, path: Path | number): number {
  if (typeof path === 'number') return path;
  const names = path.dentry.inode!.listxattr();
  if (typeof names === 'number') return names === -EOPNOTSUPP ? 0 : names;
  const trusted = t.creds.hasCap(CAP_SYS_ADMIN);
  let text = '';
  for (const name of names) if (trusted || !name.startsWith(XATTR_TRUSTED_PREFIX)) text += `${name}\0`;
  const size = t.arg(2);
  if (size === 0) return text.length;
  if (text.length > size) return -ERANGE;
  return copyOut(t, t.arg(1), Buffer.from(text, 'latin1'));
}

function copyOut(t: Task, addr: number, value: Uint8Array): number {
  const r =
    value.length < 4096
      ? t.copyOutBytes(addr, value, 0, value.length)
      : copyOutNow(t, addr, value, 0, value.length);
  return r < 0 ? -EFAULT : value.length;
}

/** xattr_permission(): who may touch which namespace. */
function mayAccess(t: Task, inode: Inode, name: string, mask: number): number {
  const writes = mask === MAY_WRITE;
  if (name.startsWith(XATTR_SECURITY_PREFIX)) {
    if (!writes) return 0;
    if (name === XATTR_CAPS) return t.creds.hasCap(CAP_SETFCAP) ? 0 : -EPERM;
    return t.creds.hasCap(CAP_SYS_ADMIN) ? 0 : -EPERM;
  }
  if (name.startsWith(XATTR_TRUSTED_PREFIX)) {
    return t.creds.hasCap(CAP_SYS_ADMIN) ? 0 : writes ? -EPERM : -ENODATA;
  }
  // POSIX ACLs: no filesystem here has them.
  if (name.startsWith(XATTR_SYSTEM_PREFIX)) return (inode.mode & S_IFMT) === S_IFSOCK ? 0 : -EOPNOTSUPP;
  if (!name.startsWith(XATTR_USER_PREFIX)) return -EOPNOTSUPP;
  if (name.length === XATTR_USER_PREFIX.length) return -EINVAL;
  const type = inode.mode & S_IFMT;
  if (type !== S_IFREG && type !== S_IFDIR) return writes ? -EPERM : -ENODATA;
  if (type === S_IFDIR && writes && (inode.mode & S_ISVTX) !== 0) {
    if (inode.uid !== t.creds.fsuid && !t.creds.hasCap(CAP_FOWNER)) return -EPERM;
  }
  return permission(inode, mask, t.creds);
}
