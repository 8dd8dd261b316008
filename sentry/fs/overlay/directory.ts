/**
 * Directories of an overlay: what was changed here (entries; null marks a removed lower name, a whiteout) over what
 * the lower directory has. A renamed lower directory takes its lower inode along, so nothing need be copied.
 */
import { EISDIR, EMLINK, ENOENT, ENOSPC, ENOTEMPTY } from '../../abi/errno.ts';
import { RENAME_EXCHANGE, RENAME_WHITEOUT } from '../../abi/fcntl.ts';
import { dtype, S_IFCHR, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '../../abi/stat.ts';
import type { CallerContext } from '../../vfs/context.ts';
import { DirectoryFile } from '../../vfs/directory-file.ts';
import type { FileDescription } from '../../vfs/file-description.ts';
import type { DirentSink, Inode } from '../../vfs/inode.ts';
import { Dentry, Mount, Path } from '../../vfs/path.ts';
import { inheritGroup } from '../../vfs/permission.ts';
import { OverlayFile } from './file.ts';
import { listLower, MergedLister } from './merged-list.ts';
import { OverlayNode } from './node.ts';
import type { Overlayfs } from './overlayfs.ts';
import { OverlaySpecial, OverlaySymlink } from './special.ts';

const MAX_LINKS = 0x7fffffff;

export class OverlayDirectory extends OverlayNode {
  /** Names that this layer decides; null: removed. */
  private readonly entries = new Map<string, OverlayNode | null>();
  private named = 0;

  constructor(fs: Overlayfs, lower: Inode | null, parent: OverlayDirectory | null, name: string) {
    super(fs, lower, parent, name);
    if (lower === null) this.nlink = 2;
  }

  override size(): number {
    return this.lower?.size() ?? 4096;
  }

  override open(path: Path, flags: number, _ctx: CallerContext): FileDescription | number {
    return new DirectoryFile(path, flags, this, new MergedLister(this, path));
  }

  override prefetch(names: readonly string[], ctx: CallerContext): void {
    if (!this.entries.has(names[0]!)) this.lower?.prefetch?.(names, ctx);
  }

  override lookup(name: string, ctx: CallerContext): Inode | number {
    const entry = this.entries.get(name);
    if (entry !== undefined) return entry ?? -ENOENT;
    if (this.lower === null) return -ENOENT;
    const below = this.lower.lookup(name, ctx);
    return typeof below === 'number' ? below : this.fs.nodeOf(below, this, name);
  }

  /** This layer has an opinion on the name. */
  decides(name: string): boolean {
    return this.entries.has(name);
  }
  /** Lists what this layer has; the sink takes all. */
  listOwn(sink: DirentSink): void {
    for (const [name, node] of this.entries) if (node !== null) sink.add(name, node.ino, dtype(node.mode), 0);
  }
  keeps(name: string, node: OverlayNode): boolean {
    return this.entries.get(name) === node;
  }

  /** Holds on to a changed child; its own directory does the same with this one, up to the root. */
  keep(name: string, node: OverlayNode): void {
    if (this.entries.get(name) === node) return;
    this.setEntry(name, node);
    this.enter();
  }

  // ---- making
  override create(name: string, mode: number, ctx: CallerContext): Inode | number {
    if (this.fs.full()) return -ENOSPC;
    const upper = this.fs.newContent(mode, ctx);
    if (typeof upper === 'number') return upper;
    const node = new OverlayFile(this.fs, null, upper, this, name);
    this.giveOwner(node, mode, ctx);
    upper.setattr({ mode: mode & 0o7777, uid: node.uid, gid: node.gid }, ctx);
    return this.put(name, node);
  }

  override mkdir(name: string, mode: number, ctx: CallerContext): Inode | number {
    if (this.fs.full()) return -ENOSPC;
    const node = new OverlayDirectory(this.fs, null, this, name);
    this.giveOwner(node, mode, ctx);
    this.takeOver();
    this.nlink++;
    return this.put(name, node);
  }

  override mknod(name: string, mode: number, rdev: number, ctx: CallerContext): Inode | number {
    if (this.fs.full()) return -ENOSPC;
    const node = new OverlaySpecial(this.fs, null, this, name);
    this.giveOwner(node, mode, ctx);
    node.rdev = rdev;
    return this.put(name, node);
  }

  override symlink(name: string, target: string, ctx: CallerContext): Inode | number {
    if (this.fs.full()) return -ENOSPC;
    const node = new OverlaySymlink(this.fs, null, target, this, name);
    this.giveOwner(node, S_IFLNK | 0o777, ctx);
    return this.put(name, node);
  }

  override tmpfile(mode: number, ctx: CallerContext): Inode | number {
    if (this.fs.full()) return -ENOSPC;
    const upper = this.fs.newContent(mode, ctx);
    if (typeof upper === 'number') return upper;
    const node = new OverlayFile(this.fs, null, upper, null, '');
    this.giveOwner(node, mode, ctx);
    upper.setattr({ mode: mode & 0o7777, uid: node.uid, gid: node.gid }, ctx);
    node.setNameless();
    return node;
  }

  override link(name: string, target: Inode, _ctx: CallerContext): number {
    const node = target as OverlayNode;
    if (node.nlink >= MAX_LINKS) return -EMLINK;
    // The other name keeps it too: two clean nodes of one file would part at the first write.
    node.takeOver();
    node.nlink++;
    node.changed();
    node.parent = this;
    node.name = name;
    this.put(name, node);
    return 0;
  }

  // ---- removing
  override unlink(name: string, child: Inode, ctx: CallerContext): number {
    const node = child as OverlayNode;
    this.removeEntry(name, ctx);
    node.leave(this, name);
    node.dropLink();
    this.touch();
    return 0;
  }

  override rmdir(name: string, child: Inode, ctx: CallerContext): number {
    const dir = child as OverlayDirectory;
    const empty = dir.isEmpty(ctx);
    if (empty < 0) return empty;
    this.removeEntry(name, ctx);
    dir.leave(this, name);
    dir.removed();
    this.touch();
    this.nlink--;
    return 0;
  }

  override rename(
    oldName: string,
    child: Inode,
    newDir: Inode,
    newName: string,
    replaced: Inode | null,
    flags: number,
    ctx: CallerContext,
  ): number {
    const moved = child as OverlayNode;
    const to = newDir as OverlayDirectory;
    if ((flags & RENAME_EXCHANGE) !== 0) {
      const other = replaced as OverlayNode;
      this.place(oldName, other);
      to.place(newName, moved);
      other.changed();
      if (isDir(moved) !== isDir(other)) {
        this.nlink += isDir(other) ? 1 : -1;
        to.nlink += isDir(moved) ? 1 : -1;
      }
    } else {
      if (replaced instanceof OverlayDirectory) {
        const empty = replaced.isEmpty(ctx);
        if (empty < 0) return empty;
      }
      moved.takeOver();
      this.removeEntry(oldName, ctx);
      (replaced as OverlayNode | null)?.leave(to, newName);
      to.place(newName, moved);
      if (replaced instanceof OverlayDirectory) {
        replaced.removed();
        to.nlink--;
      } else if (replaced !== null) (replaced as OverlayNode).dropLink();
      if (isDir(moved)) {
        this.nlink--;
        to.nlink++;
      }
      if ((flags & RENAME_WHITEOUT) !== 0) this.mknod(oldName, S_IFCHR, 0, ctx);
    }
    moved.changed();
    this.touch();
    to.touch();
    return 0;
  }

  override truncate(): number {
    return -EISDIR;
  }

  private place(name: string, node: OverlayNode): void {
    // The new place first: what it enters on taking over must not be the old one.
    node.parent = this;
    node.name = name;
    node.takeOver();
  }

  /** The name shows nothing from now on. */
  private removeEntry(name: string, ctx: CallerContext): void {
    if (this.lower !== null && typeof this.lower.lookup(name, ctx) !== 'number') {
      this.setEntry(name, null);
      this.enter();
    } else {
      if (this.has(name)) this.named--;
      this.entries.delete(name);
    }
  }

  private setEntry(name: string, node: OverlayNode | null): void {
    if (this.has(name)) this.named--;
    if (node !== null) this.named++;
    this.entries.set(name, node);
  }

  /** This layer shows something under the name. */
  private has(name: string): boolean {
    return (this.entries.get(name) ?? null) !== null;
  }

  /** 0, -ENOTEMPTY, or what the lower layer answered. */
  private isEmpty(ctx: CallerContext): number {
    if (this.named > 0) return -ENOTEMPTY;
    if (this.lower === null) return 0;
    let found = false;
    const r = listLower(
      this.lower,
      placeOf(this),
      {
        add: (name) => {
          if (name !== '.' && name !== '..' && !this.entries.has(name)) found = true;
          return true;
        },
      },
      ctx,
    );
    return r < 0 ? r : found ? -ENOTEMPTY : 0;
  }

  /** The filesystem goes: frees what files hold on the host. */
  freeTree(): void {
    for (const node of this.entries.values()) {
      if (node instanceof OverlayDirectory) node.freeTree();
      else if (node?.refs === 0) {
        node.nlink = 0;
        node.forget();
      }
    }
  }

  private removed(): void {
    this.takeOverNameless();
    this.nlink = 0;
    this.changed();
    if (this.refs === 0) this.forget();
  }

  private put(name: string, node: OverlayNode): Inode {
    this.setEntry(name, node);
    this.touch();
    return node;
  }

  /** An entry came or went. */
  private touch(): void {
    this.takeOver();
    this.modified();
  }

  private giveOwner(node: OverlayNode, mode: number, ctx: CallerContext): void {
    const type = mode & S_IFMT;
    node.mode =
      (type === 0 ? (node instanceof OverlayDirectory ? S_IFDIR : S_IFREG) : type) | (mode & 0o7777);
    node.uid = ctx.creds.fsuid;
    node.gid = inheritGroup(this, ctx.creds);
  }
}

function isDir(inode: Inode): boolean {
  return (inode.mode & S_IFMT) === S_IFDIR;
}

/** A place for a description that lives only while a directory is checked for entries. */
function placeOf(dir: OverlayDirectory): Path {
  const dentry = new Dentry(dir.name, null, dir);
  // Held once more, so that letting go of the description leaves it alone.
  dentry.refs = 1;
  return new Path(new Mount(dir.fs, dentry, 0, ''), dentry);
}
