/** Every kind of name renamed onto every kind of name, on tmpfs and on an overlay, as rename(2) says. */
import { describe, expect, it } from 'vitest';
import { EEXIST, EINVAL, EISDIR, ENOENT, ENOTDIR, ENOTEMPTY } from '../../../sentry/abi/errno.ts';
import { RENAME_EXCHANGE, RENAME_NOREPLACE } from '../../../sentry/abi/fcntl.ts';
import { Overlayfs } from '../../../sentry/fs/overlay/overlayfs.ts';
import { evictAll } from '../../../sentry/vfs/dcache.ts';
import { makeDirectory, makeSymlink, rename } from '../../../sentry/vfs/names.ts';
import { resolve, WALK_NOFOLLOW } from '../../../sentry/vfs/walk.ts';
import { get, list, put, stat, tmpfs, world, type World } from './world.ts';

const KINDS = ['none', 'file', 'link', 'empty', 'full'] as const;
type Kind = (typeof KINDS)[number];

function make(t: World, name: string, kind: Kind): void {
  switch (kind) {
    case 'file':
      put(t, name, `was ${name}`);
      break;
    case 'link':
      makeSymlink(t, 'target', null, name);
      break;
    case 'empty':
    case 'full':
      makeDirectory(t, null, name, 0o755);
      if (kind === 'full') put(t, `${name}/x`, `in ${name}`);
      break;
    case 'none':
  }
}

/** What a name is now, with enough of its content to tell it from others. */
function look(t: World, name: string): string {
  if (typeof resolve(t, null, name, WALK_NOFOLLOW) === 'number') return 'none';
  const mode = stat(t, name, WALK_NOFOLLOW).mode & 0o170000;
  if (mode === 0o120000) return 'link';
  if (mode === 0o100000) return get(t, name);
  const names = list(t, name);
  return names.length === 0 ? 'empty' : get(t, `${name}/x`);
}

function expected(from: Kind, to: Kind, flags: number): number {
  if (from === 'none') return -ENOENT;
  if (flags === RENAME_NOREPLACE) return to === 'none' ? 0 : -EEXIST;
  if (flags === RENAME_EXCHANGE) return to === 'none' ? -ENOENT : 0;
  const fromDir = from === 'empty' || from === 'full';
  const toDir = to === 'empty' || to === 'full';
  if (to === 'none') return 0;
  if (fromDir && !toDir) return -ENOTDIR;
  if (!fromDir && toDir) return -EISDIR;
  return to === 'full' ? -ENOTEMPTY : 0;
}

/** The names are made in the tree itself, in a lower layer, or half and half. */
const PLACES = [
  'tmpfs',
  'overlay, both lower',
  'overlay, old lower',
  'overlay, new lower',
  'overlay, both new',
];

function prepare(place: string, from: Kind, to: Kind): World {
  const lower = tmpfs();
  const below = world(lower).t;
  for (const dir of ['/p', '/q']) makeDirectory(below, null, dir, 0o755);
  const t = place === 'tmpfs' ? below : world(new Overlayfs(lower, tmpfs())).t;
  make(place.includes('both lower') || place.includes('old lower') ? below : t, '/p/a', from);
  make(place.includes('both lower') || place.includes('new lower') ? below : t, '/q/b', to);
  evictAll();
  return t;
}

const combinations = KINDS.flatMap((from) =>
  KINDS.flatMap((to) => [0, RENAME_NOREPLACE, RENAME_EXCHANGE].map((flags) => ({ from, to, flags }))),
);

describe.each(PLACES)('rename on %s', (place) => {
  it.each(combinations)('$from to $to, flags $flags', ({ from, to, flags }) => {
    const t = prepare(place, from, to);
    const [old, target] = [look(t, '/p/a'), look(t, '/q/b')];
    const want = expected(from, to, flags);
    expect(rename(t, null, '/p/a', null, '/q/b', flags)).toBe(want);
    // Once from the dentry cache, once from the filesystem.
    for (let pass = 0; pass < 2; pass++) {
      expect(look(t, '/p/a')).toBe(want < 0 ? old : flags === RENAME_EXCHANGE ? target : 'none');
      expect(look(t, '/q/b')).toBe(want < 0 ? target : old);
      expect(list(t, '/p')).toEqual(look(t, '/p/a') === 'none' ? [] : ['a']);
      expect(list(t, '/q')).toEqual(look(t, '/q/b') === 'none' ? [] : ['b']);
      const subdirectories = (dir: string): number =>
        list(t, dir).filter((name) => (stat(t, `${dir}/${name}`, WALK_NOFOLLOW).mode & 0o170000) === 0o040000)
          .length;
      for (const dir of ['/p', '/q']) expect(stat(t, dir).nlink).toBe(2 + subdirectories(dir));
      evictAll();
    }
  });

  it('refuses to move a directory into itself', () => {
    const t = prepare(place, 'full', 'none');
    expect(rename(t, null, '/p/a', null, '/p/a/b', 0)).toBe(-EINVAL);
    expect(rename(t, null, '/p', null, '/p/a/b', RENAME_NOREPLACE)).toBe(-EINVAL);
    expect(rename(t, null, '/p/a', null, '/p', 0)).toBe(-ENOTEMPTY);
  });
});
