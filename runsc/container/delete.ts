// Removes what is left of a container.

import { rmdirSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { hasEnded, killHost } from './kill.ts';
import { findContainer } from './state.ts';

import type { RuntimeOptions } from './container.ts';
import type { KnownContainer } from './state.ts';

const END_TIMEOUT_MS = 10_000;
const POLL_MS = 10;

/**
 * Throws `container does not exist`, and for one that runs, `cannot delete container ID that is not stopped`.
 * With `force` the first is no error, and a running container is killed.
 */
export async function deleteContainer(options: RuntimeOptions, id: string, force: boolean): Promise<void> {
  let known: KnownContainer;
  try {
    known = findContainer(options.root, id);
  } catch (error) {
    if (force) return;
    throw error;
  }
  if (known.status !== 'stopped') {
    // As runc: nothing is lost with a container that has not run.
    if (!force && known.status !== 'created')
      throw new Error(`cannot delete container ${id} that is not stopped: ${known.status}`);
    await killAndWait(known);
  }
  for (const directory of known.stored.cgroups) await removeCgroup(directory);
  rmSync(known.directory, { recursive: true, force: true });
}

async function killAndWait({ stored }: KnownContainer): Promise<void> {
  killHost(stored.pid);
  if (!(await hasEnded(stored, END_TIMEOUT_MS))) throw new Error(`container ${stored.id} does not end`);
}

/** Waits for processes that are still ending: EBUSY. */
async function removeCgroup(directory: string): Promise<void> {
  for (let waitedMs = 0; ; waitedMs += POLL_MS) {
    try {
      rmdirSync(directory);
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return;
      if (code !== 'EBUSY' || waitedMs >= END_TIMEOUT_MS) throw error;
    }
    await sleep(POLL_MS);
  }
}
