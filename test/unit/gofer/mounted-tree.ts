/** A gofer's tree mounted as a container's root, and what a guest would do with it. */
import { join } from 'node:path';
import { CAP_FULL, Credentials } from '../../../sentry/auth/credentials.ts';
import { GoferFilesystem } from '../../../sentry/fs/gofer/filesystem.ts';
import { HostFds } from '../../../sentry/fs/gofer/host-fds.ts';
import type { CallerContext } from '../../../sentry/vfs/context.ts';
import { evictAll, forgetName, lookupChild } from '../../../sentry/vfs/dcache.ts';
import type { FileDescription } from '../../../sentry/vfs/file-description.ts';
import type { Inode } from '../../../sentry/vfs/inode.ts';
import { MountNamespace } from '../../../sentry/vfs/mount-namespace.ts';
import { openAt } from '../../../sentry/vfs/open.ts';
import type { Dentry, Path } from '../../../sentry/vfs/path.ts';
import { Stat } from '../../../sentry/vfs/stat.ts';
import { resolve } from '../../../sentry/vfs/walk.ts';
import { startGofer, type Gofer } from './harness.ts';

export interface World {
  gofer: Gofer;
  fs: GoferFilesystem;
  ctx: CallerContext;
  host(name: string): string;
  /** Exchanges with the gofer while `act` runs. */
  cost(act: () => void): number;
}

let world: World | null = null;

/** To be called after each test. */
export async function unmountTree(): Promise<void> {
  evictAll();
  await world?.gofer.stop();
  world = null;
}

export function mountTree(
  prepare: (tree: string) => void,
  options: { shared?: boolean; live?: boolean; readonly?: boolean; fdLimit?: number } = {},
): World {
  const gofer = startGofer(prepare);
  const fs = GoferFilesystem.attach(gofer.client, new HostFds(options.fdLimit ?? 64), {
    tree: 0,
    dev: 99,
    readonly: options.readonly ?? false,
    shared: options.shared ?? false,
    live: options.live ?? false,
  });
  if (typeof fs === 'number') throw new Error(`attach: ${fs}`);
  const root = new MountNamespace(fs, 0, 'root').rootPath();
  const creds = new Credentials({ effective: CAP_FULL, permitted: CAP_FULL });
  const ctx = {
    creds,
    root,
    cwd: root,
    umask: 0o022,
    tid: 1,
    pid: 1,
    fileSizeLimit: Infinity,
    signalSelf: () => undefined,
  };
  world = {
    gofer,
    fs,
    ctx: ctx as unknown as CallerContext,
    host: (name) => join(gofer.tree, name),
    cost: (act) => {
      const before = gofer.client.calls;
      act();
      return gofer.client.calls - before;
    },
  };
  return world;
}

export function opened(w: World, path: string, flags: number, mode = 0o644): FileDescription {
  const file = openAt(w.ctx, null, path, flags, mode);
  if (typeof file === 'number') throw new Error(`open ${path}: ${file}`);
  file.incRef();
  return file;
}
export function inodeOf(w: World, path: string): Inode {
  const found = resolve(w.ctx, null, path, 1);
  if (typeof found === 'number') throw new Error(`${path}: ${found}`);
  return found.dentry.inode!;
}
export function errorOf(w: World, path: string): Path | number {
  return resolve(w.ctx, null, path, 1);
}
export function stat(inode: Inode): Stat {
  const out = new Stat();
  inode.stat(out);
  return out;
}
export function readAll(w: World, file: FileDescription): string {
  const buffer = Buffer.alloc(200_000);
  const n = file.read(buffer, 0, buffer.length, w.ctx);
  return n < 0 ? `errno ${-n}` : buffer.toString('latin1', 0, n);
}
export function write(w: World, file: FileDescription, text: string): number {
  return file.write(Buffer.from(text), 0, text.length, w.ctx);
}
export function names(w: World, directory: FileDescription): Map<string, number> {
  const all = new Map<string, number>();
  directory.pos = 0;
  for (;;) {
    let taken = 0;
    const result = directory.readdir(
      {
        add: (name, _ino, type) => {
          if (taken === 100) return false;
          taken++;
          all.set(name, type);
          return true;
        },
      },
      w.ctx,
    );
    if (result < 0) throw new Error(`readdir: ${result}`);
    if (taken === 0) return all;
  }
}

export function dentryOf(w: World, directory: Path, name: string): Dentry {
  const dentry = lookupChild(directory.dentry, name, w.ctx);
  if (typeof dentry === 'number') throw new Error(`${name}: ${dentry}`);
  return dentry;
}
export function unlink(w: World, name: string): number {
  const dentry = dentryOf(w, w.ctx.root, name);
  const result = w.fs.root().unlink(name, dentry.inode!, w.ctx);
  if (result === 0) forgetName(dentry);
  return result;
}
