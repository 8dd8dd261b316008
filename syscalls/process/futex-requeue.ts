/** FUTEX_WAIT_REQUEUE_PI and FUTEX_CMP_REQUEUE_PI: waits for a condition that end with its mutex taken. */
import { EAGAIN, EINVAL, ERESTARTNOINTR, ETIMEDOUT } from '../../sentry/abi/errno.ts';
import { BLOCKED } from '../../sentry/base/result.ts';
import { type FutexKey, sameKey } from '../../sentry/kernel/pi-futex.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { keyOf, loadWord, lockPi } from './futex-pi.ts';

interface Sleeper {
  readonly task: Task;
  readonly key: FutexKey;
  /** Of the mutex. */
  readonly target: FutexKey;
}

const sleepers = new WeakMap<object, Sleeper[]>();
/** Told to take the mutex: what its further runs do. */
const requeued = new WeakSet<Task>();
/** Whom it is about, as blockState: the mutex's waiter replaces it. */
const waiting = new WeakMap<Task, Sleeper>();

export function waitRequeuePi(t: Task, untilNs: number): number {
  const addr = t.arg(0);
  const mutex = t.arg(4);
  if (requeued.has(t)) return takeMutex(t, mutex, untilNs);
  const held = waiting.get(t);
  if (held !== undefined) return sleep(t);
  if (addr === mutex || t.argU32(5) === 0) return -EINVAL;
  const target = keyOf(t, mutex);
  if (typeof target === 'number') return target;
  const key = keyOf(t, addr);
  if (typeof key === 'number') return key;
  const value = loadWord(t, addr);
  if (value < 0) return value;
  if (value !== t.argU32(2)) return -EAGAIN;
  if (sameKey(key, target)) return -EINVAL;
  const sleeper = { task: t, key, target };
  waiting.set(t, sleeper);
  let list = sleepers.get(key.object);
  if (list === undefined) sleepers.set(key.object, (list = []));
  list.push(sleeper);
  t.onUnblock = () => {
    leave(sleeper);
  };
  t.deadlineNs = untilNs;
  return sleep(t);
}

function sleep(t: Task): number {
  if (t.timedOut) return -ETIMEDOUT;
  return t.waitForever() === BLOCKED ? BLOCKED : -ERESTARTNOINTR;
}

/** The word has changed, so that a signal's restart would answer EWOULDBLOCK: it does at once. */
function takeMutex(t: Task, mutex: number, untilNs: number): number {
  const r = lockPi(t, mutex, untilNs);
  if (r === -ERESTARTNOINTR) return finish(t, -EAGAIN);
  if (r === BLOCKED) {
    const unqueue = t.onUnblock;
    t.onUnblock = () => {
      requeued.delete(t);
      unqueue?.();
    };
    return r;
  }
  if (r !== 0) return finish(t, r);
  // It may turn out that the mutex is taken when the reply is on its way.
  const undo = t.onOpsFailed;
  if (undo !== null) {
    t.onOpsFailed = (failure) => {
      requeued.add(t);
      return undo(failure);
    };
  }
  return r;
}

function finish(t: Task, result: number): number {
  requeued.delete(t);
  return result;
}

function leave(sleeper: Sleeper): void {
  requeued.delete(sleeper.task);
  if (waiting.get(sleeper.task) === sleeper) waiting.delete(sleeper.task);
  const list = sleepers.get(sleeper.key.object);
  const at = list?.indexOf(sleeper) ?? -1;
  if (at >= 0) list!.splice(at, 1);
  if (list?.length === 0) sleepers.delete(sleeper.key.object);
}

/** The sleepers take the mutex themselves, the first one maybe at once: how many there are. */
export function requeuePi(t: Task): number {
  const addr = t.arg(0);
  const mutex = t.arg(4);
  const most = t.argI32(3);
  if (addr === mutex || t.argI32(2) !== 1) return -EINVAL;
  if (most < 0) return -EINVAL;
  const key = keyOf(t, addr);
  if (typeof key === 'number') return key;
  const target = keyOf(t, mutex);
  if (typeof target === 'number') return target;
  if (sameKey(key, target)) return -EINVAL;
  const value = loadWord(t, addr);
  if (value < 0) return value;
  if (value !== t.argU32(5)) return -EAGAIN;
  const found = (sleepers.get(key.object) ?? []).filter((sleeper) => sameKey(sleeper.key, key));
  const chosen = found.slice(0, 1 + most);
  if (chosen.some((sleeper) => !sameKey(sleeper.target, target))) return -EINVAL;
  for (const sleeper of chosen) {
    leave(sleeper);
    sleeper.task.onUnblock = () => {
      requeued.delete(sleeper.task);
    };
    requeued.add(sleeper.task);
    sleeper.task.makeRunnable();
  }
  return chosen.length;
}
