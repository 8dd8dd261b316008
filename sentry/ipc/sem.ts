/** System V semaphores (semget(2), semop(2), semctl(2)). */
import { EAGAIN, EIDRM, EINVAL, ENOMEM, ENOSPC, ERANGE } from '../abi/errno.ts';
import { SEM_UNDO, SEMAEM, SEMMNI, SEMMNS, SEMMSL, SEMOPM, SEMVMX } from '../abi/ipc.ts';
import type { Credentials } from '../auth/credentials.ts';
import { IpcIds, IpcObject } from './ipc-ids.ts';
import { PENDING, type SemOperation } from './sem-operation.ts';
import type { Adjustments, SemUndoList } from './sem-undo.ts';

/** Linux has its memory controller to stop who makes 32,000 sets of 32,000; here this many exist at most. */
const MAX_SEMAPHORES = 4 << 20;
/** The same for adjustments that processes have outstanding. */
const MAX_ADJUSTMENTS = 1 << 20;

export class SemaphoreSet extends IpcObject {
  readonly values: Uint16Array;
  /** Who changed each last. */
  readonly pids: Int32Array;
  /** Seconds since the epoch. */
  otime = 0;
  ctime: number;
  readonly undoLists = new Set<SemUndoList>();
  private readonly waiting = new Set<SemOperation>();
  private readonly table: SemTable;

  constructor(table: SemTable, key: number, mode: number, creds: Credentials, count: number, nowSec: number) {
    super(key, mode, creds);
    this.table = table;
    this.values = new Uint16Array(count);
    this.pids = new Int32Array(count);
    this.ctime = nowSec;
  }

  has(nums: Uint16Array): boolean {
    return nums.every((num) => num < this.values.length);
  }

  /** Does the operation now, leaves it waiting (PENDING), or refuses it. */
  operate(op: SemOperation, nowSec: number): number {
    if (op.undo !== null && this.table.adjustments + op.nums.length > MAX_ADJUSTMENTS) return -ENOMEM;
    const r = this.attempt(op);
    if (r === PENDING) this.waiting.add(op);
    if (r !== 0) return r;
    this.otime = nowSec;
    if (op.alters) this.settle(nowSec);
    return 0;
  }

  /** The caller waits no longer. */
  withdraw(op: SemOperation): void {
    this.waiting.delete(op);
  }

  /** SETVAL and SETALL: nobody gives anything back to these any more (semctl(2)). */
  setValue(num: number, value: number, pid: number): void {
    this.values[num] = value;
    this.pids[num] = pid;
    for (const list of this.undoLists) {
      const adjustments = list.sets.get(this)!;
      if (adjustments.delete(num)) this.table.adjustments--;
    }
  }

  /** Values were set from outside: some that wait may go on. */
  changed(nowSec: number): void {
    this.ctime = nowSec;
    this.settle(nowSec);
  }

  /** The end of the last process that shares an undo list. */
  giveBack(adjustments: Adjustments, pid: number, nowSec: number): void {
    for (const [num, by] of adjustments) {
      this.values[num] = Math.min(Math.max(this.values[num]! + by, 0), SEMVMX);
      this.pids[num] = pid;
    }
    this.table.adjustments -= adjustments.size;
    this.otime = nowSec;
    this.settle(nowSec);
  }

  /** Those that wait for `num` to become zero, or larger. */
  countWaiting(num: number, forZero: boolean): number {
    let count = 0;
    for (const { nums, deltas, blocking } of this.waiting) {
      if (nums[blocking] === num && (forZero ? deltas[blocking] === 0 : deltas[blocking]! < 0)) count++;
    }
    return count;
  }

  /** IPC_RMID: everybody who waits is told. */
  remove(): void {
    for (const list of this.undoLists) {
      this.table.adjustments -= list.sets.get(this)!.size;
      list.sets.delete(this);
    }
    this.undoLists.clear();
    this.table.drop(this);
    for (const op of this.waiting) op.finish(-EIDRM);
    this.waiting.clear();
  }

  /** All of the operations or none: 0, PENDING, or a negated errno. */
  private attempt(op: SemOperation): number {
    const { nums, deltas, flags } = op;
    for (let i = 0; i < nums.length; i++) {
      const num = nums[i]!;
      const delta = deltas[i]!;
      const value = this.values[num]!;
      let r = 0;
      if ((delta === 0 && value !== 0) || value + delta < 0) {
        op.blocking = i;
        r = op.mayWait ? PENDING : -EAGAIN;
      } else if (value + delta > SEMVMX) {
        r = -ERANGE;
      } else if ((flags[i]! & SEM_UNDO) !== 0 && !this.adjust(op, num, -delta)) {
        r = -ERANGE;
      }
      if (r !== 0) {
        this.rollBack(op, i);
        return r;
      }
      this.values[num] = value + delta;
    }
    for (const num of nums) this.pids[num] = op.pid;
    return 0;
  }

  private rollBack(op: SemOperation, done: number): void {
    const { nums, deltas, flags } = op;
    for (let i = done - 1; i >= 0; i--) {
      this.values[nums[i]!]! -= deltas[i]!;
      if ((flags[i]! & SEM_UNDO) !== 0) this.adjust(op, nums[i]!, deltas[i]!);
    }
  }

  /** False when the sum would leave its range. */
  private adjust(op: SemOperation, num: number, by: number): boolean {
    if (by === 0) return true;
    const adjustments = op.undo!.of(this);
    const old = adjustments.get(num) ?? 0;
    const sum = old + by;
    if (sum < -SEMAEM - 1 || sum > SEMAEM) return false;
    if (sum === 0) {
      adjustments.delete(num);
      this.table.adjustments--;
    } else {
      adjustments.set(num, sum);
      if (old === 0) this.table.adjustments++;
    }
    return true;
  }

  /**
   * Does what waits and can be done now, as Linux in the name of those that sleep: what waits for zero first, then in
   * the order of arrival. What is done may make more possible.
   */
  private settle(nowSec: number): void {
    for (let again = this.waiting.size > 0; again;) {
      for (const op of this.waiting) if (!op.alters) this.retry(op, nowSec);
      again = false;
      for (const op of this.waiting) {
        if (!op.alters || !this.retry(op, nowSec)) continue;
        again = true;
        break;
      }
    }
  }

  /** True when it changed something. */
  private retry(op: SemOperation, nowSec: number): boolean {
    const r = this.attempt(op);
    if (r === PENDING) return false;
    this.waiting.delete(op);
    if (r === 0) this.otime = nowSec;
    op.finish(r);
    return r === 0;
  }
}

export class SemTable {
  readonly ids = new IpcIds<SemaphoreSet>(SEMMNI);
  /** kernel.sem: SEMMSL, SEMMNS, SEMOPM, SEMMNI. */
  readonly limits = [SEMMSL, SEMMNS, SEMOPM, SEMMNI];
  /** Semaphores in all sets. */
  used = 0;
  /** Outstanding adjustments of all processes. */
  adjustments = 0;

  get perSet(): number {
    return this.limits[0]!;
  }
  get perCall(): number {
    return this.limits[2]!;
  }

  /** semget(2): an identifier or a negated errno. */
  get(creds: Credentials, key: number, count: number, flags: number, nowSec: number): number {
    if (count < 0 || count > this.perSet) return -EINVAL;
    const make = (): SemaphoreSet | number => {
      if (count === 0) return -EINVAL;
      if (this.used + count > this.limits[1]!) return -ENOSPC;
      if (this.used + count > MAX_SEMAPHORES) return -ENOMEM;
      this.used += count;
      return new SemaphoreSet(this, key, flags, creds, count, nowSec);
    };
    return this.ids.get(creds, key, flags, make, (set) => (count > set.values.length ? -EINVAL : 0));
  }

  drop(set: SemaphoreSet): void {
    this.used -= set.values.length;
    this.ids.remove(set);
  }

  destroy(): void {
    for (const set of this.ids.all()) set.remove();
  }

  /** /proc/sysvipc/sem. */
  text(): string {
    return this.ids.table((set) => [
      [set.values.length, 10],
      [set.uid, 5],
      [set.gid, 5],
      [set.cuid, 5],
      [set.cgid, 5],
      [set.otime, 10],
      [set.ctime, 10],
    ]);
  }
}
