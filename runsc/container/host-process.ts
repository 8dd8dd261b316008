// Host processes by pid and start time.

import { readFileSync } from 'node:fs';

/** False for a pid that is gone, a zombie, or one that was given to another process since. */
export function isAlive(pid: number, startTicks: number): boolean {
  if (pid <= 0) return false;
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return false;
  }
  // proc_pid_stat(5): the command name may hold anything, so count from its last parenthesis.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] !== 'Z' && fields[0] !== 'X' && Number(fields[19]) === startTicks;
}
