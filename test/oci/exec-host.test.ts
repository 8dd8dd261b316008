// What `exec` is on the host: one real process for each, that lives, dies and is counted like the process inside.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { MAKING_MS, rootfs } from '../support/rootfs.ts';
import { canRun, execute, runsc } from '../support/sandbox.ts';
import { Runtime } from './runtime.ts';
import { processesOf, until } from './sandbox-fixture.ts';

describe.skipIf(!canRun)('exec on the host', { timeout: 600_000 }, () => {
  let directory: string;
  let runtime: Runtime;
  let id: string;
  beforeAll(() => {
    rootfs('busybox');
    directory = mkdtempSync(join(tmpdir(), 'runsc-exec-host-'));
  }, MAKING_MS);
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  beforeEach(async () => {
    runtime = new Runtime(runsc, mkdtempSync(join(directory, 'x-')));
    const mounts = [{ destination: '/tmp', type: 'tmpfs', source: 'tmpfs' }];
    runtime.configure({
      args: ['sh', '-c', 'sleep 1000 & wait'],
      mounts,
      linux: { cgroupsPath: `/${runtime.id('c')}` },
    });
    id = runtime.id('c');
    await runtime.create('c');
    await runtime.call('start', 'c');
  });
  afterEach(async () => {
    await runtime.call('delete', '--force', 'c');
    expect(await runtime.leftovers()).toEqual([]);
  });

  const command = (...args: string[]): string[] => ['--root', runtime.root, ...args];
  const exec = (...args: string[]): ReturnType<typeof execute> =>
    execute(runsc, command('exec', id, ...args), { input: '' });
  const launcher = (): number => (JSON.parse(readState()) as { pid: number }).pid;
  const readState = (): string => readFileSync(join(runtime.root, id, 'state.json'), 'utf8');
  /** Names of the guest's processes, without the one that asks. */
  const guests = async (): Promise<string[]> => {
    const { stdout } = await exec('ps', '-o', 'args');
    return stdout
      .split('\n')
      .filter((line) => line !== '' && !/^(COMMAND|ps )/.test(line))
      .sort();
  };
  const commandOf = (pid: number): string =>
    readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ');
  /** What was ended from outside, or has just been started, takes a moment. */
  const untilGuests = async (condition: (names: string[]) => boolean): Promise<string[]> => {
    let names = await guests();
    for (const since = Date.now(); !condition(names) && Date.now() - since < 60_000;) names = await guests();
    return names;
  };
  const untilInitAlone = async (): Promise<void> => {
    expect(await untilGuests((names) => names.join('\n') === INIT.join('\n'))).toEqual(INIT);
  };
  const INIT = ['sh -c sleep 1000 & wait', 'sleep 1000'];

  /** A detached exec: the process that stands for it. */
  async function detached(...args: string[]): Promise<{ pid: number; ended: Promise<number> }> {
    const pidFile = join(runtime.directory, 'pid');
    // As a shim: a subreaper, so that the orphan is a child of ours and its status can be read.
    const script = `import ctypes, os, subprocess, sys
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
subprocess.check_call(sys.argv[2:])
text = open(sys.argv[1]).read()
print(text, flush=True)
status = os.waitpid(int(text), 0)[1]
code = os.waitstatus_to_exitcode(status)
sys.exit(code if code >= 0 else 128 - code)`;
    const child = spawn(
      'python3',
      ['-c', script, pidFile, runsc, ...command('exec', '--detach', '--pid-file', pidFile, id, ...args)],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const ended = new Promise<number>((done) => child.on('close', (code) => done(code ?? -1)));
    const pid = await new Promise<string>((done) =>
      child.stdout.once('data', (text: Buffer) => done(text.toString())),
    );
    expect(readFileSync(pidFile, 'utf8')).toMatch(/^\d+$/);
    return { pid: Number(pid), ended };
  }

  test('the pid file names a process in the container’s cgroup and network, which ends with the status', async () => {
    const { pid, ended } = await detached('sh', '-c', 'until [ -e /tmp/go ]; do sleep 0.05; done; exit 33');
    const own = launcher();
    expect(pid).not.toBe(own);
    expect(readFileSync(`/proc/${pid}/cgroup`, 'utf8')).toBe(readFileSync(`/proc/${own}/cgroup`, 'utf8'));
    expect(readFileSync(`/proc/${pid}/cgroup`, 'utf8')).toContain(`/${id}\n`);
    expect(readlinkSync(`/proc/${pid}/ns/net`)).toBe(readlinkSync(`/proc/${own}/ns/net`));
    const listed = await execute(runsc, command('ps', '--format', 'json', id));
    const pids = JSON.parse(listed.stdout) as number[];
    expect([pids[0], pids.includes(pid)]).toEqual([own, true]);
    await exec('touch', '/tmp/go');
    expect(await ended).toBe(33);
  });

  test('signals that can be caught reach the process', async () => {
    const { pid, ended } = await detached(
      'sh',
      '-c',
      'trap "exit 9" USR1; touch /tmp/ready; while :; do sleep 0.05; done',
    );
    await untilThere('/tmp/ready');
    process.kill(pid, 'SIGUSR1');
    expect(await ended).toBe(9);
    const second = await detached('sleep', '1000');
    process.kill(second.pid, 'SIGTERM');
    expect(await second.ended).toBe(143);
    await untilInitAlone();
  });

  async function untilThere(path: string): Promise<void> {
    for (let attempt = 0; attempt < 1000; attempt++) {
      if ((await exec('test', '-e', path)).status === 0) return;
    }
    throw new Error(`${path} does not come`);
  }

  test('SIGKILL of the process on the host is SIGKILL of the one inside, and of nobody else', async () => {
    const { pid, ended } = await detached(
      'sh',
      '-c',
      'sleep 500 >/dev/null 2>&1 & touch /tmp/up; exec sleep 777',
    );
    await untilThere('/tmp/up');
    expect(await untilGuests((names) => names.includes('sleep 777'))).toContain('sleep 777');
    process.kill(pid, 'SIGKILL');
    expect(await ended).toBe(137);
    const left = await untilGuests((names) => !names.includes('sleep 777'));
    expect(left).not.toContain('sleep 777');
    expect(left).toContain('sleep 500');
  });

  test('SIGKILL of a foreground exec', async () => {
    const child = spawn(runsc, command('exec', id, 'sh', '-c', 'echo up; exec sleep 778'), {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await firstOutput(child);
    child.kill('SIGKILL');
    await new Promise((done) => child.on('close', done));
    await untilInitAlone();
  });

  function firstOutput(child: ChildProcess): Promise<string> {
    return new Promise((done) => child.stdout!.once('data', (text: Buffer) => done(text.toString())));
  }

  test('the container’s end is SIGKILL for the process', async () => {
    const running = exec('sh', '-c', 'trap "" TERM; touch /tmp/up; while :; do sleep 0.1; done');
    const { ended } = await detached('sleep', '1000');
    await untilThere('/tmp/up');
    await runtime.call('kill', 'c', 'KILL');
    expect((await running).status).toBe(137);
    expect((await running).stderr).toBe('');
    expect(await ended).toBe(137);
  });

  test.each(['sentry', 'launcher'] as const)('the death of the %s is the process’s', async (role) => {
    const running = exec('sh', '-c', 'touch /tmp/up; exec sleep 1000');
    await untilThere('/tmp/up');
    const victim = role === 'launcher' ? launcher() : processesOf(id).find((one) => one.role === role)!.pid;
    process.kill(victim, 'SIGKILL');
    expect((await running).status).toBe(137);
  });

  test('whoever waits for the end of a pipe sees it when the process closes it', async () => {
    const child = spawn(
      runsc,
      command('exec', '--detach', id, 'sh', '-c', 'echo out; exec >/dev/null 2>&1 </dev/null; sleep 300'),
      {
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    let output = '';
    child.stdout.on('data', (text: Buffer) => (output += text.toString()));
    await new Promise((done) => child.on('close', done));
    expect(output).toBe('out\n');
    expect(await untilGuests((names) => names.includes('sleep 300'))).toContain('sleep 300');
  });

  test('a child that keeps the pipe open keeps it open', async () => {
    const script = '(while kill -0 $$ 2>/dev/null; do sleep 0.05; done; sleep 0.3; echo late) & echo early';
    const child = spawn(runsc, command('exec', id, 'sh', '-c', script), {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (text: Buffer) => (output += text.toString()));
    await new Promise((done) => child.on('close', done));
    expect(output).toBe('early\nlate\n');
  });

  test('descriptors of the caller', async () => {
    const path = join(runtime.directory, 'kept');
    const fd = openSync(path, 'w');
    const child = spawn(
      runsc,
      command('exec', '--preserve-fds', '2', id, 'sh', '-c', 'echo three >&3; echo four >&4'),
      {
        stdio: ['ignore', 'inherit', 'inherit', fd, fd],
      },
    );
    expect(await new Promise((done) => child.on('close', done))).toBe(0);
    expect(readFileSync(path, 'utf8')).toBe('three\nfour\n');
  });

  test('much data both ways', async () => {
    const input = Buffer.alloc(8 << 20, 'abcdefgh\n');
    const { status, stdout } = await execute(runsc, command('exec', id, 'cat'), { input });
    expect(status).toBe(0);
    expect(stdout.length).toBe(input.length);
    expect(Buffer.from(stdout, 'latin1').equals(input)).toBe(true);
  });

  test('a sub-cgroup', async () => {
    const own = readFileSync(`/proc/${launcher()}/cgroup`, 'utf8');
    const line = own.split('\n').find((text) => text.includes(':pids:'));
    if (line === undefined) return; // Only v1 hierarchies have controllers apart.
    const below = `/sys/fs/cgroup/pids/${id}/below`;
    await execute('mkdir', [below]);
    const child = spawn(
      runsc,
      command(
        ...['exec', '--cgroup', 'pids:below', id, 'sh', '-c'],
        'trap "kill %1 %2; exit 7" TERM; sleep 121 & sleep 122 & wait',
      ),
      { stdio: 'ignore' },
    );
    const members = (): number[] =>
      readFileSync(join(below, 'cgroup.procs'), 'utf8').trim().split('\n').filter(Boolean).map(Number);
    await until('cgroup', members, (pids) => pids.includes(child.pid!));
    expect(readFileSync(`/proc/${child.pid}/cgroup`, 'utf8')).toContain(`:memory:/${id}\n`);
    // The process itself, what it forks and what that executes: processes of the sandbox.
    const busy = (): number[] => members().filter((pid) => commandOf(pid).startsWith('sleep 12'));
    await until('its processes', busy, (pids) => pids.length === 2);
    for (const pid of busy()) {
      const groups = readFileSync(`/proc/${pid}/cgroup`, 'utf8');
      expect(groups).toContain(`:pids:/${id}/below\n`);
      expect(groups).toContain(`:memory:/${id}\n`);
    }
    child.kill('SIGTERM');
    expect(await new Promise((done) => child.on('close', (code) => done(code)))).toBe(7);
    await until('the end of all', members, (pids) => pids.length === 0);
    await execute('rmdir', [below]);
    expect(existsSync(below)).toBe(false);
  });

  test('a hundred in a row leave nothing', async () => {
    const sentry = processesOf(id).find(({ role }) => role === 'sentry')!.pid;
    const open = (): number => readdirSync(`/proc/${sentry}/fd`).length;
    for (let round = 0; round < 5; round++) await exec('true');
    const before = open();
    const roles = (): string =>
      processesOf(id)
        .map(({ role }) => role)
        .sort()
        .join(' ');
    const all = await until('processes', roles, (now) => !now.includes('mover'));
    for (let round = 0; round < 100; round++) {
      const kind = round % 4;
      if (kind === 0) expect((await exec('nope')).status).toBe(255);
      else if (kind === 1) expect((await exec('sh', '-c', 'exit 5')).status).toBe(5);
      else expect((await exec('echo', 'x')).stdout).toBe('x\n');
    }
    // Blank address spaces are kept in store.
    await until('descriptors', open, (now) => now < before + 20);
    // The last one’s move into the cgroup may still be on its way.
    await until('processes', roles, (now) => now === all);
    await untilInitAlone();
  });

  test('ten at once', async () => {
    const all = await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        execute(runsc, command('exec', id, 'sh', '-c', `cat; echo ${n} >&2; exit ${n}`), {
          input: `in ${n}\n`,
        }),
      ),
    );
    for (const [n, { status, stdout, stderr }] of all.entries()) {
      expect([status, stdout, stderr]).toEqual([n, `in ${n}\n`, `${n}\n`]);
    }
    await untilInitAlone();
  });

  test('orphans of the process go to the container’s init', async () => {
    expect((await exec('sh', '-c', '(sleep 600; :) >/dev/null 2>&1 & echo $!')).status).toBe(0);
    const { stdout } = await exec('sh', '-c', 'for p in $(pidof sleep); do grep PPid: /proc/$p/status; done');
    expect(stdout).toContain('PPid:\t1\n');
    expect(existsSync(join(runtime.root, id))).toBe(true);
  });
});
