/** SO_ATTACH_FILTER and its kin (socket(7)): the options whose values point to programs. */
import { CAP_NET_ADMIN } from '../../sentry/abi/capability.ts';
import { EBADF, EFAULT, EINVAL, EPERM } from '../../sentry/abi/errno.ts';
import {
  AF_INET,
  AF_INET6,
  SO_ATTACH_BPF,
  SO_ATTACH_FILTER,
  SO_ATTACH_REUSEPORT_CBPF,
  SO_ATTACH_REUSEPORT_EBPF,
  SO_LOCK_FILTER,
  SOL_SOCKET,
} from '../../sentry/abi/socket.ts';
import { INSTRUCTION_SIZE, MAX_INSTRUCTIONS } from '../../sentry/base/bpf/check.ts';
import { SocketFilter } from '../../sentry/base/bpf/socket-filter.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import type { SocketFile } from '../../sentry/net/socket/socket-file.ts';

/** struct sock_fprog: a count, and a pointer. */
const SOCK_FPROG_SIZE = 16;

/** Sets one of these; null: it is another option. */
export function setFilterOption(t: Task, s: SocketFile, name: number, value: Uint8Array): number | null {
  switch (name) {
    case SO_ATTACH_FILTER:
      // A filter can cut segments short: for TCP Linux has come to leave that to who administers the network, which the
      // Sentry doesn't do where the sockets are the host's.
      if (isTcp(s) && (s.ownOptions || !t.creds.hasCap(CAP_NET_ADMIN))) return -EPERM;
      return attach(t, s, name, value);
    case SO_ATTACH_REUSEPORT_CBPF:
      return attach(t, s, name, value);
    case SO_ATTACH_BPF:
    case SO_ATTACH_REUSEPORT_EBPF:
      return noSuchProgram(t, s, value);
    default:
      return null;
  }
}

function isTcp(s: SocketFile): boolean {
  return s.isStream && (s.family === AF_INET || s.family === AF_INET6);
}

function attach(t: Task, s: SocketFile, name: number, value: Uint8Array): number {
  const filter = programOf(t, s, value);
  if (typeof filter === 'number') return filter;
  if (name === SO_ATTACH_REUSEPORT_CBPF) return s.attachGroupFilter(filter);
  return s.attachFilter(filter);
}

const locked = new Uint8Array(4);

function isLocked(t: Task, s: SocketFile): boolean {
  if (!s.ownOptions) return s.options.value(SO_LOCK_FILTER) === 1;
  locked.fill(0);
  return s.getOption(SOL_SOCKET, SO_LOCK_FILTER, locked, t) > 0 && locked[0] !== 0;
}

function programOf(t: Task, s: SocketFile, value: Uint8Array): SocketFilter | number {
  if (value.length !== SOCK_FPROG_SIZE) return -EINVAL;
  if (isLocked(t, s)) return -EPERM;
  const v = new DataView(value.buffer, value.byteOffset, value.length);
  const count = v.getUint16(0, true);
  const addr = v.getUint32(12, true) * 0x100000000 + v.getUint32(8, true);
  if (addr === 0 || count === 0 || count > MAX_INSTRUCTIONS) return -EINVAL;
  const program = t.copyInBytes(addr, count * INSTRUCTION_SIZE);
  if (typeof program === 'number') return program;
  return SocketFilter.make(program) ?? -EINVAL;
}

/** Programs of bpf(2) there are none: whatever descriptor this is, it is of something else. */
function noSuchProgram(t: Task, s: SocketFile, value: Uint8Array): number {
  if (value.length !== 4) return -EINVAL;
  if (isLocked(t, s)) return -EPERM;
  const fd = new DataView(value.buffer, value.byteOffset, value.length).getInt32(0, true);
  return t.files.get(fd) === null ? -EBADF : -EINVAL;
}

/** SO_GET_FILTER counts instructions: how many there are, for which `room` may be 0 to ask. */
export function getFilter(t: Task, s: SocketFile, room: number): number {
  const { filter } = s.options;
  const count = filter === null ? 0 : filter.length;
  if (filter !== null && room > 0) {
    if (room < count) return -EINVAL;
    if (t.copyOutBytes(t.arg(3), filter.program, 0, filter.program.length) < 0) return -EFAULT;
  }
  return t.writeI32(t.arg(4), count);
}
