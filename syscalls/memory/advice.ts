/** madvise(2), process_madvise(2), msync(2), mincore(2). */
import { CAP_SYS_ADMIN } from '../../sentry/abi/capability.ts';
import { EAGAIN, EBADF, EFAULT, EINVAL, ENOMEM } from '../../sentry/abi/errno.ts';
import { MADV_COLD, MADV_COLLAPSE, MADV_PAGEOUT, MADV_WILLNEED, PAGE_SIZE } from '../../sentry/abi/mman.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { advise } from '../../sentry/mm/madvise.ts';
import { isMapped, sync } from '../../sentry/mm/msync.ts';
import { OP_MINCORE } from '../../platform/platform.ts';
import { u8 } from '../../platform/arena.ts';
import { waitForMap } from './map-access.ts';
import { IovecList } from './iovec-list.ts';

export function sys_madvise(t: Task): number {
  if (t.mm.locked) return waitForMap(t);
  return advise(t.mm, t, t.arg(0), t.arg(1), t.argI32(2), t.creds.hasCap(CAP_SYS_ADMIN));
}

const iovecs = new IovecList();

/** Hints about another process's pages: nothing here depends on them, so that valid ones are taken as followed. */
export function sys_process_madvise(t: Task): number {
  if (t.argU32(4) !== 0) return -EINVAL;
  const r = iovecs.read(t, t.arg(1), t.arg(2));
  if (r < 0) return r;
  if (t.file(0) === null) return -EBADF;
  const advice = t.argI32(3);
  if (
    advice !== MADV_COLD &&
    advice !== MADV_PAGEOUT &&
    advice !== MADV_WILLNEED &&
    advice !== MADV_COLLAPSE
  ) {
    return -EINVAL;
  }
  return iovecs.total;
}

export function sys_msync(t: Task): number {
  if (t.mm.locked) return waitForMap(t);
  return sync(t.mm, t, t.arg(0), t.arg(1), t.argI32(2));
}

export function sys_mincore(t: Task): number {
  if (t.mm.locked) return waitForMap(t);
  const start = t.arg(0);
  const length = t.arg(1);
  if (start % PAGE_SIZE !== 0) return -EINVAL;
  if (start + length > t.mm.max) return -ENOMEM;
  const pages = Math.ceil(length / PAGE_SIZE);
  if (pages === 0) return 0;
  const vector = t.arg(2);
  if (!t.canAccess(vector, pages, true)) return -EFAULT;
  const end = start + pages * PAGE_SIZE;
  if (start < t.mm.min || !isMapped(t.mm, start, end)) return -ENOMEM;
  const at = t.stage(pages);
  if (at < 0) return residentAll(t, vector, pages);
  t.thread.addOp(OP_MINCORE, start, end - start, at, 0, 0, 0);
  t.onOpsFailed = (errno) => errno;
  return t.copyOutStaged(vector, at, pages);
}

/** mincore(2): "kernel is temporarily out of resources". */
const MAX_MINCORE_PAGES = 1 << 24;

/** More pages than a slot holds (480 MiB at once): told to be resident, which is never wrong for long. */
function residentAll(t: Task, vector: number, pages: number): number {
  if (pages > MAX_MINCORE_PAGES) return -EAGAIN;
  const chunk = Math.min(pages, 65536);
  const at = t.stage(chunk);
  if (at < 0) return -ENOMEM;
  u8.fill(1, at, at + chunk);
  for (let done = 0; done < pages; done += chunk) {
    const r = t.thread.space.write(vector + done, u8, at, Math.min(chunk, pages - done));
    if (r < 0) return -EFAULT;
  }
  return 0;
}
