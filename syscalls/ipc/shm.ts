/** shmget(2), shmat(2), shmdt(2), shmctl(2). */
import { i32, u32 } from '../../platform/arena.ts';
import { OP_MUNMAP } from '../../platform/platform.ts';
import { CAP_IPC_LOCK } from '../../sentry/abi/capability.ts';
import { EINVAL, ENOMEM, EPERM } from '../../sentry/abi/errno.ts';
import * as ipc from '../../sentry/abi/ipc.ts';
import { MAP_FIXED, MAP_SHARED, PAGE_SIZE, pageUp } from '../../sentry/abi/mman.ts';
import { ShmSegment } from '../../sentry/ipc/shm.ts';
import { limitsOf } from '../../sentry/kernel/memory-limits.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { mapMemory, type MapFile, type MapRequest } from '../../sentry/mm/mmap.ts';
import type { Vma } from '../../sentry/mm/vma.ts';
import { waitForMap } from '../memory/map-access.ts';
import { changeable, putLong, putPerm, readPerm, setPerm, zeroed } from './support.ts';

const PROT_READ = 1;
const PROT_WRITE = 2;
const PROT_EXEC = 4;
/** What the size of a segment may reach (kernel.shmmax): 2^64 - 2^24. */
const SHMMAX_HIGH = 0xffffffff;
const SHMMAX_LOW = 0xfeffffff;
/** Pieces of one attachment that shmdt takes away in one go. */
const MAX_PIECES = 64;

const mapFile: MapFile = { readable: true, writable: false, noexec: false, mappable: null };
const mapRequest: MapRequest = { addr: 0, length: 0, prot: 0, flags: 0, offset: 0, file: mapFile };

export function sys_shmget(t: Task): number {
  const flags = t.argI32(2);
  return t.group.ns.ipc.shm.get(t.creds, t.argI32(0), t.arg(1), flags, t.pid, t.kernel.clock.realtimeSec());
}

export function sys_shmat(t: Task): number {
  if (t.mm.locked) return waitForMap(t);
  const flags = t.argI32(2);
  let addr = t.arg(1);
  if (addr % PAGE_SIZE !== 0) {
    if ((flags & ipc.SHM_RND) === 0) return -EINVAL;
    addr -= addr % PAGE_SIZE;
    if (addr === 0 && (flags & ipc.SHM_REMAP) !== 0) return -EINVAL;
  } else if (addr === 0 && (flags & ipc.SHM_REMAP) !== 0) return -EINVAL;

  const segment = t.group.ns.ipc.shm.ids.byId(t.argI32(0));
  if (typeof segment === 'number') return segment;
  const readonly = (flags & ipc.SHM_RDONLY) !== 0;
  const exec = (flags & ipc.SHM_EXEC) !== 0;
  const denied = segment.permits(t.creds, (readonly ? 0o444 : 0o666) | (exec ? 0o111 : 0));
  if (denied < 0) return denied;
  const size = segment.sizeBytes;
  if (addr !== 0 && (flags & ipc.SHM_REMAP) === 0) {
    if (addr + size > t.mm.max || !t.mm.map.isFree(addr, addr + size)) return -EINVAL;
  }
  mapFile.writable = !readonly;
  mapFile.mappable = segment;
  mapRequest.addr = addr;
  mapRequest.length = size;
  mapRequest.prot = PROT_READ | (readonly ? 0 : PROT_WRITE) | (exec ? PROT_EXEC : 0);
  mapRequest.flags = MAP_SHARED | (addr === 0 ? 0 : MAP_FIXED);
  const at = mapMemory(t.mm, t, limitsOf(t), mapRequest);
  if (at >= 0) {
    segment.atime = t.kernel.clock.realtimeSec();
    segment.lpid = t.pid;
  }
  return at;
}

export function sys_shmdt(t: Task): number {
  if (t.mm.locked) return waitForMap(t);
  const addr = t.arg(0);
  if (addr % PAGE_SIZE !== 0) return -EINVAL;
  const pieces = piecesAt(t, addr);
  if (pieces.length === 0) return -EINVAL;
  if (pieces.length > MAX_PIECES) return -ENOMEM;
  const segment = pieces[0]!.mappable as ShmSegment;
  const ranges = pieces.map(({ start, end }) => ({ start, end }));
  // Before the last area goes, and the segment with it if it was removed.
  segment.dtime = t.kernel.clock.realtimeSec();
  segment.lpid = t.pid;
  const old = ranges.map(({ start, end }) => {
    t.thread.addOp(OP_MUNMAP, start, end - start, 0, 0, 0, 0);
    return t.mm.take(start, end);
  });
  t.mm.submitFreeing(t, ranges[0]!.start, ranges.at(-1)!.end, (errno) => {
    ranges.forEach(({ start, end }, i) => t.mm.restore(start, end, old[i]!));
    return errno;
  });
  return 0;
}

/** The areas of the attachment whose first byte was put at `addr`; some may have been unmapped or moved since. */
function piecesAt(t: Task, addr: number): Vma[] {
  const pieces: Vma[] = [];
  let file: ShmSegment | null = null;
  let end = Infinity;
  const list = t.mm.map.list;
  for (let i = t.mm.map.indexAbove(addr); i < list.length && list[i]!.start < end; i++) {
    const vma = list[i]!;
    if (!(vma.mappable instanceof ShmSegment) || vma.start - vma.offset !== addr) continue;
    if (file === null) {
      file = vma.mappable;
      end = addr + pageUp(file.sizeBytes);
    }
    if (vma.mappable === file) pieces.push(vma);
  }
  return pieces;
}

export function sys_shmctl(t: Task): number {
  const id = t.argI32(0);
  const cmd = t.argI32(1);
  if (cmd < 0 || id < 0) return -EINVAL;
  switch (cmd) {
    case ipc.IPC_INFO:
      return putInfo(t);
    case ipc.SHM_INFO:
      return putUse(t);
    case ipc.IPC_STAT:
    case ipc.SHM_STAT:
    case ipc.SHM_STAT_ANY:
      return putStat(t, id, cmd);
    case ipc.IPC_SET:
      return change(t, id);
    case ipc.IPC_RMID:
      return remove(t, id);
    case ipc.SHM_LOCK:
    case ipc.SHM_UNLOCK:
      return lock(t, id, cmd === ipc.SHM_LOCK);
    default:
      return -EINVAL;
  }
}

/** struct shminfo64: the limits. Returns the highest place in use. */
function putInfo(t: Task): number {
  const at = zeroed(t, ipc.SHMINFO_SIZE);
  if (at < 0) return at;
  const w = at >>> 2;
  u32[w] = SHMMAX_LOW;
  u32[w + 1] = SHMMAX_HIGH;
  u32[w + 2] = 1;
  u32[w + 4] = u32[w + 6] = t.group.ns.ipc.shm.ids.limit;
  u32[w + 8] = SHMMAX_LOW;
  u32[w + 9] = SHMMAX_HIGH;
  const r = t.copyOutStaged(t.arg(2), at, ipc.SHMINFO_SIZE);
  return r < 0 ? r : t.group.ns.ipc.shm.ids.highest;
}

/** struct shm_info: what is used. */
function putUse(t: Task): number {
  const at = zeroed(t, ipc.SHM_INFO_SIZE);
  if (at < 0) return at;
  const pages = t.group.ns.ipc.shm.totalPages;
  i32[at >>> 2] = t.group.ns.ipc.shm.ids.used;
  putLong(at + 8, pages);
  putLong(at + 16, pages);
  const r = t.copyOutStaged(t.arg(2), at, ipc.SHM_INFO_SIZE);
  return r < 0 ? r : t.group.ns.ipc.shm.ids.highest;
}

function putStat(t: Task, id: number, cmd: number): number {
  const { ids } = t.group.ns.ipc.shm;
  const s = cmd === ipc.IPC_STAT ? ids.byId(id) : ids.atPlace(id);
  if (typeof s === 'number') return s;
  const denied = cmd === ipc.SHM_STAT_ANY ? 0 : s.permits(t.creds, 0o444);
  if (denied < 0) return denied;
  const at = zeroed(t, ipc.SHMID_DS_SIZE);
  if (at < 0) return at;
  const w = at >>> 2;
  putPerm(at, s);
  putLong(at + 48, s.sizeBytes);
  putLong(at + 56, s.atime);
  putLong(at + 64, s.dtime);
  putLong(at + 72, s.ctime);
  i32[w + 20] = s.cpid;
  i32[w + 21] = s.lpid;
  putLong(at + 88, s.attached);
  const r = t.copyOutStaged(t.arg(2), at, ipc.SHMID_DS_SIZE);
  return r < 0 ? r : cmd === ipc.IPC_STAT ? 0 : s.id;
}

/** IPC_SET: owner, group and the permission bits. */
function change(t: Task, id: number): number {
  const from = t.copyIn(t.arg(2), ipc.SHMID_DS_SIZE);
  if (from < 0) return from;
  const perm = readPerm(from);
  const s = changeable(t, t.group.ns.ipc.shm.ids, id);
  if (typeof s === 'number') return s;
  const r = setPerm(s, perm);
  if (r < 0) return r;
  s.ctime = t.kernel.clock.realtimeSec();
  return 0;
}

function remove(t: Task, id: number): number {
  const s = changeable(t, t.group.ns.ipc.shm.ids, id);
  if (typeof s === 'number') return s;
  s.markRemoved();
  return 0;
}

/** Noted and shown, but the host's pages are not locked: no guest may pin the host's memory. */
function lock(t: Task, id: number, on: boolean): number {
  const s = t.group.ns.ipc.shm.ids.byId(id);
  if (typeof s === 'number') return s;
  if (!t.creds.hasCap(CAP_IPC_LOCK)) {
    if (t.creds.euid !== s.uid && t.creds.euid !== s.cuid) return -EPERM;
    if (on && limitsOf(t).memlock === 0) return -EPERM;
  }
  s.mode = on ? s.mode | ipc.SHM_LOCKED : s.mode & ~ipc.SHM_LOCKED;
  return 0;
}
