/** A task's limits as memory calls and stack growth look at them. */
import { CAP_IPC_LOCK } from '../abi/capability.ts';
import { RLIMIT_AS, RLIMIT_DATA, RLIMIT_MEMLOCK, RLIMIT_STACK } from '../abi/resource.ts';
import { NO_LIMITS, type MemoryLimits } from '../mm/limits.ts';
import type { Task } from './task.ts';

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
