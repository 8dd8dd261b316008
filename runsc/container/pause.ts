// Pausing and resuming. The Sentry stops the guest's processes and goes on answering; nothing is frozen on the host
// but them, so that the stand-in and its signals work as ever.

import { askSentry } from './sentry-call.ts';
import { findContainer } from './state.ts';
import { recordStatus } from './status.ts';

import type { RuntimeOptions } from './container.ts';

/** Throws in runc's words for a container that doesn't run. */
export async function pauseContainer(options: RuntimeOptions, id: string): Promise<void> {
  const known = findContainer(options.root, id);
  if (known.status !== 'running' && known.status !== 'created') throw new Error('container not running');
  await askSentry(known, { op: 'pause', container: id });
  recordStatus(known, 'paused');
}

export async function resumeContainer(options: RuntimeOptions, id: string): Promise<void> {
  const known = findContainer(options.root, id);
  if (known.status === 'stopped') throw new Error('container not paused');
  const reply = await askSentry(known, { op: 'resume', container: id });
  recordStatus(known, 'state' in reply ? reply.state.status : 'running');
}
