/** Character device numbers and their drivers: any node with such a number, wherever it lives, opens the driver. */
import { ENXIO } from '../../abi/errno.ts';
import { major } from '../../abi/stat.ts';
import type { CallerContext } from '../../vfs/context.ts';
import type { FileDescription } from '../../vfs/file-description.ts';
import type { Inode } from '../../vfs/inode.ts';
import type { Path } from '../../vfs/path.ts';
import type { SpecialOpen } from '../../vfs/special-files.ts';

/** Opens one device: a description, a negated errno, or BLOCKED. */
export type OpenDevice = SpecialOpen;

export class CharDevices {
  /** Drivers of single numbers, by rdev, and of whole majors. */
  private readonly devices = new Map<number, OpenDevice>();
  private readonly majors = new Map<number, OpenDevice>();
  /** major -> name, for /proc/devices. */
  readonly names = new Map<number, string>();

  register(rdev: number, name: string, open: OpenDevice): void {
    this.devices.set(rdev, open);
    this.names.set(major(rdev), name);
  }

  registerMajor(number: number, name: string, open: OpenDevice): void {
    this.majors.set(number, open);
    this.names.set(number, name);
  }

  /** The opener for setCharDeviceOpener(). */
  readonly open = (inode: Inode, path: Path, flags: number, ctx: CallerContext): FileDescription | number => {
    const open = this.devices.get(inode.rdev) ?? this.majors.get(major(inode.rdev));
    return open === undefined ? -ENXIO : open(inode, path, flags, ctx);
  };
}
