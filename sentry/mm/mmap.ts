/** mmap(2) and munmap(2) over an address space: checks in Linux's order, placement, one host operation each. */
import {
  EACCES,
  EAGAIN,
  EEXIST,
  EINVAL,
  ENODEV,
  ENOMEM,
  EOPNOTSUPP,
  EOVERFLOW,
  EPERM,
} from '../abi/errno.ts';
import {
  HUGE_PAGE_SIZE,
  MAP_32BIT,
  MAP_ANONYMOUS,
  MAP_DENYWRITE,
  MAP_DROPPABLE,
  MAP_EXECUTABLE,
  MAP_FIXED,
  MAP_FIXED_NOREPLACE,
  MAP_GROWSDOWN,
  MAP_HUGETLB,
  MAP_HUGE_MASK,
  MAP_HUGE_SHIFT,
  MAP_LOCKED,
  MAP_NONBLOCK,
  MAP_NORESERVE,
  MAP_POPULATE,
  MAP_PRIVATE,
  MAP_SHARED,
  MAP_SHARED_VALIDATE,
  MAP_STACK,
  MAP_TYPE,
  MAP_UNINITIALIZED,
  MAX_MAP_COUNT,
  PAGE_SIZE,
  PROT_EXEC,
  PROT_WRITE,
  pageDown,
  pageUp,
} from '../abi/mman.ts';
import { DONATED_FD, OP_MLOCK, OP_MMAP, OP_MUNMAP } from '../../platform/platform.ts';
import type { AddressSpace, MemoryCaller } from './address-space.ts';
import { canLockAtAll, mayExpand, mayLock, type MemoryLimits } from './limits.ts';
import type { Mappable } from './mappable.ts';
import { SharedMemory } from './shared-memory.ts';
import {
  VM_DONTDUMP,
  VM_DROPPABLE,
  VM_GROWSDOWN,
  VM_LOCKED,
  VM_LOCKONFAULT,
  VM_MAYALL,
  VM_MAYEXEC,
  VM_MAYWRITE,
  VM_NOHUGEPAGE,
  VM_NORESERVE,
  VM_SEALED,
  VM_SHARED,
  VM_SHARED_WRITER,
  VM_STACK_HINT,
  VM_WIPEONFORK,
  Vma,
} from './vma.ts';

/** The open file behind a mapping, as far as mmap(2) asks. */
export interface MapFile {
  readable: boolean;
  writable: boolean;
  /** On a mount with MS_NOEXEC. */
  noexec: boolean;
  /** null: the file cannot be mapped. */
  mappable: Mappable | null;
}

/** mmap(2)'s arguments. Addresses and sizes are bytes. Reused by the caller, never kept. */
export interface MapRequest {
  addr: number;
  length: number;
  prot: number;
  flags: number;
  offset: number;
  /** null with MAP_ANONYMOUS. */
  file: MapFile | null;
}

/** LEGACY_MAP_MASK of the kernel: what MAP_SHARED_VALIDATE accepts. */
const KNOWN_FLAGS =
  MAP_SHARED |
  MAP_PRIVATE |
  MAP_FIXED |
  MAP_ANONYMOUS |
  MAP_DENYWRITE |
  MAP_EXECUTABLE |
  MAP_UNINITIALIZED |
  MAP_GROWSDOWN |
  MAP_LOCKED |
  MAP_NORESERVE |
  MAP_POPULATE |
  MAP_NONBLOCK |
  MAP_STACK |
  MAP_HUGETLB |
  MAP_32BIT |
  (MAP_HUGE_MASK << MAP_HUGE_SHIFT);

const X86 = process.arch === 'x64';
/** PROT_ bits that are kept: read, write, exec, and on arm64 BTI and MTE, which the host checks. */
export const PROT_KEPT = X86 ? 0x7 : 0x37;
/** log2 of the huge page sizes that exist. */
const HUGE_SHIFTS = X86 ? [21, 30] : [16, 21, 25, 30];

export function mapMemory(
  mm: AddressSpace,
  caller: MemoryCaller,
  limits: MemoryLimits,
  req: MapRequest,
): number {
  if (req.length === 0) return -EINVAL;
  const len = pageUp(req.length);
  if (len > mm.max || len === 0) return -ENOMEM;
  if (req.offset + len >= 2 ** 64) return -EOVERFLOW;
  if (mm.map.count > MAX_MAP_COUNT) return -ENOMEM;

  const addr = chooseAddress(mm, req, len);
  if (addr < 0) return addr;

  let vmFlags = VM_MAYALL | mm.futureFlags | adviceOf(req.flags);
  if ((req.flags & MAP_LOCKED) !== 0) {
    if (!canLockAtAll(limits)) return -EPERM;
    vmFlags |= VM_LOCKED;
  }
  if ((vmFlags & VM_LOCKED) !== 0 && !mayLock(mm, len, limits)) return -EAGAIN;

  const file = req.file;
  const kind = file === null ? checkAnonymous(req, vmFlags) : checkFile(req, file, vmFlags);
  if (kind < 0) return kind;
  vmFlags = kind;
  const prot = req.prot & PROT_KEPT;
  if ((req.flags & MAP_HUGETLB) !== 0) return checkHuge(req, file);

  // From here on resources: limits first, then the object, then the host.
  const writablePrivate = (prot & PROT_WRITE) !== 0 && (vmFlags & (VM_SHARED | VM_GROWSDOWN)) === 0;
  const replaced = replacedBytes(mm, addr, addr + len);
  if (!mayExpand(mm, len - replaced, writablePrivate ? len : 0, limits)) return -ENOMEM;
  if (mm.map.growthOfCut(addr, addr + len, 1) + mm.map.count > MAX_MAP_COUNT) return -ENOMEM;

  let mappable = file?.mappable ?? null;
  if (mappable?.anonymous === true) mappable = null;
  let offset = mappable === null ? 0 : req.offset;
  let memory: SharedMemory | number | null = null;
  if (mappable === null && (vmFlags & VM_SHARED) !== 0) {
    memory = SharedMemory.create(len, (vmFlags & VM_NORESERVE) === 0);
    // Whatever the host is short of, to the guest it is memory.
    if (typeof memory === 'number') return -ENOMEM;
    mappable = memory;
    offset = 0;
    vmFlags |= VM_SHARED_WRITER;
  }

  let hostFd = -1;
  if (mappable !== null) {
    const wantsWrite = (vmFlags & (VM_SHARED | VM_MAYWRITE)) === (VM_SHARED | VM_MAYWRITE);
    const whole = mappable.checkPart?.(offset, len) ?? 0;
    if (whole < 0) return whole;
    let fd = mappable.hostFd(wantsWrite);
    if (fd === -EPERM && wantsWrite && (prot & PROT_WRITE) === 0) {
      // Sealed against writing: a read-only mapping that stays so is allowed.
      vmFlags &= ~VM_MAYWRITE;
      fd = mappable.hostFd(false);
    } else if (wantsWrite) vmFlags |= VM_SHARED_WRITER;
    if (fd < 0) return fd;
    const r = caller.thread.space.donate(caller.thread, fd);
    memory?.closeFd();
    if (r < 0) return r;
    hostFd = DONATED_FD;
  }

  const old = mm.put(new Vma(addr, addr + len, prot, vmFlags, mappable, offset, ''));
  caller.thread.addOp(OP_MMAP, addr, len, prot, hostFlags(req.flags, vmFlags, hostFd), hostFd, offset);
  if ((vmFlags & (VM_LOCKED | VM_LOCKONFAULT)) === VM_LOCKED)
    caller.thread.addOp(OP_MLOCK, addr, len, 0, 0, 0, 0);
  const undo = (errno: number): number => {
    mm.restore(addr, addr + len, old);
    return errno;
  };
  if (hostFd === DONATED_FD) mm.submitAlone(caller, undo);
  else mm.submit(caller, undo);
  return addr;
}

export function unmapMemory(mm: AddressSpace, caller: MemoryCaller, addr: number, length: number): number {
  if (addr % PAGE_SIZE !== 0 || addr > mm.max || length > mm.max - addr) return -EINVAL;
  const len = pageUp(length);
  if (len === 0) return -EINVAL;
  const end = addr + len;
  if (mm.map.isFree(addr, end)) return 0;
  if (mm.map.count + mm.map.growthOfCut(addr, end, 0) > MAX_MAP_COUNT) return -ENOMEM;
  if (hasSealed(mm, addr, end)) return -EPERM;
  const old = mm.take(addr, end);
  caller.thread.addOp(OP_MUNMAP, addr, len, 0, 0, 0, 0);
  mm.submitFreeing(caller, addr, end, (errno) => {
    mm.restore(addr, end, old);
    return errno;
  });
  return 0;
}

/** True when a sealed area lies in [start, end) (mseal(2)). */
export function hasSealed(mm: AddressSpace, start: number, end: number): boolean {
  const list = mm.map.list;
  for (let i = mm.map.indexAbove(start); i < list.length && list[i]!.start < end; i++) {
    if ((list[i]!.flags & VM_SEALED) !== 0) return true;
  }
  return false;
}

function chooseAddress(mm: AddressSpace, req: MapRequest, len: number): number {
  const flags = req.flags;
  if ((flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) !== 0) {
    const addr = req.addr;
    if (addr > mm.max - len) return -ENOMEM;
    if (addr % PAGE_SIZE !== 0) return -EINVAL;
    if (addr < mm.min) return -EPERM;
    if ((flags & MAP_FIXED_NOREPLACE) !== 0 && !mm.map.isFree(addr, addr + len)) return -EEXIST;
    if (hasSealed(mm, addr, addr + len)) return -EPERM;
    return addr;
  }
  // The kernel rounds a hint down to a page and up to the lowest address that may be mapped.
  let hint = pageDown(req.addr);
  if (hint !== 0 && hint < mm.min) hint = pageUp(mm.min);
  const low = X86 && (flags & MAP_32BIT) !== 0;
  if (hint !== 0 && mm.placement.fits(hint, len) && (!low || hint + len <= 0x80000000)) return hint;
  let found: number;
  if (low) found = mm.placement.findLow(len);
  else if (req.file === null && req.addr === 0 && len % HUGE_PAGE_SIZE === 0) {
    found = mm.placement.findAligned(len, HUGE_PAGE_SIZE);
  } else found = mm.placement.find(len);
  return found === 0 ? -ENOMEM : found;
}

function adviceOf(flags: number): number {
  let vmFlags = 0;
  if ((flags & MAP_GROWSDOWN) !== 0) vmFlags |= VM_GROWSDOWN;
  if ((flags & MAP_NORESERVE) !== 0) vmFlags |= VM_NORESERVE;
  if ((flags & MAP_STACK) !== 0) vmFlags |= VM_STACK_HINT | VM_NOHUGEPAGE;
  return vmFlags;
}

/** The VM_ flags of an anonymous mapping, or a negated errno. */
function checkAnonymous(req: MapRequest, vmFlags: number): number {
  switch (req.flags & MAP_TYPE) {
    case MAP_SHARED:
      return (vmFlags & VM_GROWSDOWN) !== 0 ? -EINVAL : vmFlags | VM_SHARED;
    case MAP_PRIVATE:
      return vmFlags;
    case MAP_DROPPABLE:
      if ((vmFlags & (VM_LOCKED | VM_GROWSDOWN)) !== 0) return -EINVAL;
      return vmFlags | VM_DROPPABLE | VM_NORESERVE | VM_WIPEONFORK | VM_DONTDUMP;
    default:
      return -EINVAL;
  }
}

/** The VM_ flags of a file mapping, or a negated errno (mmap(2): EACCES, EPERM, ENODEV, EOPNOTSUPP). */
function checkFile(req: MapRequest, file: MapFile, vmFlags: number): number {
  const type = req.flags & MAP_TYPE;
  if (type === MAP_SHARED || type === MAP_SHARED_VALIDATE) {
    // MAP_SYNC is among the unknown ones (no file here is persistent memory), and so is MAP_FIXED_NOREPLACE.
    if (type === MAP_SHARED_VALIDATE && (req.flags & ~KNOWN_FLAGS) !== 0) return -EOPNOTSUPP;
    if ((req.prot & PROT_WRITE) !== 0 && !file.writable) return -EACCES;
    vmFlags |= VM_SHARED;
    if (!file.writable) vmFlags &= ~VM_MAYWRITE;
  } else if (type !== MAP_PRIVATE) return -EINVAL;
  if (!file.readable) return -EACCES;
  if (file.noexec) {
    if ((req.prot & PROT_EXEC) !== 0) return -EPERM;
    vmFlags &= ~VM_MAYEXEC;
  }
  if (file.mappable === null) return -ENODEV;
  if ((vmFlags & VM_GROWSDOWN) !== 0) return -EINVAL;
  return vmFlags;
}

/** There are no huge page pools: sizes that exist are out of memory, others wrong. */
function checkHuge(req: MapRequest, file: MapFile | null): number {
  if (file !== null) return -EINVAL;
  const shift = (req.flags >>> MAP_HUGE_SHIFT) & MAP_HUGE_MASK;
  return shift === 0 || HUGE_SHIFTS.includes(shift) ? -ENOMEM : -EINVAL;
}

function replacedBytes(mm: AddressSpace, start: number, end: number): number {
  let bytes = 0;
  const list = mm.map.list;
  for (let i = mm.map.indexAbove(start); i < list.length && list[i]!.start < end; i++) {
    bytes += Math.min(end, list[i]!.end) - Math.max(start, list[i]!.start);
  }
  return bytes;
}

/** MAP_ flags of the host's mmap: always at our address; growth and locks are ours to do. */
function hostFlags(flags: number, vmFlags: number, hostFd: number): number {
  let host = MAP_FIXED | ((vmFlags & VM_SHARED) !== 0 ? MAP_SHARED : MAP_PRIVATE);
  if (hostFd === -1) host |= MAP_ANONYMOUS;
  if ((flags & MAP_TYPE) === MAP_DROPPABLE) host = MAP_FIXED | MAP_ANONYMOUS | MAP_DROPPABLE;
  return host | (flags & (MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK));
}
