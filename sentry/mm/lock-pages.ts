/**
 * mlock(2), munlock(2), mlockall(2), munlockall(2): accounting and limits are exact; the host is asked to lock what
 * its own limit allows and is never asked to unlock.
 */
import { EINVAL, ENOMEM, EPERM } from '../abi/errno.ts';
import { MAX_MAP_COUNT, MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT, pageDown, pageUp } from '../abi/mman.ts';
import { OP_MLOCK } from '../../platform/platform.ts';
import type { AddressSpace, MemoryCaller } from './address-space.ts';
import { canLockAtAll, type MemoryLimits } from './limits.ts';
import { VM_LOCKED, VM_LOCKONFAULT, VM_SPECIAL } from './vma.ts';

const LOCK_FLAGS = VM_LOCKED | VM_LOCKONFAULT;

export function lockRange(
  mm: AddressSpace,
  caller: MemoryCaller,
  limits: MemoryLimits,
  addr: number,
  length: number,
  onFault: boolean,
): number {
  if (!canLockAtAll(limits)) return -EPERM;
  const start = pageDown(addr);
  const len = pageUp(length + (addr - start));
  if (!limits.ipcLock) {
    const already = lockedBytesIn(mm, start, start + len);
    if (mm.map.lockedBytes + len - already > pageDown(limits.memlock)) return -ENOMEM;
  }
  return setLockFlags(mm, caller, start, len, onFault ? LOCK_FLAGS : VM_LOCKED);
}

export function unlockRange(mm: AddressSpace, caller: MemoryCaller, addr: number, length: number): number {
  const start = pageDown(addr);
  return setLockFlags(mm, caller, start, pageUp(length + (addr - start)), 0);
}

export function lockAll(mm: AddressSpace, caller: MemoryCaller, limits: MemoryLimits, flags: number): number {
  if (flags === 0 || flags === MCL_ONFAULT || (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) !== 0)
    return -EINVAL;
  if (!canLockAtAll(limits)) return -EPERM;
  const current = (flags & MCL_CURRENT) !== 0;
  if (current && !limits.ipcLock && mm.map.totalBytes > pageDown(limits.memlock)) return -ENOMEM;
  const wanted = (flags & MCL_ONFAULT) !== 0 ? LOCK_FLAGS : VM_LOCKED;
  mm.futureFlags = (flags & MCL_FUTURE) !== 0 ? wanted : 0;
  if (current) lockEverything(mm, caller, wanted);
  return 0;
}

export function unlockAll(mm: AddressSpace): number {
  mm.futureFlags = 0;
  mm.change(mm.min, mm.max, (copy) => {
    copy.flags &= ~LOCK_FLAGS;
  });
  return 0;
}

function setLockFlags(
  mm: AddressSpace,
  caller: MemoryCaller,
  start: number,
  len: number,
  flags: number,
): number {
  let end = start + len;
  if (end < start || end > 2 ** 64) return -EINVAL;
  if (end === start) return 0;
  let at = start;
  for (let vma = mm.map.find(at); at < end && vma !== null; vma = mm.map.find(at)) at = vma.end;
  if (at === start) return -ENOMEM;
  // Areas up to a hole are locked before the hole is reported.
  const result = at < end ? -ENOMEM : 0;
  end = Math.min(at, end);
  if (mm.map.count + mm.map.growthOfCut(start, end, 1) > MAX_MAP_COUNT) return -ENOMEM;
  let inaccessible = false;
  const old = mm.change(start, end, (copy) => {
    if ((copy.flags & VM_SPECIAL) !== 0) return;
    copy.flags = (copy.flags & ~LOCK_FLAGS) | flags;
    if (copy.prot === 0) inaccessible = true;
  });
  if (flags !== VM_LOCKED) return result;
  caller.thread.addOp(OP_MLOCK, start, end - start, 0, 0, 0, 0);
  mm.submit(caller, (errno) => {
    mm.restore(start, end, old);
    return errno;
  });
  // Pages that cannot be brought in: locked all the same, reported.
  return inaccessible ? -ENOMEM : result;
}

function lockEverything(mm: AddressSpace, caller: MemoryCaller, flags: number): void {
  mm.change(mm.min, mm.max, (copy) => {
    if ((copy.flags & VM_SPECIAL) === 0) copy.flags = (copy.flags & ~LOCK_FLAGS) | flags;
  });
  if (flags !== VM_LOCKED) return;
  let queued = 0;
  for (const vma of mm.map.list) {
    // One reply carries a bounded list; the rest is locked in the books only.
    if (vma.prot === 0 || (vma.flags & VM_SPECIAL) !== 0 || queued === 48) continue;
    caller.thread.addOp(OP_MLOCK, vma.start, vma.length, 0, 0, 0, 0);
    queued++;
  }
  mm.submit(caller, (errno) => errno);
}

function lockedBytesIn(mm: AddressSpace, start: number, end: number): number {
  let bytes = 0;
  const list = mm.map.list;
  for (let i = mm.map.indexAbove(start); i < list.length && list[i]!.start < end; i++) {
    const vma = list[i]!;
    if ((vma.flags & VM_LOCKED) !== 0) bytes += Math.min(end, vma.end) - Math.max(start, vma.start);
  }
  return bytes;
}
