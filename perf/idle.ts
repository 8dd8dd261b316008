// What a sandbox costs that does nothing: memory of all its processes, and CPU time over ten seconds. It begins when
// the collector of Node has given back what the start took, once, some eight seconds after it (5 to 10 ms).

import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { start, type Job, type RuntimeName } from './runtimes.ts';

const SETTLED_MS = 15_000;

export interface Idle {
  readonly pssKib: number;
  readonly cpuMs: number;
}

export async function idle(runtime: RuntimeName, job: Job): Promise<Idle> {
  const { pid, stop } = start(runtime, job);
  try {
    await sleep(SETTLED_MS);
    const processes = tree(pid);
    const before = cpuNs(processes);
    await sleep(10_000);
    return { pssKib: pss(tree(pid)), cpuMs: (cpuNs(processes) - before) / 1e6 };
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

/** Time that all their threads have run, proc_pid_schedstat's first number. */
function cpuNs(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const own = threads(pid).map((tid) => Number(read(`/proc/${pid}/task/${tid}/schedstat`).split(' ')[0]));
    return own.reduce((a, b) => a + b, sum);
  }, 0);
}

function threads(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return []; // It ended.
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // It ended.
  }
}
