/** Open directories: "." and "..", then what the inode lists, at offsets that stay valid while names go and come. */
import { EINVAL, EISDIR, ENOENT } from '../abi/errno.ts';
import { O_NOATIME, SEEK_CUR, SEEK_SET } from '../abi/fcntl.ts';
import { DT_DIR } from '../abi/stat.ts';
import type { CallerContext } from './context.ts';
import { FileDescription } from './file-description.ts';
import type { DirentSink, Inode } from './inode.ts';
import type { Path } from './path.ts';

/** Offsets of the first entry after "." (0) and ".." (1). */
export const FIRST_ENTRY = 2;

/** What a directory inode gives to list it. One object per open description; it may keep its place. */
export interface DirectoryLister {
  /**
   * Adds entries whose offset is >= `from` (FIRST_ENTRY at first) until the sink is full. Returns the offset to go on
   * from, or a negated errno.
   */
  list(from: number, sink: DirentSink, ctx: CallerContext): number;
}

export class DirectoryFile extends FileDescription {
  private readonly lister: DirectoryLister;

  constructor(path: Path, flags: number, inode: Inode, lister: DirectoryLister) {
    super(flags, path, inode);
    this.lister = lister;
  }

  override readdir(sink: DirentSink, ctx: CallerContext): number {
    const path = this.path!;
    // A removed directory lists nothing, not even dots.
    if (path.dentry.deleted && path.dentry.parent !== null && this.inode!.nlink === 0) return -ENOENT;
    if (this.pos === 0) {
      if (!sink.add('.', this.inode!.ino, DT_DIR, 1)) return 0;
      this.pos = 1;
    }
    if (this.pos === 1) {
      if (!sink.add('..', parentIno(path), DT_DIR, FIRST_ENTRY)) return 0;
      this.pos = FIRST_ENTRY;
    }
    const r = this.lister.list(this.pos, sink, ctx);
    if (r < 0) return r;
    this.pos = r;
    if ((this.flags & O_NOATIME) === 0) this.inode!.accessed(path.mount.flags);
    return 0;
  }

  override read(): number {
    return -EISDIR;
  }
  override pread(): number {
    return -EISDIR;
  }
  override seek(offset: number, whence: number): number {
    const to = whence === SEEK_SET ? offset : whence === SEEK_CUR ? this.pos + offset : -1;
    if (to < 0) return -EINVAL;
    this.pos = to;
    return to;
  }
  override fsync(dataOnly: boolean): number {
    return this.inode!.fsync(dataOnly);
  }
}

function parentIno(path: Path): number {
  let { mount, dentry } = path;
  while (dentry === mount.root && mount.parent !== null && mount.mountpoint !== null) {
    dentry = mount.mountpoint;
    mount = mount.parent;
  }
  return (dentry.parent ?? dentry).inode?.ino ?? 0;
}
