/** The CPUs of a container: as many as its quota and cpuset make, numbered from 0 (cpuset(7), sched_setaffinity(2)). */
import type { Cgroup } from './cgroup.ts';

/** CPUs that a mask can hold. */
const MAX_CPUS = 1024;

export function allCpus(count: number): Uint32Array {
  const mask = new Uint32Array(MAX_CPUS / 32);
  for (let cpu = 0; cpu < count && cpu < MAX_CPUS; cpu++)
    mask[cpu >> 5] = (mask[cpu >> 5]! | (1 << (cpu & 31))) >>> 0;
  return mask;
}

/**
 * The container has more CPUs or fewer from now on. As when a cpuset changes: who could run on all can run on all
 * there are now; of a choice stays what is left, and of nothing becomes all.
 */
export function setCpuCount(cgroup: Cgroup, count: number): void {
  const before = allCpus(cgroup.cpuCount);
  const all = allCpus(count);
  cgroup.cpuCount = count;
  for (const task of cgroup.tasks()) {
    const left = task.affinity.map((word, index) => word & all[index]!);
    const chosen = task.affinity.some((word, index) => word !== before[index]);
    task.affinity = chosen && left.some((word) => word !== 0) ? left : all.slice();
  }
}
