/** Pipes made by pipe2(2): an inode of pipefs with a pipe behind it. */
import { O_ACCMODE, O_RDONLY, O_WRONLY } from '../../abi/fcntl.ts';
import { S_IFIFO } from '../../abi/stat.ts';
import { AnonFilesystem, AnonInode } from '../../vfs/anon-inode.ts';
import type { CallerContext } from '../../vfs/context.ts';
import type { FileDescription } from '../../vfs/file-description.ts';
import type { Path } from '../../vfs/path.ts';
import { openEnd } from './fifo.ts';
import { PipeFile } from './pipe-file.ts';
import { Pipe } from './pipe.ts';

const pipefs = new AnonFilesystem('pipefs', 13, 0x50495045);

export class PipeInode extends AnonInode {
  readonly pipe = new Pipe();

  constructor(uid: number, gid: number) {
    super(pipefs, S_IFIFO | 0o600, uid, gid);
  }

  /** Reached by /proc/PID/fd/N: opens one more end, by the rules of FIFOs. */
  override open(_path: Path | null, flags: number, ctx: CallerContext): FileDescription | number {
    return openEnd(this.pipe, this, null, flags, ctx);
  }
}

/** The read and the write end; `flags` are O_NONBLOCK and O_DIRECT. */
export function makePipe(flags: number, ctx: CallerContext): { reader: PipeFile; writer: PipeFile } {
  const inode = new PipeInode(ctx.creds.fsuid, ctx.creds.fsgid);
  const status = flags & ~O_ACCMODE;
  const reader = new PipeFile(inode.pipe, status | O_RDONLY, null, inode);
  const writer = new PipeFile(inode.pipe, status | O_WRONLY, null, inode);
  return { reader, writer };
}
