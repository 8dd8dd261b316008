/**
 * What all overlay inodes share. An inode is "clean" while it only shows its lower one; the first change makes it
 * "own": attributes move into memory, and the inode is entered in its directory, and that in its own, up to the root,
 * so that no eviction from the dentry cache can lose it.
 */
import { ENODATA } from '../../abi/errno.ts';
import type { CallerContext } from '../../vfs/context.ts';
import type { Inode } from '../../vfs/inode.ts';
import { MemoryInode } from '../../vfs/memory-inode.ts';
import { Stat } from '../../vfs/stat.ts';
import type { SetAttr } from '../../vfs/stat.ts';
import type { OverlayDirectory } from './directory.ts';
import type { Overlayfs } from './overlayfs.ts';

const scratch = new Stat();

export abstract class OverlayNode extends MemoryInode {
  override readonly fs: Overlayfs;
  /** What shows through; null for what was made here. Never changes. */
  readonly lower: Inode | null;
  /** Where it was found or put last. null: the root, or without a name. */
  parent: OverlayDirectory | null;
  name: string;
  /** Attributes are kept here and no longer the lower inode's. */
  protected own: boolean;
  /** Takes one of the filesystem's inodes. */
  private counted: boolean;
  /** Extended attributes likewise. */
  private ownXattrs: boolean;

  constructor(fs: Overlayfs, lower: Inode | null, parent: OverlayDirectory | null, name: string) {
    super();
    this.fs = fs;
    this.lower = lower;
    this.parent = parent;
    this.name = name;
    this.own = lower === null;
    this.counted = lower === null;
    this.ownXattrs = lower === null;
    if (lower === null) {
      this.ino = fs.newIno();
      this.born();
    } else {
      lower.refs++;
      this.ino = lower.ino;
      this.mode = lower.mode;
      this.uid = lower.uid;
      this.gid = lower.gid;
      this.nlink = lower.nlink;
      this.rdev = lower.rdev;
    }
  }

  /** Numbers and device of the overlay, whatever layer the rest comes from: stable across copy-up. */
  override stat(out: Stat): number {
    if (this.own) return super.stat(out);
    const r = this.lower!.stat(out);
    if (r < 0) return r;
    out.dev = this.fs.dev;
    out.ino = this.ino;
    out.nlink = this.nlink;
    return 0;
  }

  override setattr(attr: SetAttr, ctx: CallerContext): number {
    this.takeOver();
    return super.setattr(attr, ctx);
  }

  /** Before the first change of attributes. */
  takeOver(): void {
    this.enter();
    if (this.own) return;
    if (this.lower!.stat(scratch) === 0) {
      this.atimeSec = scratch.atimeSec;
      this.atimeNsec = scratch.atimeNsec;
      this.mtimeSec = scratch.mtimeSec;
      this.mtimeNsec = scratch.mtimeNsec;
      this.ctimeSec = scratch.ctimeSec;
      this.ctimeNsec = scratch.ctimeNsec;
      this.btimeSec = scratch.btimeSec;
      this.btimeNsec = scratch.btimeNsec;
    }
    this.own = true;
  }

  /** Makes its directory hold on to it. */
  enter(): void {
    this.parent?.keep(this.name, this);
  }

  /** Times of what only shows through are the lower layer's business. */
  override accessed(mountFlags: number): void {
    if (this.own) super.accessed(mountFlags);
  }

  /** The name is no longer its own: what happens to it from now on must not bring the name back. */
  leave(dir: OverlayDirectory, name: string): void {
    if (this.parent === dir && this.name === name) this.parent = null;
  }

  /** One name less. */
  dropLink(): void {
    this.takeOverNameless();
    this.nlink--;
    this.changed();
    if (this.refs === 0) this.forget();
  }
  /** Attributes become its own without entering a directory: its name is about to go. */
  protected takeOverNameless(): void {
    const { parent } = this;
    this.parent = null;
    this.takeOver();
    this.parent = parent;
  }

  override forget(): void {
    if (this.nlink > 0 && this.kept()) return;
    this.fs.unlinkedIdentity(this);
    this.freeContent();
    const { lower } = this;
    if (lower === null) {
      if (this.counted) this.fs.unmade();
      this.counted = false;
    } else if (--lower.refs === 0) {
      lower.forget();
    }
  }
  /** True while its directory holds on to it: then it must survive without dentries. */
  private kept(): boolean {
    return this.parent === null || this.parent.keeps(this.name, this) || this.own;
  }
  protected freeContent(): void {
    // most kinds have none
  }

  // ---- extended attributes
  override getxattr(name: string): Uint8Array | number {
    return this.ownXattrs ? super.getxattr(name) : this.lower!.getxattr(name);
  }
  override listxattr(): string[] | number {
    return this.ownXattrs ? super.listxattr() : this.lower!.listxattr();
  }
  override setxattr(name: string, value: Uint8Array, flags: number): number {
    this.takeOverXattrs();
    return super.setxattr(name, value, flags);
  }
  override removexattr(name: string): number {
    if (typeof this.getxattr(name) === 'number') return -ENODATA;
    this.takeOverXattrs();
    return super.removexattr(name);
  }
  private takeOverXattrs(): void {
    this.takeOver();
    if (this.ownXattrs) return;
    const names = this.lower!.listxattr();
    if (typeof names !== 'number') {
      for (const name of names) {
        const value = this.lower!.getxattr(name);
        if (typeof value !== 'number') (this.xattrs ??= new Map()).set(name, value);
      }
    }
    this.ownXattrs = true;
  }
}
