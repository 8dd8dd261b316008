// `runsc wait`: waits for the end of a container, and prints its status as gVisor's command of that name does.

import { waitForContainer } from '../../container/wait.ts';
import { STDOUT, writeAll } from '../output.ts';
import { UsageError } from '../usage-error.ts';

import type { RuntimeOptions } from '../../container/container.ts';

export async function wait(
  options: RuntimeOptions,
  id: string,
  flags: { readonly pid?: string },
): Promise<number> {
  if (flags.pid !== undefined) throw new UsageError('wait --pid is not supported yet');
  const exitStatus = await waitForContainer(options, id);
  writeAll(STDOUT, `${JSON.stringify({ id, exitStatus })}\n`);
  return 0;
}
