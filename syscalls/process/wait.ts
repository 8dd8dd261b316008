/** wait4(2), waitid(2). */
import { EAGAIN, EBADF, ECHILD, EFAULT, EINVAL, ESRCH } from '../../sentry/abi/errno.ts';
import { SIGINFO_SIZE } from '../../sentry/abi/signal.ts';
import {
  P_ALL,
  P_PGID,
  P_PID,
  P_PIDFD,
  WCONTINUED,
  WEXITED,
  WNOHANG,
  WNOWAIT,
  WSTOPPED,
  WUNTRACED,
  __WALL,
  __WCLONE,
  __WNOTHREAD,
} from '../../sentry/abi/wait.ts';
import { PidFile } from '../../sentry/fs/pidfd/pidfd.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import type { ChildEvent, WaitFilter } from '../../sentry/kernel/wait.ts';
import {
  EVENT_EXITED,
  consumeEvent,
  eventInfo,
  eventStatus,
  findChildEvent,
} from '../../sentry/kernel/wait.ts';
import { i32, u8 } from '../../platform/arena.ts';
import { writeRusage } from '../system/rusage.ts';

const COMMON = __WNOTHREAD | __WCLONE | __WALL;
const INT_MIN = -0x80000000;

export function sys_wait4(t: Task): number {
  const pid = t.argI32(0);
  const options = t.argI32(2);
  if ((options & ~(WNOHANG | WUNTRACED | WCONTINUED | COMMON)) !== 0) return -EINVAL;
  if (pid === INT_MIN) return -ESRCH;
  const filter: WaitFilter = {
    pid: pid > 0 ? pid : null,
    pgid: pid === 0 ? t.group.pgrp.pgid : pid < -1 ? -pid : null,
    group: null,
    options: options | WEXITED,
  };
  const event = findChildEvent(t, filter);
  if (event === false) return -ECHILD;
  if (event === true) return (options & WNOHANG) !== 0 ? 0 : t.waitOn(t.group.childQueue, -1);
  const statusAddr = t.arg(1);
  const usageAddr = t.arg(3);
  const child = event.group.tgid;
  const status = eventStatus(event);
  if (usageAddr !== 0) {
    const r = writeEventUsage(t, usageAddr, event);
    if (r < 0) return r;
  }
  // As in Linux the child is gone even when the status cannot be stored.
  consumeEvent(event);
  if (statusAddr !== 0 && t.writeI32(statusAddr, status) < 0) return -EFAULT;
  return child;
}

export function sys_waitid(t: Task): number {
  const options = t.argI32(3);
  const valid = WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | COMMON;
  if ((options & ~valid) !== 0) return -EINVAL;
  if ((options & (WEXITED | WSTOPPED | WCONTINUED)) === 0) return -EINVAL;
  const filter: WaitFilter = { pid: null, pgid: null, group: null, options };
  const nonblocking = selectChildren(t, filter);
  if (nonblocking < 0) return nonblocking;
  const event = findChildEvent(t, filter);
  if (event === false) return -ECHILD;
  const infoAddr = t.arg(2);
  if (event === true) {
    if ((options & WNOHANG) !== 0) return infoAddr === 0 ? 0 : writeNothing(t, infoAddr);
    if (nonblocking === 1) return -EAGAIN;
    return t.waitOn(t.group.childQueue, -1);
  }
  const usageAddr = t.arg(4);
  if (usageAddr !== 0) {
    const r = writeEventUsage(t, usageAddr, event);
    if (r < 0) return r;
  }
  const r = infoAddr === 0 ? 0 : writeInfo(t, infoAddr, event);
  if ((options & WNOWAIT) === 0) consumeEvent(event);
  return r;
}

/** idtype and id into the filter: 0, 1 for a non-blocking pidfd, or a negated errno. */
function selectChildren(t: Task, filter: WaitFilter): number {
  const id = t.argI32(1);
  switch (t.argI32(0)) {
    case P_ALL:
      return 0;
    case P_PID:
      if (id <= 0) return -EINVAL;
      filter.pid = id;
      return 0;
    case P_PGID:
      if (id < 0) return -EINVAL;
      filter.pgid = id === 0 ? t.group.pgrp.pgid : id;
      return 0;
    case P_PIDFD: {
      if (id < 0) return -EINVAL;
      const file = t.file(1);
      if (file === null || !(file instanceof PidFile)) return -EBADF;
      filter.group = file.group;
      return file.nonblocking ? 1 : 0;
    }
    default:
      return -EINVAL;
  }
}

/** waitid's layout has the ids and the status only. */
function writeInfo(t: Task, addr: number, event: ChildEvent): number {
  const info = eventInfo(event);
  const at = t.stage(28);
  if (at < 0) return -EFAULT;
  u8.fill(0, at, at + 28);
  const w = at >>> 2;
  i32[w] = info.signo;
  i32[w + 2] = info.code;
  i32[w + 4] = info.pid;
  i32[w + 5] = info.uid;
  i32[w + 6] = info.status;
  return t.copyOutStaged(addr, at, 28) < 0 ? -EFAULT : 0;
}

function writeNothing(t: Task, addr: number): number {
  const at = t.stage(28);
  if (at < 0) return -EFAULT;
  u8.fill(0, at, at + 28);
  return t.copyOutStaged(addr, at, Math.min(28, SIGINFO_SIZE));
}

function writeEventUsage(t: Task, addr: number, event: ChildEvent): number {
  const { group } = event;
  if (event.kind !== EVENT_EXITED) return writeRusage(t, addr, group.usage, null);
  return writeRusage(t, addr, group.usage, group.childUsage);
}
