/**
 * madvise(2). Advice that changes memory or its inheritance is checked here and carried out by the host over the same
 * range; advice the host's filter does not let through is either noted only or refused as on a kernel without it.
 */
import { EACCES, EINVAL, ENOMEM, EPERM } from '../abi/errno.ts';
import {
  MADV_COLD,
  MADV_COLLAPSE,
  MADV_DODUMP,
  MADV_DOFORK,
  MADV_DONTDUMP,
  MADV_DONTFORK,
  MADV_DONTNEED,
  MADV_DONTNEED_LOCKED,
  MADV_FREE,
  MADV_GUARD_INSTALL,
  MADV_GUARD_REMOVE,
  MADV_HUGEPAGE,
  MADV_HWPOISON,
  MADV_KEEPONFORK,
  MADV_MERGEABLE,
  MADV_NOHUGEPAGE,
  MADV_NORMAL,
  MADV_PAGEOUT,
  MADV_POPULATE_READ,
  MADV_POPULATE_WRITE,
  MADV_RANDOM,
  MADV_REMOVE,
  MADV_SEQUENTIAL,
  MADV_SOFT_OFFLINE,
  MADV_UNMERGEABLE,
  MADV_WILLNEED,
  MADV_WIPEONFORK,
  MAX_MAP_COUNT,
  PAGE_SIZE,
  PROT_WRITE,
  pageUp,
} from '../abi/mman.ts';
import { unimplemented } from '../base/unimplemented.ts';
import { OP_MADVISE } from '../../platform/platform.ts';
import type { AddressSpace, MemoryCaller } from './address-space.ts';
import {
  VM_DONTDUMP,
  VM_DONTFORK,
  VM_DROPPABLE,
  VM_HUGEPAGE,
  VM_LOCKED,
  VM_MAYWRITE,
  VM_MERGEABLE,
  VM_NOHUGEPAGE,
  VM_RANDOM,
  VM_SEALED,
  VM_SEQUENTIAL,
  VM_SHARED,
  VM_SPECIAL,
  VM_WIPEONFORK,
  type Vma,
} from './vma.ts';

/** What an advice does to VM_ flags: [set, clear]. */
const FLAG_CHANGES = new Map<number, readonly [number, number]>([
  [MADV_NORMAL, [0, VM_RANDOM | VM_SEQUENTIAL]],
  [MADV_RANDOM, [VM_RANDOM, VM_SEQUENTIAL]],
  [MADV_SEQUENTIAL, [VM_SEQUENTIAL, VM_RANDOM]],
  [MADV_DONTFORK, [VM_DONTFORK, 0]],
  [MADV_DOFORK, [0, VM_DONTFORK]],
  [MADV_WIPEONFORK, [VM_WIPEONFORK, 0]],
  [MADV_KEEPONFORK, [0, VM_WIPEONFORK]],
  [MADV_DONTDUMP, [VM_DONTDUMP, 0]],
  [MADV_DODUMP, [0, VM_DONTDUMP]],
  [MADV_MERGEABLE, [VM_MERGEABLE, 0]],
  [MADV_UNMERGEABLE, [0, VM_MERGEABLE]],
  [MADV_HUGEPAGE, [VM_HUGEPAGE, VM_NOHUGEPAGE]],
  [MADV_NOHUGEPAGE, [VM_NOHUGEPAGE, VM_HUGEPAGE]],
]);

/** Advice without flags that the host carries out. */
const HOST_ACTIONS = new Set([
  MADV_WILLNEED,
  MADV_DONTNEED,
  MADV_DONTNEED_LOCKED,
  MADV_FREE,
  MADV_REMOVE,
  MADV_COLD,
  MADV_PAGEOUT,
  MADV_POPULATE_READ,
  MADV_POPULATE_WRITE,
]);

/** Merging identical pages across sandboxes is a side channel: noted, never done. */
const NOTED_ONLY = new Set([MADV_MERGEABLE, MADV_UNMERGEABLE]);

export function advise(
  mm: AddressSpace,
  caller: MemoryCaller,
  addr: number,
  length: number,
  advice: number,
  isAdmin: boolean,
): number {
  if (advice === MADV_HWPOISON || advice === MADV_SOFT_OFFLINE) return isAdmin ? -EINVAL : -EPERM;
  const change = FLAG_CHANGES.get(advice);
  if (change === undefined && !HOST_ACTIONS.has(advice)) {
    if (advice === MADV_COLLAPSE || advice === MADV_GUARD_INSTALL || advice === MADV_GUARD_REMOVE) {
      unimplemented(`madvise advice ${advice}`);
    }
    return -EINVAL;
  }
  if (addr % PAGE_SIZE !== 0) return -EINVAL;
  const len = pageUp(length);
  if (addr + len >= 2 ** 64) return -EINVAL;
  if (len === 0) return 0;

  // Areas are handled in order; holes are skipped and reported at the end, a refusal ends the walk.
  const start = Math.max(addr, mm.min);
  let end = Math.min(addr + len, mm.max);
  let result = start > addr || end < addr + len ? -ENOMEM : 0;
  let touched = false;
  const list = mm.map.list;
  let at = start;
  for (let i = mm.map.indexAbove(start); at < end; i++) {
    const vma = list[i];
    if (vma === undefined || vma.start >= end) {
      result = -ENOMEM;
      break;
    }
    if (vma.start > at) result = -ENOMEM;
    const refused = refusal(vma, advice);
    if (refused !== 0) {
      end = Math.max(start, vma.start);
      result = refused;
      break;
    }
    touched = true;
    at = vma.end;
  }
  if (!touched || end <= start) return result;

  let old: Vma[] = [];
  if (change !== undefined) {
    const [set, clear] = change;
    if (mm.map.count + mm.map.growthOfCut(start, end, 1) > MAX_MAP_COUNT) return -ENOMEM;
    old = mm.change(start, end, (copy) => {
      copy.flags = (copy.flags & ~clear) | set;
    });
  }
  if (NOTED_ONLY.has(advice)) return result;
  const hostAdvice = advice === MADV_DONTNEED_LOCKED ? MADV_DONTNEED : advice;
  caller.thread.addOp(OP_MADVISE, start, end - start, hostAdvice, 0, 0, 0);
  mm.submit(caller, (errno) => {
    // The host reports the holes that were seen above; it has done the rest.
    if (errno === -ENOMEM && result === -ENOMEM) return result;
    if (old.length !== 0) mm.restore(start, end, old);
    return errno;
  });
  return result;
}

/** 0, or why one area does not take the advice. */
function refusal(vma: Vma, advice: number): number {
  const locked = (vma.flags & VM_LOCKED) !== 0;
  const anonymous = vma.mappable === null && (vma.flags & VM_SPECIAL) === 0;
  if ((vma.flags & VM_SEALED) !== 0 && discards(advice) && anonymous && (vma.prot & PROT_WRITE) === 0)
    return -EPERM;
  switch (advice) {
    case MADV_DONTNEED:
    case MADV_COLD:
    case MADV_PAGEOUT:
      return locked ? -EINVAL : 0;
    case MADV_FREE:
      return locked || !anonymous ? -EINVAL : 0;
    case MADV_REMOVE:
      if (locked || vma.mappable === null) return -EINVAL;
      return (vma.flags & (VM_SHARED | VM_MAYWRITE)) === (VM_SHARED | VM_MAYWRITE) ? 0 : -EACCES;
    case MADV_WIPEONFORK:
      return anonymous ? 0 : -EINVAL;
    case MADV_KEEPONFORK:
      return (vma.flags & VM_DROPPABLE) !== 0 ? -EINVAL : 0;
    default:
      return 0;
  }
}

/** mseal(2): advice that throws content away. */
function discards(advice: number): boolean {
  return (
    advice === MADV_FREE ||
    advice === MADV_DONTNEED ||
    advice === MADV_DONTNEED_LOCKED ||
    advice === MADV_REMOVE ||
    advice === MADV_DONTFORK ||
    advice === MADV_WIPEONFORK
  );
}
