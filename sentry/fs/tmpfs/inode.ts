/** What all tmpfs inodes share; and the kinds without content: symbolic links, devices, FIFOs, sockets. */
import { EINVAL, ELOOP } from '../../abi/errno.ts';
import { S_IFLNK } from '../../abi/stat.ts';
import type { CallerContext } from '../../vfs/context.ts';
import type { FileDescription } from '../../vfs/file-description.ts';
import { MemoryInode } from '../../vfs/memory-inode.ts';
import type { Path } from '../../vfs/path.ts';
import { openSpecial } from '../../vfs/special-files.ts';
import type { Tmpfs } from './tmpfs.ts';

export abstract class TmpfsInode extends MemoryInode {
  override readonly fs: Tmpfs;
  private counted = true;

  /** The caller has taken an inode of the limit. */
  constructor(fs: Tmpfs, mode: number, uid: number, gid: number) {
    super();
    this.fs = fs;
    this.ino = fs.newIno();
    this.mode = mode;
    this.uid = uid;
    this.gid = gid;
    this.born();
  }

  /** One name less. */
  dropLink(): void {
    this.nlink--;
    this.changed();
    if (this.refs === 0) this.forget();
  }

  /** Freed when neither a name nor a user is left. */
  override forget(): void {
    if (this.nlink > 0 || this.inUse()) return;
    if (this.counted) {
      this.counted = false;
      this.fs.usedInodes--;
    }
    this.freeContent();
  }

  protected inUse(): boolean {
    return false;
  }
  protected freeContent(): void {
    // most kinds have none
  }
}

export class TmpfsSymlink extends TmpfsInode {
  private readonly text: string;

  constructor(fs: Tmpfs, text: string, uid: number, gid: number) {
    super(fs, S_IFLNK | 0o777, uid, gid);
    this.text = text;
  }
  override size(): number {
    return this.text.length;
  }
  override readlink(): string | number {
    return this.text;
  }
  override open(): number {
    return -ELOOP;
  }
}

export class TmpfsSpecial extends TmpfsInode {
  constructor(fs: Tmpfs, mode: number, rdev: number, uid: number, gid: number) {
    super(fs, mode, uid, gid);
    this.rdev = rdev;
  }
  override open(path: Path, flags: number, ctx: CallerContext): FileDescription | number {
    return openSpecial(this, path, flags, ctx);
  }
  override truncate(): number {
    return -EINVAL;
  }
}
