/** epoll_create(2), epoll_create1(2), epoll_ctl(2), epoll_wait(2), epoll_pwait(2), epoll_pwait2(2). */
import { EBADF, EFAULT, EINTR, EINVAL, EPERM } from '../../sentry/abi/errno.ts';
import {
  EP_MAX_EVENTS,
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  EPOLL_DATA_OFFSET,
  EPOLL_EVENT_SIZE,
  EPOLLET,
  EPOLLEXCLUSIVE,
  EPOLLWAKEUP,
} from '../../sentry/abi/epoll.ts';
import {
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
  POLLRDNORM,
  POLLWRNORM,
  READABLE,
} from '../../sentry/abi/poll.ts';
import { BLOCKED } from '../../sentry/base/result.ts';
import { EpollFile } from '../../sentry/fs/epoll/epoll-file.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { i32, u32 } from '../../platform/arena.ts';
import { newFd } from './new-fd.ts';
import { applyMask, millisToNs, readTimespec, startTimeout } from './timeout.ts';

const EXCLUSIVE_OK =
  EPOLLEXCLUSIVE | EPOLLET | EPOLLWAKEUP | POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM | POLLERR | POLLHUP;
/** Events handed out per call: what surely fits in a slot. epoll_wait may return fewer than maxevents. */
const BATCH = 1024;

export function sys_epoll_create(t: Task): number {
  return t.argI32(0) <= 0 ? -EINVAL : newFd(t, new EpollFile(), false);
}

export function sys_epoll_create1(t: Task): number {
  const flags = t.argI32(0);
  return (flags & ~EPOLL_CLOEXEC) !== 0 ? -EINVAL : newFd(t, new EpollFile(), flags !== 0);
}

export function sys_epoll_ctl(t: Task): number {
  const op = t.argI32(1);
  let at = -1;
  if (op !== EPOLL_CTL_DEL) {
    at = t.copyIn(t.arg(3), EPOLL_EVENT_SIZE);
    if (at < 0) return at;
  }
  const epoll = t.fileNoPath(0);
  const file = t.fileNoPath(2);
  if (epoll === null || file === null) return -EBADF;
  if (file.queue === null) return -EPERM;
  if (!(epoll instanceof EpollFile) || file === epoll) return -EINVAL;
  const fd = t.argI32(2);
  if (op === EPOLL_CTL_DEL) return epoll.remove(file, fd);
  const events = i32[at >>> 2]!;
  const dataLo = u32[(at + EPOLL_DATA_OFFSET) >>> 2]!;
  const dataHi = u32[((at + EPOLL_DATA_OFFSET) >>> 2) + 1]!;
  if ((events & EPOLLEXCLUSIVE) !== 0) {
    if (op === EPOLL_CTL_MOD || (events & ~EXCLUSIVE_OK) !== 0) return -EINVAL;
    if (file instanceof EpollFile) return -EINVAL;
  }
  if (op === EPOLL_CTL_ADD) return epoll.add(file, fd, events, dataLo, dataHi);
  if (op === EPOLL_CTL_MOD) return epoll.modify(file, fd, events, dataLo, dataHi);
  return -EINVAL;
}

export function sys_epoll_wait(t: Task): number {
  return doWait(t, millisToNs(t.argI32(3)));
}

export function sys_epoll_pwait(t: Task): number {
  const masked = applyMask(t, t.arg(4), t.arg(5));
  return masked < 0 ? masked : doWait(t, millisToNs(t.argI32(3)));
}

export function sys_epoll_pwait2(t: Task): number {
  const timeoutNs = readTimespec(t, t.arg(3));
  if (timeoutNs < 0) return timeoutNs;
  const masked = applyMask(t, t.arg(4), t.arg(5));
  return masked < 0 ? masked : doWait(t, timeoutNs);
}

function doWait(t: Task, timeoutNs: number): number {
  const max = t.argI32(2);
  if (max <= 0 || max > EP_MAX_EVENTS) return -EINVAL;
  const epoll = t.fileNoPath(0);
  if (epoll === null) return -EBADF;
  if (!(epoll instanceof EpollFile)) return -EINVAL;
  epoll.waited(t);
  if (epoll.pending > 0) {
    const n = collect(t, epoll, max);
    if (n !== 0) return n;
  }
  if (timeoutNs === 0 || t.timedOut) return 0;
  startTimeout(t, timeoutNs);
  return t.waitOn(epoll.queue, READABLE) === BLOCKED ? BLOCKED : -EINTR;
}

let sinkAt = 0;
/** Writes one struct epoll_event; a single function, so that a wait allocates nothing. */
function sink(events: number, dataLo: number, dataHi: number): void {
  i32[sinkAt >>> 2] = events;
  u32[(sinkAt + EPOLL_DATA_OFFSET) >>> 2] = dataLo;
  u32[((sinkAt + EPOLL_DATA_OFFSET) >>> 2) + 1] = dataHi;
  sinkAt += EPOLL_EVENT_SIZE;
}

function collect(t: Task, epoll: EpollFile, max: number): number {
  const addr = t.arg(1);
  let room = Math.min(max, epoll.pending, BATCH);
  // Before anything is taken off the ready list: a fault must not lose events. More than there are need not fit.
  while (room > 1 && !t.canAccess(addr, room * EPOLL_EVENT_SIZE, true)) room >>= 1;
  if (!t.canAccess(addr, room * EPOLL_EVENT_SIZE, true)) return epoll.readiness() === 0 ? 0 : -EFAULT;
  const at = t.stage(room * EPOLL_EVENT_SIZE);
  if (at < 0) return at;
  sinkAt = at;
  const n = epoll.collect(sink, room);
  if (n === 0) return 0;
  const r = t.copyOutStaged(addr, at, n * EPOLL_EVENT_SIZE);
  return r < 0 ? r : n;
}
