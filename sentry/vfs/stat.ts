/** Attributes of an inode, in the shape that stat(2) and statx(2) are filled from. Reused, never kept. */

import { DOUBLE_ZERO } from '../base/double.ts';

export class Stat {
  dev = DOUBLE_ZERO;
  ino = DOUBLE_ZERO;
  mode = 0;
  nlink = 1;
  uid = 0;
  gid = 0;
  rdev = DOUBLE_ZERO;
  size = DOUBLE_ZERO;
  blksize = 4096;
  /** 512-byte units. */
  blocks = DOUBLE_ZERO;
  atimeSec = DOUBLE_ZERO;
  atimeNsec = DOUBLE_ZERO;
  mtimeSec = DOUBLE_ZERO;
  mtimeNsec = DOUBLE_ZERO;
  ctimeSec = DOUBLE_ZERO;
  ctimeNsec = DOUBLE_ZERO;
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
