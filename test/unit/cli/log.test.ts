// The log that container managers read error texts from.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, it } from 'vitest';

import { formatRecord, Log } from '../../../runsc/cli/log.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'runsc-test-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

it('writes records as runc does', () => {
  const time = new Date('2026-01-02T03:04:05.678Z');
  expect(formatRecord('json', 'error', 'a "b"', time)).toBe(
    '{"level":"error","msg":"a \\"b\\"","time":"2026-01-02T03:04:05Z"}\n',
  );
  expect(formatRecord('text', 'warning', 'a "b"', time)).toBe(
    'time="2026-01-02T03:04:05Z" level=warning msg="a \\"b\\""\n',
  );
});

it('appends one line per record, whatever the message', () => {
  const path = join(folder, 'log.json');
  for (const message of ['first\n  second\n', 'third']) {
    const log = Log.open(path, 'json', false);
    log.warn(message);
    log.debug('not written without --debug');
    log.close();
  }
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(['first; second', 'third']);
});

it('says why a log cannot be opened', () => {
  const path = join(folder, 'nope', 'log');
  expect(() => Log.open(path, 'text', false)).toThrow(`open ${path}: no such file or directory`);
});
