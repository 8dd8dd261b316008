/** One call of semop(2): what it wants of a set, and its wait. */
import { IPC_NOWAIT } from '../abi/ipc.ts';
import { WaitQueue } from '../base/wait-queue.ts';
import type { SemUndoList } from './sem-undo.ts';

/** It is not decided yet. */
export const PENDING = 1;

export class SemOperation {
  /** Semaphores, what is added to each, and flags; as the caller listed them. */
  readonly nums: Uint16Array;
  readonly deltas: Int16Array;
  readonly flags: Int16Array;
  readonly pid: number;
  /** null when no operation has SEM_UNDO. */
  readonly undo: SemUndoList | null;
  /** Some operation changes a value. */
  readonly alters: boolean;
  /** Index of the operation that can't be done now. */
  blocking = 0;
  /** 0 or a negated errno, once it is done or given up; else PENDING. Whoever decides it notifies the queue. */
  result = PENDING;
  readonly queue = new WaitQueue();

  constructor(
    nums: Uint16Array,
    deltas: Int16Array,
    flags: Int16Array,
    pid: number,
    undo: SemUndoList | null,
  ) {
    this.nums = nums;
    this.deltas = deltas;
    this.flags = flags;
    this.pid = pid;
    this.undo = undo;
    this.alters = deltas.some((delta) => delta !== 0);
  }

  get mayWait(): boolean {
    return (this.flags[this.blocking]! & IPC_NOWAIT) === 0;
  }

  finish(result: number): void {
    this.result = result;
    this.queue.notify(1);
  }
}
