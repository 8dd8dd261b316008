/** chmod(2), chown(2), utimensat(2) and their older forms. */
import { EBADF, EFAULT, EINVAL } from '../../sentry/abi/errno.ts';
import { AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW } from '../../sentry/abi/fcntl.ts';
import { UTIME_NOW, UTIME_OMIT } from '../../sentry/abi/stat.ts';
import { pathOfFile } from '../../sentry/fs/proc/object-path.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { changeMode, changeOwner, changeTimes } from '../../sentry/vfs/attributes.ts';
import type { Path } from '../../sentry/vfs/path.ts';
import { resolve, WALK_EMPTY, WALK_NOFOLLOW } from '../../sentry/vfs/walk.ts';
import { startAt } from './dir-fd.ts';

export function sys_chmod(t: Task): number {
  const path = pathAt(t, AT_FDCWD, 0, 0);
  return typeof path === 'number' ? path : changeMode(t, path, t.argI32(1));
}
export function sys_fchmodat(t: Task): number {
  const path = pathAt(t, t.argI32(0), 1, 0);
  return typeof path === 'number' ? path : changeMode(t, path, t.argI32(2));
}
export function sys_fchmodat2(t: Task): number {
  const path = pathAt(t, t.argI32(0), 1, t.argI32(3));
  return typeof path === 'number' ? path : changeMode(t, path, t.argI32(2));
}
export function sys_fchmod(t: Task): number {
  const file = t.fileNoPath(0);
  if (file === null) return -EBADF;
  return changeMode(t, pathOfFile(file), t.argI32(1));
}

export function sys_chown(t: Task): number {
  const path = pathAt(t, AT_FDCWD, 0, 0);
  return typeof path === 'number' ? path : changeOwner(t, path, t.argI32(1), t.argI32(2));
}
export function sys_lchown(t: Task): number {
  const path = pathAt(t, AT_FDCWD, 0, AT_SYMLINK_NOFOLLOW);
  return typeof path === 'number' ? path : changeOwner(t, path, t.argI32(1), t.argI32(2));
}
export function sys_fchownat(t: Task): number {
  const path = pathAt(t, t.argI32(0), 1, t.argI32(4));
  return typeof path === 'number' ? path : changeOwner(t, path, t.argI32(2), t.argI32(3));
}
export function sys_fchown(t: Task): number {
  const file = t.fileNoPath(0);
  if (file === null) return -EBADF;
  return changeOwner(t, pathOfFile(file), t.argI32(1), t.argI32(2));
}

/** The place that (dirfd, path, AT_ flags) name. */
function pathAt(t: Task, fd: number, pathArg: number, flags: number): Path | number {
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) !== 0) return -EINVAL;
  const name = t.path(pathArg);
  if (typeof name === 'number') return name;
  const start = startAt(t, fd, name);
  if (typeof start === 'number') return start;
  const follow = (flags & AT_SYMLINK_NOFOLLOW) !== 0 ? WALK_NOFOLLOW : 0;
  return resolve(t, start, name, follow | ((flags & AT_EMPTY_PATH) !== 0 ? WALK_EMPTY : 0));
}

// ---- times: both stamps of the call in progress
let asec = 0;
let ansec = 0;
let msec = 0;
let mnsec = 0;

export function sys_utimensat(t: Task): number {
  const flags = t.argI32(3);
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) !== 0) return -EINVAL;
  const r = loadTimes(t, t.arg(2), false);
  if (r < 0) return r;
  if (ansec === UTIME_OMIT && mnsec === UTIME_OMIT) return 0;
  // A null path means the descriptor itself: futimens(3).
  if (t.arg(1) === 0 && t.argI32(0) !== AT_FDCWD) {
    if (flags !== 0) return -EINVAL;
    const file = t.fileNoPath(0);
    if (file === null) return -EBADF;
    return changeTimes(t, pathOfFile(file), asec, ansec, msec, mnsec);
  }
  return setTimes(t, t.argI32(0), 1, flags);
}

export function sys_futimesat(t: Task): number {
  const r = loadTimes(t, t.arg(2), true);
  if (r < 0) return r;
  if (t.arg(1) === 0) {
    const file = t.fileNoPath(0);
    if (file === null) return -EBADF;
    return changeTimes(t, pathOfFile(file), asec, ansec, msec, mnsec);
  }
  return setTimes(t, t.argI32(0), 1, 0);
}

export function sys_utimes(t: Task): number {
  const r = loadTimes(t, t.arg(1), true);
  return r < 0 ? r : setTimes(t, AT_FDCWD, 0, 0);
}

export function sys_utime(t: Task): number {
  const addr = t.arg(1);
  ansec = mnsec = UTIME_NOW;
  if (addr !== 0) {
    const a = t.readI64(addr);
    const m = t.readI64(addr + 8);
    if (a === null || m === null) return -EFAULT;
    asec = a;
    msec = m;
    ansec = mnsec = 0;
  }
  return setTimes(t, AT_FDCWD, 0, 0);
}

function setTimes(t: Task, fd: number, pathArg: number, flags: number): number {
  const path = pathAt(t, fd, pathArg, flags);
  return typeof path === 'number' ? path : changeTimes(t, path, asec, ansec, msec, mnsec);
}

/** Two timespecs or (micro) timevals at `addr`; null means now. */
function loadTimes(t: Task, addr: number, micro: boolean): number {
  ansec = mnsec = UTIME_NOW;
  if (addr === 0) return 0;
  const a = t.readI64(addr);
  const an = t.readI64(addr + 8);
  const m = t.readI64(addr + 16);
  const mn = t.readI64(addr + 24);
  if (a === null || an === null || m === null || mn === null) return -EFAULT;
  asec = a;
  msec = m;
  if (micro) {
    if (an < 0 || an >= 1_000_000 || mn < 0 || mn >= 1_000_000) return -EINVAL;
    ansec = an * 1000;
    mnsec = mn * 1000;
    return 0;
  }
  if (!validNsec(an) || !validNsec(mn)) return -EINVAL;
  ansec = an;
  mnsec = mn;
  return 0;
}

function validNsec(n: number): boolean {
  return (n >= 0 && n < 1_000_000_000) || n === UTIME_NOW || n === UTIME_OMIT;
}
