/** The devices of major 1 (mem(4), null(4), full(4), random(4)): null, zero, full, random, urandom, kmsg. */
import { CAP_SYSLOG, CAP_SYS_ADMIN } from '../../abi/capability.ts';
import { EAGAIN, EFAULT, EINVAL, ENOSPC, EPERM } from '../../abi/errno.ts';
import { SEEK_END, SEEK_SET } from '../../abi/fcntl.ts';
import * as IO from '../../abi/ioctl.ts';
import { READABLE, WRITABLE } from '../../abi/poll.ts';
import { makedev } from '../../abi/stat.ts';
import { WaitQueue } from '../../base/wait-queue.ts';
import type { Mappable } from '../../mm/mappable.ts';
import type { CallerContext } from '../../vfs/context.ts';
import { FileDescription } from '../../vfs/file-description.ts';
import type { Inode } from '../../vfs/inode.ts';
import type { Path } from '../../vfs/path.ts';
import type { CharDevices } from '../pseudo/char-devices.ts';

export const DEV_NULL = makedev(1, 3);
export const DEV_ZERO = makedev(1, 5);
export const DEV_FULL = makedev(1, 7);
export const DEV_RANDOM = makedev(1, 8);
export const DEV_URANDOM = makedev(1, 9);
export const DEV_KMSG = makedev(1, 11);

/** Bits in the pool, which is always full. */
const POOL_BITS = 256;

type FillRandom = (buf: Uint8Array, off: number, len: number) => number;

abstract class MemoryDevice extends FileDescription {
  override pread(buf: Uint8Array, off: number, len: number, _pos: number, ctx: CallerContext): number {
    return this.read(buf, off, len, ctx);
  }
  override write(_buf: Uint8Array, _off: number, len: number, _ctx: CallerContext): number {
    return this.take(len);
  }
  override pwrite(_buf: Uint8Array, _off: number, len: number, _pos: number, _ctx: CallerContext): number {
    return this.take(len);
  }
  /** What a write of so many bytes gives: none of the devices keeps them. */
  protected take(len: number): number {
    return len;
  }
  /** They take any seek and stay at 0. */
  override seek(): number {
    return 0;
  }
  override get seeksAnywhere(): boolean {
    return true;
  }
  /** What is thrown away is not looked at. */
  override unreadable(len: number): number {
    return this.take(len);
  }
}

class NullFile extends MemoryDevice {
  override get splicesOut(): boolean {
    return false;
  }
  override read(): number {
    return 0;
  }
}

/** A mapping of /dev/zero is anonymous memory; the address space needs nothing else of it. */
const zeroMapping: Mappable = {
  anonymous: true,
  hostFd: () => -EINVAL,
  mapName: () => '/dev/zero',
  mapDev: () => 0,
  mapIno: () => 0,
  addMapping: () => undefined,
  removeMapping: () => undefined,
};

class ZeroFile extends MemoryDevice {
  override read(buf: Uint8Array, off: number, len: number): number {
    buf.fill(0, off, off + len);
    return len;
  }
  override mappable(): Mappable {
    return zeroMapping;
  }
}

class FullFile extends MemoryDevice {
  override get splicesIn(): boolean {
    return false;
  }
  override read(buf: Uint8Array, off: number, len: number): number {
    buf.fill(0, off, off + len);
    return len;
  }
  protected override take(): number {
    return -ENOSPC;
  }
}

class RandomFile extends MemoryDevice {
  override get asynchronous(): boolean {
    return true;
  }
  override unreadable(): number {
    return -EFAULT;
  }
  private readonly fill: FillRandom;

  constructor(flags: number, path: Path, inode: Inode, fill: FillRandom) {
    super(flags, path, inode);
    this.fill = fill;
    // urandom cannot be watched by epoll; random can, and is always ready to be read.
    if (inode.rdev === DEV_RANDOM) this.queue = new WaitQueue();
  }

  override readiness(): number {
    return this.queue === null ? super.readiness() : READABLE;
  }

  override read(buf: Uint8Array, off: number, len: number): number {
    return this.fill(buf, off, len);
  }
  override ioctl(cmd: number, arg: number, ctx: CallerContext): number {
    switch (cmd) {
      case IO.RNDGETENTCNT:
        return ctx.writeI32(arg, POOL_BITS);
      case IO.RNDADDTOENTCNT:
      case IO.RNDADDENTROPY: {
        if (!ctx.creds.hasCap(CAP_SYS_ADMIN)) return -EPERM;
        const count = ctx.readI32(arg);
        if (count === null) return -EFAULT;
        return count < 0 ? -EINVAL : 0;
      }
      case IO.RNDZAPENTCNT:
      case IO.RNDCLEARPOOL:
      case IO.RNDRESEEDCRNG:
        return ctx.creds.hasCap(CAP_SYS_ADMIN) ? 0 : -EPERM;
      default:
        return -EINVAL;
    }
  }
}

/** The kernel log: empty to read, and what is written to it is dropped. */
class KmsgFile extends FileDescription {
  constructor(flags: number, path: Path, inode: Inode) {
    super(flags, path, inode);
    this.queue = new WaitQueue();
  }
  override read(): number {
    return -EAGAIN;
  }
  override write(_buf: Uint8Array, _off: number, len: number): number {
    return len > 1024 ? -EINVAL : len;
  }
  override seek(offset: number, whence: number): number {
    return offset === 0 && whence >= SEEK_SET && whence <= SEEK_END ? 0 : -EINVAL;
  }
  override readiness(): number {
    return WRITABLE;
  }
}

/** Registers them; `random` fills from the host's generator and returns the count. */
export function registerMemoryDevices(devices: CharDevices, random: FillRandom): void {
  devices.register(DEV_NULL, 'mem', (inode, path, flags) => new NullFile(flags, path, inode));
  devices.register(DEV_ZERO, 'mem', (inode, path, flags) => new ZeroFile(flags, path, inode));
  devices.register(DEV_FULL, 'mem', (inode, path, flags) => new FullFile(flags, path, inode));
  devices.register(DEV_RANDOM, 'mem', (inode, path, flags) => new RandomFile(flags, path, inode, random));
  devices.register(DEV_URANDOM, 'mem', (inode, path, flags) => new RandomFile(flags, path, inode, random));
  devices.register(DEV_KMSG, 'mem', (inode, path, flags, ctx) => {
    const reads = (flags & 3) !== 1;
    return reads && !ctx.creds.hasCap(CAP_SYSLOG) ? -EPERM : new KmsgFile(flags, path, inode);
  });
}
