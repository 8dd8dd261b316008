/** One-shot timers on the monotonic clock: a binary heap whose nodes know their place, so cancelling is cheap. */

import { DOUBLE_ZERO } from '../base/double.ts';

export class Timer {
  /** Monotonic ns; meaningful while armed. */
  deadlineNs = DOUBLE_ZERO;
  /** Place in the heap; -1: not armed. */
  index = -1;
  readonly callback: () => void;

  constructor(callback: () => void) {
    this.callback = callback;
  }

  get armed(): boolean {
    return this.index >= 0;
  }
}

export class Timers {
  private readonly heap: Timer[] = [];

  /** Earliest deadline, or Infinity. */
  get nextDeadlineNs(): number {
    return this.heap.length === 0 ? Infinity : this.heap[0]!.deadlineNs;
  }

  /** Arms, or moves an armed timer. Infinity cancels. */
  arm(timer: Timer, deadlineNs: number): void {
    if (deadlineNs === Infinity) {
      this.cancel(timer);
      return;
    }
    if (timer.index < 0) {
      timer.deadlineNs = deadlineNs;
      timer.index = this.heap.length;
      this.heap.push(timer);
      this.up(timer);
      return;
    }
    const earlier = deadlineNs < timer.deadlineNs;
    timer.deadlineNs = deadlineNs;
    if (earlier) this.up(timer);
    else this.down(timer);
  }

  cancel(timer: Timer): void {
    const at = timer.index;
    if (at < 0) return;
    timer.index = -1;
    const last = this.heap.pop()!;
    if (last === timer) return;
    this.heap[at] = last;
    last.index = at;
    this.up(last);
    this.down(last);
  }

  /** Runs the callbacks of all timers that are due; a callback may arm and cancel any timer. */
  fire(nowNs: number): void {
    while (this.heap.length > 0 && this.heap[0]!.deadlineNs <= nowNs) {
      const timer = this.heap[0]!;
      this.cancel(timer);
      timer.callback();
    }
  }

  private up(timer: Timer): void {
    let at = timer.index;
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = this.heap[parentAt]!;
      if (parent.deadlineNs <= timer.deadlineNs) break;
      this.heap[at] = parent;
      parent.index = at;
      at = parentAt;
    }
    this.heap[at] = timer;
    timer.index = at;
  }

  private down(timer: Timer): void {
    let at = timer.index;
    const n = this.heap.length;
    for (;;) {
      let childAt = 2 * at + 1;
      if (childAt >= n) break;
      if (childAt + 1 < n && this.heap[childAt + 1]!.deadlineNs < this.heap[childAt]!.deadlineNs) childAt++;
      const child = this.heap[childAt]!;
      if (child.deadlineNs >= timer.deadlineNs) break;
      this.heap[at] = child;
      child.index = at;
      at = childAt;
    }
    this.heap[at] = timer;
    timer.index = at;
  }
}
