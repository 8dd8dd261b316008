/** Sending: kill(2), tkill(2), tgkill(2), rt_sigqueueinfo(2), pidfd_send_signal(2). */
import { EBADF, EFAULT, EINVAL, EPERM, ESRCH } from '../../sentry/abi/errno.ts';
import { NSIG, SIGINFO_SIZE, SI_TKILL, SI_USER } from '../../sentry/abi/signal.ts';
import { PidFile } from '../../sentry/fs/pidfd/pidfd.ts';
import { TaskDirectory } from '../../sentry/fs/proc/task-directory.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import type { ThreadGroup } from '../../sentry/kernel/thread-group.ts';
import { SigInfo, sigInfo } from '../../sentry/signal/sig-info.ts';
import type { FileDescription } from '../../sentry/vfs/file-description.ts';

const PIDFD_SIGNAL_THREAD = 1;
const PIDFD_SIGNAL_THREAD_GROUP = 2;
const PIDFD_SIGNAL_PROCESS_GROUP = 4;
const INT_MIN = -0x80000000;

export function sys_kill(t: Task): number {
  const pid = t.argI32(0);
  const signo = t.argI32(1);
  if (pid > 0) {
    const target = t.pidns.pids.get(pid);
    return target === undefined ? -ESRCH : signalGroup(t, target.group, userInfo(t, signo, SI_USER));
  }
  if (pid === -1) return signalAll(t, signo);
  if (pid === INT_MIN) return -ESRCH;
  const pgrp = pid === 0 ? t.group.pgrp : t.pidns.processGroups.get(-pid);
  if (pgrp === undefined) return -ESRCH;
  return signalMany(t, pgrp.members, signo);
}

export function sys_tkill(t: Task): number {
  return signalThread(t, 0, t.argI32(0), t.argI32(1));
}

export function sys_tgkill(t: Task): number {
  const tgid = t.argI32(0);
  return tgid <= 0 ? -EINVAL : signalThread(t, tgid, t.argI32(1), t.argI32(2));
}

export function sys_rt_sigqueueinfo(t: Task): number {
  const pid = t.argI32(0);
  const info = readInfo(t, t.arg(2), t.argI32(1));
  if (typeof info === 'number') return info;
  const target = t.pidns.pids.get(pid);
  // Nobody may fake the kernel's or kill's codes to others.
  if ((info.code >= 0 || info.code === SI_TKILL) && t.pid !== pid) return -EPERM;
  return target === undefined ? -ESRCH : signalGroup(t, target.group, info);
}

export function sys_rt_tgsigqueueinfo(t: Task): number {
  const tgid = t.argI32(0);
  const tid = t.argI32(1);
  const info = readInfo(t, t.arg(3), t.argI32(2));
  if (typeof info === 'number') return info;
  if (tgid <= 0 || tid <= 0) return -EINVAL;
  if ((info.code >= 0 || info.code === SI_TKILL) && t.tid !== tid) return -EPERM;
  const target = t.pidns.pids.get(tid);
  if (target === undefined || target.pid !== tgid) return -ESRCH;
  return signalTask(t, target, info);
}

export function sys_pidfd_send_signal(t: Task): number {
  const signo = t.argI32(1);
  const infoAddr = t.arg(2);
  const flags = t.argU32(3);
  const scopes = PIDFD_SIGNAL_THREAD | PIDFD_SIGNAL_THREAD_GROUP | PIDFD_SIGNAL_PROCESS_GROUP;
  if ((flags & ~scopes) !== 0 || (flags & (flags - 1)) !== 0) return -EINVAL;
  const file = t.fileNoPath(0);
  const named = file === null ? null : processOf(file);
  if (named === null) return -EBADF;
  const { group } = named;
  let info: SigInfo | number;
  if (infoAddr === 0) {
    info = userInfo(t, signo, SI_USER);
  } else {
    info = readInfo(t, infoAddr, signo);
    if (typeof info === 'number') return info;
    if (info.rawSigno !== signo) return -EINVAL;
    if ((info.code >= 0 || info.code === SI_TKILL) && group !== t.group) return -EPERM;
  }
  if (!validSignal(signo)) return -EINVAL;
  if (group.dead) return -ESRCH;
  // Of a namespace that the caller's does not contain (pidfd_send_signal(2), ERRORS).
  if (group.ns.pid !== t.pidns) return -EINVAL;
  if (flags === PIDFD_SIGNAL_PROCESS_GROUP) return signalMany(t, group.pgrp.members, signo);
  const thread = flags === PIDFD_SIGNAL_THREAD || (flags === 0 && named.thread !== null);
  if (!thread) return signalGroup(t, group, info);
  const target = named.thread ?? group.leader;
  return target.pidns.pids.get(target.tid) === target ? signalTask(t, target, info) : -ESRCH;
}

/** A pidfd, or a directory /proc/PID (pidfd_send_signal(2), NOTES). */
function processOf(file: FileDescription): { group: ThreadGroup; thread: Task | null } | null {
  if (file instanceof PidFile) return file;
  const { inode } = file;
  return inode instanceof TaskDirectory && inode.whole ? { group: inode.task.group, thread: null } : null;
}

function validSignal(signo: number): boolean {
  return signo >= 0 && signo <= NSIG;
}

function userInfo(t: Task, signo: number, code: number): SigInfo {
  return sigInfo(signo, code, t.pid, t.creds.uid);
}

function signalThread(t: Task, tgid: number, tid: number, signo: number): number {
  if (tid <= 0) return -EINVAL;
  const target = t.pidns.pids.get(tid);
  if (target === undefined || (tgid > 0 && target.pid !== tgid)) return -ESRCH;
  return signalTask(t, target, userInfo(t, signo, SI_TKILL));
}

/** Whether the signal exists matters once there is somebody to get it. Signal 0 only asks whether it could be sent. */
function signalTask(t: Task, target: Task, info: SigInfo): number {
  if (!validSignal(info.signo)) return -EINVAL;
  const r = t.kernel.signals.permission(t, target, info.signo);
  return r < 0 || info.signo === 0 ? r : t.kernel.signals.sendToTask(target, info);
}

function signalGroup(t: Task, group: ThreadGroup, info: SigInfo): number {
  if (!validSignal(info.signo)) return -EINVAL;
  const r = t.kernel.signals.permission(t, group.leader, info.signo);
  return r < 0 || info.signo === 0 ? r : t.kernel.signals.sendToGroup(group, info);
}

/** kill(0), kill(-pgid): success if one could be signalled, else the last error. */
function signalMany(t: Task, groups: Iterable<ThreadGroup>, signo: number): number {
  let result = -ESRCH;
  let reached = false;
  for (const group of [...groups]) {
    const r = signalGroup(t, group, userInfo(t, signo, SI_USER));
    if (r === 0) reached = true;
    else result = r;
  }
  return reached ? 0 : result;
}

/** kill(-1): everyone but init and the caller's own process. */
function signalAll(t: Task, signo: number): number {
  let result = 0;
  let count = 0;
  for (const group of [...t.pidns.groups.values()]) {
    if (group === t.pidns.init || group === t.group) continue;
    const r = signalGroup(t, group, userInfo(t, signo, SI_USER));
    count++;
    if (r !== -EPERM) result = r;
  }
  return count > 0 ? result : -ESRCH;
}

/** The caller's siginfo_t with `signo` put in. */
function readInfo(t: Task, addr: number, signo: number): SigInfo | number {
  const raw = t.copyInBytes(addr, SIGINFO_SIZE);
  if (typeof raw === 'number') return -EFAULT;
  const view = new DataView(raw.buffer, raw.byteOffset, SIGINFO_SIZE);
  const info = new SigInfo(signo, view.getInt32(8, true));
  info.rawSigno = view.getInt32(0, true);
  view.setInt32(0, signo, true);
  info.errno = view.getInt32(4, true);
  info.pid = view.getInt32(16, true);
  info.uid = view.getUint32(20, true);
  info.valueLo = view.getInt32(24, true);
  info.valueHi = view.getInt32(28, true);
  info.raw = raw;
  return info;
}
