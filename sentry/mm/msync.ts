/** msync(2), and whether a range is mapped at all. */
import { EBUSY, EINVAL, ENOMEM } from '../abi/errno.ts';
import { MS_ASYNC, MS_INVALIDATE, MS_SYNC, PAGE_SIZE, pageUp } from '../abi/mman.ts';
import { OP_MSYNC } from '../../platform/platform.ts';
import type { AddressSpace, MemoryCaller } from './address-space.ts';
import { VM_LOCKED } from './vma.ts';

export function sync(
  mm: AddressSpace,
  caller: MemoryCaller,
  addr: number,
  length: number,
  flags: number,
): number {
  if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) !== 0 || addr % PAGE_SIZE !== 0) return -EINVAL;
  if ((flags & (MS_ASYNC | MS_SYNC)) === (MS_ASYNC | MS_SYNC)) return -EINVAL;
  const len = pageUp(length);
  if (addr + len >= 2 ** 64) return -ENOMEM;
  if (len === 0) return 0;
  let result = 0;
  const start = Math.max(addr, mm.min);
  let end = Math.min(addr + len, mm.max);
  if (start > addr || end < addr + len) result = -ENOMEM;
  let files = false;
  let at = start;
  const list = mm.map.list;
  for (let i = mm.map.indexAbove(start); at < end; i++) {
    const vma = list[i];
    if (vma === undefined || vma.start >= end) {
      result = -ENOMEM;
      break;
    }
    if (vma.start > at) result = -ENOMEM;
    if ((flags & MS_INVALIDATE) !== 0 && (vma.flags & VM_LOCKED) !== 0) {
      end = Math.max(start, vma.start);
      result = -EBUSY;
      break;
    }
    if (vma.shared && vma.mappable !== null) files = true;
    at = vma.end;
  }
  // Reads, writes and mappings share the host's pages: only MS_SYNC has something to do.
  if ((flags & MS_SYNC) === 0 || !files || end <= start) return result;
  caller.thread.addOp(OP_MSYNC, start, end - start, MS_SYNC, 0, 0, 0);
  caller.onOpsFailed = (errno) => (errno === -ENOMEM || result < 0 ? result : errno);
  return result;
}

/** True when every page of [start, end) is mapped. */
export function isMapped(mm: AddressSpace, start: number, end: number): boolean {
  for (let at = start; at < end;) {
    const vma = mm.map.find(at);
    if (vma === null) return false;
    at = vma.end;
  }
  return true;
}
