/** The syscall table of the running architecture: numbers joined with the families' calls. */
import { ENOSYS } from '../../sentry/abi/errno.ts';
import { unimplemented } from '../../sentry/base/unimplemented.ts';
import { amd64 } from './amd64.ts';
import { arm64 } from './arm64.ts';
import { calls } from './calls.ts';
import { type Call, type Handler, call } from './row.ts';

export interface Row extends Call {
  readonly number: number;
  readonly name: string;
}

/** One row for each number that Linux has; those without a handler here answer ENOSYS and are counted. */
export function tableOf(arch: 'x64' | 'arm64'): readonly Row[] {
  const numbers = arch === 'x64' ? amd64 : arm64;
  return numbers.map(([number, name]) => ({ number, name, ...(calls[name] ?? missing(name)) }));
}

function missing(name: string): Call {
  return call(
    () => {
      unimplemented(`syscall ${name}`);
      return -ENOSYS;
    },
    [],
    'unimplemented',
    'answers ENOSYS',
  );
}

export const rows = tableOf(process.arch === 'arm64' ? 'arm64' : 'x64');

/** By number; a hole is a number that Linux does not have. */
export const handlers: readonly (Handler | undefined)[] = byNumber();

function byNumber(): (Handler | undefined)[] {
  const out: (Handler | undefined)[] = [];
  for (const row of rows) {
    while (out.length < row.number) out.push(undefined);
    out[row.number] = row.handler;
  }
  return out;
}
