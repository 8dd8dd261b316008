// Statistics and out-of-memory events of a container.

import { CgroupFiles } from './cgroup-files.ts';
import { watchOom } from './oom.ts';
import { askSentry } from './sentry-call.ts';
import { findContainer } from './state.ts';
import { statsV1 } from './stats-v1.ts';
import { statsV2 } from './stats-v2.ts';
import { formatEvent } from './stats.ts';

import type { RuntimeOptions } from './container.ts';
import type { KnownContainer } from './state.ts';
import type { ControlStats } from '../sandbox/control-messages.ts';

/** One line of JSON. Throws in runc's words for a container that is stopped. */
export async function containerStats(options: RuntimeOptions, id: string): Promise<string> {
  return statsLine(findRunning(options, id), id);
}

/** Prints statistics every `intervalMs`, and each time the container runs out of memory, until it ends. */
export async function watchContainer(
  options: RuntimeOptions,
  id: string,
  intervalMs: number,
  print: (line: string) => void,
): Promise<void> {
  const known = findRunning(options, id);
  const oom = watchOom(new CgroupFiles(known.stored.cgroups), () => print(formatEvent('oom', id)));
  const timer = setInterval(() => {
    statsLine(known, id).then(print, () => undefined);
  }, intervalMs);
  try {
    await askSentry(known, { op: 'wait', container: id }, 0);
  } catch {
    // Killed from outside: it is over all the same.
  } finally {
    clearInterval(timer);
    oom.close();
  }
}

function findRunning(options: RuntimeOptions, id: string): KnownContainer {
  const known = findContainer(options.root, id);
  if (known.status === 'stopped') throw new Error(`container with id ${id} is not running`);
  return known;
}

/**
 * What the host's cgroup has counted, the Sentry and the gofer included, since they are there for the container alone;
 * tasks are the guest's own.
 */
async function statsLine(known: KnownContainer, id: string): Promise<string> {
  const files = new CgroupFiles(known.stored.cgroups);
  const stats = files.unified ? statsV2(files) : statsV1(files);
  const guest = await guestStats(known, id);
  if (guest !== undefined) {
    stats.pids = { current: guest.tasks, ...(guest.pidsLimit > 0 ? { limit: guest.pidsLimit } : {}) };
  }
  return formatEvent('stats', id, stats);
}

/** Undefined when the Sentry doesn't answer: the host's numbers will do. */
async function guestStats(known: KnownContainer, id: string): Promise<ControlStats | undefined> {
  try {
    const reply = await askSentry(known, { op: 'stats', container: id });
    return 'stats' in reply ? reply.stats : undefined;
  } catch {
    return undefined;
  }
}
