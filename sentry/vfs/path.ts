/** Dentries, mounts, and the pair of both that names a place in the tree. */
import type { Filesystem, Inode } from './inode.ts';

/** A name in a directory. Positive (inode) or negative (null: known to be missing). Root dentries have name "". */
export class Dentry {
  /** Changed by rename only. */
  name: string;
  parent: Dentry | null;
  inode: Inode | null;
  /** Known children; null until the first one. Managed by vfs/dcache.ts alone. */
  children: Map<string, Dentry> | null = null;
  /** Mounts whose mount point this is; null for almost all. */
  mounts: Mount[] | null = null;
  /** Unlinked while in use: shown with " (deleted)". */
  deleted = false;
  /** Made by O_TMPFILE|O_EXCL: linkat(2) must not name it. */
  unlinkable = false;
  /** Holders: descriptions, cwd, root, mounts, children. Managed by vfs/dcache.ts. */
  refs = 0;
  /** Directory whose cached children need no second look: see Inode.cacheable and revalidate. */
  steady = true;
  /** Seen since the last eviction round. */
  referenced = false;
  lruPrev: Dentry | null = null;
  lruNext: Dentry | null = null;
  inLru = false;

  /** Only vfs/dcache.ts makes dentries, so that the counts are right. */
  constructor(name: string, parent: Dentry | null, inode: Inode | null) {
    this.name = name;
    this.parent = parent;
    this.inode = inode;
  }
}

/** One mount in a mount namespace (mount_namespaces(7)). */
export class Mount {
  id = 0;
  readonly fs: Filesystem;
  /** Root of the mount: not the filesystem's own root for binds. */
  readonly root: Dentry;
  /** Where it is mounted: null for the namespace's root. */
  parent: Mount | null = null;
  mountpoint: Dentry | null = null;
  /** MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME… of mount(2). */
  flags: number;
  /** As in mountinfo. */
  source: string;
  options = '';
  peerGroup = 0;
  master = 0;
  unbindable = false;
  /** Mounts on top of dentries of this one. */
  readonly children = new Set<Mount>();
  /** Detached by umount or never attached. */
  attached = false;

  constructor(fs: Filesystem, root: Dentry, flags: number, source: string) {
    this.fs = fs;
    this.root = root;
    this.flags = flags;
    this.source = source;
  }
}

/** A place: a dentry seen through a mount. Immutable value; compare with samePath. */
export class Path {
  readonly mount: Mount;
  readonly dentry: Dentry;

  constructor(mount: Mount, dentry: Dentry) {
    this.mount = mount;
    this.dentry = dentry;
  }
}

export function samePath(a: Path, b: Path): boolean {
  return a.mount === b.mount && a.dentry === b.dentry;
}
