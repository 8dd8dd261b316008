/** signalfd(2), signalfd4(2). */
import { EBADF, EFAULT, EINVAL } from '../../sentry/abi/errno.ts';
import { O_CLOEXEC, O_NONBLOCK } from '../../sentry/abi/fcntl.ts';
import { SignalFile } from '../../sentry/fs/signalfd/signalfd.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { i32 } from '../../platform/arena.ts';
import { newFd } from '../poll/new-fd.ts';

export function sys_signalfd4(t: Task): number {
  return signalfd(t, t.argI32(3));
}

export function sys_signalfd(t: Task): number {
  return signalfd(t, 0);
}

function signalfd(t: Task, flags: number): number {
  if (t.arg(2) !== 8) return -EINVAL;
  const at = t.copyIn(t.arg(1), 8);
  if (at < 0) return -EFAULT;
  const lo = i32[at >>> 2]!;
  const hi = i32[(at >>> 2) + 1]!;
  if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) !== 0) return -EINVAL;
  const fd = t.argI32(0);
  if (fd === -1) {
    const file = new SignalFile(t, flags & O_NONBLOCK);
    file.setMask(lo, hi);
    return newFd(t, file, (flags & O_CLOEXEC) !== 0);
  }
  const file = t.fileNoPath(0);
  if (file === null) return -EBADF;
  if (!(file instanceof SignalFile)) return -EINVAL;
  file.setMask(lo, hi);
  return fd;
}
