/** open(2) inside the kernel: from a path and O_ flags to an open file description. */
import {
  EACCES,
  EEXIST,
  EINVAL,
  EISDIR,
  ELOOP,
  ENOENT,
  ENOTDIR,
  EOPNOTSUPP,
  EPERM,
  EROFS,
  ETXTBSY,
} from '../abi/errno.ts';
import {
  O_ACCMODE,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECT,
  O_DIRECTORY,
  O_EXCL,
  O_NOATIME,
  O_NOCTTY,
  O_NOFOLLOW,
  O_PATH,
  O_TMPFILE_BIT,
  O_TRUNC,
} from '../abi/fcntl.ts';
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '../abi/stat.ts';
import type { CallerContext } from './context.ts';
import { instantiate, namelessDentry } from './dcache.ts';
import type { FileDescription } from './file-description.ts';
import { activeMarks, IN_CREATE, IN_MODIFY, IN_OPEN, notifyInode, notifyPath } from './notify.ts';
import { PathFile } from './path-file.ts';
import { Path } from './path.ts';
import {
  deviceForbidden,
  inheritMode,
  isOwnerOrCapable,
  isReadonly,
  MAY_EXEC,
  MAY_READ,
  MAY_WRITE,
  mayCreate,
  pathPermission,
  permission,
} from './permission.ts';
import { dropPrivileges } from './regular-file.ts';
import {
  LAST_NORM,
  LastComponent,
  resolve,
  RESOLVE_SHIFT,
  resolveForCreate,
  WALK_DIRECTORY,
  WALK_NOFOLLOW,
} from './walk.ts';

/** Not kept in a description's flags. */
const OPEN_ONLY = O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC;

const last = new LastComponent();

/**
 * Opens (or creates) `name` relative to `start`. `mode` is open's third argument; `resolveFlags` those of openat2(2).
 * A description with no references yet, a negated errno, or BLOCKED (a FIFO).
 */
export function openAt(
  ctx: CallerContext,
  start: Path | null,
  name: string,
  flags: number,
  mode: number,
  resolveFlags = 0,
): FileDescription | number {
  let walkFlags = resolveFlags << RESOLVE_SHIFT;
  if ((flags & O_NOFOLLOW) !== 0) walkFlags |= WALK_NOFOLLOW;
  if ((flags & O_DIRECTORY) !== 0) walkFlags |= WALK_DIRECTORY;
  if ((flags & O_PATH) !== 0) {
    const path = resolve(ctx, start, name, walkFlags);
    if (typeof path === 'number') return path;
    const file = new PathFile(path, flags & (O_PATH | O_DIRECTORY | O_NOFOLLOW));
    file.openedBy = ctx.creds;
    if (activeMarks !== 0) notifyPath(path, file.inode, IN_OPEN);
    return file;
  }
  if ((flags & O_TMPFILE_BIT) !== 0) return openTmpfile(ctx, start, name, flags, mode, walkFlags);
  if ((flags & O_CREAT) !== 0) return openCreate(ctx, start, name, flags, mode, walkFlags);
  const path = resolve(ctx, start, name, walkFlags);
  return typeof path === 'number' ? path : openPath(ctx, path, flags);
}

/** Opens what a path already names: all checks of may_open and truncation, then the inode's own open. */
export function openPath(ctx: CallerContext, path: Path, flags: number): FileDescription | number {
  const inode = path.dentry.inode!;
  let truncates = (flags & O_TRUNC) !== 0;
  let mask = accessMask(flags);
  switch (inode.mode & S_IFMT) {
    case S_IFLNK:
      return -ELOOP;
    case S_IFDIR:
      if ((mask & MAY_WRITE) !== 0 || truncates) return -EISDIR;
      break;
    case S_IFREG:
      break;
    case S_IFCHR:
    case S_IFBLK:
      if (deviceForbidden(path)) return -EACCES;
      truncates = false;
      break;
    default:
      truncates = false;
  }
  // Even where there is nothing to truncate.
  if ((flags & O_TRUNC) !== 0) mask |= MAY_WRITE;
  const r = pathPermission(path, mask, ctx.creds);
  if (r < 0 && !inode.letsIn(ctx)) return r;
  if ((flags & O_NOATIME) !== 0 && !isOwnerOrCapable(inode, ctx.creds)) return -EPERM;
  if ((mask & MAY_WRITE) !== 0 && inode.writers < 0) return -ETXTBSY;
  if (truncates) {
    const failed = truncateInode(ctx, path, 0);
    if (failed < 0) return failed;
  }
  return openInode(ctx, path, flags);
}

/** truncate(2) after its checks: clears privileges, sets the size, tells inotify. */
export function truncateInode(ctx: CallerContext, path: Path, size: number): number {
  const inode = path.dentry.inode!;
  dropPrivileges(inode, ctx);
  const r = inode.setattr({ size }, ctx);
  if (r === 0 && activeMarks !== 0) notifyPath(path, inode, IN_MODIFY);
  return r;
}

function openInode(ctx: CallerContext, path: Path, flags: number): FileDescription | number {
  const inode = path.dentry.inode!;
  const file = inode.open(path, flags & ~(OPEN_ONLY & ~O_NOCTTY), ctx);
  if (typeof file === 'number') return file;
  file.flags &= ~OPEN_ONLY;
  file.openedBy = ctx.creds;
  if ((flags & O_DIRECT) !== 0 && !file.direct) {
    file.incRef();
    file.decRef();
    return -EINVAL;
  }
  if (activeMarks !== 0) notifyPath(path, inode, IN_OPEN);
  return file;
}

function openCreate(
  ctx: CallerContext,
  start: Path | null,
  name: string,
  flags: number,
  mode: number,
  walkFlags: number,
): FileDescription | number {
  if ((flags & O_DIRECTORY) !== 0) return -EINVAL;
  const exclusive = (flags & O_EXCL) !== 0;
  const r = resolveForCreate(ctx, start, name, exclusive ? walkFlags | WALK_NOFOLLOW : walkFlags, last);
  if (r < 0) {
    // "." "..", "/" exist: O_EXCL says so first.
    return r === -EISDIR && exclusive && last.kind !== LAST_NORM ? -EEXIST : r;
  }
  if (last.existing !== null) {
    if (exclusive) return -EEXIST;
    if ((last.existing.dentry.inode!.mode & S_IFMT) === S_IFDIR) return -EISDIR;
    return openPath(ctx, last.existing, flags);
  }
  const parent = last.parent;
  const dir = parent.dentry.inode!;
  if (isReadonly(parent.mount)) return -EROFS;
  if (parent.dentry.deleted || dir.nlink === 0) return -ENOENT;
  const allowed = mayCreate(dir, ctx.creds);
  if (allowed < 0) return allowed;
  const dentry = last.dentry;
  const full = inheritMode(dir, S_IFREG | (mode & 0o7777 & ~ctx.umask), ctx.creds);
  const inode = dir.create(last.name, full, ctx);
  if (typeof inode === 'number') return inode;
  instantiate(dentry, inode);
  notifyInode(dir, IN_CREATE, dentry.name, 0);
  // The creator may write whatever mode it asked for.
  return openInode(ctx, new Path(parent.mount, dentry), flags);
}

let tmpfileCount = 0;

function openTmpfile(
  ctx: CallerContext,
  start: Path | null,
  name: string,
  flags: number,
  mode: number,
  walkFlags: number,
): FileDescription | number {
  if ((flags & O_DIRECTORY) === 0 || (flags & O_CREAT) !== 0) return -EINVAL;
  if ((accessMask(flags) & MAY_WRITE) === 0) return -EINVAL;
  const path = resolve(ctx, start, name, walkFlags | WALK_DIRECTORY);
  if (typeof path === 'number') return path;
  const dir = path.dentry.inode!;
  if (isReadonly(path.mount)) return -EROFS;
  const allowed = permission(dir, MAY_WRITE | MAY_EXEC, ctx.creds);
  if (allowed < 0) return allowed;
  const full = inheritMode(dir, S_IFREG | (mode & 0o7777 & ~ctx.umask), ctx.creds);
  const inode = dir.tmpfile(full, ctx);
  if (typeof inode === 'number') return inode === -ENOTDIR ? -EOPNOTSUPP : inode;
  const dentry = namelessDentry(path.dentry, `#${inode.ino === 0 ? ++tmpfileCount : inode.ino}`, inode);
  // O_EXCL here: linkat may never name it.
  if ((flags & O_EXCL) !== 0) dentry.unlinkable = true;
  return openInode(ctx, new Path(path.mount, dentry), flags);
}

/** What an O_ access mode needs; mode 3 (ioctl only) needs both. */
function accessMask(flags: number): number {
  switch (flags & O_ACCMODE) {
    case 0:
      return MAY_READ;
    case 1:
      return MAY_WRITE;
    default:
      return MAY_READ | MAY_WRITE;
  }
}
