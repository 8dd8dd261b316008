/** Results that strace explains. */
import type { Call } from './arguments.ts';
import { polled, selected } from './special-poll.ts';
import { showConst, showFlags, showSignal } from './tables.ts';

type ShowResult = (call: Call) => string | null;

const DUMPABLE = ['SUID_DUMP_DISABLE', 'SUID_DUMP_USER', 'SUID_DUMP_ROOT'];
const MEMBARRIER_QUERY = 0;

function hex(value: number): string {
  return value === 0 ? '0' : `0x${value.toString(16)}`;
}

function flagged(call: Call, what: string, table: string): string {
  return call.result === 0 ? '0' : `${hex(call.result)} (${what} ${showFlags(table, call.result)})`;
}

const fcntl: ShowResult = (call) => {
  switch (showConst('fcntl', call.task.argI32(1))) {
    case 'F_GETFD':
      return flagged(call, 'flags', 'fd');
    case 'F_GETFL':
      return `${hex(call.result)} (flags ${showFlags('open', call.result)})`;
    case 'F_GET_SEALS':
      return flagged(call, 'seals', 'seals');
    case 'F_GETSIG':
      return call.result === 0 ? '0' : signal(call);
    default:
      return null;
  }
};

const signal: ShowResult = (call) => `${call.result} (${showSignal(call.result)})`;

const octal: ShowResult = (call) => (call.result === 0 ? '0' : `0${call.result.toString(8)}`);

const policy: ShowResult = (call) => `${call.result} (${showConst('sched_policy', call.result)})`;

const prctl: ShowResult = (call) => {
  if (showConst('prctl', call.task.argI32(0)) !== 'PR_GET_DUMPABLE') return null;
  return `${call.result} (${DUMPABLE[call.result]})`;
};

const personality: ShowResult = (call) => (call.result === 0 ? '0 (PER_LINUX)' : null);

const membarrier: ShowResult = (call) =>
  call.task.argI32(0) === MEMBARRIER_QUERY
    ? `${hex(call.result)} (${showFlags('membarrier', call.result)})`
    : null;

export const RESULTS: ReadonlyMap<string, ShowResult> = new Map<string, ShowResult>([
  ['fcntl', fcntl],
  ['membarrier', membarrier],
  ['personality', personality],
  ['poll', polled],
  ['ppoll', polled],
  ['prctl', prctl],
  ['pselect6', selected],
  ['rt_sigtimedwait', signal],
  ['sched_getscheduler', policy],
  ['select', selected],
  ['umask', octal],
]);
