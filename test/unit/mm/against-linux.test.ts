/** The map and the errnos of memory calls against the host's kernel: the same random calls, the same answers. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { release, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MemoryProgram } from './memory-program.ts';

/** mremap moves several areas at once from 6.17 on, and we answer as that kernel does; locking needs its right. */
const [major, minor] = release().split('.').map(Number);
const comparable = (major! > 6 || (major === 6 && minor! >= 17)) && userInfo().uid === 0;

describe.skipIf(!comparable)('memory calls against the host', () => {
  let dir = '';
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'replay-'));
    const source = join(import.meta.dirname, 'native/replay.c');
    execFileSync('gcc', ['-O1', '-Wall', '-o', join(dir, 'replay'), source]);
  });
  afterAll(() => {
    rmSync(dir, { recursive: true });
  });

  for (let seed = 1; seed <= 24; seed++) {
    it(`gives the same results and the same map (seed ${seed})`, () => {
      const program = new MemoryProgram(seed, 500);
      const linux = program.linux(join(dir, 'replay'));
      expect(program.ours.calls).toEqual(linux.calls);
      expect(program.ours.pages).toEqual(linux.pages);
    });
  }
});
