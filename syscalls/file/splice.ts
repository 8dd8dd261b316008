/** splice(2), tee(2), vmsplice(2): bytes between pipes and other files. Pages are copied, never shared. */
import { EAGAIN, EBADF, EFAULT, EINVAL, EISDIR, EPIPE, ESPIPE } from '../../sentry/abi/errno.ts';
import {
  O_APPEND,
  SPLICE_F_GIFT,
  SPLICE_F_MORE,
  SPLICE_F_MOVE,
  SPLICE_F_NONBLOCK,
} from '../../sentry/abi/fcntl.ts';
import { S_IFDIR, S_IFMT } from '../../sentry/abi/stat.ts';
import { PipeFile } from '../../sentry/fs/pipe/pipe-file.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import type { FileDescription } from '../../sentry/vfs/file-description.ts';
import { gather, loadIovec, scatterNow } from './iovec.ts';
import { clampCount, seekable } from './read-write.ts';
import { CHUNK, chunkBuffer, waitToRead, waitToWrite } from './transfer.ts';

const KNOWN = SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT;
const SIGPIPE = 13;

export function sys_splice(t: Task): number {
  const input = t.file(0);
  const out = t.file(2);
  const len = clampCount(t.arg(4));
  const flags = t.argU32(5);
  if (len === 0) return 0;
  if ((flags & ~KNOWN) !== 0) return -EINVAL;
  if (input === null || out === null) return -EBADF;
  const fromPipe = input instanceof PipeFile;
  const toPipe = out instanceof PipeFile;
  if (fromPipe && t.arg(1) !== 0) return -ESPIPE;
  if (toPipe && t.arg(3) !== 0) return -ESPIPE;
  if (!input.readable || !out.writable) return -EBADF;
  if (!fromPipe && !toPipe) return -EINVAL;
  if (fromPipe && toPipe && input.pipe === out.pipe) return -EINVAL;
  if (!fromPipe && isDirectory(input)) return -EINVAL;
  if (!toPipe && isDirectory(out)) return -EISDIR;
  if (!input.splicesOut || !out.splicesIn) return -EINVAL;
  const nowait = (flags & SPLICE_F_NONBLOCK) !== 0;
  if (fromPipe) return spliceFromPipe(t, input, out, len, nowait);
  return spliceToPipe(t, input, out as PipeFile, len, nowait);
}

function spliceFromPipe(
  t: Task,
  input: PipeFile,
  out: FileDescription,
  len: number,
  nowait: boolean,
): number {
  const offAddr = t.arg(3);
  let pos = -1;
  if (offAddr !== 0) {
    if (!seekable(out)) return -EINVAL;
    const given = t.readI64(offAddr);
    if (given === null) return -EFAULT;
    if (given < 0) return -EINVAL;
    pos = given;
  }
  if (!(out instanceof PipeFile) && (out.flags & O_APPEND) !== 0) return -EINVAL;
  const buffer = chunkBuffer();
  const got = input.pipe.peek(buffer, 0, Math.min(len, CHUNK), 0);
  if (got === -EAGAIN) return waitToRead(t, input, nowait);
  if (got <= 0) return got;
  let want = got;
  if (out instanceof PipeFile) {
    if (out.pipe.readers === 0) return broken(t);
    want = Math.min(got, out.pipe.free);
    if (want === 0) return waitToWrite(t, out, 0, nowait);
  }
  const n = pos < 0 ? out.write(buffer, 0, want, t) : out.pwrite(buffer, 0, want, pos, t);
  if (n === -EAGAIN) return waitToWrite(t, out, 0, nowait);
  if (n <= 0) return n;
  input.pipe.consume(n);
  // Linux tries the rest as well, which a file at its limit (RLIMIT_FSIZE) refuses with a signal.
  if (n < want && out.queue === null) {
    if (pos < 0) out.write(buffer, n, want - n, t);
    else out.pwrite(buffer, n, want - n, pos + n, t);
  }
  if (pos >= 0 && t.writeI64(offAddr, pos + n) < 0) return -EFAULT;
  return n;
}

function spliceToPipe(t: Task, input: FileDescription, out: PipeFile, len: number, nowait: boolean): number {
  const offAddr = t.arg(1);
  let pos = -1;
  if (offAddr !== 0) {
    if (!seekable(input)) return -EINVAL;
    const given = t.readI64(offAddr);
    if (given === null) return -EFAULT;
    if (given < 0) return -EINVAL;
    pos = given;
  }
  if (out.pipe.readers === 0) return broken(t);
  const want = Math.min(len, out.pipe.free, CHUNK);
  if (want === 0) return waitToWrite(t, out, 0, nowait);
  const buffer = chunkBuffer();
  const got = pos < 0 ? input.read(buffer, 0, want, t) : input.pread(buffer, 0, want, pos, t);
  if (got === -EAGAIN) return waitToRead(t, input, nowait);
  if (got <= 0) return got;
  const n = out.write(buffer, 0, got, t);
  if (n < 0) return n;
  if (pos >= 0 && t.writeI64(offAddr, pos + n) < 0) return -EFAULT;
  return n;
}

export function sys_tee(t: Task): number {
  const input = t.file(0);
  const out = t.file(1);
  const len = clampCount(t.arg(2));
  const flags = t.argU32(3);
  if ((flags & ~KNOWN) !== 0) return -EINVAL;
  if (len === 0) return 0;
  if (input === null || out === null || !input.readable || !out.writable) return -EBADF;
  if (!(input instanceof PipeFile) || !(out instanceof PipeFile) || input.pipe === out.pipe) return -EINVAL;
  const nowait = (flags & SPLICE_F_NONBLOCK) !== 0;
  const buffer = chunkBuffer();
  const got = input.pipe.peek(buffer, 0, Math.min(len, CHUNK), 0);
  if (got === -EAGAIN) return waitToRead(t, input, nowait);
  if (got <= 0) return got;
  if (out.pipe.readers === 0) return broken(t);
  const want = Math.min(got, out.pipe.free);
  if (want === 0) return waitToWrite(t, out, 0, nowait);
  const n = out.write(buffer, 0, want, t);
  return n === -EAGAIN ? waitToWrite(t, out, 0, nowait) : n;
}

/** To a pipe's write end the bytes go in, from a read end they come out: both as copies. */
export function sys_vmsplice(t: Task): number {
  const file = t.file(0);
  const flags = t.argU32(3);
  if ((flags & ~KNOWN) !== 0) return -EINVAL;
  if (file === null) return -EBADF;
  if (!(file instanceof PipeFile)) return -EBADF;
  const total = loadIovec(t, t.arg(1), t.argI32(2));
  if (total <= 0) return total;
  const nowait = (flags & SPLICE_F_NONBLOCK) !== 0;
  const buffer = chunkBuffer();
  if (!file.writable) {
    const n = file.pipe.peek(buffer, 0, Math.min(total, CHUNK), 0);
    if (n === -EAGAIN) return waitToRead(t, file, nowait);
    if (n <= 0) return n;
    const r = scatterNow(t, buffer, 0, 0, n);
    if (r < 0) return r;
    file.pipe.consume(n);
    return n;
  }
  if (file.pipe.readers === 0) return broken(t);
  const want = Math.min(total, file.pipe.free, CHUNK);
  if (want === 0) return waitToWrite(t, file, 0, nowait);
  const r = gather(t, buffer, 0, 0, want);
  return r < 0 ? r : file.write(buffer, 0, want, t);
}

function broken(t: Task): number {
  t.signalSelf(SIGPIPE);
  return -EPIPE;
}

function isDirectory(file: FileDescription): boolean {
  return file.inode !== null && (file.inode.mode & S_IFMT) === S_IFDIR;
}
