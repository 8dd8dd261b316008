/** File descriptor tables: numbers to open file descriptions; shared by CLONE_FILES, copied by fork. */
import { EMFILE } from '../abi/errno.ts';
import type { KeptSockets } from '../../platform/platform.ts';
import { RLIMIT_NOFILE } from '../abi/resource.ts';
import type { CallerContext } from '../vfs/context.ts';
import type { FileDescription } from '../vfs/file-description.ts';
import type { Rlimits } from './rlimits.ts';

export class FdTable {
  /** Tasks that use this table. */
  users = 1;
  /** Whose RLIMIT_NOFILE bounds it: the group that made it. */
  limits: Rlimits;
  /** What of it the stub of its users' space reads and writes itself. */
  kept: KeptSockets | null = null;
  /** Tasks of several address spaces use it. */
  acrossSpaces = false;
  private readonly files: (FileDescription | null)[] = [];
  private readonly closeOnExec: boolean[] = [];
  /** No descriptor below this one is free. */
  private firstFree = 0;
  private open = 0;

  constructor(limits: Rlimits) {
    this.limits = limits;
  }

  /** One above the highest descriptor allowed. */
  get limit(): number {
    return Math.min(this.limits.soft[RLIMIT_NOFILE]!, 1048576);
  }

  /** Open descriptors. */
  get count(): number {
    return this.open;
  }

  /** One above the highest descriptor that has ever been used: the bound for iteration. */
  get size(): number {
    return this.files.length;
  }

  get(fd: number): FileDescription | null {
    // The double test keeps a negative or huge number from making the array slow.
    return fd >= 0 && fd < this.files.length ? this.files[fd]! : null;
  }

  /** 0, or -EMFILE when there is no room for one more: for calls that act before they have its file. */
  admits(): number {
    let fd = this.firstFree;
    while (fd < this.files.length && this.files[fd] !== null) fd++;
    this.firstFree = fd;
    return fd < this.limit ? 0 : -EMFILE;
  }

  /** Puts the file at the lowest free descriptor >= minFd: that number, or -EMFILE. Takes a reference. */
  alloc(file: FileDescription, minFd: number, cloexec: boolean): number {
    let fd = Math.max(minFd, this.firstFree);
    while (fd < this.files.length && this.files[fd] !== null) fd++;
    if (fd >= this.limit) return -EMFILE;
    this.put(fd, file, cloexec);
    if (minFd <= this.firstFree) this.firstFree = fd + 1;
    return fd;
  }

  /** Puts the file at `fd` (checked against the limit by the caller), letting go of what was there. */
  set(fd: number, file: FileDescription, cloexec: boolean): void {
    const old = this.get(fd);
    this.put(fd, file, cloexec);
    if (old !== null) {
      this.open--;
      old.decRef();
    }
  }

  /**
   * Frees the descriptor and lets go of its reference; the description that was there, or null. Callers that
   * close (not move) it call flush() first, while it is still in the table.
   */
  remove(fd: number): FileDescription | null {
    const file = this.get(fd);
    if (file === null) return null;
    this.files[fd] = null;
    this.closeOnExec[fd] = false;
    this.kept?.drop(fd);
    if (fd < this.firstFree) this.firstFree = fd;
    this.open--;
    file.decRef();
    return file;
  }

  cloexec(fd: number): boolean {
    return this.closeOnExec[fd] === true;
  }

  setCloexec(fd: number, on: boolean): void {
    if (this.get(fd) !== null) this.closeOnExec[fd] = on;
  }

  /** The lowest open descriptor >= fd, or -1. */
  nextOpen(fd: number): number {
    for (let i = fd; i < this.files.length; i++) if (this.files[i] !== null) return i;
    return -1;
  }

  /** fork and unshare(CLONE_FILES): the same descriptions under the same numbers. */
  clone(limits: Rlimits): FdTable {
    const copy = new FdTable(limits);
    for (let fd = 0; fd < this.files.length; fd++) {
      const file = this.files[fd]!;
      copy.files.push(file);
      copy.closeOnExec.push(this.closeOnExec[fd]!);
      file?.incRef();
    }
    copy.firstFree = this.firstFree;
    copy.open = this.open;
    return copy;
  }

  /** execve. */
  closeCloexec(ctx: CallerContext): void {
    for (let fd = 0; fd < this.files.length; fd++) if (this.closeOnExec[fd] === true) this.close(fd, ctx);
  }

  /** One user less; the last one closes everything. */
  release(ctx: CallerContext): void {
    if (--this.users > 0) return;
    for (let fd = 0; fd < this.files.length; fd++) this.close(fd, ctx);
  }

  /** Its users have a new address space, or will not all have the same. */
  leaveSpace(): void {
    this.kept?.dropAll();
    this.kept = null;
  }

  private close(fd: number, ctx: CallerContext): void {
    this.get(fd)?.flush(ctx);
    this.remove(fd);
  }

  private put(fd: number, file: FileDescription, cloexec: boolean): void {
    while (this.files.length <= fd) {
      this.files.push(null);
      this.closeOnExec.push(false);
    }
    this.files[fd] = file;
    this.closeOnExec[fd] = cloexec;
    this.kept?.drop(fd);
    this.open++;
    file.incRef();
  }
}
