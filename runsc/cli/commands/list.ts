// `runsc list`: the containers under --root.

import { listStates } from '../../container/state.ts';
import { STDOUT, writeAll } from '../output.ts';
import { UsageError } from '../usage-error.ts';

import type { RuntimeOptions } from '../../container/container.ts';
import type { ListedState } from '../../container/state.ts';

export function list(
  options: RuntimeOptions,
  flags: { readonly format: string; readonly quiet?: true },
): number {
  if (flags.format !== 'table' && flags.format !== 'json') throw new UsageError('invalid format option');
  const states = listStates(options);
  writeAll(STDOUT, formatList(states, flags.quiet ? 'quiet' : flags.format));
  return 0;
}

/** As runc prints it: an empty list is `null` in JSON, and the header alone as a table. */
export function formatList(states: readonly ListedState[], format: 'quiet' | 'table' | 'json'): string {
  if (format === 'quiet') return states.map(({ id }) => `${id}\n`).join('');
  if (format === 'json') return `${states.length === 0 ? 'null' : JSON.stringify(states)}\n`;
  const rows = states.map(({ id, pid, status, bundle, created, owner }) => [
    id,
    String(pid),
    status,
    bundle,
    created,
    owner,
  ]);
  return formatTable([['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER'], ...rows]);
}

/** Columns at least 12 wide and 3 apart; the last one is not padded. */
function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(12, ...rows.map((row) => row[column]!.length + 3)));
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column]!))).join('');
  return rows.map((row) => `${line(row)}\n`).join('');
}
