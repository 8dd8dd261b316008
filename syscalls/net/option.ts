/** setsockopt(2), getsockopt(2). */
import { EFAULT, EINVAL, ENODATA, EOPNOTSUPP } from '../../sentry/abi/errno.ts';
import {
  GROUP_FILTER_SIZE,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IP_MSFILTER,
  IP_MSFILTER_SIZE,
  MCAST_MSFILTER,
  SOL_RAW,
} from '../../sentry/abi/inet.ts';
import { PACKET_HDRLEN, SOL_PACKET } from '../../sentry/abi/packet.ts';
import { AF_INET6, SOL_SOCKET, SO_GET_FILTER, SO_PEERPIDFD } from '../../sentry/abi/socket.ts';
import { PidFile } from '../../sentry/fs/pidfd/pidfd.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import type { ThreadGroup } from '../../sentry/kernel/thread-group.ts';
import { getSocketOption, setSocketOption } from '../../sentry/net/socket/options.ts';
import type { SocketFile } from '../../sentry/net/socket/socket-file.ts';
import { UnixSocket } from '../../sentry/net/socket/unix/unix-socket.ts';
import { newFd } from '../poll/new-fd.ts';
import { getFilter, setFilterOption } from './filter-option.ts';
import { socketArg } from './support.ts';

/** No option that exists is longer. */
const LONGEST = 65536;
const NOTHING = new Uint8Array(0);

export function sys_setsockopt(t: Task): number {
  const len = t.argI32(4);
  if (len < 0) return -EINVAL;
  const s = socketArg(t, 0);
  if (typeof s === 'number') return s;
  const value = optionValue(t, s, len);
  if (typeof value === 'number') return value;
  const level = t.argI32(1);
  const name = t.argI32(2);
  const filter = level === SOL_SOCKET && len >= 4 ? setFilterOption(t, s, name, value) : null;
  return filter ?? setSocketOption(s, level, name, value, t);
}

function optionValue(t: Task, s: SocketFile, len: number): Uint8Array | number {
  if (len === 0) return NOTHING;
  const size = Math.min(len, LONGEST);
  // Options of IPv6 take a null pointer for a zero.
  if (t.arg(3) === 0 && t.argI32(1) === IPPROTO_IPV6 && s.family === AF_INET6) return new Uint8Array(size);
  return t.copyInBytes(t.arg(3), size);
}

export function sys_getsockopt(t: Task): number {
  const s = socketArg(t, 0);
  if (typeof s === 'number') return s;
  const room = t.readI32(t.arg(4));
  if (room === null) return -EFAULT;
  // IPv6 takes the length for an unsigned one.
  if (room < 0 && !isIpv6Option(t, s)) return negativeRoom(t, s);
  if (t.argI32(1) === SOL_SOCKET && t.argI32(2) === SO_PEERPIDFD) return peerPidfd(t, s, room);
  if (t.argI32(1) === SOL_SOCKET && t.argI32(2) === SO_GET_FILTER) return getFilter(t, s, room);
  const out = new Uint8Array(room < 0 ? 4 : Math.min(room, LONGEST));
  const given = valueOfQuestion(t.argI32(1), t.argI32(2));
  if (given > 0 && out.length >= given) {
    const r = t.copyInTo(t.arg(3), out, 0, given);
    if (r < 0) return r;
  }
  const n = getSocketOption(s, t.argI32(1), t.argI32(2), out, t);
  if (n < 0) return n;
  if (t.copyOutBytes(t.arg(3), out, 0, n) < 0) return -EFAULT;
  return t.writeI32(t.arg(4), n);
}

/** How long the value is that some options are asked with. */
function valueOfQuestion(level: number, name: number): number {
  if (level === SOL_PACKET) return name === PACKET_HDRLEN ? 4 : 0;
  if (level === IPPROTO_IP && name === IP_MSFILTER) return IP_MSFILTER_SIZE;
  const generic = (level === IPPROTO_IP || level === IPPROTO_IPV6) && name === MCAST_MSFILTER;
  return generic ? GROUP_FILTER_SIZE : 0;
}

function isIpv6Option(t: Task, s: SocketFile): boolean {
  const level = t.argI32(1);
  return s.family === AF_INET6 && (level === IPPROTO_IPV6 || level === SOL_RAW);
}

/** A level that nobody knows is found first. */
function negativeRoom(t: Task, s: SocketFile): number {
  if (t.argI32(1) === SOL_SOCKET) return -EINVAL;
  const r = getSocketOption(s, t.argI32(1), t.argI32(2), NOTHING, t);
  return r === -EOPNOTSUPP ? r : -EINVAL;
}

/** SO_PEERPIDFD: a new descriptor for the process at the other end. */
function peerPidfd(t: Task, s: SocketFile, room: number): number {
  const process = s instanceof UnixSocket ? (s.peerCreds?.process ?? null) : null;
  if (process === null) return -ENODATA;
  const fd = newFd(t, new PidFile(process as ThreadGroup, null, 0), true);
  if (fd < 0) return fd;
  const n = Math.min(room, 4);
  const value = new Uint8Array(Int32Array.of(fd).buffer);
  const r = t.copyOutBytes(t.arg(3), value, 0, n) < 0 ? -EFAULT : t.writeI32(t.arg(4), n);
  if (r < 0) t.files.remove(fd);
  return r;
}
