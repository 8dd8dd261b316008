/** What is fetched before anybody asks: listings below a directory, files in the order of a listing. */
import { lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { ENOENT } from '../../../sentry/abi/errno.ts';
import { O_CREAT, O_DIRECTORY, O_RDONLY, O_WRONLY } from '../../../sentry/abi/fcntl.ts';
import { DT_DIR } from '../../../sentry/abi/stat.ts';
import type { Dentry } from '../../../sentry/vfs/path.ts';
import { ATTR_COUNT, ATTR_INO, ATTR_MODE, TREE_LIMIT } from '../../../gofer/protocol/messages.ts';
import { readBlocks, readBriefBlocks, startGofer, walk } from './harness.ts';
import {
  dentryOf,
  mountTree,
  names,
  opened,
  readAll,
  unlink,
  unmountTree,
  type World,
} from './mounted-tree.ts';

afterEach(unmountTree);

/** `width` directories in each directory, `depth` levels of them, with `files` files in each. */
function makeTree(top: string, width: number, depth: number, files: number): void {
  for (let i = 0; i < files; i++) writeFileSync(join(top, `f${i}`), `${top.slice(-5)} ${i}`);
  for (let i = 0; depth > 0 && i < width; i++) {
    mkdirSync(join(top, `d${i}`));
    makeTree(join(top, `d${i}`), width, depth - 1, files);
  }
}

/** All paths below, in the order in which find(1) meets them. */
function find(w: World, path: string, visit: (path: string, isDirectory: boolean) => void): void {
  const directory = opened(w, path, O_RDONLY | O_DIRECTORY);
  const entries = [...names(w, directory)].filter(([name]) => name !== '.' && name !== '..');
  directory.decRef();
  for (const [name, type] of entries) {
    const child = path === '/' ? `/${name}` : `${path}/${name}`;
    visit(child, type === DT_DIR);
    if (type === DT_DIR) find(w, child, visit);
  }
}

function dentryAt(w: World, path: string): Dentry {
  let { root: at } = w.ctx;
  for (const name of path.split('/').slice(1)) at = { ...at, dentry: dentryOf(w, at, name) };
  return at.dentry;
}

function findOnHost(top: string, path = ''): string[] {
  return readdirSync(join(top, path), { withFileTypes: true }).flatMap((entry) => {
    const child = `${path}/${entry.name}`;
    return entry.isDirectory() ? [child, ...findOnHost(top, child)] : [child];
  });
}

test('a tree of 156 directories is gone through in a few exchanges, and all of it is seen', () => {
  const w = mountTree((tree) => makeTree(tree, 5, 3, 3));
  const seen: string[] = [];
  const cost = w.cost(() => find(w, '/', (path) => seen.push(path)));
  expect(seen.sort()).toEqual(findOnHost(w.gofer.tree).sort());
  expect(cost).toBeLessThan(12);
  // And what was brought is kept.
  expect(w.cost(() => find(w, '/', () => undefined))).toBe(0);
});

test('listing one directory fetches no other', () => {
  const w = mountTree((tree) => makeTree(tree, 3, 2, 1));
  const top = opened(w, '/', O_RDONLY | O_DIRECTORY);
  expect(w.cost(() => names(w, top))).toBe(1);
  const below = opened(w, '/d1/d2', O_RDONLY | O_DIRECTORY);
  expect(w.cost(() => names(w, below))).toBe(1);
});

test('what a guest makes and removes is in a listing that was fetched before', () => {
  const w = mountTree((tree) => makeTree(tree, 3, 2, 2));
  find(w, '/', () => undefined);
  const made = opened(w, '/d2/d1/new', O_CREAT | O_WRONLY);
  made.decRef();
  const directory = w.fs.root().lookup('d1', w.ctx);
  if (typeof directory === 'number') throw new Error('d1');
  const below = dentryOf(w, { ...w.ctx.root, dentry: dentryOf(w, w.ctx.root, 'd1') }, 'f0');
  expect(directory.unlink('f0', below.inode!, w.ctx)).toBe(0);
  const seen: string[] = [];
  find(w, '/', (path) => seen.push(path));
  expect(seen).toContain('/d2/d1/new');
  expect(seen.sort()).toEqual(findOnHost(w.gofer.tree).sort());
});

test('files read in the order of the listings are opened many at a time, each with its own content', () => {
  const w = mountTree((tree) => makeTree(tree, 4, 2, 10));
  const files: string[] = [];
  const cost = w.cost(() =>
    find(w, '/', (path, isDirectory) => {
      if (isDirectory) return;
      const file = opened(w, path, O_RDONLY);
      expect(readAll(w, file)).toBe(readFileSync(w.host(path), 'latin1'));
      file.decRef();
      files.push(path);
    }),
  );
  expect(files.length).toBe(210);
  expect(cost).toBeLessThan(40);
});

test('files looked at after all was listed are asked for many at a time', () => {
  const w = mountTree((tree) => makeTree(tree, 5, 3, 3));
  const paths: string[] = [];
  find(w, '/', (path) => paths.push(path));
  const looked = new Map<string, unknown>();
  const cost = w.cost(() => {
    for (const path of paths) {
      const inode = dentryAt(w, path).inode!;
      looked.set(path, [inode.ino, inode.mode, inode.nlink, inode.size()]);
    }
  });
  for (const path of paths) {
    const { ino, mode, nlink, size } = lstatSync(w.host(path));
    expect(looked.get(path), path).toEqual([ino, mode, nlink, size]);
  }
  expect(cost).toBeLessThan(12);
});

test('looking at what changed since it was listed', () => {
  const w = mountTree((tree) => makeTree(tree, 4, 2, 2));
  find(w, '/', () => undefined);
  const directory = dentryAt(w, '/d1/d1').inode!;
  expect(directory.unlink('f0', dentryAt(w, '/d1/d1/f0').inode!, w.ctx)).toBe(0);
  expect(directory.lookup('f0', w.ctx)).toBe(-ENOENT);
  expect(directory.lookup('never', w.ctx)).toBe(-ENOENT);
  const made = directory.create('f0', 0o100640, w.ctx);
  if (typeof made === 'number') throw new Error(`create: ${made}`);
  expect(directory.lookup('f0', w.ctx)).toBe(made);
  expect(directory.lookup('f1', w.ctx)).toMatchObject({ ino: lstatSync(w.host('/d1/d1/f1')).ino });
  const seen: string[] = [];
  find(w, '/', (path) => seen.push(path));
  expect(seen.sort()).toEqual(findOnHost(w.gofer.tree).sort());
});

test('single files are opened one by one', () => {
  const w = mountTree((tree) => makeTree(tree, 0, 0, 40));
  const directory = opened(w, '/', O_RDONLY | O_DIRECTORY);
  const order = [...names(w, directory).keys()].filter((name) => name.startsWith('f'));
  const before = readdirSync(`/proc/${process.pid}/fd`).length;
  for (const i of [20, 3, 30, 1]) opened(w, `/${order[i]!}`, O_RDONLY);
  expect(readdirSync(`/proc/${process.pid}/fd`).length - before).toBe(4);
});

test('descriptors that nobody asked for are bounded, and closed before a name goes', () => {
  const w = mountTree((tree) => makeTree(tree, 0, 0, 500), { fdLimit: 32 });
  const directory = opened(w, '/', O_RDONLY | O_DIRECTORY);
  const order = [...names(w, directory).keys()].filter((name) => name.startsWith('f'));
  const count = (): number => readdirSync(`/proc/${process.pid}/fd`).length;
  const before = count();
  for (const name of order.slice(0, 300)) opened(w, `/${name}`, O_RDONLY).decRef();
  expect(count() - before).toBeLessThan(32 + 64 + 2);
  expect(unlink(w, order[400]!)).toBe(0);
  expect(count() - before).toBeLessThanOrEqual(32);
});

test('a host that works in the tree too is asked again each time', () => {
  const w = mountTree((tree) => makeTree(tree, 3, 2, 2), { live: true });
  const seen: string[] = [];
  let visited = 0;
  find(w, '/', (path) => {
    const [, first] = /^(\/d\d)\/f0$/.exec(path) ?? [];
    if (first !== undefined && ++visited === 1) {
      for (const other of ['/d0', '/d1', '/d2'])
        if (other !== first) writeFileSync(w.host(`${other}/late`), 'x');
    }
    seen.push(path);
  });
  expect(seen.filter((path) => path.endsWith('late')).length).toBe(2);
});

test('READTREE lists whole directories in order, no links, nothing outside, and refuses bad names', async () => {
  const gofer = startGofer((tree, outside) => {
    makeTree(tree, 2, 2, 2);
    symlinkSync(outside, join(tree, 'd0', 'out'));
    mkdirSync(join(outside, 'secret'));
  });
  try {
    const { client, root } = gofer;
    const listed = (asked: string[], limit: number): string[] => {
      expect(client.readtree(root, asked, limit, false)).toBe(0);
      const paths = [''];
      const handles = [root];
      for (let left = client.reply.u32(); left > 0; left--) {
        paths.push(`${paths[client.reply.u32()]!}/${client.reply.text()}`);
        handles.push(client.reply.u32());
        const attrs = new Float64Array(ATTR_COUNT);
        client.reply.attrs(attrs);
        const { ino, mode } = lstatSync(join(gofer.tree, paths.at(-1)!));
        expect([attrs[ATTR_INO], attrs[ATTR_MODE]]).toEqual([ino, mode]);
        readBlocks(client);
      }
      // Each was granted.
      for (const handle of handles.slice(1)) expect(handle).toBeGreaterThan(0);
      return paths.slice(1);
    };
    const all = listed(['d1', 'd0'], TREE_LIMIT);
    expect(all.slice(0, 1)).toEqual(['/d1']);
    expect([...all].sort()).toEqual(['/d0', '/d0/d0', '/d0/d1', '/d1', '/d1/d0', '/d1/d1']);
    expect(all.indexOf('/d0')).toBe(3);
    expect(listed(['d0'], 1)).toEqual(['/d0']);
    expect(listed(['..', '.', '', 'f0', 'd0/d1', '/', 'missing', 'd1'], 1)).toEqual(['/d1']);
    const { found } = walk(client, root, ['d0', 'f0']);
    expect(found.length).toBe(2);

    expect(client.readtree(root, ['d0'], 1, true)).toBe(0);
    expect([client.reply.u32(), client.reply.u32(), client.reply.text()]).toEqual([1, 0, 'd0']);
    client.reply.u32();
    client.reply.attrs(new Float64Array(ATTR_COUNT));
    const brief = new Map(readBriefBlocks(client));
    expect([...brief.keys()].sort()).toEqual(['d0', 'd1', 'f0', 'f1', 'out']);
    for (const [name, { ino, type }] of brief) {
      const stat = lstatSync(join(gofer.tree, 'd0', name));
      expect([ino, type << 12]).toEqual([stat.ino, stat.mode & 0o170000]);
    }
  } finally {
    await gofer.stop();
  }
});
