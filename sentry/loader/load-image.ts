/**
 * The image work of execve(2): follows `#!` lines, reads the ELF file and its interpreter, fills a blank address space
 * and queues everything that its first thread must do, so that one replyStart(ip, sp) makes it run.
 */
import { E2BIG, EACCES, ELOOP, ENOENT, ENOEXEC, ENOMEM, ETXTBSY } from '../abi/errno.ts';
import {
  AT_BASE,
  AT_CLKTCK,
  AT_EGID,
  AT_ENTRY,
  AT_EUID,
  AT_EXECFN,
  AT_FLAGS,
  AT_GID,
  AT_HWCAP,
  AT_HWCAP2,
  AT_MINSIGSTKSZ,
  AT_PAGESZ,
  AT_PHDR,
  AT_PHENT,
  AT_PHNUM,
  AT_PLATFORM,
  AT_RANDOM,
  AT_SECURE,
  AT_SYSINFO_EHDR,
  AT_UID,
} from '../abi/auxv.ts';
import { PF_X, PHDR_SIZE } from '../abi/elf.ts';
import { PAGE_SIZE, PROT_EXEC, PROT_READ, pageDown, pageUp } from '../abi/mman.ts';
import { S_IFMT, S_IFREG } from '../abi/stat.ts';
import type { Credentials } from '../auth/credentials.ts';
import { AddressSpace } from '../mm/address-space.ts';
import { showArguments, showName } from '../../platform/host-names.ts';
import type { Platform, PlatformThread, SpaceSource } from '../../platform/platform.ts';
import type { CallerContext } from '../vfs/context.ts';
import type { FileDescription } from '../vfs/file-description.ts';
import { checkStringSizes } from './argument-limits.ts';
import { type ElfFile, readElf } from './elf-file.ts';
import { type AuxiliaryVector, buildStack } from './initial-stack.ts';
import { PIE_BASE, placeStack, randomBelow, randomBytes } from './layout.ts';
import { mapElf } from './map-elf.ts';
import { parseScript } from './script.ts';
import { mapStack } from './stack-area.ts';

export interface ExecRequest {
  platform: Platform;
  /** Where the new address space comes from. */
  spaces: SpaceSource;
  /** Reads files on its behalf. */
  ctx: CallerContext;
  /** The file to execute, opened by openExec or from a descriptor; execute permission has been checked. */
  file: FileDescription;
  /** Its path as execve's caller gave it: comm, AT_EXECFN, and what a script's interpreter is told. */
  path: string;
  argv: readonly string[];
  envp: readonly string[];
  /** Opens another program file (a `#!` or ELF interpreter) with all of execve's checks. */
  openExec(path: string): FileDescription | number;
  /** Credentials that the program will have, given the file that decides (setuid bits); secure is AT_SECURE. */
  credentialsFor(file: FileDescription): { creds: Credentials; secure: boolean };
  /** RLIMIT_STACK in bytes; Infinity: none. */
  stackLimit: number;
  /** personality(2) has ADDR_NO_RANDOMIZE. */
  noRandomize: boolean;
  /** fexecve of a close-on-exec descriptor: a script could not be opened by its interpreter. */
  pathInaccessible: boolean;
}

/** Everything is queued on `thread`, which waits for replyStart(ip, sp). */
export interface LoadedImage {
  readonly thread: PlatformThread;
  readonly mm: AddressSpace;
  readonly ip: number;
  readonly sp: number;
  /** comm: the path's last component. */
  readonly name: string;
  readonly creds: Credentials;
  readonly secure: boolean;
  /** The ELF file, for /proc/PID/exe; mm holds a reference. */
  readonly file: FileDescription;
}

/** Rewrites by scripts before ELOOP: a sixth is one too many. */
const MAX_SCRIPTS = 5;
const CLOCK_TICKS = 100;
const PLATFORM_NAME = process.arch === 'arm64' ? 'aarch64' : 'x86_64';

const headBuffer = Buffer.alloc(PAGE_SIZE);

/** The files of one execve; all are let go of at its end, the program's own is kept by the address space. */
interface Program {
  file: FileDescription;
  elf: ElfFile;
  interpreter: FileDescription | null;
  interpreterElf: ElfFile | null;
  argv: readonly string[];
}

export function loadImage(req: ExecRequest): LoadedImage | number {
  const held: FileDescription[] = [];
  const image = load(req, held);
  for (const file of held) file.decRef();
  return image;
}

function load(req: ExecRequest, held: FileDescription[]): LoadedImage | number {
  const program = findProgram(req, held);
  if (typeof program === 'number') return program;
  const tooBig = checkStringSizes(program.argv, req.envp, req.path, req.stackLimit);
  if (tooBig < 0) return tooBig;
  const thread = req.spaces.newSpace();
  if (typeof thread === 'number') return thread;
  const mm = new AddressSpace(req.platform, thread.space);
  const image = fill(req, program, thread, mm);
  if (typeof image === 'number') {
    mm.release();
    thread.space.destroy();
  }
  return image;
}

/** Follows `#!` lines to an ELF file and opens its interpreter. */
function findProgram(req: ExecRequest, held: FileDescription[]): Program | number {
  let { file } = req;
  let argv: readonly string[] = req.argv.length === 0 ? [''] : req.argv;
  let name = req.path;
  for (let depth = 0; ; depth++) {
    const head = openHead(file, held, req.ctx);
    if (typeof head === 'number') return head;
    const script = parseScript(head);
    if (typeof script === 'number') return script;
    if (script === null) {
      const elf = readElf(file, head, req.ctx, false);
      if (typeof elf === 'number') return elf;
      return openInterpreter(req, held, { file, elf, interpreter: null, interpreterElf: null, argv });
    }
    if (req.pathInaccessible) return -ENOENT;
    if (depth === MAX_SCRIPTS) return -ELOOP;
    const words = script.argument === null ? [script.interpreter] : [script.interpreter, script.argument];
    argv = [...words, name, ...argv.slice(1)];
    name = script.interpreter;
    const next = req.openExec(name);
    if (typeof next === 'number') return next;
    file = next;
  }
}

function openInterpreter(req: ExecRequest, held: FileDescription[], program: Program): Program | number {
  const path = program.elf.interpreter;
  if (path === null) return program;
  const file = req.openExec(path);
  if (typeof file === 'number') return file;
  const head = openHead(file, held, req.ctx);
  if (typeof head === 'number') return head;
  const elf = readElf(file, head, req.ctx, true);
  if (typeof elf === 'number') return elf;
  return { ...program, interpreter: file, interpreterElf: elf };
}

/** Takes a hold of the file and reads its first page; valid until the next call. */
function openHead(file: FileDescription, held: FileDescription[], ctx: CallerContext): Buffer | number {
  file.incRef();
  held.push(file);
  const inode = file.inode;
  if (inode === null || (inode.mode & S_IFMT) !== S_IFREG) return -EACCES;
  if (inode.writers > 0) return -ETXTBSY;
  const n = file.pread(headBuffer, 0, PAGE_SIZE, 0, ctx);
  if (n < 0) return n;
  return n === 0 ? -ENOEXEC : headBuffer.subarray(0, n);
}

function fill(
  req: ExecRequest,
  program: Program,
  thread: PlatformThread,
  mm: AddressSpace,
): LoadedImage | number {
  const { platform } = req;
  const { elf, interpreterElf } = program;
  if (platform.vdso !== 0) {
    if (platform.vdsoStart < platform.vdso)
      mm.addSpecial(platform.vdsoStart, platform.vdso, PROT_READ, '[vvar]');
    mm.addSpecial(platform.vdso, platform.vdsoEnd, PROT_READ | PROT_EXEC, '[vdso]');
  }
  const stack = placeStack(mm, req.stackLimit, !req.noRandomize);
  if (stack === null) return -ENOMEM;
  mm.placement.setBase(stack.mmapBase);

  const bias = chooseBias(mm, elf, !req.noRandomize);
  if (bias < 0) return bias;
  let r = mapElf(mm, thread, program.file, elf, bias);
  if (r < 0) return r;
  let interpreterBias = 0;
  if (program.interpreter !== null && interpreterElf !== null) {
    interpreterBias = chooseInterpreterBias(mm, interpreterElf);
    if (interpreterBias < 0) return interpreterBias;
    r = mapElf(mm, thread, program.interpreter, interpreterElf, interpreterBias);
    if (r < 0) return r;
  }
  setExtents(mm, elf, bias, !req.noRandomize);
  mm.setExecutable(program.file);

  const { creds, secure } = req.credentialsFor(program.file);
  const built = buildStack({
    top: stack.top,
    argv: program.argv,
    envp: req.envp,
    execfn: req.path,
    platform: PLATFORM_NAME,
    random: randomBytes(16),
    slack: req.noRandomize ? 0 : randomBelow(8192),
    auxv: auxiliaryVector(platform, program, bias, interpreterBias, creds, secure),
  });
  if (built.sp - stack.start < PAGE_SIZE * 4) return -E2BIG;
  r = mapStack(mm, thread, stack, built, elf.executableStack);
  if (r < 0) return r;
  mm.startStack = built.sp;
  mm.argStart = built.argStart;
  mm.argEnd = built.argEnd;
  mm.envStart = built.envStart;
  mm.envEnd = built.envEnd;
  mm.auxv = built.auxv;
  mm.peakBytes = mm.map.totalBytes;
  const name = commOf(req.path);
  showName(thread, name);
  showArguments(thread, mm.argStart, mm.argEnd, mm.envStart, mm.envEnd);
  const ip = interpreterElf === null ? elf.entry + bias : interpreterElf.entry + interpreterBias;
  return { thread, mm, ip, sp: built.sp, name, creds, secure, file: program.file };
}

/** Where an ELF file goes: fixed, at a third of the address space for PIE, among the mappings for a bare loader. */
function chooseBias(mm: AddressSpace, elf: ElfFile, randomize: boolean): number {
  if (!elf.relocatable) return 0;
  if (elf.interpreter === null) return chooseInterpreterBias(mm, elf);
  const base = PIE_BASE + (randomize ? randomBelow(2 ** 28) * PAGE_SIZE : 0);
  const first = base - (base % elf.align);
  return first - elf.firstPage;
}

function chooseInterpreterBias(mm: AddressSpace, elf: ElfFile): number {
  if (!elf.relocatable) return 0;
  const { placement } = mm;
  const first = elf.align > PAGE_SIZE ? placement.findAligned(elf.span, elf.align) : placement.find(elf.span);
  return first === 0 ? -ENOMEM : first - elf.firstPage;
}

/** Code, data and heap extents as binfmt_elf computes them. */
function setExtents(mm: AddressSpace, elf: ElfFile, bias: number, randomize: boolean): void {
  let startCode = Infinity;
  let endCode = 0;
  let startData = 0;
  let endData = 0;
  let end = 0;
  for (const s of elf.segments) {
    const executable = (s.flags & PF_X) !== 0;
    if (executable && s.vaddr < startCode) startCode = s.vaddr;
    if (s.vaddr > startData) startData = s.vaddr;
    const fileEnd = s.vaddr + s.fileSize;
    if (executable && fileEnd > endCode) endCode = fileEnd;
    if (fileEnd > endData) endData = fileEnd;
    if (s.vaddr + s.memSize > end) end = s.vaddr + s.memSize;
  }
  mm.startCode = startCode === Infinity ? 0 : startCode + bias;
  mm.endCode = endCode + bias;
  mm.startData = startData + bias;
  mm.endData = endData + bias;
  // A loader run directly lies among the mappings, where a heap would have no room to grow.
  let brk = elf.relocatable && elf.interpreter === null ? PIE_BASE : pageUp(end + bias);
  if (randomize) brk = pageDown(brk + randomBelow(2 ** 18) * PAGE_SIZE);
  mm.startBrk = brk;
  mm.brk = brk;
}

function auxiliaryVector(
  platform: Platform,
  program: Program,
  bias: number,
  interpreterBias: number,
  creds: Credentials,
  secure: boolean,
): AuxiliaryVector {
  const { elf } = program;
  const vector: [number, number][] = [];
  if (platform.vdso !== 0) vector.push([AT_SYSINFO_EHDR, platform.vdso]);
  vector.push(
    [AT_MINSIGSTKSZ, platform.minSigStackSize],
    [AT_HWCAP, platform.hwcap],
    [AT_PAGESZ, PAGE_SIZE],
    [AT_CLKTCK, CLOCK_TICKS],
    [AT_PHDR, elf.phdrAddress === 0 ? 0 : elf.phdrAddress + bias],
    [AT_PHENT, PHDR_SIZE],
    [AT_PHNUM, elf.phnum],
    [AT_BASE, interpreterBias],
    [AT_FLAGS, 0],
    [AT_ENTRY, elf.entry + bias],
    [AT_UID, creds.uid],
    [AT_EUID, creds.euid],
    [AT_GID, creds.gid],
    [AT_EGID, creds.egid],
    [AT_SECURE, secure ? 1 : 0],
    [AT_RANDOM, 0],
    [AT_HWCAP2, platform.hwcap2],
    [AT_EXECFN, 0],
    [AT_PLATFORM, 0],
  );
  return vector;
}

function commOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).slice(0, 15);
}
