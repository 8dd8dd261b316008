/** Pseudoterminals (pty(7)): a slave that is a terminal, and the master that plays its line. */
import { EAGAIN, EFAULT, EINVAL, EIO } from '../../abi/errno.ts';
import * as IO from '../../abi/ioctl.ts';
import { POLLHUP, POLLPRI, READABLE, WRITABLE } from '../../abi/poll.ts';
import { SIGINT, SIGQUIT, SIGTSTP } from '../../abi/signal.ts';
import { makedev } from '../../abi/stat.ts';
import * as T from '../../abi/termios.ts';
import { WaitQueue } from '../../base/wait-queue.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { Task } from '../../kernel/task.ts';
import type { CallerContext } from '../../vfs/context.ts';
import { FileDescription } from '../../vfs/file-description.ts';
import type { Inode } from '../../vfs/inode.ts';
import type { Path } from '../../vfs/path.ts';
import type { TtyBackend } from './backend.ts';
import { ByteRing } from './byte-ring.ts';
import { ttyIoctl } from './tty-ioctl.ts';
import { Tty } from './tty.ts';

/** Output that the master has not read; about what Linux's flip buffers hold. */
const OUTPUT_LIMIT = 20_000;
/** Input that the line discipline has not taken. */
const INPUT_LIMIT = 16_384;
/** What Linux has moved to the master's read buffer already, and a flush of the slave's output does not reach. */
const DELIVERED = 4095;
/** First major of Unix98 slaves. */
export const PTS_MAJOR = 136;

export class Pty implements TtyBackend {
  readonly index: number;
  readonly slave: Tty;
  readonly masterQueue = new WaitQueue();
  /** TIOCSPTLCK: a new slave cannot be opened before unlockpt(3). */
  locked = true;
  masterOpen = true;
  packetMode = false;
  /** Packet-mode events not yet read. */
  private packetStatus = 0;
  /** Open files of the slave, and whether there ever was one: then their end is a hang-up for the master. */
  private slaveOpens = 0;
  private slaveSeen = false;
  private readonly output = new ByteRing(OUTPUT_LIMIT);
  private readonly input = new ByteRing(INPUT_LIMIT);
  private readonly chunk = new Uint8Array(1024);
  private readonly onClose: (pty: Pty) => void;

  constructor(kernel: Kernel, index: number, onClose: (pty: Pty) => void) {
    this.index = index;
    this.onClose = onClose;
    this.slave = new Tty(kernel, makedev(PTS_MAJOR, index), () => this);
  }

  // ---- the slave's side (TtyBackend)
  write(buf: Uint8Array, off: number, len: number): number {
    const n = this.output.push(buf, off, len);
    if (n > 0) this.masterQueue.notify(READABLE);
    return n;
  }
  room(): number {
    return this.output.room;
  }
  /** Linux's ptys have no chars_in_buffer. */
  pending(): number {
    return 0;
  }
  flushOutput(): void {
    this.output.truncate(DELIVERED);
    this.packetEvent(T.TIOCPKT_FLUSHWRITE);
    this.slave.queue.notify(WRITABLE);
  }
  inputDrained(): void {
    while (this.input.length > 0) {
      const n = this.input.peek(this.chunk, 0, this.chunk.length);
      const taken = this.slave.receive(this.chunk, 0, n);
      this.input.drop(taken);
      if (taken < n) break;
    }
    if (this.input.room > 0) this.masterQueue.notify(WRITABLE);
  }
  packetEvent(bits: number): void {
    if (!this.packetMode) return;
    this.packetStatus = (this.packetStatus & ~opposite(bits)) | bits;
    this.masterQueue.notify(READABLE | POLLPRI);
  }
  winsizeChanged(): void {
    // the slave's files read it from there
  }

  admit(): number {
    return this.locked || !this.masterOpen ? -EIO : 0;
  }
  opened(): void {
    this.slaveOpens++;
    this.slaveSeen = true;
  }
  closed(): void {
    this.slaveOpens--;
    if (this.slaveGone) this.masterQueue.notify(READABLE | POLLHUP);
  }
  private get slaveGone(): boolean {
    return this.slaveSeen && this.slaveOpens === 0;
  }

  // ---- the master's side
  masterRead(buf: Uint8Array, off: number, len: number): number {
    if (len === 0) return 0;
    if (this.packetMode) {
      if (this.packetStatus !== 0) {
        buf[off] = this.packetStatus;
        this.packetStatus = 0;
        return 1;
      }
      if (this.output.length > 0) {
        buf[off] = 0;
        const n = this.output.shift(buf, off + 1, len - 1);
        this.slave.outputReady();
        return n + 1;
      }
    } else if (this.output.length > 0) {
      const n = this.output.shift(buf, off, len);
      this.slave.outputReady();
      return n;
    }
    return this.slaveGone ? -EIO : -EAGAIN;
  }

  masterWrite(buf: Uint8Array, off: number, len: number): number {
    let done = this.input.length > 0 ? 0 : this.slave.receive(buf, off, len);
    done += this.input.push(buf, off + done, len - done);
    return done === 0 && len > 0 ? -EAGAIN : done;
  }

  masterReadiness(): number {
    let mask = 0;
    if (this.output.length > 0 || this.packetStatus !== 0) mask |= READABLE;
    if (this.packetStatus !== 0) mask |= POLLPRI;
    if (this.slaveGone) mask |= POLLHUP;
    if (this.input.room > 0) mask |= WRITABLE;
    return mask;
  }

  get unread(): number {
    return this.output.length;
  }

  setPacketMode(on: boolean): void {
    if (on && !this.packetMode) this.packetStatus = 0;
    this.packetMode = on;
  }

  closeMaster(): void {
    this.masterOpen = false;
    this.onClose(this);
    this.slave.hangup();
  }
}

/** Events that cancel each other. */
function opposite(bits: number): number {
  let cleared = 0;
  if ((bits & T.TIOCPKT_STOP) !== 0) cleared |= T.TIOCPKT_START;
  if ((bits & T.TIOCPKT_START) !== 0) cleared |= T.TIOCPKT_STOP;
  if ((bits & T.TIOCPKT_DOSTOP) !== 0) cleared |= T.TIOCPKT_NOSTOP;
  if ((bits & T.TIOCPKT_NOSTOP) !== 0) cleared |= T.TIOCPKT_DOSTOP;
  return cleared;
}

/** Opens the slave in the caller's name: TIOCGPTPEER. Set by the devpts that the pty belongs to. */
export type OpenPeer = (flags: number, task: Task) => number;

/** An open master. */
export class PtyMasterFile extends FileDescription {
  readonly pty: Pty;
  private readonly openPeer: OpenPeer;

  constructor(pty: Pty, flags: number, path: Path, inode: Inode, openPeer: OpenPeer) {
    super(flags, path, inode);
    this.pty = pty;
    this.queue = pty.masterQueue;
    this.openPeer = openPeer;
  }

  override fdinfo(): string {
    return `tty-index:\t${this.pty.index}\n`;
  }
  override get asynchronous(): boolean {
    return true;
  }

  override read(buf: Uint8Array, off: number, len: number): number {
    return this.pty.masterRead(buf, off, len);
  }
  override write(buf: Uint8Array, off: number, len: number): number {
    return this.pty.masterWrite(buf, off, len);
  }
  override readiness(): number {
    return this.pty.masterReadiness();
  }

  override ioctl(cmd: number, arg: number, ctx: CallerContext): number {
    const { pty } = this;
    switch (cmd) {
      case IO.TIOCGPTN:
        return ctx.writeU32(arg, pty.index);
      case IO.TIOCGPTLCK:
        return ctx.writeI32(arg, pty.locked ? 1 : 0);
      case IO.TIOCGPKT:
        return ctx.writeI32(arg, pty.packetMode ? 1 : 0);
      case IO.TIOCSPTLCK:
      case IO.TIOCPKT: {
        const on = ctx.readI32(arg);
        if (on === null) return -EFAULT;
        if (cmd === IO.TIOCPKT) pty.setPacketMode(on !== 0);
        else pty.locked = on !== 0;
        return 0;
      }
      case IO.TIOCGPTPEER:
        return this.openPeer(arg, ctx as Task);
      case IO.TIOCSIG:
        return this.sendSignal(arg);
      case IO.FIONREAD:
        return ctx.writeI32(arg, pty.unread);
      case IO.TIOCOUTQ:
        return ctx.writeI32(arg, 0);
      default:
        return ttyIoctl(pty.slave, true, true, cmd, arg, ctx as Task);
    }
  }

  override release(): void {
    this.pty.closeMaster();
  }

  /** TIOCSIG: only the signals that keys can send. */
  private sendSignal(signo: number): number {
    if (signo !== SIGINT && signo !== SIGQUIT && signo !== SIGTSTP) return -EINVAL;
    this.pty.slave.signal(signo);
    return 0;
  }
}
