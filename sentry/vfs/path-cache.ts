/**
 * Whole absolute paths already resolved. An entry holds for one root, one set of credentials and one way of
 * following links, until a name is removed, renamed, mounted over or a directory changes its mode (or, for missing
 * names, until one appears). Nothing that a filesystem may change by itself is ever entered.
 */
import type { Credentials } from '../auth/credentials.ts';
import { additions, removals } from './dcache.ts';
import type { Path } from './path.ts';

const CAPACITY = 8192;

class CachedWalk {
  removals = 0;
  additions = 0;
  root: Path;
  creds: Credentials;
  flags = 0;
  /** A place, or -ENOENT. */
  result: Path | number;

  constructor(root: Path, creds: Credentials, result: Path | number) {
    this.root = root;
    this.creds = creds;
    this.result = result;
  }
}

const cache = new Map<string, CachedWalk>();

/** The earlier result, or undefined. */
export function cachedWalk(
  name: string,
  root: Path,
  creds: Credentials,
  flags: number,
): Path | number | undefined {
  const e = cache.get(name);
  if (e === undefined || e.removals !== removals || e.creds !== creds || e.flags !== flags) return undefined;
  if (e.root !== root && (e.root.dentry !== root.dentry || e.root.mount !== root.mount)) return undefined;
  const result = e.result;
  if (typeof result === 'number') return e.additions === additions ? result : undefined;
  result.dentry.referenced = true;
  return result;
}

export function cacheWalk(
  name: string,
  root: Path,
  creds: Credentials,
  flags: number,
  result: Path | number,
): void {
  let e = cache.get(name);
  if (e === undefined) {
    if (cache.size >= CAPACITY) cache.clear();
    e = new CachedWalk(root, creds, result);
    cache.set(name, e);
  }
  e.root = root;
  e.creds = creds;
  e.flags = flags;
  e.result = result;
  e.removals = removals;
  e.additions = additions;
}

/** For keepers of shapes. */
export function cachedWalks(): object {
  return cache;
}

/** Of filesystems that are gone nothing is found here, but they would be kept. */
export function forgetWalks(): void {
  cache.clear();
}
