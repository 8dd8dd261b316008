/** Open ends of pipes and FIFOs. */
import { CAP_SYS_RESOURCE } from '../../abi/capability.ts';
import { EPIPE, ENOTTY } from '../../abi/errno.ts';
import { O_DIRECT } from '../../abi/fcntl.ts';
import { FIONREAD } from '../../abi/ioctl.ts';
import { POLLERR, POLLHUP, READABLE, WRITABLE } from '../../abi/poll.ts';
import { FileDescription } from '../../vfs/file-description.ts';
import type { CallerContext } from '../../vfs/context.ts';
import type { Inode } from '../../vfs/inode.ts';
import type { Path } from '../../vfs/path.ts';
import type { Pipe } from './pipe.ts';

const SIGPIPE = 13;

export class PipeFile extends FileDescription {
  /** For splice(2) and tee(2): peek, consume, write. */
  readonly pipe: Pipe;
  /** writerOpens at the time of a non-blocking open without writers: no hang-up is reported until one came. */
  private readonly opensSeen: number;
  declare readonly inode: Inode;

  constructor(pipe: Pipe, flags: number, path: Path | null, inode: Inode) {
    super(flags, path, inode);
    this.pipe = pipe;
    this.queue = pipe.queue;
    pipe.addEnds(this.readable, this.writable);
    this.opensSeen = pipe.writers === 0 && this.nonblocking ? pipe.writerOpens : -1;
  }

  override get asynchronous(): boolean {
    return true;
  }
  override get direct(): boolean {
    return true;
  }

  override name(): string {
    return `pipe:[${this.inode.ino}]`;
  }

  override read(buf: Uint8Array, off: number, len: number): number {
    return len === 0 ? 0 : this.pipe.read(buf, off, len);
  }

  override write(buf: Uint8Array, off: number, len: number, ctx: CallerContext): number {
    const n = this.pipe.write(buf, off, len, (this.flags & O_DIRECT) !== 0);
    if (n === -EPIPE) ctx.signalSelf(SIGPIPE);
    return n;
  }

  override readiness(): number {
    const pipe = this.pipe;
    let mask = 0;
    if (this.readable) {
      if (pipe.used > 0) mask |= READABLE;
      if (pipe.writers === 0 && pipe.writerOpens !== this.opensSeen) mask |= POLLHUP;
    }
    if (this.writable) {
      if (pipe.hasRoom) mask |= WRITABLE;
      if (pipe.readers === 0) mask |= POLLERR;
    }
    return mask;
  }

  override ioctl(cmd: number, arg: number, ctx: CallerContext): number {
    return cmd === FIONREAD ? ctx.writeI32(arg, this.pipe.used) : -ENOTTY;
  }

  /** F_GETPIPE_SZ, in bytes. */
  override pipeSize(): number {
    return this.pipe.capacity;
  }
  /** F_SETPIPE_SZ: the new capacity in bytes or a negated errno. */
  override setPipeSize(size: number, ctx: CallerContext): number {
    return this.pipe.resize(size, ctx.creds.hasCap(CAP_SYS_RESOURCE));
  }

  override release(): void {
    this.pipe.dropEnds(this.readable, this.writable);
  }
}
