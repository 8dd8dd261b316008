/** semget(2), semop(2), semtimedop(2). */
import { u8 } from '../../platform/arena.ts';
import { E2BIG, EAGAIN, EFBIG, EINTR, EINVAL } from '../../sentry/abi/errno.ts';
import { SEM_UNDO, SEMBUF_SIZE } from '../../sentry/abi/ipc.ts';
import { BLOCKED } from '../../sentry/base/result.ts';
import { PENDING, SemOperation } from '../../sentry/ipc/sem-operation.ts';
import { SemUndoList } from '../../sentry/ipc/sem-undo.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { FOREVER, readTimespec } from '../poll/timeout.ts';

export function sys_semget(t: Task): number {
  const { sem } = t.group.ns.ipc;
  return sem.get(t.creds, t.argI32(0), t.argI32(1), t.argI32(2), t.kernel.clock.realtimeSec());
}

export function sys_semop(t: Task): number {
  return t.retry ? waiting(t) : operate(t, 0);
}

export function sys_semtimedop(t: Task): number {
  return t.retry ? waiting(t) : operate(t, t.arg(3));
}

function operate(t: Task, timeoutAddr: number): number {
  const id = t.argI32(0);
  const count = t.argU32(2);
  const { sem } = t.group.ns.ipc;
  if (count > sem.perCall) return -E2BIG;
  if (count < 1) return -EINVAL;
  const at = t.copyIn(t.arg(1), count * SEMBUF_SIZE);
  if (at < 0) return at;
  const op = decode(t, at, count);
  const timeoutNs = readTimespec(t, timeoutAddr);
  if (timeoutNs < 0) return timeoutNs;
  const set = sem.ids.byId(id);
  if (typeof set === 'number') return set;
  if (!set.has(op.nums)) return -EFBIG;
  const denied = set.permits(t.creds, op.alters ? 0o222 : 0o444);
  if (denied < 0) return denied;
  const r = set.operate(op, t.kernel.clock.realtimeSec());
  if (r !== PENDING) return r;
  t.blockState = op;
  t.onUnblock = () => {
    set.withdraw(op);
  };
  if (timeoutNs === 0) return -EAGAIN;
  if (timeoutNs !== FOREVER) t.setDeadline(t.kernel.clock.monotonicNs() + timeoutNs);
  return waiting(t);
}

/** Until somebody decides the operation, or time or a signal (even one that only stops) ends the wait. */
function waiting(t: Task): number {
  const op = t.blockState as SemOperation;
  if (op.result !== PENDING) return op.result;
  if (t.timedOut) return -EAGAIN;
  if (t.retry && t.interruptPending()) return -EINTR;
  const r = t.waitOn(op.queue, 1);
  return r === BLOCKED ? r : -EINTR;
}

/** struct sembuf: number, what to add, flags; 16 bits each. */
function decode(t: Task, at: number, count: number): SemOperation {
  const nums = new Uint16Array(count);
  const deltas = new Int16Array(count);
  const flags = new Int16Array(count);
  let undoes = false;
  for (let i = 0; i < count; i++) {
    const from = at + i * SEMBUF_SIZE;
    nums[i] = u8[from]! | (u8[from + 1]! << 8);
    deltas[i] = u8[from + 2]! | (u8[from + 3]! << 8);
    flags[i] = u8[from + 4]! | (u8[from + 5]! << 8);
    if ((flags[i]! & SEM_UNDO) !== 0) undoes = true;
  }
  if (undoes) t.semUndo ??= new SemUndoList();
  return new SemOperation(nums, deltas, flags, t.pid, undoes ? t.semUndo : null);
}
