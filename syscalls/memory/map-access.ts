/** What every memory call begins with: the task's limits, and its turn when another task's change is under way. */
import { ERESTARTNOINTR, ERESTARTSYS } from '../../sentry/abi/errno.ts';
import { CAP_IPC_LOCK } from '../../sentry/abi/capability.ts';
import { RLIMIT_AS, RLIMIT_DATA, RLIMIT_MEMLOCK, RLIMIT_STACK } from '../../sentry/abi/resource.ts';
import { POLLIN } from '../../sentry/abi/poll.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { NO_LIMITS, type MemoryLimits } from '../../sentry/mm/limits.ts';

const limits: MemoryLimits = { ...NO_LIMITS };

/** The task's limits, in an object that the next call overwrites. */
export function limitsOf(t: Task): MemoryLimits {
  const { soft } = t.group.limits;
  limits.as = soft[RLIMIT_AS]!;
  limits.data = soft[RLIMIT_DATA]!;
  limits.stack = soft[RLIMIT_STACK]!;
  limits.memlock = soft[RLIMIT_MEMLOCK]!;
  limits.ipcLock = t.creds.hasCap(CAP_IPC_LOCK);
  return limits;
}

/** Only while t.mm.locked: registers for the end of the other task's change. The call is run again, never EINTR. */
export function waitForMap(t: Task): number {
  const r = t.waitOn(t.mm.lockQueue, POLLIN);
  return r === -ERESTARTSYS ? -ERESTARTNOINTR : r;
}
