/** Timeouts and masks of the waiting calls: read once, checked, turned into the task's deadline. */
import { EFAULT, EINVAL, ERESTARTNOHAND } from '../../sentry/abi/errno.ts';
import type { Task } from '../../sentry/kernel/task.ts';

const NS_PER_SEC = 1_000_000_000;
/** Results of readTimespec: a duration in ns >= 0, or one of these. */
export const FOREVER = Infinity;

/** Duration of the struct timespec at `addr` in ns; FOREVER for a null pointer; -EFAULT or -EINVAL. */
export function readTimespec(t: Task, addr: number): number {
  if (addr === 0) return FOREVER;
  const sec = t.readI64(addr);
  const nsec = t.readI64(addr + 8);
  if (sec === null || nsec === null) return -EFAULT;
  if (sec < 0 || nsec < 0 || nsec >= NS_PER_SEC) return -EINVAL;
  return sec * NS_PER_SEC + nsec;
}

/** The same for struct timeval; microseconds may exceed a second (select(2) normalises them). */
export function readTimeval(t: Task, addr: number): number {
  if (addr === 0) return FOREVER;
  const sec = t.readI64(addr);
  const usec = t.readI64(addr + 8);
  if (sec === null || usec === null) return -EFAULT;
  if (sec < 0 || usec < 0) return -EINVAL;
  return sec * NS_PER_SEC + usec * 1000;
}

/** Milliseconds as poll and epoll_wait take them: negative waits forever. */
export function millisToNs(ms: number): number {
  return ms < 0 ? FOREVER : ms * 1_000_000;
}

/** blockState of a call that was interrupted when it had told what is left of its time. */
const TOLD = 'told';

/** Arms the deadline on the first pass. */
export function startTimeout(t: Task, durationNs: number): void {
  if (durationNs === FOREVER) return;
  if (!t.retry) t.setDeadline(t.kernel.clock.monotonicNs() + durationNs);
  else if (t.blockState === TOLD) resumeTimeout(t, durationNs);
}

/** Restarted with its own argument for what is left: the time of a stop in between does not count. */
function resumeTimeout(t: Task, durationNs: number): void {
  t.blockState = null;
  t.timedOut = false;
  t.kernel.timers.cancel(t.sleepTimer);
  t.deadlineNs = t.kernel.clock.monotonicNs() + durationNs;
}

/** What is left of the timeout in ns, for ppoll's and select's update of their argument. */
function remainingNs(t: Task, durationNs: number): number {
  if (t.timedOut) return 0;
  if (t.deadlineNs === Infinity) return durationNs;
  return Math.max(0, t.deadlineNs - t.kernel.clock.monotonicNs());
}

/**
 * Stores the time that remains when the call ended with `result`; a fault is ignored as in Linux. `unitNs` is 1
 * (timespec) or 1000 (timeval).
 */
export function writeRemaining(
  t: Task,
  addr: number,
  durationNs: number,
  unitNs: number,
  result: number,
): void {
  if (durationNs === FOREVER || durationNs === 0) return;
  if (result === -ERESTARTNOHAND) t.blockState = TOLD;
  const left = remainingNs(t, durationNs);
  const sec = Math.floor(left / NS_PER_SEC);
  if (t.writeI64(addr, sec) === 0) t.writeI64(addr + 8, Math.floor((left - sec * NS_PER_SEC) / unitNs));
}

/** Puts the sigset at `addr` (0: none) in force for the duration of the call. 0, -EINVAL or -EFAULT. */
export function applyMask(t: Task, addr: number, size: number): number {
  if (addr === 0) return 0;
  if (size !== 8) return -EINVAL;
  const lo = t.readU32(addr);
  const hi = t.readU32(addr + 4);
  if (lo === null || hi === null) return -EFAULT;
  t.setTemporaryMask(lo, hi);
  return 0;
}
