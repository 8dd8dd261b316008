/**
 * The sorted, non-overlapping areas of one address space. Lookup is a binary search behind a last-hit cache;
 * insertion merges with the neighbours, removal splits. The map keeps the mappables' use counts and the totals.
 */
import { PROT_EXEC, PROT_WRITE } from '../abi/mman.ts';
import { VM_GROWSDOWN, VM_LOCKED, VM_SHARED, VM_SHARED_WRITER, VM_SPECIAL, type Vma } from './vma.ts';

export class VmaMap {
  /** Sorted by address. Read-only for everybody else. */
  readonly list: Vma[] = [];
  /** Totals in bytes, without the vdso. */
  totalBytes = 0;
  dataBytes = 0;
  lockedBytes = 0;
  execBytes = 0;
  stackBytes = 0;
  private hit: Vma | null = null;

  get count(): number {
    return this.list.length;
  }

  /** Index of the first area that ends above `addr`: the one holding it, or the next one. */
  indexAbove(addr: number): number {
    const list = this.list;
    let low = 0;
    let high = list.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (list[middle]!.end > addr) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** The area holding `addr`, or null. */
  find(addr: number): Vma | null {
    const hit = this.hit;
    if (hit !== null && addr >= hit.start && addr < hit.end) return hit;
    const vma = this.list[this.indexAbove(addr)];
    if (vma === undefined || vma.start > addr) return null;
    this.hit = vma;
    return vma;
  }

  /** The area holding `addr` or else the first one above it. */
  findOrNext(addr: number): Vma | null {
    return this.list[this.indexAbove(addr)] ?? null;
  }

  /** True when no area touches [start, end). */
  isFree(start: number, end: number): boolean {
    const next = this.list[this.indexAbove(start)];
    return next === undefined || next.start >= end;
  }

  /** How many more areas there will be after [start, end) has been cut out and `added` put in, at most. */
  growthOfCut(start: number, end: number, added: number): number {
    const first = this.list[this.indexAbove(start)];
    if (first === undefined || first.start >= end) return added;
    let growth = added;
    if (first.start < start) growth++;
    const last = first.end >= end ? first : this.find(end - 1);
    if (last !== null && last.end > end) growth++;
    if (first.start >= start && first.end <= end) growth--;
    return growth;
  }

  /** Puts an area into free space, merging it with its neighbours. */
  insert(vma: Vma): void {
    const list = this.list;
    const at = this.indexAbove(vma.start);
    this.account(vma, 1);
    const before = at > 0 ? list[at - 1]! : null;
    const after = at < list.length ? list[at]! : null;
    const joinsBefore = before?.continues(vma) === true;
    const joinsAfter = after !== null && vma.continues(after);
    if (joinsBefore) {
      before.end = vma.end;
      if (joinsAfter) {
        before.end = after.end;
        list.splice(at, 1);
        this.hit = null;
        unuse(after);
      }
    } else if (joinsAfter) {
      after.start = vma.start;
      after.offset = vma.offset;
    } else {
      if (at === list.length) list.push(vma);
      else list.splice(at, 0, vma);
      use(vma);
    }
  }

  /** Puts an area above all others, as it is: copying a map keeps its areas apart. */
  append(vma: Vma): void {
    this.account(vma, 1);
    this.list.push(vma);
    use(vma);
  }

  /**
   * Removes everything in [start, end), splitting the areas at its ends. The removed pieces, in order; each still
   * counts as a use of its file until drop() is told, so that it can be put back changed.
   */
  cut(start: number, end: number): Vma[] {
    const list = this.list;
    const pieces: Vma[] = [];
    const first = this.indexAbove(start);
    let last = first;
    for (; last < list.length && list[last]!.start < end; last++) {
      const vma = list[last]!;
      const piece =
        vma.start >= start && vma.end <= end
          ? vma
          : vma.slice(Math.max(start, vma.start), Math.min(end, vma.end));
      this.account(piece, -1);
      if (piece !== vma) use(piece);
      pieces.push(piece);
    }
    if (pieces.length === 0) return pieces;
    this.hit = null;
    let from = first;
    const head = list[first]!;
    if (head.start < start) {
      if (head.end > end) {
        // A hole in the middle: the tail becomes an area of its own.
        const tail = head.slice(end, head.end);
        head.end = start;
        list.splice(first + 1, 0, tail);
        use(tail);
        return pieces;
      }
      head.end = start;
      from = first + 1;
    }
    let to = last;
    const tail = list[last - 1]!;
    if (tail.end > end && last - 1 >= from) {
      if (tail.mappable !== null) tail.offset += end - tail.start;
      tail.start = end;
      to = last - 1;
    }
    if (to > from) list.splice(from, to - from);
    return pieces;
  }

  /** The pieces of a cut are gone for good. */
  drop(pieces: readonly Vma[]): void {
    for (const piece of pieces) unuse(piece);
  }

  /** Drops all areas and what they hold. */
  clear(): void {
    for (const vma of this.list) unuse(vma);
    this.list.length = 0;
    this.hit = null;
    this.totalBytes = this.dataBytes = this.lockedBytes = this.execBytes = this.stackBytes = 0;
  }

  private account(vma: Vma, sign: number): void {
    if ((vma.flags & VM_SPECIAL) !== 0) return;
    const bytes = sign * vma.length;
    this.totalBytes += bytes;
    this.dataBytes += sign * vma.dataBytes();
    if ((vma.flags & VM_LOCKED) !== 0) this.lockedBytes += bytes;
    if ((vma.flags & VM_GROWSDOWN) !== 0) this.stackBytes += bytes;
    else if ((vma.prot & (PROT_EXEC | PROT_WRITE)) === PROT_EXEC && (vma.flags & VM_SHARED) === 0) {
      this.execBytes += bytes;
    }
  }
}

function use(vma: Vma): void {
  vma.mappable?.addMapping((vma.flags & VM_SHARED_WRITER) !== 0);
}

function unuse(vma: Vma): void {
  vma.mappable?.removeMapping((vma.flags & VM_SHARED_WRITER) !== 0);
}
