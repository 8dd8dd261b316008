/**
 * An overlay in memory: a lower tree that nothing changes, and the changes over it, kept as inodes here with their
 * content in nameless files of an upper filesystem (a tmpfs). Linux's overlayfs is the model
 * (Documentation/filesystems/overlayfs.rst); it behaves as with redirect_dir, index and metacopy on.
 */
import { OVERLAYFS_SUPER_MAGIC } from '../../abi/mount.ts';
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '../../abi/stat.ts';
import { newAnonymousDev } from '../../vfs/anon-dev.ts';
import type { CallerContext } from '../../vfs/context.ts';
import type { Filesystem, Inode, StatFs } from '../../vfs/inode.ts';
import { OverlayDirectory } from './directory.ts';
import { OverlayFile } from './file.ts';
import type { OverlayNode } from './node.ts';
import { OverlaySpecial, OverlaySymlink } from './special.ts';

/** Numbers of inodes made here begin above those that real filesystems use. */
const FIRST_INO = 2 ** 40;

export class Overlayfs implements Filesystem {
  readonly type = 'overlay';
  readonly dev = newAnonymousDev();
  private readonly upper: Filesystem;
  private readonly lowerFs: Filesystem;
  private readonly top: OverlayDirectory;
  private nextIno = FIRST_INO;
  /** Inodes that were made here and still exist. */
  private made = 0;
  private readonly maxInodes: number;
  /** Lower files with several names, by lower inode number: all names lead to one node. */
  private readonly linked = new Map<number, OverlayNode>();

  /** `lower` must never change but through this; `upper` supports O_TMPFILE. */
  constructor(lower: Filesystem, upper: Filesystem, maxInodes = 1 << 20) {
    this.maxInodes = maxInodes;
    this.lowerFs = lower;
    this.upper = upper;
    this.top = new OverlayDirectory(this, lower.root(), null, '');
  }

  root(): OverlayDirectory {
    return this.top;
  }
  newIno(): number {
    this.made++;
    return this.nextIno++;
  }
  /** No more inodes may be made: ENOSPC. */
  full(): boolean {
    return this.made >= this.maxInodes;
  }
  /** An inode made here is gone. */
  unmade(): void {
    this.made--;
  }

  /** The overlay's inode for what a lower directory has under a name. */
  nodeOf(lower: Inode, parent: OverlayDirectory, name: string): OverlayNode {
    const type = lower.mode & S_IFMT;
    if (type === S_IFDIR) return new OverlayDirectory(this, lower, parent, name);
    const shared = lower.nlink > 1;
    if (shared) {
      const known = this.linked.get(lower.ino);
      if (known !== undefined) return known;
    }
    const node =
      type === S_IFREG
        ? new OverlayFile(this, lower, null, parent, name)
        : type === S_IFLNK
          ? new OverlaySymlink(this, lower, '', parent, name)
          : new OverlaySpecial(this, lower, parent, name);
    if (shared) this.linked.set(lower.ino, node);
    return node;
  }

  /** A node is given up: other names of its lower file, if any are left, get a new one. */
  unlinkedIdentity(node: OverlayNode): void {
    const { lower } = node;
    if (lower !== null && this.linked.get(lower.ino) === node) this.linked.delete(lower.ino);
  }

  /** A nameless file of the upper filesystem, or a negated errno. */
  newContent(mode: number, ctx: CallerContext): Inode | number {
    return this.upper.root().tmpfile(S_IFREG | (mode & 0o7777), ctx);
  }

  statfs(out: StatFs): number {
    const r = this.upper.statfs(out);
    out.type = OVERLAYFS_SUPER_MAGIC;
    out.files = this.maxInodes;
    out.ffree = Math.max(0, this.maxInodes - this.made);
    return r;
  }
  showOptions(): string {
    return 'lowerdir=/,upperdir=/,workdir=/';
  }
  sync(): number {
    return 0;
  }
  destroy(): void {
    this.top.freeTree();
    this.upper.destroy();
    this.lowerFs.destroy();
  }
}
