/** Maps an ELF file's segments into a blank address space: file pages, the zeroed tail, anonymous .bss. */
import { EINVAL, ENODEV, ENOMEM } from '../abi/errno.ts';
import { PF_R, PF_W, PF_X } from '../abi/elf.ts';
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  PAGE_SIZE,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
  pageDown,
  pageUp,
} from '../abi/mman.ts';
import type { AddressSpace } from '../mm/address-space.ts';
import type { Mappable } from '../mm/mappable.ts';
import { VM_MAYALL, VM_MAYEXEC, Vma } from '../mm/vma.ts';
import { DONATED_FD, OP_MMAP, OP_ZERO, type PlatformThread } from '../../platform/platform.ts';
import { isNoexec } from '../vfs/permission.ts';
import type { FileDescription } from '../vfs/file-description.ts';
import type { ElfFile, Segment } from './elf-file.ts';

const ANONYMOUS = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;

/** Maps `elf` with its first page at firstPage + bias. 0 or a negated errno; the space is unusable after a failure. */
export function mapElf(
  mm: AddressSpace,
  thread: PlatformThread,
  file: FileDescription,
  elf: ElfFile,
  bias: number,
): number {
  const mappable = file.mappable();
  if (mappable === null || mappable.anonymous === true) return -ENODEV;
  const first = elf.firstPage + bias;
  if (first < mm.min) return -EINVAL;
  if (first + elf.span > mm.max) return -ENOMEM;
  const noexec = file.path !== null && isNoexec(file.path.mount);
  const vmFlags = noexec ? VM_MAYALL & ~VM_MAYEXEC : VM_MAYALL;
  for (const segment of elf.segments) {
    const r = mapSegment(mm, thread, mappable, segment, bias, vmFlags);
    if (r < 0) return r;
  }
  return 0;
}

function mapSegment(
  mm: AddressSpace,
  thread: PlatformThread,
  mappable: Mappable,
  segment: Segment,
  bias: number,
  vmFlags: number,
): number {
  const prot = protOf(segment.flags);
  const start = segment.vaddr + bias;
  const fileEnd = start + segment.fileSize;
  let anonymousStart = pageDown(start);
  if (segment.fileSize > 0) {
    const page = pageDown(start);
    const end = pageUp(fileEnd);
    const offset = segment.offset - (start - page);
    const fd = mappable.hostFd(false);
    if (fd < 0) return fd;
    const r = thread.space.donate(thread, fd);
    if (r < 0) return r;
    mm.put(new Vma(page, end, prot, vmFlags, mappable, offset, ''));
    thread.addOp(OP_MMAP, page, end - page, prot, MAP_PRIVATE | MAP_FIXED, DONATED_FD, offset);
    // The rest of the last page belongs to .bss; nobody minds leftovers where the program cannot write.
    if (segment.memSize > segment.fileSize && (prot & PROT_WRITE) !== 0 && fileEnd % PAGE_SIZE !== 0) {
      thread.addOp(OP_ZERO, fileEnd, end - fileEnd, 0, 0, 0, 0);
    }
    anonymousStart = end;
  }
  const anonymousEnd = pageUp(start + segment.memSize);
  if (anonymousEnd > anonymousStart) {
    const len = anonymousEnd - anonymousStart;
    const bssProt = PROT_READ | PROT_WRITE | (prot & PROT_EXEC);
    mm.put(new Vma(anonymousStart, anonymousEnd, bssProt, VM_MAYALL, null, 0, ''));
    thread.addOp(OP_MMAP, anonymousStart, len, bssProt, ANONYMOUS, -1, 0);
  }
  return 0;
}

function protOf(flags: number): number {
  return (
    ((flags & PF_R) !== 0 ? PROT_READ : 0) |
    ((flags & PF_W) !== 0 ? PROT_WRITE : 0) |
    ((flags & PF_X) !== 0 ? PROT_EXEC : 0)
  );
}
