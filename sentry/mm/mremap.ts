/** mremap(2): resizes and moves an area. The host moves the pages; the kernel says where. */
import { EAGAIN, EFAULT, EINVAL, ENOMEM, EPERM } from '../abi/errno.ts';
import {
  MAX_MAP_COUNT,
  MREMAP_DONTUNMAP,
  MREMAP_FIXED,
  MREMAP_MAYMOVE,
  PAGE_SIZE,
  PROT_WRITE,
  pageUp,
} from '../abi/mman.ts';
import { OP_MLOCK, OP_MREMAP, OP_MUNMAP } from '../../platform/platform.ts';
import type { AddressSpace, MemoryCaller } from './address-space.ts';
import { mayExpand, mayLock, type MemoryLimits } from './limits.ts';
import { hasSealed } from './mmap.ts';
import { VM_GROWSDOWN, VM_LOCKED, VM_LOCKONFAULT, VM_SHARED, VM_SPECIAL, type Vma } from './vma.ts';

const KNOWN = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;

/** mremap(2)'s arguments in bytes. Reused by the caller, never kept. */
export interface RemapRequest {
  addr: number;
  oldLength: number;
  newLength: number;
  flags: number;
  newAddr: number;
}

export function remap(
  mm: AddressSpace,
  caller: MemoryCaller,
  limits: MemoryLimits,
  req: RemapRequest,
): number {
  const { addr, flags } = req;
  const oldLen = pageUp(req.oldLength);
  const newLen = pageUp(req.newLength);
  const fixed = (flags & MREMAP_FIXED) !== 0;
  const dontUnmap = (flags & MREMAP_DONTUNMAP) !== 0;
  const wrong = checkArguments(mm, req, oldLen, newLen);
  if (wrong !== 0) return wrong;

  const vma = mm.map.find(addr);
  if (vma === null) return -EFAULT;
  const end = addr + oldLen;
  if (oldLen > mm.max - addr) return -EINVAL;
  if (hasSealed(mm, addr, Math.max(end, addr + 1))) return -EPERM;
  if (fixed && hasSealed(mm, req.newAddr, req.newAddr + newLen)) return -EPERM;

  if (!fixed && !dontUnmap && newLen <= oldLen) {
    if (newLen < oldLen) return shrink(mm, caller, addr, newLen, oldLen);
    return addr;
  }

  // old_len 0 duplicates a shared mapping (mremap(2), "If the value of old_size is zero").
  if (oldLen === 0 && !vma.shared) return -EINVAL;
  if (dontUnmap && (vma.flags & VM_SPECIAL) !== 0) return -EINVAL;
  if (fixed && oldLen === newLen && end > vma.end) return moveSeveral(mm, caller, req, oldLen);
  // Of a shrinking area only what stays must be one.
  if (addr + Math.min(oldLen, newLen) > vma.end) return -EFAULT;
  const grown = newLen - oldLen;
  if (grown > 0) {
    if (vma.mappable !== null && vma.offset + (addr - vma.start) + newLen >= 2 ** 63) return -EINVAL;
    if ((vma.flags & VM_LOCKED) !== 0 && !mayLock(mm, grown, limits)) return -EAGAIN;
    if (!mayExpand(mm, grown, isData(vma) ? grown : 0, limits)) return -ENOMEM;
  }

  // In place, when nothing is in the way above.
  if (!fixed && !dontUnmap && oldLen !== 0 && end === vma.end && mm.placement.fits(end, grown)) {
    return expand(mm, caller, vma, addr, oldLen, newLen);
  }
  if ((flags & MREMAP_MAYMOVE) === 0) return -ENOMEM;
  if (mm.map.count >= MAX_MAP_COUNT - 3) return -ENOMEM;
  if (dontUnmap && !mayExpand(mm, newLen, isData(vma) ? newLen : 0, limits)) return -ENOMEM;
  let target = req.newAddr;
  if (!fixed) {
    const hinted = dontUnmap && target >= mm.min && mm.placement.fits(target, newLen);
    if (!hinted) target = mm.placement.find(newLen);
    if (target === 0) return -ENOMEM;
  }
  return move(mm, caller, vma, req, oldLen, newLen, target);
}

/** 0 or a negated errno, in Linux's order (check_mremap_params). */
function checkArguments(mm: AddressSpace, req: RemapRequest, oldLen: number, newLen: number): number {
  const { addr, flags, newAddr } = req;
  if ((flags & ~KNOWN) !== 0 || addr % PAGE_SIZE !== 0) return -EINVAL;
  if (newLen === 0 || newLen > mm.max) return -EINVAL;
  if ((flags & MREMAP_MAYMOVE) === 0 && (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) !== 0) return -EINVAL;
  if ((flags & MREMAP_DONTUNMAP) !== 0 && oldLen !== newLen) return -EINVAL;
  if ((flags & MREMAP_FIXED) === 0) return 0;
  if (newAddr % PAGE_SIZE !== 0 || newAddr > mm.max - newLen) return -EINVAL;
  // Old and new place must not overlap.
  if (addr + oldLen > newAddr && newAddr + newLen > addr) return -EINVAL;
  if (newAddr < mm.min) return -EPERM;
  return 0;
}

function isData(vma: Vma): boolean {
  return (vma.prot & PROT_WRITE) !== 0 && (vma.flags & (VM_SHARED | VM_GROWSDOWN | VM_SPECIAL)) === 0;
}

function shrink(
  mm: AddressSpace,
  caller: MemoryCaller,
  addr: number,
  newLen: number,
  oldLen: number,
): number {
  const start = addr + newLen;
  const end = addr + oldLen;
  if (mm.map.count + mm.map.growthOfCut(start, end, 0) > MAX_MAP_COUNT) return -ENOMEM;
  const old = mm.take(start, end);
  caller.thread.addOp(OP_MUNMAP, start, end - start, 0, 0, 0, 0);
  mm.submitFreeing(caller, start, end, (errno) => {
    mm.restore(start, end, old);
    return errno;
  });
  return addr;
}

function expand(
  mm: AddressSpace,
  caller: MemoryCaller,
  vma: Vma,
  addr: number,
  oldLen: number,
  newLen: number,
): number {
  const start = addr + oldLen;
  const end = addr + newLen;
  const added = vma.slice(vma.start, vma.end);
  added.offset = vma.mappable === null ? 0 : vma.offset + vma.length;
  added.start = start;
  added.end = end;
  mm.put(added);
  caller.thread.addOp(OP_MREMAP, addr, oldLen, newLen, 0, 0, 0);
  lockMoved(caller, vma, start, end - start);
  mm.submit(caller, (errno) => {
    mm.take(start, end);
    return errno;
  });
  return addr;
}

/** Without a change of size several areas can move together, their gaps with them (Linux 6.17). */
function moveSeveral(mm: AddressSpace, caller: MemoryCaller, req: RemapRequest, len: number): number {
  const { addr, newAddr } = req;
  const keep = (req.flags & MREMAP_DONTUNMAP) !== 0;
  const pieces = keep ? piecesOf(mm, addr, addr + len) : mm.take(addr, addr + len);
  const shift = newAddr - addr;
  const undo: [number, number, Vma[]][] = [];
  for (const piece of pieces) {
    const moved = piece.slice(piece.start, piece.end);
    moved.start += shift;
    moved.end += shift;
    const source = keep && (piece.flags & VM_LOCKED) !== 0 ? mm.map.find(piece.start) : null;
    if (source !== null) undo.push([source.start, source.end, unlockArea(mm, source)]);
    undo.push([moved.start, moved.end, mm.put(moved)]);
  }
  undo.reverse();
  caller.thread.addOp(OP_MREMAP, addr, len, len, req.flags, newAddr, 0);
  mm.submitFreeing(caller, addr, addr + len, (errno) => {
    for (const [start, end, replaced] of undo) mm.restore(start, end, replaced);
    if (!keep) mm.restore(addr, addr + len, pieces);
    return errno;
  });
  return newAddr;
}

/** MREMAP_DONTUNMAP: the area that stays behind is not locked any more, all of it. The pieces as they were. */
function unlockArea(mm: AddressSpace, vma: Vma): Vma[] {
  return mm.change(vma.start, vma.end, (copy) => {
    copy.flags &= ~(VM_LOCKED | VM_LOCKONFAULT);
  });
}

/** Copies of what lies in [start, end), cut at its ends. */
function piecesOf(mm: AddressSpace, start: number, end: number): Vma[] {
  const pieces: Vma[] = [];
  const list = mm.map.list;
  for (let i = mm.map.indexAbove(start); i < list.length && list[i]!.start < end; i++) {
    pieces.push(list[i]!.slice(Math.max(start, list[i]!.start), Math.min(end, list[i]!.end)));
  }
  return pieces;
}

function move(
  mm: AddressSpace,
  caller: MemoryCaller,
  vma: Vma,
  req: RemapRequest,
  oldLen: number,
  newLen: number,
  target: number,
): number {
  const { addr } = req;
  const dontUnmap = (req.flags & MREMAP_DONTUNMAP) !== 0;
  const moved = vma.slice(addr, addr + Math.max(oldLen, PAGE_SIZE));
  moved.start = target;
  moved.end = target + newLen;
  // Shrinking while moving unmaps the tail first.
  const oldEnd = addr + oldLen;
  let taken: Vma[] = [];
  if (!dontUnmap && oldLen !== 0) taken = mm.take(addr, oldEnd);
  else if (dontUnmap && (vma.flags & VM_LOCKED) !== 0) {
    taken = unlockArea(mm, vma);
  }
  const replaced = mm.put(moved);
  // The place is ours to choose: to the host it is always a fixed one.
  const hostFlags = MREMAP_MAYMOVE | MREMAP_FIXED | (req.flags & MREMAP_DONTUNMAP);
  caller.thread.addOp(OP_MREMAP, addr, oldLen, newLen, hostFlags, target, 0);
  lockMoved(caller, moved, target, newLen);
  mm.submitFreeing(caller, addr, oldEnd, (errno) => {
    mm.restore(target, target + newLen, replaced);
    if (taken.length !== 0) mm.restore(taken[0]!.start, taken[taken.length - 1]!.end, taken);
    return errno;
  });
  return target;
}

function lockMoved(caller: MemoryCaller, vma: Vma, start: number, len: number): void {
  if ((vma.flags & (VM_LOCKED | VM_LOCKONFAULT)) === VM_LOCKED)
    caller.thread.addOp(OP_MLOCK, start, len, 0, 0, 0, 0);
}
