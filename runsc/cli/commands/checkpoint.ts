// `runsc checkpoint` and `runsc restore`: not there yet, and said so plainly.

import { loadState } from '../../container/state.ts';

import type { RuntimeOptions } from '../../container/container.ts';

const SENTENCE = 'checkpoint and restore are not available yet';

export function checkpoint(options: RuntimeOptions, id: string): never {
  const { status } = loadState(options, id);
  if (status === 'stopped') throw new Error('Container cannot be checkpointed in stopped state');
  throw new Error(`checkpoint failed: ${SENTENCE}`);
}

export function restore(_options: RuntimeOptions, _id: string): never {
  throw new Error(`restore failed: ${SENTENCE}`);
}
