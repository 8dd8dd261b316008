/** getrusage(2), times(2). */
import { EFAULT, EINVAL } from '../../sentry/abi/errno.ts';
import { RUSAGE_CHILDREN, RUSAGE_SELF, RUSAGE_SIZE, RUSAGE_THREAD } from '../../sentry/abi/resource.ts';
import { groupCpuNs, taskCpuNs } from '../../sentry/kernel/cpu-time.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { Usage } from '../../sentry/kernel/thread-group.ts';
import { setU64, u8 } from '../../platform/arena.ts';

const NS_PER_TICK = 10_000_000;

export function sys_getrusage(t: Task): number {
  const usage = new Usage();
  switch (t.argI32(0)) {
    case RUSAGE_SELF:
      usage.userNs = groupCpuNs(t.group);
      break;
    case RUSAGE_THREAD:
      usage.userNs = taskCpuNs(t);
      break;
    case RUSAGE_CHILDREN:
      usage.add(t.group.childUsage);
      return writeRusage(t, t.arg(1), usage, null);
    default:
      return -EINVAL;
  }
  usage.maxRssKib = Math.max(t.group.usage.maxRssKib, t.kernel.residentKib(t));
  return writeRusage(t, t.arg(1), usage, null);
}

/** Clock ticks since an arbitrary point; the struct tms is optional. */
export function sys_times(t: Task): number {
  const addr = t.arg(0);
  if (addr !== 0) {
    const at = t.stage(32);
    if (at < 0) return -EFAULT;
    const { childUsage } = t.group;
    setU64(at, Math.floor(groupCpuNs(t.group) / NS_PER_TICK));
    setU64(at + 8, 0);
    setU64(at + 16, Math.floor(childUsage.userNs / NS_PER_TICK));
    setU64(at + 24, Math.floor(childUsage.systemNs / NS_PER_TICK));
    const r = t.copyOutStaged(addr, at, 32);
    if (r < 0) return r;
  }
  return Math.floor(t.kernel.clock.monotonicNs() / NS_PER_TICK);
}

/** struct rusage of `usage`, with `more` added when given. */
export function writeRusage(t: Task, addr: number, usage: Usage, more: Usage | null): number {
  const at = t.stage(RUSAGE_SIZE);
  if (at < 0) return -EFAULT;
  u8.fill(0, at, at + RUSAGE_SIZE);
  writeTimeval(at, usage.userNs + (more?.userNs ?? 0));
  writeTimeval(at + 16, usage.systemNs + (more?.systemNs ?? 0));
  setU64(at + 32, Math.max(usage.maxRssKib, more?.maxRssKib ?? 0));
  return t.copyOutStaged(addr, at, RUSAGE_SIZE);
}

function writeTimeval(at: number, ns: number): void {
  const sec = Math.floor(ns / 1e9);
  setU64(at, sec);
  setU64(at + 8, Math.floor((ns - sec * 1e9) / 1000));
}
