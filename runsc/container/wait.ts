// Waiting for the end of a container, or of one of its processes.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { hasEnded } from './kill.ts';
import { askSentry } from './sentry-call.ts';
import { findContainer } from './state.ts';

import type { RuntimeOptions } from './container.ts';

/** What the launcher writes into the state directory at its end, or its janitor for one that was killed. */
const EXIT_STATUS_FILE = 'exit-status';
/** For the launcher to follow its Sentry, and for the janitor to come after a launcher that was killed. */
const END_TIMEOUT_MS = 10_000;
const JANITOR_TIMEOUT_MS = 1000;
const POLL_MS = 5;

/**
 * The exit status as a shell has it. With `pid`, of a process of the container that is there, by the number that it
 * has inside. Throws for a stopped container whose status nobody wrote down.
 */
export async function waitForContainer(options: RuntimeOptions, id: string, pid?: number): Promise<number> {
  const known = findContainer(options.root, id);
  if (known.status === 'stopped') {
    if (pid !== undefined) throw new Error('container not running');
    return storedStatus(known.directory);
  }
  try {
    const request = { op: 'wait', container: id, ...(pid === undefined ? {} : { pid }) } as const;
    const reply = await askSentry(known, request, 0);
    if ('exitStatus' in reply) return reply.exitStatus;
  } catch (error) {
    // It ended in a way in which the Sentry could not say so.
    if (pid !== undefined || !(await hasEnded(known.stored, END_TIMEOUT_MS))) throw error;
    return storedStatus(known.directory);
  }
  throw new Error('the sandbox gave no exit status');
}

async function storedStatus(directory: string): Promise<number> {
  for (let waitedMs = 0; ; waitedMs += POLL_MS) {
    const status = readStatus(join(directory, EXIT_STATUS_FILE));
    if (status !== undefined) return status;
    if (waitedMs >= JANITOR_TIMEOUT_MS)
      throw new Error('container not running: its exit status is not known');
    await sleep(POLL_MS);
  }
}

function readStatus(path: string): number | undefined {
  try {
    return Number.parseInt(readFileSync(path, 'utf8'), 10);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
