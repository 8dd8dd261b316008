// Guests that attack: each runs beside a shell that has to go on working, in the same sandbox.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { MAKING_MS, rootfs } from '../support/rootfs.ts';
import { canRun, sandbox, type RunResult } from '../support/sandbox.ts';

describe.skipIf(!canRun || process.arch !== 'x64')('hostile guests', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'runsc-hostile-'));
    for (const name of ['scribble', 'jump', 'fuzz']) {
      const source = join(import.meta.dirname, `${name}.c`);
      execFileSync('gcc', ['-O1', '-static', '-pthread', '-o', join(directory, name), source]);
    }
    rootfs('debian');
  }, MAKING_MS);
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  /** Runs the attack, and before, during and after it the works of a neighbour. */
  function attack(command: string): Promise<RunResult> {
    const script = `
      (while :; do date >/dev/null; done) & neighbour=$!
      timeout -k 1 60 ${command} >/tmp/output 2>&1
      kill -0 $neighbour && echo neighbour
      kill $neighbour; wait $neighbour 2>/dev/null
      seq 1000 | sort -n | tail -1
      echo alive`;
    return sandbox({
      rootfs: rootfs('debian'),
      args: ['/bin/bash', '-c', script],
      mounts: [{ destination: '/hostile', type: 'bind', source: directory, options: ['bind', 'ro'] }],
      timeoutMs: 400_000,
    });
  }

  const attacks = [
    ...[0, 1, 2, 3].map((pattern) => `/hostile/scribble ${pattern}`),
    ...[1, 2, 3].map((seed) => `/hostile/jump ${seed} 200`),
    ...[1, 2, 3].map((seed) => `/hostile/fuzz ${seed} 100`),
  ];

  test.each(attacks)('%s', { timeout: 480_000 }, async (command) => {
    const result = await attack(command);
    expect(result).toMatchObject({ stdout: 'neighbour\n1000\nalive\n', status: 0, leftovers: [] });
  });
});
