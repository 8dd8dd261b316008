/** socket(2), socketpair(2). */
import { EAFNOSUPPORT, EINVAL, EOPNOTSUPP } from '../../sentry/abi/errno.ts';
import { AF_MAX, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_TYPE_MASK } from '../../sentry/abi/socket.ts';
import { unimplemented } from '../../sentry/base/unimplemented.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { familiesOf } from '../../sentry/net/socket/families.ts';
import type { SocketFamily } from '../../sentry/net/socket/families.ts';
import { newFd } from '../poll/new-fd.ts';
import { installPair } from '../poll/pipe.ts';

/** Types are numbered below this. */
const SOCK_MAX = 11;

export function sys_socket(t: Task): number {
  const type = t.argI32(1);
  const family = findFamily(t, t.argI32(0), type);
  if (typeof family === 'number') return family;
  const file = family.create(type & SOCK_TYPE_MASK, t.argI32(2), type & SOCK_NONBLOCK, t);
  return typeof file === 'number' ? file : newFd(t, file, (type & SOCK_CLOEXEC) !== 0);
}

export function sys_socketpair(t: Task): number {
  const type = t.argI32(1);
  const family = findFamily(t, t.argI32(0), type);
  if (typeof family === 'number') return family;
  if (family.createPair === undefined) {
    const file = family.create(type & SOCK_TYPE_MASK, t.argI32(2), 0, t);
    if (typeof file === 'number') return file;
    file.incRef();
    file.decRef();
    return -EOPNOTSUPP;
  }
  const pair = family.createPair(type & SOCK_TYPE_MASK, t.argI32(2), type & SOCK_NONBLOCK, t);
  if (typeof pair === 'number') return pair;
  return installPair(t, pair[0], pair[1], (type & SOCK_CLOEXEC) !== 0, t.arg(3));
}

function findFamily(t: Task, number: number, type: number): SocketFamily | number {
  if ((type & ~(SOCK_TYPE_MASK | SOCK_NONBLOCK | SOCK_CLOEXEC)) !== 0) return -EINVAL;
  if (number < 0 || number >= AF_MAX) return -EAFNOSUPPORT;
  if ((type & SOCK_TYPE_MASK) >= SOCK_MAX) return -EINVAL;
  const family = familiesOf(t.kernel).get(number);
  if (family !== undefined) return family;
  unimplemented(`socket family ${number}`);
  return -EAFNOSUPPORT;
}
