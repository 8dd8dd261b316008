// `runsc ps`: the host processes that stand for a container and for the processes exec'd into it.

import { formatProcessTable, standInPids } from '../../container/ps.ts';
import { STDOUT, writeAll } from '../output.ts';
import { UsageError } from '../usage-error.ts';

import type { RuntimeOptions } from '../../container/container.ts';

/** As runc: JSON is an array of pids, `null` without any; the table is what ps(1) says about them. */
export function ps(
  options: RuntimeOptions,
  id: string,
  psOptions: readonly string[],
  flags: { readonly format: string },
): number {
  const pids = standInPids(options, id);
  if (flags.format === 'json') {
    writeAll(STDOUT, `${pids.length === 0 ? 'null' : JSON.stringify(pids)}\n`);
  } else if (flags.format === 'table') {
    writeAll(STDOUT, formatProcessTable(pids, psOptions));
  } else {
    throw new UsageError('invalid format option');
  }
  return 0;
}
