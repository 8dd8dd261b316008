// `runsc ps`: the host processes of a container.

import { formatProcessTable, hostPids } from '../../container/ps.ts';
import { STDOUT, writeAll } from '../output.ts';
import { UsageError } from '../usage-error.ts';

import type { RuntimeOptions } from '../../container/container.ts';

/** As runc: JSON is an array of pids, `null` without any; the table is what ps(1) says about them. */
export async function ps(
  options: RuntimeOptions,
  id: string,
  psOptions: readonly string[],
  flags: { readonly format: string },
): Promise<number> {
  const pids = await hostPids(options, id);
  if (flags.format === 'json') {
    writeAll(STDOUT, `${pids.length === 0 ? 'null' : JSON.stringify(pids)}\n`);
  } else if (flags.format === 'table') {
    writeAll(STDOUT, formatProcessTable(pids, psOptions));
  } else {
    throw new UsageError('invalid format option');
  }
  return 0;
}
