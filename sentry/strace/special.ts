/** Calls whose arguments mean different things from case to case: what strace does about each. */
import { AT_STATX_SYNC_TYPE, O_CREAT, O_TMPFILE } from '../abi/fcntl.ts';
import { MAP_ANONYMOUS } from '../abi/mman.ts';
import { S_IFBLK, S_IFCHR, S_IFMT } from '../abi/stat.ts';
import type { Call } from './arguments.ts';
import { address, showHex, showUnsigned } from './arguments.ts';
import { ioctl } from './special-ioctl.ts';
import { IPC_SPECIAL } from './special-ipc.ts';
import { NET_SPECIAL } from './special-net.ts';
import { POLL_SPECIAL } from './special-poll.ts';
import { PROCESS_SPECIAL } from './special-process.ts';
import { Bytes, showFileMode } from './structs.ts';
import { showConst, showFlags, showSignal } from './tables.ts';
import { quote, showMode } from './text.ts';

/** Replaces an argument's text; null keeps it, "" drops it. `done` tells that the call has ended well. */
export type Special = (call: Call, i: number, done: boolean) => string | null;

const F_DUPFD = 0;
const F_DUPFD_CLOEXEC = 1030;
const MREMAP_FIXED = 2;
const MREMAP_DONTUNMAP = 4;

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

const mremap: Special = (call, i) =>
  i === 4 && (call.task.argU32(3) & (MREMAP_FIXED | MREMAP_DONTUNMAP)) === 0 ? '' : null;

/** fcntl's commands without an argument. */
const FCNTL_NONE = /^F_GET(FD|FL|OWN|SIG|PIPE_SZ|_SEALS|LEASE)$/;

const fcntl: Special = (call, i, done) => {
  if (i !== 2) return null;
  const { task } = call;
  const command = task.argI32(1);
  if (command === F_DUPFD || command === F_DUPFD_CLOEXEC) return String(task.argI32(2));
  const name = showConst('fcntl', command);
  if (FCNTL_NONE.test(name)) return '';
  switch (name) {
    case 'F_SETFD':
      return task.argU32(2) === 1 ? 'FD_CLOEXEC' : showHex(task, 2);
    case 'F_SETFL':
      return showFlags('open', task.argU32(2));
    case 'F_SETOWN':
    case 'F_SETPIPE_SZ':
      return String(task.argI32(2));
    case 'F_SETSIG':
      return task.argI32(2) === 0 ? '0' : showSignal(task.argI32(2));
    case 'F_ADD_SEALS':
      return showFlags('seals', task.argU32(2));
    case 'F_SETLK':
    case 'F_SETLKW':
    case 'F_OFD_SETLK':
    case 'F_OFD_SETLKW':
      return lock(call, false);
    case 'F_GETLK':
    case 'F_OFD_GETLK':
      return done ? lock(call, true) : address(call, 2);
    default:
      return null;
  }
};

function lock(call: Call, result: boolean): string | null {
  const bytes = call.read(call.task.arg(2), 32);
  if (bytes === null) return null;
  const b = new Bytes(bytes);
  const owner = result ? `, l_pid=${b.i32(24)}` : '';
  return (
    `{l_type=${showConst('lock', b.u16(0))}, l_whence=${showConst('seek', b.u16(2))}, ` +
    `l_start=${b.i64(8)}, l_len=${b.i64(16)}${owner}}`
  );
}

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

/** The file type is part of the mode; the device number matters for devices only. */
function mknod(modeArg: number): Special {
  return (call, i) => {
    const mode = call.task.argU32(modeArg);
    if (i === modeArg) return showFileMode(mode);
    return i === modeArg + 1 && (mode & S_IFMT) !== S_IFCHR && (mode & S_IFMT) !== S_IFBLK ? '' : null;
  };
}

/** How far the attributes are to be fresh comes first. */
const statx: Special = (call, i) => {
  if (i !== 2) return null;
  const flags = call.task.argU32(2);
  const others = flags & ~AT_STATX_SYNC_TYPE;
  const sync = showConst('statx_sync', flags & AT_STATX_SYNC_TYPE);
  return others === 0 ? sync : `${sync}|${showFlags('at', others)}`;
};

/** Bytes without meaning are shown in hex. */
const getrandom: Special = (call, i, done) => {
  if (i !== 0 || !done) return null;
  const bytes = call.read(call.task.arg(0), Math.min(call.result, call.limit));
  if (bytes === null) return null;
  const text = [...bytes].map((c) => `\\x${c.toString(16).padStart(2, '0')}`).join('');
  return `"${text}"${call.result > call.limit ? '...' : ''}`;
};

const faccessat2: Special = (call, i) => (i === 3 ? showFlags('faccessat', call.task.argU32(3)) : null);

const umask: Special = (call) => showMode(call.task.argU32(0) & 0xffff);

/** The upper half of the offset is for 32-bit programs only. */
const withoutHigh: Special = (_call, i) => (i === 4 ? '' : null);

const unsignedLength: Special = (call, i) => (i === 1 ? showUnsigned(call.task, 1) : null);

/** Where a transfer began; sendfile(2) says where it ended, too. */
const transfer: Special = (call, i, done) => {
  const before = call.texts[i];
  if (!done || before === undefined || before === 'NULL' || call.args[i]!.show !== 'struct:loff_t')
    return null;
  if (call.name !== 'sendfile') return before;
  const bytes = call.read(call.task.arg(i), 8);
  const after = bytes === null ? before : `[${new Bytes(bytes).i64(0)}]`;
  return after === before ? before : `${before} => ${after}`;
};

/** Nothing was put out: only the size was asked for. */
function sizeOnly(buffer: number): Special {
  return (call, i, done) =>
    done && i === buffer && call.task.arg(buffer + 1) === 0 ? address(call, buffer) : null;
}

export const SPECIAL: ReadonlyMap<string, Special> = new Map<string, Special>([
  ['open', openMode(1)],
  ['openat', openMode(2)],
  ['mmap', mmap],
  ['mremap', mremap],
  ['fcntl', fcntl],
  ['ioctl', ioctl],
  ['faccessat2', faccessat2],
  ['umask', umask],
  ['preadv', withoutHigh],
  ['preadv2', withoutHigh],
  ['pwritev', withoutHigh],
  ['pwritev2', withoutHigh],
  ['truncate', unsignedLength],
  ['ftruncate', unsignedLength],
  ['sendfile', transfer],
  ['splice', transfer],
  ['copy_file_range', transfer],
  ['listxattr', sizeOnly(1)],
  ['llistxattr', sizeOnly(1)],
  ['flistxattr', sizeOnly(1)],
  ['getxattr', sizeOnly(2)],
  ['lgetxattr', sizeOnly(2)],
  ['fgetxattr', sizeOnly(2)],
  ['mknod', mknod(1)],
  ['mknodat', mknod(2)],
  ['statx', statx],
  ['getrandom', getrandom],
  ['getcwd', cwd],
  ['getdents64', getdents],
  ['getdents', getdents],
  ...IPC_SPECIAL,
  ...NET_SPECIAL,
  ...POLL_SPECIAL,
  ...PROCESS_SPECIAL,
]);
