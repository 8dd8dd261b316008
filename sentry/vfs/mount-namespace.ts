/** The mount table (mount_namespaces(7), mount(2), umount2(2)): what is mounted where. */
import { EBUSY, EINVAL, ELOOP, ENOENT, ENOSPC, ENOTDIR } from '../abi/errno.ts';
import { MNT_FLAGS, MS_RDONLY } from '../abi/mount.ts';
import { S_IFDIR, S_IFMT } from '../abi/stat.ts';
import { dropTree, holdDentry, isAncestor, noteRemoval, releaseDentry, rootDentry } from './dcache.ts';
import type { Filesystem } from './inode.ts';
import { Mount, Path } from './path.ts';
import { topOf } from './walk.ts';

/** Most mounts in one namespace, as fs.mount-max. */
const MOUNT_MAX = 100_000;

let nextMountId = 20;
let nextPeerGroup = 1;
/** Mounts per filesystem: the last one destroys it. */
const uses = new Map<Filesystem, number>();

export class MountNamespace {
  readonly root: Mount;
  private count = 1;

  constructor(fs: Filesystem, flags: number, source: string, options = '') {
    this.root = newMount(fs, flags, source, options);
    this.root.attached = true;
  }

  /** Where a task of this namespace begins: the top of what is mounted at the root. */
  rootPath(): Path {
    return topOf(new Path(this.root, this.root.root));
  }

  /** Mounts a filesystem at a place. Directories go over directories, files over files (ENOTDIR). */
  mount(fs: Filesystem, at: Path, flags: number, source: string, options = ''): Mount | number {
    const m = newMount(fs, flags, source, options);
    const r = this.attach(m, at);
    if (r < 0) {
      destroyMount(m);
      return r;
    }
    return m;
  }

  /** MS_BIND, with MS_REC when `recursive`: the same tree seen from another place. */
  bind(from: Path, at: Path, recursive: boolean): Mount | number {
    const copy = this.copyTree(from, recursive);
    if (typeof copy === 'number') return copy;
    const r = this.attachTree(copy, at);
    if (r < 0) {
      this.dissolve(copy);
      return r;
    }
    return copy;
  }

  /** A detached copy of the mount at `from` (open_tree(2) with OPEN_TREE_CLONE). */
  copyTree(from: Path, recursive: boolean): Mount | number {
    if (from.mount.unbindable) return -EINVAL;
    const copy = cloneMount(from.mount, from.dentry);
    if (recursive) this.copyChildren(from.mount, from.dentry, copy);
    return copy;
  }

  /** Places a detached tree. */
  attachTree(tree: Mount, at: Path): number {
    return this.attach(tree, at);
  }

  /** MS_MOVE. */
  move(m: Mount, at: Path): number {
    if (m.parent === null || !m.attached) return -EINVAL;
    if (m.parent.peerGroup !== 0) return -EINVAL;
    if (((m.root.inode!.mode & S_IFMT) === S_IFDIR) !== ((at.dentry.inode!.mode & S_IFMT) === S_IFDIR))
      return -EINVAL;
    for (let p: Mount | null = at.mount; p !== null; p = p.parent) if (p === m) return -ELOOP;
    this.detach(m);
    return this.attach(m, at);
  }

  /** umount2(2) after its checks: lazily the whole subtree goes, otherwise a mount with children is busy. */
  umount(m: Mount, lazy: boolean, busy: (m: Mount) => boolean): number {
    if (m.parent === null) return lazy ? -EINVAL : -EBUSY;
    if (!lazy && (m.children.size > 0 || busy(m))) return -EBUSY;
    this.detach(m);
    const { fs } = m;
    this.dissolve(m);
    // Lazily unmounted ones may still have users.
    if (!lazy && !uses.has(fs)) {
      dropTree(fs);
      fs.destroy();
    }
    return 0;
  }

  /** MS_REMOUNT|MS_BIND: the mount's own flags. */
  setFlags(m: Mount, flags: number): void {
    m.flags = flags & MNT_FLAGS;
    noteRemoval();
  }

  /** MS_SHARED, MS_PRIVATE, MS_SLAVE, MS_UNBINDABLE: recorded; nothing propagates inside one namespace. */
  setPropagation(m: Mount, kind: 'shared' | 'private' | 'slave' | 'unbindable', recursive: boolean): void {
    if (kind === 'shared') {
      if (m.peerGroup === 0) m.peerGroup = nextPeerGroup++;
    } else {
      m.master = kind === 'slave' ? (m.peerGroup === 0 ? m.master : m.peerGroup) : 0;
      m.peerGroup = 0;
    }
    m.unbindable = kind === 'unbindable';
    if (recursive) for (const child of m.children) this.setPropagation(child, kind, true);
  }

  /** pivot_root(2) after its checks: `newRoot` becomes the namespace's root, the old one goes to `putOld`. */
  pivot(newRoot: Mount, oldRoot: Mount, putOld: Path): number {
    const parent = oldRoot.parent;
    const point = oldRoot.mountpoint;
    this.detach(newRoot);
    if (parent !== null && point !== null) {
      const at = new Path(parent, point);
      this.detach(oldRoot);
      const r = this.attach(newRoot, at);
      if (r < 0) return r;
    } else {
      newRoot.attached = true;
      (this as { root: Mount }).root = newRoot;
    }
    return this.attach(oldRoot, putOld);
  }

  /** All mounts, parents before children. */
  *mounts(): Generator<Mount> {
    yield* subtree(this.root);
  }

  private attach(m: Mount, where: Path): number {
    const at = topOf(where);
    if (at.dentry.deleted || at.dentry.inode === null) return -ENOENT;
    const isDir = (m.root.inode!.mode & S_IFMT) === S_IFDIR;
    if (isDir !== ((at.dentry.inode.mode & S_IFMT) === S_IFDIR)) return -ENOTDIR;
    if (this.count >= MOUNT_MAX) return -ENOSPC;
    holdDentry(at.dentry);
    (at.dentry.mounts ??= []).push(m);
    m.parent = at.mount;
    m.mountpoint = at.dentry;
    at.mount.children.add(m);
    for (const each of subtree(m)) {
      each.attached = true;
      this.count++;
    }
    noteRemoval();
    return 0;
  }

  /** Takes a mount off its mount point; its children stay on it. */
  private detach(m: Mount): void {
    const point = m.mountpoint;
    if (point === null || m.parent === null) return;
    const left = point.mounts?.filter((each) => each !== m) ?? [];
    point.mounts = left.length > 0 ? left : null;
    m.parent.children.delete(m);
    m.parent = null;
    m.mountpoint = null;
    for (const each of subtree(m)) {
      each.attached = false;
      this.count--;
    }
    releaseDentry(point);
    noteRemoval();
  }

  /** Ends a detached tree: open files in it go on working, no path leads there. */
  dissolve(m: Mount): void {
    for (const child of [...m.children]) {
      this.detach(child);
      this.dissolve(child);
    }
    destroyMount(m);
  }

  /** Nobody lives here any more: everything is unmounted, and what is mounted nowhere else goes. */
  destroy(): void {
    const filesystems = new Set([...subtree(this.root)].map((m) => m.fs));
    this.dissolve(this.root);
    for (const fs of filesystems) {
      if (uses.has(fs)) continue;
      dropTree(fs);
      fs.destroy();
    }
  }

  private copyChildren(from: Mount, below: Path['dentry'], to: Mount): void {
    for (const child of from.children) {
      const point = child.mountpoint!;
      if (child.unbindable || !isAncestor(below, point)) continue;
      const copy = cloneMount(child, child.root);
      holdDentry(point);
      (point.mounts ??= []).push(copy);
      copy.parent = to;
      copy.mountpoint = point;
      to.children.add(copy);
      this.copyChildren(child, child.root, copy);
    }
  }
}

function newMount(fs: Filesystem, flags: number, source: string, options: string): Mount {
  const root = rootDentry(fs);
  const m = new Mount(fs, root, flags & MNT_FLAGS, source);
  m.id = nextMountId++;
  m.options = options;
  holdDentry(root);
  uses.set(fs, (uses.get(fs) ?? 0) + 1);
  return m;
}

function cloneMount(of: Mount, root: Path['dentry']): Mount {
  const m = new Mount(of.fs, root, of.flags, of.source);
  m.id = nextMountId++;
  m.options = of.options;
  m.peerGroup = of.peerGroup;
  m.master = of.master;
  holdDentry(root);
  uses.set(of.fs, (uses.get(of.fs) ?? 0) + 1);
  return m;
}

function destroyMount(m: Mount): void {
  const left = (uses.get(m.fs) ?? 1) - 1;
  if (left > 0) uses.set(m.fs, left);
  else uses.delete(m.fs);
  releaseDentry(m.root);
  if (left === 0 && (m.flags & MS_RDONLY) === 0) m.fs.sync();
}

function* subtree(m: Mount): Generator<Mount> {
  yield m;
  for (const child of m.children) yield* subtree(child);
}
