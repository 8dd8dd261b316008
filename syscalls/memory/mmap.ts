/** mmap(2), munmap(2), brk(2), mprotect(2), mremap(2), remap_file_pages(2), mseal(2), pkeys(7). */
import { EBADF, EINVAL, ENOMEM, ENOSPC } from '../../sentry/abi/errno.ts';
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_NONBLOCK,
  MAP_POPULATE,
  MAP_SHARED,
  PAGE_SIZE,
  PKEY_DISABLE_ACCESS,
  PKEY_DISABLE_WRITE,
  pageDown,
  pageUp,
} from '../../sentry/abi/mman.ts';
import { limitsOf } from '../../sentry/kernel/memory-limits.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { setBreak } from '../../sentry/mm/brk.ts';
import { type MapFile, mapMemory, type MapRequest, unmapMemory } from '../../sentry/mm/mmap.ts';
import { protect } from '../../sentry/mm/mprotect.ts';
import { remap, type RemapRequest } from '../../sentry/mm/mremap.ts';
import { seal } from '../../sentry/mm/seal.ts';
import { VM_MAYWRITE } from '../../sentry/mm/vma.ts';
import { isNoexec } from '../../sentry/vfs/permission.ts';
import { waitForMap } from './map-access.ts';

/** personality(2). */
const READ_IMPLIES_EXEC = 0x0400000;
const PROT_READ = 1;
const PROT_EXEC = 4;

const mapFile: MapFile = { readable: false, writable: false, noexec: false, mappable: null };
const mapRequest: MapRequest = { addr: 0, length: 0, prot: 0, flags: 0, offset: 0, file: null };
const remapRequest: RemapRequest = { addr: 0, oldLength: 0, newLength: 0, flags: 0, newAddr: 0 };

export function sys_mmap(t: Task): number {
  if (t.mm.locked) return waitForMap(t);
  const req = mapRequest;
  req.addr = t.arg(0);
  req.length = t.arg(1);
  req.prot = t.argI32(2);
  req.flags = t.argI32(3);
  req.offset = t.arg(5);
  req.file = null;
  if (req.offset % PAGE_SIZE !== 0) return -EINVAL;
  let noexec = false;
  if ((req.flags & MAP_ANONYMOUS) === 0) {
    const file = t.fileNoPath(4);
    if (file === null) return -EBADF;
    // What has no place and can't be mapped is on a filesystem of the kernel's that nothing is executed from.
    const mappable = file.mappable();
    noexec = file.path === null ? mappable === null : isNoexec(file.path.mount);
    mapFile.readable = file.readable;
    mapFile.writable = file.writable;
    mapFile.noexec = noexec;
    mapFile.mappable = mappable;
    req.file = mapFile;
  }
  if ((t.personality & READ_IMPLIES_EXEC) !== 0 && (req.prot & PROT_READ) !== 0 && !noexec)
    req.prot |= PROT_EXEC;
  return mapMemory(t.mm, t, limitsOf(t), req);
}

export function sys_munmap(t: Task): number {
  if (t.mm.locked) return waitForMap(t);
  return unmapMemory(t.mm, t, t.arg(0), t.arg(1));
}

export function sys_brk(t: Task): number {
  if (t.mm.locked) return waitForMap(t);
  return setBreak(t.mm, t, limitsOf(t), t.arg(0));
}

export function sys_mprotect(t: Task): number {
  if (t.mm.locked) return waitForMap(t);
  let prot = t.argI32(2);
  if ((t.personality & READ_IMPLIES_EXEC) !== 0 && (prot & PROT_READ) !== 0) prot |= PROT_EXEC;
  return protect(t.mm, t, limitsOf(t), t.arg(0), t.arg(1), prot);
}

export function sys_mremap(t: Task): number {
  if (t.mm.locked) return waitForMap(t);
  const req = remapRequest;
  req.addr = t.arg(0);
  req.oldLength = t.arg(1);
  req.newLength = t.arg(2);
  req.flags = t.argI32(3);
  req.newAddr = t.arg(4);
  return remap(t.mm, t, limitsOf(t), req);
}

/** Obsolete: as in Linux since 4.0, a new mapping of the same file over the old one. */
export function sys_remap_file_pages(t: Task): number {
  if (t.mm.locked) return waitForMap(t);
  const start = pageDown(t.arg(0));
  const size = pageDown(t.arg(1));
  const offset = t.arg(3) * PAGE_SIZE;
  if (t.argI32(2) !== 0 || size === 0 || start + size > t.mm.max || offset + size >= 2 ** 63) return -EINVAL;
  const vma = t.mm.map.find(start);
  if (vma === null || !vma.shared || vma.mappable === null) return -EINVAL;
  // All of it must be mappings of the same file with the same rights.
  for (let at = vma.end; at < start + size;) {
    const next = t.mm.map.find(at);
    if (
      next === null ||
      next.mappable !== vma.mappable ||
      next.flags !== vma.flags ||
      next.prot !== vma.prot
    ) {
      return -EINVAL;
    }
    at = next.end;
  }
  mapFile.readable = true;
  mapFile.writable = (vma.flags & VM_MAYWRITE) !== 0;
  mapFile.noexec = false;
  mapFile.mappable = vma.mappable;
  const req = mapRequest;
  req.addr = start;
  req.length = size;
  req.prot = vma.prot;
  req.flags = MAP_SHARED | MAP_FIXED | MAP_POPULATE | (t.argI32(4) & MAP_NONBLOCK);
  req.offset = offset;
  req.file = mapFile;
  const r = mapMemory(t.mm, t, limitsOf(t), req);
  return r < 0 ? r : 0;
}

export function sys_mseal(t: Task): number {
  if (t.mm.locked) return waitForMap(t);
  const addr = t.arg(0);
  const len = pageUp(t.arg(1));
  if (t.arg(2) !== 0 || addr % PAGE_SIZE !== 0 || addr + len >= 2 ** 64) return -EINVAL;
  return len === 0 ? 0 : seal(t.mm, addr, addr + len) ? 0 : -ENOMEM;
}

// Protection keys as on a processor without them (pkeys(7)).
export function sys_pkey_alloc(t: Task): number {
  const rights = t.arg(1);
  if (t.arg(0) !== 0 || rights > (PKEY_DISABLE_ACCESS | PKEY_DISABLE_WRITE)) return -EINVAL;
  return -ENOSPC;
}

export function sys_pkey_free(_t: Task): number {
  return -EINVAL;
}

/** Key -1 means mprotect; no other was ever allocated. */
export function sys_pkey_mprotect(t: Task): number {
  return t.argI32(3) === -1 ? sys_mprotect(t) : -EINVAL;
}
