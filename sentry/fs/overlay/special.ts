/** Symbolic links, devices, FIFOs and sockets of an overlay. */
import { EINVAL, ELOOP } from '../../abi/errno.ts';
import { S_IFLNK } from '../../abi/stat.ts';
import type { CallerContext } from '../../vfs/context.ts';
import type { FileDescription } from '../../vfs/file-description.ts';
import type { Inode } from '../../vfs/inode.ts';
import type { Path } from '../../vfs/path.ts';
import { openSpecial } from '../../vfs/special-files.ts';
import type { OverlayDirectory } from './directory.ts';
import { OverlayNode } from './node.ts';
import type { Overlayfs } from './overlayfs.ts';

export class OverlaySymlink extends OverlayNode {
  private readonly text: string;

  constructor(
    fs: Overlayfs,
    lower: Inode | null,
    text: string,
    parent: OverlayDirectory | null,
    name: string,
  ) {
    super(fs, lower, parent, name);
    this.text = text;
    if (lower === null) this.mode = S_IFLNK | 0o777;
  }
  override size(): number {
    return this.lower === null ? this.text.length : this.lower.size();
  }
  override readlink(ctx: CallerContext): string | number {
    return this.lower === null ? this.text : this.lower.readlink(ctx);
  }
  override open(): number {
    return -ELOOP;
  }
}

export class OverlaySpecial extends OverlayNode {
  override open(path: Path, flags: number, ctx: CallerContext): FileDescription | number {
    return openSpecial(this, path, flags, ctx);
  }
  override truncate(): number {
    return -EINVAL;
  }
}
