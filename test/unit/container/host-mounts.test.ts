// Which of the host's mounts a bind brings along.

import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { HostMounts } from '../../../runsc/sandbox/host-mounts.ts';

let top: string;
beforeAll(() => {
  top = realpathSync(mkdtempSync(join(tmpdir(), 'runsc-mounts-')));
  mkdirSync(join(top, 'a/b'), { recursive: true });
});
afterAll(() => rmSync(top, { recursive: true }));

function table(...lines: string[]): HostMounts {
  const all = ['1 0 8:1 / / rw - ext4 /dev/sda rw', ...lines];
  return new HostMounts(`${all.join('\n').replaceAll('TOP', top)}\n`);
}

test('mounts beneath, with their options, parents before children', () => {
  const mounts = table(
    '20 10 0:1 / TOP/a/b/c\\040d rw,noexec shared:7 master:3 - tmpfs x rw',
    '10 1 0:2 / TOP/a/b ro,nosuid master:4 - tmpfs y rw',
    '30 1 0:3 / TOP/ab rw - tmpfs z rw',
  );
  expect(mounts.tree(join(top, 'a'))).toEqual({
    group: 0,
    beneath: [
      { path: 'b', options: ['ro', 'nosuid'], group: 4 },
      { path: 'b/c d', options: ['rw', 'noexec'], group: 7 },
    ],
  });
  expect(mounts.tree(join(top, 'a/b'))).toEqual({
    group: 4,
    beneath: [{ path: 'c d', options: ['rw', 'noexec'], group: 7 }],
  });
});

test('what another mount hides is left out', () => {
  const mounts = table(
    '10 1 0:1 / TOP/a/b/hidden rw - tmpfs x rw',
    '11 1 0:2 / TOP/a/b rw shared:1 - tmpfs beneath rw',
    '12 11 0:3 / TOP/a/b rw shared:2 - tmpfs above rw',
    '13 11 0:4 / TOP/a/b/too rw - tmpfs y rw',
    '14 12 0:5 / TOP/a/b/seen rw - tmpfs z rw',
  );
  expect(mounts.tree(join(top, 'a')).beneath.map(({ path }) => path)).toEqual(['b', 'b/seen']);
  expect(mounts.tree(join(top, 'a/b')).group).toBe(2);
});

test('what has no name any more is in no mount that could be told', () => {
  const mounts = table('10 1 0:1 / TOP/a rw shared:3 - tmpfs x rw');
  expect(mounts.tree(join(top, 'gone')).beneath).toEqual([]);
});

test('the whole host; a table without a root, and lines of nonsense', () => {
  const mounts = table('10 1 0:1 / TOP/a rw - tmpfs x rw');
  expect(mounts.tree('/').beneath).toEqual([{ path: `${top.slice(1)}/a`, options: ['rw'], group: 0 }]);
  const odd = new HostMounts('x\n\n10 3 0:1 / /nowhere rw - tmpfs x rw\n7');
  expect(odd.tree(top)).toEqual({ group: 0, beneath: [] });
});
