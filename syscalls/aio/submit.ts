/**
 * io_submit(2): what is asked for is done before the call returns, as Linux does it with files in the page cache.
 * Pipes, sockets and whatever else would have to be waited for are refused, and so is IOCB_CMD_POLL.
 */
import { EAGAIN, EBADF, EFAULT, EINVAL, EOPNOTSUPP } from '../../sentry/abi/errno.ts';
import { MAX_RW_COUNT, O_PATH } from '../../sentry/abi/fcntl.ts';
import { READABLE } from '../../sentry/abi/poll.ts';
import { unimplemented } from '../../sentry/base/unimplemented.ts';
import { EventFile } from '../../sentry/fs/eventfd/eventfd.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { FileDescription } from '../../sentry/vfs/file-description.ts';
import { gatherSome, loadIovec, scatterNow } from '../file/iovec.ts';
import { CHUNK, chunkBuffer, copyOutNow } from '../file/transfer.ts';
import { contextsOf } from './context.ts';

const IOCB_SIZE = 64;
const IOCB_CMD_PREAD = 0;
const IOCB_CMD_PWRITE = 1;
const IOCB_CMD_FSYNC = 2;
const IOCB_CMD_FDSYNC = 3;
const IOCB_CMD_POLL = 5;
const IOCB_CMD_PREADV = 7;
const IOCB_CMD_PWRITEV = 8;
const IOCB_FLAG_RESFD = 1;
const IOCB_FLAG_IOPRIO = 2;
const MAX_SECTION = 2 ** 63;
/** After so many bytes a call takes no more requests, as it may (io_submit(2)): others want to be served as well. */
const MOST_BYTES = 64 * 1024 * 1024;

/** struct iocb. */
const block = new Uint8Array(IOCB_SIZE);
const view = new DataView(block.buffer);
const one = new Uint8Array(8);
one[0] = 1;

export function sys_io_submit(t: Task): number {
  const context = contextsOf(t).get(t.arg(0));
  const count = t.argI64(1);
  if (context === undefined || count < 0) return -EINVAL;
  let done = 0;
  let failed = 0;
  let moved = 0;
  const top = t.thread.dataTop;
  for (; done < count && moved < MOST_BYTES; done++) {
    const iocb = t.readI64(t.arg(2) + 8 * done);
    if (iocb === null) failed = -EFAULT;
    else if (context.events.length >= context.room) failed = -EAGAIN;
    else failed = submit(t, iocb);
    // What was staged of one request is no longer needed.
    t.thread.dataTop = top;
    if (failed < 0) break;
    context.events.push({
      dataLo: view.getUint32(0, true),
      dataHi: view.getUint32(4, true),
      iocb: iocb!,
      result,
    });
    signalDone(t);
    moved += Math.max(0, result);
  }
  if (done > 0) context.queue.notify(READABLE);
  return done > 0 ? done : failed;
}

/** How the request ended, if submit() took it. */
let result = 0;

function submit(t: Task, iocb: number): number {
  if (t.copyInTo(iocb, block, 0, IOCB_SIZE) < 0) return -EFAULT;
  const flags = view.getUint32(56, true);
  if (view.getUint32(48, true) !== 0 || view.getUint32(52, true) !== 0) return -EINVAL;
  const length = word(32);
  if (length >= MAX_SECTION) return -EINVAL;
  const file = fileAt(t, 20);
  if (file === null) return -EBADF;
  if ((flags & IOCB_FLAG_RESFD) !== 0) {
    const event = fileAt(t, 60);
    if (event === null) return -EBADF;
    if (!(event instanceof EventFile)) return -EINVAL;
  }
  if ((flags & ~(IOCB_FLAG_RESFD | IOCB_FLAG_IOPRIO)) !== 0) return -EINVAL;
  const command = view.getUint16(16, true);
  switch (command) {
    case IOCB_CMD_PREAD:
    case IOCB_CMD_PREADV:
      return read(t, file, word(24), length, command === IOCB_CMD_PREADV);
    case IOCB_CMD_PWRITE:
    case IOCB_CMD_PWRITEV:
      return write(t, file, word(24), length, command === IOCB_CMD_PWRITEV);
    case IOCB_CMD_FSYNC:
    case IOCB_CMD_FDSYNC:
      return sync(file, command === IOCB_CMD_FDSYNC, length);
    case IOCB_CMD_POLL:
      unimplemented('IOCB_CMD_POLL');
      return -EINVAL;
    default:
      return -EINVAL;
  }
}

/** The open file whose descriptor is there. */
function fileAt(t: Task, at: number): FileDescription | null {
  const file = t.files.get(view.getInt32(at, true));
  return file === null || (file.flags & O_PATH) !== 0 ? null : file;
}

function word(at: number): number {
  return view.getUint32(at + 4, true) * 4294967296 + view.getUint32(at, true);
}

/** The offset, or a negated errno when the request cannot be taken. */
function offsetFor(file: FileDescription): number {
  if (view.getUint32(12, true) !== 0) return -EOPNOTSUPP;
  if (file.queue !== null || !file.positioned) {
    unimplemented('AIO of what can wait');
    return -EINVAL;
  }
  const high = view.getInt32(44, true);
  return high < 0 ? -EINVAL : high * 4294967296 + view.getUint32(40, true);
}

function read(t: Task, file: FileDescription, addr: number, length: number, vector: boolean): number {
  if (!file.readable) return -EBADF;
  if (file.read === FileDescription.prototype.read) return -EINVAL;
  const offset = offsetFor(file);
  if (offset < 0) return offset;
  const total = vector ? loadIovec(t, addr, length) : Math.min(length, MAX_RW_COUNT);
  if (total < 0) return total;
  const buffer = chunkBuffer();
  let done = 0;
  let n = 0;
  while (done < total) {
    const want = Math.min(total - done, CHUNK);
    n = file.pread(buffer, 0, want, offset + done, t);
    if (n <= 0) break;
    const r = vector ? scatterNow(t, buffer, 0, done, n) : copyOutNow(t, addr + done, buffer, 0, n);
    if (r < 0) {
      n = r;
      break;
    }
    done += n;
    if (n < want) break;
  }
  result = done > 0 ? done : n;
  return 0;
}

function write(t: Task, file: FileDescription, addr: number, length: number, vector: boolean): number {
  if (!file.writable) return -EBADF;
  if (file.write === FileDescription.prototype.write) return -EINVAL;
  const offset = offsetFor(file);
  if (offset < 0) return offset;
  const total = vector ? loadIovec(t, addr, length) : Math.min(length, MAX_RW_COUNT);
  if (total < 0) return total;
  const buffer = chunkBuffer();
  let done = 0;
  let n = 0;
  while (done < total) {
    const want = Math.min(total - done, CHUNK);
    const got = vector ? gatherSome(t, buffer, 0, done, want) : copyIn(t, addr + done, buffer, want);
    n = got > 0 ? file.pwrite(buffer, 0, got, offset + done, t) : -EFAULT;
    if (n <= 0) break;
    done += n;
    if (n < want) break;
  }
  result = done > 0 ? done : n;
  return 0;
}

function copyIn(t: Task, addr: number, buffer: Uint8Array, length: number): number {
  return t.copyInTo(addr, buffer, 0, length) < 0 ? -EFAULT : length;
}

function sync(file: FileDescription, dataOnly: boolean, length: number): number {
  const unused = word(24) === 0 && length === 0 && word(40) === 0 && view.getUint32(12, true) === 0;
  if (!unused || file.queue !== null) return -EINVAL;
  result = file.fsync(dataOnly);
  return 0;
}

/** Tells the eventfd of the request, if it has one. */
function signalDone(t: Task): void {
  if ((view.getUint32(56, true) & IOCB_FLAG_RESFD) === 0) return;
  const event = fileAt(t, 60);
  if (event instanceof EventFile) event.write(one, 0, 8);
}
