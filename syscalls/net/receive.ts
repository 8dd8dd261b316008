/** recvfrom(2), recvmsg(2), recvmmsg(2). */
import { EAGAIN, EFAULT } from '../../sentry/abi/errno.ts';
import { UIO_MAXIOV } from '../../sentry/abi/fcntl.ts';
import { READABLE } from '../../sentry/abi/poll.ts';
import {
  AF_UNIX,
  MMSGHDR_SIZE,
  MSGHDR_SIZE,
  MSG_CMSG_CLOEXEC,
  MSG_DONTWAIT,
  MSG_ERRQUEUE,
  MSG_PEEK,
  MSG_TRUNC,
  MSG_WAITALL,
  MSG_WAITFORONE,
} from '../../sentry/abi/socket.ts';
import { copyBytes } from '../../sentry/base/copy-bytes.ts';
import { BLOCKED } from '../../sentry/base/result.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { Message } from '../../sentry/net/socket/message.ts';
import { dropRights } from '../../sentry/net/socket/socket-file.ts';
import type { SocketFile } from '../../sentry/net/socket/socket-file.ts';
import { u8 } from '../../platform/arena.ts';
import { iovBase, iovCount, loadIovec, scatterNow, scatterStaged } from '../file/iovec.ts';
import { CHUNK, chunkBuffer, copyOutNow, copyOutRead, DIRECT } from '../file/transfer.ts';
import { readTimespec } from '../poll/timeout.ts';
import { encodeControl } from './control.ts';
import { hdr, loadMsghdr, storeMsghdr } from './msghdr.ts';
import { addressOut, socketArg, waitFor } from './support.ts';

/** The message of the call at hand. */
const msg = new Message();

export function sys_recvfrom(t: Task): number {
  const s = socketArg(t, 0);
  if (typeof s === 'number') return s;
  const n = receiveInto(t, s, t.arg(1), Math.min(t.arg(2), 0x7ffff000), t.argI32(3));
  if (n < 0) return n;
  dropRights(msg);
  if (t.arg(4) === 0) return n;
  const r = addressOut(t, msg.addr, msg.addrLen, t.arg(4), t.arg(5));
  return r < 0 ? r : n;
}

export function sys_recvmsg(t: Task): number {
  const s = socketArg(t, 0);
  if (typeof s === 'number') return s;
  return receiveMessage(t, s, t.arg(1), t.argI32(2));
}

/** Progress of a recvmmsg across waits. */
class Batch {
  count = 0;
  inner: unknown = null;
  endNs = Infinity;
}

export function sys_recvmmsg(t: Task): number {
  const s = socketArg(t, 0);
  if (typeof s === 'number') return s;
  const batch = t.blockState instanceof Batch ? t.blockState : new Batch();
  if (t.arg(4) !== 0 && !t.retry) {
    const timeoutNs = readTimespec(t, t.arg(4));
    if (timeoutNs < 0) return timeoutNs;
    batch.endNs = t.kernel.clock.monotonicNs() + timeoutNs;
  }
  const pending = s.pendingError;
  if (pending !== 0 && batch.count === 0) return -s.takeError();
  const total = Math.min(t.argU32(2), UIO_MAXIOV);
  let flags = t.argI32(3) & ~MSG_WAITFORONE;
  while (batch.count < total) {
    if (batch.count > 0 && (t.argI32(3) & MSG_WAITFORONE) !== 0) flags |= MSG_DONTWAIT;
    const addr = t.arg(1) + batch.count * MMSGHDR_SIZE;
    t.blockState = batch.inner;
    const n = receiveMessage(t, s, addr, flags);
    batch.inner = t.blockState;
    t.blockState = batch;
    if (n === BLOCKED) return n;
    if (n < 0) return batch.count > 0 ? batch.count : n;
    batch.inner = null;
    if (t.writeI32(addr + MSGHDR_SIZE, n) < 0) return batch.count > 0 ? batch.count : -EFAULT;
    batch.count++;
    // The timeout is looked at only after a message: recvmmsg(2), BUGS.
    if (batch.endNs !== Infinity && t.kernel.clock.monotonicNs() >= batch.endNs) break;
  }
  return batch.count;
}

function receiveMessage(t: Task, s: SocketFile, addr: number, flags: number): number {
  const bad = loadMsghdr(t, addr);
  if (bad < 0) return bad;
  const total = loadIovec(t, hdr.iov, hdr.iovLen);
  if (total < 0) return total;
  const n = iovCount === 1 ? receiveInto(t, s, iovBase[0]!, total, flags) : receiveVector(t, s, total, flags);
  if (n < 0) return n;
  msg.flags = flags;
  const controlLen = encodeControl(t, msg, hdr.control, hdr.controlLen);
  if (controlLen < 0) return controlLen;
  if (hdr.name !== 0 && msg.addrLen > 0) {
    const r = t.copyOutBytes(hdr.name, msg.addr, 0, Math.min(msg.addrLen, hdr.nameLen));
    if (r < 0) return r;
  }
  const outFlags = (flags & MSG_CMSG_CLOEXEC) | msg.outFlags;
  const r = storeMsghdr(t, addr, msg.addrLen, controlLen, outFlags);
  return r < 0 ? r : n;
}

/** Receives into guest bytes [addr, addr+len). A count, a negated errno or BLOCKED. */
function receiveInto(t: Task, s: SocketFile, addr: number, len: number, flags: number): number {
  if (mustWaitForAll(s, len, flags)) return receiveAll(t, s, addr, len, flags);
  if (len >= DIRECT) return receiveLarge(t, s, addr, len, flags);
  const top = t.thread.dataTop;
  const at = t.stage(len);
  if (at < 0) return receiveLarge(t, s, addr, len, flags);
  msg.reset(u8, at, len, flags);
  const n = s.receive(msg, t);
  if (n < 0) {
    t.thread.dataTop = top;
    return n === -EAGAIN ? waitToReceive(t, s, flags, 0) : n;
  }
  t.thread.dataTop = at + Math.min(n, len);
  // A stream with MSG_TRUNC drops what it counts (tcp(7)).
  const drops = s.isStream && s.family !== AF_UNIX && (flags & MSG_TRUNC) !== 0;
  const r = drops ? 0 : t.copyOutStaged(addr, at, Math.min(n, len));
  if (r === 0) return n;
  dropRights(msg);
  return r;
}

function receiveVector(t: Task, s: SocketFile, total: number, flags: number): number {
  if (mustWaitForAll(s, total, flags)) return receiveAll(t, s, -1, total, flags);
  if (total >= DIRECT) return receiveLarge(t, s, -1, total, flags);
  const top = t.thread.dataTop;
  const at = t.stage(total);
  if (at < 0) return receiveLarge(t, s, -1, total, flags);
  msg.reset(u8, at, total, flags);
  const n = s.receive(msg, t);
  if (n < 0) {
    t.thread.dataTop = top;
    return n === -EAGAIN ? waitToReceive(t, s, flags, 0) : n;
  }
  t.thread.dataTop = at + Math.min(n, total);
  const r = scatterStaged(t, at, Math.min(n, total));
  if (r === 0) return n;
  dropRights(msg);
  return r;
}

/** Through the private buffer: what is much, or could be. MSG_TRUNC of a stream drops what it counts (tcp(7)). */
function receiveLarge(t: Task, s: SocketFile, addr: number, len: number, flags: number): number {
  msg.reset(chunkBuffer(), 0, Math.min(len, CHUNK), flags);
  const n = s.receive(msg, t);
  if (n < 0) return n === -EAGAIN ? waitToReceive(t, s, flags, 0) : n;
  const drops = s.isStream && s.family !== AF_UNIX && (flags & MSG_TRUNC) !== 0;
  const kept = Math.min(n, msg.len);
  const r = drops ? 0 : addr >= 0 ? copyOutRead(t, addr, kept) : scatterRead(t, kept);
  if (r === 0) return n;
  dropRights(msg);
  return r;
}

/** Brings the first `n` bytes of the private buffer to the vector. */
function scatterRead(t: Task, n: number): number {
  const at = n < DIRECT ? t.stage(n) : -1;
  if (at < 0) return scatterNow(t, chunkBuffer(), 0, 0, n);
  copyBytes(u8, at, chunkBuffer(), 0, n);
  return scatterStaged(t, at, n);
}

function mustWaitForAll(s: SocketFile, len: number, flags: number): boolean {
  if (!s.isStream || (flags & (MSG_PEEK | MSG_ERRQUEUE)) !== 0) return false;
  return ((flags & MSG_WAITALL) !== 0 && len > 1) || (s.options.rcvLowat > 1 && len > 1);
}

/** MSG_WAITALL and SO_RCVLOWAT: collects until enough is there; what has come survives waits in blockState. */
function receiveAll(t: Task, s: SocketFile, addr: number, len: number, flags: number): number {
  const target = (flags & MSG_WAITALL) !== 0 ? len : Math.min(s.options.rcvLowat, len);
  let done = typeof t.blockState === 'number' ? t.blockState : 0;
  while (done < len) {
    msg.reset(chunkBuffer(), 0, Math.min(len - done, CHUNK), flags);
    const n = s.receive(msg, t);
    if (n === -EAGAIN) return done >= target ? done : waitToReceive(t, s, flags, done);
    if (n < 0) return done > 0 ? done : n;
    if (n === 0) break;
    if ((flags & MSG_TRUNC) === 0) {
      const r = putOut(t, addr, done, n);
      if (r < 0) {
        dropRights(msg);
        return done > 0 ? done : r;
      }
    }
    done += n;
    if (msg.rights !== null) break;
  }
  return done;
}

function putOut(t: Task, addr: number, done: number, n: number): number {
  return addr >= 0
    ? copyOutNow(t, addr + done, chunkBuffer(), 0, n)
    : scatterNow(t, chunkBuffer(), 0, done, n);
}

function waitToReceive(t: Task, s: SocketFile, flags: number, done: number): number {
  if ((flags & MSG_ERRQUEUE) !== 0) return -EAGAIN;
  t.blockState = done;
  const nowait = s.nonblocking || (flags & MSG_DONTWAIT) !== 0;
  const r = waitFor(t, s.queue, READABLE, s.options.rcvTimeoNs, nowait);
  return r !== BLOCKED && done > 0 ? done : r;
}
