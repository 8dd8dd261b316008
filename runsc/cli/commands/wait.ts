// `runsc wait`: waits for the end of a container, and prints its status as gVisor's command of that name does.

import { waitForContainer } from '../../container/wait.ts';
import { STDOUT, writeAll } from '../output.ts';
import { UsageError } from '../usage-error.ts';

import type { RuntimeOptions } from '../../container/container.ts';

export interface WaitFlags {
  readonly pid?: string;
  readonly rootpid?: string;
}

export async function wait(options: RuntimeOptions, id: string, flags: WaitFlags): Promise<number> {
  const pid = parsePid('pid', flags.pid) ?? parsePid('rootpid', flags.rootpid);
  const exitStatus = await waitForContainer(options, id, pid);
  writeAll(STDOUT, `${JSON.stringify({ id, ...(pid === undefined ? {} : { pid }), exitStatus })}\n`);
  return 0;
}

function parsePid(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw new UsageError(`invalid value ${JSON.stringify(text)} for flag -${flag}: parse error`);
  return Number(text);
}
