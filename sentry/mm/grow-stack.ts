/** Stacks that grow down by faults: areas made with MAP_GROWSDOWN (execve reserves its own stack whole). */
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
  STACK_GUARD_GAP,
  pageDown,
} from '../abi/mman.ts';
import { OP_MMAP } from '../../platform/platform.ts';
import type { AddressSpace, MemoryCaller } from './address-space.ts';
import { mayExpand, mayLock, type MemoryLimits } from './limits.ts';
import { VM_GROWSDOWN, VM_LOCKED } from './vma.ts';

/**
 * A thread faulted at `addr`, where nothing is mapped. True when a stack above has been grown over it: the host
 * operation is queued and the thread goes on with replyContinue. The map must not be locked.
 */
export function growStack(
  mm: AddressSpace,
  caller: MemoryCaller,
  limits: MemoryLimits,
  addr: number,
  write: boolean,
): boolean {
  const start = pageDown(addr);
  const stack = mm.map.findOrNext(addr);
  if (stack === null || stack.start <= addr || (stack.flags & VM_GROWSDOWN) === 0 || start < mm.min)
    return false;
  const need = write ? PROT_WRITE : PROT_READ | PROT_WRITE | PROT_EXEC;
  if ((stack.prot & need) === 0) return false;
  const grown = stack.start - start;
  if (stack.end - start > limits.stack || !mayExpand(mm, grown, 0, limits)) return false;
  if ((stack.flags & VM_LOCKED) !== 0 && !mayLock(mm, grown, limits)) return false;
  // Other mappings keep their distance; ones without rights are taken for somebody's guard page.
  const below = mm.map.list[mm.map.indexAbove(start) - 1];
  if (below !== undefined && below.prot !== 0 && start - below.end < STACK_GUARD_GAP) return false;
  const added = stack.slice(stack.start, stack.end);
  added.end = added.start;
  added.start = start;
  mm.put(added);
  const end = start + grown;
  caller.thread.addOp(OP_MMAP, start, grown, stack.prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  mm.submit(caller, (errno) => {
    mm.take(start, end);
    return errno;
  });
  return true;
}
