/** The half of Task that waits: registration on wait queues, deadlines, and what survives a handler's re-runs. */
import { ERESTARTSYS } from '../abi/errno.ts';
import { BLOCKED } from '../base/result.ts';
import type { WaitQueue } from '../base/wait-queue.ts';
import { Waiter } from '../base/wait-queue.ts';
import { Timer } from '../time/timers.ts';
import { TaskMemory } from './task-memory.ts';

export abstract class TaskBlock extends TaskMemory {
  /** This run of the handler follows a wake-up. */
  retry = false;
  /** ... because the deadline passed. */
  timedOut = false;
  /** ... because of a signal, which is still pending unless it was consumed or ignored. */
  interrupted = false;
  /** The handler's own state across re-runs; null on the first. */
  blockState: unknown = null;
  /** Called when the call completes, however it does. */
  onUnblock: (() => void) | null = null;
  /** Monotonic ns; Infinity: none. */
  deadlineNs = Infinity;
  /** Restarts of this call without a sleep between: a guard against handlers that see signals where none are. */
  restarts = 0;
  /** In the kernel's run queue. */
  queued = false;

  private readonly waiters: Waiter[] = [];
  private waiting = 0;
  private readonly wake = (): void => {
    this.makeRunnable();
  };
  readonly sleepTimer = new Timer(() => {
    this.timedOut = true;
    this.makeRunnable();
  });

  /** True when something must be acted on before the task may sleep or run guest code. */
  abstract interruptPending(): boolean;
  /** Puts the task into the run queue if it is blocked. */
  abstract makeRunnable(): void;

  /**
   * Registers on a queue for this pass: BLOCKED, or -ERESTARTSYS when a signal is pending. A handler may call it for
   * several queues before it returns BLOCKED.
   */
  waitOn(queue: WaitQueue, mask: number): number {
    if (this.interruptPending()) return -ERESTARTSYS;
    let waiter = this.waiters[this.waiting];
    if (waiter === undefined) {
      waiter = new Waiter(this.wake);
      this.waiters.push(waiter);
    }
    this.waiting++;
    queue.add(waiter, mask);
    return BLOCKED;
  }

  /** Nothing but a signal or the deadline wakes. */
  waitForever(): number {
    return this.interruptPending() ? -ERESTARTSYS : BLOCKED;
  }

  /** Monotonic ns at which the handler is re-run with timedOut set. Only the first pass of a call sets it. */
  setDeadline(ns: number): void {
    if (!this.retry) this.deadlineNs = ns;
  }

  /** True when the call in progress left something to clean up. */
  get dirty(): boolean {
    return (
      this.retry ||
      this.waiting !== 0 ||
      this.deadlineNs !== Infinity ||
      this.blockState !== null ||
      this.onUnblock !== null
    );
  }

  /** Leaves all queues: before a re-run and at completion. */
  leaveQueues(): void {
    for (let i = 0; i < this.waiting; i++) this.waiters[i]!.remove();
    this.waiting = 0;
  }

  /** Drops what belongs to the call that just completed. */
  protected resetBlockState(): void {
    this.leaveQueues();
    this.retry = false;
    this.timedOut = false;
    this.interrupted = false;
    this.restarts = 0;
    this.blockState = null;
    this.deadlineNs = Infinity;
    const cleanUp = this.onUnblock;
    if (cleanUp !== null) {
      this.onUnblock = null;
      cleanUp();
    }
  }
}
