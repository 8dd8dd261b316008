/** Directories of tmpfs. */
import { EISDIR, ENOENT, ENOSPC, ENOTEMPTY, EMLINK } from '../../abi/errno.ts';
import { RENAME_EXCHANGE, RENAME_WHITEOUT } from '../../abi/fcntl.ts';
import { S_IFCHR, S_IFDIR, S_IFMT } from '../../abi/stat.ts';
import type { CallerContext } from '../../vfs/context.ts';
import { DirectoryFile } from '../../vfs/directory-file.ts';
import { EntryList } from '../../vfs/entry-list.ts';
import type { FileDescription } from '../../vfs/file-description.ts';
import type { Inode } from '../../vfs/inode.ts';
import type { Path } from '../../vfs/path.ts';
import { inheritGroup } from '../../vfs/permission.ts';
import { TmpfsFile } from './file.ts';
import { TmpfsInode, TmpfsSpecial, TmpfsSymlink } from './inode.ts';
import type { Tmpfs } from './tmpfs.ts';

/** What an entry, "." and ".." too, adds to st_size, as in Linux's tmpfs. */
const ENTRY_SIZE = 20;
const MAX_LINKS = 0x7fffffff;

export class TmpfsDirectory extends TmpfsInode {
  private readonly entries = new EntryList<TmpfsInode>();

  constructor(fs: Tmpfs, mode: number, uid: number, gid: number) {
    super(fs, (mode & 0o7777) | S_IFDIR, uid, gid);
    this.nlink = 2;
  }

  override size(): number {
    return (this.entries.size + 2) * ENTRY_SIZE;
  }

  override open(path: Path, flags: number, _ctx: CallerContext): FileDescription | number {
    return new DirectoryFile(path, flags, this, this.entries.lister());
  }

  override lookup(name: string, _ctx: CallerContext): Inode | number {
    return this.entries.get(name) ?? -ENOENT;
  }

  override create(name: string, mode: number, ctx: CallerContext): Inode | number {
    if (!this.fs.takeInode()) return -ENOSPC;
    return this.put(name, new TmpfsFile(this.fs, mode, ctx.creds.fsuid, inheritGroup(this, ctx.creds)));
  }

  override mkdir(name: string, mode: number, ctx: CallerContext): Inode | number {
    if (!this.fs.takeInode()) return -ENOSPC;
    this.nlink++;
    return this.put(name, new TmpfsDirectory(this.fs, mode, ctx.creds.fsuid, inheritGroup(this, ctx.creds)));
  }

  override mknod(name: string, mode: number, rdev: number, ctx: CallerContext): Inode | number {
    if (!this.fs.takeInode()) return -ENOSPC;
    return this.put(
      name,
      new TmpfsSpecial(this.fs, mode, rdev, ctx.creds.fsuid, inheritGroup(this, ctx.creds)),
    );
  }

  override symlink(name: string, target: string, ctx: CallerContext): Inode | number {
    if (!this.fs.takeInode()) return -ENOSPC;
    return this.put(name, new TmpfsSymlink(this.fs, target, ctx.creds.fsuid, inheritGroup(this, ctx.creds)));
  }

  override tmpfile(mode: number, ctx: CallerContext): Inode | number {
    if (!this.fs.takeInode()) return -ENOSPC;
    const file = new TmpfsFile(this.fs, mode, ctx.creds.fsuid, inheritGroup(this, ctx.creds));
    file.nlink = 0;
    return file;
  }

  override link(name: string, target: Inode, _ctx: CallerContext): number {
    const inode = target as TmpfsInode;
    if (inode.nlink >= MAX_LINKS) return -EMLINK;
    inode.nlink++;
    inode.changed();
    this.put(name, inode);
    return 0;
  }

  override unlink(name: string, child: Inode, _ctx: CallerContext): number {
    this.entries.delete(name);
    this.modified();
    (child as TmpfsInode).dropLink();
    return 0;
  }

  override rmdir(name: string, child: Inode, _ctx: CallerContext): number {
    const dir = child as TmpfsDirectory;
    if (dir.entries.size > 0) return -ENOTEMPTY;
    this.entries.delete(name);
    this.nlink--;
    this.modified();
    dir.removed();
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
    const moved = child as TmpfsInode;
    const to = newDir as TmpfsDirectory;
    if ((flags & RENAME_EXCHANGE) !== 0) {
      const other = replaced as TmpfsInode;
      this.entries.replace(oldName, other);
      to.entries.replace(newName, moved);
      if (isDir(moved) !== isDir(other)) {
        this.nlink += isDir(other) ? 1 : -1;
        to.nlink += isDir(moved) ? 1 : -1;
      }
      other.changed();
    } else {
      if (replaced instanceof TmpfsDirectory && replaced.entries.size > 0) return -ENOTEMPTY;
      if ((flags & RENAME_WHITEOUT) !== 0 && !this.fs.takeInode()) return -ENOSPC;
      this.entries.delete(oldName);
      to.entries.replace(newName, moved);
      if (isDir(moved)) {
        this.nlink--;
        to.nlink++;
      }
      if (replaced instanceof TmpfsDirectory) {
        to.nlink--;
        replaced.removed();
      } else if (replaced !== null) (replaced as TmpfsInode).dropLink();
      if ((flags & RENAME_WHITEOUT) !== 0) {
        this.put(oldName, new TmpfsSpecial(this.fs, S_IFCHR, 0, ctx.creds.fsuid, ctx.creds.fsgid));
      }
    }
    moved.changed();
    this.modified();
    to.modified();
    return 0;
  }

  override truncate(): number {
    return -EISDIR;
  }

  /** The filesystem goes: frees what files hold on the host. */
  freeTree(): void {
    for (const child of this.entries.children()) {
      if (child instanceof TmpfsDirectory) child.freeTree();
      else if (child.refs === 0) {
        child.nlink = 0;
        child.forget();
      }
    }
  }

  private removed(): void {
    this.nlink = 0;
    this.changed();
    if (this.refs === 0) this.forget();
  }

  private put(name: string, inode: TmpfsInode): Inode {
    this.entries.set(name, inode);
    this.modified();
    return inode;
  }
}

function isDir(inode: Inode): boolean {
  return (inode.mode & S_IFMT) === S_IFDIR;
}
