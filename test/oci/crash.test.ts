// What dies at any moment, what was left by a crash, and what the host refuses: clear, and nothing stays behind.

import { type ChildProcess, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { MAKING_MS, rootfs } from '../support/rootfs.ts';
import { canRun, execute, leftoversOf, runsc } from '../support/sandbox.ts';
import { Runtime } from './runtime.ts';

const CYCLES = process.env['CI'] === undefined ? 20 : 200;

describe.skipIf(!canRun)('crashes', () => {
  let directory: string;
  beforeAll(() => {
    rootfs('busybox');
    directory = mkdtempSync(join(tmpdir(), 'runsc-crash-'));
  }, MAKING_MS);
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  function sleeper(): Runtime {
    const runtime = new Runtime(runsc, mkdtempSync(join(directory, 'x-')));
    runtime.configure({ args: ['sleep', '1000'] });
    return runtime;
  }

  test('a state that a crash has left: list goes on without it, delete --force removes it', async () => {
    const runtime = sleeper();
    await runtime.create('c');
    const damaged = { a: '', b: '{"pid":', d: 'null', e: '[]', f: '{"pid":"x"}' };
    for (const [name, text] of Object.entries(damaged)) {
      mkdirSync(join(runtime.root, runtime.id(name)));
      writeFileSync(join(runtime.root, runtime.id(name), 'state.json'), text);
      writeFileSync(join(runtime.root, runtime.id(name), 'control.sock'), '');
    }
    writeFileSync(join(runtime.root, 'file'), '');
    const list = await runtime.call('list', '--quiet');
    expect(list).toMatchObject({ status: 0, stderr: '' });
    expect(list.stdout.split('\n')).toContain(runtime.id('c'));
    for (const name of Object.keys(damaged)) {
      for (const command of ['state', 'start', 'kill', 'delete']) {
        const { status, stderr } = await runtime.call(command, name);
        expect(status, `${command} ${name}`).toBe(1);
        expect(stderr).not.toContain('TypeError');
      }
      expect((await runtime.create(name)).stderr).toContain('container with given ID already exists');
      expect((await runtime.call('delete', '--force', name)).status).toBe(0);
    }
    await runtime.call('delete', 'c');
    expect(await runtime.leftovers()).toEqual([]);
  });

  test('an empty directory is nobody’s: delete removes it, create takes it', async () => {
    const runtime = sleeper();
    for (const command of [['delete'], ['delete', '--force']]) {
      mkdirSync(join(runtime.root, runtime.id('c')), { recursive: true });
      expect((await runtime.call(command[0]!, ...command.slice(1), 'c')).status).toBe(
        command.length === 1 ? 1 : 0,
      );
      expect(existsSync(join(runtime.root, runtime.id('c')))).toBe(false);
    }
    mkdirSync(join(runtime.root, runtime.id('c')));
    expect((await runtime.create('c')).status).toBe(0);
    expect((await runtime.call('delete', 'c')).status).toBe(0);
    expect(await runtime.leftovers()).toEqual([]);
  });

  test('SIGKILL of the stand-in: the container is stopped, created or running', async () => {
    const runtime = sleeper();
    for (const started of [false, true]) {
      await runtime.create('c');
      if (started) await runtime.call('start', 'c');
      const { pid } = JSON.parse((await runtime.call('state', 'c')).stdout) as { pid: number };
      process.kill(pid, 'SIGKILL');
      await runtime.untilStopped('c');
      expect((await runtime.call('start', 'c')).stderr).toContain(
        'cannot start a container that has stopped',
      );
      expect((await runtime.call('delete', 'c')).status).toBe(0);
      expect(await runtime.leftovers()).toEqual([]);
    }
  });

  test('SIGKILL of create or its launcher at any moment', { timeout: 600_000 }, async () => {
    const runtime = sleeper();
    for (let round = 0; round < 24; round++) {
      const child = detached(runtime, ['create', runtime.id('c')]);
      const ended = new Promise((done) => child.on('exit', done));
      await new Promise((done) => setTimeout(done, (round * 37) % 500));
      const victims = round % 2 === 0 ? [child.pid!] : launchers(runtime.id('c'));
      for (const pid of victims) kill(pid);
      await ended;
      expect((await runtime.call('delete', '--force', 'c')).status).toBe(0);
      // What survives a killed `create` may only be on its way to the end of it.
      await until(async () => {
        await runtime.call('delete', '--force', 'c');
        return launchers(runtime.id('c')).length === 0;
      });
      expect(await runtime.leftovers(), `round ${round}`).toEqual([]);
    }
    expect(readdirSync(runtime.root)).toEqual([]);
  });

  test('SIGKILL of start or delete at any moment', { timeout: 600_000 }, async () => {
    const runtime = sleeper();
    for (let round = 0; round < 16; round++) {
      await runtime.create('c');
      const command = round % 2 === 0 ? 'start' : 'delete';
      const child = detached(runtime, [command, runtime.id('c')]);
      const ended = new Promise((done) => child.on('exit', done));
      await new Promise((done) => setTimeout(done, 20 + ((round * 29) % 200)));
      kill(child.pid!);
      await ended;
      expect((await runtime.call('delete', '--force', 'c')).status).toBe(0);
      expect(await runtime.leftovers(), `round ${round}`).toEqual([]);
    }
  });

  test(
    'of two creates of one id at once one succeeds, and the other leaves it alone',
    { timeout: 600_000 },
    async () => {
      const runtime = sleeper();
      for (let round = 0; round < 5; round++) {
        const id = runtime.id('c');
        const children = [0, 1, 2].map(() => detached(runtime, ['create', id]));
        const codes = await Promise.all(
          children.map((child) => new Promise((done) => child.on('exit', done))),
        );
        expect(codes.sort()).toEqual([0, 1, 1]);
        expect((await runtime.call('start', 'c')).status).toBe(0);
        // Likewise deletes: without force one finds the container.
        expect((await runtime.call('kill', 'c', 'KILL')).status).toBe(0);
        await runtime.untilStopped('c');
        const deletes = await Promise.all([0, 1, 2].map(() => runtime.call('delete', 'c')));
        expect(deletes.map(({ status }) => status).sort()).toEqual([0, 1, 1]);
        expect(await runtime.leftovers()).toEqual([]);
      }
    },
  );

  test(`${CYCLES} containers in a row leave nothing`, { timeout: CYCLES * 10_000 + 60_000 }, async () => {
    const runtime = sleeper();
    const cgroup = `runsc-cycles-${process.pid}`;
    runtime.configure({ args: ['true'], linux: { cgroupsPath: `/${cgroup}` } });
    // In a mount namespace in which no other test mounts anything.
    const call = `${runsc} --root ${runtime.root}`;
    const id = runtime.id('c');
    const script = `set -e; exec 2>&1; cat /proc/self/mountinfo >before; i=0
      while [ $i -lt ${CYCLES} ]; do
        ${call} create ${id} >output 2>&1; ${call} start ${id}; ${call} delete --force ${id}; i=$((i+1))
      done
      cat /proc/self/mountinfo >after; cmp before after; echo done`;
    const options = { cwd: runtime.bundle, timeoutMs: CYCLES * 10_000 };
    const cycles = await execute('unshare', ['-m', '--propagation=private', 'sh', '-c', script], options);
    expect(cycles).toMatchObject({ status: 0, stdout: 'done\n' });
    expect(await runtime.leftovers()).toEqual([]);
    // Processes that have no id to be known by are in it.
    expect(await leftoversOf(cgroup, runtime.root)).toEqual([]);
    expect(readdirSync(runtime.root)).toEqual([]);
  });

  test.each([
    ['a read-only --root', 'mount -t tmpfs -o ro none $ROOT', 'mkdir $ROOT/$ID: read-only file system'],
    ['a full --root', 'mount -t tmpfs -o size=4k,nr_inodes=3 none $ROOT', 'no space left on device'],
    ['a --root that is a file', 'rmdir $ROOT; touch $ROOT', 'mkdir $ROOT/$ID: not a directory'],
    [
      'read-only cgroups',
      'umount -R /sys/fs/cgroup; mount -t tmpfs -o ro none /sys/fs/cgroup; mount -t cgroup2 -o ro none /sys/fs/cgroup',
      'read-only file system',
    ],
  ])('%s is one clear line', async (_name, commands, message) => {
    const runtime = sleeper();
    mkdirSync(runtime.root);
    const log = join(runtime.directory, 'log');
    const script = `${commands}; exec ${runsc} --root $ROOT --log ${log} --log-format json create $ID`;
    const env = { ...process.env, ROOT: runtime.root, ID: runtime.id('c') };
    const result = await execute('unshare', ['-m', '--propagation=private', 'sh', '-c', script], {
      env,
      cwd: runtime.bundle,
    });
    const text = message.replaceAll('$ROOT', runtime.root).replaceAll('$ID', runtime.id('c'));
    expect(result.status).toBe(1);
    expect(result.stderr).toContain('runsc create failed: ');
    expect(result.stderr).toContain(text);
    expect(result.stderr.trim().split('\n')).toHaveLength(1);
    expect(JSON.parse(readFileSync(log, 'utf8'))).toMatchObject({
      level: 'error',
      msg: result.stderr.trim(),
    });
    expect(await runtime.leftovers()).toEqual([]);
  });

  test('a bundle that vanishes after create: the container starts, stops and is deleted all the same', async () => {
    const runtime = sleeper();
    await runtime.create('c');
    rmSync(runtime.bundle, { recursive: true });
    mkdirSync(runtime.bundle);
    expect((await runtime.call('start', 'c')).status).toBe(0);
    rmSync(runtime.bundle, { recursive: true });
    const gone = await execute(runsc, ['--root', runtime.root, 'delete', '--force', runtime.id('c')]);
    expect(gone).toMatchObject({ status: 0, stderr: '' });
    expect(await runtime.leftovers()).toEqual([]);
  });
});

/** A command whose output nobody reads, as the container keeps it. */
function detached(runtime: Runtime, args: readonly string[]): ChildProcess {
  return spawn(runsc, ['--root', runtime.root, ...args], { cwd: runtime.bundle, stdio: 'ignore' });
}

/** The launchers of a container, the command that waits among them. */
function launchers(id: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
        return words[0] === 'runsc' && words.includes(id);
      } catch {
        return false;
      }
    });
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 1200; attempt++) {
    if (await condition()) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error('still not');
}
