/**
 * Open file descriptions (open(2), "open file description"): what descriptors refer to, shared by dup and fork.
 * Each kind of file extends this class. Operations return a count or a negated errno; -EAGAIN means "would block"
 * always: only the syscall layer waits (on `queue`) and retries, so files never look at O_NONBLOCK.
 */
import { EBADF, EINVAL, ENOTDIR, ENOTTY, EOPNOTSUPP, ESPIPE, EFAULT } from '../abi/errno.ts';
import { READABLE, WRITABLE } from '../abi/poll.ts';
import type { Credentials } from '../auth/credentials.ts';
import { DOUBLE_ZERO } from '../base/double.ts';
import type { Watcher } from '../base/host-queue.ts';
import type { WaitQueue } from '../base/wait-queue.ts';
import type { Mappable } from '../mm/mappable.ts';
import type { CallerContext } from './context.ts';
import { holdPath, releasePath } from './dcache.ts';
import type { DirentSink, Inode } from './inode.ts';
import { dropDescriptionLocks, dropProcessLocks } from './file-locks.ts';
import { IN_CLOSE_NOWRITE, IN_CLOSE_WRITE, notifyPath } from './notify.ts';
import type { Path } from './path.ts';
import type { Stat } from './stat.ts';

/** Wants to know when a description ends. */
export interface ReleaseListener {
  onRelease(): void;
}

export interface PollSource {
  readonly hostFd: number;
  readonly watcher: Watcher;
}

/** What the last close(2) waits for after it has closed (socket(7), SO_LINGER). */
export interface Linger {
  readonly queue: WaitQueue;
  readonly timeoutNs: number;
  /** Called after each announcement on the queue. */
  done(): boolean;
  /** The wait is over, however it ended. */
  end?(): void;
}

export abstract class FileDescription {
  /** O_ flags: access mode and status flags. F_SETFL changes O_APPEND|O_ASYNC|O_DIRECT|O_NOATIME|O_NONBLOCK. */
  flags: number;
  /** File offset. */
  pos = DOUBLE_ZERO;
  /** Who opened it; null: whoever has it (pipes, sockets…). */
  openedBy: Credentials | null = null;
  /** One write takes one record, however long the buffer (eventfd): a short count is the whole answer. */
  recordWrites = false;
  /** Descriptors and kernel holders; the last decRef calls release(). */
  refs = 0;
  /** Where it was opened; null for anonymous ones (pipes, sockets, eventfds get a pseudo path name()). */
  readonly path: Path | null;
  readonly inode: Inode | null;
  /** Readiness changes are announced here; null: always ready. */
  queue: WaitQueue | null = null;
  /** F_SETOWN / F_SETSIG state, lock owners: made on demand by their users. */
  owner: unknown = null;
  /** The first of the epoll items that watch it; told when the last reference goes, before release(). */
  epollLinks: ReleaseListener | null = null;

  constructor(flags: number, path: Path | null, inode: Inode | null) {
    this.flags = flags;
    this.path = path;
    this.inode = inode;
    if (path !== null) holdPath(path);
  }

  get readable(): boolean {
    // Access mode 3 is for ioctl only: neither.
    return (this.flags & 1) === 0 && (this.flags & 0o10000000) === 0;
  }
  get writable(): boolean {
    return (((this.flags & 3) + 1) & 2) !== 0 && (this.flags & 0o10000000) === 0;
  }
  get nonblocking(): boolean {
    return (this.flags & 0o4000) !== 0;
  }

  /** A descriptor of the host's whose readiness is this file's, all of it. */
  get pollSource(): PollSource | null {
    return null;
  }

  /** O_NONBLOCK was set or cleared. */
  flagsChanged(): void {
    // only what is read and written elsewhere has to know
  }

  /** SO_RCVTIMEO and SO_SNDTIMEO for read(2) and write(2), in ns; 0: none. */
  get readTimeoutNs(): number {
    return 0;
  }
  get writeTimeoutNs(): number {
    return 0;
  }

  /** A write failed after a part of it was taken, so that nobody was told. */
  keepFailure(_failure: number): void {
    // most files find out again
  }

  incRef(): void {
    this.refs++;
  }
  decRef(): void {
    if (--this.refs > 0) return;
    const inode = this.inode;
    if (inode !== null && inode.locks !== null) dropDescriptionLocks(inode, this);
    this.epollLinks?.onRelease();
    this.release();
    if (this.path !== null) {
      if (inode !== null) notifyPath(this.path, inode, this.writable ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
      releasePath(this.path);
    }
  }

  /** Text of the /proc/PID/fd link for anonymous files, e.g. "pipe:[123]". */
  name(): string {
    return 'anon_inode:[file]';
  }

  /** Lines of the file's own kind for /proc/PID/fdinfo, each ending in a newline. */
  fdinfo?(): string;

  /** It can tell by a signal that it is ready: O_ASYNC and FIOASYNC are for such files only. */
  get asynchronous(): boolean {
    return false;
  }
  /** Its seek() copes with offsets that no file has. */
  get seeksAnywhere(): boolean {
    return false;
  }
  /** O_DIRECT can be set (EINVAL otherwise). */
  get direct(): boolean {
    return false;
  }
  /** splice(2) and sendfile(2) read from it. */
  get splicesOut(): boolean {
    return this.read !== FileDescription.prototype.read;
  }
  /** They write to it. */
  get splicesIn(): boolean {
    return this.write !== FileDescription.prototype.write;
  }
  /** pread(2) means something: it is not ESPIPE (but EINVAL where nothing can be read). */
  get positioned(): boolean {
    return this.pread !== FileDescription.prototype.pread;
  }
  /** pwrite(2) does. */
  get writesPositioned(): boolean {
    return this.positioned;
  }

  /** What write(2) answers when its buffer can't be read. */
  unreadable(_len: number): number {
    return this.write === FileDescription.prototype.write ? -EINVAL : -EFAULT;
  }

  // The VFS has checked `readable` / `writable`. buf is often the arena (platform/arena.ts).
  read(_buf: Uint8Array, _off: number, _len: number, _ctx: CallerContext): number {
    return -EINVAL;
  }
  write(_buf: Uint8Array, _off: number, _len: number, _ctx: CallerContext): number {
    return -EINVAL;
  }
  pread(_buf: Uint8Array, _off: number, _len: number, _pos: number, _ctx: CallerContext): number {
    return -ESPIPE;
  }
  pwrite(_buf: Uint8Array, _off: number, _len: number, _pos: number, _ctx: CallerContext): number {
    return -ESPIPE;
  }
  /** lseek(2): the new offset. */
  seek(_offset: number, _whence: number): number {
    return -ESPIPE;
  }
  /** Bits of poll(2) that hold now. */
  readiness(): number {
    return READABLE | WRITABLE;
  }
  /** Directory entries from this.pos on; updates this.pos. 0 at the end; the sink stops it. */
  readdir(_sink: DirentSink, _ctx: CallerContext): number {
    return -ENOTDIR;
  }
  /** ioctl(2) of the file's own kind; FIONBIO, FIOCLEX… are the syscall layer's. */
  ioctl(_cmd: number, _arg: number, _ctx: CallerContext): number {
    return -ENOTTY;
  }
  stat(out: Stat): number {
    return this.inode === null ? -EBADF : this.inode.stat(out);
  }
  truncate(_size: number): number {
    return -EINVAL;
  }
  allocate(_mode: number, _offset: number, _len: number): number {
    return -EOPNOTSUPP;
  }
  fsync(_dataOnly: boolean): number {
    return -EINVAL;
  }
  mappable(): Mappable | null {
    return null;
  }
  /** F_GETPIPE_SZ, F_SETPIPE_SZ in bytes. */
  pipeSize(): number {
    return -EBADF;
  }
  setPipeSize(_size: number, _ctx: CallerContext): number {
    return -EBADF;
  }
  /** Each close(2) of a descriptor, before decRef. Overriders call super.flush: it drops POSIX locks. */
  flush(ctx: CallerContext): number {
    const inode = this.inode;
    if (inode !== null && inode.locks !== null) dropProcessLocks(inode, ctx.pid);
    return 0;
  }
  /** Asked by the close(2) that is about to end it. */
  lingering(): Linger | null {
    return null;
  }
  /** Nobody refers to it any more. */
  release(): void {
    // nothing held by default
  }
}
