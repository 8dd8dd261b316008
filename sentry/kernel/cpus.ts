/** The CPUs of a container: as many as its quota and cpuset make, numbered from 0 (cpuset(7), sched_setaffinity(2)). */
import type { Cgroup } from './cgroup.ts';
import type { Task } from './task.ts';

/** CPUs that a mask can hold. */
const MAX_CPUS = 1024;

export function allCpus(count: number): Uint32Array {
  const mask = new Uint32Array(MAX_CPUS / 32);
  for (let cpu = 0; cpu < count && cpu < MAX_CPUS; cpu++)
    mask[cpu >> 5] = (mask[cpu >> 5]! | (1 << (cpu & 31))) >>> 0;
  return mask;
}

/** cpuset(7), "List format": `0-2,7`. Null for what is none. */
export function parseCpuList(text: string): Uint32Array | null {
  const mask = new Uint32Array(MAX_CPUS / 32);
  for (const part of text.split(',')) {
    const [, first, last = first] = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(part.trim()) ?? [];
    if (first === undefined || Number(last) < Number(first) || Number(last) >= MAX_CPUS) return null;
    for (let cpu = Number(first); cpu <= Number(last); cpu++)
      mask[cpu >> 5] = (mask[cpu >> 5]! | (1 << (cpu & 31))) >>> 0;
  }
  return mask;
}

/** sched_setaffinity(2): false when none of the CPUs is the container's. */
export function restrictTask(task: Task, cpus: Uint32Array): boolean {
  const all = allCpus(task.group.ns.cgroup.cpuCount);
  const left = cpus.map((word, index) => word & all[index]!);
  if (!left.some((word) => word !== 0)) return false;
  task.affinity = left;
  return true;
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
