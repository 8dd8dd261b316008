// Resource limits that config.json says nothing of: as under runc, they are the caller's.

import { readFileSync } from 'node:fs';

import type { Process, Rlimit } from '../spec/spec.ts';

/** proc_pid_limits(5). Node has raised its soft limit of open files to the hard one, as runc's Go does. */
const NAMES: Readonly<Record<string, string>> = {
  'Max cpu time': 'RLIMIT_CPU',
  'Max file size': 'RLIMIT_FSIZE',
  'Max data size': 'RLIMIT_DATA',
  'Max stack size': 'RLIMIT_STACK',
  'Max core file size': 'RLIMIT_CORE',
  'Max resident set': 'RLIMIT_RSS',
  'Max processes': 'RLIMIT_NPROC',
  'Max open files': 'RLIMIT_NOFILE',
  'Max locked memory': 'RLIMIT_MEMLOCK',
  'Max address space': 'RLIMIT_AS',
  'Max file locks': 'RLIMIT_LOCKS',
  'Max pending signals': 'RLIMIT_SIGPENDING',
  'Max msgqueue size': 'RLIMIT_MSGQUEUE',
  'Max nice priority': 'RLIMIT_NICE',
  'Max realtime priority': 'RLIMIT_RTPRIO',
  'Max realtime timeout': 'RLIMIT_RTTIME',
};
const INFINITE = 2 ** 64;

export function inheritLimits(process: Process): Process {
  const own = process.rlimits ?? [];
  const named = new Set(own.map(({ type }) => type));
  return { ...process, rlimits: [...own, ...callerLimits().filter(({ type }) => !named.has(type))] };
}

function callerLimits(): Rlimit[] {
  const limits: Rlimit[] = [];
  for (const line of readFileSync('/proc/self/limits', 'utf8').split('\n')) {
    const [, name = '', soft = '', hard = ''] = /^(.*?) {2,}(\S+) +(\S+)/.exec(line) ?? [];
    const type = NAMES[name];
    if (type !== undefined) limits.push({ type, soft: amount(soft), hard: amount(hard) });
  }
  return limits;
}

function amount(text: string): number {
  return text === 'unlimited' ? INFINITE : Number(text);
}
