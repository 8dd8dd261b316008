/** A caller without a kernel: enough of CallerContext to use the VFS directly. */
import { Credentials, CAP_FULL } from '../../../sentry/auth/credentials.ts';
import type { WaitQueue } from '../../../sentry/base/wait-queue.ts';
import { BLOCKED } from '../../../sentry/base/result.ts';
import { Tmpfs } from '../../../sentry/fs/tmpfs/tmpfs.ts';
import type { CallerContext } from '../../../sentry/vfs/context.ts';
import { holdPath } from '../../../sentry/vfs/dcache.ts';
import type { FileDescription } from '../../../sentry/vfs/file-description.ts';
import type { Filesystem, DirentSink } from '../../../sentry/vfs/inode.ts';
import { MountNamespace } from '../../../sentry/vfs/mount-namespace.ts';
import { openAt } from '../../../sentry/vfs/open.ts';
import type { Path } from '../../../sentry/vfs/path.ts';
import { Stat } from '../../../sentry/vfs/stat.ts';
import { resolve } from '../../../sentry/vfs/walk.ts';

export const ROOT = new Credentials({ permitted: CAP_FULL, effective: CAP_FULL });

export class Caller {
  creds: Credentials = ROOT;
  root: Path;
  cwd: Path;
  umask = 0o022;
  tid = 1;
  pid = 1;
  fileSizeLimit = Infinity;
  readonly signals: number[] = [];

  constructor(root: Path) {
    this.root = root;
    this.cwd = root;
    holdPath(root);
  }
  waitOn(_queue: WaitQueue, _mask: number): number {
    return BLOCKED;
  }
  signalSelf(signo: number): void {
    this.signals.push(signo);
  }
}

export type World = CallerContext & Caller;

export function tmpfs(options = 'mode=755'): Tmpfs {
  const fs = Tmpfs.create(options, 1 << 30);
  if (typeof fs === 'number') throw new Error(`tmpfs: ${fs}`);
  return fs;
}

/** A fresh namespace on a tmpfs (or another filesystem) with its caller. */
export function world(fs: Filesystem = tmpfs()): { ns: MountNamespace; t: World } {
  const ns = new MountNamespace(fs, 0, 'none');
  // User memory is never touched at this level.
  return { ns, t: new Caller(ns.rootPath()) as unknown as World };
}

export function user(uid: number, gid = uid): Credentials {
  return new Credentials({
    uid,
    gid,
    euid: uid,
    egid: gid,
    suid: uid,
    sgid: gid,
    fsuid: uid,
    fsgid: gid,
  });
}

export function open(t: World, name: string, flags: number, mode = 0o644): FileDescription {
  const file = openAt(t, null, name, flags, mode);
  if (typeof file === 'number') throw new Error(`open ${name}: ${file}`);
  file.incRef();
  return file;
}

export function put(t: World, name: string, text: string): void {
  const file = open(t, name, 0o1101);
  const bytes = Buffer.from(text, 'latin1');
  if (file.write(bytes, 0, bytes.length, t) !== bytes.length) throw new Error(`write ${name}`);
  file.decRef();
}

export function get(t: World, name: string): string {
  const file = open(t, name, 0);
  const bytes = Buffer.alloc(1 << 16);
  const n = file.read(bytes, 0, bytes.length, t);
  file.decRef();
  if (n < 0) throw new Error(`read ${name}: ${n}`);
  return bytes.latin1Slice(0, n);
}

export function at(t: World, name: string, flags = 0): Path {
  const path = resolve(t, null, name, flags);
  if (typeof path === 'number') throw new Error(`${name}: ${path}`);
  return path;
}

export function stat(t: World, name: string, flags = 0): Stat {
  const out = new Stat();
  at(t, name, flags).dentry.inode!.stat(out);
  return out;
}

/** Names of a directory without dots, as listed. */
export function list(t: World, name: string, perCall = 1000): string[] {
  const dir = open(t, name, 0o200000);
  const names: string[] = [];
  for (;;) {
    let took = 0;
    const sink: DirentSink = {
      add: (each) => {
        if (took >= perCall) return false;
        took++;
        names.push(each);
        return true;
      },
    };
    dir.readdir(sink, t);
    if (took === 0) break;
  }
  dir.decRef();
  return names.filter((each) => each !== '.' && each !== '..');
}
