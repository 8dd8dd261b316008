/** Overlay over a lower tmpfs: the lower tree never changes, and what is seen is what a writable tree would show. */
import { readdirSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { EEXIST, ENOENT, ENOSPC, ENOTEMPTY } from '../../../sentry/abi/errno.ts';
import { O_CREAT, O_EXCL, O_RDWR, O_TMPFILE, O_WRONLY, RENAME_EXCHANGE } from '../../../sentry/abi/fcntl.ts';
import { Overlayfs } from '../../../sentry/fs/overlay/overlayfs.ts';
import type { Tmpfs } from '../../../sentry/fs/tmpfs/tmpfs.ts';
import { changeMode, changeOwner, truncatePath } from '../../../sentry/vfs/attributes.ts';
import { evictAll } from '../../../sentry/vfs/dcache.ts';
import {
  makeDirectory,
  makeLink,
  makeSymlink,
  removeDirectory,
  removeFile,
  rename,
} from '../../../sentry/vfs/names.ts';
import { openAt } from '../../../sentry/vfs/open.ts';
import { resolve, WALK_NOFOLLOW } from '../../../sentry/vfs/walk.ts';
import { at, get, list, open, put, stat, tmpfs, world, type World } from './world.ts';
import { cpuMs, expectLinear } from '../../support/cpu-time.ts';

let lower: Tmpfs;
let below: World;
let t: World;

beforeEach(() => {
  lower = tmpfs();
  below = world(lower).t;
  makeDirectory(below, null, '/dir', 0o755);
  makeDirectory(below, null, '/dir/sub', 0o755);
  put(below, '/dir/one', 'one');
  put(below, '/dir/two', 'two');
  put(below, '/dir/sub/deep', 'deep');
  put(below, '/file', 'lower');
  makeLink(below, at(below, '/file'), null, '/file2');
  makeSymlink(below, 'dir/one', null, '/link');
  evictAll();
  t = world(new Overlayfs(lower, tmpfs())).t;
});

/** Everything below a directory as text, for comparing trees. */
function snapshot(w: World, dir: string): Record<string, string> {
  const out: Record<string, string> = {};
  for (const name of list(w, dir)) {
    const path = dir === '/' ? `/${name}` : `${dir}/${name}`;
    const mode = stat(w, path, WALK_NOFOLLOW).mode & 0o170000;
    if (mode === 0o040000) Object.assign(out, { [path]: 'dir' }, snapshot(w, path));
    else if (mode === 0o100000) out[path] = get(w, path);
    else out[path] = 'link';
  }
  return out;
}

describe('overlay', () => {
  it('shows the lower tree', () => {
    expect(snapshot(t, '/')).toEqual(snapshot(below, '/'));
    expect(get(t, '/link')).toBe('one');
    expect(stat(t, '/file').ino).toBe(stat(below, '/file').ino);
    expect(stat(t, '/file').dev).not.toBe(stat(below, '/file').dev);
  });

  it('copies up on writing, keeps inode number, mode and owner, survives eviction', () => {
    const before = snapshot(below, '/');
    changeOwner(below, at(below, '/dir/sub/deep'), 7, 8);
    const ino = stat(t, '/dir/sub/deep').ino;
    const file = open(t, '/dir/sub/deep', O_RDWR);
    expect(file.pwrite(Buffer.from('DE'), 0, 2, 0, t)).toBe(2);
    file.decRef();
    evictAll();
    expect(get(t, '/dir/sub/deep')).toBe('DEep');
    const after = stat(t, '/dir/sub/deep');
    expect([after.ino, after.uid, after.gid, after.mode]).toEqual([ino, 7, 8, 0o100644]);
    expect(snapshot(below, '/')).toEqual(before);
  });

  it('changes attributes without touching content, for good', () => {
    changeMode(t, at(t, '/dir/one'), 0o4711);
    changeOwner(t, at(t, '/dir'), 5, 6);
    evictAll();
    expect(stat(t, '/dir/one').mode).toBe(0o104711);
    expect(stat(t, '/dir').uid).toBe(5);
    expect(get(t, '/dir/one')).toBe('one');
    expect(stat(below, '/dir/one').mode).toBe(0o100644);
    truncatePath(t, at(t, '/dir/one'), 2);
    expect(get(t, '/dir/one')).toBe('on');
    // Cutting a file takes its setuid bit unless CAP_FSETID.
    expect(stat(t, '/dir/one').mode).toBe(0o104711);
  });

  it('hides removed names, also from listings, and lets them be made again', () => {
    expect(removeFile(t, null, '/dir/one')).toBe(0);
    evictAll();
    expect(resolve(t, null, '/dir/one', 0)).toBe(-ENOENT);
    expect(list(t, '/dir').sort()).toEqual(['sub', 'two']);
    put(t, '/dir/one', 'again');
    evictAll();
    expect(get(t, '/dir/one')).toBe('again');
    expect(list(t, '/dir').sort()).toEqual(['one', 'sub', 'two']);
    expect(removeFile(t, null, '/dir/one')).toBe(0);
    expect(resolve(t, null, '/dir/one', 0)).toBe(-ENOENT);
    expect(get(below, '/dir/one')).toBe('one');
  });

  it('makes a removed directory anew without its old content (opaque)', () => {
    expect(removeDirectory(t, null, '/dir/sub')).toBe(-ENOTEMPTY);
    removeFile(t, null, '/dir/sub/deep');
    expect(removeDirectory(t, null, '/dir/sub')).toBe(0);
    expect(makeDirectory(t, null, '/dir/sub', 0o700)).toBe(0);
    evictAll();
    expect(list(t, '/dir/sub')).toEqual([]);
    expect(stat(t, '/dir/sub').mode).toBe(0o040700);
  });

  it('renames lower directories with all they hold', () => {
    put(t, '/dir/new', 'new');
    expect(rename(t, null, '/dir', null, '/moved', 0)).toBe(0);
    evictAll();
    expect(resolve(t, null, '/dir', 0)).toBe(-ENOENT);
    expect(list(t, '/moved').sort()).toEqual(['new', 'one', 'sub', 'two']);
    expect(get(t, '/moved/sub/deep')).toBe('deep');
    makeDirectory(t, null, '/dir', 0o755);
    expect(list(t, '/dir')).toEqual([]);
    expect(rename(t, null, '/moved/sub', null, '/dir/sub', 0)).toBe(0);
    put(t, '/dir/sub/deep', 'changed');
    evictAll();
    expect(get(t, '/dir/sub/deep')).toBe('changed');
    expect(get(below, '/dir/sub/deep')).toBe('deep');
  });

  it('replaces, exchanges and whites out by rename', () => {
    expect(rename(t, null, '/dir/one', null, '/dir/two', 0)).toBe(0);
    evictAll();
    expect(get(t, '/dir/two')).toBe('one');
    expect(list(t, '/dir').sort()).toEqual(['sub', 'two']);
    expect(rename(t, null, '/file', null, '/dir/sub', RENAME_EXCHANGE)).toBe(0);
    evictAll();
    expect(get(t, '/dir/sub')).toBe('lower');
    expect(get(t, '/file/deep')).toBe('deep');
    expect(rename(t, null, '/dir', null, '/file', 0)).toBe(-ENOTEMPTY);
  });

  it('keeps lower hard links one file', () => {
    put(t, '/file2', 'written');
    evictAll();
    expect(get(t, '/file')).toBe('written');
    expect(stat(t, '/file').nlink).toBe(2);
    expect(removeFile(t, null, '/file2')).toBe(0);
    evictAll();
    expect(get(t, '/file')).toBe('written');
    expect(stat(t, '/file').nlink).toBe(1);
    expect(get(below, '/file2')).toBe('lower');
  });

  it('links new names to lower and new files', () => {
    expect(makeLink(t, at(t, '/dir/one'), null, '/hard')).toBe(0);
    put(t, '/hard', 'both');
    evictAll();
    expect(get(t, '/dir/one')).toBe('both');
    expect(removeFile(t, null, '/hard')).toBe(0);
    changeMode(t, at(t, '/dir/one'), 0o600);
    evictAll();
    expect(resolve(t, null, '/hard', 0)).toBe(-ENOENT);
    expect(stat(t, '/dir/one').nlink).toBe(1);
    expect(get(t, '/dir/one')).toBe('both');
  });

  it('does not bring a name back when its open file is written', () => {
    const file = open(t, '/dir/one', O_RDWR);
    removeFile(t, null, '/dir/one');
    expect(file.write(Buffer.from('zzz'), 0, 3, t)).toBe(3);
    file.inode!.setattr({ mode: 0o600 }, t);
    expect(resolve(t, null, '/dir/one', 0)).toBe(-ENOENT);
    file.decRef();
    evictAll();
    expect(list(t, '/dir').sort()).toEqual(['sub', 'two']);
  });

  it('leaves readers from before a copy-up with the old bytes, later ones get the new', () => {
    const old = open(t, '/dir/two', 0);
    put(t, '/dir/two', 'TWO!');
    const bytes = Buffer.alloc(8);
    expect(old.pread(bytes, 0, 8, 0, t)).toBe(3);
    expect(get(t, '/dir/two')).toBe('TWO!');
    old.decRef();
  });

  it('takes over extended attributes', () => {
    at(below, '/dir/one').dentry.inode!.setxattr('user.a', Buffer.from('1'), 0);
    const inode = at(t, '/dir/one').dentry.inode!;
    expect(inode.setxattr('user.b', Buffer.from('2'), 0)).toBe(0);
    expect(inode.listxattr()).toEqual(['user.a', 'user.b']);
    expect(inode.removexattr('user.a')).toBe(0);
    expect(at(below, '/dir/one').dentry.inode!.listxattr()).toEqual(['user.a']);
  });

  it('names an O_TMPFILE file', () => {
    const file = open(t, '/dir', O_TMPFILE | O_WRONLY);
    file.write(Buffer.from('hidden'), 0, 6, t);
    expect(makeLink(t, file.path!, null, '/dir/shown')).toBe(0);
    file.decRef();
    evictAll();
    expect(get(t, '/dir/shown')).toBe('hidden');
    expect(openAt(t, null, '/dir/shown', O_CREAT | O_EXCL | O_WRONLY, 0)).toBe(-EEXIST);
  });

  it('bounds what can be made, and counts what is removed', () => {
    const small = world(new Overlayfs(lower, tmpfs(), 3)).t;
    const make = (name: string): number => makeDirectory(small, null, name, 0o755);
    expect([make('/1'), make('/2'), make('/3'), make('/4')]).toEqual([0, 0, 0, -ENOSPC]);
    expect(removeDirectory(small, null, '/2')).toBe(0);
    expect(make('/4')).toBe(0);
    removeFile(small, null, '/file');
    put(small, '/dir/one', 'copied');
    expect(make('/5')).toBe(-ENOSPC);
  });

  it('leaves no host file open when it goes', () => {
    const openNow = (): number => readdirSync('/proc/self/fd').length;
    const before = openNow();
    const overlay = new Overlayfs(tmpfs(), tmpfs());
    const { ns, t: inside } = world(overlay);
    makeDirectory(inside, null, '/deep', 0o755);
    // Files that grow so large are in the host's memory files.
    for (const name of ['/large', '/deep/large']) put(inside, name, 'x'.repeat(3 << 20));
    expect(openNow()).toBeGreaterThan(before);
    ns.destroy();
    expect(openNow()).toBe(before);
  });

  it('lists 40,000 merged entries in linear time, in small portions', () => {
    let round = 0;
    expectLinear((count) => {
      const directory = `/dir/sub/${round++}`;
      makeDirectory(below, null, directory, 0o755);
      for (let i = 0; i < count / 2; i++) put(below, `${directory}/l${i}`, '');
      for (let i = 0; i < count / 2; i++) put(t, `${directory}/u${i}`, '');
      const start = cpuMs();
      expect(new Set(list(t, directory, 100)).size).toBe(count);
      return cpuMs() - start;
    });
  });
});
