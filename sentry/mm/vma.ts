/** A virtual memory area: one stretch of a guest's address space with one backing and one set of rights. */
import type { Mappable } from './mappable.ts';
import { PROT_WRITE } from '../abi/mman.ts';

/** MAP_SHARED, also of a file opened read-only ("s" in /proc/PID/maps). */
export const VM_SHARED = 0x1;
/** mprotect(2) may add the right. */
export const VM_MAYREAD = 0x2;
export const VM_MAYWRITE = 0x4;
export const VM_MAYEXEC = 0x8;
export const VM_GROWSDOWN = 0x10;
export const VM_LOCKED = 0x20;
export const VM_LOCKONFAULT = 0x40;
export const VM_NORESERVE = 0x80;
export const VM_DONTFORK = 0x100;
export const VM_WIPEONFORK = 0x200;
export const VM_DONTDUMP = 0x400;
export const VM_HUGEPAGE = 0x800;
export const VM_NOHUGEPAGE = 0x1000;
export const VM_RANDOM = 0x2000;
export const VM_SEQUENTIAL = 0x4000;
export const VM_MERGEABLE = 0x8000;
/** Made with MAP_STACK: a thread's stack, mostly untouched (counts little in the resident estimate). */
export const VM_STACK_HINT = 0x10000;
/** The vdso and its data: the host's pages, outside the limits. */
export const VM_SPECIAL = 0x20000;
/** mseal(2). */
export const VM_SEALED = 0x40000;
export const VM_DROPPABLE = 0x80000;
/** A shared mapping through a descriptor that can write (counts against F_SEAL_WRITE). */
export const VM_SHARED_WRITER = 0x100000;

export const VM_MAYALL = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;

export class Vma {
  /** [start, end), page aligned. Changed by the map that holds it only. */
  start: number;
  end: number;
  /** PROT_ bits. */
  prot: number;
  /** VM_ bits. */
  flags: number;
  /** null: private anonymous memory. */
  mappable: Mappable | null;
  /** File offset of `start` in bytes; 0 for private anonymous memory. */
  offset: number;
  /** "[heap]", "[stack]", "[vdso]", "[anon:name]" or "": the file's own name. */
  name: string;

  constructor(
    start: number,
    end: number,
    prot: number,
    flags: number,
    mappable: Mappable | null,
    offset: number,
    name: string,
  ) {
    this.start = start;
    this.end = end;
    this.prot = prot;
    this.flags = flags;
    this.mappable = mappable;
    this.offset = offset;
    this.name = name;
  }

  get length(): number {
    return this.end - this.start;
  }

  get shared(): boolean {
    return (this.flags & VM_SHARED) !== 0;
  }

  /** The same area over [start, end), which must lie inside this one. */
  slice(start: number, end: number): Vma {
    const offset = this.mappable === null ? 0 : this.offset + (start - this.start);
    return new Vma(start, end, this.prot, this.flags, this.mappable, offset, this.name);
  }

  /** True when `next`, which starts where this ends, can become part of it. */
  continues(next: Vma): boolean {
    return (
      this.end === next.start &&
      this.prot === next.prot &&
      this.flags === next.flags &&
      this.mappable === next.mappable &&
      this.name === next.name &&
      (this.flags & VM_SPECIAL) === 0 &&
      (this.mappable === null || this.offset + this.length === next.offset)
    );
  }

  /** Bytes of the area that count against RLIMIT_DATA: private, writable, not a stack. */
  dataBytes(): number {
    const counts =
      (this.prot & PROT_WRITE) !== 0 && (this.flags & (VM_SHARED | VM_GROWSDOWN | VM_SPECIAL)) === 0;
    return counts ? this.length : 0;
  }
}
