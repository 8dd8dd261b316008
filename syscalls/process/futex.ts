/** futex(2) and its successors: plain waits and wakes never come here, the stub does them in the guest's process. */
import { EINVAL, ENOSYS } from '../../sentry/abi/errno.ts';
import { unimplemented } from '../../sentry/base/unimplemented.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { CLOCK_MONOTONIC, CLOCK_REALTIME } from '../../sentry/time/clock.ts';
import { FOREVER, readTimespec } from '../poll/timeout.ts';
import { lockPi, unlockPi } from './futex-pi.ts';
import { requeuePi, waitRequeuePi } from './futex-requeue.ts';
import { clockNow } from '../time/sleep.ts';

const FUTEX_CLOCK_REALTIME = 0x100;
const FUTEX_CMD_MASK = 0x7f;
const FUTEX_FD = 2;
const FUTEX_LOCK_PI = 6;
const FUTEX_UNLOCK_PI = 7;
const FUTEX_TRYLOCK_PI = 8;
const FUTEX_WAIT_REQUEUE_PI = 11;
const FUTEX_CMP_REQUEUE_PI = 12;
const FUTEX_LOCK_PI2 = 13;

/** What is left: priority inheritance, and commands that do not exist. */
export function sys_futex(t: Task): number {
  const command = t.argI32(1) & FUTEX_CMD_MASK;
  const wallClock = (t.argI32(1) & FUTEX_CLOCK_REALTIME) !== 0;
  switch (command) {
    case FUTEX_LOCK_PI:
      return timed(t, true, (until) => (wallClock ? -ENOSYS : lockPi(t, t.arg(0), until)));
    case FUTEX_LOCK_PI2:
      return timed(t, wallClock, (until) => lockPi(t, t.arg(0), until));
    case FUTEX_WAIT_REQUEUE_PI:
      return timed(t, wallClock, (until) => waitRequeuePi(t, until));
  }
  if (wallClock) return -ENOSYS;
  switch (command) {
    case FUTEX_TRYLOCK_PI:
      return lockPi(t, t.arg(0), FOREVER, true);
    case FUTEX_UNLOCK_PI:
      return unlockPi(t);
    case FUTEX_CMP_REQUEUE_PI:
      return requeuePi(t);
  }
  if (command !== FUTEX_FD) unimplemented(`futex command ${command}`);
  return -ENOSYS;
}

/** With the deadline, which is absolute, in monotonic ns; a call that is run again has the same. */
function timed(t: Task, wallClock: boolean, act: (untilNs: number) => number): number {
  const at = readTimespec(t, t.arg(3));
  if (at < 0) return at;
  if (at === FOREVER) return act(FOREVER);
  const now = t.kernel.clock.monotonicNs();
  return act(now + at - clockNow(t, wallClock ? CLOCK_REALTIME : CLOCK_MONOTONIC));
}

export function sys_futex_waitv(t: Task): number {
  if (t.argU32(2) !== 0) return -EINVAL;
  unimplemented('futex_waitv');
  return -ENOSYS;
}
