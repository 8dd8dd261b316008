// `runsc create`: creates a container from a bundle, up to the point where its program would run.

import { failedTo, toRunRequest } from './run.ts';
import { createContainer } from '../../container/run.ts';

import type { RunFlags } from './run.ts';
import type { Invocation } from '../program.ts';

export type CreateFlags = Omit<RunFlags, 'detach' | 'keep'>;

export async function create(invocation: Invocation, id: string, flags: CreateFlags): Promise<number> {
  return failedTo('create', async () =>
    createContainer(invocation.options, toRunRequest(invocation, id, { ...flags, detach: true })),
  );
}
