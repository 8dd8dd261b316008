// How containers end, and their standard streams: exit codes, death by signals, pipes, files, large output.

import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { MAKING_MS, rootfs } from '../support/rootfs.ts';
import { canRun, leftoversOf, runsc, sandbox, writeBundle } from '../support/sandbox.ts';

describe.skipIf(!canRun)('ends', () => {
  beforeAll(() => void rootfs('busybox'), MAKING_MS);

  const run = (runtime: string, args: string[]) =>
    sandbox({ runtime, rootfs: rootfs('busybox'), args, timeoutMs: 500_000 });

  const ends: Record<string, string[]> = {
    success: ['true'],
    'exit code 1': ['false'],
    'exit code 42': ['sh', '-c', 'exit 42'],
    'exit code 255': ['sh', '-c', 'exit 255'],
    'a child that a signal killed': ['sh', '-c', 'sh -c "kill -TERM \\$\\$"; echo $?'],
    'a signal to itself that init ignores': ['sh', '-c', 'kill -TERM $$; echo alive'],
    'another kill by pid 1': ['sh', '-c', 'kill -KILL 1; echo alive'],
    'a fault in init': ['sh', '-c', 'exec sh -c "kill -SEGV \\$\\$; echo alive"'],
    'children left running': ['sh', '-c', 'sleep 1000 & sleep 1000 & exit 3'],
  };

  test.each(Object.entries(ends))('%s', { timeout: 600_000 }, async (_name, args) => {
    const linux = await run('runc', args);
    const ours = await run(runsc, args);
    const { status, stdout } = linux;
    expect(ours).toMatchObject({ status, stdout, timedOut: false, leftovers: [] });
  });

  test.each([
    ['a missing program', ['/no/such']],
    ['a program that is not in PATH', ['nosuch']],
    ['a program that is not executable', ['/etc/passwd']],
    ['a directory', ['/etc']],
  ])('%s is one line, which is runc’s', { timeout: 600_000 }, async (_name, args) => {
    const sentence = (stderr: string): string => /failed: (.*)"\n$/.exec(stderr)![1]!;
    const linux = await run('runc', args);
    const ours = await run(runsc, args);
    expect(ours).toMatchObject({ status: linux.status, stdout: '', leftovers: [] });
    expect(ours.stderr.trim().split('\n')).toHaveLength(1);
    expect(sentence(ours.stderr)).toBe(sentence(linux.stderr));
  });
});

describe.skipIf(!canRun)('standard streams', () => {
  beforeAll(() => void rootfs('busybox'), MAKING_MS);

  let directory: string;
  let count = 0;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'runsc-streams-'));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  /** Runs a bundle from a shell of the host, so that the streams are real pipes and files. */
  async function fromShell(
    script: string,
    command: string,
  ): Promise<{ status: number | null; stdout: string }> {
    const id = `runsc-test-streams-${process.pid}-${count++}`;
    const bundle = join(directory, id);
    const root = join(directory, 'root');
    writeBundle(bundle, { rootfs: rootfs('busybox'), args: ['sh', '-c', script] });
    const full = command.replace('RUNSC', `${runsc} --root ${root} run --bundle ${bundle} ${id}`);
    const output = openSync(join(directory, 'output'), 'w');
    const child = spawn('bash', ['-c', full], { stdio: ['ignore', output, 'inherit'], cwd: directory });
    const status = await new Promise<number | null>((done) => child.on('close', done));
    closeSync(output);
    expect(await leftoversOf(id, root)).toEqual([]);
    return { status, stdout: readFileSync(join(directory, 'output'), 'latin1') };
  }

  const cases: [string, string, string, string][] = [
    ['stdin is a pipe', 'cat; echo end', 'printf "one\\ntwo\\n" | RUNSC', 'one\ntwo\nend\n'],
    ['stdin is a file', 'wc -c', 'head -c 100000 /dev/zero >in; RUNSC <in', '100000\n'],
    ['stdin is /dev/null', 'cat | wc -c', 'RUNSC </dev/null', '0\n'],
    ['stdout is a pipe', 'seq 100000', 'RUNSC | tail -1', '100000\n'],
    ['stdout is /dev/null', 'seq 100000; exit 4', 'RUNSC >/dev/null; echo $?', '4\n'],
    ['stdout is a file that is appended to', 'echo two', 'echo one >f; RUNSC >>f; cat f', 'one\ntwo\n'],
    ['stdout and stderr apart', 'echo out; echo err >&2', 'RUNSC 2>&1 >/dev/null', 'err\n'],
    ['stdout is shared with others', 'echo two', '(echo one; RUNSC; echo three)', 'one\ntwo\nthree\n'],
    ['a reader that leaves', 'yes; echo $? >&2', 'RUNSC 2>&1 | head -1', 'y\n'],
    ['a slow reader', 'seq 200000', 'RUNSC | (sleep 1; tail -1)', '200000\n'],
    ['stdin large through the sandbox', 'cat', 'head -c 20000000 /dev/zero | RUNSC | wc -c', '20000000\n'],
  ];

  test.each(cases)('%s', { timeout: 600_000 }, async (_name, script, command, want) => {
    expect(await fromShell(script, command)).toEqual({ status: 0, stdout: want });
  });

  test('fifty megabytes to a file', { timeout: 600_000 }, async () => {
    await fromShell('head -c 50000000 /dev/zero', 'RUNSC >large');
    expect(statSync(join(directory, 'large')).size).toBe(50_000_000);
  });
});
