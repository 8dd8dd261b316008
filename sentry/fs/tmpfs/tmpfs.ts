/** tmpfs(5): a filesystem in memory. */
import { EINVAL } from '../../abi/errno.ts';
import { TMPFS_MAGIC } from '../../abi/mount.ts';
import { newAnonymousDev } from '../../vfs/anon-dev.ts';
import type { Filesystem, StatFs } from '../../vfs/inode.ts';
import type { PagePool } from './content.ts';
import { TmpfsDirectory } from './directory.ts';
import { parseTmpfsOptions, shownOptions, type TmpfsOptions } from './options.ts';
import { defaultStore, type FileStore } from '../../vfs/file-store.ts';

export class Tmpfs implements Filesystem, PagePool {
  readonly type: string;
  readonly dev = newAnonymousDev();
  readonly store: FileStore;
  readonly?: boolean;
  usedPages = 0;
  maxPages: number;
  usedInodes = 0;
  maxInodes: number;
  private shown: string[];
  private nextIno = 1;
  private readonly memoryBytes: number;
  private readonly top: TmpfsDirectory;

  private constructor(type: string, options: TmpfsOptions, memoryBytes: number, store: FileStore) {
    this.store = store;
    this.type = type;
    this.maxPages = options.maxPages;
    this.maxInodes = options.maxInodes;
    this.shown = options.shown;
    this.memoryBytes = memoryBytes;
    this.top = new TmpfsDirectory(this, options.mode, options.uid, options.gid);
    // The root is nobody's entry but lives as long as the filesystem.
    this.top.nlink = 2;
  }

  /** `options` as given to mount(2); without size= half of `memoryBytes` may be used. A negated errno if refused. */
  static create(
    options: string,
    memoryBytes: number,
    type = 'tmpfs',
    store: FileStore = defaultStore(),
  ): Tmpfs | number {
    const pages = Math.max(1, Math.floor(memoryBytes / 4096));
    const base: TmpfsOptions = {
      maxPages: Math.floor(pages / 2),
      maxInodes: Math.max(1024, Math.floor(pages / 2)),
      mode: 0o1777,
      uid: 0,
      gid: 0,
      shown: [],
    };
    const parsed = parseTmpfsOptions(options, memoryBytes, base);
    return typeof parsed === 'number' ? parsed : new Tmpfs(type, parsed, memoryBytes, store);
  }

  root(): TmpfsDirectory {
    return this.top;
  }
  newIno(): number {
    return this.nextIno++;
  }
  /** Takes one inode of the limit; false: ENOSPC. */
  takeInode(): boolean {
    if (this.usedInodes >= this.maxInodes) return false;
    this.usedInodes++;
    return true;
  }

  statfs(out: StatFs): number {
    out.type = TMPFS_MAGIC;
    out.bsize = 4096;
    const bounded = this.maxPages !== Infinity;
    out.blocks = bounded ? this.maxPages : 0;
    out.bfree = bounded ? Math.max(0, this.maxPages - this.usedPages) : 0;
    out.bavail = out.bfree;
    out.files = this.maxInodes === Infinity ? 0 : this.maxInodes;
    out.ffree = this.maxInodes === Infinity ? 0 : this.maxInodes - this.usedInodes;
    out.namelen = 255;
    return 0;
  }

  showOptions(): string {
    return shownOptions(this.shown);
  }

  remount(options: string): number {
    const parsed = parseTmpfsOptions(options, this.memoryBytes, {
      maxPages: this.maxPages,
      maxInodes: this.maxInodes,
      mode: 0,
      uid: 0,
      gid: 0,
      shown: this.shown,
    });
    if (typeof parsed === 'number') return parsed;
    // Below what is in use is refused, as tmpfs does.
    if (parsed.maxPages < this.usedPages || parsed.maxInodes < this.usedInodes) return -EINVAL;
    this.maxPages = parsed.maxPages;
    this.maxInodes = parsed.maxInodes;
    this.shown = parsed.shown;
    return 0;
  }

  sync(): number {
    return 0;
  }
  destroy(): void {
    this.top.freeTree();
  }
}
