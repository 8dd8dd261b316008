/** linux.resources as the guest sees them: its cgroup files, MemTotal, the limit of its tasks. `runsc update` changes them. */
import type { CgroupLimits } from '../../sentry/fs/cgroup/cgroup2.ts';
import { setCpuCount } from '../../sentry/kernel/cpus.ts';
import type { Cgroup } from '../../sentry/kernel/cgroup.ts';
import { weightOfShares } from '../sandbox/cgroup-limits-v2.ts';
import { cpuCount } from '../sandbox/cpu-count.ts';
import type { Resources } from '../spec/spec.ts';

export type GuestLimits = { -readonly [K in keyof CgroupLimits]: CgroupLimits[K] };

export function guestLimits(resources: Resources = {}): GuestLimits {
  const limits: GuestLimits = {
    memoryMax: 0,
    memoryLow: 0,
    swapMax: 0,
    cpuQuota: 0,
    cpuPeriod: 0,
    cpuWeight: 0,
    pidsMax: 0,
    cpusetCpus: '',
  };
  change(limits, resources);
  return limits;
}

/** What is missing or zero stays; below zero lifts a limit. `hostCpuCount`: the most CPUs that there can be. */
export function updateGuestLimits(
  cgroup: Cgroup,
  limits: GuestLimits,
  resources: Resources,
  hostCpuCount: number,
): void {
  change(limits, resources);
  const { cpusetCpus: cpus, cpuQuota: quota, cpuPeriod: period } = limits;
  setCpuCount(cgroup, cpuCount({ cpu: { cpus, quota, period } }, hostCpuCount));
  cgroup.memoryLimitBytes = Math.max(0, limits.memoryMax);
  cgroup.pidsLimit = Math.max(0, limits.pidsMax);
}

function change(limits: GuestLimits, { memory, cpu, pids }: Resources): void {
  limits.memoryMax = memory?.limit || limits.memoryMax;
  limits.memoryLow = Math.max(0, memory?.reservation || limits.memoryLow);
  // v1 counts swap together with memory.
  if (memory?.swap) limits.swapMax = memory.swap < 0 ? 0 : Math.max(0, memory.swap - limits.memoryMax);
  limits.cpuQuota = cpu?.quota || limits.cpuQuota;
  limits.cpuPeriod = cpu?.period || limits.cpuPeriod;
  if (cpu?.shares) limits.cpuWeight = weightOfShares(cpu.shares);
  limits.cpusetCpus = cpu?.cpus || limits.cpusetCpus;
  limits.pidsMax = pids?.limit || limits.pidsMax;
}
