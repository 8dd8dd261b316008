// Ids, signals, and state files whose process is there, gone, or somebody else.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { checkContainerId } from '../../../runsc/container/container-id.ts';
import { deleteContainer } from '../../../runsc/container/delete.ts';
import { killContainer } from '../../../runsc/container/kill.ts';
import { parseSignal } from '../../../runsc/container/signal-names.ts';
import { formatState, listStates, loadState } from '../../../runsc/container/state.ts';

import type { RuntimeOptions } from '../../../runsc/container/container.ts';

test.each(['a', 'A-b_c.d+e', '0', '...', 'x'.repeat(255)])('%j is an id', (id) => {
  expect(() => checkContainerId(id)).not.toThrow();
});

test.each(['.', '..', 'a/b', '/', 'a b', 'ä', 'a\n', '\0'])('%j is none', (id) => {
  expect(() => checkContainerId(id)).toThrow('invalid container ID format');
});

test.each([
  ['9', 9],
  ['KILL', 9],
  ['SIGKILL', 9],
  ['sigterm', 15],
  ['usr1', 10],
  ['SIGRTMIN', 34],
  ['RTMIN+3', 37],
  ['SIGRTMAX-1', 63],
  ['99', 99],
  ['0', 0],
])('signal %s is %i', (text, number) => {
  expect(parseSignal(text)).toBe(number);
});

test.each(['BOGUS', '', 'SIG', '9x', 'toString'])('%j is no signal', (text) => {
  expect(() => parseSignal(text)).toThrow(`unknown signal ${JSON.stringify(text)}`);
});

describe('state files', () => {
  let options: RuntimeOptions;
  const fields = {
    ociVersion: '1.0.2',
    bundle: '/b',
    rootfs: '/b/rootfs',
    created: '2026-01-01T00:00:00.000Z',
    cgroups: [],
  };
  beforeAll(() => {
    options = { root: mkdtempSync(join(tmpdir(), 'runsc-state-')) } as RuntimeOptions;
    const stat = readFileSync('/proc/self/stat', 'latin1');
    const startTicks = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
    write('alive', { pid: process.pid, startTicks, status: 'running' });
    write('reused', { pid: process.pid, startTicks: startTicks + 1, status: 'running' });
    write('dead', { pid: 2 ** 22 + 1, startTicks: 1, status: 'running' });
    mkdirSync(join(options.root, 'unfinished'));
  });
  afterAll(() => rmSync(options.root, { recursive: true }));

  function write(id: string, process: object): void {
    mkdirSync(join(options.root, id));
    writeFileSync(join(options.root, id, 'state.json'), JSON.stringify({ ...process, id, ...fields }));
  }

  test('a container whose process is gone, or another one’s now, is stopped', () => {
    const seen = listStates(options).map(({ id, pid, status }) => [id, pid, status]);
    expect(seen).toEqual([
      ['alive', process.pid, 'running'],
      ['dead', 0, 'stopped'],
      ['reused', 0, 'stopped'],
    ]);
  });

  test('a missing --root is an empty list', () => {
    expect(listStates({ ...options, root: join(options.root, 'nowhere') })).toEqual([]);
  });

  test('the state is printed as runc prints it', () => {
    expect(formatState(loadState(options, 'dead'))).toBe(`{
  "ociVersion": "1.0.2",
  "id": "dead",
  "pid": 0,
  "status": "stopped",
  "bundle": "/b",
  "rootfs": "/b/rootfs",
  "created": "2026-01-01T00:00:00.000Z",
  "owner": ""
}`);
  });

  test('what can’t be done with which state', async () => {
    await expect(killContainer(options, 'dead', 15, false)).rejects.toThrow('container not running');
    await expect(killContainer(options, 'missing', 15, false)).rejects.toThrow('container does not exist');
    await expect(deleteContainer(options, 'alive', false)).rejects.toThrow(
      'cannot delete container alive that is not stopped: running',
    );
    await deleteContainer(options, 'dead', false);
    expect(() => loadState(options, 'dead')).toThrow('container does not exist');
    expect(() => loadState(options, '../alive')).toThrow('invalid container ID format');
  });
});
