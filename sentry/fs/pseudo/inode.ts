/** What all generated inodes share: attributes, time stamps, and chmod and chown where they are allowed. */
import { EACCES, EINVAL, ENOENT, EPERM } from '../../abi/errno.ts';
import type { Credentials } from '../../auth/credentials.ts';
import type { CallerContext } from '../../vfs/context.ts';
import { Inode } from '../../vfs/inode.ts';
import type { SetAttr, Stat } from '../../vfs/stat.ts';
import type { PseudoFilesystem } from './filesystem.ts';

export abstract class PseudoInode extends Inode {
  readonly fs: PseudoFilesystem;
  protected timeMs: number;

  /** `mode` includes the type bits. */
  constructor(fs: PseudoFilesystem, mode: number, creds: Credentials | null = null) {
    super();
    this.fs = fs;
    this.ino = fs.nextIno();
    this.mode = mode;
    this.timeMs = fs.bornMs;
    if (creds !== null) {
      this.uid = creds.fsuid;
      this.gid = creds.fsgid;
    }
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
    out.blksize = this.blockSize();
    out.blocks = 0;
    const sec = Math.floor(this.timeMs / 1000);
    const nsec = (this.timeMs - sec * 1000) * 1_000_000;
    out.atimeSec = out.mtimeSec = out.ctimeSec = sec;
    out.atimeNsec = out.mtimeNsec = out.ctimeNsec = nsec;
    out.btimeSec = -1;
    out.btimeNsec = 0;
    return 0;
  }

  /** proc and devpts say 1024, others a page. */
  protected blockSize(): number {
    return this.fs.type === 'proc' || this.fs.type === 'devpts' ? 1024 : 4096;
  }

  /** Truncation (O_TRUNC by a shell's `>`) is accepted and does nothing; other changes are refused. */
  override setattr(attr: SetAttr, _ctx: CallerContext): number {
    const changes = attr.mode !== undefined || attr.uid !== undefined || attr.gid !== undefined;
    return changes ? -EPERM : 0;
  }

  override fsync(_dataOnly: boolean): number {
    return this.fs.type === 'proc' || this.fs.type === 'sysfs' ? -EINVAL : 0;
  }

  override truncate(_size: number): number {
    return 0;
  }

  override create(_name: string, _mode: number, _ctx: CallerContext): Inode | number {
    return this.refusal(-EACCES);
  }

  override mkdir(_name: string, _mode: number, _ctx: CallerContext): Inode | number {
    return this.refusal(-EPERM);
  }

  override mknod(_name: string, _mode: number, _rdev: number, _ctx: CallerContext): Inode | number {
    return this.refusal(-EPERM);
  }

  override symlink(_name: string, _target: string, _ctx: CallerContext): Inode | number {
    return this.refusal(-EPERM);
  }

  override link(_name: string, _target: Inode, _ctx: CallerContext): number {
    return this.refusal(-EPERM);
  }

  /** proc's lookup fails for any other name, so that making one fails before it is tried. */
  private refusal(error: number): number {
    return this.fs.type === 'proc' ? -ENOENT : error;
  }
}
