// Starts a container that `create` made.

import { callStart } from './control-client.ts';
import { findContainer } from './state.ts';

import type { RuntimeOptions } from './container.ts';
import type { ContainerStatus } from './state.ts';
import type { ControlReply } from '../sandbox/control-messages.ts';

/** Returns when the container is running and its poststart hooks have run. Throws in runc's words. */
export async function startContainer(options: RuntimeOptions, id: string): Promise<void> {
  // The native front has asked already, and leaves what it heard to us (native/front/start_container.cc).
  const heard = process.env['RUNSC_START_ANSWER'];
  if (heard !== undefined) return acknowledge(JSON.parse(heard) as ControlReply);
  const { directory, status } = findContainer(options.root, id);
  checkCreated(status);
  let reply: ControlReply;
  try {
    reply = await callStart(directory);
  } catch (cause) {
    // Another `start` was first, or the container has ended: its state says which.
    checkCreated(findContainer(options.root, id).status);
    throw new Error(`cannot start the container: ${(cause as Error).message}`, { cause });
  }
  acknowledge(reply);
}

function acknowledge(reply: ControlReply): void {
  if (!reply.ok) throw new Error(reply.error);
}

function checkCreated(status: ContainerStatus): void {
  if (status === 'created') return;
  if (status === 'stopped') throw new Error('cannot start a container that has stopped');
  if (status === 'running') throw new Error('cannot start an already running container');
  throw new Error(`cannot start a container in the ${status} state`);
}
