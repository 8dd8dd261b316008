/** Regular files of a gofer tree: the Sentry reads and writes donated descriptors itself. */
import { EACCES, EINVAL, EROFS, ESTALE, ETXTBSY } from '../../abi/errno.ts';
import { O_DSYNC, O_RDONLY, O_RDWR, O_SYNC, O_WRONLY, SEEK_DATA, SEEK_HOLE } from '../../abi/fcntl.ts';
import { addon } from '../../../native/addon.ts';
import type { FileAddress } from '../../../gofer/client/client.ts';
import { ATTR_COUNT } from '../../../gofer/protocol/messages.ts';
import type { Mappable } from '../../mm/mappable.ts';
import type { CallerContext } from '../../vfs/context.ts';
import type { FileDescription } from '../../vfs/file-description.ts';
import type { Path } from '../../vfs/path.ts';
import { RegularFile } from '../../vfs/regular-file.ts';
import type { SetAttr } from '../../vfs/stat.ts';
import { takeWriteAccess } from '../../vfs/write-access.ts';
import { GoferInode } from './inode.ts';
import type { FdHolder } from './host-fds.ts';

const SET_ID_BITS = 0o6000;
const scratch = new Float64Array(ATTR_COUNT);

export class GoferRegular extends GoferInode implements Mappable, FdHolder {
  /** Donated descriptors, -1: none. The two are kept apart: a guest maps what it opened for reading read-only. */
  private readFd = -1;
  private writeFd = -1;
  /** writeFd cannot be read: a gofer without root's rights got no more. */
  private writeOnly = false;
  /** Open descriptions, and mappings: while there are any, the file must survive the loss of its name. */
  private opens = 0;
  private mappings = 0;
  private sharedWriters = 0;
  used = false;
  /** Made by O_TMPFILE: a link may give it its first name. */
  nameable = false;

  override linkable(): boolean {
    return this.nlink > 0 || this.nameable;
  }

  open(path: Path, flags: number, _ctx: CallerContext): FileDescription | number {
    const access = flags & 3;
    const writes = access !== O_RDONLY;
    if (writes && takeWriteAccess(this) < 0) return -ETXTBSY;
    const fd = writes ? this.acquireWrite() : this.contentFd();
    if (fd < 0) {
      if (writes) this.writers--;
      return fd;
    }
    this.opens++;
    return new GoferFile(path, flags, this);
  }

  override inPlaceFrom(): number {
    return this.fs.shared ? Infinity : 0;
  }
  closed(): void {
    this.opens--;
    this.letGo();
  }
  private letGo(): void {
    if (!this.fs.slave || this.inUse) return;
    this.fs.fds.removed(this);
    this.closeFds();
  }
  /** It can be read without asking for a descriptor. */
  get isOpen(): boolean {
    return this.readFd >= 0;
  }
  get inUse(): boolean {
    return this.opens > 0 || this.mappings > 0;
  }

  override readAt(buf: Uint8Array, off: number, len: number, pos: number): number {
    // Some filesystems give content to files of size 0: those are read to find out.
    if (pos >= this.bytes && this.bytes > 0 && !this.fs.live) return 0;
    const fd = this.readFd >= 0 ? this.readFd : this.contentFd();
    if (fd < 0) return fd;
    this.used = true;
    return addon.pread(fd, buf, off, len, pos);
  }

  override writeAt(buf: Uint8Array, off: number, len: number, pos: number): number {
    const fd = this.writeFd >= 0 ? this.writeFd : this.acquireWrite();
    if (fd < 0) return fd;
    this.used = true;
    const n = addon.pwrite(fd, buf, off, len, pos);
    if (n > 0) {
      if (pos + n > this.bytes) this.bytes = pos + n;
      this.stale = true;
      if ((this.mode & SET_ID_BITS) !== 0) this.restoreMode();
    }
    return n;
  }

  override setattr(attr: SetAttr, ctx: CallerContext): number {
    // open(O_TRUNC) and truncate(2): through the descriptor that the next write needs anyway.
    if (attr.size === undefined) return super.setattr(attr, ctx);
    const { size, ...rest } = attr;
    const result = this.truncate(size);
    return result < 0 ? result : super.setattr(rest, ctx);
  }

  override truncate(size: number): number {
    const fd = this.writeFd >= 0 ? this.writeFd : this.acquireWrite();
    if (fd < 0) return fd;
    const result = addon.ftruncate(fd, size);
    if (result < 0) return result;
    this.bytes = size;
    this.stale = true;
    if ((this.mode & SET_ID_BITS) !== 0) this.restoreMode();
    this.letGo();
    return 0;
  }

  override allocate(mode: number, offset: number, len: number): number {
    const fd = this.writeFd >= 0 ? this.writeFd : this.acquireWrite();
    if (fd < 0) return fd;
    const result = addon.fallocate(fd, mode, offset, len);
    if (result < 0) return result;
    if (addon.fstat(fd, scratch) === 0 && this.namesOwner(scratch)) this.absorb(scratch);
    else this.stale = true;
    return 0;
  }

  override seekData(offset: number, hole: boolean): number {
    const fd = this.contentFd();
    return fd < 0 ? fd : addon.lseek(fd, offset, hole ? SEEK_HOLE : SEEK_DATA);
  }

  override fsync(dataOnly: boolean): number {
    // What was written through a descriptor that is closed by now belongs to the same file: any one will do.
    const fd = this.writeFd >= 0 ? this.writeFd : this.contentFd();
    return fd < 0 ? fd : addon.fsync(fd, dataOnly);
  }

  // ---- Mappable
  override mappable(): Mappable {
    return this;
  }
  hostFd(writable: boolean): number {
    this.used = true;
    const fd = writable ? this.acquireWrite() : this.acquireRead();
    return fd >= 0 && writable && this.writeOnly ? -EACCES : fd;
  }
  mapName(): string {
    const names = [this.name];
    for (let at = this.parent; at !== null && at.parent !== null; at = at.parent) names.unshift(at.name);
    return '/' + names.join('/');
  }
  mapDev(): number {
    return this.fs.dev;
  }
  mapIno(): number {
    return this.ino;
  }
  addMapping(sharedWriter: boolean): void {
    this.mappings++;
    if (sharedWriter) this.sharedWriters++;
  }
  removeMapping(sharedWriter: boolean): void {
    this.mappings--;
    if (sharedWriter) {
      this.sharedWriters--;
      this.stale = true;
    }
    if (this.refs === 0) this.forget();
    else this.letGo();
  }

  // ---- descriptors
  get heldFds(): number {
    return (this.readFd >= 0 ? 1 : 0) + (this.writeFd >= 0 ? 1 : 0);
  }
  get evictable(): boolean {
    return this.parent !== null;
  }
  closeFds(): void {
    if (this.readFd >= 0) addon.close(this.readFd);
    if (this.writeFd >= 0) addon.close(this.writeFd);
    this.readFd = -1;
    this.writeFd = -1;
  }

  /** The file was just made; the descriptor is open for both. */
  adoptWriteFd(fd: number): void {
    if (fd < 0) return;
    if (this.writeFd >= 0) {
      addon.close(fd);
      return;
    }
    this.writeFd = fd;
    this.writeOnly = false;
    this.fs.fds.added(this);
  }

  /** Before the last known name goes: whatever may be asked of the file later must be at hand by then. */
  prepareNameless(): void {
    if (this.inUse) this.acquireRead();
  }

  override forget(): void {
    if (this.inUse) return;
    this.fs.fds.removed(this);
    this.closeFds();
    super.forget();
  }

  protected override statFd(): number {
    return this.readFd >= 0 ? this.readFd : this.writeFd;
  }

  override size(): number {
    if (this.fs.live) this.freshen();
    return this.bytes;
  }

  override freshen(): void {
    // Stores to a shared mapping change the times without a word to us.
    if (this.sharedWriters > 0 || (this.fs.live && this.statFd() >= 0)) this.stale = true;
    super.freshen();
  }

  /** Any descriptor that can be read. */
  private contentFd(): number {
    if (this.readFd >= 0) return this.readFd;
    if (this.writeFd >= 0 && !this.writeOnly) return this.writeFd;
    return this.acquireRead();
  }

  private acquireRead(): number {
    if (this.readFd >= 0) return this.readFd;
    const ahead = this.fs.openAhead.take(this);
    const fd = ahead >= 0 ? ahead : this.request(O_RDONLY, this.fs.openAhead.others(this));
    if (fd < 0) return fd;
    this.readFd = fd;
    this.fs.fds.added(this);
    return fd;
  }

  private acquireWrite(): number {
    if (this.writeFd >= 0) return this.writeFd;
    if (this.fs.readonly) return -EROFS;
    let fd = this.request(O_RDWR);
    const writeOnly = fd === -EACCES;
    if (writeOnly) fd = this.request(O_WRONLY);
    if (fd < 0) return fd;
    this.writeFd = fd;
    this.writeOnly = writeOnly;
    this.fs.fds.added(this);
    return fd;
  }

  private request(access: number, others: readonly FileAddress[] = []): number {
    const directory = this.addressHandle();
    if (directory < 0) return directory;
    const client = this.fs.client;
    const result = client.open(directory, this.addressName(), this.hostIno, access, others);
    if (result < 0) return result === -EINVAL ? -ESTALE : result;
    client.reply.attrs(scratch);
    this.absorb(scratch);
    let came = 1;
    for (const other of others) {
      if (client.reply.u32() !== 0 && came < client.fdCount) {
        this.fs.openAhead.opened(other, client.fds[came++]!);
      }
    }
    return client.fd;
  }

  /** The host takes setuid and setgid away from what an unprivileged process writes; our caller decides that. */
  private restoreMode(): void {
    const change = this.fs.change;
    change.mask = 1; // SET_MODE
    change.mode = this.mode & 0o7777;
    const directory = this.addressHandle();
    if (directory < 0) return;
    this.fs.client.setattr(directory, this.addressName(), this.hostIno, change);
  }
}

class GoferFile extends RegularFile {
  override write(buf: Uint8Array, off: number, len: number, ctx: CallerContext): number {
    return this.synced(super.write(buf, off, len, ctx));
  }
  override pwrite(buf: Uint8Array, off: number, len: number, pos: number, ctx: CallerContext): number {
    return this.synced(super.pwrite(buf, off, len, pos, ctx));
  }
  override release(): void {
    super.release();
    (this.inode as GoferRegular).closed();
  }

  /** O_SYNC and O_DSYNC belong to this description, the donated descriptor to all. */
  private synced(written: number): number {
    if (written <= 0 || (this.flags & O_DSYNC) === 0) return written;
    const result = this.data.fsync((this.flags & O_SYNC) !== O_SYNC);
    return result < 0 ? result : written;
  }
}
