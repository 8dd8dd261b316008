// How many CPUs a container sees.

import type { Resources } from '../spec/spec.ts';

/** At least 1. A part of a CPU counts as one, since that is how programs size their thread pools. */
export function cpuCount({ cpu }: Pick<Resources, 'cpu'>, available: number): number {
  let count = available;
  if (cpu?.cpus) count = Math.min(count, countCpuList(cpu.cpus));
  if (cpu?.quota !== undefined && cpu.quota > 0) {
    count = Math.min(count, Math.ceil(cpu.quota / (cpu.period || 100_000)));
  }
  return Math.max(count, 1);
}

/** cpuset(7), "List format": `0-2,7`. */
function countCpuList(list: string): number {
  let count = 0;
  for (const part of list.split(',')) {
    const [first = NaN, last = first] = part.split('-').map(Number);
    if (last >= first) count += last - first + 1;
  }
  return count;
}
