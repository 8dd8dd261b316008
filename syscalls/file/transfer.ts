/** Bytes between files and guest memory: staged in the slot when they fit, through a private buffer when not. */
import { u8 } from '../../platform/arena.ts';
import { OP_PREAD } from '../../platform/platform.ts';
import { EAGAIN, EFAULT, EINTR } from '../../sentry/abi/errno.ts';
import { MAX_RW_COUNT, SEEK_CUR } from '../../sentry/abi/fcntl.ts';
import { BLOCKED } from '../../sentry/base/result.ts';
import type { WaitQueue } from '../../sentry/base/wait-queue.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import type { FileDescription } from '../../sentry/vfs/file-description.ts';
import { RegularFile } from '../../sentry/vfs/regular-file.ts';

const PAGE = 4096;
export const POLLIN = 1;
export const POLLOUT = 4;

/** Above the highest user address: buffers that reach it are EFAULT before anything is looked at (access_ok). */
export const TASK_SIZE_MAX = process.arch === 'arm64' ? 2 ** 48 : 2 ** 47 - 4096;

/** What one pass through the private buffer moves. */
export const CHUNK = 1024 * 1024;
/** From here on a copy by the host into guest memory costs less than the way through the slot. */
export const DIRECT = 16384;
let chunk: Uint8Array | null = null;

/** The private buffer of CHUNK bytes: for one use at a time, within one run of a handler. */
export function chunkBuffer(): Uint8Array {
  return (chunk ??= new Uint8Array(CHUNK));
}

/** Bytes that can still be staged in the slot. */
export function stagingRoom(t: Task): number {
  return t.thread.dataEnd - t.thread.dataTop - 8;
}

/** Reads into guest memory; `pos` < 0: at the file's own offset. A count or a negated errno (also -EAGAIN). */
export function readToGuest(
  t: Task,
  file: FileDescription,
  addr: number,
  length: number,
  pos: number,
): number {
  if (addr + length > TASK_SIZE_MAX) return -EFAULT;
  let len = length > MAX_RW_COUNT ? MAX_RW_COUNT : length;
  if (file instanceof RegularFile && len > 0) {
    const direct = readInPlace(t, file, addr, len, pos);
    if (direct !== DECLINED) return direct;
    len = noMoreThanThere(file, len, pos);
  }
  if (len >= DIRECT && file.queue !== null && pos < 0) return readQueued(t, file, addr, len);
  const thread = t.thread;
  const top = thread.dataTop;
  if (len > thread.dataEnd - top - 8) return readLarge(t, file, addr, len, pos);
  const at = t.stage(len);
  if (at < 0) return at;
  const n = pos < 0 ? file.read(u8, at, len, t) : file.pread(u8, at, len, pos, t);
  if (n <= 0) {
    // A later run of this call stages again.
    thread.dataTop = top;
    return n;
  }
  if (t.copyOutStaged(addr, at, n) === 0) return n;
  const fits = accessible(t, addr, n, true);
  return tookOnly(file, pos, n, fits > 0 && t.copyOutStaged(addr, at, fits) === 0 ? fits : 0);
}

/** Only `taken` of `n` bytes read reached the guest: a file's offset goes back to there. A count or -EFAULT. */
export function tookOnly(file: FileDescription, pos: number, n: number, taken: number): number {
  if (taken < n && pos < 0 && file.queue === null && file.seek(0, SEEK_CUR) >= n)
    file.seek(taken - n, SEEK_CUR);
  return taken > 0 || n === 0 ? taken : -EFAULT;
}

/** How many bytes from `addr` on can be accessed, up to `len`. Only for the way out of a fault. */
function accessible(t: Task, addr: number, len: number, write: boolean): number {
  let fits = 0;
  for (let next = PAGE - (addr % PAGE); fits < len; next += PAGE) {
    const size = Math.min(next, len);
    if (!t.canAccess(addr, size, write)) break;
    fits = size;
  }
  return fits;
}

/** readInPlace has done nothing: read as any other file. */
const DECLINED = -0x20000;
/** Reads after which a file is worth a descriptor in the stub, and a size from which the first one is. */
const READS_BEFORE_KEEPING = 4;
const LARGE_READ = 65536;

/**
 * Lets the stub read a host-backed file straight into guest memory, which saves the way through the slot. What is to
 * be read is known from the size, so the offset moves at once.
 */
function readInPlace(t: Task, file: RegularFile, addr: number, len: number, pos: number): number {
  const { data } = file;
  if (len < data.inPlaceFrom()) return DECLINED;
  const { space } = t.thread;
  let fd = space.keptFile(data);
  const at = pos < 0 ? file.pos : pos;
  const n = Math.min(len, data.size() - at);
  if (n <= 0) return DECLINED;
  if (fd < 0 && ++file.reads < READS_BEFORE_KEEPING && n < LARGE_READ) return DECLINED;
  if (!t.canAccess(addr, n, true)) return -EFAULT;
  if (fd < 0) {
    // Donations are taken in order: with other threads about, one of theirs may be under way.
    if (t.mm.users > 1) return DECLINED;
    const hostFd = data.mappable()?.hostFd(false) ?? -1;
    if (hostFd < 0) return DECLINED;
    fd = space.keepFile(t.thread, data, hostFd);
    if (fd < 0) return DECLINED;
    file.kept = t.kernel.platform.forgetFile;
  }
  t.thread.addOp(OP_PREAD, fd, addr, n, at, 0, 0);
  if (pos < 0) file.pos = at + n;
  file.touched();
  return n;
}

/** Of a large buffer for a small file that the host has: what may be read, which the slot has room for. */
function noMoreThanThere(file: RegularFile, len: number, pos: number): number {
  if (len < DIRECT || len < file.data.inPlaceFrom()) return len;
  const rest = file.data.size() - (pos < 0 ? file.pos : pos);
  // At its end it may have grown meanwhile, where the host works in the tree too.
  return Math.min(len, Math.max(rest, PAGE));
}

/**
 * Reads what a pipe or socket has into the private buffer first. Most of the time that is little, and goes out with the
 * reply; much goes straight to the guest, which saves a copy on either side of the slot.
 */
function readQueued(t: Task, file: FileDescription, addr: number, len: number): number {
  const n = file.read(chunkBuffer(), 0, Math.min(len, CHUNK), t);
  if (n <= 0) return n;
  const r = copyOutRead(t, addr, n);
  if (r === 0) return n;
  const fits = accessible(t, addr, n, true);
  return fits > 0 && copyOutNow(t, addr, chunkBuffer(), 0, fits) === 0 ? fits : r;
}

/** Brings the first `n` bytes of the private buffer to the guest: 0 or a negated errno. */
export function copyOutRead(t: Task, addr: number, n: number): number {
  return n < DIRECT ? t.copyOutBytes(addr, chunkBuffer(), 0, n) : copyOutNow(t, addr, chunkBuffer(), 0, n);
}

function readLarge(t: Task, file: FileDescription, addr: number, len: number, pos: number): number {
  const buffer = chunkBuffer();
  let done = 0;
  while (done < len) {
    const want = Math.min(len - done, CHUNK);
    const n = pos < 0 ? file.read(buffer, 0, want, t) : file.pread(buffer, 0, want, pos + done, t);
    if (n <= 0) return done > 0 ? done : n;
    const r = copyOutNow(t, addr + done, buffer, 0, n);
    if (r < 0) return done > 0 ? done : r;
    done += n;
    // What can wait gives what it has; only a file is read to the end.
    if (n < want || file.queue !== null) break;
  }
  return done;
}

/** Copies out at once rather than with the reply: for more than the slot holds. */
export function copyOutNow(t: Task, addr: number, src: Uint8Array, offset: number, len: number): number {
  if (!t.canAccess(addr, len, true)) return -EFAULT;
  return t.thread.space.write(addr, src, offset, len);
}

/** Writes from guest memory to a file that never waits; `pos` < 0: at the file's own offset. */
export function writeFromGuest(
  t: Task,
  file: FileDescription,
  addr: number,
  length: number,
  pos: number,
): number {
  if (addr + length > TASK_SIZE_MAX) return -EFAULT;
  const len = length > MAX_RW_COUNT ? MAX_RW_COUNT : length;
  if (len > stagingRoom(t)) {
    const found = t.thread.findInput(addr, len);
    if (found === -1) return writeLarge(t, file, addr, len, pos);
    if (found < 0) return found;
    return pos < 0 ? file.write(u8, found, len, t) : file.pwrite(u8, found, len, pos, t);
  }
  let size = len;
  let at = t.copyIn(addr, size);
  if (at === -EFAULT) {
    // A file takes what is readable before the fault.
    size = accessible(t, addr, len, false);
    if (size === 0) return file.unreadable(len);
    if (size === len) return -EFAULT;
    at = t.stage(size);
    if (at >= 0 && t.thread.space.read(addr, u8, at, size) < 0) return -EFAULT;
  }
  if (at < 0) return at;
  return pos < 0 ? file.write(u8, at, size, t) : file.pwrite(u8, at, size, pos, t);
}

function writeLarge(t: Task, file: FileDescription, addr: number, len: number, pos: number): number {
  const buffer = chunkBuffer();
  let done = 0;
  while (done < len) {
    const want = Math.min(len - done, CHUNK);
    const r = t.copyInTo(addr + done, buffer, 0, want);
    if (r < 0) return done > 0 ? done : r;
    const n = pos < 0 ? file.write(buffer, 0, want, t) : file.pwrite(buffer, 0, want, pos + done, t);
    if (n <= 0) return done > 0 ? done : n;
    done += n;
    if (n < want) break;
  }
  return done;
}

/**
 * Writes to a pipe, socket, terminal…: goes on after short counts until everything is taken, waiting for room unless
 * the description or `nowait` forbids. What was taken survives re-runs in blockState.
 */
export function writeWaiting(
  t: Task,
  file: FileDescription,
  addr: number,
  length: number,
  nowait: boolean,
): number {
  if (addr + length > TASK_SIZE_MAX) return -EFAULT;
  const len = length > MAX_RW_COUNT ? MAX_RW_COUNT : length;
  let done = typeof t.blockState === 'number' ? t.blockState : 0;
  const staged = len <= stagingRoom(t) || t.thread.findInput(addr, len) !== -1;
  const at = staged ? t.copyIn(addr, len) : 0;
  if (at < 0) return at === -EFAULT ? file.unreadable(len) : at;
  do {
    let n: number;
    if (staged) {
      n = file.write(u8, at + done, len - done, t);
    } else {
      const want = Math.min(len - done, CHUNK);
      const r = t.copyInTo(addr + done, chunkBuffer(), 0, want);
      if (r < 0) return done > 0 ? done : r;
      n = file.write(chunkBuffer(), 0, want, t);
    }
    if (n === -EAGAIN) return waitToWrite(t, file, done, nowait);
    if (n <= 0) return endWrite(file, done, n);
    done += n;
  } while (done < len && !file.recordWrites);
  return done;
}

/** The result of a write that can't go on: what was taken counts, and the failure is for the next call. */
export function endWrite(file: FileDescription, done: number, failure: number): number {
  if (done === 0) return failure;
  file.keepFailure(failure);
  return done;
}

/** After -EAGAIN on a write: what was done so far, -EAGAIN, or BLOCKED. */
export function waitToWrite(t: Task, file: FileDescription, done: number, nowait: boolean): number {
  const timeoutNs = file.writeTimeoutNs;
  if (nowait || file.nonblocking || file.queue === null || (timeoutNs !== 0 && t.timedOut)) {
    return done > 0 ? done : -EAGAIN;
  }
  t.blockState = done;
  const r = waitAtMost(t, file.queue, POLLOUT, timeoutNs);
  return r !== BLOCKED && done > 0 ? done : r;
}

/** After -EAGAIN on a read: -EAGAIN or BLOCKED (or -ERESTARTSYS). */
export function waitToRead(t: Task, file: FileDescription, nowait: boolean): number {
  const timeoutNs = file.readTimeoutNs;
  if (nowait || file.nonblocking || file.queue === null || (timeoutNs !== 0 && t.timedOut)) return -EAGAIN;
  return waitAtMost(t, file.queue, POLLIN, timeoutNs);
}

/** Waits, at most `timeoutNs` (0: for ever). With a timeout an interrupted call is not restarted (signal(7)). */
function waitAtMost(t: Task, queue: WaitQueue, mask: number, timeoutNs: number): number {
  if (timeoutNs === 0) return t.waitOn(queue, mask);
  t.setDeadline(t.kernel.clock.monotonicNs() + timeoutNs);
  const r = t.waitOn(queue, mask);
  return r === BLOCKED ? r : -EINTR;
}
