/**
 * FUTEX_LOCK_PI, FUTEX_TRYLOCK_PI, FUTEX_UNLOCK_PI. Only the guest's own process can change a word that others change
 * too: the reply asks for a comparison and exchange there, and when the word was another one the call is run again.
 */
import {
  EAGAIN,
  EDEADLK,
  EFAULT,
  EINPROGRESS,
  EINVAL,
  EPERM,
  ERESTARTNOINTR,
  ESRCH,
  ETIMEDOUT,
} from '../../sentry/abi/errno.ts';
import { BLOCKED } from '../../sentry/base/result.ts';
import {
  FUTEX_OWNER_DIED,
  FUTEX_TID_MASK,
  FUTEX_WAITERS,
  type FutexKey,
  PiWaiter,
  dequeuePi,
  enqueuePi,
  findPiState,
  futexKey,
  grantPi,
  wouldDeadlock,
} from '../../sentry/kernel/pi-futex.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { TASK_DEAD } from '../../sentry/kernel/task.ts';
import { OP_COMPARE_EXCHANGE } from '../../platform/platform.ts';
import { TASK_SIZE_MAX } from '../file/transfer.ts';

const FUTEX_PRIVATE_FLAG = 0x80;
/** How long a dying owner has to mark the word: its host thread does that on its way out. */
const OWNER_GONE_NS = 200_000_000;

/** blockState of a caller that has found no owner, and looks once more. */
const OWNER_GONE = 'owner gone';

const word = new Uint32Array(1);
const wordBytes = new Uint8Array(word.buffer);

export function keyOf(t: Task, addr: number): FutexKey | number {
  if (addr % 4 !== 0) return -EINVAL;
  if (addr + 4 > TASK_SIZE_MAX) return -EFAULT;
  return futexKey(t, addr, (t.argI32(1) & FUTEX_PRIVATE_FLAG) !== 0) ?? -EFAULT;
}

/** The word as it is now, not as it was when the call began. */
export function loadWord(t: Task, addr: number): number {
  return t.mm.space.read(addr, wordBytes, 0, 4) < 0 ? -EFAULT : word[0]!;
}

/** Waits until the futex is the caller's. `addr`'s word has its owner's tid. */
export function lockPi(t: Task, addr: number, untilNs: number, tryOnly = false): number {
  if (t.blockState instanceof PiWaiter) return waitForGrant(t, t.blockState);
  const key = keyOf(t, addr);
  if (typeof key === 'number') return key;
  const value = loadWord(t, addr);
  if (value < 0) return value;
  const tid = value & FUTEX_TID_MASK;
  if (tid === t.tid) return -EDEADLK;
  const state = findPiState(key);
  if (state === null) {
    if (tid === 0) return exchange(t, addr, value, (value & FUTEX_OWNER_DIED) | t.tid, 0);
    if ((value & FUTEX_WAITERS) === 0)
      return exchange(t, addr, value, (value | FUTEX_WAITERS) >>> 0, -EINPROGRESS);
  } else if (tid !== state.owner.tid) {
    return -EINVAL;
  }
  const owner = state?.owner ?? t.pidns.pids.get(tid) ?? null;
  if (owner === null || owner.state === TASK_DEAD) return ownerGone(t);
  if (tryOnly) return -EAGAIN;
  if (wouldDeadlock(t, owner)) return -EDEADLK;
  const waiter = enqueuePi(t, key, owner, addr);
  t.blockState = waiter;
  t.onUnblock = () => {
    dequeuePi(waiter);
  };
  t.timedOut = false;
  t.kernel.timers.cancel(t.sleepTimer);
  t.deadlineNs = untilNs;
  return waitForGrant(t, waiter);
}

function waitForGrant(t: Task, waiter: PiWaiter): number {
  if (waiter.granted) return 0;
  if (t.timedOut) return -ETIMEDOUT;
  return t.waitForever() === BLOCKED ? BLOCKED : -ERESTARTNOINTR;
}

/** Its thread may still be on its way to marking the word: looks again before it says ESRCH. */
function ownerGone(t: Task): number {
  if (t.blockState === OWNER_GONE && t.timedOut) return -ESRCH;
  if (t.blockState !== OWNER_GONE) {
    t.blockState = OWNER_GONE;
    t.deadlineNs = t.kernel.clock.monotonicNs() + OWNER_GONE_NS;
  }
  return t.waitForever() === BLOCKED ? BLOCKED : -ERESTARTNOINTR;
}

export function unlockPi(t: Task): number {
  const addr = t.arg(0);
  const key = keyOf(t, addr);
  if (typeof key === 'number') return key;
  const value = loadWord(t, addr);
  if (value < 0) return value;
  if ((value & FUTEX_TID_MASK) !== t.tid) return -EPERM;
  const state = findPiState(key);
  if (state === null) return exchange(t, addr, value, 0, 0);
  return state.owner === t ? grantPi(state, false) : -EINVAL;
}

/** `result` with the reply if the word could be changed: 0, or -EINPROGRESS to run the call again even so. */
export function exchange(t: Task, addr: number, from: number, to: number, result: number): number {
  t.restarts = 0;
  t.onOpsFailed = (failure) => (failure === -EAGAIN || failure === -EINPROGRESS ? -ERESTARTNOINTR : failure);
  t.thread.addOp(OP_COMPARE_EXCHANGE, addr, from, to, result, 0, 0);
  return 0;
}
