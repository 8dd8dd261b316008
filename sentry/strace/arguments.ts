/** One argument as strace prints it, by the kind that the syscall table gives it. */
import type { ArgKind } from '../../syscalls/table/args.ts';
import { CMSG_HEADER, MSGHDR_SIZE, SOL_SOCKET, SO_LINGER, UCRED_SIZE } from '../abi/socket.ts';
import type { Task } from '../kernel/task.ts';
import { Bytes, STRUCTS, epollEvent, pollfd, showDev, sockaddr } from './structs.ts';
import { showConst, showFlags, showSignal } from './tables.ts';
import { quote, showAddress, showMode } from './text.ts';

const AT_FDCWD = -100;
/** Elements of an array that are shown. */
const MAX_ELEMENTS = 32;
const PATH_MAX = 4096;
const POLLFD_SIZE = 8;
const IOVEC_SIZE = 16;

/** What decoding one call needs to know. */
export interface Call {
  readonly task: Task;
  readonly name: string;
  readonly args: readonly ArgKind[];
  /** Longest string shown. */
  readonly limit: number;
  /** The arguments as shown so far. */
  readonly texts: readonly string[];
  /** Copies guest memory as the guest will see it; null when that cannot be read. */
  read(addr: number, len: number): Uint8Array | null;
  /** Known at the end only. */
  result: number;
}

/** Must the argument wait for the result? */
export function isOutput(kind: ArgKind): boolean {
  return kind.dir === 'out' || kind.dir === 'inout';
}

/** Before the call: plain values and inputs. An inout argument is decoded again after it. */
export function showInput(call: Call, i: number): string {
  const kind = call.args[i]!;
  const { task } = call;
  const { show } = kind;
  if (show.startsWith('flags:')) return showFlags(show.slice('flags:'.length), task.argU32(i));
  if (show.startsWith('const:')) return showConst(show.slice('const:'.length), task.argI32(i));
  if (show.startsWith('struct:')) {
    return kind.dir === 'out'
      ? address(call, i)
      : showStruct(call, i, show.slice('struct:'.length), kind.size ?? 0);
  }
  switch (show) {
    case 'dirfd':
      return task.argI32(i) === AT_FDCWD ? 'AT_FDCWD' : String(task.argI32(i));
    case 'fd':
    case 'int':
    case 'pid':
      return String(task.argI32(i));
    case 'uint':
      return String(task.argU32(i));
    case 'uid':
      return task.argI32(i) === -1 ? '-1' : String(task.argU32(i));
    case 'long':
    case 'offset':
      return String(task.argI64(i));
    case 'size':
      return showUnsigned(task, i);
    case 'mode':
      return showMode(task.argU32(i));
    case 'signal':
      return showSignal(task.argI32(i));
    case 'dev':
      return showDev(task.argU32(i));
    case 'clockid':
      return showConst('clockid', task.argI32(i));
    case 'path':
    case 'string':
      return showString(call, task.arg(i), show === 'path' ? PATH_MAX : call.limit);
    case 'strings':
      return showStrings(call, i);
    case 'buf':
      return kind.dir === 'in'
        ? showBytes(call, task.arg(i), lengthOf(call, kind) * (kind.size ?? 1))
        : address(call, i);
    case 'iovec':
      return kind.dir === 'in' ? showIovec(call, i, Infinity) : address(call, i);
    case 'pollfds':
      return showPollfds(call, i, false);
    case 'sockaddr':
      return kind.dir === 'in' ? showSockaddr(call, i, lengthOf(call, kind)) : address(call, i);
    case 'hex':
      return showHex(task, i);
    default:
      return address(call, i);
  }
}

/** After the call, when it succeeded: what was put out. */
export function showOutput(call: Call, i: number): string {
  const kind = call.args[i]!;
  const { task, result } = call;
  if (task.arg(i) === 0) return 'NULL';
  if (kind.show.startsWith('struct:'))
    return showStruct(call, i, kind.show.slice('struct:'.length), kind.size ?? 0);
  switch (kind.show) {
    case 'buf':
      return showBytes(call, task.arg(i), result);
    case 'iovec':
      return showIovec(call, i, result);
    case 'sockaddr':
      return showSockaddr(call, i, outputLength(call, i));
    case 'epoll_events':
      return showEpollEvents(call, i);
    case 'gids':
      return showGids(call, i);
    default:
      return address(call, i);
  }
}

export function address(call: Call, i: number): string {
  return showAddress(call.task.arg(i));
}

export function showHex(task: Task, i: number): string {
  const value = task.arg(i);
  return value === 0 ? '0' : `0x${value.toString(16)}`;
}

/** size_t; exact to the last digit, which task.arg() is not for the likes of -1. */
export function showUnsigned(task: Task, i: number): string {
  const high = task.args[2 * i + 1]! >>> 0;
  return high < 0x200000 ? String(task.arg(i)) : ((BigInt(high) << 32n) | BigInt(task.argU32(i))).toString();
}

function lengthOf(call: Call, kind: ArgKind): number {
  return kind.lenArg === undefined ? 0 : call.task.arg(kind.lenArg);
}

export function showString(call: Call, addr: number, limit: number): string {
  if (addr === 0) return 'NULL';
  const text = call.task.copyInString(addr, PATH_MAX);
  if (typeof text === 'number') return showAddress(addr);
  return quote(Buffer.from(text, 'latin1'), limit);
}

function showBytes(call: Call, addr: number, len: number): string {
  if (addr === 0) return 'NULL';
  const bytes = call.read(addr, Math.min(len, call.limit));
  return bytes === null ? showAddress(addr) : quote(bytes, call.limit, len > call.limit);
}

function showStruct(call: Call, i: number, name: string, size: number): string {
  const addr = call.task.arg(i);
  if (addr === 0) return 'NULL';
  if (name === 'msghdr') return showMsghdr(call, addr, Infinity);
  const decode = STRUCTS.get(name);
  const bytes = decode === undefined ? null : call.read(addr, size);
  return bytes === null || decode === undefined ? showAddress(addr) : decode(new Bytes(bytes));
}

/** argv in full as far as it is short; the environment as an address and a count, as strace does. */
function showStrings(call: Call, i: number): string {
  const addr = call.task.arg(i);
  if (addr === 0) return 'NULL';
  const environment = i > 0 && call.args[i - 1]!.show === 'strings';
  const shown: string[] = [];
  let count = 0;
  for (; count < 100_000; count++) {
    const pointer = call.read(addr + 8 * count, 8);
    if (pointer === null) return showAddress(addr);
    const at = new Bytes(pointer).u64(0);
    if (at === 0) break;
    if (environment) continue;
    if (count < MAX_ELEMENTS) shown.push(showString(call, at, call.limit));
    else if (count === MAX_ELEMENTS) shown.push('...');
  }
  if (environment) return `${showAddress(addr)} /* ${count} var${count === 1 ? '' : 's'} */`;
  return `[${shown.join(', ')}]`;
}

/** Vectors with their data, of which `total` bytes are meaningful. */
function showIovec(call: Call, i: number, total: number): string {
  const kind = call.args[i]!;
  return iovecAt(call, call.task.arg(i), lengthOf(call, kind), total);
}

function iovecAt(call: Call, addr: number, count: number, total: number): string {
  if (addr === 0) return 'NULL';
  const shown: string[] = [];
  let left = total;
  for (let k = 0; k < count && k < MAX_ELEMENTS; k++) {
    const entry = call.read(addr + IOVEC_SIZE * k, IOVEC_SIZE);
    if (entry === null) return showAddress(addr);
    const b = new Bytes(entry);
    const length = b.u64(8);
    const base = showBytes(call, b.u64(0), Math.min(length, left));
    left -= Math.min(length, left);
    shown.push(`{iov_base=${base}, iov_len=${length}}`);
  }
  if (count > MAX_ELEMENTS) shown.push('...');
  return `[${shown.join(', ')}]`;
}

export function showPollfds(call: Call, i: number, results: boolean): string {
  const addr = call.task.arg(i);
  const count = Math.min(lengthOf(call, call.args[i]!), 1024);
  if (addr === 0) return 'NULL';
  const bytes = call.read(addr, count * POLLFD_SIZE);
  if (bytes === null) return showAddress(addr);
  const b = new Bytes(bytes);
  const shown: string[] = [];
  for (let k = 0; k < count; k++) {
    if (results && b.u16(k * POLLFD_SIZE + 6) === 0) continue;
    if (shown.length === MAX_ELEMENTS) {
      shown.push('...');
      break;
    }
    shown.push(pollfd(b, k * POLLFD_SIZE, results));
  }
  return `[${shown.join(', ')}]`;
}

function showEpollEvents(call: Call, i: number): string {
  const size = process.arch === 'arm64' ? 16 : 12;
  const count = call.result;
  const bytes = call.read(call.task.arg(i), count * size);
  if (bytes === null) return address(call, i);
  const b = new Bytes(bytes);
  const shown = Array.from({ length: Math.min(count, MAX_ELEMENTS) }, (_, k) =>
    epollEvent(b, k * size, size),
  );
  return `[${shown.join(', ')}]`;
}

function showGids(call: Call, i: number): string {
  if (call.task.argI32(0) === 0) return address(call, i);
  const bytes = call.read(call.task.arg(i), call.result * 4);
  if (bytes === null) return address(call, i);
  const b = new Bytes(bytes);
  return `[${Array.from({ length: call.result }, (_, k) => b.u32(4 * k)).join(', ')}]`;
}

function showSockaddr(call: Call, i: number, len: number): string {
  const addr = call.task.arg(i);
  if (addr === 0) return 'NULL';
  const bytes = len > 0 ? call.read(addr, Math.min(len, 128)) : null;
  return bytes === null ? showAddress(addr) : sockaddr(new Bytes(bytes));
}

/** The length that the call stored in the argument after the address. */
function outputLength(call: Call, i: number): number {
  const bytes = call.read(call.task.arg(i + 1), 4);
  return bytes === null ? 0 : new Bytes(bytes).u32(0);
}

/** SO_LINGER's structure, integers, or bytes. */
export function showSocketOption(call: Call, length: number): string | null {
  const addr = call.task.arg(3);
  const linger = call.task.argI32(1) === SOL_SOCKET && call.task.argI32(2) === SO_LINGER;
  const bytes = addr === 0 || length < 0 ? null : call.read(addr, Math.min(length, call.limit + 1));
  if (bytes === null) return null;
  const b = new Bytes(bytes);
  if (linger && length === 8) return `{l_onoff=${b.i32(0)}, l_linger=${b.i32(4)}}`;
  return length === 4 ? `[${b.i32(0)}]` : quote(bytes, call.limit);
}

/** A message of which `total` bytes of data are meaningful. */
export function showMsghdr(call: Call, addr: number, total: number): string {
  const bytes = call.read(addr, MSGHDR_SIZE);
  if (bytes === null) return showAddress(addr);
  const b = new Bytes(bytes);
  const nameLength = b.u32(8);
  const name = b.u64(0) === 0 || nameLength === 0 ? null : call.read(b.u64(0), Math.min(nameLength, 128));
  const count = b.u64(24);
  return (
    `{msg_name=${name === null ? showAddress(b.u64(0)) : sockaddr(new Bytes(name))}, msg_namelen=${nameLength}, ` +
    `msg_iov=${iovecAt(call, b.u64(16), count, total)}, msg_iovlen=${count}, ` +
    `${controlMessages(call, b.u64(32), b.u64(40))}msg_controllen=${b.u64(40)}, ` +
    `msg_flags=${showFlags('msg', b.u32(48))}}`
  );
}

function controlMessages(call: Call, addr: number, length: number): string {
  if (addr === 0 || length < CMSG_HEADER) return '';
  const bytes = call.read(addr, Math.min(length, PATH_MAX));
  if (bytes === null) return `msg_control=${showAddress(addr)}, `;
  const b = new Bytes(bytes);
  const shown: string[] = [];
  for (let at = 0; at + CMSG_HEADER <= bytes.length;) {
    const size = b.u64(at);
    if (size < CMSG_HEADER || at + size > bytes.length) break;
    const level = showConst('sol', b.i32(at + 8));
    const ours = b.i32(at + 8) === SOL_SOCKET;
    const type = ours ? showConst('scm', b.i32(at + 12)) : String(b.i32(at + 12));
    const data = controlData(b, type, at + CMSG_HEADER, at + size);
    shown.push(`{cmsg_len=${size}, cmsg_level=${level}, cmsg_type=${type}, cmsg_data=${data}}`);
    at += (size + 7) & ~7;
  }
  return `msg_control=[${shown.join(', ')}], `;
}

function controlData(b: Bytes, type: string, from: number, to: number): string {
  if (type === 'SCM_CREDENTIALS' && to - from === UCRED_SIZE)
    return `{pid=${b.i32(from)}, uid=${b.u32(from + 4)}, gid=${b.u32(from + 8)}}`;
  if (type !== 'SCM_RIGHTS') return quote(b.data.subarray(from, to), 32);
  const fds: number[] = [];
  for (let at = from; at + 4 <= to; at += 4) fds.push(b.i32(at));
  return `[${fds.join(', ')}]`;
}
