// What a container manager waits for: create, start, delete, exec, state and kill of busybox containers, and many
// containers at once. Wall time of the commands, and all CPU time that the machine spends meanwhile.

import { readFileSync, readdirSync } from 'node:fs';

import { container, type Container, type Job, type RuntimeName } from './runtimes.ts';

/** By row: wall and CPU time in ms. */
export type Note = (row: string, wallMs: number, cpuMs: number) => void;

const REPEATS = 8;
const MANY = 20;

/** One container after another. */
export function lifecycle(runtime: RuntimeName, rootfs: string, bench: string, note: Note): void {
  const short: Job = { rootfs, bench, args: ['true'] };
  const long: Job = { rootfs, bench, args: ['sleep', '1000'] };
  repeat('create, start, delete of true', note, () => {
    const one = container(runtime, short);
    one.command('create', '--bundle', one.bundle, one.id);
    one.command('start', one.id);
    waitForEnd(one);
    one.command('delete', '--force', one.id);
    one.done();
  });
  repeat('run of true', note, () => {
    const one = container(runtime, short);
    one.command('run', '--bundle', one.bundle, one.id);
    one.done();
  });
  const one = container(runtime, long);
  one.command('run', '--detach', '--bundle', one.bundle, one.id);
  repeat('exec of true', note, () => {
    one.command('exec', one.id, 'true');
  });
  repeat('state', note, () => {
    one.command('state', one.id);
  });
  repeat('kill (SIGWINCH)', note, () => {
    one.command('kill', one.id, '28');
  });
  one.command('delete', '--force', one.id);
  one.done();
}

export interface Many {
  readonly perSecond: number;
  readonly pssKib: number;
}

/** Containers started one right after another, and the memory of all of them together. */
export function many(runtime: RuntimeName, rootfs: string, bench: string): Many {
  const job: Job = { rootfs, bench, args: ['sleep', '1000'] };
  const containers = Array.from({ length: MANY }, () => container(runtime, job));
  const start = performance.now();
  try {
    for (const one of containers) one.command('run', '--detach', '--bundle', one.bundle, one.id);
    const perSecond = (MANY * 1000) / (performance.now() - start);
    return { perSecond, pssKib: processesOf(containers).reduce((sum, pid) => sum + pss(pid), 0) };
  } finally {
    for (const one of containers) {
      one.command('delete', '--force', one.id);
      one.done();
    }
  }
}

function repeat(row: string, note: Note, act: () => void): void {
  for (let i = 0; i < REPEATS; i++) {
    const cpu = busyMs();
    const start = performance.now();
    act();
    note(row, performance.now() - start, busyMs() - cpu);
  }
}

function waitForEnd(one: Container): void {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  while (one.alive()) Atomics.wait(pause, 0, 0, 1);
}

/** Time that all CPUs have worked, in ms: proc_stat(5), in ticks of 10 ms. */
function busyMs(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = readFileSync('/proc/stat', 'utf8')
    .split('\n')[0]!
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq) * 10;
}

/** The containers' own processes, those that have an id on their command line, and all descendants. */
function processesOf(containers: readonly Container[]): number[] {
  const parents = new Map<number, number>();
  const found = new Set(containers.map((one) => one.pid()));
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const pid = Number(name);
      parents.set(pid, Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))![1]));
      const line = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
      if (containers.some(({ id }) => line.includes(id))) found.add(pid);
    } catch {
      // It ended.
    }
  }
  for (let size = 0; size !== found.size;) {
    size = found.size;
    for (const [pid, parent] of parents) if (found.has(parent)) found.add(pid);
  }
  return [...found];
}

function pss(pid: number): number {
  try {
    return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1] ?? 0);
  } catch {
    return 0; // It ended, or is a thread of the host's kernel.
  }
}

/** Whether a runtime is installed and can run a container here. */
export function works(runtime: RuntimeName, rootfs: string, bench: string): boolean {
  const one = container(runtime, { rootfs, bench, args: ['true'] });
  try {
    one.command('run', '--bundle', one.bundle, one.id);
    return true;
  } catch {
    return false;
  } finally {
    one.done();
  }
}
