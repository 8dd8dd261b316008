/** select(2), pselect6(2). */
import { EBADF, EFAULT, EINVAL, ERESTARTNOHAND } from '../../sentry/abi/errno.ts';
import { O_PATH } from '../../sentry/abi/fcntl.ts';
import { POLLPRI, SELECT_READ, SELECT_WRITE } from '../../sentry/abi/poll.ts';
import { BLOCKED } from '../../sentry/base/result.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { applyMask, readTimespec, readTimeval, startTimeout, writeRemaining } from './timeout.ts';

const MASKS = [SELECT_READ, SELECT_WRITE, POLLPRI];
/** A descriptor table starts with room for this many and then grows by powers of two from 256. */
const SMALL_TABLE = 64;

/** The three sets of the call at hand; bytes beyond `bytes` are meaningless. One call runs at a time. */
const given = [new Uint8Array(128), new Uint8Array(128), new Uint8Array(128)];
const found = [new Uint8Array(128), new Uint8Array(128), new Uint8Array(128)];

export function sys_select(t: Task): number {
  const addr = t.arg(4);
  const timeoutNs = readTimeval(t, addr);
  if (timeoutNs < 0) return timeoutNs;
  const n = doSelect(t, timeoutNs);
  if (n !== BLOCKED && addr !== 0) writeRemaining(t, addr, timeoutNs, 1000, n);
  return n;
}

export function sys_pselect6(t: Task): number {
  const addr = t.arg(4);
  const timeoutNs = readTimespec(t, addr);
  if (timeoutNs < 0) return timeoutNs;
  const pair = t.arg(5);
  if (pair !== 0) {
    const mask = t.readU64(pair);
    const size = t.readU64(pair + 8);
    if (mask === null || size === null) return -EFAULT;
    const masked = applyMask(t, mask, size);
    if (masked < 0) return masked;
  }
  const n = doSelect(t, timeoutNs);
  if (n !== BLOCKED && addr !== 0) writeRemaining(t, addr, timeoutNs, 1, n);
  return n;
}

function doSelect(t: Task, timeoutNs: number): number {
  const n = Math.min(t.argI32(0), tableSize(t.files.size));
  if (n < 0) return -EINVAL;
  // Whole longs are copied, as the man page's nfds leaves open and Linux does.
  const bytes = Math.ceil(n / 64) * 8;
  for (let set = 0; set < 3; set++) {
    const r = copySetIn(t, set, bytes);
    if (r < 0) return r;
  }
  startTimeout(t, timeoutNs);
  const ready = scan(t, n, bytes);
  if (ready < 0) return ready;
  if (ready === 0 && timeoutNs !== 0 && !t.timedOut) return wait(t, n);
  for (let set = 0; set < 3; set++) {
    const addr = t.arg(set + 1);
    if (addr !== 0 && t.copyOutBytes(addr, found[set]!, 0, bytes) < 0) return -EFAULT;
  }
  return ready;
}

function tableSize(size: number): number {
  if (size <= SMALL_TABLE) return SMALL_TABLE;
  let n = 256;
  while (n < size) n *= 2;
  return n;
}

function copySetIn(t: Task, set: number, bytes: number): number {
  if (given[set]!.length < bytes) {
    given[set] = new Uint8Array(bytes);
    found[set] = new Uint8Array(bytes);
  }
  found[set]!.fill(0, 0, bytes);
  const addr = t.arg(set + 1);
  if (addr !== 0) return t.copyInTo(addr, given[set]!, 0, bytes);
  given[set]!.fill(0, 0, bytes);
  return 0;
}

/** Fills the result sets; the number of bits in them, or -EBADF. */
function scan(t: Task, n: number, bytes: number): number {
  const [reads, writes, excepts] = given as [Uint8Array, Uint8Array, Uint8Array];
  let count = 0;
  for (let i = 0; i < bytes; i++) {
    let wanted = reads[i]! | writes[i]! | excepts[i]!;
    for (; wanted !== 0; wanted &= wanted - 1) {
      const bit = wanted & -wanted;
      const fd = i * 8 + (31 - Math.clz32(bit));
      if (fd >= n) break;
      const file = t.files.get(fd);
      if (file === null) return -EBADF;
      // A place (O_PATH) cannot be polled, which counts as everything.
      const readiness = (file.flags & O_PATH) !== 0 ? -1 : file.readiness();
      for (let set = 0; set < 3; set++) {
        if ((given[set]![i]! & bit) === 0 || (readiness & MASKS[set]!) === 0) continue;
        found[set]![i]! |= bit;
        count++;
      }
    }
  }
  return count;
}

function wait(t: Task, n: number): number {
  if (t.waitForever() !== BLOCKED) return -ERESTARTNOHAND;
  for (let fd = 0; fd < n; fd++) {
    const i = fd >>> 3;
    const bit = 1 << (fd & 7);
    let mask = 0;
    for (let set = 0; set < 3; set++) if ((given[set]![i]! & bit) !== 0) mask |= MASKS[set]!;
    const queue = mask === 0 ? null : (t.files.get(fd)?.queue ?? null);
    if (queue !== null && t.waitOn(queue, mask) !== BLOCKED) return -ERESTARTNOHAND;
  }
  return BLOCKED;
}
