/**
 * Where a mapping goes: top-down from the mmap base as Linux does, bottom-up when that fails. The search starts
 * below everything that was already seen to be full, so that the common case looks at one or two areas.
 */
import { HUGE_PAGE_SIZE, STACK_GUARD_GAP } from '../abi/mman.ts';
import { VM_GROWSDOWN, type Vma } from './vma.ts';
import type { VmaMap } from './vma-map.ts';

/** MAP_32BIT's window (mmap(2): "the first 2 Gigabytes"). */
const LOW_WINDOW_START = 0x40000000;
const LOW_WINDOW_END = 0x80000000;

/** A range that the map shows as free while a thread's host operation still has to free it. */
export interface HeldRange {
  readonly start: number;
  readonly end: number;
  /** True when the operation is known to be done. */
  settled(): boolean;
}

export class Placement {
  private readonly map: VmaMap;
  private readonly min: number;
  private readonly max: number;
  /** Top-down searches start here. */
  private base: number;
  /** Holes that lie above `top` have at most `largestHole` bytes. */
  private top: number;
  private largestHole = 0;
  /** Not given out until settled; a handful at most, one for each thread that frees. */
  private held: HeldRange[] = [];

  constructor(map: VmaMap, min: number, max: number) {
    this.map = map;
    this.min = min;
    this.max = max;
    this.base = max;
    this.top = max;
  }

  /** mm->mmap_base. */
  get mmapBase(): number {
    return this.base;
  }

  setBase(base: number): void {
    this.base = base;
    this.reset();
  }

  /** Start of `len` free bytes, or 0. */
  find(len: number): number {
    if (len > this.max - this.min) return 0;
    this.settle();
    let found = this.topDown(len);
    for (
      let range = this.heldIn(found, len);
      found !== 0 && range !== null;
      range = this.heldIn(found, len)
    ) {
      found = this.below(range.start, len);
    }
    if (found !== 0) return found;
    // Linux: TASK_UNMAPPED_BASE is a third of the address space.
    const third = Math.floor(this.max / 3);
    found = this.bottomUp(len, third - (third % 4096), this.max);
    return this.heldIn(found, len) === null ? found : 0;
  }

  /** As find(), on a huge page boundary: what Linux 6.7 and later do for anonymous memory of whole huge pages. */
  findAligned(len: number, align: number): number {
    const found = this.find(len + align - 4096);
    if (found === 0) return align === HUGE_PAGE_SIZE ? this.find(len) : 0;
    // The last aligned place inside the hole, so that the next one can lie right below it.
    const last = found + align - 4096;
    const at = last - (last % align);
    if (found === this.top) {
      this.top = at;
      this.largestHole = Math.max(this.largestHole, last - at);
    }
    return at;
  }

  findLow(len: number): number {
    this.settle();
    const found = this.bottomUp(len, LOW_WINDOW_START, LOW_WINDOW_END);
    return this.heldIn(found, len) === null ? found : 0;
  }

  /** True when [start, start+len) is free and keeps the distance to stacks above and below. */
  fits(start: number, len: number): boolean {
    const end = start + len;
    if (start < this.min || end > this.max) return false;
    this.settle();
    if (this.heldIn(start, len) !== null) return false;
    const next = this.map.findOrNext(start);
    return next === null || end <= gapStart(next);
  }

  /** [start, end) became free: holes above the start of the search may have grown. */
  freed(end: number): void {
    if (end <= this.top) return;
    const next = this.map.findOrNext(end);
    const holeEnd = next === null ? this.base : gapStart(next);
    this.top = Math.min(this.base, Math.max(this.top, holeEnd));
  }

  /** Keeps a range from being given out until its operation is done. */
  hold(range: HeldRange): void {
    this.settle();
    this.held.push(range);
  }

  private settle(): void {
    if (this.held.length === 0) return;
    const open: HeldRange[] = [];
    for (const range of this.held) {
      if (range.settled()) this.freed(range.end);
      else open.push(range);
    }
    this.held = open;
  }

  private heldIn(start: number, len: number): HeldRange | null {
    for (const range of this.held) if (range.start < start + len && range.end > start) return range;
    return null;
  }

  private reset(): void {
    this.top = this.base;
    this.largestHole = 0;
  }

  private topDown(len: number): number {
    if (len <= this.largestHole) this.reset();
    const list = this.map.list;
    let i = this.map.indexAbove(this.top);
    let top = this.top;
    if (i < list.length) top = Math.min(top, gapStart(list[i]!));
    for (;;) {
      const floor = i > 0 ? list[i - 1]!.end : this.min;
      if (top - floor >= len) {
        this.top = top - len;
        return top - len;
      }
      if (top - floor > this.largestHole) this.largestHole = top - floor;
      if (i === 0) break;
      i--;
      top = Math.min(top, gapStart(list[i]!));
    }
    this.reset();
    return 0;
  }

  /** The highest free place that ends at or below `ceiling`, without touching what the search knows. */
  private below(ceiling: number, len: number): number {
    const list = this.map.list;
    let i = this.map.indexAbove(ceiling);
    let top = i < list.length ? Math.min(ceiling, gapStart(list[i]!)) : ceiling;
    for (;;) {
      const floor = i > 0 ? list[i - 1]!.end : this.min;
      if (top - floor >= len) return top - len;
      if (i === 0) return 0;
      i--;
      top = Math.min(top, gapStart(list[i]!));
    }
  }

  private bottomUp(len: number, low: number, high: number): number {
    const list = this.map.list;
    let at = Math.max(low, this.min);
    const limit = Math.min(high, this.max);
    for (let i = this.map.indexAbove(at); ; i++) {
      const next = list[i];
      if (at + len > limit) return 0;
      if (next === undefined || at + len <= gapStart(next)) return at;
      at = Math.max(at, next.end);
    }
  }
}

/** Lowest address that must stay free below an area: a stack keeps its guard gap. */
function gapStart(vma: Vma): number {
  return (vma.flags & VM_GROWSDOWN) === 0 ? vma.start : Math.max(0, vma.start - STACK_GUARD_GAP);
}
