/** linux.maskedPaths and linux.readonlyPaths of the OCI configuration, as mounts over what they name. */
import { ENOENT, ENOTDIR } from '../../abi/errno.ts';
import { MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_RDONLY } from '../../abi/mount.ts';
import { S_IFDIR, S_IFMT } from '../../abi/stat.ts';
import type { CallerContext } from '../../vfs/context.ts';
import type { MountNamespace } from '../../vfs/mount-namespace.ts';
import type { Path } from '../../vfs/path.ts';
import { resolve } from '../../vfs/walk.ts';
import { StaticDirectory } from '../pseudo/directory.ts';
import { PseudoFilesystem } from '../pseudo/filesystem.ts';

const TMPFS_MAGIC = 0x01021994;

/**
 * Hides files under /dev/null and directories under an empty read-only tmpfs; paths that are not there are skipped.
 * `newDev` gives device numbers for the empty ones. 0 or the first negated errno.
 */
export function maskPaths(
  ns: MountNamespace,
  ctx: CallerContext,
  paths: readonly string[],
  newDev: () => number,
): number {
  for (const name of paths) {
    const at = find(ctx, name);
    if (at === null) continue;
    if (typeof at === 'number') return at;
    const r = isDirectory(at) ? maskDirectory(ns, at, newDev()) : maskFile(ns, ctx, at);
    if (r < 0) return r;
  }
  return 0;
}

/** Makes the paths, with all that is mounted below them, read-only. */
export function protectPaths(ns: MountNamespace, ctx: CallerContext, paths: readonly string[]): number {
  for (const name of paths) {
    const at = find(ctx, name);
    if (at === null) continue;
    if (typeof at === 'number') return at;
    const mount = ns.bind(at, at, true);
    if (typeof mount === 'number') return mount;
    ns.setFlags(mount, mount.flags | MS_RDONLY);
  }
  return 0;
}

function maskDirectory(ns: MountNamespace, at: Path, dev: number): number {
  const fs = new PseudoFilesystem('tmpfs', dev, TMPFS_MAGIC);
  fs.setRoot(new StaticDirectory(fs, 0o755));
  const r = ns.mount(fs, at, MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, 'tmpfs', 'size=0k');
  return typeof r === 'number' ? r : 0;
}

function maskFile(ns: MountNamespace, ctx: CallerContext, at: Path): number {
  const nothing = resolve(ctx, null, '/dev/null', 0);
  if (typeof nothing === 'number') return nothing;
  const r = ns.bind(nothing, at, false);
  return typeof r === 'number' ? r : 0;
}

function find(ctx: CallerContext, name: string): Path | number | null {
  const at = resolve(ctx, null, name, 0);
  return at === -ENOENT || at === -ENOTDIR ? null : at;
}

function isDirectory(at: Path): boolean {
  return (at.dentry.inode!.mode & S_IFMT) === S_IFDIR;
}
