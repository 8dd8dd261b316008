/** struct stat, struct statx and struct statfs as bytes. */
import { setU64, u32, u8 } from '../../platform/arena.ts';
import {
  major,
  minor,
  STAT_GENERIC,
  STAT_SIZE,
  STATX_ATTR_MOUNT_ROOT,
  STATX_BASIC_STATS,
  STATX_BTIME,
  STATX_MNT_ID,
  STATX_MNT_ID_UNIQUE,
  STATX_SIZE,
} from '../../sentry/abi/stat.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import type { StatFs } from '../../sentry/vfs/inode.ts';
import type { Path } from '../../sentry/vfs/path.ts';
import type { Stat } from '../../sentry/vfs/stat.ts';

/** Copies `s` out as struct stat; 0 or a negated errno. */
export function copyOutStat(t: Task, addr: number, s: Stat): number {
  const at = t.stage(STAT_SIZE);
  if (at < 0) return at;
  const w = at >>> 2;
  setU64(at, s.dev);
  setU64(at + 8, s.ino);
  if (STAT_GENERIC) {
    u32[w + 4] = s.mode;
    u32[w + 5] = s.nlink;
    u32[w + 6] = s.uid;
    u32[w + 7] = s.gid;
    setU64(at + 32, s.rdev);
    setU64(at + 40, 0);
    setU64(at + 48, s.size);
    setU64(at + 56, s.blksize);
    setU64(at + 64, s.blocks);
    setTimes(at + 72, s);
    setU64(at + 120, 0);
  } else {
    setU64(at + 16, s.nlink);
    u32[w + 6] = s.mode;
    u32[w + 7] = s.uid;
    u32[w + 8] = s.gid;
    u32[w + 9] = 0;
    setU64(at + 40, s.rdev);
    setU64(at + 48, s.size);
    setU64(at + 56, s.blksize);
    setU64(at + 64, s.blocks);
    setTimes(at + 72, s);
    u8.fill(0, at + 120, at + 144);
  }
  return t.copyOutStaged(addr, at, STAT_SIZE);
}

function setTimes(at: number, s: Stat): void {
  setU64(at, s.atimeSec);
  setU64(at + 8, s.atimeNsec);
  setU64(at + 16, s.mtimeSec);
  setU64(at + 24, s.mtimeNsec);
  setU64(at + 32, s.ctimeSec);
  setU64(at + 40, s.ctimeNsec);
}

/** statx(2): all but the time of birth is filled, whatever `mask` asked for, as Linux's file systems do; `path` null for anonymous files. */
export function copyOutStatx(t: Task, addr: number, s: Stat, mask: number, path: Path | null): number {
  const at = t.stage(STATX_SIZE);
  if (at < 0) return at;
  const w = at >>> 2;
  u8.fill(0, at, at + STATX_SIZE);
  let known = STATX_BASIC_STATS;
  if (s.btimeSec >= 0) known |= mask & STATX_BTIME;
  if (path !== null) known |= (mask & STATX_MNT_ID_UNIQUE) !== 0 ? STATX_MNT_ID_UNIQUE : STATX_MNT_ID;
  u32[w] = known;
  u32[w + 1] = s.blksize;
  if (path !== null && path.dentry === path.mount.root) setU64(at + 8, STATX_ATTR_MOUNT_ROOT);
  u32[w + 4] = s.nlink;
  u32[w + 5] = s.uid;
  u32[w + 6] = s.gid;
  // stx_mode is 16 bits wide.
  u32[w + 7] = s.mode & 0xffff;
  setU64(at + 32, s.ino);
  setU64(at + 40, s.size);
  setU64(at + 48, s.blocks);
  setU64(at + 56, STATX_ATTR_MOUNT_ROOT);
  setStamp(at + 64, s.atimeSec, s.atimeNsec);
  if ((known & STATX_BTIME) !== 0) setStamp(at + 80, s.btimeSec, s.btimeNsec);
  setStamp(at + 96, s.ctimeSec, s.ctimeNsec);
  setStamp(at + 112, s.mtimeSec, s.mtimeNsec);
  u32[w + 32] = major(s.rdev);
  u32[w + 33] = minor(s.rdev);
  u32[w + 34] = major(s.dev);
  u32[w + 35] = minor(s.dev);
  if (path !== null) setU64(at + 144, path.mount.id);
  return t.copyOutStaged(addr, at, STATX_SIZE);
}

function setStamp(at: number, sec: number, nsec: number): void {
  setU64(at, sec);
  u32[(at >>> 2) + 2] = nsec;
}

/** struct statfs, 120 bytes on both architectures. `flags` are ST_ bits. */
export function copyOutStatfs(t: Task, addr: number, s: StatFs, fsid: number, flags: number): number {
  const at = t.stage(120);
  if (at < 0) return at;
  setU64(at, s.type);
  setU64(at + 8, s.bsize);
  setU64(at + 16, s.blocks);
  setU64(at + 24, s.bfree);
  setU64(at + 32, s.bavail);
  setU64(at + 40, s.files);
  setU64(at + 48, s.ffree);
  setU64(at + 56, fsid);
  setU64(at + 64, s.namelen);
  setU64(at + 72, s.bsize);
  setU64(at + 80, flags);
  u8.fill(0, at + 88, at + 120);
  return t.copyOutStaged(addr, at, 120);
}
