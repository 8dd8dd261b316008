/** io_setup(2), io_destroy(2), io_cancel(2). */
import { EAGAIN, EFAULT, EINVAL } from '../../sentry/abi/errno.ts';
import { MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE } from '../../sentry/abi/mman.ts';
import { READABLE } from '../../sentry/abi/poll.ts';
import { limitsOf } from '../../sentry/kernel/memory-limits.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { mapMemory, type MapRequest, unmapMemory } from '../../sentry/mm/mmap.ts';
import { waitForMap } from '../memory/map-access.ts';
import { AIO_MAX_NR, AioContext, admits, contextsOf } from './context.ts';

const PAGE = 4096;
const LONG = 8;
/** Twice as many would be more than Linux's ring can have. */
const MAX_EVENTS = 0x400000;

/**
 * The name of a context is the address of a mapping. Linux has a ring of events there, which libaio reads by itself if
 * it knows its magic number; here the page is empty, so that it asks.
 */
const ring: MapRequest = {
  addr: 0,
  length: PAGE,
  prot: PROT_READ | PROT_WRITE,
  flags: MAP_PRIVATE | MAP_ANONYMOUS,
  offset: 0,
  file: null,
};

export function sys_io_setup(t: Task): number {
  if (t.mm.locked) return waitForMap(t);
  const room = t.argU32(0);
  const addr = t.arg(1);
  const old = t.readI64(addr);
  if (old === null) return -EFAULT;
  if (old !== 0 || room === 0 || room > MAX_EVENTS) return -EINVAL;
  const known = contextsOf(t);
  if (room > AIO_MAX_NR || !admits(known, room)) return -EAGAIN;
  if (!t.canAccess(addr, LONG, true)) return -EFAULT;
  const name = mapMemory(t.mm, t, limitsOf(t), ring);
  if (name < 0) return name;
  known.set(name, new AioContext(room));
  return t.writeU64(addr, name);
}

export function sys_io_destroy(t: Task): number {
  if (t.mm.locked) return waitForMap(t);
  const name = t.arg(0);
  const known = contextsOf(t);
  const context = known.get(name);
  if (context === undefined) return -EINVAL;
  known.delete(name);
  context.queue.notify(READABLE);
  const r = unmapMemory(t.mm, t, name, PAGE);
  return r < 0 ? r : 0;
}

/** All that was submitted is done: there is nothing to cancel. */
export function sys_io_cancel(t: Task): number {
  return t.readU32(t.arg(1)) === null ? -EFAULT : -EINVAL;
}
