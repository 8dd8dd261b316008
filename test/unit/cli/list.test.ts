// `runsc list` in its three forms.

import { expect, it } from 'vitest';

import { formatList } from '../../../runsc/cli/commands/list.ts';

import type { ListedState } from '../../../runsc/container/state.ts';

const state: ListedState = {
  ociVersion: '1.2.1',
  id: 'a-rather-long-name',
  pid: 0,
  status: 'stopped',
  bundle: '/b',
  rootfs: '/b/rootfs',
  created: '2026-01-02T03:04:05.678Z',
  owner: 'root',
};

it('is a table whose columns fit', () => {
  expect(formatList([state, { ...state, id: 'b', pid: 42, status: 'running' }], 'table')).toBe(
    `${[
      'ID                   PID         STATUS      BUNDLE      CREATED                    OWNER',
      'a-rather-long-name   0           stopped     /b          2026-01-02T03:04:05.678Z   root',
      'b                    42          running     /b          2026-01-02T03:04:05.678Z   root',
    ].join('\n')}\n`,
  );
});

it('is JSON, null when empty', () => {
  expect(JSON.parse(formatList([state], 'json'))).toEqual([state]);
  expect(formatList([], 'json')).toBe('null\n');
});

it('is names alone', () => {
  expect(formatList([state, { ...state, id: 'b' }], 'quiet')).toBe('a-rather-long-name\nb\n');
});
