/** What every memory call begins with: its turn, when another task's change of the same map is under way. */
import { ERESTARTNOINTR, ERESTARTSYS } from '../../sentry/abi/errno.ts';
import { POLLIN } from '../../sentry/abi/poll.ts';
import type { Task } from '../../sentry/kernel/task.ts';

/** Only while t.mm.locked: registers for the end of the other task's change. The call is run again, never EINTR. */
export function waitForMap(t: Task): number {
  const r = t.waitOn(t.mm.lockQueue, POLLIN);
  return r === -ERESTARTSYS ? -ERESTARTNOINTR : r;
}
