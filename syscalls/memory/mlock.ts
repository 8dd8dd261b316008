/** mlock(2), mlock2(2), munlock(2), mlockall(2), munlockall(2). */
import { EINVAL } from '../../sentry/abi/errno.ts';
import { MLOCK_ONFAULT } from '../../sentry/abi/mman.ts';
import { limitsOf } from '../../sentry/kernel/memory-limits.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { lockAll, lockRange, unlockAll, unlockRange } from '../../sentry/mm/lock-pages.ts';
import { waitForMap } from './map-access.ts';

export function sys_mlock(t: Task): number {
  if (t.mm.locked) return waitForMap(t);
  return lockRange(t.mm, t, limitsOf(t), t.arg(0), t.arg(1), false);
}

export function sys_mlock2(t: Task): number {
  const flags = t.argI32(2);
  if ((flags & ~MLOCK_ONFAULT) !== 0) return -EINVAL;
  if (t.mm.locked) return waitForMap(t);
  return lockRange(t.mm, t, limitsOf(t), t.arg(0), t.arg(1), flags !== 0);
}

export function sys_munlock(t: Task): number {
  if (t.mm.locked) return waitForMap(t);
  return unlockRange(t.mm, t, t.arg(0), t.arg(1));
}

export function sys_mlockall(t: Task): number {
  if (t.mm.locked) return waitForMap(t);
  return lockAll(t.mm, t, limitsOf(t), t.argI32(0));
}

export function sys_munlockall(t: Task): number {
  if (t.mm.locked) return waitForMap(t);
  return unlockAll(t.mm);
}
