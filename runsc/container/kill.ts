// Sends a signal into a container, through its Sentry.

import { setTimeout as sleep } from 'node:timers/promises';

import { callSentry } from './control-client.ts';
import { isAlive } from './host-process.ts';
import { findContainer } from './state.ts';

import type { RuntimeOptions } from './container.ts';
import type { StoredState } from './state.ts';
import type { ControlReply } from '../sandbox/control-messages.ts';

const REPLY_TIMEOUT_MS = 5000;
/** For the end of a container that stopped answering. */
const END_TIMEOUT_MS = 1000;
const POLL_MS = 5;
const SIGKILL = 9;

/**
 * The signal goes to the container's init, with `all` to every process in it. Throws `container not running` for
 * a stopped one, and in runc's words what the kernel inside answers.
 */
export async function killContainer(
  options: RuntimeOptions,
  id: string,
  signal: number,
  all: boolean,
): Promise<void> {
  const { directory, stored, status } = findContainer(options.root, id);
  if (status === 'stopped') {
    // As runc: every one of no processes has been signalled.
    if (all) return;
    throw new Error('container not running');
  }
  let reply: ControlReply;
  try {
    reply = await callSentry(directory, { op: 'kill', container: id, signal, all }, REPLY_TIMEOUT_MS);
  } catch (cause) {
    // The signal may have ended the container before the answer came.
    if (await hasEnded(stored, END_TIMEOUT_MS)) return;
    if (signal !== SIGKILL) throw new Error(`unable to signal init: ${(cause as Error).message}`, { cause });
    // A Sentry that hangs must still be killable.
    killHost(stored.pid);
    return;
  }
  if (!reply.ok) throw new Error(`unable to signal init: ${reply.error}`);
}

/** Whether the container's launcher ends within `timeoutMs`. */
export async function hasEnded({ pid, startTicks }: StoredState, timeoutMs: number): Promise<boolean> {
  for (let waitedMs = 0; isAlive(pid, startTicks); waitedMs += POLL_MS) {
    if (waitedMs >= timeoutMs) return false;
    await sleep(POLL_MS);
  }
  return true;
}

/** Kills the launcher, and the sandbox with it. */
export function killHost(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
