// create, start, state, kill and delete, each against runc: exit codes, texts, states.

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { MAKING_MS, rootfs } from '../support/rootfs.ts';
import { canRun, runsc } from '../support/sandbox.ts';
import { Runtime } from './runtime.ts';

const RUNTIMES = ['runc', runsc] as const;

describe.skipIf(!canRun)('lifecycle', () => {
  let directory: string;
  beforeAll(() => {
    rootfs('busybox');
    directory = mkdtempSync(join(tmpdir(), 'runsc-lifecycle-'));
  }, MAKING_MS);
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  /** What both runtimes print and answer to the same script, which must leave nothing. */
  async function compare(script: (runtime: Runtime) => Promise<void>): Promise<string[]> {
    const logs: string[][] = [];
    for (const program of RUNTIMES) {
      const runtime = new Runtime(program, mkdtempSync(join(directory, 'x-')));
      await script(runtime);
      expect(await runtime.leftovers(), program).toEqual([]);
      logs.push(runtime.log);
    }
    expect(logs[1]).toEqual(logs[0]);
    return logs[1]!;
  }

  test('a container’s life, step by step', async () => {
    const log = await compare(async (runtime) => {
      runtime.configure({ args: ['sh', '-c', 'echo started; exec sleep 1000'] });
      for (const command of ['start', 'state', 'kill', 'delete']) await runtime.call(command, 'c');
      await runtime.create('c');
      await runtime.state('c');
      expect(runtime.output()).toBe('');
      await runtime.call('start', 'c');
      await runtime.state('c');
      await runtime.call('start', 'c');
      await runtime.call('delete', 'c');
      await runtime.call('kill', 'c', 'KILL');
      await runtime.untilStopped('c');
      for (const command of ['start', 'kill', 'state']) {
        if (command === 'state') await runtime.state('c');
        else await runtime.call(command, 'c');
      }
      await runtime.call('kill', '--all', 'c', '9');
      await runtime.call('delete', 'c');
      await runtime.call('delete', 'c');
      await runtime.call('delete', '--force', 'c');
    });
    expect(log.join('\n')).toMatchInlineSnapshot(`
      "start c: 1 container does not exist
      state c: 1 container does not exist
      kill c: 1 container does not exist
      delete c: 1 container does not exist
      create c: 0
      state c: ociVersion id pid status bundle rootfs created owner: created PID
      start c: 0
      state c: ociVersion id pid status bundle rootfs created owner: running PID
      start c: 1 cannot start an already running container
      delete c: 1 cannot delete container c that is not stopped: running
      kill c KILL: 0
      start c: 1 cannot start a container that has stopped
      kill c: 1 container not running
      state c: ociVersion id pid status bundle rootfs created owner: stopped 0
      kill --all c 9: 0
      delete c: 0
      delete c: 1 container does not exist
      delete --force c: 0"
    `);
  });

  test('a created container is killed by what kills runc’s, and deleted without force', async () => {
    await compare(async (runtime) => {
      runtime.configure({ args: ['sleep', '1000'] });
      for (const signal of ['TERM', '10', 'SIGKILL', '99', 'nonsense', '0']) {
        await runtime.create('c');
        await runtime.call('kill', 'c', signal);
        if (signal === 'TERM' || signal === 'SIGKILL') await runtime.untilStopped('c');
        await runtime.state('c');
        await runtime.call('delete', 'c');
        await runtime.call('state', 'c');
      }
    });
  });

  test('what can’t be created', async () => {
    await compare(async (runtime) => {
      for (const args of [['/no/such'], ['no-such'], ['/etc'], ['/etc/passwd']]) {
        runtime.configure({ args });
        await runtime.create('c');
        await runtime.call('state', 'c');
      }
      runtime.configure({ args: ['true'] });
      await runtime.create('a/b');
      await runtime.create('c', '--pid-file', '/no/such/file');
      await runtime.create('c', '--bundle', '/no/such');
      await runtime.create('c', '--bundle', '/tmp');
      await runtime.create('c', '--console-socket', '/no/such');
      await runtime.create('c');
      await runtime.create('c');
      await runtime.state('c');
      await runtime.call('delete', 'c');
    });
  });

  test('the pid file is there when create returns, without a newline; the process is in its cgroup', async () => {
    const runtime = new Runtime(runsc, mkdtempSync(join(directory, 'x-')));
    const cgroup = `/runsc-lifecycle-${process.pid}`;
    runtime.configure({ args: ['sleep', '1000'], linux: { cgroupsPath: cgroup } });
    const pidFile = join(runtime.directory, 'pid');
    await runtime.create('c', '--pid-file', pidFile);
    const text = readFileSync(pidFile, 'utf8');
    expect(text).toMatch(/^\d+$/);
    expect(JSON.parse((await runtime.call('state', 'c')).stdout)).toMatchObject({ pid: Number(text) });
    expect(readFileSync(`/proc/${text}/cgroup`, 'utf8')).toContain(`${cgroup}\n`);
    await runtime.call('start', 'c');
    process.kill(Number(text), 'SIGKILL');
    await runtime.untilStopped('c');
    await runtime.call('delete', 'c');
    expect(await runtime.leftovers()).toEqual([]);
  });

  test('nothing that a manager waits for stays open outside the container', async () => {
    const runtime = new Runtime(runsc, mkdtempSync(join(directory, 'x-')));
    runtime.configure({ args: ['sh', '-c', 'exec >/dev/null 2>&1 </dev/null; sleep 1000'] });
    // As containerd's shim: pipes for the container, and descriptors that are none of its business.
    const child = spawn(runsc, ['--root', runtime.root, 'create', runtime.id('c')], {
      cwd: runtime.bundle,
      stdio: ['pipe', 'pipe', 'pipe', 'pipe', 'ignore', 'pipe'],
    });
    const ended = [1, 2, 3, 5].map((fd) => {
      const stream = child.stdio[fd] as NodeJS.ReadableStream;
      return new Promise((done) => stream.on('close', () => done(fd)).resume());
    });
    expect(await new Promise((done) => child.on('exit', done))).toBe(0);
    // Leaked ones close with the command; the container's own when it closes them.
    expect(await Promise.all(ended.slice(2))).toEqual([3, 5]);
    expect((await runtime.call('start', 'c')).status).toBe(0);
    expect(await Promise.all(ended.slice(0, 2))).toEqual([1, 2]);
    await runtime.call('delete', '--force', 'c');
    expect(await runtime.leftovers()).toEqual([]);
  });

  test('of several starts at once one succeeds', async () => {
    const runtime = new Runtime(runsc, mkdtempSync(join(directory, 'x-')));
    runtime.configure({ args: ['sleep', '1000'] });
    await runtime.create('c');
    const starts = await Promise.all([1, 2, 3, 4].map(() => runtime.call('start', 'c')));
    expect(starts.filter(({ status }) => status === 0)).toHaveLength(1);
    for (const { status, stderr } of starts) {
      if (status !== 0) expect(stderr).toContain('cannot start an already running container');
    }
    await runtime.call('delete', '--force', 'c');
    expect(await runtime.leftovers()).toEqual([]);
  });

  test.each(['runc', runsc])('a program that the kernel refuses starts and ends: %s', async (program) => {
    const runtime = new Runtime(program, mkdtempSync(join(directory, 'x-')));
    const source = join(runtime.directory, 'garbage');
    writeFileSync(source, 'no program', { mode: 0o755 });
    const mounts = [{ destination: '/tmp/garbage', type: 'bind', source, options: ['bind'] }];
    runtime.configure({ args: ['/tmp/garbage'], mounts });
    expect((await runtime.create('c')).status).toBe(0);
    expect(await runtime.call('start', 'c')).toMatchObject({ status: 0, stderr: '' });
    await runtime.untilStopped('c');
    expect((await runtime.call('delete', 'c')).status).toBe(0);
    const run = await runtime.call('run', 'c');
    expect([run.status, run.stderr]).toEqual([1, 'exec /tmp/garbage: exec format error\n']);
    expect(await runtime.leftovers()).toEqual([]);
  });
});
