/** The gofer's server as the Sentry sees it: every message against a real process over a real tree. */
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  EACCES,
  EBADF,
  EEXIST,
  EINVAL,
  EISDIR,
  ELOOP,
  ENODATA,
  ENOENT,
  ENOTDIR,
  ENOTEMPTY,
  EOPNOTSUPP,
  EROFS,
  ESTALE,
} from '../../../sentry/abi/errno.ts';
import { addon } from '../../../native/addon.ts';
import * as messages from '../../../gofer/protocol/messages.ts';
import { list, readAttrs, startGofer, walk, type Gofer } from './harness.ts';
import { cpuMs, expectLinear } from '../../support/cpu-time.ts';

const root = process.getuid?.() === 0;
const AT_REMOVEDIR = 0x200;
const noChange = {
  mask: 0,
  mode: 0,
  uid: 0,
  gid: 0,
  size: 0,
  atimeSec: 0,
  atimeNsec: 0,
  mtimeSec: 0,
  mtimeNsec: 0,
};

function contentOf(fd: number): string {
  const buffer = Buffer.alloc(100);
  const n = addon.pread(fd, buffer, 0, 100, 0);
  addon.close(fd);
  return buffer.toString('latin1', 0, Math.max(n, 0));
}

describe('looking', () => {
  let gofer: Gofer;
  beforeAll(() => {
    gofer = startGofer((tree, outside) => {
      mkdirSync(join(tree, 'a/b/c'), { recursive: true });
      writeFileSync(join(tree, 'a/b/c/file'), 'hello');
      symlinkSync('b/c', join(tree, 'a/link'));
      writeFileSync(join(outside, 'secret'), 'secret');
      symlinkSync(outside, join(tree, 'out'));
      symlinkSync(join(outside, 'secret'), join(tree, 'secret'));
    });
  });
  afterAll(() => gofer.stop());

  test('one walk brings the attributes and handles of a whole path', () => {
    const { result, found } = walk(gofer.client, gofer.root, ['a', 'b', 'c', 'file']);
    expect(result).toBe(0);
    expect(found.map((f) => f.handle !== 0)).toEqual([true, true, true, false]);
    const onHost = statSync(join(gofer.tree, 'a/b/c/file'));
    expect(found[3]!.attrs[messages.ATTR_INO]).toBe(onHost.ino);
    expect(found[3]!.attrs[messages.ATTR_SIZE]).toBe(5);
    expect(found[3]!.attrs[messages.ATTR_MODE]).toBe(onHost.mode);
    expect(found[3]!.attrs[messages.ATTR_MTIME]).toBe(Math.floor(onHost.mtimeMs / 1000));
  });

  test('a walk ends at a missing name, with what it found before', () => {
    const { result, found } = walk(gofer.client, gofer.root, ['a', 'b', 'nothing', 'more']);
    expect(result).toBe(-ENOENT);
    expect(found).toHaveLength(2);
  });

  test('a walk ends at a symbolic link and brings its text', () => {
    const { result, found } = walk(gofer.client, gofer.root, ['a', 'link', 'file']);
    expect(result).toBe(0);
    expect(found).toHaveLength(2);
    expect(found[1]!.target).toBe('b/c');
    expect(found[1]!.handle).toBe(0);
  });

  test('a walk ends at a file, whatever follows', () => {
    expect(walk(gofer.client, gofer.root, ['a', 'b', 'c', 'file', 'x']).found).toHaveLength(4);
  });

  test('a directory has one handle however it is reached', () => {
    const first = walk(gofer.client, gofer.root, ['a', 'b']).found[1]!.handle;
    const a = walk(gofer.client, gofer.root, ['a']).found[0]!.handle;
    expect(walk(gofer.client, a, ['b']).found[0]!.handle).toBe(first);
  });

  test.each(['..', '.', '', 'a/b', '/', '/etc', 'a\0b', '../outside'])('refuses the name %j', (name) => {
    expect(walk(gofer.client, gofer.root, [name])).toEqual({ result: -EINVAL, found: [] });
    if (name !== '') {
      expect(gofer.client.open(gofer.root, name, 0, 0)).toBe(-EINVAL);
      expect(gofer.client.getattr(gofer.root, name, 0)).toBe(-EINVAL);
      expect(gofer.client.readdir(gofer.root, name, 0, 0)).toBe(-EINVAL);
    }
    expect(gofer.client.create(gofer.root, name, 0o644, 0, 0)).toBe(-EINVAL);
    expect(gofer.client.unlink(gofer.root, name, 0, false)).toBe(-EINVAL);
    expect(gofer.client.rename(gofer.root, 'a', gofer.root, name, 0, false)).toBe(-EINVAL);
    expect(gofer.client.rename(gofer.root, name, gofer.root, 'z', 0, false)).toBe(-EINVAL);
  });

  test('a name may be 255 bytes long and no longer', () => {
    expect(walk(gofer.client, gofer.root, ['n'.repeat(255)]).result).toBe(-ENOENT);
    expect(walk(gofer.client, gofer.root, ['n'.repeat(256)]).result).toBe(-36);
  });

  test('opens a regular file and donates its descriptor, read-only when asked so', () => {
    const c = walk(gofer.client, gofer.root, ['a', 'b', 'c']).found[2]!.handle;
    expect(gofer.client.open(c, 'file', 0, 0)).toBe(0);
    const { fd } = gofer.client;
    expect(fd).toBeGreaterThan(2);
    expect(addon.pwrite(fd, Buffer.from('x'), 0, 1, 0)).toBe(-EBADF);
    expect(contentOf(fd)).toBe('hello');
  });

  test('never opens through a symbolic link', () => {
    expect(gofer.client.open(gofer.root, 'secret', 0, 0)).toBe(-ELOOP);
    expect(gofer.client.fd).toBe(-1);
    expect(gofer.client.readdir(gofer.root, 'out', 0, 0)).toBe(-ELOOP);
    expect(walk(gofer.client, gofer.root, ['out', 'secret']).found).toHaveLength(1);
  });

  test('opens neither directories nor, ever, FIFOs', () => {
    expect(gofer.client.open(gofer.root, 'a', 0, 0)).toBe(-EISDIR);
    expect(gofer.client.mknod(gofer.root, 'fifo', 0o010644, 0, 0, 0)).toBe(0);
    expect(gofer.client.open(gofer.root, 'fifo', 0, 0)).toBe(-EINVAL);
    expect(gofer.client.unlink(gofer.root, 'fifo', 0, false)).toBe(0);
  });

  test('says ESTALE when the object is another than expected', () => {
    expect(gofer.client.getattr(gofer.root, 'a', 12345)).toBe(-ESTALE);
  });

  test('says EBADF for a handle it never gave', () => {
    expect(walk(gofer.client, 777_777, ['a']).result).toBe(-EBADF);
    expect(gofer.client.getattr(777_777, '', 0)).toBe(-EBADF);
  });

  test('a clunked handle is gone when all its grants are back', () => {
    const c = walk(gofer.client, gofer.root, ['a', 'b', 'c']).found[2]!.handle;
    walk(gofer.client, gofer.root, ['a', 'b', 'c']);
    gofer.client.clunk(c, 1);
    gofer.client.flushClunks();
    expect(gofer.client.getattr(c, '', 0)).toBe(0);
    gofer.client.clunk(c, 100);
    gofer.client.flushClunks();
    expect(gofer.client.getattr(c, '', 0)).toBe(-EBADF);
    expect(walk(gofer.client, gofer.root, ['a', 'b', 'c']).result).toBe(0);
  });

  test('statfs', () => {
    expect(gofer.client.statfs(gofer.root)).toBe(0);
    const type = gofer.client.reply.f();
    expect(type).toBeGreaterThan(0);
    expect(gofer.client.reply.f()).toBeGreaterThanOrEqual(512);
  });
});

describe('changing', () => {
  let gofer: Gofer;
  const at = (name: string): string => join(gofer.tree, name);
  beforeAll(() => {
    gofer = startGofer();
  });
  afterAll(() => gofer.stop());

  test('creates with exactly the given mode and donates the file', () => {
    expect(gofer.client.create(gofer.root, 'new', 0o6777, 0, 0)).toBe(0);
    const attrs = readAttrs(gofer.client);
    expect(attrs[messages.ATTR_MODE]).toBe(0o106777);
    expect(addon.pwrite(gofer.client.fd, Buffer.from('abc'), 0, 3, 0)).toBe(3);
    addon.close(gofer.client.fd);
    expect(readFileSync(at('new'), 'utf8')).toBe('abc');
    expect(gofer.client.create(gofer.root, 'new', 0o644, 0, 0)).toBe(-EEXIST);
  });

  test.runIf(root)('gives what it makes to the given owner', () => {
    gofer.client.create(gofer.root, 'owned', 0o600, 1234, 567);
    addon.close(gofer.client.fd);
    gofer.client.mkdir(gofer.root, 'ownedDir', 0o2750, 1234, 567);
    gofer.client.symlink(gofer.root, 'ownedLink', 'x', 1234, 567);
    gofer.client.mknod(gofer.root, 'ownedFifo', 0o010622, 1234, 567, 0);
    for (const name of ['owned', 'ownedDir', 'ownedLink', 'ownedFifo']) {
      expect(lstatSync(at(name))).toMatchObject({ uid: 1234, gid: 567 });
    }
    expect(statSync(at('ownedDir')).mode).toBe(0o042750);
    expect(statSync(at('ownedFifo')).mode).toBe(0o010622);
  });

  test('links a file, also a symbolic link itself', () => {
    writeFileSync(at('file'), '1');
    symlinkSync('file', at('sym'));
    expect(gofer.client.link(gofer.root, 'file', 0, gofer.root, 'file2')).toBe(0);
    expect(readAttrs(gofer.client)[messages.ATTR_NLINK]).toBe(2);
    expect(gofer.client.link(gofer.root, 'sym', 0, gofer.root, 'sym2')).toBe(0);
    expect(readlinkSync(at('sym2'))).toBe('file');
  });

  test('renames with the flags of renameat2', () => {
    writeFileSync(at('r1'), '1');
    writeFileSync(at('r2'), '2');
    const { client } = gofer;
    expect(client.rename(gofer.root, 'r1', gofer.root, 'r2', 1, false)).toBe(-EEXIST);
    expect(client.rename(gofer.root, 'r1', gofer.root, 'r2', 2, false)).toBe(0);
    expect(readFileSync(at('r1'), 'utf8')).toBe('2');
    expect(client.rename(gofer.root, 'r1', gofer.root, 'r2', 0, false)).toBe(0);
    expect(existsSync(at('r1'))).toBe(false);
  });

  test('a directory handle follows its directory through renames', () => {
    mkdirSync(at('d1/sub'), { recursive: true });
    mkdirSync(at('d2'));
    writeFileSync(at('d1/sub/f'), 'x');
    const sub = walk(gofer.client, gofer.root, ['d1', 'sub']).found[1]!.handle;
    const d2 = walk(gofer.client, gofer.root, ['d2']).found[0]!.handle;
    expect(gofer.client.rename(gofer.root, 'd1', d2, 'moved', 0, false)).toBe(0);
    expect(gofer.client.getattr(sub, 'f', 0)).toBe(0);
    expect(walk(gofer.client, d2, ['moved', 'sub']).found[1]!.handle).toBe(sub);
    // RENAME_EXCHANGE of two known directories.
    mkdirSync(at('d3'));
    const d3 = walk(gofer.client, gofer.root, ['d3']).found[0]!.handle;
    expect(gofer.client.rename(gofer.root, 'd3', d2, 'moved', 2, false)).toBe(0);
    expect(walk(gofer.client, d2, ['moved']).found[0]!.handle).toBe(d3);
    expect(walk(gofer.client, gofer.root, ['d3', 'sub']).found[1]!.handle).toBe(sub);
  });

  test('removes names; a pinned file lives on under its handle', () => {
    writeFileSync(at('gone'), 'still here');
    const { client } = gofer;
    expect(client.unlink(gofer.root, 'gone', 0, true)).toBe(0);
    const pinned = client.handle;
    expect(pinned).not.toBe(0);
    expect(existsSync(at('gone'))).toBe(false);
    expect(client.getattr(pinned, '', 0)).toBe(0);
    expect(readAttrs(client)[messages.ATTR_NLINK]).toBe(0);
    expect(client.setattr(pinned, '', 0, { ...noChange, mask: messages.SET_MODE, mode: 0o640 })).toBe(0);
    expect(readAttrs(client)[messages.ATTR_MODE]).toBe(0o100640);
    expect(client.open(pinned, '', 0, 0)).toBe(0);
    expect(contentOf(client.fd)).toBe('still here');
    client.clunk(pinned, 1);
    client.flushClunks();
    expect(client.getattr(pinned, '', 0)).toBe(-EBADF);
  });

  test('a file that a rename replaces can be pinned as well', () => {
    writeFileSync(at('from'), 'new');
    writeFileSync(at('to'), 'old');
    expect(gofer.client.rename(gofer.root, 'from', gofer.root, 'to', 0, true)).toBe(0);
    expect(gofer.client.open(gofer.client.handle, '', 0, 0)).toBe(0);
    expect(contentOf(gofer.client.fd)).toBe('old');
  });

  test('rmdir needs the flag and an empty directory', () => {
    mkdirSync(at('dir/x'), { recursive: true });
    expect(gofer.client.unlink(gofer.root, 'dir', 0, false)).toBe(-EISDIR);
    expect(gofer.client.unlink(gofer.root, 'dir', AT_REMOVEDIR, false)).toBe(-ENOTEMPTY);
    const dir = walk(gofer.client, gofer.root, ['dir']).found[0]!.handle;
    expect(gofer.client.unlink(dir, 'x', AT_REMOVEDIR, false)).toBe(0);
    expect(gofer.client.unlink(gofer.root, 'dir', AT_REMOVEDIR, false)).toBe(0);
    expect(gofer.client.create(dir, 'f', 0o644, 0, 0)).toBe(-ENOENT);
    expect(gofer.client.unlink(gofer.root, 'file', AT_REMOVEDIR, false)).toBe(-ENOTDIR);
  });

  test('setattr changes what the mask says and nothing else', () => {
    writeFileSync(at('attr'), '0123456789');
    chmodSync(at('attr'), 0o600);
    const set = (mask: number): number =>
      gofer.client.setattr(gofer.root, 'attr', 0, {
        ...noChange,
        mask,
        mode: 0o751,
        size: 4,
        atimeSec: 1000,
        atimeNsec: 111,
        mtimeSec: -5,
        mtimeNsec: 222,
      });
    expect(set(messages.SET_MTIME)).toBe(0);
    const attrs = readAttrs(gofer.client);
    expect(attrs[messages.ATTR_MTIME]).toBe(-5);
    expect(attrs[messages.ATTR_MTIME + 1]).toBe(222);
    expect(attrs[messages.ATTR_ATIME]).toBeGreaterThan(1000);
    expect(attrs[messages.ATTR_MODE]).toBe(0o100600);
    expect(set(messages.SET_MODE | messages.SET_SIZE | messages.SET_ATIME)).toBe(0);
    expect(readFileSync(at('attr'), 'utf8')).toBe('0123');
    expect(statSync(at('attr')).mode).toBe(0o100751);
  });

  test('setattr on a symbolic link changes the link', () => {
    writeFileSync(at('target'), '');
    symlinkSync('target', at('alink'));
    const before = statSync(at('target')).mtimeMs;
    const change = { ...noChange, mask: messages.SET_MTIME, mtimeSec: 77 };
    expect(gofer.client.setattr(gofer.root, 'alink', 0, change)).toBe(0);
    expect(lstatSync(at('alink')).mtimeMs).toBe(77_000);
    expect(statSync(at('target')).mtimeMs).toBe(before);
    const chmod = { ...noChange, mask: messages.SET_MODE, mode: 0o600 };
    expect(gofer.client.setattr(gofer.root, 'alink', 0, chmod)).toBe(-EOPNOTSUPP);
  });

  test('makes a file without a name, which a link may name', () => {
    const result = gofer.client.tmpfile(gofer.root, 0o600, 0, 0);
    if (result === -EOPNOTSUPP) return; // the host's filesystem has no O_TMPFILE
    expect(result).toBe(0);
    const { handle, fd } = gofer.client;
    addon.pwrite(fd, Buffer.from('tmp'), 0, 3, 0);
    addon.close(fd);
    if (!root) return; // linking a descriptor takes CAP_DAC_READ_SEARCH
    expect(gofer.client.link(handle, '', 0, gofer.root, 'named')).toBe(0);
    expect(readFileSync(at('named'), 'utf8')).toBe('tmp');
  });

  test('extended attributes', () => {
    writeFileSync(at('x'), '');
    const { client } = gofer;
    const value = Buffer.from([0, 1, 255]);
    const set = client.setxattr(gofer.root, 'x', 0, 'user.key', value, 0);
    if (set === -EOPNOTSUPP) return; // the host's filesystem has none
    expect(set).toBe(0);
    expect(client.getxattr(gofer.root, 'x', 0, 'user.key')).toEqual(new Uint8Array(value));
    expect(client.setxattr(gofer.root, 'x', 0, 'user.key', value, 1)).toBe(-EEXIST);
    expect(client.listxattr(gofer.root, 'x', 0)).toContain('user.key\0');
    expect(client.removexattr(gofer.root, 'x', 0, 'user.key')).toBe(0);
    expect(client.getxattr(gofer.root, 'x', 0, 'user.key')).toBe(-ENODATA);
    expect(client.setxattr(gofer.root, 'x', 0, 'system.posix_acl_access', value, 0)).toBe(-EOPNOTSUPP);
  });

  test('fsync of files and directories', () => {
    writeFileSync(at('sync'), 'x');
    expect(gofer.client.fsync(gofer.root, 'sync', 0, true)).toBe(0);
    expect(gofer.client.fsync(gofer.root, '', 0, false)).toBe(0);
  });
});

test('a read-only tree refuses every change', async () => {
  const gofer = startGofer(
    (tree) => {
      mkdirSync(join(tree, 'd'));
      writeFileSync(join(tree, 'f'), '1');
    },
    { access: 'ro' },
  );
  const { client, root: r } = gofer;
  expect(client.open(r, 'f', 0, 0)).toBe(0);
  addon.close(client.fd);
  const d = walk(client, r, ['d']).found[0]!.handle;
  for (const directory of [r, d]) {
    expect(client.create(directory, 'n', 0o644, 0, 0)).toBe(-EROFS);
    expect(client.mkdir(directory, 'n', 0o755, 0, 0)).toBe(-EROFS);
    expect(client.mknod(directory, 'n', 0o010644, 0, 0, 0)).toBe(-EROFS);
    expect(client.symlink(directory, 'n', 'x', 0, 0)).toBe(-EROFS);
    expect(client.tmpfile(directory, 0o600, 0, 0)).toBe(-EROFS);
    expect(client.link(r, 'f', 0, directory, 'n')).toBe(-EROFS);
  }
  expect(client.open(r, 'f', 0, 1)).toBe(-EROFS);
  expect(client.open(r, 'f', 0, 2)).toBe(-EROFS);
  expect(client.unlink(r, 'f', 0, false)).toBe(-EROFS);
  expect(client.rename(r, 'f', r, 'g', 0, false)).toBe(-EROFS);
  expect(client.setattr(r, 'f', 0, { ...noChange, mask: messages.SET_MODE })).toBe(-EROFS);
  expect(client.setxattr(r, 'f', 0, 'user.a', Buffer.from('1'), 0)).toBe(-EROFS);
  expect(client.removexattr(r, 'f', 0, 'user.a')).toBe(-EROFS);
  expect([...list(client, r).keys()].sort()).toEqual(['d', 'f']);
  await gofer.stop();
});

test('lists 40,000 entries with attributes, in time that grows no faster than their number', async () => {
  const gofer = startGofer((tree) => {
    for (const count of [4000, 40_000]) {
      mkdirSync(join(tree, String(count)));
      for (let i = 0; i < count; i++) writeFileSync(join(tree, `${count}/file-${i}`), '');
    }
  });
  expectLinear((count) => {
    const handle = walk(gofer.client, gofer.root, [String(count)]).found[0]!.handle;
    const start = cpuMs();
    expect(list(gofer.client, handle).size).toBe(count);
    return cpuMs() - start;
  });
  await gofer.stop();
});

test('handles outlive their descriptors, and notice another directory in the place', async () => {
  const gofer = startGofer(
    (tree) => {
      for (let i = 0; i < 100; i++) {
        mkdirSync(join(tree, `d${i}/sub`), { recursive: true });
        writeFileSync(join(tree, `d${i}/sub/f`), String(i));
      }
    },
    { directoryLimit: 16 },
  );
  const handles = Array.from(
    { length: 100 },
    (_, i) => walk(gofer.client, gofer.root, [`d${i}`, 'sub']).found[1]!.handle,
  );
  for (let round = 0; round < 3; round++) {
    for (const [i, handle] of handles.entries()) {
      expect(gofer.client.open(handle, 'f', 0, 0)).toBe(0);
      expect(contentOf(gofer.client.fd)).toBe(String(i));
    }
  }
  // d0/sub has long lost its descriptor.
  renameSync(join(gofer.tree, 'd0/sub'), join(gofer.tree, 'd0/old'));
  mkdirSync(join(gofer.tree, 'd0/sub'));
  writeFileSync(join(gofer.tree, 'd0/sub/f'), 'impostor');
  expect(gofer.client.open(handles[0]!, 'f', 0, 0)).toBe(-ESTALE);
  symlinkSync(gofer.outside, join(gofer.tree, 'd1/link'));
  rmSync(join(gofer.tree, 'd1/sub'), { recursive: true });
  renameSync(join(gofer.tree, 'd1/link'), join(gofer.tree, 'd1/sub'));
  writeFileSync(join(gofer.outside, 'f'), 'secret');
  expect(gofer.client.open(handles[1]!, 'f', 0, 0)).toBe(-ESTALE);
  await gofer.stop();
});

test('a host that swaps directories for links all the time never gets the gofer outside', async () => {
  const gofer = startGofer(
    (tree, outside) => {
      mkdirSync(join(tree, 'dir'));
      writeFileSync(join(tree, 'dir/f'), 'inside');
      writeFileSync(join(outside, 'f'), 'secret');
      symlinkSync(outside, join(tree, 'link'));
    },
    { directoryLimit: 16 },
  );
  const { spawn } = await import('node:child_process');
  const swapper = spawn(process.execPath, [
    '-e',
    `const fs = require('fs'); process.chdir(${JSON.stringify(gofer.tree)});
     for (;;) { fs.renameSync('dir', 'x'); fs.renameSync('link', 'dir'); fs.renameSync('dir', 'link'); fs.renameSync('x', 'dir'); }`,
  ]);
  const seen = new Set<string>();
  const results = new Set<number>();
  const end = Date.now() + 1500;
  while (Date.now() < end) {
    const { found } = walk(gofer.client, gofer.root, ['dir', 'f']);
    const handle = found[0]?.handle ?? 0;
    if (handle === 0) continue;
    const result = gofer.client.open(handle, 'f', 0, 0);
    results.add(result);
    if (result === 0) seen.add(contentOf(gofer.client.fd));
    gofer.client.clunk(handle, 1);
  }
  swapper.kill('SIGKILL');
  expect(seen).toEqual(new Set(['inside']));
  expect(results.has(0)).toBe(true);
  await gofer.stop();
});

test('ends when the Sentry does', async () => {
  const gofer = startGofer();
  expect(await gofer.stop()).toBe(0);
});

test('a hard link made on the host shares the inode number', async () => {
  const gofer = startGofer((tree) => {
    writeFileSync(join(tree, 'a'), '');
    linkSync(join(tree, 'a'), join(tree, 'b'));
  });
  const [a] = walk(gofer.client, gofer.root, ['a']).found;
  const [b] = walk(gofer.client, gofer.root, ['b']).found;
  expect(a!.attrs[messages.ATTR_INO]).toBe(b!.attrs[messages.ATTR_INO]);
  await gofer.stop();
});

test.runIf(root)('kernel filesystems inside a tree show their mount points and nothing else', async () => {
  const { spawnSync } = await import('node:child_process');
  const gofer = startGofer((tree) => {
    mkdirSync(join(tree, 'proc'));
    mkdirSync(join(tree, 'tmp'));
    writeFileSync(join(tree, 'version'), '');
    for (const args of [
      ['-t', 'proc', 'proc', join(tree, 'proc')],
      ['-t', 'tmpfs', 'tmpfs', join(tree, 'tmp')],
      ['--bind', '/proc/version', join(tree, 'version')],
    ]) {
      spawnSync('mount', args);
    }
    writeFileSync(join(tree, 'tmp/f'), '');
  });
  const { client, root: r, tree } = gofer;
  try {
    const proc = walk(client, r, ['proc']).found[0]!;
    expect(proc.attrs[messages.ATTR_INO]).toBe(1);
    expect(walk(client, r, ['proc', 'self'])).toMatchObject({ result: -ENOENT, found: [{}] });
    expect(client.open(proc.handle, 'version', 0, 0)).toBe(-ENOENT);
    expect(client.setattr(r, 'proc', 0, { ...noChange, mask: messages.SET_MODE })).toBe(-EACCES);
    expect(client.setattr(proc.handle, '', 0, { ...noChange, mask: messages.SET_MODE })).toBe(-EROFS);
    expect(client.open(r, 'version', 0, 0)).toBe(-EACCES);
    expect(list(client, proc.handle).size).toBe(0);
    expect([...list(client, r).keys()].sort()).toEqual(['proc', 'tmp', 'version']);
    const inner = walk(client, r, ['tmp', 'f']);
    expect(inner.found).toHaveLength(2);
  } finally {
    for (const name of ['proc', 'tmp', 'version']) spawnSync('umount', ['-l', join(tree, name)]);
    await gofer.stop();
  }
});
