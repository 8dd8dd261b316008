/** getpid(2) and relatives, setpgid(2), setsid(2), personality(2). */
import { EACCES, EINVAL, EPERM, ESRCH } from '../../sentry/abi/errno.ts';
import { moveToProcessGroup, newProcessGroup, newSession } from '../../sentry/kernel/pid-table.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import type { ThreadGroup } from '../../sentry/kernel/thread-group.ts';

export function sys_getpid(t: Task): number {
  return t.group.tgid;
}
export function sys_gettid(t: Task): number {
  return t.tid;
}
/** 0 when the parent is outside the container. */
export function sys_getppid(t: Task): number {
  const { parent } = t.group;
  return parent === null ? 0 : parent.tgid;
}
export function sys_getpgrp(t: Task): number {
  return t.group.pgrp.pgid;
}

export function sys_getpgid(t: Task): number {
  const group = groupOf(t, t.argI32(0));
  return group === null ? -ESRCH : group.pgrp.pgid;
}

export function sys_getsid(t: Task): number {
  const group = groupOf(t, t.argI32(0));
  return group === null ? -ESRCH : group.session.sid;
}

function groupOf(t: Task, pid: number): ThreadGroup | null {
  return pid === 0 ? t.group : (t.pidns.pids.get(pid)?.group ?? null);
}

/** The order of the checks is Linux's: it decides the errno. */
export function sys_setpgid(t: Task): number {
  const pid = t.argI32(0) === 0 ? t.pid : t.argI32(0);
  const pgid = t.argI32(1) === 0 ? pid : t.argI32(1);
  if (pgid < 0) return -EINVAL;
  const target = t.pidns.pids.get(pid);
  if (target === undefined) return -ESRCH;
  if (!target.isLeader) return -EINVAL;
  const { group } = target;
  if (group.parent === t.group) {
    if (group.session !== t.group.session) return -EPERM;
    if (group.didExec) return -EACCES;
  } else if (group !== t.group) {
    return -ESRCH;
  }
  if (group.isSessionLeader) return -EPERM;
  let pgrp = t.pidns.processGroups.get(pgid);
  if (pgid === pid) pgrp ??= newProcessGroup(t.pidns, pgid, group.session);
  if (pgrp === undefined || pgrp.session !== t.group.session) return -EPERM;
  moveToProcessGroup(group, pgrp);
  return 0;
}

export function sys_setsid(t: Task): number {
  const { group } = t;
  // A group leader's id is its process group's already; so is a session's of that number.
  if (group.isSessionLeader || t.pidns.processGroups.has(group.tgid)) return -EPERM;
  newSession(group);
  return group.tgid;
}

/** Flags are kept; ADDR_NO_RANDOMIZE is honoured by execve. 0xffffffff only asks. */
export function sys_personality(t: Task): number {
  const value = t.argU32(0);
  const old = t.personality;
  if (value !== 0xffffffff) t.personality = value;
  return old;
}
