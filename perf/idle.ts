// What a sandbox costs that does nothing: memory of all its processes, and CPU time over ten seconds.

import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { start, type Job, type RuntimeName } from './runtimes.ts';

export interface Idle {
  readonly pssKib: number;
  readonly cpuMs: number;
}

export async function idle(runtime: RuntimeName, job: Job): Promise<Idle> {
  const { pid, stop } = start(runtime, job);
  try {
    await sleep(3000);
    const processes = tree(pid);
    const before = cpuTicks(processes);
    await sleep(10_000);
    return { pssKib: pss(tree(pid)), cpuMs: (cpuTicks(processes) - before) * 10 };
  } finally {
    await stop();
  }
}

/** A process and all its descendants. */
function tree(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? read(`/proc/${name}/stat`) : '';
    const parent = /\) \S (\d+)/.exec(stat)?.[1];
    if (parent !== undefined) parents.set(Number(name), Number(parent));
  }
  const found = [root];
  for (let grown = true; grown;) {
    grown = false;
    for (const [pid, parent] of parents) {
      if (found.includes(parent) && !found.includes(pid)) grown = found.push(pid) > 0;
    }
  }
  return found;
}

function pss(pids: readonly number[]): number {
  return pids.reduce(
    (sum, pid) => sum + Number(/^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0),
    0,
  );
}

/** utime and stime of all of them, in clock ticks. */
function cpuTicks(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const fields = read(`/proc/${pid}/stat`)
      .replace(/^.*\) /, '')
      .split(' ');
    return sum + Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
  }, 0);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // It ended.
  }
}
