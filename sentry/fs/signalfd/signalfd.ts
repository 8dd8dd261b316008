/** signalfd(2): pending signals of the reader as records of struct signalfd_siginfo. */
import { EAGAIN, EINVAL } from '../../abi/errno.ts';
import { O_RDWR } from '../../abi/fcntl.ts';
import { POLLIN } from '../../abi/poll.ts';
import { SIGCHLD, SIGIO, SI_SIGIO, SI_TIMER } from '../../abi/signal.ts';
import type { WaitQueue } from '../../base/wait-queue.ts';
import type { Task } from '../../kernel/task.ts';
import type { ThreadGroup } from '../../kernel/thread-group.ts';
import type { SigInfo } from '../../signal/sig-info.ts';
import { UNBLOCKABLE_LO } from '../../signal/sig-set.ts';
import { sharedAnonInode } from '../../vfs/anon-inode.ts';
import type { CallerContext } from '../../vfs/context.ts';
import { FileDescription } from '../../vfs/file-description.ts';

const RECORD_SIZE = 128;
const POLLRDNORM = 0x40;

export class SignalFile extends FileDescription {
  maskLo = 0;
  maskHi = 0;
  override readonly queue: WaitQueue;
  private readonly opener: Task;

  constructor(opener: Task, flags: number) {
    super(O_RDWR | flags, null, sharedAnonInode);
    this.opener = opener;
    this.queue = opener.kernel.signals.queued;
  }

  setMask(lo: number, hi: number): void {
    this.maskLo = lo & ~UNBLOCKABLE_LO;
    this.maskHi = hi;
    this.queue.notify(POLLIN);
  }

  override name(): string {
    return 'anon_inode:[signalfd]';
  }

  override fdinfo(): string {
    const word = (bits: number): string => (bits >>> 0).toString(16).padStart(8, '0');
    return `sigmask:\t${word(this.maskHi)}${word(this.maskLo)}\n`;
  }

  override read(buf: Uint8Array, off: number, len: number, ctx: CallerContext): number {
    if (len < RECORD_SIZE) return -EINVAL;
    const task = ctx as unknown as Task;
    let done = 0;
    while (done + RECORD_SIZE <= len) {
      const info = task.kernel.signals.take(task, ~this.maskLo, ~this.maskHi);
      if (info === null) break;
      info.timer?.delivered(info);
      encodeRecord(info, buf, off + done);
      done += RECORD_SIZE;
    }
    if (done === 0) return -EAGAIN;
    task.kernel.signals.recalculate(task);
    return done;
  }

  /**
   * For the process that asks. A sender's call (an epoll callback during delivery) asks on behalf of the opener, whose
   * signals they usually are.
   */
  /** lseek(2) succeeds and does nothing. */
  override seek(): number {
    return 0;
  }

  override readiness(): number {
    const { current } = this.opener.kernel;
    const own = this.opener.group;
    if (this.hasPending(own)) return POLLIN | POLLRDNORM;
    return current !== null && current.group !== own && this.hasPending(current.group)
      ? POLLIN | POLLRDNORM
      : 0;
  }

  private hasPending(group: ThreadGroup): boolean {
    if (((group.pending.lo & this.maskLo) | (group.pending.hi & this.maskHi)) !== 0) return true;
    for (const task of group.tasks) {
      if (((task.pending.lo & this.maskLo) | (task.pending.hi & this.maskHi)) !== 0) return true;
    }
    return false;
  }
}

/** struct signalfd_siginfo, 128 bytes. */
function encodeRecord(info: SigInfo, out: Uint8Array, at: number): void {
  out.fill(0, at, at + RECORD_SIZE);
  const view = new DataView(out.buffer, out.byteOffset + at, RECORD_SIZE);
  const set = (offset: number, value: number): void => {
    view.setInt32(offset, value | 0, true);
  };
  set(0, info.signo);
  set(4, info.errno);
  set(8, info.code);
  if (info.code === SI_TIMER) {
    set(24, info.timerId);
    set(32, info.overrun);
    setValue(set, info);
    return;
  }
  if (info.code === SI_SIGIO || (info.signo === SIGIO && info.code > 0 && info.code < 0x80)) {
    set(28, info.band);
    set(20, info.fd);
    return;
  }
  if (info.code > 0 && info.code < 0x80 && info.signo !== SIGCHLD) {
    view.setUint32(72, info.addr >>> 0, true);
    view.setUint32(76, Math.floor(info.addr / 4294967296), true);
    return;
  }
  set(12, info.pid);
  set(16, info.uid);
  if (info.signo === SIGCHLD && info.code > 0 && info.code < 0x80) {
    set(40, info.status);
    view.setUint32(56, info.utime, true);
    view.setUint32(64, info.stime, true);
    return;
  }
  if (info.code < 0) setValue(set, info);
}

/** ssi_int and ssi_ptr. */
function setValue(set: (offset: number, value: number) => void, info: SigInfo): void {
  set(44, info.valueLo);
  set(48, info.valueLo);
  set(52, info.valueHi);
}
