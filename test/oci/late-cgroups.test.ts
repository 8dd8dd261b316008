// Guest processes are copies of one that the Sentry starts: made before the Sentry is in the container's cgroups, it
// and all of them would be outside, without limits.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { MAKING_MS, rootfs } from '../support/rootfs.ts';
import { canRun, leftoversOf, runsc, writeBundle } from '../support/sandbox.ts';

/** Long enough for a Sentry to start its guests, if it did not wait. */
const LATE_MS = 1000;
const ATTEMPTS = 50;

describe.skipIf(!canRun)('cgroups that are made late', { timeout: 900_000 }, () => {
  let directory: string;
  beforeAll(() => {
    rootfs('busybox');
    directory = mkdtempSync(join(tmpdir(), 'runsc-late-'));
  }, MAKING_MS);
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test('guest processes are in them all the same', async () => {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const id = `runsc-test-${process.pid}-late-${attempt}`;
      writeBundle(join(directory, id), {
        rootfs: rootfs('busybox'),
        args: ['sh', '-c', 'echo up; sleep 1000 & wait'],
        resources: { memory: { limit: 300 << 20 } },
      });
      const root = join(directory, 'state');
      const child = spawn(runsc, ['--root', root, 'run', '--bundle', join(directory, id), id], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const ended = new Promise((done) => child.on('exit', done));
      const output = firstOutput(child);
      const caught = stopMover(child.pid!);
      try {
        if (caught > 0) {
          await sleep(LATE_MS);
          process.kill(caught, 'SIGCONT');
          expect(await output).toBe('up\n');
          const sentry = childrenOf(child.pid!).find((pid) => commandOf(pid) === 'runsc-sentry')!;
          expect(cgroupsOf(sentry)).toContain(id);
          let guests: number[] = [];
          for (const since = Date.now(); guests.length <= 2 && Date.now() - since < 60_000; await sleep(20))
            guests = childrenOf(sentry);
          expect(guests.length).toBeGreaterThan(2);
          const places = guests.map(cgroupsOf).filter((place) => place !== ''); // ended meanwhile
          expect(new Set(places)).toEqual(new Set([cgroupsOf(sentry)]));
        }
      } finally {
        child.kill('SIGKILL');
        await ended;
      }
      expect(await leftoversOf(id, root)).toEqual([]);
      if (caught > 0) return;
    }
    throw new Error('the process that makes the cgroups was never seen');
  });
});

function firstOutput(child: ChildProcess): Promise<string> {
  return new Promise((done) => {
    child.stdout!.once('data', (data: Buffer) => done(data.toString()));
    child.on('exit', () => done('nothing'));
  });
}

/** The pid of the process that makes the cgroups, stopped on its way; 0 when it was through before. */
function stopMover(launcher: number): number {
  const end = Date.now() + 15_000;
  while (Date.now() < end) {
    const children = childrenOf(launcher);
    const mover = children.find((pid) => commandOf(pid) === 'runsc-mover');
    if (mover !== undefined) {
      process.kill(mover, 'SIGSTOP');
      for (;;) {
        const state = /^State:\t(.)/m.exec(read(`/proc/${mover}/status`))?.[1] ?? 'Z';
        if ('TZX'.includes(state)) return state === 'T' ? mover : 0;
      }
    }
    if (children.some((pid) => childrenOf(pid).length > 0 && commandOf(pid) === 'runsc-sentry')) return 0;
  }
  return 0;
}

function childrenOf(pid: number): number[] {
  return read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
}

/** Programs and the launcher's helpers name themselves in different places. */
function commandOf(pid: number): string {
  const [argument = ''] = read(`/proc/${pid}/cmdline`).split('\0');
  return argument.startsWith('runsc-') ? argument : read(`/proc/${pid}/comm`).trim();
}

function cgroupsOf(pid: number): string {
  return read(`/proc/${pid}/cgroup`);
}

/** Empty for a process that has ended. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
