/** A queue of pending signals (signal(7), "Queueing and delivery semantics"): one per task and one per group. */
import { SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP } from '../abi/signal.ts';
import type { SigInfo } from './sig-info.ts';
import { SigInfo as Info } from './sig-info.ts';
import { lowestSignal, sigBit } from './sig-set.ts';

/** Raised by the instruction just executed: delivered before all others, so that the frame shows its address. */
const SYNCHRONOUS_LO =
  sigBit(SIGSEGV) | sigBit(SIGBUS) | sigBit(SIGILL) | sigBit(SIGTRAP) | sigBit(SIGFPE) | sigBit(SIGSYS);

export class PendingSignals {
  /** Set of pending signals. */
  lo = 0;
  hi = 0;
  /** Per signal its instances, oldest first; an empty list with the bit set: no information was kept. */
  private readonly queues = new Map<number, SigInfo[]>();
  /** Told of every instance that leaves (RLIMIT_SIGPENDING accounting). */
  onDrop: ((info: SigInfo) => void) | null = null;

  has(signo: number): boolean {
    return ((signo <= 32 ? this.lo : this.hi) & sigBit(signo)) !== 0;
  }

  /** Standard signals coalesce, realtime ones queue. False when it was dropped as already pending. */
  add(info: SigInfo): boolean {
    const { signo } = info;
    const standard = signo < 32;
    if (standard && this.has(signo)) return false;
    this.setBit(signo);
    const queue = this.queues.get(signo);
    if (queue === undefined) this.queues.set(signo, [info]);
    else queue.push(info);
    return true;
  }

  /** Makes it pending without information: the queue limit was hit but the signal must not be lost. */
  addBare(signo: number): void {
    this.setBit(signo);
  }

  /** Takes the next signal outside the mask, or null. */
  take(maskLo: number, maskHi: number): SigInfo | null {
    const lo = this.lo & ~maskLo;
    const hi = this.hi & ~maskHi;
    const synchronous = lo & SYNCHRONOUS_LO;
    const signo = synchronous !== 0 ? lowestSignal(synchronous, 0) : lowestSignal(lo, hi);
    return signo === 0 ? null : this.takeSignal(signo);
  }

  takeSignal(signo: number): SigInfo {
    const queue = this.queues.get(signo);
    const info = queue?.shift();
    if (queue === undefined || queue.length === 0) {
      this.queues.delete(signo);
      this.clearBit(signo);
    }
    if (info === undefined) return new Info(signo, 0);
    this.onDrop?.(info);
    return info;
  }

  /** Forgets every instance of the signals in the set. */
  discard(lo: number, hi: number): void {
    lo &= this.lo;
    hi &= this.hi;
    for (let signo = lowestSignal(lo, hi); signo !== 0; signo = lowestSignal(lo, hi)) {
      this.discardSignal(signo);
      if (signo <= 32) lo &= ~sigBit(signo);
      else hi &= ~sigBit(signo);
    }
  }

  discardSignal(signo: number): void {
    const queue = this.queues.get(signo);
    this.queues.delete(signo);
    this.clearBit(signo);
    if (queue !== undefined && this.onDrop !== null) for (const info of queue) this.onDrop(info);
  }

  clear(): void {
    this.discard(-1, -1);
  }

  private setBit(signo: number): void {
    if (signo <= 32) this.lo |= sigBit(signo);
    else this.hi |= sigBit(signo);
  }
  private clearBit(signo: number): void {
    if (signo <= 32) this.lo &= ~sigBit(signo);
    else this.hi &= ~sigBit(signo);
  }
}
