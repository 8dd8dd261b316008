/** mprotect(2): changes rights area by area until something is in the way, as Linux does. */
import { EACCES, EINVAL, ENOMEM, EPERM } from '../abi/errno.ts';
import {
  MAX_MAP_COUNT,
  PAGE_SIZE,
  PROT_EXEC,
  PROT_GROWSDOWN,
  PROT_GROWSUP,
  PROT_READ,
  PROT_SEM,
  PROT_WRITE,
  pageUp,
} from '../abi/mman.ts';
import { OP_MPROTECT } from '../../platform/platform.ts';
import type { AddressSpace, MemoryCaller } from './address-space.ts';
import { mayExpand, type MemoryLimits } from './limits.ts';
import { hasSealed, PROT_KEPT } from './mmap.ts';
import { VM_GROWSDOWN, VM_MAYEXEC, VM_MAYREAD, VM_MAYWRITE, VM_SHARED, VM_SPECIAL, type Vma } from './vma.ts';

export function protect(
  mm: AddressSpace,
  caller: MemoryCaller,
  limits: MemoryLimits,
  addr: number,
  length: number,
  rawProt: number,
): number {
  const grows = rawProt & (PROT_GROWSDOWN | PROT_GROWSUP);
  if (grows === (PROT_GROWSDOWN | PROT_GROWSUP)) return -EINVAL;
  if (addr % PAGE_SIZE !== 0) return -EINVAL;
  if (length === 0) return 0;
  const len = pageUp(length);
  let end = addr + len;
  if (end <= addr || end > 2 ** 64) return -ENOMEM;
  if ((rawProt & ~(grows | PROT_SEM | PROT_KEPT)) !== 0) return -EINVAL;
  const prot = rawProt & PROT_KEPT;

  let start = addr;
  const first = mm.map.findOrNext(addr);
  if (first === null) return -ENOMEM;
  if (grows === PROT_GROWSDOWN) {
    if (first.start >= end) return -ENOMEM;
    start = first.start;
    if ((first.flags & VM_GROWSDOWN) === 0) return -EINVAL;
  } else {
    if (first.start > addr) return -ENOMEM;
    // No area grows up on these architectures.
    if (grows === PROT_GROWSUP) return -EINVAL;
  }
  if (hasSealed(mm, start, end)) return -EPERM;

  // How far it goes, and what ends it.
  let failure = 0;
  let at = start;
  let data = 0;
  while (at < end) {
    const vma = mm.map.find(at);
    failure = vma === null ? -ENOMEM : refusal(vma, prot);
    if (failure !== 0 || vma === null) break;
    const upTo = Math.min(end, vma.end);
    if ((prot & PROT_WRITE) !== 0 && becomesData(vma)) {
      data += upTo - at;
      if (!mayExpand(mm, 0, data, limits)) {
        failure = -ENOMEM;
        break;
      }
    }
    at = upTo;
  }
  end = at;
  if (end === start) return failure;
  if (mm.map.count + 2 > MAX_MAP_COUNT && mm.map.count + mm.map.growthOfCut(start, end, 1) > MAX_MAP_COUNT) {
    return -ENOMEM;
  }
  const old = mm.change(start, end, (copy) => {
    copy.prot = prot;
  });
  caller.thread.addOp(OP_MPROTECT, start, end - start, prot, 0, 0, 0);
  mm.submit(caller, (errno) => {
    mm.restore(start, end, old);
    return errno;
  });
  return failure;
}

function refusal(vma: Vma, prot: number): number {
  if ((prot & PROT_READ) !== 0 && (vma.flags & VM_MAYREAD) === 0) return -EACCES;
  if ((prot & PROT_WRITE) !== 0 && (vma.flags & VM_MAYWRITE) === 0) return -EACCES;
  if ((prot & PROT_EXEC) !== 0 && (vma.flags & VM_MAYEXEC) === 0) return -EACCES;
  return 0;
}

function becomesData(vma: Vma): boolean {
  return (vma.prot & PROT_WRITE) === 0 && (vma.flags & (VM_SHARED | VM_GROWSDOWN | VM_SPECIAL)) === 0;
}
