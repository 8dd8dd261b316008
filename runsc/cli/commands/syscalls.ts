// `runsc syscalls`: the support table. The build writes it to dist/syscalls.json from the same rows that the
// kernel dispatches by, so that printing it loads no handler.

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { toFormat } from '../global-flags.ts';
import { STDOUT, writeAll } from '../output.ts';

export interface SyscallSupport {
  readonly number: number;
  readonly name: string;
  readonly support: string;
  readonly note: string;
}

export function syscalls(flags: { readonly format: string }): number {
  const format = toFormat('format', flags.format);
  const rows = readTable();
  writeAll(STDOUT, format === 'json' ? `${JSON.stringify({ amd64: rows }, null, 2)}\n` : formatTable(rows));
  return 0;
}

function readTable(): SyscallSupport[] {
  const path = join(dirname(fileURLToPath(import.meta.url)), 'syscalls.json');
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as SyscallSupport[];
  } catch (cause) {
    throw new Error('the table of system calls is not built: run npm run build', { cause });
  }
}

export function formatTable(rows: readonly SyscallSupport[]): string {
  const width = Math.max(4, ...rows.map(({ name }) => name.length));
  const lines = rows.map(({ number, name, support, note }) =>
    `${String(number).padStart(4)}  ${name.padEnd(width)}  ${support.padEnd(13)}  ${note}`.trimEnd(),
  );
  return `${['  NR', 'NAME'.padEnd(width), 'SUPPORT'.padEnd(13), 'NOTE'].join('  ')}\n${lines.join('\n')}\n`;
}
