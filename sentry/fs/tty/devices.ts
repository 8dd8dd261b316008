/** The terminal device numbers: tty (5:0), console (5:1), ptmx (5:2) and the slaves (136:*). */
import { ENODEV, ENXIO } from '../../abi/errno.ts';
import { O_NOCTTY } from '../../abi/fcntl.ts';
import { makedev, minor } from '../../abi/stat.ts';
import type { Task } from '../../kernel/task.ts';
import type { CallerContext } from '../../vfs/context.ts';
import { lookupChild } from '../../vfs/dcache.ts';
import { Path } from '../../vfs/path.ts';
import { topOf } from '../../vfs/walk.ts';
import type { CharDevices } from '../pseudo/char-devices.ts';
import { DevptsFilesystem } from './devpts.ts';
import { openTty, TtyFile } from './tty-file.ts';
import { Tty } from './tty.ts';

/** `pts`: the instance that nodes outside any devpts mean. `console`: null without a terminal. */
export function registerTtyDevices(devices: CharDevices, pts: DevptsFilesystem, console: Tty | null): void {
  devices.register(makedev(5, 0), '/dev/tty', (inode, path, flags, ctx) => {
    const task = ctx as Task;
    const { tty } = task.group.session;
    if (!(tty instanceof Tty) || tty.renounced.has(task.group)) return -ENXIO;
    // The terminal is the caller's already: its lock and its exclusive use do not matter.
    return new TtyFile(tty, flags, path, inode);
  });
  devices.register(makedev(5, 1), '/dev/console', (inode, path, flags, ctx) =>
    console === null ? -ENODEV : openTty(console, flags | O_NOCTTY, path, inode, ctx),
  );
  devices.register(makedev(5, 2), '/dev/ptmx', (inode, path, flags, ctx) => {
    const root = siblingPts(path, ctx);
    const instance = root?.mount.fs instanceof DevptsFilesystem ? root.mount.fs : pts;
    return instance.openMaster(root, path, inode, flags, ctx);
  });
  for (let major = 136; major < 144; major++) {
    devices.registerMajor(major, 'pts', (inode, path, flags, ctx) =>
      pts.openSlave((major - 136) * 256 + minor(inode.rdev), inode, path, flags, ctx),
    );
  }
}

/** The devpts mounted on "pts" beside a ptmx node, or null (pts(4), devpts' own rule). */
function siblingPts(path: Path, ctx: CallerContext): Path | null {
  const { parent } = path.dentry;
  if (parent === null) return null;
  const dentry = lookupChild(parent, 'pts', ctx);
  if (typeof dentry === 'number' || dentry.inode === null) return null;
  const top = topOf(new Path(path.mount, dentry));
  return top.mount.fs instanceof DevptsFilesystem ? top : null;
}
