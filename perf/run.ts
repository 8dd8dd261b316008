// All benchmarks: `npx tsx perf/run.ts [--rounds N] [--only micro|one-cpu|quota|macro|computing|net|net-host|lifecycle|idle]` as root, on a quiet machine. Natively,
// in our sandbox and in gVisor by turns, medians over the rounds; writes perf/results.md. gVisor is measured where
// $RUNSC_PERF_GVISOR names its runsc.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { leaveUnified } from './cgroups.ts';
import { idle, type Idle } from './idle.ts';
import { computing, luaInOneFile, type Macro, macros, opensslSpeed } from './macro.ts';
import { lifecycle, many, works } from './lifecycle.ts';
import { netJobs, netRates } from './net.ts';
import { measure, runtimes, type Job, type RuntimeName } from './runtimes.ts';
import { rootfs } from '../test/support/rootfs.ts';

leaveUnified();

type Times = Map<string, Map<RuntimeName, number[]>>;

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, only: { type: 'string', default: '' } },
});
const rounds = Number(values.rounds);
const names = runtimes();
const bench = mkdtempSync(join(tmpdir(), 'runsc-bench-'));
const sections: string[] = [];
/** What a cache line took from one CPU to the other and back, in ns, before each turn of a runtime. */
const trips: number[] = [];
/** Natively the programs would share the host's loopback. */
const netColumns = names.map((name) => (name === 'native' ? 'runc' : name));

try {
  buildMicro();
  if (wants('micro')) section('System calls, in ns', 'ns', micro({}));
  if (wants('one-cpu'))
    section('System calls on one CPU (`taskset -c 0`), in ns', 'ns', micro({ oneCpu: true }));
  if (wants('quota')) {
    section(
      'System calls under a quota of one CPU of two (native: runc), in ns',
      'ns',
      micro({ quota: true }),
    );
  }
  if (wants('macro')) section('Programs, in ms', 'ms', programs(macros));
  if (wants('computing')) {
    section('Computing, in ms', 'ms', programs(computing));
    section('Computing, in ns', 'ns', speeds());
  }
  if (wants('net')) section('Network on loopback, a second', '/s', net(false), netColumns);
  if (wants('net-host')) {
    section('Network on loopback with `--network host`, a second', '/s', net(true), netColumns);
  }
  if (wants('lifecycle')) lifecycleSections();
  if (wants('idle')) await idleSection();
  writeResults();
} finally {
  rmSync(bench, { recursive: true, force: true });
}

function wants(part: string): boolean {
  return values.only === '' || values.only.split(',').includes(part);
}

function buildMicro(): void {
  const micro = join(import.meta.dirname, 'micro.c');
  execFileSync('gcc', ['-O2', '-pthread', '-o', join(bench, 'micro'), micro], { stdio: 'inherit' });
  writeFileSync(join(bench, 'lua.c'), luaInOneFile);
  // For root filesystems without a C library too.
  execFileSync('gcc', ['-O2', '-pthread', '-static', '-o', join(bench, 'timer'), micro], {
    stdio: 'inherit',
  });
  const sockets = join(import.meta.dirname, 'net.c');
  execFileSync('gcc', ['-O2', '-o', join(bench, 'net'), sockets], { stdio: 'inherit' });
}

/** Runs everything by turns, so that what changes on the machine meanwhile meets all alike. */
function turns(
  times: Times,
  runOne: (runtime: RuntimeName, note: (row: string, value: number) => void) => void,
  among = names,
): Times {
  for (let round = 0; round < rounds; round++) {
    for (const runtime of among) {
      process.stderr.write(`round ${round + 1} of ${rounds}: ${runtime}\n`);
      trips.push(Number(execFileSync(join(bench, 'micro'), ['-l'], { encoding: 'utf8' })));
      runOne(runtime, (row, value) => {
        const cells = times.get(row) ?? new Map<RuntimeName, number[]>();
        times.set(row, cells.set(runtime, [...(cells.get(runtime) ?? []), value]));
      });
    }
  }
  return times;
}

function micro(limits: { oneCpu?: boolean; quota?: boolean }): Times {
  const args = ['/bench/micro'];
  if (limits.oneCpu || limits.quota) args.push('-q', 'getppid', 'pread 4k', 'pipe', 'fork+wait', 'mutex');
  const job: Job = { rootfs: rootfs('debian'), args, bench, ...limits };
  return turns(new Map(), (runtime, note) => {
    for (const line of measure(runtime, job).output.trimEnd().split('\n')) {
      const [row, , median] = line.split('\t');
      note(row!, Number(median));
    }
  });
}

function programs(rows: Record<string, Macro>): Times {
  const times: Times = new Map();
  for (const [row, { root, script }] of Object.entries(rows)) {
    const args = ['/bench/timer', '-t', '/bin/sh', '-c', script];
    const job: Job = { rootfs: rootfs(root), args, bench };
    process.stderr.write(`${row}\n`);
    turns(times, (runtime, note) =>
      note(row, Number(measure(runtime, job).output.trim().split('\n').at(-1)) / 1000),
    );
  }
  return times;
}

/** What an operation takes, from the bytes a second that openssl counts. */
function speeds(): Times {
  const times: Times = new Map();
  for (const [row, script] of Object.entries(opensslSpeed)) {
    const job: Job = { rootfs: rootfs('debian'), args: ['/bin/sh', '-c', script], bench };
    turns(times, (runtime, note) => {
      const rate = /^\+F:\d+:[^:]*:([\d.]+)/m.exec(measure(runtime, job).output)?.[1];
      note(row, (16384 / Number(rate)) * 1e9);
    });
  }
  return times;
}

function net(hostNetwork: boolean): Times {
  const times: Times = new Map();
  for (const args of netJobs) {
    turns(
      times,
      (runtime, note) => netRates(runtime, args, bench, hostNetwork).forEach((row) => note(...row)),
      netColumns,
    );
  }
  return times;
}

/** Against the other runtimes, those that are installed. */
function lifecycleSections(): void {
  const root = rootfs('busybox');
  const wall: Times = new Map();
  const cpu: Times = new Map();
  const add = (times: Times, row: string, runtime: RuntimeName, value: number): void => {
    const cells = times.get(row) ?? new Map<RuntimeName, number[]>();
    times.set(row, cells.set(runtime, [...(cells.get(runtime) ?? []), value]));
  };
  const ours = names.filter((name) => name !== 'native');
  const usable = [...ours, ...(['runc', 'crun'] as const).filter((name) => works(name, root, bench))];
  for (let round = 0; round < rounds; round++) {
    for (const runtime of usable) {
      process.stderr.write(`lifecycle, round ${round + 1} of ${rounds}: ${runtime}\n`);
      lifecycle(runtime, root, bench, (row, wallMs, cpuMs) => {
        add(wall, row, runtime, wallMs);
        add(cpu, row, runtime, cpuMs);
      });
    }
  }
  section('Containers, wall time in ms', 'ms', wall, usable);
  section('Containers, CPU time of the whole machine in ms (means)', 'ms', means(cpu), usable);
  const crowd: Times = new Map();
  for (const runtime of usable) {
    process.stderr.write(`20 containers: ${runtime}\n`);
    const { perSecond, pssKib } = many(runtime, root, bench);
    add(crowd, 'a start takes, ms', runtime, 1000 / perSecond);
    add(crowd, 'PSS of all, MiB', runtime, pssKib / 1024);
  }
  section('20 containers at once', 'ms', crowd, usable);
}

/** For values that come in coarse steps. */
function means(times: Times): Times {
  const mean = (list: number[]): number[] => [list.reduce((a, b) => a + b, 0) / list.length];
  return new Map(
    [...times].map(([row, cells]) => [row, new Map([...cells].map(([name, list]) => [name, mean(list)]))]),
  );
}

async function idleSection(): Promise<void> {
  const rows: [RuntimeName, Idle][] = [];
  const job: Job = { rootfs: rootfs('busybox'), args: ['sleep', '1000'], bench };
  for (const runtime of names) {
    if (runtime !== 'native') rows.push([runtime, await idle(runtime, job)]);
  }
  const lines = rows.map(
    ([runtime, { pssKib, cpuMs }]) => `| ${runtime} | ${(pssKib / 1024).toFixed(1)} | ${cpuMs.toFixed(1)} |`,
  );
  sections.push(
    [
      '## An idle sandbox (`sleep`)',
      '',
      '| runtime | PSS, MiB | CPU over 10 s, ms |',
      '|---|---|---|',
      ...lines,
    ].join('\n'),
  );
  console.log(sections.at(-1));
}

function median(times: readonly number[] | undefined): number {
  const sorted = [...(times ?? [])].sort((a, b) => a - b);
  return sorted.length === 0 ? NaN : sorted[Math.floor(sorted.length / 2)]!;
}

/** With ratios to those of native, runc and gVisor that are among `columns`. */
function section(title: string, unit: string, times: Times, columns: readonly RuntimeName[] = names): void {
  const bases = (['native', 'runc', 'crun', 'gVisor'] as const).filter((name) => columns.includes(name));
  const head = ['row', ...columns, ...bases.map((base) => `runsc : ${base}`)];
  const lines = [...times].map(([row, cells]) => {
    const value = (name: RuntimeName): number => median(cells.get(name));
    const cell = (n: number): string => (Number.isNaN(n) ? '' : n.toFixed(unit === 'ms' && n < 100 ? 1 : 0));
    const ratio = (a: number, b: number): string => (Number.isNaN(a / b) ? '' : (a / b).toFixed(2));
    const ours = value('runsc');
    const ratios = bases.map((base) => ratio(ours, value(base)));
    return `| ${[row, ...columns.map((name) => cell(value(name))), ...ratios].join(' | ')} |`;
  });
  sections.push(
    [`## ${title}`, '', `| ${head.join(' | ')} |`, `|${'---|'.repeat(head.length)}`, ...lines].join('\n'),
  );
  console.log(`${sections.at(-1)}\n`);
}

/** On a virtual machine its CPUs may be moved apart and together again, and calls get slower and faster with it. */
function lineTrips(): string {
  if (trips.length === 0) return '';
  return `\nA cache line went from one CPU to the other and back in ${Math.min(...trips)} to ${Math.max(...trips)} ns, ${median(trips)} at the median.`;
}

function writeResults(): void {
  const model = cpus()[0]?.model ?? 'unknown';
  const text = `# Results

Medians over ${rounds} rounds, all runtimes by turns in one run, on ${cpus().length} CPUs (${model}), Linux ${release()},
Node ${process.versions.node}, load ${readFileSync('/proc/loadavg', 'utf8').split(' ')[0]} at the end. See [README.md](README.md) for how to repeat it.${lineTrips()}

${sections.join('\n\n')}
`;
  const target =
    values.only === '' ? join(import.meta.dirname, 'results.md') : join(tmpdir(), 'runsc-results.md');
  writeFileSync(target, text);
  console.log(`written to ${target}`);
}
