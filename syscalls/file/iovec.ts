/** struct iovec arrays: reading them in, and moving bytes between them and one buffer. */
import { u32, i32 } from '../../platform/arena.ts';
import { EFAULT, EINVAL } from '../../sentry/abi/errno.ts';
import { MAX_RW_COUNT, UIO_MAXIOV } from '../../sentry/abi/fcntl.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { TASK_SIZE_MAX } from './transfer.ts';

/** The vector last loaded: valid within one run of a handler. */
export const iovBase = new Float64Array(UIO_MAXIOV);
export const iovLen = new Float64Array(UIO_MAXIOV);
export let iovCount = 0;

/** Loads the vector; total bytes (at most MAX_RW_COUNT: longer ones are cut), -EINVAL or -EFAULT. */
export function loadIovec(t: Task, addr: number, count: number): number {
  if (count < 0 || count > UIO_MAXIOV) return -EINVAL;
  iovCount = count;
  if (count === 0) return 0;
  const at = t.copyIn(addr, count * 16);
  if (at < 0) return at;
  let total = 0;
  for (let i = 0; i < count; i++) {
    const w = (at >>> 2) + 4 * i;
    const lenHi = i32[w + 3]!;
    if (lenHi < 0) return -EINVAL;
    const len = lenHi * 4294967296 + u32[w + 2]!;
    const left = MAX_RW_COUNT - total;
    const base = u32[w + 1]! * 4294967296 + u32[w]!;
    if (base + len > TASK_SIZE_MAX) return -EFAULT;
    iovBase[i] = base;
    iovLen[i] = len > left ? left : len;
    total += iovLen[i]!;
  }
  return total;
}

/**
 * Copies `len` bytes of the vector from its byte `skip` on into `dst`. The number of bytes before the first part that
 * cannot be read, or -EFAULT when that is the first.
 */
export function gather(t: Task, dst: Uint8Array, offset: number, skip: number, len: number): number {
  return gatherSome(t, dst, offset, skip, len) < len ? -EFAULT : 0;
}

/** The same up to the first part that faults: how many bytes were copied. */
export function gatherSome(t: Task, dst: Uint8Array, offset: number, skip: number, len: number): number {
  let pass = skip;
  let done = 0;
  for (let i = 0; i < iovCount && done < len; i++) {
    const size = iovLen[i]!;
    if (pass >= size) {
      pass -= size;
      continue;
    }
    const n = Math.min(size - pass, len - done);
    if (t.copyInTo(iovBase[i]! + pass, dst, offset + done, n) < 0) break;
    done += n;
    pass = 0;
  }
  return done;
}

/** Queues staged bytes for the vector from its start on; 0 or -EFAULT. */
export function scatterStaged(t: Task, offset: number, len: number): number {
  return scatterSome(t, offset, len) < len ? -EFAULT : 0;
}

/** The same up to the first part that faults: how many bytes were queued. */
export function scatterSome(t: Task, offset: number, len: number): number {
  let done = 0;
  for (let i = 0; i < iovCount && done < len; i++) {
    const n = Math.min(iovLen[i]!, len - done);
    if (n > 0 && t.copyOutStaged(iovBase[i]!, offset + done, n) < 0) break;
    done += n;
  }
  return done;
}

/** Copies bytes of a private buffer into the vector from its byte `skip` on, at once; 0 or -EFAULT. */
export function scatterNow(t: Task, src: Uint8Array, offset: number, skip: number, len: number): number {
  let pass = skip;
  let done = 0;
  for (let i = 0; i < iovCount && done < len; i++) {
    const size = iovLen[i]!;
    if (pass >= size) {
      pass -= size;
      continue;
    }
    const n = Math.min(size - pass, len - done);
    const at = iovBase[i]! + pass;
    if (!t.canAccess(at, n, true)) return -EFAULT;
    const r = t.thread.space.write(at, src, offset + done, n);
    if (r < 0) return r;
    done += n;
    pass = 0;
  }
  return 0;
}
