/** Processes: clone's many arguments, prctl's, masks of CPUs, identifiers of clocks and timers. */
import type { Call } from './arguments.ts';
import { address, showHex } from './arguments.ts';
import type { Special } from './special.ts';
import { Bytes } from './structs.ts';
import { capability, showConst, showFlags, showSignal } from './tables.ts';
import { quote, showAddress } from './text.ts';

const FUTEX_PRIVATE = 128;
const FUTEX_REALTIME = 256;
const ARCH_GET_FS = 0x1003;
const ARCH_GET_GS = 0x1004;

/** clone's arguments by name and in strace's order, the unused ones left out. */
const clone: Special = (call, i) => {
  const { task } = call;
  const flags = task.argU32(0);
  const tls = process.arch === 'arm64' ? 3 : 4;
  const childTid = process.arch === 'arm64' ? 4 : 3;
  switch (i) {
    case 0:
      return `child_stack=${address(call, 1)}, flags=${showFlags('clone', flags)}`;
    case 2:
      return (flags & 0x101000) !== 0 ? `parent_tid=${address(call, 2)}` : '';
    case 3:
      return (flags & 0x1200000) !== 0 ? `child_tidptr=${address(call, childTid)}` : '';
    case 4:
      return (flags & 0x80000) !== 0 ? `tls=${address(call, tls)}` : '';
    default:
      return '';
  }
};

/** struct clone_args, as far as it says anything. */
const clone3: Special = (call, i) => {
  if (i !== 0) return null;
  const size = call.task.arg(1);
  const bytes = size >= 64 ? call.read(call.task.arg(0), 64) : null;
  if (bytes === null) return address(call, 0);
  const b = new Bytes(bytes);
  const pointer = (name: string, at: number): string =>
    b.u64(at) === 0 ? '' : `, ${name}=${showAddress(b.u64(at))}`;
  const stackSize = b.u64(48) === 0 ? '0' : `0x${b.u64(48).toString(16)}`;
  return (
    `{flags=${showFlags('clone', b.u32(0))}${(b.u32(0) & 0x1000) === 0 ? '' : pointer('pidfd', 8)}${pointer('child_tid', 16)}` +
    `${pointer('parent_tid', 24)}, exit_signal=${b.u32(32) === 0 ? '0' : showSignal(b.u32(32))}, ` +
    `stack=${showAddress(b.u64(40))}, stack_size=${stackSize}${pointer('tls', 56)}}`
  );
};

const futex: Special = (call, i) => {
  const { task } = call;
  const op = task.argI32(1);
  const command = op & ~(FUTEX_PRIVATE | FUTEX_REALTIME);
  if (i === 1) {
    const name = showConst('futex', command) + ((op & FUTEX_PRIVATE) !== 0 ? '_PRIVATE' : '');
    return (op & FUTEX_REALTIME) !== 0 ? `${name}|FUTEX_CLOCK_REALTIME` : name;
  }
  // WAKE has no timeout, WAIT and WAKE no second address; only the bitset forms a last value.
  if (i === 3 && command === 1) return '';
  if (i >= 4 && (command === 0 || command === 1)) return '';
  return null;
};

/** How many arguments each command has, if it hasn't all five. */
const PRCTL_ARGS = new Map<RegExp, number>([
  [/^PR_GET_(KEEPCAPS|DUMPABLE|SECCOMP|SECUREBITS|TIMERSLACK|IO_FLUSHER)$/, 1],
  [
    /^PR_([SG]ET_(NAME|PDEATHSIG|CHILD_SUBREAPER|TID_ADDRESS)|SET_(DUMPABLE|KEEPCAPS|TIMERSLACK)|CAPBSET_.*)$/,
    2,
  ],
]);
const DUMPABLE = ['SUID_DUMP_DISABLE', 'SUID_DUMP_USER', 'SUID_DUMP_ROOT'];

const prctl: Special = (call, i, done) => {
  if (i === 0) return null;
  const { task } = call;
  const name = showConst('prctl', task.argI32(0));
  for (const [pattern, count] of PRCTL_ARGS) if (i >= count && pattern.test(name)) return '';
  if (i > 1) return name === 'PR_SET_VMA' ? vmaName(call, i) : null;
  const value = task.argI32(1);
  switch (name) {
    case 'PR_SET_NAME':
      return taskName(call);
    case 'PR_GET_NAME':
      return done ? taskName(call) : null;
    case 'PR_SET_PDEATHSIG':
      return showSignal(value);
    case 'PR_GET_PDEATHSIG':
      return done ? pointedInt(call, (n) => (n === 0 ? '0' : showSignal(n))) : null;
    case 'PR_SET_DUMPABLE':
      return DUMPABLE[value] ?? null;
    case 'PR_GET_CHILD_SUBREAPER':
      return done ? pointedInt(call, String) : null;
    case 'PR_CAPBSET_READ':
    case 'PR_CAPBSET_DROP':
      return capability(value);
    case 'PR_CAP_AMBIENT':
      return showConst('prctl_ambient', value);
    case 'PR_SET_VMA':
      return value === 0 ? 'PR_SET_VMA_ANON_NAME' : null;
    case 'PR_SET_CHILD_SUBREAPER':
    case 'PR_SET_KEEPCAPS':
    case 'PR_SET_NO_NEW_PRIVS':
    case 'PR_SET_THP_DISABLE':
    case 'PR_SET_TIMERSLACK':
      return String(task.argI64(1));
    default:
      return null;
  }
};

function vmaName(call: Call, i: number): string | null {
  if (i === 3) return String(call.task.arg(3));
  if (i !== 4 || call.task.arg(4) === 0) return null;
  const text = call.task.copyInString(call.task.arg(4), 256);
  return typeof text === 'number' ? null : quote(Buffer.from(text, 'latin1'), 80);
}

function taskName(call: Call): string | null {
  const bytes = call.read(call.task.arg(1), 16);
  if (bytes === null) return null;
  const end = bytes.indexOf(0);
  return quote(end < 0 ? bytes : bytes.subarray(0, end), 16);
}

function pointedInt(call: Call, show: (value: number) => string): string | null {
  const bytes = call.read(call.task.arg(1), 4);
  return bytes === null ? null : `[${show(new Bytes(bytes).i32(0))}]`;
}

const archPrctl: Special = (call, i, done) => {
  const code = call.task.argI32(0);
  if (i !== 1) return null;
  if (!done || (code !== ARCH_GET_FS && code !== ARCH_GET_GS)) return null;
  const bytes = call.read(call.task.arg(1), 8);
  return bytes === null ? null : `[${showHexNumber(new Bytes(bytes).u64(0))}]`;
};

function showHexNumber(value: number): string {
  return value === 0 ? '0' : `0x${value.toString(16)}`;
}

/** A mask of CPUs as a list. */
function cpus(call: Call, length: number): string | null {
  const bytes = call.read(call.task.arg(2), Math.min(length, 128));
  if (bytes === null) return null;
  const list: number[] = [];
  for (let cpu = 0; cpu < bytes.length * 8; cpu++)
    if (((bytes[cpu >>> 3]! >>> (cpu & 7)) & 1) !== 0) list.push(cpu);
  return `[${list.join(' ')}]`;
}
const setAffinity: Special = (call, i) => (i === 2 ? cpus(call, call.task.argU32(1)) : null);
const getAffinity: Special = (call, i, done) => (i === 2 && done ? cpus(call, call.result) : null);

/** What is left of a sleep is told only when that was interrupted. */
function unslept(arg: number): Special {
  return (call, i, done) => (i === arg && done ? address(call, arg) : null);
}

/** Nothing was waited for: the status word is as it was. */
const wait4: Special = (call, i, done) => (done && i === 1 && call.result === 0 ? address(call, 1) : null);

const rseq: Special = (call, i) => (i === 1 ? showHex(call.task, 1) : null);

/** A third argument goes with a flag only. */
const membarrier: Special = (call, i) => (i === 2 && (call.task.argU32(1) & 1) === 0 ? '' : null);

export const PROCESS_SPECIAL: readonly (readonly [string, Special])[] = [
  ['clone', clone],
  ['clone3', clone3],
  ['futex', futex],
  ['prctl', prctl],
  ['arch_prctl', archPrctl],
  ['sched_setaffinity', setAffinity],
  ['sched_getaffinity', getAffinity],
  ['nanosleep', unslept(1)],
  ['clock_nanosleep', unslept(3)],
  ['wait4', wait4],
  ['rseq', rseq],
  ['membarrier', membarrier],
];
