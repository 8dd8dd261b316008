/** /proc/PID/mem: another process's memory at its own addresses. */
import { EACCES, EINVAL, EIO } from '../../abi/errno.ts';
import { SEEK_CUR, SEEK_SET } from '../../abi/fcntl.ts';
import { S_IFREG } from '../../abi/stat.ts';
import type { Task } from '../../kernel/task.ts';
import type { CallerContext } from '../../vfs/context.ts';
import { FileDescription } from '../../vfs/file-description.ts';
import type { Path } from '../../vfs/path.ts';
import { PseudoInode } from '../pseudo/inode.ts';
import { mayInspect } from './access.ts';
import type { ProcContext } from './context.ts';
import { mmOf } from './context.ts';

export class MemInode extends PseudoInode {
  readonly task: Task;

  constructor(proc: ProcContext, task: Task) {
    super(proc.fs, S_IFREG | 0o600);
    this.task = task;
  }

  override open(path: Path, flags: number, ctx: CallerContext): FileDescription | number {
    return mayInspect(ctx, this.task) < 0 ? -EACCES : new MemFile(flags, path, this);
  }
}

class MemFile extends FileDescription {
  private readonly task: Task;

  constructor(flags: number, path: Path, inode: MemInode) {
    super(flags, path, inode);
    this.task = inode.task;
  }

  override get splicesOut(): boolean {
    return false;
  }
  override get splicesIn(): boolean {
    return false;
  }

  override read(buf: Uint8Array, off: number, len: number, ctx: CallerContext): number {
    const n = this.pread(buf, off, len, this.pos, ctx);
    if (n > 0) this.pos += n;
    return n;
  }
  override write(buf: Uint8Array, off: number, len: number, ctx: CallerContext): number {
    const n = this.pwrite(buf, off, len, this.pos, ctx);
    if (n > 0) this.pos += n;
    return n;
  }

  override pread(buf: Uint8Array, off: number, len: number, pos: number, _ctx: CallerContext): number {
    const mm = mmOf(this.task);
    if (mm === null || len === 0) return 0;
    return mm.canAccess(pos, len, false) && mm.space.read(pos, buf, off, len) >= 0 ? len : -EIO;
  }
  override pwrite(buf: Uint8Array, off: number, len: number, pos: number, _ctx: CallerContext): number {
    const mm = mmOf(this.task);
    if (mm === null || len === 0) return 0;
    return mm.canAccess(pos, len, true) && mm.space.write(pos, buf, off, len) >= 0 ? len : -EIO;
  }

  override truncate(): number {
    return 0;
  }
  override seek(offset: number, whence: number): number {
    const to = whence === SEEK_SET ? offset : whence === SEEK_CUR ? this.pos + offset : NaN;
    if (Number.isNaN(to)) return -EINVAL;
    this.pos = to;
    return to;
  }
}
