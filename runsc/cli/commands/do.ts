// `runsc do`: runs one command in a sandbox that sees the host's files; what it writes stays in memory.

import { randomInt } from 'node:crypto';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { isatty } from 'node:tty';

import { failedTo } from './run.ts';
import { runContainer } from '../../container/run.ts';
import { CAPABILITIES } from '../../spec/names.ts';
import { defaultMounts, defaultSpec } from '../../spec/default-spec.ts';
import { parseSpec } from '../../spec/load-spec.ts';
import { UsageError } from '../usage-error.ts';

import type { Mount, Spec } from '../../spec/spec.ts';
import type { Invocation } from '../program.ts';

export interface DoFlags {
  readonly root: string;
  readonly cwd?: string;
  readonly env: readonly string[];
  readonly volume: readonly string[];
  readonly hostname?: string;
}

/** What runsc/bin/runsc took out of the caller's environment, and under which name it kept it. */
const KEPT_PREFIX = 'RUNSC_CALLER_';

/** Returns the exit status of the command: its code, or 128 and the number of its signal. */
export async function doCommand(
  { options, log, overlayGiven, networkGiven }: Invocation,
  command: readonly string[],
  flags: DoFlags,
): Promise<number> {
  return failedTo('do', async () => {
    const spec = doSpec(command, flags);
    // The rules are the same as for a file, and so are the messages.
    const checked = parseSpec(JSON.stringify(spec), (message) => log.warn(message));
    const own = {
      ...options,
      ...(overlayGiven ? {} : { overlay2: 'root:memory' }),
      ...(networkGiven ? {} : { network: 'none' }),
    };
    return runContainer(own, {
      id: `runsc-do-${process.pid}-${randomInt(1e6)}`,
      bundle: spec.root!.path,
      spec: checked,
      detach: false,
      preserveFds: 0,
      doMode: true,
    });
  });
}

/** The configuration for one command with the caller's directory, variables and terminal. */
export function doSpec(command: readonly string[], flags: DoFlags): Spec {
  const { linux, ociVersion } = defaultSpec();
  return {
    ociVersion,
    process: {
      terminal: isatty(0) && isatty(1),
      user: { uid: 0, gid: 0 },
      args: command,
      env: [...callerEnvironment(process.env), ...flags.env],
      cwd: flags.cwd === undefined ? process.cwd() : resolve(flags.cwd),
      // Root of a kernel of its own: what it may do to the host is the jail's matter, not these sets'.
      capabilities: { bounding: CAPABILITIES, effective: CAPABILITIES, permitted: CAPABILITIES },
    },
    root: { path: resolve(flags.root), readonly: false },
    hostname: flags.hostname ?? hostname(),
    mounts: [...defaultMounts(), ...flags.volume.map(toBind)],
    // No network namespace to make: with `--network host` it is the caller's network.
    linux: { namespaces: linux!.namespaces!.filter(({ type }) => type !== 'network') },
  };
}

/** The caller's variables as they were before runsc/bin/runsc cleared those that node obeys. */
export function callerEnvironment(environment: NodeJS.ProcessEnv): string[] {
  const variables = new Map(Object.entries(environment));
  for (const [name, value] of [...variables]) {
    if (!name.startsWith(KEPT_PREFIX)) continue;
    variables.delete(name);
    variables.set(name.slice(KEPT_PREFIX.length), value);
  }
  return [...variables].map(([name, value]) => `${name}=${value!}`);
}

/** `SRC:DST[:OPTION[,OPTION]]`, writable unless it says `ro`. */
function toBind(volume: string): Mount {
  const [source, destination, options, more] = volume.split(':');
  if (!source || !destination?.startsWith('/') || more !== undefined) {
    throw new UsageError(`invalid volume ${JSON.stringify(volume)}: must be SRC:DST[:ro]`);
  }
  return {
    destination,
    type: 'bind',
    source: resolve(source),
    options: ['rbind', 'rprivate', ...(options === undefined ? [] : options.split(','))],
  };
}
