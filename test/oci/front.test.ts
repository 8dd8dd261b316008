// `state`, `kill`, `start` and `delete` are done by the native front where all is well, else by Node: both say and do
// the same.

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { MAKING_MS, rootfs } from '../support/rootfs.ts';
import { canRun, leftoversOf, runsc, writeBundle } from '../support/sandbox.ts';

const bundle = resolve(import.meta.dirname, '../../dist/runsc.cjs');

const front = resolve(import.meta.dirname, '../../build/Release/front');

interface Config {
  process: { args: string[] };
  hooks?: unknown;
}

interface Answer {
  status: number | null;
  stdout: string;
  stderr: string;
}

describe.skipIf(!canRun)('front', { timeout: 600_000 }, () => {
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
    for (const end = Date.now() + 60_000; !pattern.test(output) && Date.now() < end;) {
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

  /** A container that waits for `start`. */
  const create = (name: string, change: (config: Config) => void = () => undefined): void => {
    const place = join(directory, `bundle-${name}`);
    spawnSync('mkdir', ['-p', place]);
    writeBundle(place, { rootfs: rootfs('busybox'), args: ['sleep', '1000'] });
    const config = JSON.parse(readFileSync(join(place, 'config.json'), 'utf8')) as Config;
    change(config);
    writeFileSync(join(place, 'config.json'), JSON.stringify(config));
    const args = ['--root', root, 'create', '--bundle', place, '--pid-file', join(place, 'pid'), name];
    const { status } = spawnSync(runsc, args, { stdio: 'ignore' });
    expect(status).toBe(0);
  };
  const status = (name: string): string =>
    (JSON.parse(call(runsc, ['--root', root, 'state', name]).stdout) as { status: string }).status;
  /** Node would not find a working program where the front looks for it. */
  const withoutNode = (...args: string[]): Answer =>
    call(front, ['/no/node', bundle, '--root', root, ...args]);
  const silent = { status: 0, stdout: '', stderr: '' };

  test('start and delete need no Node', async () => {
    const name = `${id}-plain`;
    create(name);
    expect(withoutNode('start', name)).toEqual(silent);
    expect(status(name)).toBe('running');
    expect(withoutNode('delete', name).status).toBe(1);
    expect(status(name)).toBe('running');
    expect(withoutNode('delete', '--force', name)).toEqual(silent);
    expect(existsSync(join(root, name))).toBe(false);
    expect(await leftoversOf(name, root)).toEqual([]);
  });

  test('a container that ended by itself is deleted without force, a created one too', async () => {
    const name = `${id}-ended`;
    create(name);
    expect(withoutNode('delete', name)).toEqual(silent);
    create(name, ({ process }) => (process.args = ['true']));
    expect(withoutNode('start', name)).toEqual(silent);
    for (const end = Date.now() + 60_000; status(name) !== 'stopped' && Date.now() < end;) {
      await new Promise((done) => setTimeout(done, 20));
    }
    expect(withoutNode('delete', name)).toEqual(silent);
    expect(await leftoversOf(name, root)).toEqual([]);
  });

  test('a start that fails is reported as it failed, and only once', () => {
    const name = `${id}-hook`;
    create(name, (config) => (config.hooks = { startContainer: [{ path: '/bin/false' }] }));
    const failed = call(runsc, ['--root', root, 'start', name]);
    expect(failed.status).toBe(1);
    expect(failed.stderr).toContain('error running hook');
    expect(both('--root', root, 'start', name).stderr).toContain('cannot start a container that has stopped');
    expect(both('--root', root, 'start', 'no-such').stderr).toContain('container does not exist');
    expect(call(runsc, ['--root', root, 'delete', name])).toEqual(silent);
    expect(both('--root', root, 'delete', name).stderr).toContain('container does not exist');
    expect(both('--root', root, 'delete', '--force', name)).toEqual(silent);
  });

  test('poststop hooks run', () => {
    const name = `${id}-poststop`;
    const mark = join(directory, 'mark');
    create(name, (config) => (config.hooks = { poststop: [{ path: '/bin/touch', args: ['touch', mark] }] }));
    expect(call(runsc, ['--root', root, 'delete', name])).toEqual(silent);
    expect(existsSync(mark)).toBe(true);
  });

  test('of several deletes at once all but one hear that there is no such container', async () => {
    const name = `${id}-race`;
    create(name);
    const ends = Array.from(
      { length: 4 },
      () =>
        new Promise<number | null>((done) => {
          spawn(runsc, ['--root', root, 'delete', name], { stdio: 'ignore' }).on('close', done);
        }),
    );
    const codes = (await Promise.all(ends)).sort();
    expect(codes).toEqual([0, 1, 1, 1]);
    expect(await leftoversOf(name, root)).toEqual([]);
  });
});
