/** poll(2), ppoll(2). */
import { EFAULT, EINVAL, ENOMEM, ERESTARTNOHAND } from '../../sentry/abi/errno.ts';
import { O_PATH } from '../../sentry/abi/fcntl.ts';
import { POLLERR, POLLFD_SIZE, POLLHUP, POLLNVAL } from '../../sentry/abi/poll.ts';
import { BLOCKED } from '../../sentry/base/result.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { u8 } from '../../platform/arena.ts';
import { applyMask, millisToNs, readTimespec, startTimeout, writeRemaining } from './timeout.ts';

export function sys_poll(t: Task): number {
  return doPoll(t, millisToNs(t.argI32(2)));
}

export function sys_ppoll(t: Task): number {
  const timeoutNs = readTimespec(t, t.arg(2));
  if (timeoutNs < 0) return timeoutNs;
  const masked = applyMask(t, t.arg(3), t.arg(4));
  if (masked < 0) return masked;
  const n = doPoll(t, timeoutNs);
  if (n !== BLOCKED && t.arg(2) !== 0) writeRemaining(t, t.arg(2), timeoutNs, 1, n);
  return n;
}

function doPoll(t: Task, timeoutNs: number): number {
  const count = t.argU32(1);
  if (count > t.files.limit) return -EINVAL;
  const addr = t.arg(0);
  const len = count * POLLFD_SIZE;
  startTimeout(t, timeoutNs);
  if (count === 0) return finish(t, 0, timeoutNs, null, 0);
  const at = t.copyIn(addr, len);
  if (at >= 0) {
    // The bytes are the guest's to spoil: each field is read once, and what goes back only concerns itself.
    const n = scan(t, u8, at, count);
    const r = finish(t, n, timeoutNs, u8, at);
    return r < 0 ? r : t.copyOutStaged(addr, at, len) < 0 ? -EFAULT : r;
  }
  if (at !== -ENOMEM) return at;
  const fds = t.copyInBytes(addr, len);
  if (typeof fds === 'number') return fds;
  const n = scan(t, fds, 0, count);
  const r = finish(t, n, timeoutNs, fds, 0);
  return r < 0 ? r : t.copyOutBytes(addr, fds, 0, len) < 0 ? -EFAULT : r;
}

/** Fills in every revents; how many are not zero. */
function scan(t: Task, buf: Uint8Array, at: number, count: number): number {
  let ready = 0;
  for (let p = at; p < at + count * POLLFD_SIZE; p += POLLFD_SIZE) {
    const fd = word(buf, p);
    let revents = 0;
    if (fd >= 0) {
      const file = t.files.get(fd);
      const events = buf[p + 4]! | (buf[p + 5]! << 8) | POLLERR | POLLHUP;
      const bad = file === null || (file.flags & O_PATH) !== 0;
      revents = bad ? POLLNVAL : file.readiness() & events;
      if (revents !== 0) ready++;
    }
    buf[p + 6] = revents;
    buf[p + 7] = revents >>> 8;
  }
  return ready;
}

/** The result, or BLOCKED with the task on every queue that could change it. */
function finish(t: Task, ready: number, timeoutNs: number, buf: Uint8Array | null, at: number): number {
  if (ready > 0 || timeoutNs === 0 || t.timedOut) return ready;
  let r = t.waitForever();
  if (r !== BLOCKED) return -ERESTARTNOHAND;
  const count = buf === null ? 0 : t.argU32(1);
  for (let p = at; p < at + count * POLLFD_SIZE; p += POLLFD_SIZE) {
    const fd = word(buf!, p);
    const queue = fd < 0 ? null : (t.files.get(fd)?.queue ?? null);
    if (queue === null) continue;
    r = t.waitOn(queue, buf![p + 4]! | (buf![p + 5]! << 8));
    if (r !== BLOCKED) return -ERESTARTNOHAND;
  }
  return BLOCKED;
}

function word(buf: Uint8Array, p: number): number {
  return buf[p]! | (buf[p + 1]! << 8) | (buf[p + 2]! << 16) | (buf[p + 3]! << 24);
}
