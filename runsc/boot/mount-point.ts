/** Places in a container's tree that have to be there before it runs: mount points, the working directory. */
import { EEXIST, ENOENT, EPERM, EROFS } from '../../sentry/abi/errno.ts';
import { S_IFDIR, S_IFREG } from '../../sentry/abi/stat.ts';
import { GoferDirectory } from '../../sentry/fs/gofer/directory.ts';
import { Tmpfs } from '../../sentry/fs/tmpfs/tmpfs.ts';
import { instantiate, lookupChild } from '../../sentry/vfs/dcache.ts';
import type { Inode } from '../../sentry/vfs/inode.ts';
import { Path } from '../../sentry/vfs/path.ts';
import { resolve, topOf } from '../../sentry/vfs/walk.ts';
import type { BootContext } from './boot-context.ts';

const SYNTHETIC_BYTES = 1 << 16;

/** The place to mount on, made where it is missing, as runc does. */
export function mountPoint(ctx: BootContext, destination: string, directory: boolean): Path | number {
  const found = resolve(ctx, null, destination, 0);
  if (found !== -ENOENT) return found;
  const parts = destination.split('/').filter((p) => p !== '');
  let at = ctx.root;
  for (const [i, part] of parts.entries()) {
    const prefix = `/${parts.slice(0, i + 1).join('/')}`;
    const known = resolve(ctx, null, prefix, 0);
    if (typeof known !== 'number') {
      at = known;
      continue;
    }
    if (known !== -ENOENT) return known;
    const last = i === parts.length - 1;
    const dir = at.dentry.inode!;
    let made =
      last && !directory ? dir.create(part, S_IFREG | 0o644, ctx) : dir.mkdir(part, S_IFDIR | 0o755, ctx);
    // In a hierarchy of cgroups, engines mount the host's one for systemd.
    if (made === -EROFS || made === -EPERM) {
      made = synthetic(ctx, last && !directory);
      if (typeof made !== 'number' && dir instanceof GoferDirectory) dir.addMountPoint(part, made);
    }
    if (typeof made === 'number' && made !== -EEXIST) return made;
    const child = lookupChild(at.dentry, part, ctx);
    if (typeof child === 'number') return child;
    if (child.inode === null && typeof made !== 'number') instantiate(child, made);
    at = topOf(new Path(at.mount, child));
  }
  return at;
}

/** A mount point that a read-only tree lacks: an object of its own, there for what is mounted on it. */
function synthetic(ctx: BootContext, file: boolean): Inode | number {
  const fs = Tmpfs.create('mode=755', SYNTHETIC_BYTES);
  if (typeof fs === 'number') return fs;
  return file ? fs.root().create('mountpoint', S_IFREG | 0o644, ctx) : fs.root();
}
