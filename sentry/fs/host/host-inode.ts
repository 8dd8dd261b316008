/** Inodes of descriptors that came from outside with a process: standard streams, --preserve-fds. */
import { EACCES, EINVAL, ENXIO } from '../../abi/errno.ts';
import { O_ACCMODE, O_RDWR } from '../../abi/fcntl.ts';
import { major, minor, S_IFCHR, S_IFIFO, S_IFMT, S_IFREG, S_IFSOCK } from '../../abi/stat.ts';
import { WaitQueue } from '../../base/wait-queue.ts';
import { addon } from '../../../native/addon.ts';
import type { Mappable } from '../../mm/mappable.ts';
import { AnonFilesystem, AnonInode } from '../../vfs/anon-inode.ts';
import type { CallerContext } from '../../vfs/context.ts';
import type { FileDescription } from '../../vfs/file-description.ts';
import type { Path } from '../../vfs/path.ts';
import type { SetAttr, Stat } from '../../vfs/stat.ts';
import { HostFile } from './host-file.ts';

const ANON_INODE_FS_MAGIC = 0x09041934;
const hostfs = new AnonFilesystem('hostfs', 15, ANON_INODE_FS_MAGIC);

const F_GETFL = 3;
const TTY_MAJORS: readonly number[] = [4, 5, 136, 137, 138, 139, 140, 141, 142, 143];

/** Announces readiness of host descriptors with poll(2) bits, edge-triggered: the platform. */
export interface HostPoller {
  watch(fd: number, callback: (mask: number) => void): void;
  unwatch(fd: number): void;
}

export class HostInode extends AnonInode implements Mappable {
  /** Closed with the last open file and mapping, so that the other side sees the end; -1 from then on. */
  fd: number;
  /** The access mode that the descriptor was opened with, on the host. */
  readonly access: number;
  readonly queue: WaitQueue | null;
  /** The kind of file can be read and written without waiting by RWF_NOWAIT; cleared by the first refusal. */
  nowait = true;
  private readonly numbers = new Float64Array(16);
  private readonly hostIno: number;
  private readonly poller: HostPoller;
  private opens = 0;

  /** uid, gid: whom it belongs to inside, as runc gives standard streams to the container's user. */
  constructor(fd: number, poller: HostPoller, uid: number, gid: number) {
    const numbers = new Float64Array(16);
    addon.fstat(fd, numbers);
    super(hostfs, guestMode(numbers[2]!), uid, gid);
    this.fd = fd;
    this.poller = poller;
    this.hostIno = numbers[1]!;
    this.rdev = numbers[6]!;
    this.access = Math.max(0, addon.fcntl(fd, F_GETFL, 0)) & O_ACCMODE;
    this.queue = this.regular ? null : new WaitQueue();
    if (this.queue !== null) {
      const queue = this.queue;
      poller.watch(fd, (mask) => queue.notify(mask & 0xffff));
    }
  }

  /** One more or one less open file or mapping. */
  opened(): void {
    this.opens++;
  }
  closed(): void {
    if (--this.opens > 0) return;
    if (this.queue !== null) this.poller.unwatch(this.fd);
    addon.close(this.fd);
    this.fd = -1;
  }

  get regular(): boolean {
    return (this.mode & S_IFMT) === S_IFREG;
  }
  /** A terminal of the host, which the guest may use as a byte stream and nothing more. */
  get terminal(): boolean {
    return (this.mode & S_IFMT) === S_IFCHR && TTY_MAJORS.includes(major(this.rdev));
  }

  /** As readlink(2) of /proc/PID/fd/N shows it. */
  get label(): string {
    switch (this.mode & S_IFMT) {
      case S_IFIFO:
        return `pipe:[${this.hostIno}]`;
      case S_IFCHR:
        if (this.rdev === 0x103) return '/dev/null';
        return this.terminal
          ? `host:[tty ${minor(this.rdev)}]`
          : `host:[char ${major(this.rdev)}:${minor(this.rdev)}]`;
      default:
        return `host:[${this.hostIno}]`;
    }
  }

  override stat(out: Stat): number {
    super.stat(out);
    const numbers = this.numbers;
    if (addon.fstat(this.fd, numbers) < 0) return 0;
    out.ino = this.hostIno;
    out.rdev = this.rdev;
    out.size = numbers[7]!;
    out.blksize = numbers[8]!;
    out.blocks = numbers[9]!;
    out.atimeSec = numbers[10]!;
    out.atimeNsec = numbers[11]!;
    out.mtimeSec = numbers[12]!;
    out.mtimeNsec = numbers[13]!;
    return 0;
  }

  override size(): number {
    const numbers = this.numbers;
    return addon.fstat(this.fd, numbers) < 0 ? 0 : numbers[7]!;
  }

  /** Reached by /proc/PID/fd/N (`echo > /dev/stderr`): the same host descriptor again, in a mode that it allows. */
  override open(_path: Path | null, flags: number, _ctx: CallerContext): FileDescription | number {
    if (this.fd < 0) return -ENXIO;
    const wanted = flags & O_ACCMODE;
    if (wanted === O_ACCMODE) return -EINVAL;
    if (this.access !== O_RDWR && wanted !== this.access) return -EACCES;
    return new HostFile(this, flags);
  }

  override setattr(attr: SetAttr): number {
    const { size, ...rest } = attr;
    if (size !== undefined) {
      const r = this.truncate(size);
      if (r < 0) return r;
    }
    return super.setattr(rest);
  }
  override truncate(size: number): number {
    return this.regular ? addon.ftruncate(this.fd, size) : -EINVAL;
  }
  override fsync(dataOnly: boolean): number {
    return addon.fsync(this.fd, dataOnly);
  }

  override mappable(): Mappable | null {
    return this.regular ? this : null;
  }
  hostFd(writable: boolean): number {
    return writable && this.access !== O_RDWR ? -EACCES : this.fd;
  }
  mapName(): string {
    return this.label;
  }
  mapDev(): number {
    return this.fs.dev;
  }
  mapIno(): number {
    return this.hostIno;
  }
  addMapping(): void {
    this.opened();
  }
  removeMapping(): void {
    this.closed();
  }
}

/** The description of a descriptor from outside, with no references yet. */
export function openHostFd(fd: number, poller: HostPoller, uid: number, gid: number): HostFile {
  const inode = new HostInode(fd, poller, uid, gid);
  const status = Math.max(0, addon.fcntl(fd, F_GETFL, 0));
  return new HostFile(inode, status);
}

/**
 * A socket of the host is a byte stream to the guest, which could not make socket calls on it: it looks like a pipe. The
 * result is a small integer, which what comes out of an array of doubles is not (base/double.ts).
 */
function guestMode(mode: number): number {
  return (mode & S_IFMT) === S_IFSOCK ? S_IFIFO | 0o600 : mode | 0;
}
