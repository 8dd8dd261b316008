/** mseal(2): areas that can no longer be unmapped, moved or change their rights. */
import { MAX_MAP_COUNT } from '../abi/mman.ts';
import type { AddressSpace } from './address-space.ts';
import { isMapped } from './msync.ts';
import { VM_SEALED } from './vma.ts';

/** False, and nothing is sealed, when [start, end) has a hole or there would be too many areas. */
export function seal(mm: AddressSpace, start: number, end: number): boolean {
  if (!isMapped(mm, start, end)) return false;
  if (mm.map.count + mm.map.growthOfCut(start, end, 1) > MAX_MAP_COUNT) return false;
  mm.change(start, end, (copy) => {
    copy.flags |= VM_SEALED;
  });
  return true;
}
