/** Open regular files of any filesystem: position, append, size limit; the bytes are the inode's matter. */
import { EFBIG, EINVAL, ENXIO, EOVERFLOW, EPERM, ETXTBSY } from '../abi/errno.ts';
import { O_APPEND, O_NOATIME, SEEK_CUR, SEEK_DATA, SEEK_END, SEEK_HOLE, SEEK_SET } from '../abi/fcntl.ts';
import type { Mappable } from '../mm/mappable.ts';
import type { CallerContext } from './context.ts';
import { FileDescription } from './file-description.ts';
import type { Inode } from './inode.ts';
import { activeMarks, IN_ACCESS, IN_MODIFY, notifyPath } from './notify.ts';
import type { Path } from './path.ts';
import { mustDropPrivileges, withoutPrivileges } from './permission.ts';
import { dropWriteAccess, takeWriteAccess } from './write-access.ts';

const SIGXFSZ = 25;
/** Largest offset: the biggest file of ext4-like filesystems would be less, tmpfs's more; exact as a double. */
export const MAX_FILE_SIZE = Number.MAX_SAFE_INTEGER;

export class RegularFile extends FileDescription {
  /** Where the bytes are: the inode itself, or a layer's inode below it. */
  readonly data: Inode;
  /** Reads so far, up to the one that made the platform keep a descriptor. */
  reads = 0;
  /** Set when it does: tells it that the file is closed. */
  kept: ((key: object) => void) | null = null;

  /** The caller has checked inode.writers (ETXTBSY) through `openRegular`. */
  constructor(path: Path, flags: number, inode: Inode, data: Inode = inode) {
    super(flags, path, inode);
    this.data = data;
  }

  override get direct(): boolean {
    return true;
  }
  override get seeksAnywhere(): boolean {
    return true;
  }

  /** For files that no mount of the namespace leads to: memfds. */
  override name(): string {
    return `/${this.path!.dentry.name}${this.path!.dentry.deleted ? ' (deleted)' : ''}`;
  }

  override read(buf: Uint8Array, off: number, len: number, _ctx: CallerContext): number {
    const n = this.data.readAt(buf, off, len, this.pos);
    if (n > 0) {
      this.pos += n;
      this.touched();
    }
    return n;
  }

  override pread(buf: Uint8Array, off: number, len: number, pos: number, _ctx: CallerContext): number {
    const n = this.data.readAt(buf, off, len, pos);
    if (n > 0) this.touched();
    return n;
  }

  override write(buf: Uint8Array, off: number, len: number, ctx: CallerContext): number {
    const pos = (this.flags & O_APPEND) !== 0 ? this.data.size() : this.pos;
    const n = this.writeBytes(buf, off, len, pos, ctx);
    if (n > 0) this.pos = pos + n;
    return n;
  }

  /** As on Linux, O_APPEND wins over the offset (pwrite(2) BUGS). */
  override pwrite(buf: Uint8Array, off: number, len: number, pos: number, ctx: CallerContext): number {
    return this.writeBytes(buf, off, len, (this.flags & O_APPEND) !== 0 ? this.data.size() : pos, ctx);
  }

  private writeBytes(buf: Uint8Array, off: number, len: number, pos: number, ctx: CallerContext): number {
    if (len === 0) return 0;
    let count = len;
    const limit = ctx.fileSizeLimit;
    if (pos + count > limit) {
      if (pos >= limit) {
        ctx.signalSelf(SIGXFSZ);
        return -EFBIG;
      }
      count = limit - pos;
    }
    if (pos + count > MAX_FILE_SIZE) {
      if (pos >= MAX_FILE_SIZE) return -EFBIG;
      count = MAX_FILE_SIZE - pos;
    }
    if ((this.inode!.mode & 0o6000) !== 0) dropPrivileges(this.inode!, ctx);
    const n = this.data.writeAt(buf, off, count, pos);
    if (n > 0 && activeMarks !== 0) notifyPath(this.path, this.inode, IN_MODIFY);
    return n;
  }

  /** Bytes were read: atime and inotify. */
  touched(): void {
    if ((this.flags & O_NOATIME) === 0) this.inode!.accessed(this.path!.mount.flags);
    if (activeMarks !== 0) notifyPath(this.path, this.inode, IN_ACCESS);
  }

  override seek(offset: number, whence: number): number {
    let to: number;
    switch (whence) {
      case SEEK_SET:
        to = offset;
        break;
      case SEEK_CUR:
        to = this.pos + offset;
        break;
      case SEEK_END:
        to = this.data.size() + offset;
        break;
      case SEEK_DATA:
      case SEEK_HOLE:
        if (offset < 0 || offset >= this.data.size()) return -ENXIO;
        to = this.data.seekData(offset, whence === SEEK_HOLE);
        if (to < 0) return to;
        break;
      default:
        return -EINVAL;
    }
    if (to < 0) return -EINVAL;
    if (to > MAX_FILE_SIZE) return whence === SEEK_SET ? -EINVAL : -EOVERFLOW;
    this.pos = to;
    return to;
  }

  override truncate(size: number): number {
    return this.data.truncate(size);
  }
  override allocate(mode: number, offset: number, len: number): number {
    return this.data.allocate(mode, offset, len);
  }
  override fsync(dataOnly: boolean): number {
    return this.data.fsync(dataOnly);
  }
  override mappable(): Mappable | null {
    return this.data.mappable();
  }
  override release(): void {
    this.kept?.(this.data);
    if (this.writable) dropWriteAccess(this.inode!);
  }
}

/** A description of a regular file; -ETXTBSY when it is to be written and is being executed. */
export function openRegular(
  path: Path,
  flags: number,
  inode: Inode,
  data: Inode = inode,
): RegularFile | number {
  const writes = (((flags & 3) + 1) & 2) !== 0;
  if (writes && takeWriteAccess(inode) < 0) return -ETXTBSY;
  return new RegularFile(path, flags, inode, data);
}

/** Clears setuid and setgid before content changes (file_remove_privs). */
export function dropPrivileges(inode: Inode, ctx: CallerContext): number {
  if (!mustDropPrivileges(inode, ctx.creds)) return 0;
  return inode.setattr({ mode: withoutPrivileges(inode.mode) & 0o7777 }, ctx) === -EPERM ? -EPERM : 0;
}
