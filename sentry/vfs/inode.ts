/**
 * Inodes: the objects of a filesystem. The VFS keeps names (dentries), walks paths and checks permissions; an inode
 * only acts. Operations return a value or a negated errno, never throw, and are synchronous.
 */
import { DOUBLE_ZERO } from '../base/double.ts';
import { ECONNREFUSED, EINVAL, ENOTDIR, ENOTSUP, EPERM } from '../abi/errno.ts';
import type { Mappable } from '../mm/mappable.ts';
import type { CallerContext } from './context.ts';
import type { FileDescription } from './file-description.ts';
import type { Path } from './path.ts';
import type { SetAttr, Stat } from './stat.ts';

/** A mounted or mountable filesystem instance (a superblock). */
export interface Filesystem {
  /** As shown in mountinfo: "tmpfs", "proc", "overlay"… */
  readonly type: string;
  /** Device number of st_dev, encoded as in Linux (makedev(3)). */
  readonly dev: number;
  root(): Inode;
  /** The filesystem as a whole refuses writes, whatever its mounts say. */
  readonly?: boolean;
  /** Nothing of it is executed, whatever its mounts say (Linux's SB_I_NOEXEC). */
  readonly noexec?: boolean;
  /** MS_ flags of the filesystem as a whole, for mountinfo: read-only, synchronous and the like, as they were asked for. */
  superFlags?: number;
  /** Options shown in mountinfo after the filesystem's name, e.g. "size=65536k,mode=755". */
  showOptions?(): string;
  /** mount(2) with MS_REMOUNT: parses `options`; 0 or a negated errno. */
  remount?(options: string): number;
  /** Fills statfs(2) fields. */
  statfs(out: StatFs): number;
  sync(): number;
  /** The host has unmounted it: so it is here, from this look on. */
  gone?(): boolean;
  /** Called when the last mount of it goes. */
  destroy(): void;
}

export interface StatFs {
  type: number;
  bsize: number;
  blocks: number;
  bfree: number;
  bavail: number;
  files: number;
  ffree: number;
  namelen: number;
}

/** statfs(2) of a filesystem that has no blocks. */
export function statfsWithoutBlocks(out: StatFs, magic: number): number {
  out.type = magic;
  out.bsize = 4096;
  out.blocks = out.bfree = out.bavail = out.files = out.ffree = 0;
  out.namelen = 255;
  return 0;
}

/** Receives directory entries; returns false when it is full (the entry was not taken). */
export interface DirentSink {
  /** `nextOffset` is the d_off value from which reading resumes after this entry. `dtype` is a DT_ constant. */
  add(name: string, ino: number, dtype: number, nextOffset: number): boolean;
  /** Bytes of finished records (DirentRecords) that it takes now. Absent, or 0: it takes entries only. */
  recordRoom?(): number;
  /** `more`: the next record did not fit. */
  addRecords?(records: Uint8Array, from: number, to: number, more: boolean): void;
}

export abstract class Inode {
  abstract readonly fs: Filesystem;

  /** Lets somebody in whom its mode keeps out (a process into its own /proc/PID/fd, whoever owns that). */
  letsIn(_ctx: CallerContext): boolean {
    return false;
  }
  ino = DOUBLE_ZERO;
  /** File type and permission bits (inode(7)). Kept current: permission checks read it directly. */
  mode = 0;
  uid = 0;
  gid = 0;
  nlink = 1;
  /** Device number for character and block devices. */
  rdev = DOUBLE_ZERO;
  /** Open descriptions that write to it, minus execve's denials (ETXTBSY); kept by the VFS. */
  writers = 0;
  /** POSIX and flock state, inotify marks; made on demand by the VFS. */
  locks: unknown = null;
  marks: unknown = null;
  /** Dentries that name it; kept by vfs/dcache.ts. At 0 forget() is called. */
  refs = 0;

  /** The content was read through a mount with these MS_ flags: atime, by the rules of mount(2). */
  accessed(_mountFlags: number): void {
    // filesystems that keep no atime do nothing
  }
  /** O_TMPFILE and memfd inodes: linkat(2) may give it a first name only when true. */
  linkable(): boolean {
    return this.nlink > 0;
  }

  /** Fills every field of `out`. */
  abstract stat(out: Stat): number;
  /** chmod, chown, utimes, truncate(size). The VFS has checked permission and cleared setuid bits where due. */
  setattr(_attr: SetAttr, _ctx: CallerContext): number {
    return -EPERM;
  }

  // Directories. Names are single components, never "", "." or "..".
  /** The child, or -ENOENT… */
  lookup(_name: string, _ctx: CallerContext): Inode | number {
    return -ENOTDIR;
  }
  /**
   * Told before a lookup that is about to miss the cache: the rest of the path, so that a remote filesystem can
   * fetch it in one exchange. Only fills the filesystem's own cache.
   */
  prefetch?(names: readonly string[], ctx: CallerContext): void;
  /** Is that worth it for a name whose cached inode is `child` (null: none)? */
  wantsPrefetch(child: Inode | null): boolean {
    return child === null;
  }
  /** True when the VFS may keep the result of lookup (also a missing one) until a change made through it. */
  cacheable(): boolean {
    return true;
  }
  /** For filesystems that change by themselves (proc): is the cached child still right? */
  revalidate(_name: string, _child: Inode): boolean {
    return true;
  }
  /** Makes a regular file. mode has the S_IFREG bit and the umask applied; uid/gid are to be ctx.creds.fs*. */
  create(_name: string, _mode: number, _ctx: CallerContext): Inode | number {
    return -EPERM;
  }
  mkdir(_name: string, _mode: number, _ctx: CallerContext): Inode | number {
    return -EPERM;
  }
  mknod(_name: string, _mode: number, _rdev: number, _ctx: CallerContext): Inode | number {
    return -EPERM;
  }
  symlink(_name: string, _target: string, _ctx: CallerContext): Inode | number {
    return -EPERM;
  }
  link(_name: string, _target: Inode, _ctx: CallerContext): number {
    return -EPERM;
  }
  unlink(_name: string, _child: Inode, _ctx: CallerContext): number {
    return -EPERM;
  }
  rmdir(_name: string, _child: Inode, _ctx: CallerContext): number {
    return -EPERM;
  }
  /** `replaced` is the inode that newName named, or null. flags are RENAME_ of renameat2(2), already checked. */
  rename(
    _oldName: string,
    _child: Inode,
    _newDir: Inode,
    _newName: string,
    _replaced: Inode | null,
    _flags: number,
    _ctx: CallerContext,
  ): number {
    return -EPERM;
  }
  /** O_TMPFILE. */
  tmpfile(_mode: number, _ctx: CallerContext): Inode | number {
    return -ENOTSUP;
  }

  /** A socket: the host's descriptor of a connection to the process of the host that listens there. */
  connectSocket(_type: number): number {
    return -ECONNREFUSED;
  }
  /** Text of a symbolic link. */
  readlink(_ctx: CallerContext): string | number {
    return -EINVAL;
  }
  /** Magic links of proc (exe, cwd, fd/N): the object itself instead of a text. null: an ordinary link. */
  followMagic(_ctx: CallerContext): Path | number | null {
    return null;
  }

  /**
   * A new description. `flags` are the O_ flags as given (permission checked, O_CREAT/O_EXCL/O_TRUNC already acted
   * on). Devices, FIFOs and sockets act by their own kind (-ENXIO for a socket).
   * May return BLOCKED (opening a FIFO) after registering the caller through ctx.waitOn.
   */
  abstract open(path: Path, flags: number, ctx: CallerContext): FileDescription | number;

  // Regular file content, offsets in bytes; `buf` is often the arena itself. Short counts only at end of file.
  readAt(_buf: Uint8Array, _off: number, _len: number, _pos: number): number {
    return -EINVAL;
  }
  writeAt(_buf: Uint8Array, _off: number, _len: number, _pos: number): number {
    return -EINVAL;
  }
  /**
   * From how many bytes on it pays to let the host read into guest memory (mappable().hostFd). Infinity: never, or not
   * rightly, since others than this kernel change the file.
   */
  inPlaceFrom(): number {
    return Infinity;
  }
  /** Current size in bytes; cheap. */
  size(): number {
    return 0;
  }
  truncate(_size: number): number {
    return -EINVAL;
  }
  /** fallocate(2) with its mode flags. */
  allocate(_mode: number, _offset: number, _len: number): number {
    return -ENOTSUP;
  }
  /** SEEK_DATA / SEEK_HOLE: the offset or a negated errno. */
  seekData(_offset: number, _hole: boolean): number {
    return -EINVAL;
  }
  fsync(_dataOnly: boolean): number {
    return 0;
  }
  /** null: cannot be mapped (ENODEV). */
  mappable(): Mappable | null {
    return null;
  }

  /** F_GET_SEALS, F_ADD_SEALS (fcntl(2) "File Sealing"). */
  seals(): number {
    return -EINVAL;
  }
  addSeals(_seals: number): number {
    return -EINVAL;
  }

  // Extended attributes (xattr(7)); the VFS has checked the namespace rules.
  getxattr(_name: string): Uint8Array | number {
    return -ENOTSUP;
  }
  setxattr(_name: string, _value: Uint8Array, _flags: number): number {
    return -ENOTSUP;
  }
  listxattr(): string[] | number {
    return [];
  }
  removexattr(_name: string): number {
    return -ENOTSUP;
  }

  /** The last dentry and description let go of it: free what it holds. Cached inodes may be looked up again. */
  forget(): void {
    // most inodes hold nothing
  }
}
