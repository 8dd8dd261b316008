/** stat(2), fstat(2), lstat(2), fstatat(2), statx(2), access(2), statfs(2). */
import { EBADF, EINVAL, ENOENT } from '../../sentry/abi/errno.ts';
import {
  AT_EACCESS,
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_NO_AUTOMOUNT,
  AT_STATX_SYNC_TYPE,
  AT_SYMLINK_NOFOLLOW,
} from '../../sentry/abi/fcntl.ts';
import {
  MS_NOATIME,
  MS_NODEV,
  MS_NODIRATIME,
  MS_NOEXEC,
  MS_NOSUID,
  MS_NOSYMFOLLOW,
  MS_RDONLY,
  MS_STRICTATIME,
  ST_NOATIME,
  ST_NODEV,
  ST_NODIRATIME,
  ST_NOEXEC,
  ST_NOSUID,
  ST_NOSYMFOLLOW,
  ST_RDONLY,
  ST_RELATIME,
  ST_VALID,
} from '../../sentry/abi/mount.ts';
import { STATX__RESERVED } from '../../sentry/abi/stat.ts';
import { CAP_EMPTY, type Credentials } from '../../sentry/auth/credentials.ts';
import { pathOfFile } from '../../sentry/fs/proc/object-path.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import type { StatFs } from '../../sentry/vfs/inode.ts';
import type { Path } from '../../sentry/vfs/path.ts';
import { pathPermission } from '../../sentry/vfs/permission.ts';
import { Stat } from '../../sentry/vfs/stat.ts';
import { resolve, WALK_EMPTY, WALK_NOFOLLOW } from '../../sentry/vfs/walk.ts';
import { startAt } from './dir-fd.ts';
import { copyOutStat, copyOutStatfs, copyOutStatx } from './stat-layout.ts';

const st = new Stat();
const fsStat: StatFs = { type: 0, bsize: 0, blocks: 0, bfree: 0, bavail: 0, files: 0, ffree: 0, namelen: 0 };
const SECURE_NO_SETUID_FIXUP = 4;

export function sys_stat(t: Task): number {
  return statPath(t, 0, 0, t.arg(1));
}
export function sys_lstat(t: Task): number {
  return statPath(t, 0, WALK_NOFOLLOW, t.arg(1));
}

function statPath(t: Task, pathArg: number, walkFlags: number, out: number): number {
  const name = t.path(pathArg);
  if (typeof name === 'number') return name;
  const path = resolve(t, null, name, walkFlags);
  if (typeof path === 'number') return path;
  const r = path.dentry.inode!.stat(st);
  return r < 0 ? r : copyOutStat(t, out, st);
}

export function sys_fstat(t: Task): number {
  const file = t.file(0);
  if (file === null) return -EBADF;
  const r = file.stat(st);
  return r < 0 ? r : copyOutStat(t, t.arg(1), st);
}

export function sys_newfstatat(t: Task): number {
  const flags = t.argI32(3);
  const known = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE;
  if ((flags & ~known) !== 0) return -EINVAL;
  const r = statAt(t, flags);
  return typeof r === 'number' ? r : copyOutStat(t, t.arg(2), st);
}

export function sys_statx(t: Task): number {
  const flags = t.argI32(2);
  const mask = t.argU32(3);
  const known = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE;
  if ((mask & STATX__RESERVED) !== 0) return -EINVAL;
  if ((flags & ~known) !== 0 || (flags & AT_STATX_SYNC_TYPE) === AT_STATX_SYNC_TYPE) return -EINVAL;
  const r = statAt(t, flags);
  return typeof r === 'number' ? r : copyOutStatx(t, t.arg(4), st, mask, r.path);
}

const found: { path: Path | null } = { path: null };

/** Fills `st` for (dirfd, path, flags) of arguments 0 and 1; what was found, or a negated errno. */
function statAt(t: Task, flags: number): { path: Path | null } | number {
  let name: string | number;
  if (t.arg(1) === 0 && (flags & AT_EMPTY_PATH) !== 0) name = '';
  else name = t.path(1);
  if (typeof name === 'number') return name;
  const fd = t.argI32(0);
  if (name === '') {
    if ((flags & AT_EMPTY_PATH) === 0) return -ENOENT;
    if (fd !== AT_FDCWD) {
      const file = t.files.get(fd);
      if (file === null) return -EBADF;
      found.path = file.path;
      const r = file.stat(st);
      return r < 0 ? r : found;
    }
  }
  const start = startAt(t, fd, name);
  if (typeof start === 'number') return start;
  const path = resolve(
    t,
    start,
    name,
    ((flags & AT_SYMLINK_NOFOLLOW) !== 0 ? WALK_NOFOLLOW : 0) | WALK_EMPTY,
  );
  if (typeof path === 'number') return path;
  found.path = path;
  const r = path.dentry.inode!.stat(st);
  return r < 0 ? r : found;
}

// ---- access

export function sys_access(t: Task): number {
  return access(t, AT_FDCWD, 0, t.argI32(1), 0);
}
export function sys_faccessat(t: Task): number {
  return access(t, t.argI32(0), 1, t.argI32(2), 0);
}
export function sys_faccessat2(t: Task): number {
  return access(t, t.argI32(0), 1, t.argI32(2), t.argI32(3));
}

function access(t: Task, fd: number, pathArg: number, mode: number, flags: number): number {
  if ((mode & ~7) !== 0) return -EINVAL;
  if ((flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) !== 0) return -EINVAL;
  const name = t.path(pathArg);
  if (typeof name === 'number') return name;
  const start = startAt(t, fd, name);
  if (typeof start === 'number') return start;
  const walkFlags =
    ((flags & AT_SYMLINK_NOFOLLOW) !== 0 ? WALK_NOFOLLOW : 0) |
    ((flags & AT_EMPTY_PATH) !== 0 ? WALK_EMPTY : 0);
  const creds = (flags & AT_EACCESS) !== 0 ? t.creds : realCredentials(t.creds);
  const path =
    creds === t.creds ? resolve(t, start, name, walkFlags) : resolveAs(t, creds, start, name, walkFlags);
  if (typeof path === 'number') return path;
  if (mode === 0) return 0;
  return pathPermission(path, mode, creds);
}

/** The walk too is made with the real ids. */
function resolveAs(
  t: Task,
  creds: Credentials,
  start: Path | null,
  name: string,
  flags: number,
): Path | number {
  const own = t.creds;
  t.creds = creds;
  const path = resolve(t, start, name, flags);
  t.creds = own;
  return path;
}

/** access(2) asks for the real ids, with the capabilities that they would have. */
function realCredentials(creds: Credentials): Credentials {
  const sameIds = creds.fsuid === creds.uid && creds.fsgid === creds.gid;
  const fixup = (creds.securebits & SECURE_NO_SETUID_FIXUP) === 0;
  if (sameIds && (!fixup || creds.uid === 0 || (creds.effective.lo === 0 && creds.effective.hi === 0)))
    return creds;
  const effective = !fixup ? creds.effective : creds.uid === 0 ? creds.permitted : CAP_EMPTY;
  return creds.with({ fsuid: creds.uid, fsgid: creds.gid, effective });
}

// ---- statfs

export function sys_statfs(t: Task): number {
  const name = t.path(0);
  if (typeof name === 'number') return name;
  const path = resolve(t, null, name, 0);
  return typeof path === 'number' ? path : statfs(t, path, t.arg(1));
}
export function sys_fstatfs(t: Task): number {
  const file = t.file(0);
  if (file === null) return -EBADF;
  return statfs(t, pathOfFile(file), t.arg(1));
}

function statfs(t: Task, path: Path, out: number): number {
  const r = path.mount.fs.statfs(fsStat);
  if (r < 0) return r;
  return copyOutStatfs(t, out, fsStat, path.mount.fs.dev, mountStatFlags(path));
}

function mountStatFlags(path: Path): number {
  const m = path.mount.flags;
  let out = ST_VALID;
  if ((m & MS_RDONLY) !== 0 || path.mount.fs.readonly === true) out |= ST_RDONLY;
  if ((m & MS_NOSUID) !== 0) out |= ST_NOSUID;
  if ((m & MS_NODEV) !== 0) out |= ST_NODEV;
  if ((m & MS_NOEXEC) !== 0) out |= ST_NOEXEC;
  if ((m & MS_NOATIME) !== 0) out |= ST_NOATIME;
  if ((m & MS_NODIRATIME) !== 0) out |= ST_NODIRATIME;
  if ((m & MS_NOSYMFOLLOW) !== 0) out |= ST_NOSYMFOLLOW;
  if ((m & (MS_NOATIME | MS_STRICTATIME)) === 0) out |= ST_RELATIME;
  return out;
}
