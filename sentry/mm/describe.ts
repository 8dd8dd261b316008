/** The address space as /proc/PID/{maps,smaps,statm,status} shows it. */
import { PAGE_SIZE, PROT_EXEC, PROT_READ, PROT_WRITE } from '../abi/mman.ts';
import type { AddressSpace } from './address-space.ts';
import {
  VM_DONTDUMP,
  VM_DONTFORK,
  VM_DROPPABLE,
  VM_GROWSDOWN,
  VM_HUGEPAGE,
  VM_LOCKED,
  VM_LOCKONFAULT,
  VM_MAYEXEC,
  VM_MAYREAD,
  VM_MAYWRITE,
  VM_MERGEABLE,
  VM_NOHUGEPAGE,
  VM_NORESERVE,
  VM_RANDOM,
  VM_SEALED,
  VM_SEQUENTIAL,
  VM_SHARED,
  VM_SPECIAL,
  VM_STACK_HINT,
  VM_WIPEONFORK,
  type Vma,
} from './vma.ts';

/** One line of /proc/PID/maps. Sizes and addresses in bytes. */
export interface AreaInfo {
  readonly start: number;
  readonly end: number;
  /** "rw-p". */
  readonly rights: string;
  readonly offset: number;
  /** Linux-encoded device number. */
  readonly dev: number;
  readonly ino: number;
  readonly name: string;
  /** Estimated resident bytes, see residentBytes(). */
  readonly resident: number;
  /** VmFlags of smaps, e.g. "rd wr mr mw me ac". */
  readonly vmFlags: string;
  readonly shared: boolean;
  readonly anonymous: boolean;
  readonly locked: boolean;
}

/** Sums in bytes, named for the fields of /proc/PID/status that show them. */
export interface MemoryTotals {
  peak: number;
  size: number;
  locked: number;
  data: number;
  stack: number;
  exec: number;
  resident: number;
  /** Estimated resident part of file and shared mappings. */
  residentFile: number;
  residentShared: number;
}

export function describe(mm: AddressSpace): AreaInfo[] {
  return mm.map.list.map(describeArea);
}

export function describeArea(vma: Vma): AreaInfo {
  const file = vma.mappable;
  return {
    start: vma.start,
    end: vma.end,
    rights: rightsOf(vma),
    offset: file === null ? 0 : vma.offset,
    dev: file?.mapDev() ?? 0,
    ino: file?.mapIno() ?? 0,
    name: vma.name !== '' ? vma.name : (file?.mapName() ?? ''),
    resident: residentBytes(vma),
    vmFlags: vmFlagsOf(vma),
    shared: vma.shared,
    anonymous: file === null,
    locked: (vma.flags & VM_LOCKED) !== 0,
  };
}

export function memoryTotals(mm: AddressSpace): MemoryTotals {
  const totals: MemoryTotals = {
    peak: mm.peakBytes,
    size: mm.map.totalBytes,
    locked: mm.map.lockedBytes,
    data: mm.map.dataBytes,
    stack: mm.map.stackBytes,
    exec: mm.map.execBytes,
    resident: 0,
    residentFile: 0,
    residentShared: 0,
  };
  for (const vma of mm.map.list) {
    const bytes = residentBytes(vma);
    totals.resident += bytes;
    if (vma.mappable === null) continue;
    if (vma.shared && vma.mappable.mapName().startsWith('/dev/zero')) totals.residentShared += bytes;
    else totals.residentFile += bytes;
  }
  return totals;
}

/** Stacks are reserved whole and touched little. */
const STACK_ESTIMATE = 132 * 1024;

/**
 * How much of an area is taken to be in memory. Only the host knows, and asking it costs more than the answer is
 * worth: accessible areas count whole, stacks 132 KiB at most, MAP_NORESERVE ones (arenas that programs reserve far
 * beyond their use) an eighth, inaccessible ones nothing.
 */
export function residentBytes(vma: Vma): number {
  if (vma.prot === 0 || (vma.flags & VM_SPECIAL) !== 0) return 0;
  if ((vma.flags & (VM_GROWSDOWN | VM_STACK_HINT)) !== 0) return Math.min(vma.length, STACK_ESTIMATE);
  if ((vma.flags & VM_NORESERVE) === 0) return vma.length;
  const part = Math.floor(vma.length / 8);
  return part - (part % PAGE_SIZE);
}

function rightsOf(vma: Vma): string {
  return (
    ((vma.prot & PROT_READ) !== 0 ? 'r' : '-') +
    ((vma.prot & PROT_WRITE) !== 0 ? 'w' : '-') +
    ((vma.prot & PROT_EXEC) !== 0 ? 'x' : '-') +
    (vma.shared ? 's' : 'p')
  );
}

/** Flag and its two letters, in the order of Linux's show_smap_vma_flags(). */
const FLAG_LETTERS: readonly (readonly [number, string])[] = [
  [VM_MAYREAD, 'mr'],
  [VM_MAYWRITE, 'mw'],
  [VM_MAYEXEC, 'me'],
  [VM_SHARED, 'ms'],
  [VM_GROWSDOWN, 'gd'],
  [VM_LOCKED, 'lo'],
  [VM_LOCKONFAULT, 'lf'],
  [VM_SEQUENTIAL, 'sr'],
  [VM_RANDOM, 'rr'],
  [VM_DONTFORK, 'dc'],
  [VM_NORESERVE, 'nr'],
  [VM_WIPEONFORK, 'wf'],
  [VM_DONTDUMP, 'dd'],
  [VM_HUGEPAGE, 'hg'],
  [VM_NOHUGEPAGE, 'nh'],
  [VM_MERGEABLE, 'mg'],
  [VM_DROPPABLE, 'dp'],
  [VM_SEALED, 'sl'],
];

function vmFlagsOf(vma: Vma): string {
  const letters: string[] = [];
  if ((vma.prot & PROT_READ) !== 0) letters.push('rd');
  if ((vma.prot & PROT_WRITE) !== 0) letters.push('wr');
  if ((vma.prot & PROT_EXEC) !== 0) letters.push('ex');
  // A shared mapping of a file that was opened for reading is not VM_SHARED to Linux, only VM_MAYSHARE.
  if ((vma.flags & (VM_SHARED | VM_MAYWRITE)) === (VM_SHARED | VM_MAYWRITE)) letters.push('sh');
  for (const [flag, text] of FLAG_LETTERS) if ((vma.flags & flag) !== 0) letters.push(text);
  if (vma.dataBytes() > 0) letters.push('ac');
  return letters.join(' ');
}
