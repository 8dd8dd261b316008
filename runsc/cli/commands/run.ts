// `runsc run`: creates a container from a bundle and runs it to its end.

import { resolve } from 'node:path';

import { runContainer } from '../../container/run.ts';
import { loadSpec } from '../../spec/load-spec.ts';
import { UsageError } from '../usage-error.ts';

import type { RunRequest } from '../../container/container.ts';
import type { Invocation } from '../program.ts';

export interface RunFlags {
  readonly bundle?: string;
  readonly consoleSocket?: string;
  readonly pidFile?: string;
  readonly detach?: true;
  readonly keep?: true;
  readonly preserveFds: string;
}

/** Returns the exit status of the container's first process: its code, or 128 and the number of its signal. */
export async function run(invocation: Invocation, id: string, flags: RunFlags): Promise<number> {
  return failedTo('run', async () => runContainer(invocation.options, toRunRequest(invocation, id, flags)));
}

/** Reads and checks the bundle. */
export function toRunRequest({ log }: Invocation, id: string, flags: RunFlags): RunRequest {
  const preserveFds = parseCount('preserve-fds', flags.preserveFds);
  const bundle = resolve(flags.bundle ?? '.');
  const spec = loadSpec(bundle, (message) => log.warn(message));
  return {
    id,
    bundle,
    spec,
    ...(flags.pidFile === undefined ? {} : { pidFile: resolve(flags.pidFile) }),
    ...(flags.consoleSocket === undefined ? {} : { consoleSocket: resolve(flags.consoleSocket) }),
    detach: flags.detach ?? false,
    keep: flags.keep ?? false,
    preserveFds,
  };
}

/** Failures on the way to a running container are reported with the name of the command, as runc does. */
export async function failedTo(command: string, start: () => Promise<number>): Promise<number> {
  try {
    return await start();
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    const gone = (cause as NodeJS.ErrnoException).syscall === 'uv_cwd';
    const message = gone
      ? 'the working directory does not exist any more'
      : cause instanceof Error
        ? cause.message
        : String(cause);
    throw new Error(`runsc ${command} failed: ${message}`, { cause });
  }
}

export function parseCount(flag: string, value: string): number {
  if (!/^\d{1,6}$/.test(value)) {
    throw new UsageError(`invalid value ${JSON.stringify(value)} for flag -${flag}: parse error`);
  }
  return Number(value);
}
