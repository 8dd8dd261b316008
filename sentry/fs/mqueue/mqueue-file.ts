/** An open message queue: mq_open(3)'s descriptor, or that of open(2). */
import { EINVAL, ENXIO } from '../../abi/errno.ts';
import { SEEK_CUR, SEEK_DATA, SEEK_END, SEEK_HOLE } from '../../abi/fcntl.ts';
import { READABLE, WRITABLE } from '../../abi/poll.ts';
import { FILENT_SIZE } from '../../abi/mqueue.ts';
import type { Task } from '../../kernel/task.ts';
import type { CallerContext } from '../../vfs/context.ts';
import { FileDescription } from '../../vfs/file-description.ts';
import type { Path } from '../../vfs/path.ts';
import type { MqueueInode } from './mqueue.ts';

export class MqueueFile extends FileDescription {
  declare readonly inode: MqueueInode;

  constructor(path: Path, flags: number, inode: MqueueInode) {
    super(flags, path, inode);
    this.queue = inode.changes;
  }

  override get splicesOut(): boolean {
    return false;
  }

  /** The state of the queue as a line of text. */
  override read(buf: Uint8Array, off: number, len: number): number {
    const n = this.pread(buf, off, len, this.pos);
    this.pos += n;
    return n;
  }

  override pread(buf: Uint8Array, off: number, len: number, pos: number): number {
    const text = Buffer.from(this.inode.queue.text().slice(0, FILENT_SIZE), 'latin1');
    const n = Math.max(0, Math.min(len, text.length - pos));
    if (n > 0) buf.set(text.subarray(pos, pos + n), off);
    return n;
  }

  /** Nothing is written this way, at no offset. */
  override pwrite(): number {
    return -EINVAL;
  }

  override seek(offset: number, whence: number): number {
    if ((whence === SEEK_DATA || whence === SEEK_HOLE) && offset >= FILENT_SIZE) return -ENXIO;
    let to = offset;
    if (whence === SEEK_CUR) to += this.pos;
    else if (whence === SEEK_END || whence === SEEK_HOLE)
      to = FILENT_SIZE + (whence === SEEK_END ? offset : 0);
    if (to < 0) return -EINVAL;
    this.pos = to;
    return to;
  }

  /** Accepted, and changes nothing. */
  override truncate(): number {
    return 0;
  }

  override readiness(): number {
    const { queue } = this.inode;
    return (queue.count > 0 ? READABLE : 0) | (queue.full ? 0 : WRITABLE);
  }

  /** The process that is to be notified closes it: not any more. */
  override flush(ctx: CallerContext): number {
    this.inode.queue.forgetNotification((ctx as Task).group);
    return super.flush(ctx);
  }
}
