// --strace against strace(1): the same calls, the same lines.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { MAKING_MS, rootfs } from '../support/rootfs.ts';
import { canRun, sandbox } from '../support/sandbox.ts';

const sources = join(import.meta.dirname, 'strace');
const directory = mkdtempSync(join(tmpdir(), 'runsc-strace-'));
const programs = join(directory, 'programs');

/** As strace writes them, in a network of their own and on a tmpfs, as in the sandbox. */
function realLines(program: string): string {
  const log = join(directory, `${program}.real`);
  const script = `ip link set lo up; mount -t tmpfs tmpfs "$0" && cd "$0" && exec strace -o "$1" "$2"`;
  const work = join(directory, 'work');
  mkdirSync(work, { recursive: true });
  const words = ['--net', '--ipc', '--mount', 'sh', '-c', script, work, log, join(programs, program)];
  spawnSync('unshare', words, { stdio: 'ignore' });
  return readFileSync(log, 'utf8');
}

async function ourLines(program: string, flags: readonly string[] = []): Promise<string> {
  const log = join(directory, `${program}.ours`);
  rmSync(log, { force: true });
  await sandbox({
    rootfs: rootfs('busybox'),
    args: [`/work/${program}`],
    cwd: '/tmp',
    mounts: [{ destination: '/work', type: 'bind', source: programs, options: ['bind', 'ro'] }],
    flags: ['--strace', '--debug-log', log, ...flags],
  });
  return readFileSync(log, 'utf8');
}

/** What differs from run to run, and the column of the results. */
function normal(line: string): string {
  return line
    .replace(/ += /, ' = ')
    .replace(/0x[0-9a-f]{5,}/g, 'ADDRESS')
    .replace(/(left \{tv_sec=)\d+, (tv_.sec=)\d+/, '$1N, $2N')
    .replace(/(ru_.time=\{tv_sec=\d+, tv_usec=)\d+/g, '$1N')
    .replace(/f_fsid=\{.*?\}/, 'f_fsid')
    .replace(/si_([us])time=\d+/g, 'si_$1time=N')
    .replace('SNDCTL_TMR_START or TCSETS', 'TCSETS')
    .replace(/^(rt_sigreturn\(.*) = .*/, '$1');
}

/** The lines from the first call of the program's own on, of its first process. */
function linesOf(text: string): string[] {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.slice(lines.findIndex((line) => line.includes('getppid()')) + 1).map(normal);
}

/** The real numbers of the process and its children as they are in a container: 1, and on. */
function renumber(lines: readonly string[]): string[] {
  const numbers = new Map<string, string>();
  for (const line of lines) {
    const pid = /^(?:fork|getpid|clone3?)\(.* = (\d+)$/.exec(line)?.[1];
    if (pid !== undefined && !numbers.has(pid)) numbers.set(pid, String(numbers.size + 1));
  }
  return lines.map((line) => line.replace(/\d+/g, (number) => numbers.get(number) ?? number));
}

function firstProcess(text: string): string {
  const init = /^1 /;
  return text
    .split('\n')
    .filter((line) => init.test(line))
    .map((line) => line.replace(init, ''))
    .join('\n');
}

/** A signal is told of when it comes; whether a wait or the signal of a child's end is first is chance. */
function childrenApart(lines: readonly string[]): string[] {
  const signals = lines.filter((line) => line.startsWith('--- SIGCHLD'));
  return [...lines.filter((line) => !line.startsWith('--- SIGCHLD')), ...signals];
}

describe.skipIf(!canRun)('strace', () => {
  beforeAll(() => {
    rootfs('busybox');
    mkdirSync(programs);
    for (const name of ['files', 'processes', 'others'])
      execFileSync('gcc', ['-static', '-w', '-o', join(programs, name), join(sources, `${name}.c`)]);
  }, MAKING_MS);
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test.each(['files', 'processes', 'others'])('%s', { timeout: 300_000 }, async (name) => {
    const real = childrenApart(renumber(linesOf(realLines(name))));
    expect(real.length).toBeGreaterThan(80);
    expect(childrenApart(linesOf(firstProcess(await ourLines(name))))).toEqual(real);
  });

  test('tells how each process ends', { timeout: 300_000 }, async () => {
    const text = await ourLines('processes');
    const ends = [...text.matchAll(/^(\d+) \+\+\+ (.*) \+\+\+$/gm)].map(([, pid, end]) => `${pid} ${end}`);
    expect(ends).toEqual([
      '2 exited with 3',
      '3 killed by SIGTERM',
      '4 killed by SIGSEGV',
      '5 killed by SIGILL',
      '6 exited with 0',
      '7 exited with 0',
      '8 exited with 0',
      '1 exited with 7',
    ]);
    expect(text).toMatch(/^3 --- SIGTERM \{si_signo=SIGTERM, si_code=SI_USER, si_pid=3, si_uid=0\} ---$/m);
    expect(text).toMatch(/^4 --- SIGSEGV \{si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0x10\} ---$/m);
  });

  test('writes JSON', { timeout: 300_000 }, async () => {
    const text = await ourLines('processes', ['--strace-format', 'json']);
    const records = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(records.find((record) => record['errno'] === 'ENOENT')).toMatchObject({ syscall: 'execve' });
    expect(records.find((record) => record['signal'] === 'SIGTERM')).toMatchObject({ pid: 3 });
    expect(records.at(-1)).toMatchObject({ pid: 1, exit: 'exited with 7' });
  });
});
