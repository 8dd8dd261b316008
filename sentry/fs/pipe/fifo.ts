/** Opening named pipes (fifo(7)): both ends must be there unless O_NONBLOCK or O_RDWR. */
import { ENXIO, EINVAL } from '../../abi/errno.ts';
import { O_ACCMODE, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } from '../../abi/fcntl.ts';
import { READABLE, WRITABLE } from '../../abi/poll.ts';
import { BLOCKED } from '../../base/result.ts';
import type { CallerContext } from '../../vfs/context.ts';
import type { FileDescription } from '../../vfs/file-description.ts';
import type { Inode } from '../../vfs/inode.ts';
import type { Path } from '../../vfs/path.ts';
import { PipeFile } from './pipe-file.ts';
import { Pipe } from './pipe.ts';

/** Pipes behind FIFO inodes that somebody has open or is opening. */
const pipes = new WeakMap<Inode, Pipe>();
/** Tasks inside a blocking open: they hold an end already, and wait for the count of the other's opens to move. */
const opening = new WeakMap<CallerContext, { pipe: Pipe; otherOpens: number }>();

/** For setFifoOpener of vfs/special-files.ts. */
export function openFifo(
  inode: Inode,
  path: Path,
  flags: number,
  ctx: CallerContext,
): FileDescription | number {
  let pipe = pipes.get(inode);
  if (pipe === undefined) pipes.set(inode, (pipe = new Pipe()));
  return openEnd(pipe, inode, path, flags, ctx);
}

/** A description, -ENXIO, BLOCKED or -ERESTARTSYS. */
function openEnd(
  pipe: Pipe,
  inode: Inode,
  path: Path | null,
  flags: number,
  ctx: CallerContext,
): FileDescription | number {
  const access = flags & O_ACCMODE;
  if (access === O_ACCMODE) return -EINVAL;
  const reader = access !== O_WRONLY;
  const pending = opening.get(ctx);
  if (pending?.pipe === pipe) {
    if ((reader ? pipe.writerOpens : pipe.readerOpens) === pending.otherOpens) {
      return ctx.waitOn(pipe.queue, READABLE | WRITABLE);
    }
  } else if (access !== O_RDWR && (reader ? pipe.writers : pipe.readers) === 0) {
    if ((flags & O_NONBLOCK) === 0) return startWaiting(pipe, reader, ctx);
    if (access !== O_RDONLY) return -ENXIO;
  }
  const file = new PipeFile(pipe, flags, path, inode);
  finishWaiting(ctx, reader);
  pipe.queue.notify(READABLE | WRITABLE);
  return file;
}

function startWaiting(pipe: Pipe, reader: boolean, ctx: CallerContext): number {
  pipe.addEnds(reader, !reader);
  opening.set(ctx, { pipe, otherOpens: reader ? pipe.writerOpens : pipe.readerOpens });
  ctx.onUnblock = () => finishWaiting(ctx, reader);
  pipe.queue.notify(READABLE | WRITABLE);
  const r = ctx.waitOn(pipe.queue, READABLE | WRITABLE);
  if (r !== BLOCKED) finishWaiting(ctx, reader);
  return r;
}

function finishWaiting(ctx: CallerContext, reader: boolean): void {
  const pending = opening.get(ctx);
  if (pending === undefined) return;
  opening.delete(ctx);
  pending.pipe.dropEnds(reader, !reader);
}
