// `runsc spec` writes what `runc spec` writes.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, it } from 'vitest';

import { spec } from '../../../runsc/cli/commands/spec.ts';

const haveRunc = spawnSync('runc', ['--version']).status === 0;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'runsc-test-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

it.skipIf(!haveRunc).each([[[]], [['--rootless']]])('byte for byte, with flags %j', (flags) => {
  const [theirs, ours] = ['theirs', 'ours'].map((name) => mkdtempSync(join(folder, name)));
  execFileSync('runc', ['spec', '--bundle', theirs!, ...flags]);
  spec({ bundle: ours!, ...(flags.length === 0 ? {} : { rootless: true }) });
  expect(readFileSync(join(ours!, 'config.json'), 'utf8')).toBe(
    readFileSync(join(theirs!, 'config.json'), 'utf8'),
  );
});

it('does not replace a file', () => {
  const bundle = mkdtempSync(join(folder, 'twice'));
  spec({ bundle });
  expect(() => spec({ bundle })).toThrow('File config.json exists. Remove it first');
});

it('names a directory that is missing', () => {
  expect(() => spec({ bundle: join(folder, 'nope') })).toThrow(
    `chdir ${folder}/nope: no such file or directory`,
  );
});
