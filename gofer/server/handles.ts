/**
 * The gofer's handles: directories that the Sentry knows, and files that lost their name while in use. A directory
 * handle records its parent and name, so that its descriptor may be closed when there are too many and opened again
 * by walking down from the tree's root; device and inode number prove that it is still the same directory.
 */
import { EMFILE, ENFILE, ENOENT, ESTALE } from '../../sentry/abi/errno.ts';
import { O_DIRECTORY } from '../../sentry/abi/fcntl.ts';
import { addon } from '../../native/addon.ts';
import { ATTR_COUNT, ATTR_DEV, ATTR_INO } from '../protocol/messages.ts';

export const O_PATH = 0o10000000;

/** More than any client of ours holds; a hostile one must not fill the gofer's memory. */
const HANDLE_LIMIT = 1 << 18;

/**
 * Filesystems through which a process acts on the host's kernel, by the gofer's rights (statfs(2), linux/magic.h). One
 * that is bound inside a served tree, as `runsc do` finds /proc and /sys, stays an empty directory; one that is a
 * tree of its own was asked for by name.
 */
const kernelFilesystems: ReadonlySet<number> = new Set([
  0x9fa0, // proc
  0x62656572, // sysfs
  0x27e0eb, // cgroup
  0x63677270, // cgroup2
  0x1cd1, // devpts
  0x64626720, // debugfs
  0x74726163, // tracefs
  0x73636673, // securityfs
  0xf97cff8c, // selinuxfs
  0x43415d53, // smackfs
  0xcafe4a11, // bpf
  0xde5e81e4, // efivarfs
  0x6165676c, // pstore
  0x62656570, // configfs
  0x42494e4d, // binfmt_misc
  0x6e736673, // nsfs
  0x19800202, // mqueue
  0x958458f6, // hugetlbfs
  0x65735543, // fusectl
]);

export class Handle {
  id: number;
  /** The directory that names it; null: it has lost its name, or is what a tree's root lies in. */
  parent: Handle | null;
  name: string;
  readonly dev: number;
  readonly ino: number;
  readonly directory: boolean;
  readonly readonly: boolean;
  /** The root of a kernel filesystem inside the tree: it has attributes, and nothing in it is served. */
  barred = false;
  /** In a tree where mounts come and go: its descriptor is for one request only, or they would be busy (umount(2)). */
  slave = false;
  /** -1: closed to save descriptors. */
  fd = -1;
  /** Times that the client was told of it, minus clunks. */
  grants = 0;
  /** Known directories beneath it. */
  children: Map<string, Handle> | null = null;
  /** Neighbours among the closable descriptors, oldest first; roots and nameless files are not among them. */
  older: Handle | null = null;
  newer: Handle | null = null;
  listed = false;

  constructor(
    parent: Handle | null,
    name: string,
    identity: Float64Array,
    directory: boolean,
    readonly: boolean,
  ) {
    this.id = 0;
    this.parent = parent;
    this.name = name;
    this.dev = identity[ATTR_DEV]!;
    this.ino = identity[ATTR_INO]!;
    this.directory = directory;
    this.readonly = readonly;
  }
}

export class HandleTable {
  private readonly byId = new Map<number, Handle>();
  private nextId = 1;
  private readonly openLimit: number;
  private openCount = 0;
  private namelessCount = 0;
  private oldest: Handle | null = null;
  private newest: Handle | null = null;
  private readonly scratch = new Float64Array(ATTR_COUNT);
  private readonly statfsNumbers = new Float64Array(8);
  /** Open handles of slave trees. */
  private readonly fleeting: Handle[] = [];
  private readonly kernelDevs = new Map<number, boolean>();

  /** openLimit: most descriptors kept open for directories. */
  constructor(openLimit: number) {
    this.openLimit = Math.max(openLimit, 16);
  }

  get size(): number {
    return this.byId.size;
  }
  get openDescriptors(): number {
    return this.openCount;
  }

  get(id: number): Handle | undefined {
    return this.byId.get(id);
  }

  /** Puts a new handle into the table; false when it is full. */
  add(handle: Handle): boolean {
    if (this.byId.size >= HANDLE_LIMIT) return false;
    do {
      this.nextId = (this.nextId + 1) >>> 0 || 1;
    } while (this.byId.has(this.nextId));
    handle.id = this.nextId;
    this.byId.set(handle.id, handle);
    return true;
  }

  /** A handle that keeps a descriptor for good, of a file without a name; null when there are too many. */
  addNameless(fd: number, attrs: Float64Array, readonly: boolean): Handle | null {
    if (this.namelessCount >= this.openLimit / 2) return null;
    const handle = new Handle(null, '', attrs, false, readonly);
    if (!this.add(handle)) return null;
    handle.fd = fd;
    this.namelessCount++;
    return handle;
  }

  /** The handle of a directory that was just seen as parent/name with these attributes; a negated errno. */
  directory(parent: Handle, name: string, attrs: Float64Array): Handle | number {
    const known = parent.children?.get(name);
    if (known !== undefined) {
      if (known.ino === attrs[ATTR_INO] && known.dev === attrs[ATTR_DEV]) return known;
      // The host put another directory in its place.
      this.orphan(known);
    }
    const handle = new Handle(parent, name, attrs, true, parent.readonly);
    handle.slave = parent.slave;
    if (!this.add(handle)) return -ENFILE;
    (parent.children ??= new Map()).set(name, handle);
    const parentFd = handle.dev === parent.dev ? 0 : this.fdOf(parent);
    handle.barred = this.isForbidden(parent, parentFd, name, attrs);
    return handle;
  }

  /** Is what was just seen as parent/name of a kernel filesystem, and its parent not? Asked once per device. */
  isForbidden(parent: Handle, parentFd: number, name: string, attrs: Float64Array): boolean {
    const dev = attrs[ATTR_DEV]!;
    if (dev === parent.dev) return false;
    const known = this.kernelDevs.get(dev);
    if (known !== undefined) return known;
    // What cannot be asked is forbidden.
    const fd = parentFd < 0 ? parentFd : addon.openat(parentFd, name, O_PATH, 0);
    if (fd < 0) return true;
    const result = addon.fstatfs(fd, this.statfsNumbers);
    addon.close(fd);
    if (result < 0) return true;
    const forbidden = kernelFilesystems.has(this.statfsNumbers[0]!);
    this.kernelDevs.set(dev, forbidden);
    return forbidden;
  }

  /** Its descriptor (O_PATH for directories), reopened if need be; a negated errno. */
  fdOf(handle: Handle): number {
    if (handle.fd >= 0) {
      if (handle.listed && handle !== this.newest) this.touch(handle);
      return handle.fd;
    }
    // Paths are as deep as a guest likes: no recursion.
    const chain: Handle[] = [];
    let at: Handle = handle;
    while (at.fd < 0) {
      chain.push(at);
      // A directory that was removed before anybody used it.
      if (at.parent === null) return -ENOENT;
      at = at.parent;
    }
    let parentFd = at.fd;
    for (let i = chain.length - 1; i >= 0; i--) {
      const step = chain[i]!;
      const fd = this.reopen(parentFd, step);
      if (fd < 0) return fd;
      parentFd = fd;
    }
    return parentFd;
  }

  /** The name is gone (rmdir, or another object took it). The descriptor stays while it is open. */
  orphan(handle: Handle): void {
    const siblings = handle.parent?.children;
    if (siblings?.get(handle.name) === handle) siblings.delete(handle.name);
    const parent = handle.parent;
    handle.parent = null;
    this.reap(handle);
    if (parent !== null) this.reap(parent);
  }

  /** A rename was done: the handle that knew the old name, if any, follows. */
  moved(
    oldDirectory: Handle,
    oldName: string,
    newDirectory: Handle,
    newName: string,
    exchange: boolean,
  ): void {
    const child = oldDirectory.children?.get(oldName);
    const other = newDirectory.children?.get(newName);
    if (child === other) return;
    oldDirectory.children?.delete(oldName);
    newDirectory.children?.delete(newName);
    if (child !== undefined) this.place(child, newDirectory, newName);
    if (other === undefined) return;
    if (exchange) {
      this.place(other, oldDirectory, oldName);
    } else {
      other.parent = null;
      this.reap(other);
    }
  }

  clunk(id: number, grants: number): void {
    const handle = this.byId.get(id);
    if (handle === undefined) return;
    handle.grants = Math.max(0, handle.grants - grants);
    this.reap(handle);
  }

  /** Frees handles that neither the client nor a handle below needs, upwards. Roots' grants never end. */
  private reap(handle: Handle): void {
    let at: Handle | null = handle;
    while (at !== null && at.grants === 0 && (at.children === null || at.children.size === 0)) {
      const parent: Handle | null = at.parent;
      if (!this.byId.delete(at.id)) return;
      if (parent?.children?.get(at.name) === at) parent.children.delete(at.name);
      this.closeFd(at);
      at = parent;
    }
  }

  private place(handle: Handle, directory: Handle, name: string): void {
    const from = handle.parent;
    // What the host changes behind our back can make the records disagree with the tree: never into a cycle.
    for (let at: Handle | null = directory; at !== null; at = at.parent) {
      if (at === handle) {
        handle.parent = null;
        this.reap(handle);
        return;
      }
    }
    handle.parent = directory;
    handle.name = name;
    (directory.children ??= new Map()).set(name, handle);
    if (from !== null && from !== directory) this.reap(from);
  }

  private reopen(parentFd: number, handle: Handle): number {
    const fd = addon.openat(parentFd, handle.name, O_PATH | O_DIRECTORY, 0);
    if (fd < 0) return fd === -EMFILE ? fd : fd === -ENOENT ? -ENOENT : -ESTALE;
    const seen = this.scratch;
    addon.fstat(fd, seen);
    if (seen[ATTR_INO] !== handle.ino || seen[ATTR_DEV] !== handle.dev) {
      addon.close(fd);
      return -ESTALE;
    }
    handle.fd = fd;
    if (handle.slave) this.fleeting.push(handle);
    this.list(handle);
    this.openCount++;
    // Never the ones just opened: they are the newest.
    while (this.openCount > this.openLimit && this.oldest !== null && this.oldest !== handle) {
      this.closeFd(this.oldest);
    }
    return fd;
  }

  /** The request is answered. */
  closeFleeting(): void {
    while (this.fleeting.length > 0) this.closeFd(this.fleeting.pop()!);
  }

  private closeFd(handle: Handle): void {
    if (handle.fd < 0) return;
    addon.close(handle.fd);
    handle.fd = -1;
    if (handle.listed) {
      this.unlist(handle);
      this.openCount--;
    } else if (!handle.directory) {
      this.namelessCount--;
    }
  }

  private touch(handle: Handle): void {
    this.unlist(handle);
    this.list(handle);
  }
  private list(handle: Handle): void {
    handle.listed = true;
    handle.older = this.newest;
    handle.newer = null;
    if (this.newest !== null) this.newest.newer = handle;
    else this.oldest = handle;
    this.newest = handle;
  }
  private unlist(handle: Handle): void {
    handle.listed = false;
    if (handle.older !== null) handle.older.newer = handle.newer;
    else this.oldest = handle.newer;
    if (handle.newer !== null) handle.newer.older = handle.older;
    else this.newest = handle.older;
    handle.older = null;
    handle.newer = null;
  }
}
