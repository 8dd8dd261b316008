/** bind(2), connect(2), listen(2), accept(2), accept4(2), shutdown(2), getsockname(2), getpeername(2). */
import { EAGAIN, EALREADY, EBADF, ECONNABORTED, EINPROGRESS, EINTR, EINVAL } from '../../sentry/abi/errno.ts';
import { READABLE, WRITABLE } from '../../sentry/abi/poll.ts';
import { SOCK_CLOEXEC, SOCK_NONBLOCK } from '../../sentry/abi/socket.ts';
import { BLOCKED } from '../../sentry/base/result.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import type { SocketFile } from '../../sentry/net/socket/socket-file.ts';
import { addressBuffer, addressIn, addressOut, socketArg, waitFor } from './support.ts';

export function sys_bind(t: Task): number {
  const s = socketArg(t, 0);
  if (typeof s === 'number') return s;
  const len = t.argI32(2);
  const r = addressIn(t, t.arg(1), len, addressBuffer);
  return r < 0 ? r : s.bind(addressBuffer, len, t);
}

export function sys_connect(t: Task): number {
  const s = socketArg(t, 0);
  if (typeof s === 'number') return s;
  const len = t.argI32(2);
  const r = addressIn(t, t.arg(1), len, addressBuffer);
  if (r < 0) return r;
  const again = t.retry;
  const n = s.connect(addressBuffer, len, t, again);
  if (n !== -EAGAIN) return n;
  if (s.nonblocking) return again ? -EALREADY : s.connectPending;
  const waiting = waitFor(t, s.connectQueue(), WRITABLE, s.options.sndTimeoNs, false);
  // A timeout answers what a non-blocking connect would have; a signal leaves the attempt going on.
  if (waiting === -EAGAIN) return s.connectPending;
  if (waiting !== BLOCKED && s.connectPending === -EINPROGRESS)
    return s.options.sndTimeoNs !== 0 ? -EINTR : waiting;
  return waiting;
}

export function sys_listen(t: Task): number {
  const s = socketArg(t, 0);
  return typeof s === 'number' ? s : s.listen(t.argI32(1), t);
}

export function sys_accept(t: Task): number {
  return doAccept(t, 0);
}

export function sys_accept4(t: Task): number {
  return doAccept(t, t.argI32(3));
}

function doAccept(t: Task, flags: number): number {
  if ((flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) !== 0) return -EINVAL;
  const s = socketArg(t, 0);
  if (s === -EBADF) return s;
  const admitted = t.files.admits();
  if (admitted < 0) return admitted;
  if (typeof s === 'number') return s;
  // The descriptor is reserved first (by the listener itself), so that running out of them loses no connection.
  const cloexec = (flags & SOCK_CLOEXEC) !== 0;
  const fd = t.files.alloc(s, 0, cloexec);
  if (fd < 0) return fd;
  const made = s.accept(flags & SOCK_NONBLOCK, t);
  if (typeof made === 'number') {
    t.files.remove(fd);
    return made === -EAGAIN ? waitFor(t, s.queue, READABLE, s.options.rcvTimeoNs, s.nonblocking) : made;
  }
  t.files.set(fd, made, cloexec);
  const r = t.arg(1) === 0 ? 0 : peerOut(t, made);
  if (r < 0) {
    t.files.remove(fd);
    return r;
  }
  return fd;
}

function peerOut(t: Task, s: SocketFile): number {
  const len = s.acceptedAddress(addressBuffer);
  return len < 0 ? -ECONNABORTED : addressOut(t, addressBuffer, len, t.arg(1), t.arg(2));
}

export function sys_shutdown(t: Task): number {
  const s = socketArg(t, 0);
  return typeof s === 'number' ? s : s.shutdown(t.argI32(1));
}

export function sys_getsockname(t: Task): number {
  const s = socketArg(t, 0);
  if (typeof s === 'number') return s;
  const len = s.localAddress(addressBuffer);
  return len < 0 ? len : addressOut(t, addressBuffer, len, t.arg(1), t.arg(2));
}

export function sys_getpeername(t: Task): number {
  const s = socketArg(t, 0);
  if (typeof s === 'number') return s;
  const len = s.peerAddress(addressBuffer);
  return len < 0 ? len : addressOut(t, addressBuffer, len, t.arg(1), t.arg(2));
}
