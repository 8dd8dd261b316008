/** Inodes without a name in any tree: pipes, sockets, and the one that eventfd, epoll and their like share. */
import { EINVAL, ENXIO, EOPNOTSUPP } from '../abi/errno.ts';
import { panic } from '../base/panic.ts';
import type { CallerContext } from './context.ts';
import type { FileDescription } from './file-description.ts';
import { Inode } from './inode.ts';
import type { Path } from './path.ts';
import { statfsWithoutBlocks, type Filesystem, type StatFs } from './inode.ts';
import type { SetAttr, Stat } from './stat.ts';

/** A filesystem that is never mounted. */
export class AnonFilesystem implements Filesystem {
  readonly noexec = true;
  readonly type: string;
  readonly dev: number;
  private readonly magic: number;
  /** Some programs (netstat) take "socket:[1]" to be too short. */
  private lastIno = 20_000;

  constructor(type: string, dev: number, magic: number) {
    this.type = type;
    this.dev = dev;
    this.magic = magic;
  }
  nextIno(): number {
    return ++this.lastIno;
  }
  root(): Inode {
    return panic(`${this.type} has no root`);
  }
  statfs(out: StatFs): number {
    return statfsWithoutBlocks(out, this.magic);
  }
  sync(): number {
    return 0;
  }
  destroy(): void {
    // lives as long as the kernel
  }
}

export class AnonInode extends Inode {
  readonly fs: AnonFilesystem;
  private atimeMs: number;
  private mtimeMs: number;
  private ctimeMs: number;

  constructor(fs: AnonFilesystem, mode: number, uid: number, gid: number) {
    super();
    this.fs = fs;
    this.ino = fs.nextIno();
    this.mode = mode;
    this.uid = uid;
    this.gid = gid;
    this.atimeMs = this.mtimeMs = this.ctimeMs = Date.now();
  }

  stat(out: Stat): number {
    out.dev = this.fs.dev;
    out.ino = this.ino;
    out.mode = this.mode;
    out.nlink = this.nlink;
    out.uid = this.uid;
    out.gid = this.gid;
    out.rdev = 0;
    out.size = 0;
    out.blksize = 4096;
    out.blocks = 0;
    out.atimeSec = Math.floor(this.atimeMs / 1000);
    out.atimeNsec = (this.atimeMs % 1000) * 1e6;
    out.mtimeSec = Math.floor(this.mtimeMs / 1000);
    out.mtimeNsec = (this.mtimeMs % 1000) * 1e6;
    out.ctimeSec = Math.floor(this.ctimeMs / 1000);
    out.ctimeNsec = (this.ctimeMs % 1000) * 1e6;
    out.btimeSec = -1;
    out.btimeNsec = 0;
    return 0;
  }

  override setattr(attr: SetAttr): number {
    if (attr.size !== undefined) return -EINVAL;
    if (attr.mode !== undefined) this.mode = (this.mode & ~0o7777) | attr.mode;
    if (attr.uid !== undefined) this.uid = attr.uid;
    if (attr.gid !== undefined) this.gid = attr.gid;
    if (attr.atimeSec !== undefined)
      this.atimeMs = attr.atimeSec * 1000 + Math.floor((attr.atimeNsec ?? 0) / 1e6);
    if (attr.mtimeSec !== undefined)
      this.mtimeMs = attr.mtimeSec * 1000 + Math.floor((attr.mtimeNsec ?? 0) / 1e6);
    this.ctimeMs = Date.now();
    return 0;
  }

  open(_path: Path | null, _flags: number, _ctx: CallerContext): FileDescription | number {
    return -ENXIO;
  }
}

/** Nobody's: its mode, owner and times can't be changed. */
class SharedAnonInode extends AnonInode {
  override setattr(): number {
    return -EOPNOTSUPP;
  }
}

const anonInodeFs = new AnonFilesystem('anon_inodefs', 14, 0x09041934);
/** The inode of every eventfd, epoll, inotify, timerfd, signalfd: mode 0600 without a type, as in Linux. */
export const sharedAnonInode = new SharedAnonInode(anonInodeFs, 0o600, 0, 0);
