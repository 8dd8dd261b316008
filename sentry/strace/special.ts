/** Calls whose arguments mean different things from case to case: what strace does about each. */
import { AT_STATX_SYNC_TYPE, O_CREAT, O_TMPFILE } from '../abi/fcntl.ts';
import { TCGETS, TIOCGPGRP, TIOCGWINSZ, TIOCSPGRP } from '../abi/ioctl.ts';
import { MAP_ANONYMOUS } from '../abi/mman.ts';
import { S_IFBLK, S_IFCHR, S_IFMT } from '../abi/stat.ts';
import type { Call } from './arguments.ts';
import { address, showHex, showPollfds } from './arguments.ts';
import { Bytes, showFileMode } from './structs.ts';
import { showConst, showFlags, showSignal } from './tables.ts';
import { quote, showAddress } from './text.ts';

/** Replaces an argument's text; null keeps it, "" drops it. `done` tells that the call has ended well. */
type Special = (call: Call, i: number, done: boolean) => string | null;

const FUTEX_PRIVATE = 128;
const FUTEX_REALTIME = 256;
const F_GETFD = 1;
const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const F_DUPFD = 0;
const F_DUPFD_CLOEXEC = 1030;

/** open's mode is there only when something is made. */
function openMode(flagsArg: number): Special {
  return (call, i) => {
    if (i !== flagsArg + 1) return null;
    const flags = call.task.argU32(flagsArg);
    return (flags & O_CREAT) !== 0 || (flags & O_TMPFILE) === O_TMPFILE ? null : '';
  };
}

const mmap: Special = (call, i) => {
  if (i === 4) return (call.task.argU32(3) & MAP_ANONYMOUS) !== 0 && call.task.argI32(4) === -1 ? '-1' : null;
  return i === 5 ? showHex(call.task, 5) : null;
};

const fcntl: Special = (call, i) => {
  if (i !== 2) return null;
  const { task } = call;
  switch (task.argI32(1)) {
    case F_GETFD:
    case F_GETFL:
      return '';
    case F_SETFD:
      return task.argU32(2) === 1 ? 'FD_CLOEXEC' : showHex(task, 2);
    case F_SETFL:
      return showFlags('open', task.argU32(2));
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
      return String(task.argI32(2));
    default:
      return null;
  }
};

const ioctl: Special = (call, i, done) => {
  if (i !== 2) return null;
  const { task } = call;
  const addr = task.arg(2);
  if (!done) return null;
  switch (task.argU32(1)) {
    case TIOCGPGRP:
    case TIOCSPGRP: {
      const bytes = call.read(addr, 4);
      return bytes === null ? null : `[${new Bytes(bytes).i32(0)}]`;
    }
    case TIOCGWINSZ: {
      const bytes = call.read(addr, 8);
      if (bytes === null) return null;
      const b = new Bytes(bytes);
      return `{ws_row=${b.u16(0)}, ws_col=${b.u16(2)}, ws_xpixel=${b.u16(4)}, ws_ypixel=${b.u16(6)}}`;
    }
    case TCGETS: {
      const bytes = call.read(addr, 36);
      if (bytes === null) return null;
      const b = new Bytes(bytes);
      const hex = (at: number): string => `0x${b.u32(at).toString(16)}`;
      return `{c_iflag=${hex(0)}, c_oflag=${hex(4)}, c_cflag=${hex(8)}, c_lflag=${hex(12)}, ...}`;
    }
    default:
      return null;
  }
};

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

const poll: Special = (call, i, done) => (i === 0 && done ? showPollfds(call, 0, false) : null);

const cwd: Special = (call, i, done) => {
  if (i !== 0 || !done) return null;
  const bytes = call.read(call.task.arg(0), Math.max(0, call.result - 1));
  return bytes === null ? null : quote(bytes, bytes.length);
};

/** strace shows the number of entries. */
const getdents: Special = (call, i, done) => {
  if (i !== 1 || !done) return null;
  const bytes = call.read(call.task.arg(1), call.result);
  if (bytes === null) return null;
  const b = new Bytes(bytes);
  let count = 0;
  for (let at = 0; at + 18 <= bytes.length; count++) {
    const size = b.u16(at + 16);
    if (size === 0) break;
    at += size;
  }
  return `${address(call, 1)} /* ${count} entr${count === 1 ? 'y' : 'ies'} */`;
};

/** PR_SET_NAME and PR_GET_NAME have a string; PR_SET_PDEATHSIG a signal; unused arguments are left out. */
const prctl: Special = (call, i) => {
  if (i === 0) return null;
  const { task } = call;
  const name = showConst('prctl', task.argI32(0));
  if (i === 1 && name === 'PR_SET_NAME') {
    const bytes = call.read(task.arg(1), 16);
    if (bytes === null) return null;
    const end = bytes.indexOf(0);
    return quote(end < 0 ? bytes : bytes.subarray(0, end), 16);
  }
  if (i === 1 && name === 'PR_SET_PDEATHSIG') return showSignal(task.argI32(1));
  if (/^PR_GET_(KEEPCAPS|DUMPABLE|SECCOMP|SECUREBITS|TIMERSLACK|THP_DISABLE|NO_NEW_PRIVS)$/.test(name)) {
    return /NO_NEW_PRIVS|THP_DISABLE/.test(name) ? null : '';
  }
  return i >= 2 && /^PR_(SET|GET)_(NAME|PDEATHSIG|DUMPABLE|KEEPCAPS|TIMERSLACK|CHILD_SUBREAPER)$/.test(name)
    ? ''
    : null;
};

/** The file type is part of the mode; the device number matters for devices only. */
function mknod(modeArg: number): Special {
  return (call, i) => {
    const mode = call.task.argU32(modeArg);
    if (i === modeArg) return showFileMode(mode);
    return i === modeArg + 1 && (mode & S_IFMT) !== S_IFCHR && (mode & S_IFMT) !== S_IFBLK ? '' : null;
  };
}

/** Nothing was waited for: the status word is as it was. */
const wait4: Special = (call, i, done) => (done && i === 1 && call.result === 0 ? address(call, 1) : null);

const statx: Special = (call, i) => {
  if (i !== 2 || (call.task.argU32(2) & AT_STATX_SYNC_TYPE) !== 0) return null;
  const others = call.task.argU32(2);
  return others === 0 ? 'AT_STATX_SYNC_AS_STAT' : `AT_STATX_SYNC_AS_STAT|${showFlags('at', others)}`;
};

/** Bytes without meaning are shown in hex. */
const getrandom: Special = (call, i, done) => {
  if (i !== 0 || !done) return null;
  const bytes = call.read(call.task.arg(0), Math.min(call.result, call.limit));
  if (bytes === null) return null;
  const text = [...bytes].map((c) => `\\x${c.toString(16).padStart(2, '0')}`).join('');
  return `"${text}"${call.result > call.limit ? '...' : ''}`;
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
  return (
    `{flags=${showFlags('clone', b.u32(0))}${(b.u32(0) & 0x1000) === 0 ? '' : pointer('pidfd', 8)}${pointer('child_tid', 16)}` +
    `${pointer('parent_tid', 24)}, exit_signal=${showSignal(b.u32(32))}, stack=${showAddress(b.u64(40))}, ` +
    `stack_size=0x${b.u64(48).toString(16)}${pointer('tls', 56)}}`
  );
};

const faccessat2: Special = (call, i) => (i === 3 ? showFlags('faccessat', call.task.argU32(3)) : null);

/** Behind the result in brackets: what fcntl's flags mean. */
export function resultNote(call: Call): string {
  const isGetfl = call.name === 'fcntl' && call.task.argI32(1) === F_GETFL;
  return isGetfl ? ` (flags ${showFlags('open', call.result)})` : '';
}

export const SPECIAL: ReadonlyMap<string, Special> = new Map<string, Special>([
  ['open', openMode(1)],
  ['openat', openMode(2)],
  ['mmap', mmap],
  ['fcntl', fcntl],
  ['ioctl', ioctl],
  ['clone', clone],
  ['clone3', clone3],
  ['faccessat2', faccessat2],
  ['futex', futex],
  ['poll', poll],
  ['ppoll', poll],
  ['mknod', mknod(1)],
  ['mknodat', mknod(2)],
  ['wait4', wait4],
  ['statx', statx],
  ['getrandom', getrandom],
  ['getcwd', cwd],
  ['getdents64', getdents],
  ['getdents', getdents],
  ['prctl', prctl],
]);
