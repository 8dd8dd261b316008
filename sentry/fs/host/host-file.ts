/**
 * Open descriptions over host descriptors that others outside hold as well. Their O_NONBLOCK is not ours to set (a
 * shell that finds its terminal non-blocking misbehaves), so nothing here may wait: RWF_NOWAIT where the host can,
 * else a look with poll(2) first.
 */
import { EAGAIN, EINVAL, ENOTTY, EOPNOTSUPP, EPIPE, ESPIPE } from '../../abi/errno.ts';
import { O_ACCMODE, O_APPEND, O_NONBLOCK, SEEK_HOLE, SEEK_CUR } from '../../abi/fcntl.ts';
import { FIONREAD } from '../../abi/ioctl.ts';
import { POLLERR, POLLHUP, READABLE, WRITABLE } from '../../abi/poll.ts';
import { addon } from '../../../native/addon.ts';
import type { Mappable } from '../../mm/mappable.ts';
import type { CallerContext } from '../../vfs/context.ts';
import { FileDescription } from '../../vfs/file-description.ts';
import type { HostInode } from './host-inode.ts';

const SIGPIPE = 13;
/** A pipe that polls writable takes this much without waiting (pipe(7), PIPE_BUF). */
const SAFE_WRITE = 4096;

export class HostFile extends FileDescription {
  declare readonly inode: HostInode;

  constructor(inode: HostInode, flags: number) {
    super(flags & (O_ACCMODE | O_APPEND | O_NONBLOCK), null, inode);
    this.queue = inode.queue;
    inode.opened();
  }

  override get asynchronous(): boolean {
    return true;
  }
  override get direct(): boolean {
    return true;
  }

  override get positioned(): boolean {
    return this.seek(0, SEEK_CUR) !== -ESPIPE;
  }

  override name(): string {
    return this.inode.label;
  }

  // A regular file's position is the host's, shared with whoever else holds the descriptor (`(runsc …; ls) > log`).
  override read(buf: Uint8Array, off: number, len: number, _ctx: CallerContext): number {
    const { inode } = this;
    if (inode.regular || len === 0) return addon.read(inode.fd, buf, off, len);
    if (inode.nowait) {
      const n = addon.readNowait(inode.fd, buf, off, len);
      if (n !== -EOPNOTSUPP) return n;
      inode.nowait = false;
    }
    if ((addon.poll(inode.fd, READABLE) & (READABLE | POLLHUP | POLLERR)) === 0) return -EAGAIN;
    return addon.read(inode.fd, buf, off, len);
  }

  override write(buf: Uint8Array, off: number, len: number, ctx: CallerContext): number {
    const { inode } = this;
    const n = inode.regular ? addon.write(inode.fd, buf, off, len) : this.writeStream(buf, off, len);
    if (n === -EPIPE) ctx.signalSelf(SIGPIPE);
    return n;
  }

  override pread(buf: Uint8Array, off: number, len: number, pos: number, _ctx: CallerContext): number {
    return this.inode.regular ? addon.pread(this.inode.fd, buf, off, len, pos) : -ESPIPE;
  }
  override pwrite(buf: Uint8Array, off: number, len: number, pos: number, _ctx: CallerContext): number {
    return this.inode.regular ? addon.pwrite(this.inode.fd, buf, off, len, pos) : -ESPIPE;
  }

  override seek(offset: number, whence: number): number {
    if (whence < 0 || whence > SEEK_HOLE) return -EINVAL;
    return this.inode.terminal ? -ESPIPE : addon.lseek(this.inode.fd, offset, whence);
  }

  override readiness(): number {
    const { inode } = this;
    if (inode.regular) return READABLE | WRITABLE;
    const wanted = (this.readable ? READABLE : 0) | (this.writable ? WRITABLE : 0);
    const now = addon.poll(inode.fd, wanted);
    return now < 0 ? POLLERR : now;
  }

  override ioctl(cmd: number, arg: number, ctx: CallerContext): number {
    // The terminals of the host keep their modes: a guest sees a byte stream. Its own console is sentry/fs/tty's.
    if (cmd !== FIONREAD || this.inode.terminal) return -ENOTTY;
    const n = addon.pendingBytes(this.inode.fd);
    return n < 0 ? n : ctx.writeI32(arg, n);
  }

  override truncate(size: number): number {
    return this.inode.truncate(size);
  }
  override allocate(mode: number, offset: number, len: number): number {
    return this.inode.regular ? addon.fallocate(this.inode.fd, mode, offset, len) : -ESPIPE;
  }
  override fsync(dataOnly: boolean): number {
    return this.inode.fsync(dataOnly);
  }
  override mappable(): Mappable | null {
    return this.inode.mappable();
  }

  override release(): void {
    this.inode.closed();
  }

  private writeStream(buf: Uint8Array, off: number, len: number): number {
    const { inode } = this;
    if (inode.nowait) {
      const n = addon.writeNowait(inode.fd, buf, off, len);
      if (n !== -EOPNOTSUPP) return n;
      inode.nowait = false;
    }
    if ((addon.poll(inode.fd, WRITABLE) & (WRITABLE | POLLERR | POLLHUP)) === 0) return -EAGAIN;
    return addon.write(inode.fd, buf, off, Math.min(len, SAFE_WRITE));
  }
}
