/** setsockopt(2), getsockopt(2). */
import { EFAULT, EINVAL } from '../../sentry/abi/errno.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { getSocketOption, setSocketOption } from '../../sentry/net/socket/options.ts';
import { socketArg } from './support.ts';

/** No option that exists is longer. */
const LONGEST = 65536;
const NOTHING = new Uint8Array(0);

export function sys_setsockopt(t: Task): number {
  const len = t.argI32(4);
  if (len < 0) return -EINVAL;
  const s = socketArg(t, 0);
  if (typeof s === 'number') return s;
  const value = len === 0 ? NOTHING : t.copyInBytes(t.arg(3), Math.min(len, LONGEST));
  if (typeof value === 'number') return value;
  return setSocketOption(s, t.argI32(1), t.argI32(2), value, t);
}

export function sys_getsockopt(t: Task): number {
  const s = socketArg(t, 0);
  if (typeof s === 'number') return s;
  const room = t.readI32(t.arg(4));
  if (room === null) return -EFAULT;
  if (room < 0) return -EINVAL;
  const out = new Uint8Array(Math.min(room, LONGEST));
  const n = getSocketOption(s, t.argI32(1), t.argI32(2), out, t);
  if (n < 0) return n;
  if (t.copyOutBytes(t.arg(3), out, 0, n) < 0) return -EFAULT;
  return t.writeI32(t.arg(4), n);
}
