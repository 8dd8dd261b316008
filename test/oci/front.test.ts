// `state` and `kill` are answered by the native front where all is well, else by Node: both say and do the same.

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { MAKING_MS, rootfs } from '../support/rootfs.ts';
import { canRun, leftoversOf, runsc, writeBundle } from '../support/sandbox.ts';

const bundle = resolve(import.meta.dirname, '../../dist/runsc.cjs');

interface Answer {
  status: number | null;
  stdout: string;
  stderr: string;
}

describe.skipIf(!canRun)('front', { timeout: 60_000 }, () => {
  let directory: string;
  let root: string;
  let running: ChildProcess;
  let output = '';
  const id = `runsc-test-front-${process.pid}`;

  const call = (command: string, args: string[]): Answer => {
    const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
    return { status, stdout, stderr: stderr.replace(/time="[^"]*"/g, '') };
  };
  /** The same from both, which is returned. */
  const both = (...args: string[]): Answer => {
    const node = call(process.execPath, [bundle, ...args]);
    expect(call(runsc, args)).toEqual(node);
    return node;
  };
  const outputHas = async (pattern: RegExp): Promise<void> => {
    for (const end = Date.now() + 10_000; !pattern.test(output) && Date.now() < end;) {
      await new Promise((done) => setTimeout(done, 20));
    }
    expect(output).toMatch(pattern);
  };

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'runsc-front-'));
    root = join(directory, 'root');
    const script =
      'for s in USR1 TERM WINCH; do trap "echo got $s" $s; done; echo up; while :; do sleep 0.05; done';
    writeBundle(directory, { rootfs: rootfs('busybox'), args: ['sh', '-c', script] });
    const config = JSON.parse(readFileSync(join(directory, 'config.json'), 'utf8')) as object;
    const annotations = { plain: 'x', 'quo"ted, {odd}': 'ü\n\\"]', empty: '' };
    writeFileSync(join(directory, 'config.json'), JSON.stringify({ ...config, annotations }));
    running = spawn(runsc, ['--root', root, 'run', '--bundle', directory, id]);
    running.stdout!.on('data', (chunk: Buffer) => (output += chunk.toString()));
    await outputHas(/up/);
  }, MAKING_MS);
  afterAll(async () => {
    const ended = new Promise((done) => running.on('close', done));
    expect(call(runsc, ['--root', root, 'kill', id, 'KILL']).status).toBe(0);
    await ended;
    expect(await leftoversOf(id, root)).toEqual([]);
    rmSync(directory, { recursive: true, force: true });
  });

  test('the state of a running container, under any spelling of the flags', () => {
    const { stdout, status } = both('--root', root, 'state', id);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ id, status: 'running', bundle: directory });
    for (const flags of [
      [`--root=${root}`],
      ['-root', root, '--debug'],
      ['--log', '/dev/null', '--root', root],
    ]) {
      expect(both(...flags, 'state', id).stdout).toBe(stdout);
    }
  });

  test('signals by number, by name and by default arrive once', async () => {
    for (const [args, name] of [
      [['10'], 'USR1'],
      [['SIGUSR1'], 'USR1'],
      [['winch'], 'WINCH'],
      [[], 'TERM'],
    ] as const) {
      output = '';
      expect(call(runsc, ['--root', root, 'kill', id, ...args])).toEqual({
        status: 0,
        stdout: '',
        stderr: '',
      });
      await outputHas(new RegExp(`got ${name}`));
      await new Promise((done) => setTimeout(done, 150));
      expect(output.match(/got/g)).toHaveLength(1);
    }
    output = '';
    expect(call(runsc, ['--root', root, 'kill', '--all', id, 'USR1']).status).toBe(0);
    await outputHas(/got USR1/);
    expect(both('--root', root, 'kill', id, '0').status).toBe(0);
  });

  test('what is wrong is said by Node', () => {
    for (const args of [
      ['--root', root, 'state', 'no-such'],
      ['--root', root, 'state'],
      ['--root', root, 'state', '../x'],
      ['--root', root, 'state', id, 'more'],
      ['--root', root, 'kill', id, 'BOGUS'],
      ['--root', root, 'kill', id, '99'],
      ['--root', root, 'kill', 'no-such', '9'],
      ['--root', root, '--no-such-flag', 'state', id],
      ['--root'],
      ['state', '--help'],
    ]) {
      const { status, stderr, stdout } = both(...args);
      expect(stderr + stdout).not.toBe('');
      expect(status === 0).toBe(args.includes('--help'));
    }
  });

  test('a damaged state file and a process that is gone', () => {
    const place = join(directory, 'other');
    spawnSync('mkdir', ['-p', join(place, 'gone'), join(place, 'cut'), join(place, 'empty')]);
    const whole = readFileSync(join(root, id, 'state.json'), 'utf8');
    writeFileSync(join(place, 'gone', 'state.json'), whole.replace(/"startTicks":\d+/, '"startTicks":1'));
    expect(JSON.parse(both('--root', place, 'state', 'gone').stdout)).toMatchObject({
      pid: 0,
      status: 'stopped',
    });
    writeFileSync(join(place, 'cut', 'state.json'), whole.slice(0, whole.indexOf('"bundle"') + 20));
    writeFileSync(join(place, 'empty', 'state.json'), '');
    for (const name of ['cut', 'empty']) expect(both('--root', place, 'state', name).status).not.toBe(0);
    expect(both('--root', place, 'kill', 'gone', '9').stderr).toContain('container not running');
  });
});
