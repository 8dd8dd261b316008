/** read(2), write(2), pread(2), pwrite(2), readv(2) and its kin. */
import { u8 } from '../../platform/arena.ts';
import { EAGAIN, EBADF, EFAULT, EINVAL, EOPNOTSUPP, ESPIPE } from '../../sentry/abi/errno.ts';
import {
  MAX_RW_COUNT,
  O_APPEND,
  O_PATH,
  RWF_APPEND,
  RWF_DSYNC,
  RWF_HIPRI,
  RWF_NOAPPEND,
  RWF_NOWAIT,
  RWF_SYNC,
  SEEK_HOLE,
  SEEK_SET,
} from '../../sentry/abi/fcntl.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { FileDescription } from '../../sentry/vfs/file-description.ts';
import { MAX_FILE_SIZE, RegularFile } from '../../sentry/vfs/regular-file.ts';
import { gatherSome, iovBase, iovCount, iovLen, loadIovec, scatterNow, scatterSome } from './iovec.ts';
import {
  CHUNK,
  chunkBuffer,
  endWrite,
  readToGuest,
  stagingRoom,
  tookOnly,
  waitToRead,
  waitToWrite,
  writeFromGuest,
  writeWaiting,
} from './transfer.ts';

export function sys_read(t: Task): number {
  const file = t.file(0);
  if (file === null || !file.readable) return -EBADF;
  const len = t.arg(2);
  const n = readToGuest(t, file, t.arg(1), len, -1);
  return n === -EAGAIN ? waitToRead(t, file, false) : n;
}

export function sys_write(t: Task): number {
  const file = t.file(0);
  if (file === null || !file.writable) return -EBADF;
  const len = t.arg(2);
  if (file.queue === null) return writeFromGuest(t, file, t.arg(1), len, -1);
  return writeWaiting(t, file, t.arg(1), len, false);
}

export function sys_pread64(t: Task): number {
  const file = t.file(0);
  const pos = t.argI64(3);
  if (pos < 0) return -EINVAL;
  if (file === null || !file.readable) return badAt(file);
  const n = readToGuest(t, file, t.arg(1), t.arg(2), pos);
  return n === -EAGAIN ? waitToRead(t, file, false) : n;
}

export function sys_pwrite64(t: Task): number {
  const file = t.file(0);
  const pos = t.argI64(3);
  if (pos < 0) return -EINVAL;
  if (file === null || !file.writable) return badAt(file, file?.writesPositioned);
  return writeFromGuest(t, file, t.arg(1), t.arg(2), pos);
}

/** A file without offsets says so before it says that it was opened otherwise. */
function badAt(file: FileDescription | null, positioned = file?.positioned): number {
  return file === null || (file.flags & O_PATH) !== 0 || positioned === true ? -EBADF : -ESPIPE;
}

export function sys_readv(t: Task): number {
  return vectorRead(t, -1, 0);
}
export function sys_writev(t: Task): number {
  return vectorWrite(t, -1, 0);
}
/** The offset comes as two halves; on 64-bit machines the low one holds all of it. */
export function sys_preadv(t: Task): number {
  const pos = t.argI64(3);
  return pos < 0 ? -EINVAL : vectorRead(t, pos, 0);
}
export function sys_pwritev(t: Task): number {
  const pos = t.argI64(3);
  return pos < 0 ? -EINVAL : vectorWrite(t, pos, 0);
}
export function sys_preadv2(t: Task): number {
  const pos = t.argI64(3);
  return pos < -1 ? -EINVAL : vectorRead(t, pos, t.argI32(5));
}
export function sys_pwritev2(t: Task): number {
  const pos = t.argI64(3);
  return pos < -1 ? -EINVAL : vectorWrite(t, pos, t.argI32(5));
}

function vectorRead(t: Task, pos: number, flags: number): number {
  const file = t.file(0);
  if (file === null || !file.readable) return pos < 0 ? -EBADF : badAt(file);
  if (pos >= 0 && !file.positioned) return -ESPIPE;
  if (file.read === FileDescription.prototype.read) return -EINVAL;
  const total = loadIovec(t, t.arg(1), t.argI32(2));
  if (total <= 0) return total;
  if ((flags & ~(RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT)) !== 0) return -EOPNOTSUPP;
  const n =
    iovCount === 1 ? readToGuest(t, file, iovBase[0]!, iovLen[0]!, pos) : readVector(t, file, total, pos);
  return n === -EAGAIN ? waitToRead(t, file, (flags & RWF_NOWAIT) !== 0) : n;
}

function readVector(t: Task, file: FileDescription, total: number, pos: number): number {
  const top = t.thread.dataTop;
  if (total <= stagingRoom(t)) {
    const at = t.stage(total);
    if (at < 0) return at;
    const n = pos < 0 ? file.read(u8, at, total, t) : file.pread(u8, at, total, pos, t);
    if (n <= 0) {
      t.thread.dataTop = top;
      return n;
    }
    return tookOnly(file, pos, n, scatterSome(t, at, n));
  }
  const buffer = chunkBuffer();
  let done = 0;
  while (done < total) {
    const want = Math.min(total - done, CHUNK);
    const n = pos < 0 ? file.read(buffer, 0, want, t) : file.pread(buffer, 0, want, pos + done, t);
    if (n <= 0) return done > 0 ? done : n;
    const r = scatterNow(t, buffer, 0, done, n);
    if (r < 0) return done > 0 ? done : r;
    done += n;
    if (n < want || file.queue !== null) break;
  }
  return done;
}

function vectorWrite(t: Task, pos: number, flags: number): number {
  const file = t.file(0);
  if (file === null || !file.writable) return pos < 0 ? -EBADF : badAt(file, file?.writesPositioned);
  if (pos >= 0 && !file.writesPositioned) return -ESPIPE;
  if (file.write === FileDescription.prototype.write) return -EINVAL;
  const total = loadIovec(t, t.arg(1), t.argI32(2));
  if (total <= 0) return total;
  const known = RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND | RWF_NOAPPEND;
  if ((flags & ~known) !== 0) return -EOPNOTSUPP;
  if ((flags & RWF_APPEND) !== 0 && (flags & RWF_NOAPPEND) !== 0) return -EINVAL;
  const nowait = (flags & RWF_NOWAIT) !== 0;
  const old = file.flags;
  // For this call only.
  if ((flags & RWF_APPEND) !== 0) file.flags |= O_APPEND;
  else if ((flags & RWF_NOAPPEND) !== 0) file.flags &= ~O_APPEND;
  const n = writeVector(t, file, total, pos, nowait);
  file.flags = old;
  if (n > 0 && (flags & (RWF_DSYNC | RWF_SYNC)) !== 0) file.fsync((flags & RWF_SYNC) === 0);
  return n;
}

function writeVector(t: Task, file: FileDescription, total: number, pos: number, nowait: boolean): number {
  if (iovCount === 1) {
    if (file.queue === null || pos >= 0) return writeFromGuest(t, file, iovBase[0]!, iovLen[0]!, pos);
    return writeWaiting(t, file, iovBase[0]!, iovLen[0]!, nowait);
  }
  const buffer = chunkBuffer();
  let done = typeof t.blockState === 'number' ? t.blockState : 0;
  do {
    // One write per chunk: a vector of up to CHUNK bytes is atomic where write is.
    const want = Math.min(total - done, CHUNK);
    const got = gatherSome(t, buffer, 0, done, want);
    // A file takes what is readable; a record or message is all or nothing.
    if (got < want && (got === 0 || file.queue !== null)) return done > 0 ? done : -EFAULT;
    const n = pos < 0 ? file.write(buffer, 0, got, t) : file.pwrite(buffer, 0, got, pos + done, t);
    if (n === -EAGAIN) return waitToWrite(t, file, done, nowait);
    if (n <= 0) return endWrite(file, done, n);
    done += n;
    if (got < want) break;
    if (n < want && file instanceof RegularFile) break;
  } while (done < total && !file.recordWrites);
  return done;
}

export function sys_lseek(t: Task): number {
  const file = t.fileNoPath(0);
  if (file === null) return -EBADF;
  const whence = t.argI32(2);
  const offset = t.argI64(1);
  if (whence < SEEK_SET || whence > SEEK_HOLE) return -EINVAL;
  // Exact as a double, or beyond any file.
  if (offset > MAX_FILE_SIZE && file.positioned && !file.seeksAnywhere) return -EINVAL;
  return file.seek(offset, whence);
}

/** Length checks shared with sendfile and friends. */
export function clampCount(count: number): number {
  return Math.min(count, MAX_RW_COUNT);
}

/** True when reading at an offset makes sense for the file. */
export function seekable(file: FileDescription): boolean {
  return file.positioned;
}
