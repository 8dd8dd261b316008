/**
 * Path resolution (path_resolution(7), openat2(2)): from a latin1 string and a starting place to a Path. The walk is
 * synchronous, so its position lives in module variables and no object is made per component.
 */
import { EACCES, EISDIR, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR, EXDEV } from '../abi/errno.ts';
import {
  NAME_MAX,
  RESOLVE_BENEATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
} from '../abi/fcntl.ts';
import { MS_NOSYMFOLLOW } from '../abi/mount.ts';
import { S_IFDIR, S_IFLNK, S_IFMT } from '../abi/stat.ts';
import type { CallerContext } from './context.ts';
import { lookupChild } from './dcache.ts';
import type { Inode } from './inode.ts';
import { cacheWalk, cachedWalk } from './path-cache.ts';
import { Path } from './path.ts';
import type { Dentry, Mount } from './path.ts';
import { maySearch } from './permission.ts';

/** Flags of resolve(); RESOLVE_ flags of openat2(2) are given shifted left by RESOLVE_SHIFT. */
export const WALK_NOFOLLOW = 1;
export const WALK_DIRECTORY = 2;
/** An empty name means the starting place (AT_EMPTY_PATH). */
export const WALK_EMPTY = 4;
export const RESOLVE_SHIFT = 8;

const NO_XDEV = RESOLVE_NO_XDEV << RESOLVE_SHIFT;
const NO_MAGIC = RESOLVE_NO_MAGICLINKS << RESOLVE_SHIFT;
const NO_SYMLINKS = RESOLVE_NO_SYMLINKS << RESOLVE_SHIFT;
const BENEATH = RESOLVE_BENEATH << RESOLVE_SHIFT;
const IN_ROOT = RESOLVE_IN_ROOT << RESOLVE_SHIFT;

const MAX_LINKS = 40;
const SLASH = 0x2f;
const DOT = 0x2e;

/** What the last component of a path is. */
export const LAST_NORM = 0;
export const LAST_DOT = 1;
export const LAST_DOTDOT = 2;
export const LAST_ROOT = 3;

/** The directory and name that a path ends in: for calls that make or remove names. Reused by its owner. */
export class LastComponent {
  parent!: Path;
  name = '';
  kind = LAST_NORM;
  /** The path ended in a slash. */
  slash = false;
  /** Filled by resolveForCreate and lookupLast; negative when the name is free. */
  dentry!: Dentry;
  /** resolveForCreate: the existing object, mounts crossed. null when dentry is negative. */
  existing: Path | null = null;
}

// The walk's position and rules, valid from begin() to its end.
let mount: Mount;
let dentry: Dentry;
let rootMount: Mount;
let rootDentry: Dentry;
let rules = 0;
let links = 0;
/** Nothing passed so far that may change by itself. */
let steady = true;
let lastName = '';
let lastKind = LAST_NORM;
let lastSlash = false;

/**
 * Resolves `name` relative to `start` (null: the working directory). Final links are followed unless
 * WALK_NOFOLLOW; a trailing slash means a directory.
 */
export function resolve(ctx: CallerContext, start: Path | null, name: string, flags: number): Path | number {
  if (name.length === 0) return (flags & WALK_EMPTY) !== 0 ? (start ?? ctx.cwd) : -ENOENT;
  if (name.charCodeAt(0) !== SLASH || flags > (WALK_NOFOLLOW | WALK_DIRECTORY)) {
    return walkWhole(ctx, start, name, flags);
  }
  const hit = cachedWalk(name, ctx.root, ctx.creds, flags);
  if (hit !== undefined) return hit;
  const result = walkWhole(ctx, start, name, flags);
  if (steady && (typeof result !== 'number' || result === -ENOENT)) {
    cacheWalk(name, ctx.root, ctx.creds, flags, result);
  }
  return result;
}

/** Resolves all but the last component into `out`; 0 or a negated errno. */
export function resolveLast(
  ctx: CallerContext,
  start: Path | null,
  name: string,
  flags: number,
  out: LastComponent,
): number {
  if (name.length === 0) return -ENOENT;
  begin(ctx, start, flags);
  const r = walk(ctx, name, true, true);
  if (r < 0) return r;
  fillLast(out);
  return 0;
}

/** Looks up the last component found by resolveLast; out.dentry may be negative. 0 or a negated errno. */
export function lookupLast(ctx: CallerContext, out: LastComponent): number {
  const d = lookupChild(out.parent.dentry, out.name, ctx);
  if (typeof d === 'number') return d;
  out.dentry = d;
  return 0;
}

/**
 * For open(O_CREAT): like resolveLast, but follows links in the last component too (unless WALK_NOFOLLOW), so that a
 * dangling link names what is to be made. Fills dentry and, when something is there, existing.
 */
export function resolveForCreate(
  ctx: CallerContext,
  start: Path | null,
  name: string,
  flags: number,
  out: LastComponent,
): number {
  if (name.length === 0) return -ENOENT;
  begin(ctx, start, flags);
  for (let text = name; ;) {
    const r = walk(ctx, text, true, true);
    if (r < 0) return r;
    fillLast(out);
    if (lastKind === LAST_DOTDOT) {
      const up = goUp();
      if (up < 0) return up;
    }
    if (lastKind !== LAST_NORM || lastSlash) return -EISDIR;
    const d = lookupChild(dentry, lastName, ctx);
    if (typeof d === 'number') return d;
    out.dentry = d;
    if (d.inode === null) return 0;
    if ((d.inode.mode & S_IFMT) !== S_IFLNK || (flags & WALK_NOFOLLOW) !== 0) {
      dentry = d;
      const crossed = crossMounts();
      if (crossed < 0) return crossed;
      out.existing = new Path(mount, dentry);
      return 0;
    }
    const target = linkTarget(ctx, d.inode);
    if (typeof target === 'number') {
      if (target < 0) return target;
      out.existing = new Path(mount, dentry);
      return 0;
    }
    text = target;
  }
}

/** The mount on top of a place, the topmost when several are stacked; the place itself when there is none. */
export function topOf(path: Path): Path {
  mount = path.mount;
  dentry = path.dentry;
  rules = 0;
  crossMounts();
  return dentry === path.dentry ? path : new Path(mount, dentry);
}

function walkWhole(ctx: CallerContext, start: Path | null, name: string, flags: number): Path | number {
  begin(ctx, start, flags);
  const r = walk(ctx, name, (flags & WALK_NOFOLLOW) === 0, false);
  if (r < 0) return r;
  if ((flags & WALK_DIRECTORY) !== 0 && (dentry.inode!.mode & S_IFMT) !== S_IFDIR) return -ENOTDIR;
  return new Path(mount, dentry);
}

function begin(ctx: CallerContext, start: Path | null, flags: number): void {
  const from = start ?? ctx.cwd;
  const root = (flags & (BENEATH | IN_ROOT)) !== 0 ? from : ctx.root;
  mount = from.mount;
  dentry = from.dentry;
  rootMount = root.mount;
  rootDentry = root.dentry;
  rules = flags;
  links = 0;
  steady = true;
}

function fillLast(out: LastComponent): void {
  out.parent = new Path(mount, dentry);
  out.name = lastName;
  out.kind = lastKind;
  out.slash = lastSlash;
  out.existing = null;
}

/** Walks `path` from the current position. With `parentOnly` stops before the last component, noted in last*. */
function walk(ctx: CallerContext, path: string, follow: boolean, parentOnly: boolean): number {
  const length = path.length;
  let i = 0;
  if (path.charCodeAt(0) === SLASH) {
    const r = jumpToRoot();
    if (r < 0) return r;
    do i++;
    while (path.charCodeAt(i) === SLASH);
    if (i === length) {
      lastKind = LAST_ROOT;
      lastName = '';
      lastSlash = true;
      return 0;
    }
  }
  for (;;) {
    const dir = dentry.inode!;
    if ((dir.mode & S_IFMT) !== S_IFDIR) return -ENOTDIR;
    if (!maySearch(dir, ctx.creds) && !dir.letsIn(ctx)) return -EACCES;
    let end = path.indexOf('/', i);
    let next = end + 1;
    if (end < 0) {
      end = length;
      next = length;
    } else {
      while (path.charCodeAt(next) === SLASH) next++;
    }
    const last = next === length;
    const slash = last && end < length;
    const size = end - i;
    if (path.charCodeAt(i) === DOT && (size === 1 || (size === 2 && path.charCodeAt(i + 1) === DOT))) {
      if (last && parentOnly) {
        lastKind = size === 1 ? LAST_DOT : LAST_DOTDOT;
        lastName = size === 1 ? '.' : '..';
        lastSlash = slash;
        return 0;
      }
      if (size === 2) {
        const r = goUp();
        if (r < 0) return r;
      }
    } else {
      if (size > NAME_MAX) return -ENAMETOOLONG;
      const name = path.substring(i, end);
      if (last && parentOnly) {
        lastKind = LAST_NORM;
        lastName = name;
        lastSlash = slash;
        return 0;
      }
      const r = step(ctx, name, !last || follow || slash, path, next);
      if (r < 0) return r;
      if (slash && (dentry.inode!.mode & S_IFMT) !== S_IFDIR) return -ENOTDIR;
    }
    if (last) return 0;
    i = next;
  }
}

/** Goes down one name; crosses mounts; follows a link when `follow`. */
function step(ctx: CallerContext, name: string, follow: boolean, path: string, next: number): number {
  let d = dentry.children?.get(name);
  if (d !== undefined && dentry.steady) {
    d.referenced = true;
  } else {
    const found = lookupUncached(ctx, name, path, next);
    if (typeof found === 'number') return found;
    d = found;
  }
  const inode = d.inode;
  if (inode === null) return -ENOENT;
  if (follow && (inode.mode & S_IFMT) === S_IFLNK) {
    const target = linkTarget(ctx, inode);
    return typeof target === 'number' ? target : walk(ctx, target, true, false);
  }
  dentry = d;
  return d.mounts === null ? 0 : crossMounts();
}

function lookupUncached(ctx: CallerContext, name: string, path: string, next: number): Dentry | number {
  if (!dentry.steady) steady = false;
  const dir = dentry.inode!;
  if (
    dir.prefetch !== undefined &&
    next < path.length &&
    dir.wantsPrefetch(dentry.children?.get(name)?.inode ?? null)
  ) {
    const names = [name];
    for (const part of path.slice(next).split('/')) {
      if (part === '' || part === '.') continue;
      if (part === '..') break;
      names.push(part);
    }
    if (names.length > 1) dir.prefetch(names, ctx);
  }
  return lookupChild(dentry, name, ctx);
}

/** The text of a link to walk on from here; or 0 after a magic link has moved the position; or a negated errno. */
function linkTarget(ctx: CallerContext, link: Inode): string | number {
  if (links++ >= MAX_LINKS || (rules & NO_SYMLINKS) !== 0) return -ELOOP;
  if ((mount.flags & MS_NOSYMFOLLOW) !== 0) return -ELOOP;
  const magic = link.followMagic(ctx);
  if (magic !== null) {
    steady = false;
    if (typeof magic === 'number') return magic;
    if ((rules & NO_MAGIC) !== 0) return -ELOOP;
    if ((rules & (BENEATH | IN_ROOT)) !== 0) return -EXDEV;
    if ((rules & NO_XDEV) !== 0 && magic.mount !== mount) return -EXDEV;
    mount = magic.mount;
    dentry = magic.dentry;
    return 0;
  }
  const text = link.readlink(ctx);
  if (typeof text === 'number') return text;
  link.accessed(mount.flags);
  return text === '' ? -ENOENT : text;
}

function jumpToRoot(): number {
  if ((rules & BENEATH) !== 0) return -EXDEV;
  // A name that begins there starts on that mount; only a link leads from one to another.
  if ((rules & NO_XDEV) !== 0 && links > 0 && rootMount !== mount) return -EXDEV;
  mount = rootMount;
  dentry = rootDentry;
  return 0;
}

/** "..": stays at the root, leaves a mount through its mount point. */
function goUp(): number {
  while (dentry !== rootDentry || mount !== rootMount) {
    if (dentry !== mount.root) {
      dentry = dentry.parent ?? dentry;
      return crossMounts();
    }
    if (mount.parent === null || mount.mountpoint === null) return 0;
    if ((rules & NO_XDEV) !== 0) return -EXDEV;
    dentry = mount.mountpoint;
    mount = mount.parent;
  }
  return (rules & BENEATH) !== 0 ? -EXDEV : crossMounts();
}

/** Enters what is mounted here, down to the topmost. */
function crossMounts(): number {
  for (;;) {
    const mounts: Mount[] | null = dentry.mounts;
    if (mounts === null) return 0;
    let over: Mount | null = null;
    for (const m of mounts) if (m.parent === mount) over = m;
    if (over === null) return 0;
    if ((rules & NO_XDEV) !== 0) return -EXDEV;
    mount = over;
    dentry = over.root;
  }
}
