// Signal names of the host, as `kill` takes them: a number, or a name with or without SIG, in any case.

import { constants } from 'node:os';

/** Throws in runc's words for a name that no signal has. Numbers are not checked: the kernel does. */
export function parseSignal(text: string): number {
  if (/^[+-]?\d+$/.test(text)) return Number(text);
  const name = text.toUpperCase().replace(/^(?!SIG)/, 'SIG');
  const realtime = /^SIGRTM(IN|AX)([+-]\d{1,2})?$/.exec(name);
  const number =
    realtime === null
      ? (constants.signals as Readonly<Record<string, number>>)[name]
      : (realtime[1] === 'IN' ? SIGRTMIN : SIGRTMAX) + Number(realtime[2] ?? 0);
  if (number === undefined) throw new Error(`unknown signal ${JSON.stringify(text)}`);
  return number;
}

/** As glibc has them: the kernel's first two are its own. */
const SIGRTMIN = 34;
const SIGRTMAX = 64;
