/** Pipes made by pipe2(2): an inode of pipefs with a pipe behind it. */
import { O_ACCMODE, O_DIRECT, O_RDONLY, O_WRONLY } from '../../abi/fcntl.ts';
import { EINVAL } from '../../abi/errno.ts';
import { READABLE, WRITABLE } from '../../abi/poll.ts';
import { S_IFIFO } from '../../abi/stat.ts';
import { AnonFilesystem, AnonInode } from '../../vfs/anon-inode.ts';
import type { CallerContext } from '../../vfs/context.ts';
import type { FileDescription } from '../../vfs/file-description.ts';
import type { Path } from '../../vfs/path.ts';
import { PipeFile } from './pipe-file.ts';
import { Pipe } from './pipe.ts';

const pipefs = new AnonFilesystem('pipefs', 13, 0x50495045);

export class PipeInode extends AnonInode {
  readonly pipe = new Pipe();

  constructor(uid: number, gid: number) {
    super(pipefs, S_IFIFO | 0o600, uid, gid);
  }

  /** Reached by /proc/PID/fd/N: one more end. Unlike a FIFO's, it never waits for the other side. */
  override open(_path: Path | null, flags: number, _ctx: CallerContext): FileDescription | number {
    if ((flags & O_ACCMODE) === O_ACCMODE) return -EINVAL;
    const file = new PipeFile(this.pipe, flags, null, this);
    this.pipe.queue.notify(READABLE | WRITABLE);
    return file;
  }
}

/** The read and the write end; `flags` are O_NONBLOCK and O_DIRECT. */
export function makePipe(flags: number, ctx: CallerContext): { reader: PipeFile; writer: PipeFile } {
  const inode = new PipeInode(ctx.creds.fsuid, ctx.creds.fsgid);
  const status = flags & ~O_ACCMODE;
  // Packets are the writer's to make.
  const reader = new PipeFile(inode.pipe, (status & ~O_DIRECT) | O_RDONLY, null, inode);
  const writer = new PipeFile(inode.pipe, status | O_WRONLY, null, inode);
  return { reader, writer };
}
