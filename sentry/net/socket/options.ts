/** Options at level SOL_SOCKET that every family keeps (socket(7)). */
import { CAP_NET_ADMIN, CAP_NET_RAW } from '../../abi/capability.ts';
import {
  EACCES,
  EDOM,
  EINVAL,
  ENODATA,
  ENODEV,
  ENOENT,
  ENOPROTOOPT,
  ENOTCONN,
  EOPNOTSUPP,
  EPERM,
  ERANGE,
} from '../../abi/errno.ts';
import { IPPROTO_UDP } from '../../abi/inet.ts';
import * as abi from '../../abi/socket.ts';
import type { SocketFilter } from '../../base/bpf/socket-filter.ts';
import { unimplemented } from '../../base/unimplemented.ts';
import { CLOCK_MONOTONIC } from '../../time/clock.ts';
import type { CallerContext } from '../../vfs/context.ts';
import type { SocketFile } from './socket-file.ts';
import { OPT_ID, checkTimestamping } from './timestamping.ts';

const TCP_RMEM_MAX = 33554432;

/** How an option is stored: as a flag (0 or 1), as the int given, read-only, or needing code of its own. */
const FLAG = 1;
const INT = 2;
/** SO_BUF_LOCK's bits: what a program has set, the system leaves alone. */
const SND_LOCKED = 1;
const RCV_LOCKED = 2;

const SIMPLE = new Map<number, number>([
  [abi.SO_REUSEADDR, FLAG],
  [abi.SO_DONTROUTE, FLAG],
  [abi.SO_BROADCAST, FLAG],
  [abi.SO_KEEPALIVE, FLAG],
  [abi.SO_OOBINLINE, FLAG],
  [abi.SO_NO_CHECK, FLAG],
  [abi.SO_REUSEPORT, FLAG],
  [abi.SO_TIMESTAMP, FLAG],
  [abi.SO_TIMESTAMPNS, FLAG],
  [abi.SO_TIMESTAMP_NEW, FLAG],
  [abi.SO_TIMESTAMPNS_NEW, FLAG],
  [abi.SO_RXQ_OVFL, FLAG],
  [abi.SO_SELECT_ERR_QUEUE, FLAG],
  [abi.SO_INCOMING_CPU, INT],
  [abi.SO_WIFI_STATUS, FLAG],
  [abi.SO_NOFCS, FLAG],
  [abi.SO_RCVMARK, FLAG],
]);

const TIMESTAMPS = [abi.SO_TIMESTAMP, abi.SO_TIMESTAMPNS, abi.SO_TIMESTAMP_NEW, abi.SO_TIMESTAMPNS_NEW];

export class SocketOptions {
  /** In bytes, as getsockopt reports them: twice what was asked for. */
  sndbuf = abi.DEFAULT_BUFFER;
  rcvbuf = abi.DEFAULT_BUFFER;
  /** Timeouts in ns; 0: none. */
  rcvTimeoNs = 0;
  sndTimeoNs = 0;
  rcvLowat = 1;
  lingerOn = false;
  lingerSec = 0;
  passCred = false;
  passPidfd = false;
  /** SO_PEEK_OFF; -1: off. */
  peekOff = -1;
  priority = 0;
  mark = 0;
  /** SO_TIMESTAMPING: its flags, and which of its two numbers set them. */
  timestamping = 0;
  timestampingNew = false;
  /** SO_TXTIME, when it was set: the clock and flags. Nothing here holds packets back, as on Linux's lo. */
  txTime: readonly [clock: number, flags: number] | null = null;
  /** SO_MAX_PACING_RATE, in bytes a second. It is kept, and nothing is slowed down. */
  pacingRate = Infinity;
  /** SO_ATTACH_FILTER. */
  filter: SocketFilter | null = null;
  /** Values of SIMPLE options; absent: 0. */
  private values: Map<number, number> | null = null;

  /** Does a receiver want to know who sent? */
  get asksSender(): boolean {
    return this.passCred || this.passPidfd;
  }
  flag(name: number): boolean {
    return this.values !== null && this.values.get(name) === 1;
  }
  value(name: number, initial = 0): number {
    return this.values?.get(name) ?? initial;
  }
  store(name: number, value: number): void {
    (this.values ??= new Map()).set(name, value);
  }
  /** What an accepted socket takes over from its listener. */
  inherit(from: SocketOptions): void {
    this.sndbuf = from.sndbuf;
    this.rcvbuf = from.rcvbuf;
    this.rcvLowat = from.rcvLowat;
    this.lingerOn = from.lingerOn;
    this.lingerSec = from.lingerSec;
    this.priority = from.priority;
    this.mark = from.mark;
    this.filter = from.filter;
    this.timestamping = from.timestamping;
    this.timestampingNew = from.timestampingNew;
    this.txTime = from.txTime;
    this.pacingRate = from.pacingRate;
    this.values = from.values === null ? null : new Map(from.values);
  }
}

/** setsockopt(2) at any level. `value` is a private copy. */
export function setSocketOption(
  s: SocketFile,
  level: number,
  name: number,
  value: Uint8Array,
  ctx: CallerContext,
): number {
  if (level !== abi.SOL_SOCKET || s.ownOptions) return s.setOption(level, name, value, ctx);
  const r = setKeptOption(s, name, value, ctx);
  if (r === 0) s.optionChanged(name);
  return r;
}

/** Stores a SOL_SOCKET option in the socket's `options`. */
export function setKeptOption(s: SocketFile, name: number, value: Uint8Array, ctx: CallerContext): number {
  const o = s.options;
  if (name === abi.SO_BINDTODEVICE) return bindToDevice(s, value, ctx);
  if (value.length < 4) return -EINVAL;
  const v = view(value);
  const int = v.getInt32(0, true);
  const kind = SIMPLE.get(name);
  if (TIMESTAMPS.includes(name)) {
    // One kind at a time: setting one ends another.
    for (const other of TIMESTAMPS) o.store(other, other === name && int !== 0 ? 1 : 0);
    return 0;
  }
  if (kind !== undefined) {
    if (name === abi.SO_REUSEPORT && int !== 0 && !isInet(s)) return -EOPNOTSUPP;
    o.store(name, kind === FLAG ? (int !== 0 ? 1 : 0) : int);
    return 0;
  }
  switch (name) {
    case abi.SO_SNDBUF:
      o.sndbuf = bufferSize(int, abi.MAX_BUFFER, abi.MIN_SNDBUF);
      o.store(abi.SO_BUF_LOCK, o.value(abi.SO_BUF_LOCK) | SND_LOCKED);
      return 0;
    case abi.SO_RCVBUF:
      o.rcvbuf = bufferSize(int, abi.MAX_BUFFER, abi.MIN_RCVBUF);
      o.store(abi.SO_BUF_LOCK, o.value(abi.SO_BUF_LOCK) | RCV_LOCKED);
      return 0;
    case abi.SO_SNDBUFFORCE:
      if (!ctx.creds.hasCap(CAP_NET_ADMIN)) return -EPERM;
      o.sndbuf = bufferSize(int, 0x3fffffff, abi.MIN_SNDBUF);
      o.store(abi.SO_BUF_LOCK, o.value(abi.SO_BUF_LOCK) | SND_LOCKED);
      return 0;
    case abi.SO_RCVBUFFORCE:
      if (!ctx.creds.hasCap(CAP_NET_ADMIN)) return -EPERM;
      o.rcvbuf = bufferSize(int, 0x3fffffff, abi.MIN_RCVBUF);
      o.store(abi.SO_BUF_LOCK, o.value(abi.SO_BUF_LOCK) | RCV_LOCKED);
      return 0;
    case abi.SO_LINGER:
      if (value.length < 8) return -EINVAL;
      o.lingerOn = int !== 0;
      o.lingerSec = v.getUint32(4, true);
      return 0;
    case abi.SO_RCVTIMEO:
    case abi.SO_RCVTIMEO_NEW:
    case abi.SO_SNDTIMEO:
    case abi.SO_SNDTIMEO_NEW:
      return storeTimeout(o, name, value);
    case abi.SO_RCVLOWAT:
      o.rcvLowat = Math.min(int < 0 ? 0x7fffffff : int === 0 ? 1 : int, lowatLimit(s));
      return 0;
    case abi.SO_PASSCRED:
      if (s.family !== abi.AF_UNIX && s.family !== abi.AF_NETLINK) return -EOPNOTSUPP;
      o.passCred = int !== 0;
      return 0;
    case abi.SO_PASSPIDFD:
      if (s.family !== abi.AF_UNIX) return -EOPNOTSUPP;
      o.passPidfd = int !== 0;
      return 0;
    case abi.SO_PEEK_OFF:
      if (!mayPeekOff(s)) return -EOPNOTSUPP;
      o.peekOff = int;
      return 0;
    case abi.SO_PRIORITY:
      if ((int < 0 || int > 6) && !ctx.creds.hasCap(CAP_NET_ADMIN) && !ctx.creds.hasCap(CAP_NET_RAW))
        return -EPERM;
      o.priority = int;
      return 0;
    case abi.SO_MARK:
      if (!ctx.creds.hasCap(CAP_NET_ADMIN) && !ctx.creds.hasCap(CAP_NET_RAW)) return -EPERM;
      o.mark = int;
      return 0;
    case abi.SO_DEBUG:
      if (int !== 0 && !ctx.creds.hasCap(CAP_NET_ADMIN)) return -EACCES;
      o.store(name, int !== 0 ? 1 : 0);
      return 0;
    case abi.SO_BSDCOMPAT:
      return 0;
    case abi.SO_BUSY_POLL:
      // Nothing is ever polled for here; the value is kept.
      if (int < 0) return -EINVAL;
      o.store(name, int);
      return 0;
    case abi.SO_DETACH_FILTER:
      if (o.value(abi.SO_LOCK_FILTER) === 1) return -EPERM;
      if (o.filter === null) return -ENOENT;
      o.filter = null;
      return 0;
    case abi.SO_DETACH_REUSEPORT_BPF:
      return s.detachGroupFilter();
    case abi.SO_BINDTOIFINDEX:
      // Whether there is such an interface shows when something is sent.
      if (int < 0) return -EINVAL;
      o.store(name, int);
      return 0;
    case abi.SO_PASSSEC:
      if (s.family !== abi.AF_UNIX && s.family !== abi.AF_NETLINK) return -EOPNOTSUPP;
      o.store(name, int !== 0 ? 1 : 0);
      return 0;
    case abi.SO_TXREHASH:
      if (!isTcp(s)) return -EOPNOTSUPP;
      if (int < -1 || int > 1) return -EINVAL;
      o.store(name, int === 0 ? 0 : 1);
      return 0;
    case abi.SO_LOCK_FILTER:
      // Once locked it stays so.
      if (int === 0 && o.value(name) === 1) return -EPERM;
      o.store(name, int !== 0 ? 1 : 0);
      return 0;
    case abi.SO_BUF_LOCK:
      if (int < 0 || int > 3) return -EINVAL;
      o.store(name, int);
      return 0;
    case abi.SO_CNX_ADVICE:
      return 0;
    case abi.SO_ZEROCOPY:
      if (!mayZeroCopy(s)) return -EOPNOTSUPP;
      if (int < 0 || int > 1) return -EINVAL;
      o.store(name, int);
      return 0;
    case abi.SO_TIMESTAMPING:
    case abi.SO_TIMESTAMPING_NEW: {
      const r = checkTimestamping(int, o.timestamping, s.maySetTimestampingId);
      if (r < 0) return r;
      if ((int & OPT_ID) !== 0 && (o.timestamping & OPT_ID) === 0) s.countSends();
      o.timestamping = int;
      o.timestampingNew = name === abi.SO_TIMESTAMPING_NEW;
      return 0;
    }
    case abi.SO_TXTIME:
      return setTxTime(o, value, ctx);
    case abi.SO_MAX_PACING_RATE:
      o.pacingRate = value.length >= 8 ? readRate(v) : int === -1 ? Infinity : int >>> 0;
      return 0;
    case abi.SO_PREFER_BUSY_POLL:
      if (int !== 0 && !ctx.creds.hasCap(CAP_NET_ADMIN)) return -EPERM;
      o.store(name, int !== 0 ? 1 : 0);
      return 0;
    case abi.SO_BUSY_POLL_BUDGET:
      if (int > 0 && !ctx.creds.hasCap(CAP_NET_ADMIN)) return -EPERM;
      return int < 0 || int > 0xffff ? -EINVAL : 0;
    case abi.SO_RESERVE_MEM:
      return int < 0 ? -EINVAL : -EOPNOTSUPP;
    case abi.SO_TYPE:
    case abi.SO_PROTOCOL:
    case abi.SO_DOMAIN:
    case abi.SO_ERROR:
    case abi.SO_ACCEPTCONN:
    case abi.SO_SNDLOWAT:
      return -ENOPROTOOPT;
    default:
      unimplemented(`setsockopt SOL_SOCKET ${name}`);
      return -ENOPROTOOPT;
  }
}

/** getsockopt(2) at any level: bytes filled into `out`, or a negated errno. */
export function getSocketOption(
  s: SocketFile,
  level: number,
  name: number,
  out: Uint8Array,
  ctx: CallerContext,
): number {
  if (level !== abi.SOL_SOCKET || s.ownOptions) return s.getOption(level, name, out, ctx);
  return getKeptOption(s, name, out, ctx);
}

/** A SOL_SOCKET option from the socket's `options`. */
export function getKeptOption(s: SocketFile, name: number, out: Uint8Array, ctx: CallerContext): number {
  const o = s.options;
  const kind = SIMPLE.get(name);
  if (kind !== undefined) return putInt(out, o.value(name));
  switch (name) {
    case abi.SO_TYPE:
      return putInt(out, s.type);
    case abi.SO_DOMAIN:
      return putInt(out, s.family);
    case abi.SO_PROTOCOL:
      return putInt(out, s.protocol);
    case abi.SO_ERROR:
      return putInt(out, s.takeError());
    case abi.SO_ACCEPTCONN:
      return putInt(out, s.listening ? 1 : 0);
    case abi.SO_SNDBUF:
      return putInt(out, o.sndbuf);
    case abi.SO_RCVBUF:
      return putInt(out, o.rcvbuf);
    case abi.SO_LINGER:
      return putInts(out, o.lingerOn ? 1 : 0, o.lingerSec);
    case abi.SO_RCVTIMEO:
    case abi.SO_RCVTIMEO_NEW:
      return putTime(out, o.rcvTimeoNs);
    case abi.SO_SNDTIMEO:
    case abi.SO_SNDTIMEO_NEW:
      return putTime(out, o.sndTimeoNs);
    case abi.SO_RCVLOWAT:
      return putInt(out, o.rcvLowat);
    case abi.SO_SNDLOWAT:
      return putInt(out, 1);
    case abi.SO_PASSCRED:
      return s.family === abi.AF_UNIX || s.family === abi.AF_NETLINK
        ? putInt(out, o.passCred ? 1 : 0)
        : -EOPNOTSUPP;
    case abi.SO_PASSPIDFD:
      return s.family === abi.AF_UNIX ? putInt(out, o.passPidfd ? 1 : 0) : -EOPNOTSUPP;
    case abi.SO_PEEK_OFF:
      return mayPeekOff(s) ? putInt(out, o.peekOff) : -EOPNOTSUPP;
    case abi.SO_PRIORITY:
      return putInt(out, o.priority);
    case abi.SO_MARK:
      return putInt(out, o.mark);
    case abi.SO_BPF_EXTENSIONS:
      // SKF_AD_MAX: how many ancillary loads filters have.
      return putInt(out, 64);
    case abi.SO_DEBUG:
    case abi.SO_BUSY_POLL:
    case abi.SO_BINDTOIFINDEX:
    case abi.SO_PREFER_BUSY_POLL:
    case abi.SO_LOCK_FILTER:
    case abi.SO_BUF_LOCK:
      return putInt(out, o.value(name));
    case abi.SO_PASSSEC:
      return s.family === abi.AF_UNIX || s.family === abi.AF_NETLINK
        ? putInt(out, o.value(name))
        : -EOPNOTSUPP;
    case abi.SO_TXREHASH:
      return isTcp(s) ? putInt(out, o.value(name, 1)) : -EOPNOTSUPP;
    case abi.SO_MEMINFO:
      // SK_MEMINFO_: what is allocated is not told.
      return putInts(out, 0, o.rcvbuf, 0, o.sndbuf, 0, 0, 0, 0, 0);
    case abi.SO_NETNS_COOKIE:
      return out.length === 8 ? putInts(out, 1, 0) : -EINVAL;
    case abi.SO_TIMESTAMPING:
      return putInts(out, o.timestamping, 0);
    case abi.SO_TIMESTAMPING_NEW:
      return putInts(out, o.timestampingNew ? o.timestamping : 0, 0);
    case abi.SO_TXTIME:
      return putInts(out, ...(o.txTime ?? [0, 0]));
    case abi.SO_MAX_PACING_RATE:
      return putRate(out, o.pacingRate);
    case abi.SO_ZEROCOPY:
      return putInt(out, o.value(name));
    case abi.SO_BSDCOMPAT:
    case abi.SO_RESERVE_MEM:
    case abi.SO_INCOMING_NAPI_ID:
      return putInt(out, 0);
    case abi.SO_BINDTODEVICE:
      return o.value(abi.SO_BINDTOIFINDEX) === 1 ? putBytes(out, 'lo\0') : 0;
    case abi.SO_COOKIE:
      return out.length < 8 ? -EINVAL : putInts(out, s.inode.ino, 1);
    case abi.SO_PEERNAME:
      return peerName(s, out);
    case abi.SO_PEERCRED:
      // Nobody, on sockets that know no peer's identity.
      return s.family === abi.AF_UNIX ? s.getOption(abi.SOL_SOCKET, name, out, ctx) : putInts(out, 0, -1, -1);
    case abi.SO_PEERGROUPS:
      if (s.family !== abi.AF_UNIX) return -ENODATA;
      return s.getOption(abi.SOL_SOCKET, name, out, ctx);
    default:
      if (name !== abi.SO_PEERSEC) unimplemented(`getsockopt SOL_SOCKET ${name}`);
      return -ENOPROTOOPT;
  }
}

function isInet(s: SocketFile): boolean {
  return s.family === abi.AF_INET || s.family === abi.AF_INET6;
}

function mayZeroCopy(s: SocketFile): boolean {
  return isTcp(s) || (isInet(s) && s.type === abi.SOCK_DGRAM && s.protocol === IPPROTO_UDP);
}

/** struct sock_txtime. Only the scheduler that uses the monotonic clock is for everybody. */
function setTxTime(o: SocketOptions, value: Uint8Array, ctx: CallerContext): number {
  if (value.length !== 8) return -EINVAL;
  const clock = view(value).getInt32(0, true);
  const flags = view(value).getUint32(4, true);
  if (flags > 3) return -EINVAL;
  if (clock !== CLOCK_MONOTONIC && !ctx.creds.hasCap(CAP_NET_ADMIN)) return -EPERM;
  o.txTime = [clock, flags];
  return 0;
}

/** An unsigned long, of which all bits set mean no limit. */
function readRate(v: DataView): number {
  const low = v.getUint32(0, true);
  const high = v.getUint32(4, true);
  return low === 0xffffffff && high === 0xffffffff ? Infinity : high * 0x100000000 + low;
}

function putRate(out: Uint8Array, rate: number): number {
  if (out.length < 8) return putInt(out, Math.min(rate, 0xffffffff));
  return rate === Infinity ? putInts(out, -1, -1) : putInts(out, rate % 0x100000000, rate / 0x100000000);
}

function isTcp(s: SocketFile): boolean {
  return isInet(s) && s.isStream;
}

function mayPeekOff(s: SocketFile): boolean {
  return s.family === abi.AF_UNIX || (isInet(s) && s.type !== abi.SOCK_RAW);
}

function peerName(s: SocketFile, out: Uint8Array): number {
  const addr = new Uint8Array(abi.SOCKADDR_MAX);
  const n = s.peerAddress(addr);
  if (n < 0) return -ENOTCONN;
  if (n < out.length) return -EINVAL;
  out.set(addr.subarray(0, out.length));
  return out.length;
}

function bindToDevice(s: SocketFile, value: Uint8Array, ctx: CallerContext): number {
  const end = value.indexOf(0);
  const name = String.fromCharCode(...value.subarray(0, Math.min(end < 0 ? value.length : end, 15)));
  const bound = s.options.value(abi.SO_BINDTOIFINDEX) !== 0;
  if (bound && !ctx.creds.hasCap(CAP_NET_RAW)) return -EPERM;
  if (name !== '' && name !== 'lo') return -ENODEV;
  s.options.store(abi.SO_BINDTOIFINDEX, name === '' ? 0 : 1);
  return 0;
}

function bufferSize(asked: number, most: number, least: number): number {
  // The kernel keeps twice the value for its own bookkeeping; a negative one counts as unsigned, hence as most.
  const wanted = asked < 0 ? most : Math.min(asked, most);
  return Math.max(wanted * 2, least);
}

function storeTimeout(o: SocketOptions, name: number, value: Uint8Array): number {
  if (value.length < 16) return -EINVAL;
  const v = view(value);
  const sec = v.getInt32(4, true) * 4294967296 + v.getUint32(0, true);
  const usec = v.getInt32(12, true) * 4294967296 + v.getUint32(8, true);
  if (usec < 0 || usec >= 1_000_000) return -EDOM;
  // Zero means none; a negative time makes every wait end at once.
  const ns = sec < 0 ? 1 : sec * 1e9 + usec * 1000;
  if (name === abi.SO_RCVTIMEO || name === abi.SO_RCVTIMEO_NEW) o.rcvTimeoNs = ns;
  else o.sndTimeoNs = ns;
  return 0;
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Stores an int, cut to what fits in `out` as Linux does. */
export function putInt(out: Uint8Array, value: number): number {
  const n = Math.min(out.length, 4);
  for (let i = 0; i < n; i++) out[i] = value >>> (8 * i);
  return n;
}

/** Stores ints one after the other, as many as fit. */
export function putInts(out: Uint8Array, ...values: number[]): number {
  values.forEach((value, i) => {
    if (out.length > 4 * i) putInt(out.subarray(4 * i), value);
  });
  return Math.min(out.length, 4 * values.length);
}

/** SO_RCVLOWAT of TCP goes up to half of what its buffer may become (net.ipv4.tcp_rmem). */
function lowatLimit(s: SocketFile): number {
  return isTcp(s) ? TCP_RMEM_MAX / 2 : 0x7fffffff;
}

function putTime(out: Uint8Array, ns: number): number {
  const sec = Math.floor(ns / 1e9);
  const full = new Uint8Array(16);
  const v = view(full);
  v.setUint32(0, sec >>> 0, true);
  v.setUint32(4, Math.floor(sec / 4294967296), true);
  v.setUint32(8, Math.floor((ns - sec * 1e9) / 1000), true);
  const n = Math.min(16, out.length);
  out.set(full.subarray(0, n));
  return n;
}

function putBytes(out: Uint8Array, text: string): number {
  if (out.length < text.length) return -ERANGE;
  for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i);
  return text.length;
}

/** As much of the value as there is room for. */
export function putStart(out: Uint8Array, value: Uint8Array): number {
  const n = Math.min(value.length, out.length);
  out.set(value.subarray(0, n));
  return n;
}
