/** Generated directories: fixed ones filled at start, and those whose names are asked for each time. */
import { ENOENT } from '../../abi/errno.ts';
import { S_IFDIR, dtype } from '../../abi/stat.ts';
import type { CallerContext } from '../../vfs/context.ts';
import { DirectoryFile, FIRST_ENTRY } from '../../vfs/directory-file.ts';
import type { FileDescription } from '../../vfs/file-description.ts';
import type { DirentSink, Inode } from '../../vfs/inode.ts';
import type { Path } from '../../vfs/path.ts';
import type { PseudoFilesystem } from './filesystem.ts';
import { PseudoInode } from './inode.ts';

/** Names and inodes that never change once the tree is built. */
export class StaticDirectory extends PseudoInode {
  protected readonly entries = new Map<string, Inode>();

  constructor(fs: PseudoFilesystem, mode = 0o555) {
    super(fs, S_IFDIR | mode);
    this.nlink = 2;
  }

  /** Adds and returns a child. */
  add<T extends Inode>(name: string, child: T): T {
    this.entries.set(name, child);
    if ((child.mode & S_IFDIR) === S_IFDIR) this.nlink++;
    return child;
  }

  /** The directory of this name, made when it is missing. */
  directory(name: string): StaticDirectory {
    const known = this.entries.get(name);
    return known instanceof StaticDirectory ? known : this.add(name, new StaticDirectory(this.fs));
  }

  /** Entries that are not there for the time being. */
  protected hides(_name: string): boolean {
    return false;
  }

  override lookup(name: string, _ctx: CallerContext): Inode | number {
    return this.hides(name) ? -ENOENT : (this.entries.get(name) ?? -ENOENT);
  }

  override open(path: Path, flags: number, _ctx: CallerContext): FileDescription | number {
    return new DirectoryFile(path, flags, this, {
      list: (from, sink) => {
        let offset = FIRST_ENTRY;
        for (const [name, child] of this.entries) {
          const shown = offset >= from && !this.hides(name);
          if (shown && !sink.add(name, child.ino, dtype(child.mode), offset + 1)) return offset;
          offset++;
        }
        return Math.max(from, offset);
      },
    });
  }
}

/** One name of a dynamic directory. */
export interface DynamicEntry {
  readonly name: string;
  readonly ino: number;
  readonly dtype: number;
  /** Position among its siblings, >= FIRST_ENTRY, growing in listing order and stable while names come and go. */
  readonly offset: number;
}

/** Names that come and go by themselves. Nothing of it is cached by the VFS. */
export abstract class DynamicDirectory extends PseudoInode {
  constructor(fs: PseudoFilesystem, mode = 0o555) {
    super(fs, S_IFDIR | mode);
    this.nlink = 2;
  }

  override cacheable(): boolean {
    return false;
  }

  abstract override lookup(name: string, ctx: CallerContext): Inode | number;
  /** The entries at offsets >= from, in order; or a negated errno. */
  protected abstract listFrom(from: number, ctx: CallerContext): Iterable<DynamicEntry> | number;

  override open(path: Path, flags: number, _ctx: CallerContext): FileDescription | number {
    return new DirectoryFile(path, flags, this, {
      list: (from: number, sink: DirentSink, ctx: CallerContext) => {
        const entries = this.listFrom(from, ctx);
        if (typeof entries === 'number') return entries;
        let next = from;
        for (const entry of entries) {
          if (entry.offset < from) continue;
          if (!sink.add(entry.name, entry.ino, entry.dtype, entry.offset + 1)) return entry.offset;
          next = entry.offset + 1;
        }
        return next;
      },
    });
  }
}
