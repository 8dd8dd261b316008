// SIGKILL of any process of a container while any command is at work on it: after `delete --force` nothing is left,
// and no command hangs.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { MAKING_MS, rootfs } from '../support/rootfs.ts';
import { canRun, leftoversOf, runsc } from '../support/sandbox.ts';
import { Runtime } from './runtime.ts';
import { processesOf } from './sandbox-fixture.ts';

const ROUNDS = process.env['CI'] === undefined ? 4 : 8;

/** What has been done before the command that is disturbed. */
const steps: readonly [disturbed: string[], before: string[][]][] = [
  [['create', 'ID'], []],
  [['start', 'ID'], [['create', 'ID']]],
  [
    ['exec', 'ID', 'sleep', '0.2'],
    [
      ['create', 'ID'],
      ['start', 'ID'],
    ],
  ],
  [
    ['exec', '--detach', 'ID', 'sleep', '1000'],
    [
      ['create', 'ID'],
      ['start', 'ID'],
    ],
  ],
  [
    ['pause', 'ID'],
    [
      ['create', 'ID'],
      ['start', 'ID'],
    ],
  ],
  [
    ['resume', 'ID'],
    [
      ['create', 'ID'],
      ['start', 'ID'],
      ['pause', 'ID'],
    ],
  ],
  [
    ['update', '--pids-limit', '100', 'ID'],
    [
      ['create', 'ID'],
      ['start', 'ID'],
    ],
  ],
  [
    ['kill', 'ID', 'KILL'],
    [
      ['create', 'ID'],
      ['start', 'ID'],
    ],
  ],
  [
    ['delete', '--force', 'ID'],
    [
      ['create', 'ID'],
      ['start', 'ID'],
    ],
  ],
];

describe.skipIf(!canRun)('SIGKILL at any step', () => {
  let directory: string;
  let runtime: Runtime;
  beforeAll(() => {
    rootfs('busybox');
    directory = mkdtempSync(join(tmpdir(), 'runsc-steps-'));
    runtime = new Runtime(runsc, directory);
  }, MAKING_MS);
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test.each(steps)('%s', { timeout: 600_000 }, async (disturbed, before) => {
    // The same choices in each run.
    const random = randomNumbers(disturbed.join(' '));
    for (let round = 0; round < ROUNDS; round++) {
      const id = runtime.id('c');
      runtime.configure({ args: ['sleep', '1000'], linux: { cgroupsPath: `/${id}` } });
      for (const words of before) expect(await run(runtime, id, words), words.join(' ')).toBe(0);
      const ended = run(runtime, id, disturbed);
      await new Promise((done) => setTimeout(done, random(250)));
      const victims = processesOf(id);
      const victim = victims[random(Math.max(victims.length, 1))];
      if (victim !== undefined) kill(victim.pid);
      const what = `round ${round}: ${disturbed.join(' ')}: ${victim?.role}`;
      expect(await Promise.race([ended, hung()]), what).not.toBe('hung');
      // What survives a killed `create` may only be on its way to the end of it.
      for (let attempt = 0; attempt < 100 && (attempt === 0 || processesOf(id).length > 0); attempt++) {
        expect(await run(runtime, id, ['delete', '--force', 'ID']), what).toBe(0);
      }
      expect(await leftoversOf(id, runtime.root), what).toEqual([]);
    }
    expect(existsSync(runtime.root) ? readdirSync(runtime.root) : []).toEqual([]);
  });
});

/** A command whose output nobody reads. Null: it was killed. */
async function run(runtime: Runtime, id: string, words: readonly string[]): Promise<number | null> {
  const args = words.map((word) => (word === 'ID' ? id : word));
  const child = spawn(runsc, ['--root', runtime.root, ...args], { cwd: runtime.bundle, stdio: 'ignore' });
  return await new Promise((done) => child.on('exit', done));
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

async function hung(): Promise<string> {
  return await new Promise((done) => setTimeout(() => done('hung'), 300_000));
}

/** Integers below what is asked for, always the same for a seed (a linear congruential generator). */
function randomNumbers(seed: string): (below: number) => number {
  let state = [...seed].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) >>> 0, 1);
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
