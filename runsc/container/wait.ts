// Waiting for the end of a container.

import { askSentry } from './sentry-call.ts';
import { findContainer } from './state.ts';

import type { RuntimeOptions } from './container.ts';

/** The exit status as a shell has it. Throws for a container that is stopped already: nobody knows its status. */
export async function waitForContainer(options: RuntimeOptions, id: string): Promise<number> {
  const known = findContainer(options.root, id);
  if (known.status === 'stopped') throw new Error('container not running');
  const reply = await askSentry(known, { op: 'wait', container: id }, 0);
  if (!('exitStatus' in reply)) throw new Error('the sandbox gave no exit status');
  return reply.exitStatus;
}
