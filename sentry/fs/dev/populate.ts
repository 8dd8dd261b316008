/** Fills a fresh /dev with what the OCI runtime specification's "Default Devices" name, and the spec's own devices. */
import { EEXIST } from '../../abi/errno.ts';
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, makedev } from '../../abi/stat.ts';
import type { CallerContext } from '../../vfs/context.ts';
import { Inode } from '../../vfs/inode.ts';
import type { SetAttr } from '../../vfs/stat.ts';
import { DEV_FULL, DEV_NULL, DEV_RANDOM, DEV_URANDOM, DEV_ZERO } from './memory-devices.ts';

/** One of linux.devices. */
export interface DeviceNode {
  /** Absolute, below /dev. */
  readonly path: string;
  readonly type: string;
  readonly major?: number;
  readonly minor?: number;
  readonly fileMode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

const DEV_TTY = makedev(5, 0);
const DEV_CONSOLE = makedev(5, 1);

const DEFAULT_NODES: readonly (readonly [string, number])[] = [
  ['null', DEV_NULL],
  ['zero', DEV_ZERO],
  ['full', DEV_FULL],
  ['random', DEV_RANDOM],
  ['urandom', DEV_URANDOM],
  ['tty', DEV_TTY],
];

const LINKS: readonly (readonly [string, string])[] = [
  ['fd', '/proc/self/fd'],
  ['stdin', '/proc/self/fd/0'],
  ['stdout', '/proc/self/fd/1'],
  ['stderr', '/proc/self/fd/2'],
  ['ptmx', 'pts/ptmx'],
];

/**
 * Makes nodes and links in `dev`. With `terminal` also console (5:1). What the image already has stays.
 * 0 or the first negated errno.
 */
export function populateDev(
  dev: Inode,
  ctx: CallerContext,
  terminal: boolean,
  extra: readonly DeviceNode[],
): number {
  // First, since they take the place of the default ones.
  for (const device of extra) {
    const r = makeExtra(dev, device, ctx);
    if (r < 0) return r;
  }
  for (const [name, rdev] of DEFAULT_NODES) {
    const r = makeNode(dev, name, S_IFCHR | 0o666, rdev, 0, 0, ctx);
    if (r < 0) return r;
  }
  for (const [name, target] of LINKS) {
    const r = dev.symlink(name, target, ctx);
    if (typeof r === 'number' && r !== -EEXIST) return r;
  }
  if (terminal) {
    const r = makeNode(dev, 'console', S_IFCHR | 0o620, DEV_CONSOLE, 0, 0, ctx);
    if (r < 0) return r;
  }
  return 0;
}

/** A device of the spec, its directories made on the way; devices outside /dev are the caller's. */
function makeExtra(dev: Inode, device: DeviceNode, ctx: CallerContext): number {
  if (!device.path.startsWith('/dev/')) return 0;
  const parts = device.path.slice('/dev/'.length).split('/');
  const name = parts.pop()!;
  let dir = dev;
  for (const part of parts) {
    let next = dir.lookup(part, ctx);
    if (typeof next === 'number') next = dir.mkdir(part, S_IFDIR | 0o755, ctx);
    if (typeof next === 'number') return next;
    dir = next;
  }
  const type = device.type === 'p' ? S_IFIFO : device.type === 'b' ? S_IFBLK : S_IFCHR;
  const rdev = makedev(device.major ?? 0, device.minor ?? 0);
  const mode = type | (device.fileMode ?? 0o666);
  return makeNode(dir, name, mode, rdev, device.uid ?? 0, device.gid ?? 0, ctx);
}

function makeNode(
  dir: Inode,
  name: string,
  mode: number,
  rdev: number,
  uid: number,
  gid: number,
  ctx: CallerContext,
): number {
  const known = dir.lookup(name, ctx);
  if (known instanceof Inode) {
    if (known.rdev === rdev) return 0;
    const removed = dir.unlink(name, known, ctx);
    if (removed < 0) return removed;
  }
  const made = dir.mknod(name, mode, rdev, ctx);
  if (typeof made === 'number') return made;
  const owner: SetAttr = { uid, gid };
  return uid === 0 && gid === 0 ? 0 : made.setattr(owner, ctx);
}
