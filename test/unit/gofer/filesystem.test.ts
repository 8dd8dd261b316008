/** Gofer trees through the VFS: what a guest's calls come to, and how many exchanges with the gofer they cost. */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { EACCES, ENODATA, ENOENT, EOPNOTSUPP, EROFS } from '../../../sentry/abi/errno.ts';
import {
  O_APPEND,
  O_CREAT,
  O_DIRECTORY,
  O_RDONLY,
  O_RDWR,
  O_TMPFILE,
  O_TRUNC,
  O_WRONLY,
} from '../../../sentry/abi/fcntl.ts';
import { DT_DIR, DT_LNK, DT_REG } from '../../../sentry/abi/stat.ts';
import { Credentials } from '../../../sentry/auth/credentials.ts';
import type { CallerContext } from '../../../sentry/vfs/context.ts';
import { evictAll, forgetName, instantiate, moveDentry } from '../../../sentry/vfs/dcache.ts';
import { openAt } from '../../../sentry/vfs/open.ts';
import type { Path } from '../../../sentry/vfs/path.ts';
import { resolve } from '../../../sentry/vfs/walk.ts';
import { addon } from '../../../native/addon.ts';
import {
  mountTree,
  unmountTree,
  opened,
  inodeOf,
  errorOf,
  stat,
  readAll,
  write,
  names,
  dentryOf,
  unlink,
} from './mounted-tree.ts';
import { cpuMs, expectLinear } from '../../support/cpu-time.ts';

afterEach(unmountTree);

test('a deep path costs one exchange, and then none', () => {
  const w = mountTree((tree) => {
    mkdirSync(join(tree, 'a/b/c/d/e'), { recursive: true });
    writeFileSync(join(tree, 'a/b/c/d/e/f'), 'x');
  });
  expect(w.cost(() => inodeOf(w, '/a/b/c/d/e/f'))).toBe(1);
  expect(w.cost(() => stat(inodeOf(w, '/a/b/c/d/e/f')))).toBe(0);
  expect(w.cost(() => expect(errorOf(w, '/a/b/c/nothing/x')).toBe(-ENOENT))).toBe(1);
  expect(w.cost(() => expect(errorOf(w, '/a/b/c/nothing/x')).toBe(-ENOENT))).toBe(0);
});

test('reads through the donated descriptor; opening again costs nothing', () => {
  const w = mountTree((tree) => writeFileSync(join(tree, 'f'), 'hello'));
  expect(readAll(w, opened(w, '/f', O_RDONLY))).toBe('hello');
  expect(w.cost(() => opened(w, '/f', O_RDONLY).decRef())).toBe(0);
});

test('symbolic links are followed inside, absolute ones from the container root', () => {
  const w = mountTree((tree) => {
    mkdirSync(join(tree, 'd'));
    writeFileSync(join(tree, 'd/f'), 'inside');
    symlinkSync('/d/f', join(tree, 'abs'));
    symlinkSync('../../../../d', join(tree, 'up'));
    symlinkSync('/etc/passwd', join(tree, 'passwd'));
  });
  expect(readAll(w, opened(w, '/abs', O_RDONLY))).toBe('inside');
  expect(readAll(w, opened(w, '/up/f', O_RDONLY))).toBe('inside');
  expect(openAt(w.ctx, null, '/passwd', O_RDONLY, 0)).toBe(-ENOENT);
});

test('writes reach the host, sizes and times are seen at once', () => {
  const w = mountTree((tree) => writeFileSync(join(tree, 'f'), '0123456789'));
  const file = opened(w, '/f', O_RDWR);
  expect(write(w, file, 'ab')).toBe(2);
  expect(file.pwrite(Buffer.from('end'), 0, 3, 20, w.ctx)).toBe(3);
  expect(readFileSync(w.host('f'), 'latin1').slice(0, 10)).toBe('ab23456789');
  const seen = stat(inodeOf(w, '/f'));
  expect(seen.size).toBe(23);
  const onHost = statSync(w.host('f'));
  expect(seen.mtimeSec).toBe(Math.floor(onHost.mtimeMs / 1000));
  expect(seen.blocks).toBe(onHost.blocks);
  const append = opened(w, '/f', O_WRONLY | O_APPEND);
  write(w, append, '!');
  expect(statSync(w.host('f')).size).toBe(24);
  opened(w, '/f', O_WRONLY | O_TRUNC);
  expect(statSync(w.host('f')).size).toBe(0);
  expect(stat(inodeOf(w, '/f')).size).toBe(0);
});

test('creating and opening cost one exchange', () => {
  const w = mountTree(() => undefined);
  inodeOf(w, '/');
  expect(errorOf(w, '/new')).toBe(-ENOENT);
  expect(
    w.cost(() => {
      const file = opened(w, '/new', O_CREAT | O_RDWR, 0o666);
      write(w, file, 'x');
      file.decRef();
    }),
  ).toBe(1);
  expect(statSync(w.host('new')).mode & 0o7777).toBe(0o644);
});

test('an unlinked open file lives on: read, write, stat, chmod, map', () => {
  const w = mountTree((tree) => writeFileSync(join(tree, 'f'), 'data'));
  const file = opened(w, '/f', O_RDWR);
  expect(unlink(w, 'f')).toBe(0);
  expect(existsSync(w.host('f'))).toBe(false);
  expect(errorOf(w, '/f')).toBe(-ENOENT);
  expect(readAll(w, file)).toBe('data');
  expect(write(w, file, 'more')).toBe(4);
  const inode = file.inode!;
  expect(stat(inode)).toMatchObject({ nlink: 0, size: 8 });
  expect(inode.setattr({ mode: 0o600 }, w.ctx)).toBe(0);
  expect(stat(inode).mode).toBe(0o100600);
  expect(inode.mappable()!.hostFd(false)).toBeGreaterThan(2);
  // A new file of that name is another file.
  write(w, opened(w, '/f', O_CREAT | O_RDWR), 'new');
  file.pos = 0;
  expect(readAll(w, file)).toBe('datamore');
  file.decRef();
});

test('descriptors for mapping are read-only unless writing was allowed', () => {
  const w = mountTree((tree) => writeFileSync(join(tree, 'f'), 'data'));
  const file = opened(w, '/f', O_RDWR);
  const readOnly = file.mappable()!.hostFd(false);
  expect(addon.pwrite(readOnly, Buffer.from('x'), 0, 1, 0)).toBe(-9);
  expect(addon.pwrite(file.mappable()!.hostFd(true), Buffer.from('x'), 0, 1, 0)).toBe(1);
});

test('a listing brings types and attributes: the stats after it cost nothing', () => {
  const w = mountTree((tree) => {
    mkdirSync(join(tree, 'dir/sub'), { recursive: true });
    for (let i = 0; i < 300; i++) writeFileSync(join(tree, `dir/file${i}`), 'x'.repeat(i));
    symlinkSync('x', join(tree, 'dir/link'));
  });
  const directory = opened(w, '/dir', O_RDONLY | O_DIRECTORY);
  let seen = new Map<string, number>();
  expect(w.cost(() => (seen = names(w, directory)))).toBe(1);
  expect(seen.size).toBe(304);
  expect([seen.get('.'), seen.get('sub'), seen.get('link'), seen.get('file7')]).toEqual([
    DT_DIR,
    DT_DIR,
    DT_LNK,
    DT_REG,
  ]);
  expect(
    w.cost(() => {
      for (let i = 0; i < 300; i++) expect(stat(inodeOf(w, `/dir/file${i}`)).size).toBe(i);
      inodeOf(w, '/dir/sub');
      expect(errorOf(w, '/dir/none')).toBe(-ENOENT);
    }),
  ).toBe(0);
});

test('a listing goes stale name by name, and whole when names change', () => {
  const w = mountTree((tree) => {
    writeFileSync(join(tree, 'a'), '1');
    writeFileSync(join(tree, 'b'), '22');
  });
  const directory = opened(w, '/', O_RDONLY | O_DIRECTORY);
  expect([...names(w, directory).keys()].sort()).toEqual(['.', '..', 'a', 'b']);
  const a = opened(w, '/a', O_RDWR);
  write(w, a, 'longer');
  a.decRef();
  evictAll();
  expect(stat(inodeOf(w, '/a')).size).toBe(6);
  expect(unlink(w, 'b')).toBe(0);
  expect(errorOf(w, '/b')).toBe(-ENOENT);
  opened(w, '/c', O_CREAT | O_RDWR).decRef();
  expect([...names(w, directory).keys()].sort()).toEqual(['.', '..', 'a', 'c']);
});

test('40,000 entries are listed in linear time and a bounded number of exchanges', () => {
  expectLinear((count) => {
    const w = mountTree((tree) => {
      for (let i = 0; i < count; i++) writeFileSync(join(tree, `f${i}`), '');
    });
    const directory = opened(w, '/', O_RDONLY | O_DIRECTORY);
    const start = cpuMs();
    const calls = w.cost(() => expect(names(w, directory).size).toBe(count + 2));
    expect(calls).toBeLessThan(count / 500);
    return cpuMs() - start;
  });
});

test('renames carry open files and directories along', () => {
  const w = mountTree((tree) => {
    mkdirSync(join(tree, 'from/sub'), { recursive: true });
    mkdirSync(join(tree, 'to'));
    writeFileSync(join(tree, 'from/sub/f'), 'x');
    writeFileSync(join(tree, 'to/old'), 'old');
  });
  inodeOf(w, '/from/sub/f');
  const old = opened(w, '/to/old', O_RDONLY);
  const from = resolve(w.ctx, null, '/from', 0) as Path;
  const to = resolve(w.ctx, null, '/to', 0) as Path;
  const sub = dentryOf(w, from, 'sub');
  const result = from.dentry.inode!.rename('sub', sub.inode!, to.dentry.inode!, 'sub2', null, 0, w.ctx);
  expect(result).toBe(0);
  moveDentry(sub, to.dentry, 'sub2');
  evictAll();
  expect(readAll(w, opened(w, '/to/sub2/f', O_RDONLY))).toBe('x');
  expect(errorOf(w, '/from/sub')).toBe(-ENOENT);
  // A file replaces one that is open.
  const f = dentryOf(w, resolve(w.ctx, null, '/to/sub2', 0) as Path, 'f');
  const target = dentryOf(w, to, 'old');
  const sub2 = dentryOf(w, to, 'sub2').inode!;
  expect(sub2.rename('f', f.inode!, to.dentry.inode!, 'old', target.inode, 0, w.ctx)).toBe(0);
  forgetName(target);
  moveDentry(f, to.dentry, 'old');
  expect(readAll(w, old)).toBe('old');
  expect(stat(old.inode!).nlink).toBe(0);
  expect(readAll(w, opened(w, '/to/old', O_RDONLY))).toBe('x');
});

test('hard links are one inode, and survive the loss of either name', () => {
  const w = mountTree((tree) => writeFileSync(join(tree, 'a'), 'x'));
  const inode = inodeOf(w, '/a');
  const root = w.fs.root();
  expect(root.link('b', inode, w.ctx)).toBe(0);
  instantiate(dentryOf(w, w.ctx.root, 'b'), inode);
  expect(inodeOf(w, '/b')).toBe(inode);
  expect(stat(inode).nlink).toBe(2);
  expect(unlink(w, 'b')).toBe(0);
  expect(readAll(w, opened(w, '/a', O_RDONLY))).toBe('x');
  expect(stat(inode).nlink).toBe(1);
});

test('a bounded number of descriptors serves any number of files', () => {
  const w = mountTree(
    (tree) => {
      for (let i = 0; i < 200; i++) writeFileSync(join(tree, `f${i}`), `content ${i}`);
    },
    { fdLimit: 16 },
  );
  const files = Array.from({ length: 200 }, (_, i) => opened(w, `/f${i}`, O_RDONLY));
  expect(w.fs.fds.size).toBeLessThanOrEqual(16);
  for (const [i, file] of files.entries()) expect(readAll(w, file)).toBe(`content ${i}`);
  expect(w.fs.fds.size).toBeLessThanOrEqual(16);
  for (const file of files) file.decRef();
  evictAll();
  expect(w.fs.fds.size).toBe(0);
});

test('O_TMPFILE, named afterwards', () => {
  const w = mountTree(() => undefined);
  const file = openAt(w.ctx, null, '/', O_TMPFILE | O_RDWR, 0o600);
  if (typeof file === 'number') {
    expect(file).toBe(-95); // a host filesystem without it
    return;
  }
  file.incRef();
  expect(file.inode!.linkable()).toBe(true);
  write(w, file, 'tmp');
  if (process.getuid?.() !== 0) return;
  expect(w.fs.root().link('named', file.inode!, w.ctx)).toBe(0);
  expect(readFileSync(w.host('named'), 'utf8')).toBe('tmp');
});

test('a read-only tree', () => {
  const w = mountTree((tree) => writeFileSync(join(tree, 'f'), 'x'), { readonly: true });
  expect(openAt(w.ctx, null, '/f', O_WRONLY, 0)).toBe(-EROFS);
  expect(openAt(w.ctx, null, '/g', O_CREAT | O_RDWR, 0o644)).toBe(-EROFS);
  expect(inodeOf(w, '/f').setattr({ mode: 0o600 }, w.ctx)).toBe(-EROFS);
});

test('a shared tree shows what the host does', () => {
  const w = mountTree(
    (tree) => {
      mkdirSync(join(tree, 'd'));
      writeFileSync(join(tree, 'd/f'), 'one');
    },
    { shared: true },
  );
  const wait = (): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
  expect(readAll(w, opened(w, '/d/f', O_RDONLY))).toBe('one');
  expect(errorOf(w, '/d/later')).toBe(-ENOENT);
  writeFileSync(w.host('d/later'), 'now');
  wait();
  expect(readAll(w, opened(w, '/d/later', O_RDONLY))).toBe('now');
  writeFileSync(w.host('d/f'), 'longer than before');
  wait();
  expect(stat(inodeOf(w, '/d/f')).size).toBe(18);
  // Replaced by rename, as editors and config maps do.
  const held = opened(w, '/d/f', O_RDONLY);
  writeFileSync(w.host('d/tmp'), 'two');
  renameSync(w.host('d/tmp'), w.host('d/f'));
  wait();
  expect(readAll(w, opened(w, '/d/f', O_RDONLY))).toBe('two');
  expect(readAll(w, held)).toBe('longer than before');
  unlinkSync(w.host('d/f'));
  wait();
  expect(errorOf(w, '/d/f')).toBe(-ENOENT);
});

test('a path of a shared tree is looked at again in one exchange', () => {
  const w = mountTree(
    (tree) => {
      mkdirSync(join(tree, 'a/b/c'), { recursive: true });
      writeFileSync(join(tree, 'a/b/c/f'), 'x');
    },
    { shared: true },
  );
  const wait = (): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
  expect(w.cost(() => stat(inodeOf(w, '/a/b/c/f')))).toBe(1);
  const before = inodeOf(w, '/a/b/c/f');
  wait();
  expect(w.cost(() => stat(inodeOf(w, '/a/b/c/f')))).toBe(1);
  expect(inodeOf(w, '/a/b/c/f')).toBe(before);
  renameSync(w.host('a/b'), w.host('a/old'));
  mkdirSync(w.host('a/b/c'), { recursive: true });
  writeFileSync(w.host('a/b/c/f'), 'other');
  wait();
  expect(stat(inodeOf(w, '/a/b/c/f')).size).toBe(5);
  expect(inodeOf(w, '/a/b/c/f')).not.toBe(before);
});

test('the VFS judges permission by the attributes', () => {
  const w = mountTree((tree) => writeFileSync(join(tree, 'secret'), 'x', { mode: 0o600 }));
  const user = {
    ...w.ctx,
    creds: new Credentials({ uid: 1000, fsuid: 1000, fsgid: 1000 }),
  } as unknown as CallerContext;
  expect(openAt(user, null, '/secret', O_RDONLY, 0)).toBe(-EACCES);
});

test('files without extended attributes are asked once', () => {
  const w = mountTree((tree) => writeFileSync(join(tree, 'f'), 'x'));
  const inode = inodeOf(w, '/f');
  expect(w.cost(() => expect(inode.getxattr('user.a')).toBe(-ENODATA))).toBe(1);
  expect(
    w.cost(() => {
      expect(inode.listxattr()).toEqual([]);
      expect(inode.getxattr('security.capability')).toBe(-ENODATA);
      expect(inode.getxattr('system.posix_acl_access')).toBe(-EOPNOTSUPP);
    }),
  ).toBe(0);
  if (inode.setxattr('user.a', Buffer.from('1'), 0) === -EOPNOTSUPP) return; // the host's filesystem has none
  expect(inode.listxattr()).toEqual(['user.a']);
  expect(inode.getxattr('user.a')).toEqual(new Uint8Array([0x31]));
  expect(inode.removexattr('user.a')).toBe(0);
  expect(inode.getxattr('user.a')).toBe(-ENODATA);
});

test('a live tree shows how open files grow on the host', () => {
  const w = mountTree((tree) => writeFileSync(join(tree, 'log'), 'one\n'), { live: true });
  const file = opened(w, '/log', O_RDONLY);
  expect(readAll(w, file)).toBe('one\n');
  appendFileSync(w.host('log'), 'two\n');
  expect(stat(inodeOf(w, '/log')).size).toBe(8);
  expect(file.seek(0, 2)).toBe(8);
  file.pos = 4;
  expect(readAll(w, file)).toBe('two\n');
});
