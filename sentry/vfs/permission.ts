/** Who may do what to an inode: path_resolution(7) "Permissions", inode(7), capabilities(7). */
import { CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_FSETID } from '../abi/capability.ts';
import { EACCES, EPERM, EROFS } from '../abi/errno.ts';
import { MS_NODEV, MS_NOEXEC, MS_RDONLY } from '../abi/mount.ts';
import { S_IFDIR, S_IFMT, S_IFREG, S_ISGID, S_ISUID, S_ISVTX, S_IXGRP } from '../abi/stat.ts';
import type { Credentials } from '../auth/credentials.ts';
import type { Inode } from './inode.ts';
import type { Mount, Path } from './path.ts';

export const MAY_EXEC = 1;
export const MAY_WRITE = 2;
export const MAY_READ = 4;

/** 0 or -EACCES, by the inode's mode and the caller's fsuid, groups and capabilities. */
export function permission(inode: Inode, mask: number, creds: Credentials): number {
  const mode = inode.mode;
  const bits = creds.fsuid === inode.uid ? mode >>> 6 : creds.inGroup(inode.gid) ? mode >>> 3 : mode;
  if ((bits & mask) === mask) return 0;
  if ((mode & S_IFMT) === S_IFDIR) {
    if ((mask & MAY_WRITE) === 0 && creds.hasCap(CAP_DAC_READ_SEARCH)) return 0;
    return creds.hasCap(CAP_DAC_OVERRIDE) ? 0 : -EACCES;
  }
  if (mask === MAY_READ && creds.hasCap(CAP_DAC_READ_SEARCH)) return 0;
  // Root may execute only what somebody may execute.
  if (((mask & MAY_EXEC) === 0 || (mode & 0o111) !== 0) && creds.hasCap(CAP_DAC_OVERRIDE)) return 0;
  return -EACCES;
}

/** Search permission on a directory; the common mode 0755 is decided by one test. */
export function maySearch(inode: Inode, creds: Credentials): boolean {
  return (inode.mode & 0o111) === 0o111 || permission(inode, MAY_EXEC, creds) === 0;
}

/** Permission as seen through a mount: EROFS for writes to its files, noexec for running them. */
export function pathPermission(path: Path, mask: number, creds: Credentials): number {
  const inode = path.dentry.inode!;
  const type = inode.mode & S_IFMT;
  if ((mask & MAY_EXEC) !== 0 && type === S_IFREG && isNoexec(path.mount)) return -EACCES;
  const r = permission(inode, mask, creds);
  if (r < 0) return r;
  return (mask & MAY_WRITE) !== 0 && isReadonly(path.mount) && writesContent(type) ? -EROFS : 0;
}

/** No program of it can be started, nor mapped to be executed (path_noexec). */
export function isNoexec(mount: Mount): boolean {
  return (mount.flags & MS_NOEXEC) !== 0 || mount.fs.noexec === true;
}

/** Regular files, directories and links live on the medium; FIFOs, sockets and devices do not. */
function writesContent(type: number): boolean {
  return type === S_IFREG || type === S_IFDIR || type === 0o120000;
}

export function isReadonly(mount: Mount): boolean {
  return (mount.flags & MS_RDONLY) !== 0 || mount.fs.readonly === true;
}

export function deviceForbidden(path: Path): boolean {
  return (path.mount.flags & MS_NODEV) !== 0;
}

/** Owner of the inode or CAP_FOWNER. */
export function isOwnerOrCapable(inode: Inode, creds: Credentials): boolean {
  return creds.fsuid === inode.uid || creds.hasCap(CAP_FOWNER);
}

/** May an entry be made in the directory? */
export function mayCreate(dir: Inode, creds: Credentials): number {
  return permission(dir, MAY_WRITE | MAY_EXEC, creds);
}

/** May the entry be removed from (or replaced in) the directory? The sticky bit limits it to owners. */
export function mayDelete(dir: Inode, victim: Inode, creds: Credentials): number {
  const r = permission(dir, MAY_WRITE | MAY_EXEC, creds);
  if (r < 0) return r;
  if ((dir.mode & S_ISVTX) === 0) return 0;
  if (creds.fsuid === victim.uid || creds.fsuid === dir.uid || creds.hasCap(CAP_FOWNER)) return 0;
  return -EPERM;
}

/** Mode and group of a new inode: the umask has been applied; a setgid directory hands down its group. */
export function inheritMode(dir: Inode, mode: number, creds: Credentials): number {
  if ((dir.mode & S_ISGID) === 0) return mode;
  if ((mode & S_IFMT) === S_IFDIR) return mode | S_ISGID;
  if ((mode & (S_ISGID | S_IXGRP)) === (S_ISGID | S_IXGRP) && !creds.inGroup(dir.gid)) {
    if (!creds.hasCap(CAP_FSETID)) return mode & ~S_ISGID;
  }
  return mode;
}
export function inheritGroup(dir: Inode, creds: Credentials): number {
  return (dir.mode & S_ISGID) !== 0 ? dir.gid : creds.fsgid;
}

/** The mode after content was written or the owner changed: setuid goes, setgid too when it means execution. */
export function withoutPrivileges(mode: number): number {
  if ((mode & S_ISGID) !== 0 && (mode & S_IXGRP) !== 0) return mode & ~(S_ISUID | S_ISGID);
  return mode & ~S_ISUID;
}

/** True when a write by `creds` must clear setuid/setgid bits. */
export function mustDropPrivileges(inode: Inode, creds: Credentials): boolean {
  const mode = inode.mode;
  if ((mode & (S_ISUID | S_ISGID)) === 0 || (mode & S_IFMT) !== S_IFREG) return false;
  return withoutPrivileges(mode) !== mode && !creds.hasCap(CAP_FSETID);
}
