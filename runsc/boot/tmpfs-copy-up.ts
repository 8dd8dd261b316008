/** The mount option tmpcopyup: a tmpfs begins with a copy of the directory that it covers. */
import { O_DIRECTORY, O_NOATIME } from '../../sentry/abi/fcntl.ts';
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '../../sentry/abi/stat.ts';
import { copyContent } from '../../sentry/fs/overlay/copy-up.ts';
import { lookupChild } from '../../sentry/vfs/dcache.ts';
import type { DirentSink, Inode } from '../../sentry/vfs/inode.ts';
import { Path } from '../../sentry/vfs/path.ts';
import type { SetAttr } from '../../sentry/vfs/stat.ts';
import type { BootContext } from './boot-context.ts';

/** 0 or a negated errno. What is mounted beneath `from` is not looked into. */
export function copyTree(ctx: BootContext, from: Path, to: Inode): number {
  const names = listNames(ctx, from);
  if (typeof names === 'number') return names;
  for (const name of names) {
    const child = lookupChild(from.dentry, name, ctx);
    if (typeof child === 'number') return child;
    if (child.inode === null) continue;
    const r = copyEntry(ctx, new Path(from.mount, child), child.inode, to, name);
    if (r < 0) return r;
  }
  return copyAttributes(ctx, from.dentry.inode!, to);
}

function copyEntry(ctx: BootContext, from: Path, inode: Inode, to: Inode, name: string): number {
  const made = make(ctx, inode, to, name);
  if (typeof made === 'number') return made;
  const type = inode.mode & S_IFMT;
  if (type === S_IFDIR) return copyTree(ctx, from, made);
  if (type === S_IFREG) {
    const r = copyContent(inode, made);
    if (r < 0) return r;
  }
  return type === S_IFLNK ? 0 : copyAttributes(ctx, inode, made);
}

function make(ctx: BootContext, inode: Inode, to: Inode, name: string): Inode | number {
  switch (inode.mode & S_IFMT) {
    case S_IFDIR:
      return to.mkdir(name, inode.mode, ctx);
    case S_IFREG:
      return to.create(name, inode.mode, ctx);
    case S_IFLNK: {
      const target = inode.readlink(ctx);
      return typeof target === 'number' ? target : to.symlink(name, target, ctx);
    }
    default:
      return to.mknod(name, inode.mode, inode.rdev, ctx);
  }
}

function copyAttributes(ctx: BootContext, from: Inode, to: Inode): number {
  const owner: SetAttr = { uid: from.uid, gid: from.gid };
  const r = to.setattr(owner, ctx);
  // Apart, since a change of owner may take set-user-ID bits away.
  return r < 0 ? r : to.setattr({ mode: from.mode & 0o7777 }, ctx);
}

class Names implements DirentSink {
  readonly names: string[] = [];

  add(name: string): boolean {
    if (name !== '.' && name !== '..') this.names.push(name);
    return true;
  }
}

function listNames(ctx: BootContext, path: Path): string[] | number {
  const file = path.dentry.inode!.open(path, O_DIRECTORY | O_NOATIME, ctx);
  if (typeof file === 'number') return file;
  const sink = new Names();
  let r = 0;
  for (let before = -1; r >= 0 && before !== sink.names.length;) {
    before = sink.names.length;
    r = file.readdir(sink, ctx);
  }
  file.decRef();
  return r < 0 ? r : sink.names;
}
