/** eventfd(2), eventfd2(2). */
import { EINVAL } from '../../sentry/abi/errno.ts';
import { O_CLOEXEC, O_NONBLOCK } from '../../sentry/abi/fcntl.ts';
import { EventFile } from '../../sentry/fs/eventfd/eventfd.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { newFd } from './new-fd.ts';

const EFD_SEMAPHORE = 1;

export function sys_eventfd(t: Task): number {
  return doEventfd(t, 0);
}

export function sys_eventfd2(t: Task): number {
  return doEventfd(t, t.argI32(1));
}

function doEventfd(t: Task, flags: number): number {
  if ((flags & ~(EFD_SEMAPHORE | O_CLOEXEC | O_NONBLOCK)) !== 0) return -EINVAL;
  const file = new EventFile(t.argU32(0), flags & O_NONBLOCK, (flags & EFD_SEMAPHORE) !== 0);
  return newFd(t, file, (flags & O_CLOEXEC) !== 0);
}
