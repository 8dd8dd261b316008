/** sendto(2), sendmsg(2), sendmmsg(2). */
import { EAGAIN, EFAULT, EMSGSIZE, EPIPE } from '../../sentry/abi/errno.ts';
import { UIO_MAXIOV } from '../../sentry/abi/fcntl.ts';
import { WRITABLE } from '../../sentry/abi/poll.ts';
import { MMSGHDR_SIZE, MSGHDR_SIZE, MSG_DONTWAIT, MSG_NOSIGNAL } from '../../sentry/abi/socket.ts';
import { BLOCKED } from '../../sentry/base/result.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { Message } from '../../sentry/net/socket/message.ts';
import type { SocketFile } from '../../sentry/net/socket/socket-file.ts';
import { u8 } from '../../platform/arena.ts';
import { gather, iovBase, iovCount, loadIovec } from '../file/iovec.ts';
import { CHUNK, chunkBuffer, endWrite, stagingRoom } from '../file/transfer.ts';
import { decodeControl } from './control.ts';
import { fastOpen } from './fast-open.ts';
import { hdr, loadMsghdr } from './msghdr.ts';
import { addressIn, socketArg, waitFor } from './support.ts';

const SIGPIPE = 13;
/** The message of the call at hand. */
const msg = new Message();

export function sys_sendto(t: Task): number {
  const s = socketArg(t, 0);
  if (typeof s === 'number') return s;
  msg.reset(u8, 0, 0, t.argI32(3));
  if (t.arg(4) !== 0) {
    const r = addressIn(t, t.arg(4), t.argI32(5), msg.addr);
    if (r < 0) return r;
    msg.addrLen = t.argI32(5);
  }
  const opened = fastOpen(t, s, msg);
  if (opened !== 0) return opened;
  return sendRange(t, s, t.arg(1), t.arg(2));
}

export function sys_sendmsg(t: Task): number {
  const s = socketArg(t, 0);
  if (typeof s === 'number') return s;
  return sendMessage(t, s, t.arg(1), t.argI32(2));
}

/** Progress of a sendmmsg across waits: messages done, and how far the current one got. */
class Batch {
  count = 0;
  inner: unknown = null;
}

export function sys_sendmmsg(t: Task): number {
  const s = socketArg(t, 0);
  if (typeof s === 'number') return s;
  const batch = t.blockState instanceof Batch ? t.blockState : new Batch();
  const total = Math.min(t.argU32(2), UIO_MAXIOV);
  while (batch.count < total) {
    const addr = t.arg(1) + batch.count * MMSGHDR_SIZE;
    t.blockState = batch.inner;
    const n = sendMessage(t, s, addr, t.argI32(3));
    batch.inner = t.blockState;
    t.blockState = batch;
    if (n === BLOCKED) return n;
    if (n < 0) return batch.count > 0 ? batch.count : n;
    batch.inner = null;
    if (t.writeI32(addr + MSGHDR_SIZE, n) < 0) return batch.count > 0 ? batch.count : -EFAULT;
    batch.count++;
  }
  return batch.count;
}

function sendMessage(t: Task, s: SocketFile, addr: number, flags: number): number {
  let r = loadMsghdr(t, addr);
  if (r < 0) return r;
  msg.reset(u8, 0, 0, flags);
  if (hdr.nameLen > 0) {
    r = addressIn(t, hdr.name, hdr.nameLen, msg.addr);
    if (r < 0) return r;
    msg.addrLen = hdr.nameLen;
  }
  if (hdr.controlLen > 0) {
    r = decodeControl(t, s, msg, hdr.control, hdr.controlLen);
    if (r < 0) return r;
  }
  const total = loadIovec(t, hdr.iov, hdr.iovLen);
  if (total < 0) return total;
  const opened = fastOpen(t, s, msg);
  if (opened !== 0) return opened;
  return iovCount === 1 ? sendRange(t, s, iovBase[0]!, total) : sendVector(t, s, total);
}

/** Sends guest bytes [addr, addr+len): straight from the slot when they were marshalled or fit there. */
function sendRange(t: Task, s: SocketFile, addr: number, len: number): number {
  if (len > stagingRoom(t) && t.thread.findInput(addr, len) === -1) return sendPieces(t, s, len, addr);
  const at = len === 0 ? 0 : t.copyIn(addr, len);
  if (at < 0) return at;
  let done = progress(t);
  do {
    msg.buf = u8;
    msg.off = at + done;
    msg.len = len - done;
    const n = sendOnce(t, s, done);
    if (n === -EAGAIN) return waitToSend(t, s, done);
    if (n < 0) return endWrite(s, done, n);
    done += n;
  } while (done < len && s.isStream);
  return done;
}

function sendVector(t: Task, s: SocketFile, total: number): number {
  return sendPieces(t, s, total, -1);
}

/** Sends through the private buffer: from `addr` on, or (-1) from the loaded vector. */
function sendPieces(t: Task, s: SocketFile, total: number, addr: number): number {
  if (!s.isStream && total > CHUNK) return -EMSGSIZE;
  let done = progress(t);
  do {
    const want = Math.min(total - done, CHUNK);
    const buffer = chunkBuffer();
    const r = addr >= 0 ? t.copyInTo(addr + done, buffer, 0, want) : gather(t, buffer, 0, done, want);
    if (r < 0) return done > 0 ? done : r;
    msg.buf = buffer;
    msg.off = 0;
    msg.len = want;
    const n = sendOnce(t, s, done);
    if (n === -EAGAIN) return waitToSend(t, s, done);
    if (n < 0) return endWrite(s, done, n);
    done += n;
  } while (done < total && s.isStream);
  return done;
}

/** Bytes that earlier runs of this call have sent. */
function progress(t: Task): number {
  return typeof t.blockState === 'number' ? t.blockState : 0;
}

function sendOnce(t: Task, s: SocketFile, done: number): number {
  // Ancillary data goes with the first byte only.
  if (done > 0) {
    msg.rights = null;
    msg.creds = null;
  }
  const n = s.send(msg, t);
  if (n === -EPIPE && done === 0 && s.isStream && (msg.flags & MSG_NOSIGNAL) === 0) t.signalSelf(SIGPIPE);
  return n;
}

function waitToSend(t: Task, s: SocketFile, done: number): number {
  t.blockState = done;
  const nowait = s.nonblocking || (msg.flags & MSG_DONTWAIT) !== 0;
  const r = waitFor(t, s.sendQueue(msg), WRITABLE, s.options.sndTimeoNs, nowait);
  return r !== BLOCKED && done > 0 ? done : r;
}
