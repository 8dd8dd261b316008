// `runsc wait`: of containers that run, that have ended, that were killed, and of single processes.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { MAKING_MS, rootfs } from '../support/rootfs.ts';
import { canRun, runsc } from '../support/sandbox.ts';
import { Runtime } from './runtime.ts';

describe.skipIf(!canRun)('wait', { timeout: 600_000 }, () => {
  let directory: string;
  beforeAll(() => {
    rootfs('busybox');
    directory = mkdtempSync(join(tmpdir(), 'runsc-wait-'));
  }, MAKING_MS);
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  async function started(script: string): Promise<{ used: Runtime; pid: number }> {
    const used = new Runtime(runsc, mkdtempSync(join(directory, 'x-')));
    used.configure({ args: ['sh', '-c', script] });
    await used.create('c', '--pid-file', 'pid');
    await used.call('start', 'c');
    return { used, pid: Number(readFileSync(join(used.bundle, 'pid'), 'utf8')) };
  }

  async function waited(used: Runtime, ...flags: string[]): Promise<unknown> {
    const { status, stdout, stderr } = await used.call('wait', ...flags, 'c');
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const { id, ...rest } = JSON.parse(stdout) as { id: string };
    expect(id).toBe(used.id('c'));
    return rest;
  }

  async function finish(used: Runtime): Promise<void> {
    await used.call('delete', '--force', 'c');
    expect(await used.leftovers()).toEqual([]);
  }

  test.each([
    ['exit 0', 0],
    ['exit 7', 7],
    ['exec sleep 1000', 137],
  ])(
    'a stopped container keeps its exit status, for any number of callers: %s',
    async (script, exitStatus) => {
      const { used } = await started(script);
      if (exitStatus === 137) await used.call('kill', 'c', 'KILL');
      await used.untilStopped('c');
      expect(await waited(used)).toEqual({ exitStatus });
      expect(await waited(used)).toEqual({ exitStatus });
      await finish(used);
    },
  );

  test('one whose stand-in was killed: for those who waited, and for those who come later', async () => {
    const { used, pid } = await started('sleep 1000');
    const waiting = waited(used);
    await sleep(300);
    process.kill(pid, 'SIGKILL');
    expect(await waiting).toEqual({ exitStatus: 137 });
    await used.untilStopped('c');
    expect(await waited(used)).toEqual({ exitStatus: 137 });
    await finish(used);
  });

  test('one that was killed before it was started, and one that could not start', async () => {
    const used = new Runtime(runsc, mkdtempSync(join(directory, 'x-')));
    used.configure({ args: ['sleep', '1000'] });
    await used.create('c');
    await used.call('kill', 'c', 'TERM');
    await used.untilStopped('c');
    expect(await waited(used)).toEqual({ exitStatus: 143 });
    await used.call('delete', 'c');
    const startContainer = [{ path: '/bin/false' }];
    used.configure({ args: ['true'], changes: { hooks: { startContainer } } });
    await used.create('c');
    expect((await used.call('start', 'c')).status).toBe(1);
    await used.untilStopped('c');
    expect(await waited(used)).toEqual({ exitStatus: 1 });
    await finish(used);
  });

  test('a process inside, by its pid there', async () => {
    // Nobody reaps the two: whoever asks too late finds a zombie.
    const { used } = await started(
      'mkfifo /tmp/fifo; (read x </tmp/fifo; exit 5) & echo $! >/tmp/fifth; sleep 1000 & echo $! >/tmp/sleeper; exec sleep 1000',
    );
    const pidOf = async (name: string): Promise<string> => {
      const read = `until [ -s /tmp/${name} ]; do sleep 0.05; done; cat /tmp/${name}`;
      return (await used.call('exec', 'c', 'sh', '-c', read)).stdout.trim();
    };
    const sleeper = await pidOf('sleeper');
    const fifth = await pidOf('fifth');
    const reading = waited(used, '--pid', fifth);
    await sleep(700);
    await used.call('exec', 'c', 'sh', '-c', 'echo >/tmp/fifo');
    expect(await reading).toEqual({ pid: Number(fifth), exitStatus: 5 });
    const waiting = waited(used, '--rootpid', sleeper);
    await sleep(700);
    await used.call('exec', 'c', 'kill', '-TERM', sleeper);
    expect(await waiting).toEqual({ pid: Number(sleeper), exitStatus: 143 });
    const gone = await used.call('wait', '--pid', '4000', 'c');
    expect(gone.status).toBe(1);
    expect(gone.stderr).toContain('no such process');
    for (const wrong of ['0', '-1', 'x']) {
      expect((await used.call('wait', '--pid', wrong, 'c')).stderr).toMatch(/invalid value|flag/);
    }
    await finish(used);
  });
});
