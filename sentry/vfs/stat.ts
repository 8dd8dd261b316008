/** Attributes of an inode, in the shape that stat(2) and statx(2) are filled from. Reused, never kept. */

export class Stat {
  dev = 0;
  ino = 0;
  mode = 0;
  nlink = 1;
  uid = 0;
  gid = 0;
  rdev = 0;
  size = 0;
  blksize = 4096;
  /** 512-byte units. */
  blocks = 0;
  atimeSec = 0;
  atimeNsec = 0;
  mtimeSec = 0;
  mtimeNsec = 0;
  ctimeSec = 0;
  ctimeNsec = 0;
  /** Birth time; btimeSec < 0 when unknown. */
  btimeSec = -1;
  btimeNsec = 0;
}

/** What setattr changes; an absent (undefined) field stays. */
export interface SetAttr {
  /** Permission bits only (07777). */
  mode?: number;
  uid?: number;
  gid?: number;
  size?: number;
  atimeSec?: number;
  atimeNsec?: number;
  mtimeSec?: number;
  mtimeNsec?: number;
  /** ctime is set to now by every change. */
}
