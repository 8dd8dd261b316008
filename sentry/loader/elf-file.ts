/** Reads an ELF file's headers: checks them as Linux's binfmt_elf does and keeps what mapping needs. */
import { EIO, ELIBBAD, ENOEXEC } from '../abi/errno.ts';
import {
  E_ENTRY,
  E_MACHINE,
  E_PHENTSIZE,
  E_PHNUM,
  E_PHOFF,
  E_TYPE,
  EHDR_SIZE,
  ELFMAG,
  EM_AARCH64,
  EM_X86_64,
  ET_DYN,
  ET_EXEC,
  P_ALIGN,
  P_FILESZ,
  P_FLAGS,
  P_MEMSZ,
  P_OFFSET,
  P_TYPE,
  P_VADDR,
  PF_X,
  PHDR_SIZE,
  PT_GNU_STACK,
  PT_INTERP,
  PT_LOAD,
} from '../abi/elf.ts';
import { pageDown, pageUp } from '../abi/mman.ts';
import type { CallerContext } from '../vfs/context.ts';
import type { FileDescription } from '../vfs/file-description.ts';

/** A PT_LOAD segment; addresses and sizes in bytes. */
export interface Segment {
  vaddr: number;
  offset: number;
  fileSize: number;
  memSize: number;
  /** PF_ bits. */
  flags: number;
}

export interface ElfFile {
  /** ET_DYN: can go anywhere. */
  relocatable: boolean;
  entry: number;
  segments: Segment[];
  /** Path of PT_INTERP, or null. */
  interpreter: string | null;
  /** Unbiased address of the program headers in memory, or 0. */
  phdrAddress: number;
  phnum: number;
  /** PT_GNU_STACK asks for an executable stack. */
  executableStack: boolean;
  /** Lowest page of any segment, and the bytes from there to the last one's end. */
  firstPage: number;
  span: number;
  /** Largest alignment that a segment asks for, at least a page. */
  align: number;
}

const MACHINE = process.arch === 'arm64' ? EM_AARCH64 : EM_X86_64;
const MAX_PHDRS_SIZE = 65536;
const MAX_INTERPRETER = 4096;
const PAGE = 4096;

/**
 * Parses `head`, the first bytes of `file` (a page, or all there is). -ENOEXEC: not a program for this machine.
 * `asInterpreter`: failures are those of a bad shared library (-ELIBBAD).
 */
export function readElf(
  file: FileDescription,
  head: Buffer,
  ctx: CallerContext,
  asInterpreter: boolean,
): ElfFile | number {
  const bad = asInterpreter ? -ELIBBAD : -ENOEXEC;
  if (head.length < EHDR_SIZE) return asInterpreter ? -EIO : -ENOEXEC;
  if (head.readUInt32LE(0) !== ELFMAG) return bad;
  const type = head.readUInt16LE(E_TYPE);
  if (type !== ET_EXEC && type !== ET_DYN) return bad;
  if (head.readUInt16LE(E_MACHINE) !== MACHINE) return bad;
  const phnum = head.readUInt16LE(E_PHNUM);
  const size = phnum * PHDR_SIZE;
  if (head.readUInt16LE(E_PHENTSIZE) !== PHDR_SIZE || size === 0 || size > MAX_PHDRS_SIZE) return bad;
  const phoff = u64(head, E_PHOFF);
  const phdrs = bytesAt(file, head, phoff, size, ctx);
  if (typeof phdrs === 'number') return asInterpreter ? -ELIBBAD : phdrs === -EIO ? -ENOEXEC : phdrs;

  const elf: ElfFile = {
    relocatable: type === ET_DYN,
    entry: u64(head, E_ENTRY),
    segments: [],
    interpreter: null,
    phdrAddress: 0,
    phnum,
    executableStack: false,
    firstPage: Infinity,
    span: 0,
    align: PAGE,
  };
  let end = 0;
  for (let at = 0; at < size; at += PHDR_SIZE) {
    const kind = phdrs.readUInt32LE(at + P_TYPE);
    if (kind === PT_LOAD) {
      const segment = {
        vaddr: u64(phdrs, at + P_VADDR),
        offset: u64(phdrs, at + P_OFFSET),
        fileSize: u64(phdrs, at + P_FILESZ),
        memSize: u64(phdrs, at + P_MEMSZ),
        flags: phdrs.readUInt32LE(at + P_FLAGS),
      };
      if (!isSane(segment)) return bad;
      elf.segments.push(segment);
      elf.firstPage = Math.min(elf.firstPage, pageDown(segment.vaddr));
      end = Math.max(end, segment.vaddr + segment.memSize);
      if (phoff >= segment.offset && phoff < segment.offset + segment.fileSize) {
        elf.phdrAddress = phoff - segment.offset + segment.vaddr;
      }
      const align = u64(phdrs, at + P_ALIGN);
      if (align > elf.align && align <= 2 ** 40 && (Math.log2(align) | 0) === Math.log2(align))
        elf.align = align;
    } else if (kind === PT_INTERP && !asInterpreter && elf.interpreter === null) {
      const path = interpreterPath(file, head, phdrs, at, ctx);
      if (typeof path === 'number') return path;
      elf.interpreter = path;
    } else if (kind === PT_GNU_STACK) {
      elf.executableStack = (phdrs.readUInt32LE(at + P_FLAGS) & PF_X) !== 0;
    }
  }
  if (elf.segments.length === 0) return bad;
  elf.span = pageUp(end) - elf.firstPage;
  return elf;
}

function interpreterPath(
  file: FileDescription,
  head: Buffer,
  phdrs: Buffer,
  at: number,
  ctx: CallerContext,
): string | number {
  const length = u64(phdrs, at + P_FILESZ);
  if (length < 2 || length > MAX_INTERPRETER) return -ENOEXEC;
  const bytes = bytesAt(file, head, u64(phdrs, at + P_OFFSET), length, ctx);
  if (typeof bytes === 'number') return bytes;
  if (bytes[length - 1] !== 0) return -ENOEXEC;
  return bytes.latin1Slice(0, bytes.indexOf(0));
}

/** [offset, offset+len) of the file, from `head` where possible; -EIO when the file ends before. */
function bytesAt(
  file: FileDescription,
  head: Buffer,
  offset: number,
  len: number,
  ctx: CallerContext,
): Buffer | number {
  if (offset + len <= head.length) return head.subarray(offset, offset + len);
  if (offset > 2 ** 52) return -EIO;
  const bytes = Buffer.alloc(len);
  const n = file.pread(bytes, 0, len, offset, ctx);
  if (n < 0) return n;
  return n < len ? -EIO : bytes;
}

/** Linux maps a segment's first page from the file page that holds its first byte: both must be equally far in. */
function isSane(segment: Segment): boolean {
  const { vaddr, offset, fileSize, memSize } = segment;
  if (fileSize > memSize || memSize > 2 ** 47 || vaddr > 2 ** 48 || offset > 2 ** 52) return false;
  return fileSize === 0 || offset % PAGE === vaddr % PAGE;
}

function u64(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at + 4) * 4294967296 + bytes.readUInt32LE(at);
}
