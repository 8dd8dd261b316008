/** Path resolution over tmpfs: links, slashes, dots, mounts, roots, permissions, RESOLVE_ flags. */
import { describe, expect, it } from 'vitest';
import {
  EACCES,
  EEXIST,
  EISDIR,
  ELOOP,
  ENAMETOOLONG,
  ENOENT,
  ENOTDIR,
  EXDEV,
} from '../../../sentry/abi/errno.ts';
import {
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_WRONLY,
  RESOLVE_BENEATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
} from '../../../sentry/abi/fcntl.ts';
import { changeMode } from '../../../sentry/vfs/attributes.ts';
import { makeDirectory, makeSymlink, removeFile, rename } from '../../../sentry/vfs/names.ts';
import { openAt } from '../../../sentry/vfs/open.ts';
import { pathFrom, showPath } from '../../../sentry/vfs/path-name.ts';
import {
  resolve,
  RESOLVE_SHIFT,
  WALK_DIRECTORY,
  WALK_EMPTY,
  WALK_NOFOLLOW,
} from '../../../sentry/vfs/walk.ts';
import { at, get, open, put, tmpfs, user, world, type World } from './world.ts';

function tree(): World {
  const { t } = world();
  makeDirectory(t, null, '/a', 0o755);
  makeDirectory(t, null, '/a/b', 0o755);
  put(t, '/a/b/f', 'content');
  makeSymlink(t, 'a/b', null, '/link');
  makeSymlink(t, '/a/b/f', null, '/abs');
  makeSymlink(t, 'nowhere', null, '/dangling');
  makeSymlink(t, 'loop2', null, '/loop1');
  makeSymlink(t, 'loop1', null, '/loop2');
  return t;
}

describe('resolve', () => {
  it('finds names through dots, doubled slashes and links', () => {
    const t = tree();
    const f = at(t, '/a/b/f').dentry;
    for (const name of [
      '/a//b///f',
      '/a/./b/../b/f',
      '/link/f',
      '/abs',
      'a/b/f',
      '/../../a/b/f',
      '/link/../b/f',
    ]) {
      expect(at(t, name).dentry, name).toBe(f);
    }
  });

  it('answers with the errno of Linux', () => {
    const t = tree();
    expect(resolve(t, null, '', 0)).toBe(-ENOENT);
    expect(resolve(t, null, '/a/b/f/', 0)).toBe(-ENOTDIR);
    expect(resolve(t, null, '/a/b/f/x', 0)).toBe(-ENOTDIR);
    expect(resolve(t, null, '/a/x', 0)).toBe(-ENOENT);
    expect(resolve(t, null, '/a/x/y', 0)).toBe(-ENOENT);
    expect(resolve(t, null, '/dangling', 0)).toBe(-ENOENT);
    expect(resolve(t, null, '/loop1', 0)).toBe(-ELOOP);
    expect(resolve(t, null, `/${'n'.repeat(256)}`, 0)).toBe(-ENAMETOOLONG);
    expect(resolve(t, null, `/${'n'.repeat(255)}`, 0)).toBe(-ENOENT);
    expect(resolve(t, null, '/a/b/f', WALK_DIRECTORY)).toBe(-ENOTDIR);
  });

  it('follows the last link only when asked, but always with a trailing slash', () => {
    const t = tree();
    expect(at(t, '/link', WALK_NOFOLLOW).dentry.name).toBe('link');
    expect(at(t, '/link/', WALK_NOFOLLOW).dentry.name).toBe('b');
    expect(at(t, '/dangling', WALK_NOFOLLOW).dentry.name).toBe('dangling');
  });

  it('allows 40 links in a row and refuses the 41st', () => {
    const t = tree();
    put(t, '/l0', '');
    for (let i = 1; i <= 41; i++) makeSymlink(t, `l${i - 1}`, null, `/l${i}`);
    expect(at(t, '/l40').dentry.name).toBe('l0');
    expect(resolve(t, null, '/l41', 0)).toBe(-ELOOP);
  });

  it('forgets a cached path when a part of it moves, goes or appears', () => {
    const t = tree();
    expect(at(t, '/a/b/f').dentry.name).toBe('f');
    expect(rename(t, null, '/a/b', null, '/a/c', 0)).toBe(0);
    expect(resolve(t, null, '/a/b/f', 0)).toBe(-ENOENT);
    expect(resolve(t, null, '/a/b/f', 0)).toBe(-ENOENT);
    expect(at(t, '/a/c/f').dentry.name).toBe('f');
    makeDirectory(t, null, '/a/b', 0o755);
    put(t, '/a/b/f', 'new');
    expect(get(t, '/a/b/f')).toBe('new');
    expect(removeFile(t, null, '/a/b/f')).toBe(0);
    expect(resolve(t, null, '/a/b/f', 0)).toBe(-ENOENT);
  });

  it('asks each directory for search permission, also after a chmod and for other callers', () => {
    const t = tree();
    expect(changeMode(t, at(t, '/a'), 0o700)).toBe(0);
    expect(at(t, '/a/b/f').dentry.name).toBe('f');
    t.creds = user(1000);
    expect(resolve(t, null, '/a/b/f', 0)).toBe(-EACCES);
    expect(resolve(t, null, '/abs', 0)).toBe(-EACCES);
  });

  it('keeps within a chroot', () => {
    const t = tree();
    makeSymlink(t, '/f', null, '/a/b/up');
    t.root = at(t, '/a/b');
    t.cwd = t.root;
    expect(at(t, '/up').dentry.name).toBe('f');
    expect(at(t, '../../../f').dentry.name).toBe('f');
    expect(resolve(t, null, '/a', 0)).toBe(-ENOENT);
  });

  it('crosses mounts down and up', () => {
    const { ns, t } = world();
    makeDirectory(t, null, '/mnt', 0o755);
    put(t, '/below', '');
    const under = at(t, '/mnt').dentry;
    expect(ns.mount(tmpfs(), at(t, '/mnt'), 0, 'x')).toBeTypeOf('object');
    expect(at(t, '/mnt').dentry).not.toBe(under);
    makeDirectory(t, null, '/mnt/d', 0o755);
    expect(at(t, '/mnt/d/../../below').dentry.name).toBe('below');
    expect(showPath(at(t, '/mnt/d'), t.root)).toBe('/mnt/d');
    t.cwd = at(t, '/mnt');
    expect(resolve(t, null, 'd', RESOLVE_NO_XDEV << RESOLVE_SHIFT)).toBeTypeOf('object');
    expect(resolve(t, null, '..', RESOLVE_NO_XDEV << RESOLVE_SHIFT)).toBe(-EXDEV);
    t.cwd = t.root;
    expect(resolve(t, null, 'mnt', RESOLVE_NO_XDEV << RESOLVE_SHIFT)).toBe(-EXDEV);
  });

  it('obeys RESOLVE_BENEATH, IN_ROOT and NO_SYMLINKS', () => {
    const t = tree();
    const a = at(t, '/a');
    makeSymlink(t, '/b/f', null, '/a/rooted');
    makeSymlink(t, '../abs', null, '/a/out');
    const beneath = RESOLVE_BENEATH << RESOLVE_SHIFT;
    expect(resolve(t, a, 'b/../b/f', beneath)).toBeTypeOf('object');
    for (const name of ['..', 'b/../..', '/a', 'rooted', 'out'])
      expect(resolve(t, a, name, beneath)).toBe(-EXDEV);
    const inRoot = RESOLVE_IN_ROOT << RESOLVE_SHIFT;
    expect(resolve(t, a, 'rooted', inRoot)).toBeTypeOf('object');
    expect(resolve(t, a, '/../b/f', inRoot)).toBeTypeOf('object');
    expect(resolve(t, a, 'out', inRoot)).toBe(-ENOENT);
    expect(resolve(t, null, 'link/f', RESOLVE_NO_SYMLINKS << RESOLVE_SHIFT)).toBe(-ELOOP);
  });

  it('takes an empty name for the start when told so', () => {
    const t = tree();
    const a = at(t, '/a');
    expect(resolve(t, a, '', WALK_EMPTY)).toBe(a);
  });
});

describe('open', () => {
  it('creates through a dangling link, but not with O_EXCL', () => {
    const t = tree();
    expect(openAt(t, null, '/dangling', O_CREAT | O_EXCL | O_WRONLY, 0o644)).toBe(-EEXIST);
    open(t, '/dangling', O_CREAT | O_WRONLY).decRef();
    expect(at(t, '/nowhere').dentry.inode!.mode).toBe(0o100644);
  });

  it('tells O_NOFOLLOW, O_DIRECTORY, O_PATH and O_CREAT on directories apart', () => {
    const t = tree();
    expect(openAt(t, null, '/abs', O_NOFOLLOW, 0)).toBe(-ELOOP);
    expect(openAt(t, null, '/abs', O_NOFOLLOW | O_DIRECTORY, 0)).toBe(-ENOTDIR);
    expect(open(t, '/abs', O_NOFOLLOW | O_PATH).inode).toBe(at(t, '/abs', WALK_NOFOLLOW).dentry.inode);
    expect(openAt(t, null, '/a/b/f', O_DIRECTORY, 0)).toBe(-ENOTDIR);
    expect(openAt(t, null, '/a', O_WRONLY, 0)).toBe(-EISDIR);
    expect(openAt(t, null, '/a', O_CREAT | O_RDONLY, 0)).toBe(-EISDIR);
    expect(openAt(t, null, '/new/', O_CREAT | O_WRONLY, 0)).toBe(-EISDIR);
    expect(openAt(t, null, '/', O_CREAT | O_EXCL, 0)).toBe(-EEXIST);
  });

  it('lets the creator write what the mode forbids, and nobody else', () => {
    const t = tree();
    changeMode(t, at(t, '/'), 0o777);
    t.creds = user(1000);
    const file = open(t, '/mine', O_CREAT | O_WRONLY, 0o444);
    expect(file.write(Buffer.from('x'), 0, 1, t)).toBe(1);
    expect(openAt(t, null, '/mine', O_WRONLY, 0)).toBe(-EACCES);
  });
});

describe('names of places', () => {
  it('follow renames and show removal', () => {
    const t = tree();
    const file = open(t, '/a/b/f', 0);
    expect(rename(t, null, '/a', null, '/z', 0)).toBe(0);
    expect(pathFrom(file.path!, t.root)).toBe('/z/b/f');
    removeFile(t, null, '/z/b/f');
    expect(showPath(file.path!, t.root)).toBe('/z/b/f (deleted)');
    expect(file.read(Buffer.alloc(7), 0, 7, t)).toBe(7);
    t.root = at(t, '/z/b');
    expect(pathFrom(at(t, '/'), t.root)).toBe('/');
    expect(pathFrom(file.path!, at(t, '/'))).toBe('/f');
  });
});
