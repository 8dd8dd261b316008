/** brk(2): the heap's end. Never fails with an errno: the break that holds is the answer. */
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  MAX_MAP_COUNT,
  PAGE_SIZE,
  PROT_READ,
  PROT_WRITE,
  pageUp,
} from '../abi/mman.ts';
import { OP_MLOCK, OP_MMAP, OP_MUNMAP } from '../../platform/platform.ts';
import type { AddressSpace, MemoryCaller } from './address-space.ts';
import { mayExpand, mayLock, type MemoryLimits } from './limits.ts';
import { hasSealed } from './mmap.ts';
import { VM_LOCKED, VM_LOCKONFAULT, VM_MAYALL, Vma } from './vma.ts';

export function setBreak(mm: AddressSpace, caller: MemoryCaller, limits: MemoryLimits, brk: number): number {
  const old = mm.brk;
  if (brk < mm.startBrk || brk > mm.max) return old;
  // RLIMIT_DATA covers the program's data segment and the heap.
  if (brk - mm.startBrk + (mm.endData - mm.startData) > limits.data) return old;
  const oldEnd = pageUp(old);
  const newEnd = pageUp(brk);
  if (newEnd === oldEnd) {
    mm.brk = brk;
    return brk;
  }
  if (newEnd < oldEnd) {
    if (hasSealed(mm, newEnd, oldEnd)) return old;
    const pieces = mm.take(newEnd, oldEnd);
    caller.thread.addOp(OP_MUNMAP, newEnd, oldEnd - newEnd, 0, 0, 0, 0);
    mm.brk = brk;
    // The heap would grow over it again at once.
    mm.submitAlone(caller, () => {
      mm.restore(newEnd, oldEnd, pieces);
      mm.brk = old;
      return old;
    });
    return brk;
  }
  const len = newEnd - oldEnd;
  // Linux keeps a page between the heap and what lies above it.
  if (!mm.placement.fits(oldEnd, len + PAGE_SIZE)) return old;
  if (!mayExpand(mm, len, len, limits) || mm.map.count >= MAX_MAP_COUNT) return old;
  if ((mm.futureFlags & VM_LOCKED) !== 0 && !mayLock(mm, len, limits)) return old;
  const prot = PROT_READ | PROT_WRITE;
  mm.put(new Vma(oldEnd, newEnd, prot, VM_MAYALL | mm.futureFlags, null, 0, '[heap]'));
  caller.thread.addOp(OP_MMAP, oldEnd, len, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  if ((mm.futureFlags & (VM_LOCKED | VM_LOCKONFAULT)) === VM_LOCKED) {
    caller.thread.addOp(OP_MLOCK, oldEnd, len, 0, 0, 0, 0);
  }
  mm.brk = brk;
  mm.submit(caller, () => {
    mm.take(oldEnd, newEnd);
    mm.brk = old;
    return old;
  });
  return brk;
}
