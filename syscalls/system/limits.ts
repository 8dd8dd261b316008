/** getrlimit(2), setrlimit(2), prlimit64(2). */
import { CAP_SYS_RESOURCE } from '../../sentry/abi/capability.ts';
import { EFAULT, EINVAL, EPERM, ESRCH } from '../../sentry/abi/errno.ts';
import { RLIMIT_CPU, RLIMIT_NOFILE, RLIM_NLIMITS } from '../../sentry/abi/resource.ts';
import { groupTimers } from '../../sentry/kernel/group-timers.ts';
import { NR_OPEN } from '../../sentry/kernel/rlimits.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { i32, setU64, u32 } from '../../platform/arena.ts';

const RLIMIT_SIZE = 16;

export function sys_getrlimit(t: Task): number {
  const resource = t.argU32(0);
  if (resource >= RLIM_NLIMITS) return -EINVAL;
  return writeLimit(t, t, t.arg(1), resource);
}

export function sys_setrlimit(t: Task): number {
  return setLimit(t, t, t.argU32(0), t.arg(1), 0);
}

export function sys_prlimit64(t: Task): number {
  const pid = t.argI32(0);
  const resource = t.argU32(1);
  const target = pid === 0 ? t : t.pidns.pids.get(pid);
  if (target === undefined) return -ESRCH;
  if (target !== t && !mayChange(t, target)) return -EPERM;
  return setLimit(t, target, resource, t.arg(2), t.arg(3));
}

/** Reads the new limit, writes the old one, then changes it. */
function setLimit(t: Task, target: Task, resource: number, newAddr: number, oldAddr: number): number {
  let soft = 0;
  let hard = 0;
  if (newAddr !== 0) {
    const at = t.copyIn(newAddr, RLIMIT_SIZE);
    if (at < 0) return -EFAULT;
    soft = limitAt(at);
    hard = limitAt(at + 8);
  }
  if (resource >= RLIM_NLIMITS) return -EINVAL;
  const { limits } = target.group;
  if (newAddr !== 0) {
    if (soft > hard) return -EINVAL;
    if (resource === RLIMIT_NOFILE && hard > NR_OPEN) return -EPERM;
    if (hard > limits.hard[resource]! && !t.creds.hasCap(CAP_SYS_RESOURCE)) return -EPERM;
  }
  if (oldAddr !== 0) {
    const r = writeLimit(t, target, oldAddr, resource);
    if (r < 0) return r;
  }
  if (newAddr !== 0) {
    limits.set(resource, soft, hard);
    if (resource === RLIMIT_CPU) groupTimers(t.kernel, target.group).watchCpuLimit();
  }
  return 0;
}

/** All ones is infinity; anything that no double holds exactly is as good as that. */
function limitAt(at: number): number {
  const lo = u32[at >>> 2]!;
  const hi = u32[(at >>> 2) + 1]!;
  return hi >= 0x200000 ? Infinity : hi * 4294967296 + lo;
}

function writeLimit(t: Task, target: Task, addr: number, resource: number): number {
  const at = t.stage(RLIMIT_SIZE);
  if (at < 0) return -EFAULT;
  const { soft, hard } = target.group.limits;
  putLimit(at, soft[resource]!);
  putLimit(at + 8, hard[resource]!);
  return t.copyOutStaged(addr, at, RLIMIT_SIZE);
}

function putLimit(at: number, value: number): void {
  if (value !== Infinity) {
    setU64(at, value);
    return;
  }
  i32[at >>> 2] = -1;
  i32[(at >>> 2) + 1] = -1;
}

/** All of the target's ids are the caller's real ones, or CAP_SYS_RESOURCE. */
function mayChange(t: Task, target: Task): boolean {
  const { uid, gid } = t.creds;
  const to = target.creds;
  const same =
    uid === to.uid &&
    uid === to.euid &&
    uid === to.suid &&
    gid === to.gid &&
    gid === to.egid &&
    gid === to.sgid;
  return same || t.creds.hasCap(CAP_SYS_RESOURCE);
}
