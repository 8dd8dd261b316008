/** Regular files of an overlay: the lower file's bytes until somebody opens it to write, then a copy. */
import { S_IFREG } from '../../abi/stat.ts';
import type { Mappable } from '../../mm/mappable.ts';
import type { CallerContext } from '../../vfs/context.ts';
import type { FileDescription } from '../../vfs/file-description.ts';
import type { Inode } from '../../vfs/inode.ts';
import type { Path } from '../../vfs/path.ts';
import { openRegular } from '../../vfs/regular-file.ts';
import type { SetAttr, Stat } from '../../vfs/stat.ts';
import { copyContent } from './copy-up.ts';
import type { OverlayDirectory } from './directory.ts';
import { OverlayNode } from './node.ts';
import type { Overlayfs } from './overlayfs.ts';

export class OverlayFile extends OverlayNode {
  /** A nameless file of the upper filesystem with the content; null while the lower one shows through. */
  private upper: Inode | null;
  private mayBeLinked = false;

  constructor(
    fs: Overlayfs,
    lower: Inode | null,
    upper: Inode | null,
    parent: OverlayDirectory | null,
    name: string,
  ) {
    super(fs, lower, parent, name);
    this.upper = upper;
    if (upper !== null) {
      upper.refs++;
      this.mode = (upper.mode & 0o7777) | S_IFREG;
      this.uid = upper.uid;
      this.gid = upper.gid;
    }
  }

  /**
   * Readers get the bytes of the layer that has them now: a description opened before a copy-up goes on showing the
   * lower file, as on Linux (overlayfs, "Non-standard behavior").
   */
  override open(path: Path, flags: number, ctx: CallerContext): FileDescription | number {
    if ((((flags & 3) + 1) & 2) !== 0) {
      const upper = this.copyUp(ctx, true);
      if (typeof upper === 'number') return upper;
    }
    return openRegular(path, flags, this, this.upper ?? this.lower!);
  }

  private data(): Inode {
    return this.upper ?? this.lower!;
  }
  override size(): number {
    return this.data().size();
  }
  override readAt(buf: Uint8Array, off: number, len: number, pos: number): number {
    return this.data().readAt(buf, off, len, pos);
  }
  override seekData(offset: number, hole: boolean): number {
    return this.data().seekData(offset, hole);
  }
  override fsync(dataOnly: boolean): number {
    return this.upper === null ? 0 : this.upper.fsync(dataOnly);
  }
  override mappable(): Mappable | null {
    return this.data().mappable();
  }

  /** With an upper file the attributes are that one's: writing changes its times. */
  override stat(out: Stat): number {
    if (this.upper === null) {
      const r = super.stat(out);
      // Attributes of our own, bytes still below.
      if (r === 0 && this.own) out.blocks = Math.ceil(out.size / 512);
      return r;
    }
    const r = this.upper.stat(out);
    out.dev = this.fs.dev;
    out.ino = this.ino;
    out.nlink = this.nlink;
    return r;
  }

  override setattr(attr: SetAttr, ctx: CallerContext): number {
    if (attr.size !== undefined && this.upper === null) {
      // Cut to nothing: nothing to copy.
      const upper = this.copyUp(ctx, attr.size > 0);
      if (typeof upper === 'number') return upper;
    }
    const { upper } = this;
    if (upper === null) return super.setattr(attr, ctx);
    this.enter();
    const r = upper.setattr(attr, ctx);
    if (r < 0) return r;
    if (attr.mode !== undefined) this.mode = (attr.mode & 0o7777) | S_IFREG;
    if (attr.uid !== undefined) this.uid = attr.uid;
    if (attr.gid !== undefined) this.gid = attr.gid;
    return 0;
  }

  override changed(): void {
    super.changed();
    // Link counts and attributes: the shown ctime is the upper file's.
    this.upper?.setattr({}, NOBODY);
  }

  override accessed(mountFlags: number): void {
    if (this.upper !== null) this.upper.accessed(mountFlags);
    else super.accessed(mountFlags);
  }

  /** Gives the file content of its own; `withData` false when it is about to be cut off anyway. */
  private copyUp(ctx: CallerContext, withData: boolean): Inode | number {
    if (this.upper !== null) return this.upper;
    this.takeOver();
    const upper = this.fs.newContent(this.mode, ctx);
    if (typeof upper === 'number') return upper;
    if (withData) {
      const r = copyContent(this.lower!, upper);
      if (r < 0) {
        upper.forget();
        return r;
      }
    }
    upper.refs++;
    upper.setattr(
      {
        mode: this.mode & 0o7777,
        uid: this.uid,
        gid: this.gid,
        atimeSec: this.atimeSec,
        atimeNsec: this.atimeNsec,
        mtimeSec: this.mtimeSec,
        mtimeNsec: this.mtimeNsec,
      },
      ctx,
    );
    this.upper = upper;
    return upper;
  }

  /** O_TMPFILE: may get a first name. */
  setNameless(): void {
    this.nlink = 0;
    this.mayBeLinked = true;
  }
  override linkable(): boolean {
    return this.nlink > 0 || this.mayBeLinked;
  }
  override dropLink(): void {
    this.mayBeLinked = false;
    super.dropLink();
  }

  protected override freeContent(): void {
    const { upper } = this;
    if (upper === null) return;
    this.upper = null;
    if (--upper.refs === 0) upper.forget();
  }
}

/** setattr of a file in memory asks nothing of its caller. */
const NOBODY = null as unknown as CallerContext;
