/** Scheduling (sched(7)): the host schedules; attributes are checked, kept and answered. */
import { CAP_SYS_NICE } from '../../sentry/abi/capability.ts';
import { E2BIG, EFAULT, EINVAL, EPERM, ESRCH } from '../../sentry/abi/errno.ts';
import { RLIMIT_NICE, RLIMIT_RTPRIO } from '../../sentry/abi/resource.ts';
import {
  SCHED_ATTR_SIZE,
  SCHED_ATTR_SIZE_VER0,
  SCHED_BATCH,
  SCHED_DEADLINE,
  SCHED_EXT,
  SCHED_FIFO,
  SCHED_FLAG_ALL,
  SCHED_FLAG_RESET_ON_FORK,
  SCHED_IDLE,
  SCHED_OTHER,
  SCHED_RESET_ON_FORK,
  SCHED_RR,
} from '../../sentry/abi/sched.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { i32, setU64, u32, u8 } from '../../platform/arena.ts';

const MAX_RT_PRIORITY = 99;
const RR_INTERVAL_NS = 100_000_000;
const OTHER_INTERVAL_NS = 3_000_000;
/** sizeof(cpumask) as the kernel answers it: whole longs that hold all possible CPUs. */
const LONG_BYTES = 8;

export function sys_sched_yield(_t: Task): number {
  return 0;
}

export function sys_sched_setaffinity(t: Task): number {
  const target = find(t, t.argI32(0));
  if (target === null) return -ESRCH;
  const bytes = t.copyInBytes(t.arg(2), Math.min(t.argU32(1), 128));
  if (typeof bytes === 'number') return -EFAULT;
  if (!mayChange(t, target)) return -EPERM;
  const mask = new Uint32Array(32);
  let any = false;
  for (let cpu = 0; cpu < t.group.ns.cgroup.cpuCount && cpu < bytes.length * 8; cpu++) {
    if (((bytes[cpu >> 3]! >> (cpu & 7)) & 1) === 0) continue;
    mask[cpu >> 5] = mask[cpu >> 5]! | (1 << (cpu & 31));
    any = true;
  }
  if (!any) return -EINVAL;
  target.affinity = mask;
  return 0;
}

/** Returns the number of bytes written, unlike glibc's wrapper. */
export function sys_sched_getaffinity(t: Task): number {
  const len = t.argU32(1);
  if (len * 8 < t.group.ns.cgroup.cpuCount || len % LONG_BYTES !== 0) return -EINVAL;
  const target = find(t, t.argI32(0));
  if (target === null) return -ESRCH;
  const size = Math.min(len, Math.ceil(t.group.ns.cgroup.cpuCount / 64) * LONG_BYTES);
  const view = new Uint8Array(target.affinity.buffer, 0, size);
  const r = t.copyOutBytes(t.arg(2), view, 0, size);
  return r < 0 ? r : size;
}

export function sys_sched_setscheduler(t: Task): number {
  const policy = t.argI32(1);
  const priority = t.readI32(t.arg(2));
  if (policy < 0 || t.argI32(0) < 0) return -EINVAL;
  if (priority === null) return -EFAULT;
  // Its times come by sched_setattr(2) only.
  if ((policy & ~SCHED_RESET_ON_FORK) === SCHED_DEADLINE) return -EINVAL;
  return setScheduler(t, policy & ~SCHED_RESET_ON_FORK, priority, (policy & SCHED_RESET_ON_FORK) !== 0);
}

export function sys_sched_setparam(t: Task): number {
  const addr = t.arg(1);
  if (addr === 0 || t.argI32(0) < 0) return -EINVAL;
  const target = find(t, t.argI32(0));
  const priority = t.readI32(addr);
  if (priority === null) return -EFAULT;
  if (target === null) return -ESRCH;
  return setScheduler(t, target.policy, priority, target.resetOnFork);
}

export function sys_sched_getscheduler(t: Task): number {
  if (t.argI32(0) < 0) return -EINVAL;
  const target = find(t, t.argI32(0));
  if (target === null) return -ESRCH;
  return target.policy | (target.resetOnFork ? SCHED_RESET_ON_FORK : 0);
}

export function sys_sched_getparam(t: Task): number {
  const addr = t.arg(1);
  if (addr === 0 || t.argI32(0) < 0) return -EINVAL;
  const target = find(t, t.argI32(0));
  return target === null ? -ESRCH : t.writeI32(addr, target.rtPriority);
}

export function sys_sched_get_priority_max(t: Task): number {
  return priorityLimit(t.argI32(0), MAX_RT_PRIORITY);
}

export function sys_sched_get_priority_min(t: Task): number {
  return priorityLimit(t.argI32(0), 1);
}

function priorityLimit(policy: number, realtime: number): number {
  if (policy === SCHED_FIFO || policy === SCHED_RR) return realtime;
  const other = [SCHED_OTHER, SCHED_BATCH, SCHED_IDLE, SCHED_DEADLINE, SCHED_EXT];
  return other.includes(policy) ? 0 : -EINVAL;
}

export function sys_sched_rr_get_interval(t: Task): number {
  if (t.argI32(0) < 0) return -EINVAL;
  const target = find(t, t.argI32(0));
  if (target === null) return -ESRCH;
  const at = t.stage(16);
  if (at < 0) return -EFAULT;
  setU64(at, 0);
  setU64(
    at + 8,
    target.policy === SCHED_RR ? RR_INTERVAL_NS : target.policy === SCHED_FIFO ? 0 : OTHER_INTERVAL_NS,
  );
  return t.copyOutStaged(t.arg(1), at, 16);
}

export function sys_sched_setattr(t: Task): number {
  const addr = t.arg(1);
  if (addr === 0 || t.argI32(0) < 0 || t.argU32(2) !== 0) return -EINVAL;
  const given = t.readU32(addr);
  if (given === null) return -EFAULT;
  const size = given === 0 ? SCHED_ATTR_SIZE_VER0 : given;
  if (size < SCHED_ATTR_SIZE_VER0 || size > 4096) return badSize(t, addr);
  const bytes = t.copyInBytes(addr, size);
  if (typeof bytes === 'number') return -EFAULT;
  for (let i = SCHED_ATTR_SIZE; i < size; i++) if (bytes[i] !== 0) return badSize(t, addr);
  const view = new DataView(bytes.buffer, bytes.byteOffset, size);
  const policy = view.getUint32(4, true);
  const flags = view.getUint32(8, true);
  const nice = view.getInt32(16, true);
  const priority = view.getUint32(20, true);
  if (policy > 0x7fffffff || view.getUint32(12, true) !== 0 || (flags & ~SCHED_FLAG_ALL) !== 0)
    return -EINVAL;
  const target = find(t, t.argI32(0));
  if (target === null) return -ESRCH;
  // The nice value is clamped, not refused.
  const newNice = Math.max(-20, Math.min(19, nice));
  if (policy === SCHED_OTHER || policy === SCHED_BATCH) {
    if (newNice < target.nice && !mayNice(t, target, newNice)) return -EPERM;
  }
  const r = setScheduler(t, policy, priority, (flags & SCHED_FLAG_RESET_ON_FORK) !== 0);
  if (r === 0 && (policy === SCHED_OTHER || policy === SCHED_BATCH)) target.nice = newNice;
  return r;
}

/** E2BIG tells the size that we know. */
function badSize(t: Task, addr: number): number {
  t.writeU32(addr, SCHED_ATTR_SIZE);
  return -E2BIG;
}

export function sys_sched_getattr(t: Task): number {
  const addr = t.arg(1);
  const size = t.argU32(2);
  if (addr === 0 || t.argI32(0) < 0 || t.argU32(3) !== 0) return -EINVAL;
  if (size < SCHED_ATTR_SIZE_VER0 || size > 4096) return -EINVAL;
  const target = find(t, t.argI32(0));
  if (target === null) return -ESRCH;
  const known = Math.min(size, SCHED_ATTR_SIZE);
  const at = t.stage(SCHED_ATTR_SIZE);
  if (at < 0) return -EFAULT;
  u8.fill(0, at, at + SCHED_ATTR_SIZE);
  const w = at >>> 2;
  u32[w] = known;
  u32[w + 1] = target.policy;
  u32[w + 2] = target.resetOnFork ? SCHED_FLAG_RESET_ON_FORK : 0;
  i32[w + 4] = target.nice;
  u32[w + 5] = target.rtPriority;
  u32[w + 13] = 1024;
  return t.copyOutStaged(addr, at, known);
}

function setScheduler(t: Task, policy: number, priority: number, resetOnFork: boolean): number {
  const target = find(t, t.argI32(0));
  if (target === null) return -ESRCH;
  const realtime = policy === SCHED_FIFO || policy === SCHED_RR;
  if (!realtime && ![SCHED_OTHER, SCHED_BATCH, SCHED_IDLE].includes(policy)) {
    // Deadlines need host guarantees that we do not have.
    return policy === SCHED_DEADLINE ? -EPERM : -EINVAL;
  }
  if (priority < 0 || priority > MAX_RT_PRIORITY || realtime !== priority > 0) return -EINVAL;
  if (!t.creds.hasCap(CAP_SYS_NICE)) {
    if (realtime) {
      const limit = target.group.limits.soft[RLIMIT_RTPRIO]!;
      if (policy !== target.policy && limit === 0) return -EPERM;
      if (priority > target.rtPriority && priority > limit) return -EPERM;
    }
    // Out of SCHED_IDLE as if the nice value were raised.
    if (target.policy === SCHED_IDLE && policy !== SCHED_IDLE && !mayNice(t, target, target.nice))
      return -EPERM;
    if (!mayChange(t, target)) return -EPERM;
    if (target.resetOnFork && !resetOnFork) return -EPERM;
  }
  target.policy = policy;
  target.rtPriority = priority;
  target.resetOnFork = resetOnFork;
  return 0;
}

/** RLIMIT_NICE gives room below zero: nice >= 20 - limit. */
export function mayNice(t: Task, target: Task, nice: number): boolean {
  return 20 - nice <= target.group.limits.soft[RLIMIT_NICE]! || t.creds.hasCap(CAP_SYS_NICE);
}

export function find(t: Task, pid: number): Task | null {
  return pid === 0 ? t : (t.pidns.pids.get(pid) ?? null);
}

function mayChange(t: Task, target: Task): boolean {
  const { euid } = t.creds;
  return euid === target.creds.euid || euid === target.creds.uid || t.creds.hasCap(CAP_SYS_NICE);
}
