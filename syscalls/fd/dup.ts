/** close(2), close_range(2), dup(2), dup2(2), dup3(2). */
import { EBADF, EINVAL } from '../../sentry/abi/errno.ts';
import { CLOSE_RANGE_CLOEXEC, CLOSE_RANGE_UNSHARE, O_CLOEXEC } from '../../sentry/abi/fcntl.ts';
import { BLOCKED } from '../../sentry/base/result.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import type { Linger } from '../../sentry/vfs/file-description.ts';

export function sys_close(t: Task): number {
  if (t.retry) return linger(t, t.blockState as Linger);
  const fd = t.argI32(0);
  const file = t.files.get(fd);
  const left = file?.refs === 1 ? file.lingering() : null;
  const r = closeFd(t, fd);
  if (left === null) return r;
  t.blockState = left;
  t.onUnblock = () => left.end?.();
  t.setDeadline(t.kernel.clock.monotonicNs() + left.timeoutNs);
  return linger(t, left);
}

/** The descriptor is gone whatever happens: time and signals only end the wait. */
function linger(t: Task, left: Linger): number {
  if (t.timedOut || left.done()) return 0;
  return t.waitOn(left.queue, -1) === BLOCKED ? BLOCKED : 0;
}

function closeFd(t: Task, fd: number): number {
  const file = t.files.get(fd);
  if (file === null) return -EBADF;
  const r = file.flush(t);
  t.files.remove(fd);
  return r;
}

export function sys_close_range(t: Task): number {
  const first = t.argU32(0);
  const last = t.argU32(1);
  const flags = t.argU32(2);
  if ((flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) !== 0 || first > last) return -EINVAL;
  if ((flags & CLOSE_RANGE_UNSHARE) !== 0 && t.files.users > 1) {
    const own = t.files.clone(t.group.limits);
    t.files.release(t);
    t.files = own;
    t.thread.filesApart = true;
  }
  for (let fd = t.files.nextOpen(first); fd >= 0 && fd <= last; fd = t.files.nextOpen(fd + 1)) {
    if ((flags & CLOSE_RANGE_CLOEXEC) !== 0) t.files.setCloexec(fd, true);
    else closeFd(t, fd);
  }
  return 0;
}

export function sys_dup(t: Task): number {
  const file = t.file(0);
  return file === null ? -EBADF : t.files.alloc(file, 0, false);
}

export function sys_dup2(t: Task): number {
  const from = t.argI32(0);
  const to = t.argI32(1);
  if (from === to) return t.files.get(from) === null ? -EBADF : to;
  return dupTo(t, from, to, false);
}

export function sys_dup3(t: Task): number {
  const flags = t.argI32(2);
  const from = t.argI32(0);
  const to = t.argI32(1);
  if ((flags & ~O_CLOEXEC) !== 0 || from === to) return -EINVAL;
  return dupTo(t, from, to, (flags & O_CLOEXEC) !== 0);
}

function dupTo(t: Task, from: number, to: number, cloexec: boolean): number {
  if (to < 0 || to >= t.files.limit) return -EBADF;
  const file = t.files.get(from);
  if (file === null) return -EBADF;
  t.files.get(to)?.flush(t);
  t.files.set(to, file, cloexec);
  return to;
}
