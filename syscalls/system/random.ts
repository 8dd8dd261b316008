/** getrandom(2). */
import { EFAULT, EINVAL } from '../../sentry/abi/errno.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { u8 } from '../../platform/arena.ts';

const GRND_NONBLOCK = 1;
const GRND_RANDOM = 2;
const GRND_INSECURE = 4;
/** Bytes got from the host at a time for large requests. */
const CHUNK = 65536;
const MAX_BYTES = 0x7ffff000;

let big: Uint8Array | null = null;

export function sys_getrandom(t: Task): number {
  const addr = t.arg(0);
  const flags = t.argU32(2);
  if ((flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE)) !== 0) return -EINVAL;
  if ((flags & (GRND_RANDOM | GRND_INSECURE)) === (GRND_RANDOM | GRND_INSECURE)) return -EINVAL;
  const len = Math.min(t.arg(1), MAX_BYTES);
  const { host } = t.kernel;
  const at = len <= CHUNK ? t.stage(len) : -1;
  if (at >= 0) {
    const r = host.random(u8, at, len);
    if (r < 0) return r;
    return t.copyOutStaged(addr, at, len) < 0 ? -EFAULT : len;
  }
  big ??= new Uint8Array(CHUNK);
  for (let done = 0; done < len;) {
    const n = Math.min(CHUNK, len - done);
    host.random(big, 0, n);
    if (t.copyOutBytes(addr + done, big, 0, n) < 0) return done === 0 ? -EFAULT : done;
    done += n;
  }
  return len;
}
