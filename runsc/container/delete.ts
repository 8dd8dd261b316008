// Removes what is left of a container.

import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { stateDirectory } from './container-id.ts';
import { hasEnded, killHost } from './kill.ts';
import { withLock } from './lock.ts';
import { findContainer } from './state.ts';

import type { RuntimeOptions } from './container.ts';
import type { KnownContainer } from './state.ts';

const END_TIMEOUT_MS = 10_000;
const POLL_MS = 5;

/**
 * Throws `container does not exist`, and for one that runs, `cannot delete container ID that is not stopped`.
 * With `force` the first is no error, and a running container is killed. Failures of poststop hooks, and of
 * systemd to stop the container's unit, go to `warn`.
 */
export function deleteContainer(
  options: RuntimeOptions,
  id: string,
  force: boolean,
  warn: (message: string) => void = () => undefined,
): Promise<void> {
  const directory = stateDirectory(options.root, id);
  return withLock(directory, async (exists) => {
    let known: KnownContainer;
    try {
      known = findContainer(options.root, id);
    } catch (error) {
      // As runc: a directory without a state is what a crash has left. One with a damaged state needs force.
      if (exists && (force || !existsSync(join(directory, 'state.json')))) removeDirectory(directory);
      if (force) return;
      throw error;
    }
    if (known.status !== 'stopped') {
      // As runc: nothing is lost with a container that has not run.
      if (!force && known.status !== 'created')
        throw new Error(`cannot delete container ${id} that is not stopped: ${known.status}`);
      await killAndWait(known);
    }
    const { unit } = known.stored;
    if (unit !== undefined) await (await import('./systemd-scope.ts')).stopScope(unit, warn);
    for (const cgroup of known.stored.cgroups) await removeCgroup(cgroup);
    removeDirectory(directory);
    // Starting programs costs a third of a short command's time.
    if (known.stored.poststop !== undefined)
      await (await import('./poststop.ts')).runPoststopHooks(known.stored, warn);
  });
}

async function killAndWait({ stored }: KnownContainer): Promise<void> {
  killHost(stored.pid);
  if (!(await hasEnded(stored, END_TIMEOUT_MS))) throw new Error(`container ${stored.id} does not end`);
}

/** state.json last: a removal that is interrupted can be repeated. */
function removeDirectory(directory: string): void {
  const names = readdirSync(directory).filter((name) => name !== 'state.json');
  for (const name of [...names, 'state.json']) rmSync(join(directory, name), { force: true });
  rmdirSync(directory);
}

/** With those that somebody has made in it. Waits for processes that are still ending: EBUSY. */
async function removeCgroup(directory: string): Promise<void> {
  for (let waitedMs = 0; ; waitedMs += POLL_MS) {
    try {
      removeTree(directory);
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return;
      if (code !== 'EBUSY' || waitedMs >= END_TIMEOUT_MS) throw error;
    }
    await sleep(POLL_MS);
  }
}

function removeTree(directory: string): void {
  try {
    rmdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error;
    for (const entry of readdirSync(directory, { withFileTypes: true }))
      if (entry.isDirectory()) removeTree(join(directory, entry.name));
    rmdirSync(directory);
  }
}
