/** Inodes whose attributes live in the kernel's own memory: times, owner, mode, extended attributes. */
import { DOUBLE_ZERO } from '../base/double.ts';
import { EEXIST, ENODATA, ENOSPC } from '../abi/errno.ts';
import { MS_NOATIME, MS_NODIRATIME, MS_STRICTATIME } from '../abi/mount.ts';
import { S_IFDIR, S_IFMT } from '../abi/stat.ts';
import { XATTR_CREATE, XATTR_REPLACE } from '../abi/xattr.ts';
import type { CallerContext } from './context.ts';
import { Inode } from './inode.ts';
import { nowNsec, nowSec, takeNow } from './now.ts';
import type { SetAttr, Stat } from './stat.ts';

const DAY_SEC = 86400;
/** Bytes of extended attributes that one inode may hold: keeps a guest from filling the kernel's heap. */
const XATTR_TOTAL = 128 * 1024;

export abstract class MemoryInode extends Inode {
  atimeSec = DOUBLE_ZERO;
  atimeNsec = DOUBLE_ZERO;
  mtimeSec = DOUBLE_ZERO;
  mtimeNsec = DOUBLE_ZERO;
  ctimeSec = DOUBLE_ZERO;
  ctimeNsec = DOUBLE_ZERO;
  btimeSec = DOUBLE_ZERO;
  btimeNsec = DOUBLE_ZERO;
  protected xattrs: Map<string, Uint8Array> | null = null;

  /** All four times are now. */
  protected born(): void {
    takeNow();
    this.atimeSec = this.mtimeSec = this.ctimeSec = this.btimeSec = nowSec;
    this.atimeNsec = this.mtimeNsec = this.ctimeNsec = this.btimeNsec = nowNsec;
  }
  /** Content changed: mtime and ctime are now. */
  modified(): void {
    takeNow();
    this.mtimeSec = this.ctimeSec = nowSec;
    this.mtimeNsec = this.ctimeNsec = nowNsec;
  }
  /** Attributes changed: ctime is now. */
  changed(): void {
    takeNow();
    this.ctimeSec = nowSec;
    this.ctimeNsec = nowNsec;
  }

  /** relatime unless the mount says otherwise (mount(2)). */
  override accessed(mountFlags: number): void {
    if ((mountFlags & MS_NOATIME) !== 0) return;
    if ((mountFlags & MS_NODIRATIME) !== 0 && (this.mode & S_IFMT) === S_IFDIR) return;
    if ((mountFlags & MS_STRICTATIME) === 0) {
      const a = this.atimeSec;
      const afterM = a > this.mtimeSec || (a === this.mtimeSec && this.atimeNsec > this.mtimeNsec);
      const afterC = a > this.ctimeSec || (a === this.ctimeSec && this.atimeNsec > this.ctimeNsec);
      // nowSec may be a little old here: good enough for "a day ago".
      if (afterM && afterC && nowSec - a < DAY_SEC) return;
    }
    takeNow();
    this.atimeSec = nowSec;
    this.atimeNsec = nowNsec;
  }

  /** 512-byte units. */
  protected blocks(): number {
    return 0;
  }

  override stat(out: Stat): number {
    out.dev = this.fs.dev;
    out.ino = this.ino;
    out.mode = this.mode;
    out.nlink = this.nlink;
    out.uid = this.uid;
    out.gid = this.gid;
    out.rdev = this.rdev;
    out.size = this.size();
    out.blksize = 4096;
    out.blocks = this.blocks();
    out.atimeSec = this.atimeSec;
    out.atimeNsec = this.atimeNsec;
    out.mtimeSec = this.mtimeSec;
    out.mtimeNsec = this.mtimeNsec;
    out.ctimeSec = this.ctimeSec;
    out.ctimeNsec = this.ctimeNsec;
    out.btimeSec = this.btimeSec;
    out.btimeNsec = this.btimeNsec;
    return 0;
  }

  override setattr(attr: SetAttr, _ctx: CallerContext): number {
    if (attr.size !== undefined) {
      const r = this.truncate(attr.size);
      if (r < 0) return r;
    }
    if (attr.mode !== undefined) this.mode = (this.mode & S_IFMT) | attr.mode;
    if (attr.uid !== undefined) this.uid = attr.uid;
    if (attr.gid !== undefined) this.gid = attr.gid;
    if (attr.atimeSec !== undefined) {
      this.atimeSec = attr.atimeSec;
      this.atimeNsec = attr.atimeNsec ?? 0;
    }
    if (attr.mtimeSec !== undefined) {
      this.mtimeSec = attr.mtimeSec;
      this.mtimeNsec = attr.mtimeNsec ?? 0;
    }
    this.changed();
    return 0;
  }

  override getxattr(name: string): Uint8Array | number {
    return this.xattrs?.get(name) ?? -ENODATA;
  }

  override setxattr(name: string, value: Uint8Array, flags: number): number {
    const old = this.xattrs?.get(name);
    if ((flags & XATTR_CREATE) !== 0 && old !== undefined) return -EEXIST;
    if ((flags & XATTR_REPLACE) !== 0 && old === undefined) return -ENODATA;
    let total = value.length;
    if (this.xattrs !== null)
      for (const [key, kept] of this.xattrs) if (key !== name) total += kept.length + key.length;
    if (total > XATTR_TOTAL) return -ENOSPC;
    (this.xattrs ??= new Map()).set(name, value);
    this.changed();
    return 0;
  }

  override listxattr(): string[] | number {
    return this.xattrs === null ? [] : [...this.xattrs.keys()];
  }

  override removexattr(name: string): number {
    if (this.xattrs === null || !this.xattrs.delete(name)) return -ENODATA;
    this.changed();
    return 0;
  }
}
