/** getpriority(2), setpriority(2), ioprio_get(2), ioprio_set(2), getcpu(2). */
import { CAP_SYS_ADMIN, CAP_SYS_NICE } from '../../sentry/abi/capability.ts';
import { EACCES, EFAULT, EINVAL, EPERM, ESRCH } from '../../sentry/abi/errno.ts';
import { PRIO_PGRP, PRIO_PROCESS, PRIO_USER } from '../../sentry/abi/resource.ts';
import {
  IOPRIO_CLASS_BE,
  IOPRIO_CLASS_IDLE,
  IOPRIO_CLASS_NONE,
  IOPRIO_CLASS_RT,
  IOPRIO_CLASS_SHIFT,
  IOPRIO_WHO_PROCESS,
} from '../../sentry/abi/sched.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { mayNice } from './sched.ts';

/** The raw call returns 20 - nice, so that it is never negative (getpriority(2), "C library/kernel differences"). */
export function sys_getpriority(t: Task): number {
  const tasks = select(t, t.argI32(0), PRIO_PROCESS, t.argI32(1));
  if (typeof tasks === 'number') return tasks;
  let best = -ESRCH;
  for (const task of tasks) best = Math.max(best, 20 - task.nice);
  return best;
}

export function sys_setpriority(t: Task): number {
  const tasks = select(t, t.argI32(0), PRIO_PROCESS, t.argI32(1));
  if (typeof tasks === 'number') return tasks;
  const nice = Math.max(-20, Math.min(19, t.argI32(2)));
  let result = -ESRCH;
  for (const task of tasks) result = setNice(t, task, nice, result);
  return result;
}

function setNice(t: Task, target: Task, nice: number, before: number): number {
  const { euid } = t.creds;
  if (target.creds.uid !== euid && target.creds.euid !== euid && !t.creds.hasCap(CAP_SYS_NICE)) return -EPERM;
  if (nice < target.nice && !mayNice(t, target, nice)) return -EACCES;
  target.nice = nice;
  return before === -ESRCH ? 0 : before;
}

export function sys_ioprio_get(t: Task): number {
  const tasks = select(t, t.argI32(0), IOPRIO_WHO_PROCESS, t.argI32(1));
  if (typeof tasks === 'number') return tasks;
  let best = -ESRCH;
  for (const task of tasks) {
    // The highest priority is the lowest number; of one that set none, the class is none.
    best = best < 0 ? task.ioPriority : Math.min(best, task.ioPriority);
  }
  return best;
}

export function sys_ioprio_set(t: Task): number {
  const value = t.argI32(2);
  const kind = value >> IOPRIO_CLASS_SHIFT;
  const level = value & 7;
  if (kind === IOPRIO_CLASS_RT) {
    if (!t.creds.hasCap(CAP_SYS_ADMIN) && !t.creds.hasCap(CAP_SYS_NICE)) return -EPERM;
  } else if (kind === IOPRIO_CLASS_NONE) {
    if (level !== 0) return -EINVAL;
  } else if (kind !== IOPRIO_CLASS_BE && kind !== IOPRIO_CLASS_IDLE) {
    return -EINVAL;
  }
  const tasks = select(t, t.argI32(0), IOPRIO_WHO_PROCESS, t.argI32(1));
  if (typeof tasks === 'number') return tasks;
  let result = -ESRCH;
  for (const task of tasks) {
    const mine = task.creds.uid === t.creds.euid || task.creds.uid === t.creds.uid;
    if (!mine && !t.creds.hasCap(CAP_SYS_NICE)) return -EPERM;
    task.ioPriority = value;
    result = 0;
  }
  return result;
}

/** Both families number process, group, user in this order, from `first` on. */
function select(t: Task, which: number, first: number, who: number): Task[] | number {
  const { kernel } = t;
  switch (which - first) {
    case PRIO_PROCESS: {
      const task = who === 0 ? t : t.pidns.pids.get(who);
      return task === undefined ? -ESRCH : [task];
    }
    case PRIO_PGRP: {
      const pgrp = who === 0 ? t.group.pgrp : t.pidns.processGroups.get(who);
      if (pgrp === undefined) return -ESRCH;
      return [...pgrp.members].flatMap((group) => [...group.tasks]);
    }
    case PRIO_USER: {
      const uid = who === 0 ? t.creds.uid : who >>> 0;
      return [...kernel.allTasks()].filter((task) => task.creds.uid === uid);
    }
    default:
      return -EINVAL;
  }
}

/** CPU and node; only the host knows the former, and programs read it as a hint (getcpu(2), NOTES). */
export function sys_getcpu(t: Task): number {
  const cpuAddr = t.arg(0);
  const nodeAddr = t.arg(1);
  if (cpuAddr !== 0 && t.writeU32(cpuAddr, t.tid % t.group.ns.cgroup.cpuCount) < 0) return -EFAULT;
  return nodeAddr === 0 ? 0 : t.writeU32(nodeAddr, 0);
}
