/** An open terminal: reads with VMIN and VTIME, writes, job control, ioctls. */
import { EAGAIN, EBUSY, EIO, ENOTTY, ESPIPE } from '../../abi/errno.ts';
import { CAP_SYS_ADMIN } from '../../abi/capability.ts';
import { O_NOCTTY, O_WRONLY, O_ACCMODE } from '../../abi/fcntl.ts';
import { TIOCSPGRP } from '../../abi/ioctl.ts';
import { POLLERR, POLLHUP, READABLE, WRITABLE } from '../../abi/poll.ts';
import * as T from '../../abi/termios.ts';
import type { Task } from '../../kernel/task.ts';
import { Timer } from '../../time/timers.ts';
import type { CallerContext } from '../../vfs/context.ts';
import { FileDescription } from '../../vfs/file-description.ts';
import type { Inode } from '../../vfs/inode.ts';
import type { Path } from '../../vfs/path.ts';
import { acquire, checkChange, checkRead } from './job-control.ts';
import { ttyIoctl } from './tty-ioctl.ts';
import type { Tty, TtyHolder } from './tty.ts';

/** VTIME counts tenths of a second. */
const VTIME_NS = 100_000_000;

/** A raw read under VTIME: what it had when its clock last started. */
class TimedRead {
  available = -1;
  expired = false;
  readonly timer: Timer;

  constructor(tty: Tty) {
    this.timer = new Timer(() => {
      this.expired = true;
      tty.queue.notify(READABLE);
    });
  }
}

export class TtyFile extends FileDescription implements TtyHolder {
  readonly tty: Tty;
  /** The terminal was hung up under this file. */
  hung = false;
  private readonly timed = new Map<CallerContext, TimedRead>();

  constructor(tty: Tty, flags: number, path: Path | null, inode: Inode | null) {
    super(flags, path, inode);
    this.tty = tty;
    this.queue = tty.queue;
    tty.holders.add(this);
    tty.backend.opened();
  }

  override get asynchronous(): boolean {
    return true;
  }

  override read(buf: Uint8Array, off: number, len: number, ctx: CallerContext): number {
    if (this.hung) return 0;
    const r = checkRead(ctx as Task, this.tty);
    if (r < 0) return r;
    if (len === 0) return 0;
    const { line, termios } = this.tty;
    const vmin = termios.cc[T.VMIN]!;
    if (line.canonical || (vmin <= 1 && line.available > 0)) return line.read(buf, off, len);
    const vtime = termios.cc[T.VTIME]!;
    if (vmin === 0 && vtime === 0) return 0;
    if (vmin > 0 && line.available >= Math.min(vmin, len)) return line.read(buf, off, len);
    // Neither waits for more, nor does who has a signal.
    const waits = !this.nonblocking && !(ctx as Task).interruptPending();
    if (!waits && line.available > 0) return line.read(buf, off, len);
    // Under VMIN the clock runs between bytes only: not before the first.
    if (vtime === 0 || (vmin > 0 && line.available === 0)) return -EAGAIN;
    return this.readTimed(buf, off, len, ctx as Task, vtime);
  }

  override write(buf: Uint8Array, off: number, len: number, ctx: CallerContext): number {
    if (this.hung) return -EIO;
    if ((this.tty.termios.lflag & T.TOSTOP) !== 0) {
      const r = checkChange(ctx as Task, this.tty);
      if (r < 0) return r;
    }
    const n = this.tty.line.output.write(buf, off, len);
    return n === 0 && len > 0 ? -EAGAIN : n;
  }

  override readiness(): number {
    if (this.hung) return READABLE | WRITABLE | POLLHUP | POLLERR;
    return this.tty.readiness();
  }

  override ioctl(cmd: number, arg: number, ctx: CallerContext): number {
    if (this.hung) return cmd === TIOCSPGRP ? -ENOTTY : -EIO;
    return ttyIoctl(this.tty, this.readable, false, cmd, arg, ctx as Task);
  }

  override seek(): number {
    return -ESPIPE;
  }

  override release(): void {
    this.tty.holders.delete(this);
    for (const timed of this.timed.values()) this.tty.kernel.timers.cancel(timed.timer);
    this.tty.backend.closed();
  }

  /** VTIME: the clock starts at the call (VMIN 0) or at each byte; when it runs out, what is there is the answer. */
  private readTimed(buf: Uint8Array, off: number, len: number, task: Task, vtime: number): number {
    const { line, kernel } = this.tty;
    let timed = this.timed.get(task);
    if (timed?.expired === true) {
      this.timed.delete(task);
      return line.available > 0 ? line.read(buf, off, len) : 0;
    }
    if (timed === undefined) {
      timed = new TimedRead(this.tty);
      this.timed.set(task, timed);
      task.onUnblock = () => {
        const left = this.timed.get(task);
        if (left !== undefined) kernel.timers.cancel(left.timer);
        this.timed.delete(task);
      };
    }
    if (timed.available !== line.available) {
      timed.available = line.available;
      kernel.timers.arm(timed.timer, kernel.clock.monotonicNs() + vtime * VTIME_NS);
    }
    return -EAGAIN;
  }
}

/**
 * Opens a terminal for a task: exclusive use, and for a session leader without a terminal that it becomes the
 * controlling one unless O_NOCTTY (or write-only: TIOCSCTTY needs to read).
 */
export function openTty(
  tty: Tty,
  flags: number,
  path: Path | null,
  inode: Inode | null,
  ctx: CallerContext,
): TtyFile | number {
  const r = tty.backend.admit();
  if (r < 0) return r;
  if (tty.exclusive && !ctx.creds.hasCap(CAP_SYS_ADMIN)) return -EBUSY;
  const file = new TtyFile(tty, flags, path, inode);
  if ((flags & O_NOCTTY) === 0 && (flags & O_ACCMODE) !== O_WRONLY) {
    const { group } = ctx as Task;
    const { session } = group;
    if (group.isSessionLeader && session.tty === null && tty.session === null)
      acquire(session, tty, group.pgrp);
  }
  return file;
}
