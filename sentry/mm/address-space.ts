/**
 * A guest address space: what is mapped where. The host process behind it holds the memory; this is the map by which
 * the kernel decides. Changes are made here first and sent along with the calling thread's reply as host operations;
 * if the host refuses one, the change is rolled back (see MemoryCaller.onOpsFailed).
 */
import { DOUBLE_ZERO } from '../base/double.ts';
import { PROT_EXEC, PROT_READ, PROT_WRITE } from '../abi/mman.ts';
import { WaitQueue } from '../base/wait-queue.ts';
import type { Platform, PlatformSpace, PlatformThread } from '../../platform/platform.ts';
import { Placement } from './placement.ts';
import { VM_DONTFORK, VM_LOCKED, VM_LOCKONFAULT, VM_MAYALL, VM_SHARED, VM_SPECIAL, Vma } from './vma.ts';
import { VmaMap } from './vma-map.ts';

/** The task on whose thread operations travel. */
export interface MemoryCaller {
  readonly thread: PlatformThread;
  /**
   * Called when the host refused an operation of the last reply, with its negated errno; returns what the syscall is
   * to return instead of the value that was replied.
   */
  onOpsFailed: ((errno: number) => number) | null;
}

/** What an address space keeps of its program file: a sentry/vfs FileDescription, which this layer cannot name. */
export interface ExecutableFile {
  readonly inode: { writers: number } | null;
  incRef(): void;
  decRef(): void;
}

const POLLIN = 1;

export class AddressSpace {
  readonly map = new VmaMap();
  readonly placement: Placement;
  /** Lowest and highest addresses that may be mapped. */
  readonly min: number;
  readonly max: number;
  /** The host side; replaced never: execve makes a new AddressSpace. */
  readonly space: PlatformSpace;

  /** The heap: [startBrk, brk), set by execve; brk moves by brk(2). */
  startBrk = DOUBLE_ZERO;
  brk = DOUBLE_ZERO;
  /** Extents for /proc/PID/stat and the brk limit; set by execve. */
  startCode = DOUBLE_ZERO;
  endCode = DOUBLE_ZERO;
  startData = DOUBLE_ZERO;
  endData = DOUBLE_ZERO;
  /** Stack pointer at the start; [argStart, argEnd) and [envStart, envEnd) hold the strings. */
  startStack = DOUBLE_ZERO;
  argStart = DOUBLE_ZERO;
  argEnd = DOUBLE_ZERO;
  envStart = DOUBLE_ZERO;
  envEnd = DOUBLE_ZERO;
  /** The auxiliary vector as it was put on the stack (/proc/PID/auxv). */
  auxv: Uint8Array = new Uint8Array(0);
  /** VM_LOCKED | VM_LOCKONFAULT after mlockall(MCL_FUTURE): for every new area. */
  futureFlags = 0;
  /** Highest totals seen, for VmPeak. */
  peakBytes = DOUBLE_ZERO;
  /** The program, for /proc/PID/exe. Changed by setExecutable(). */
  exe: ExecutableFile | null = null;

  /** Tasks that run in it: 2 and more while threads or a vfork share it. Changed by retain() and release(). */
  users = 1;
  /** A change is on its way to the host and no other may meet it. Changed by submitAlone(), unlock(). */
  locked = false;
  readonly lockQueue = new WaitQueue();

  constructor(platform: Pick<Platform, 'minAddress' | 'maxAddress'>, space: PlatformSpace) {
    this.min = platform.minAddress;
    this.max = platform.maxAddress;
    this.space = space;
    this.placement = new Placement(this.map, this.min, this.max);
  }

  // ---- lifetime
  retain(): void {
    this.users++;
  }

  /** The last user's release lets go of all files. The host process is the kernel's matter. */
  release(): void {
    if (--this.users > 0) return;
    this.map.clear();
    this.setExecutable(null);
  }

  /** The program file: nobody may write to it while it runs (ETXTBSY). */
  setExecutable(file: ExecutableFile | null): void {
    file?.incRef();
    if (file?.inode) file.inode.writers--;
    const old = this.exe;
    this.exe = file;
    if (old?.inode) old.inode.writers++;
    old?.decRef();
  }

  /** The child's map for fork(2), on its own host space. Locks are not inherited (mlock(2)). */
  fork(space: PlatformSpace): AddressSpace {
    const child = new AddressSpace({ minAddress: this.min, maxAddress: this.max }, space);
    child.placement.setBase(this.placement.mmapBase);
    for (const vma of this.map.list) {
      if ((vma.flags & VM_DONTFORK) !== 0) continue;
      const copy = vma.slice(vma.start, vma.end);
      if ((copy.flags & VM_LOCKED) === 0) {
        child.map.append(copy);
        continue;
      }
      copy.flags &= ~(VM_LOCKED | VM_LOCKONFAULT);
      child.map.insert(copy);
    }
    child.startBrk = this.startBrk;
    child.brk = this.brk;
    child.startCode = this.startCode;
    child.endCode = this.endCode;
    child.startData = this.startData;
    child.endData = this.endData;
    child.startStack = this.startStack;
    child.argStart = this.argStart;
    child.argEnd = this.argEnd;
    child.envStart = this.envStart;
    child.envEnd = this.envEnd;
    child.auxv = this.auxv;
    child.peakBytes = child.map.totalBytes;
    child.setExecutable(this.exe);
    return child;
  }

  // ---- questions
  /**
   * True when the map allows reading (or writing) all of [addr, addr+len). On both architectures what can be written
   * or executed can be read. Memory can still be missing behind it (a truncated file): copies are guarded.
   */
  canAccess(addr: number, len: number, write: boolean): boolean {
    const need = write ? PROT_WRITE : PROT_READ | PROT_WRITE | PROT_EXEC;
    let vma = this.map.find(addr);
    if (vma === null || (vma.prot & need) === 0) return false;
    const end = addr + len;
    while (vma.end < end) {
      vma = this.map.find(vma.end);
      if (vma === null || (vma.prot & need) === 0) return false;
    }
    return true;
  }

  /** May the platform rewrite a syscall site at `ip`: private program text that nobody can write? */
  isPatchable(ip: number): boolean {
    const vma = this.map.find(ip);
    if (vma === null || (vma.flags & (VM_SHARED | VM_SPECIAL)) !== 0) return false;
    return vma.prot === (PROT_READ | PROT_EXEC);
  }

  // ---- changes
  /** Puts `vma` over whatever is in its range; the pieces it replaced. */
  put(vma: Vma): Vma[] {
    const old = this.map.isFree(vma.start, vma.end) ? NOTHING : this.map.cut(vma.start, vma.end);
    this.map.insert(vma);
    this.map.drop(old);
    if (this.map.totalBytes > this.peakBytes) this.peakBytes = this.map.totalBytes;
    return old;
  }

  /** Empties [start, end); the pieces that were there. */
  take(start: number, end: number): Vma[] {
    const old = this.map.cut(start, end);
    if (old.length !== 0) this.placement.freed(end);
    this.map.drop(old);
    return old;
  }

  /** Replaces the pieces in [start, end) by changed copies of themselves. */
  change(start: number, end: number, edit: (copy: Vma) => void): Vma[] {
    const old = this.map.cut(start, end);
    for (const piece of old) {
      const copy = piece.slice(piece.start, piece.end);
      edit(copy);
      this.map.insert(copy);
    }
    this.map.drop(old);
    return old;
  }

  /** Undoes a change of [start, end): what it holds now goes, the old pieces come back. */
  restore(start: number, end: number, old: readonly Vma[]): void {
    this.take(start, end);
    for (const piece of old) this.map.insert(piece.slice(piece.start, piece.end));
  }

  /** The vdso and its data pages, which the host process has from its start. */
  addSpecial(start: number, end: number, prot: number, name: string): void {
    this.map.insert(new Vma(start, end, prot, VM_SPECIAL | VM_MAYALL, null, 0, name));
  }

  /**
   * The caller has queued an operation for its reply; `undo` rolls the map back if the host refuses it. Other tasks
   * may go on: they can only touch the range by an address that the caller told them, and it cannot have yet.
   */
  submit(caller: MemoryCaller, undo: (errno: number) => number): void {
    caller.onOpsFailed = undo;
  }

  /** The same for an operation that frees [start, end): not to be given to another task while it is under way. */
  submitFreeing(caller: MemoryCaller, start: number, end: number, undo: (errno: number) => number): void {
    caller.onOpsFailed = undo;
    if (this.users === 1) return;
    this.placement.hold({
      start,
      end,
      // The kernel forgets the undo with the thread's next call, and the thread at its end.
      settled: () => caller.onOpsFailed !== undo || caller.thread.owner === null,
    });
  }

  /**
   * The same for an operation that must not meet another task's: descriptors are taken by the host's threads in the
   * order in which they come to it. The map is locked until the kernel has seen the operation done (unlock()).
   */
  submitAlone(caller: MemoryCaller, undo: (errno: number) => number): void {
    caller.onOpsFailed = undo;
    if (this.users === 1) return;
    caller.thread.ackOps = true;
    this.lock();
  }

  /** Also while a fork is under way in a shared space: it hands descriptors over too. */
  lock(): void {
    this.locked = true;
  }

  /** The operations are done (or failed and rolled back): the next change may come. */
  unlock(): void {
    if (!this.locked) return;
    this.locked = false;
    this.lockQueue.notify(POLLIN);
  }
}

const NOTHING: Vma[] = [];
