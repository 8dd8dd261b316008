/** The dentry cache: which names are known in which directories, who holds them, and which are forgotten first. */
import { ENOENT } from '../abi/errno.ts';
import type { CallerContext } from './context.ts';
import { Inode } from './inode.ts';
import type { Filesystem } from './inode.ts';
import { Dentry } from './path.ts';
import type { Mount, Path } from './path.ts';

/** Unused dentries kept, and how many go at once when there are more. */
const UNUSED_LIMIT = 50_000;
const EVICTION_BATCH = 1024;

/** Counts changes after which a cached path may name something else or nothing: removals, renames, mounts, modes. */
export let removals = 0;
/** Counts changes after which a missing name may exist. */
export let additions = 0;

export function noteRemoval(): void {
  removals++;
}

/** Unused dentries of filesystems that are gone: nothing may be asked of them any more. */
export function forgetUnused(): void {
  lruHead = lruTail = null;
  lruLength = 0;
}

const roots = new WeakMap<Filesystem, Dentry>();
let lruHead: Dentry | null = null;
let lruTail: Dentry | null = null;
let lruLength = 0;

/** The root dentry of a filesystem, the same each time. */
export function rootDentry(fs: Filesystem): Dentry {
  let root = roots.get(fs);
  if (root === undefined) {
    root = new Dentry('', null, null);
    attach(root, fs.root());
    // Held by the filesystem itself.
    root.refs = 1;
    roots.set(fs, root);
  }
  return root;
}

/** The filesystem's last mount is gone and nobody uses it: its names are forgotten. */
export function dropTree(fs: Filesystem): void {
  const root = roots.get(fs);
  const children = root?.children ?? null;
  if (root === undefined || children === null) return;
  removals++;
  prune(children, root);
}

export function holdDentry(d: Dentry): void {
  d.refs++;
}
export function releaseDentry(d: Dentry): void {
  if (--d.refs === 0) unused(d);
}
/** Keeps a place alive: cwd, root, open files, mounts. Each hold is paired with a release. */
export function holdPath(p: Path): void {
  p.dentry.refs++;
}
export function releasePath(p: Path): void {
  if (--p.dentry.refs === 0) unused(p.dentry);
}

/**
 * The dentry of `name` in a directory, negative when the name is known to be missing; or a negated errno other than
 * -ENOENT. An unsteady directory is asked each time.
 */
export function lookupChild(parent: Dentry, name: string, ctx: CallerContext): Dentry | number {
  const known = parent.children?.get(name);
  if (known !== undefined) {
    known.referenced = true;
    if (parent.steady) return known;
  }
  return lookupSlow(parent, name, known, ctx);
}

function lookupSlow(
  parent: Dentry,
  name: string,
  known: Dentry | undefined,
  ctx: CallerContext,
): Dentry | number {
  const dir = parent.inode!;
  const keep = dir.cacheable();
  // A mount point stays what it is while something is mounted on it.
  if (known !== undefined && known.mounts !== null && !allGone(known.mounts)) return known;
  if (known !== undefined && keep) {
    if (known.inode !== null && dir.revalidate(name, known.inode)) return known;
  }
  const found = dir.lookup(name, ctx);
  if (typeof found === 'number') {
    if (found !== -ENOENT) return found;
    if (known !== undefined && known.inode === null) return known;
    if (known !== undefined) unhash(known);
    if (keep && parent.steady) return addChild(parent, name, null);
    return new Dentry(name, parent, null);
  }
  if (known !== undefined) {
    if (known.inode === found) return known;
    if (known.inode === null) {
      attach(known, found);
      return known;
    }
    unhash(known);
  }
  return addChild(parent, name, found);
}

function allGone(mounts: readonly Mount[]): boolean {
  return mounts.every(({ fs }) => fs.gone !== undefined && fs.gone());
}

/** Gives a negative dentry its new inode, after create, mkdir, mknod, symlink or link. */
export function instantiate(d: Dentry, inode: Inode): void {
  additions++;
  const parent = d.parent!;
  attach(d, inode);
  const at = parent.children?.get(d.name);
  if (at === d) return;
  if (at !== undefined) unhash(at);
  hash(parent, d);
}

/** The name is gone: after unlink or rmdir, and for the target of a rename. */
export function forgetName(d: Dentry): void {
  removals++;
  if (d.refs === 0 && d.parent!.steady && d.children === null) {
    detach(d);
    d.deleted = false;
    return;
  }
  unhash(d);
}

/** Moves a dentry: after rename. A dentry already at the target must have been forgotten. */
export function moveDentry(d: Dentry, newParent: Dentry, newName: string): void {
  removals++;
  additions++;
  const oldParent = d.parent!;
  if (oldParent.children?.get(d.name) === d) oldParent.children.delete(d.name);
  const there = newParent.children?.get(newName);
  if (there !== undefined) unhash(there);
  d.name = newName;
  d.parent = newParent;
  newParent.refs++;
  (newParent.children ??= new Map()).set(newName, d);
  releaseDentry(oldParent);
}

/** Swaps two dentries: RENAME_EXCHANGE. */
export function exchangeDentries(a: Dentry, b: Dentry): void {
  removals++;
  const aParent = a.parent!;
  const bParent = b.parent!;
  const aName = a.name;
  aParent.children?.set(aName, b);
  bParent.children?.set(b.name, a);
  a.name = b.name;
  a.parent = bParent;
  b.name = aName;
  b.parent = aParent;
}

/** A dentry with a name that no directory holds: O_TMPFILE. */
export function namelessDentry(parent: Dentry, name: string, inode: Inode): Dentry {
  const d = new Dentry(name, parent, null);
  parent.refs++;
  d.deleted = true;
  attach(d, inode);
  return d;
}

/** Evicts when too many unused dentries are kept. Called where no walk is in progress. */
export function trimDentries(): void {
  if (lruLength > UNUSED_LIMIT) evict(EVICTION_BATCH);
}

/** Frees everything unused; for tests and memory pressure. */
export function evictAll(): void {
  evict(Infinity);
}

/** True when `ancestor` is `d` or above it. */
export function isAncestor(ancestor: Dentry, d: Dentry): boolean {
  for (let at: Dentry | null = d; at !== null; at = at.parent) if (at === ancestor) return true;
  return false;
}

function addChild(parent: Dentry, name: string, inode: Inode | null): Dentry {
  const d = new Dentry(name, parent, null);
  if (inode !== null) attach(d, inode);
  hash(parent, d);
  lruAppend(d);
  return d;
}

function hash(parent: Dentry, d: Dentry): void {
  (parent.children ??= new Map()).set(d.name, d);
  parent.refs++;
  if (d.refs === 0) lruAppend(d);
}

function attach(d: Dentry, inode: Inode): void {
  d.inode = inode;
  inode.refs++;
  d.steady = inode.cacheable() && inode.revalidate === Inode.prototype.revalidate;
}

function detach(d: Dentry): void {
  const inode = d.inode;
  if (inode === null) return;
  d.inode = null;
  if (--inode.refs === 0) inode.forget();
}

/** Takes the name away; holders keep the dentry, shown as deleted. */
function unhash(d: Dentry): void {
  const parent = d.parent!;
  if (parent.children?.get(d.name) !== d) return;
  parent.children.delete(d.name);
  d.deleted = true;
  if (d.children !== null) prune(d.children, d);
  if (d.refs === 0) bury(d);
}

/** Forgets the unused names below a directory that has lost its own. */
function prune(children: Map<string, Dentry>, parent: Dentry): void {
  for (const child of children.values()) {
    if (child.children !== null) prune(child.children, child);
    if (child.refs > 0) continue;
    children.delete(child.name);
    lruRemove(child);
    detach(child);
    parent.refs--;
  }
}

/** The last holder let go. */
function unused(d: Dentry): void {
  if (d.parent === null) return;
  if (d.deleted) bury(d);
  else lruAppend(d);
}

/** Nobody holds it and no directory names it. */
function bury(d: Dentry): void {
  lruRemove(d);
  detach(d);
  const parent = d.parent;
  if (parent !== null) releaseDentry(parent);
}

function lruAppend(d: Dentry): void {
  if (d.inLru) return;
  d.inLru = true;
  d.lruPrev = lruTail;
  d.lruNext = null;
  if (lruTail === null) lruHead = d;
  else lruTail.lruNext = d;
  lruTail = d;
  lruLength++;
}

function lruRemove(d: Dentry): void {
  if (!d.inLru) return;
  d.inLru = false;
  if (d.lruPrev === null) lruHead = d.lruNext;
  else d.lruPrev.lruNext = d.lruNext;
  if (d.lruNext === null) lruTail = d.lruPrev;
  else d.lruNext.lruPrev = d.lruPrev;
  d.lruPrev = null;
  d.lruNext = null;
  lruLength--;
}

/** Second chance: an entry seen since the last round goes to the back once. */
function evict(count: number): void {
  removals++;
  let looks = 2 * lruLength;
  for (let left = count; left > 0 && looks > 0 && lruHead !== null; looks--) {
    const d = lruHead;
    lruRemove(d);
    // Held ones come back when they are released.
    if (d.refs > 0) continue;
    if (d.referenced && count !== Infinity) {
      d.referenced = false;
      lruAppend(d);
      continue;
    }
    const parent = d.parent!;
    parent.children?.delete(d.name);
    detach(d);
    releaseDentry(parent);
    left--;
  }
}
