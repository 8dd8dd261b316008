/** How FIFOs and device nodes of any filesystem are opened: hooks filled by those who implement them. */
import { ENXIO } from '../abi/errno.ts';
import { S_IFCHR, S_IFIFO, S_IFMT } from '../abi/stat.ts';
import type { CallerContext } from './context.ts';
import type { FileDescription } from './file-description.ts';
import type { Inode } from './inode.ts';
import type { Path } from './path.ts';

/** Same contract as Inode.open: a description, a negated errno, or BLOCKED. */
export type SpecialOpen = (
  inode: Inode,
  path: Path,
  flags: number,
  ctx: CallerContext,
) => FileDescription | number;

const none: SpecialOpen = () => -ENXIO;
let fifo: SpecialOpen = none;
let charDevice: SpecialOpen = none;

export function setFifoOpener(open: SpecialOpen): void {
  fifo = open;
}
/** The opener finds the driver by inode.rdev. */
export function setCharDeviceOpener(open: SpecialOpen): void {
  charDevice = open;
}

/** Opens an inode that is neither regular, directory nor link. Sockets and block devices answer ENXIO (open(2)). */
export function openSpecial(
  inode: Inode,
  path: Path,
  flags: number,
  ctx: CallerContext,
): FileDescription | number {
  switch (inode.mode & S_IFMT) {
    case S_IFIFO:
      return fifo(inode, path, flags, ctx);
    case S_IFCHR:
      return charDevice(inode, path, flags, ctx);
    default:
      return -ENXIO;
  }
}
