/** pipe(2), pipe2(2). */
import { EFAULT, EINVAL, EMFILE, ENOPKG } from '../../sentry/abi/errno.ts';
import { O_CLOEXEC, O_DIRECT, O_EXCL, O_NONBLOCK } from '../../sentry/abi/fcntl.ts';
import { makePipe } from '../../sentry/fs/pipe/anon-pipe.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import type { FileDescription } from '../../sentry/vfs/file-description.ts';
import { u32 } from '../../platform/arena.ts';

/** Watch queues are not part of this kernel, as with CONFIG_WATCH_QUEUE off. */
const O_NOTIFICATION_PIPE = O_EXCL;

export function sys_pipe(t: Task): number {
  return doPipe(t, 0);
}

export function sys_pipe2(t: Task): number {
  return doPipe(t, t.argI32(1));
}

function doPipe(t: Task, flags: number): number {
  if ((flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT | O_NOTIFICATION_PIPE)) !== 0) return -EINVAL;
  if ((flags & O_NOTIFICATION_PIPE) !== 0) return -ENOPKG;
  const { reader, writer } = makePipe(flags & (O_NONBLOCK | O_DIRECT), t);
  return installPair(t, reader, writer, (flags & O_CLOEXEC) !== 0, t.arg(0));
}

/** Allocates two descriptors and stores them as int[2] at `addr`; also socketpair(2)'s ending. */
export function installPair(
  t: Task,
  first: FileDescription,
  second: FileDescription,
  cloexec: boolean,
  addr: number,
): number {
  first.incRef();
  second.incRef();
  const r = allocPair(t, first, second, cloexec, addr);
  first.decRef();
  second.decRef();
  return r;
}

function allocPair(
  t: Task,
  first: FileDescription,
  second: FileDescription,
  cloexec: boolean,
  addr: number,
): number {
  const a = t.files.alloc(first, 0, cloexec);
  if (a < 0) return -EMFILE;
  const b = t.files.alloc(second, 0, cloexec);
  if (b < 0) {
    t.files.remove(a);
    return -EMFILE;
  }
  const at = t.stage(8);
  if (at >= 0) {
    u32[at >>> 2] = a;
    u32[(at >>> 2) + 1] = b;
    if (t.copyOutStaged(addr, at, 8) === 0) return 0;
  }
  t.files.remove(b);
  t.files.remove(a);
  return -EFAULT;
}
