/** Regular files of tmpfs, and memfds: content, seals, mappings. */
import { EBUSY, EINVAL, EPERM } from '../../abi/errno.ts';
import {
  F_SEAL_EXEC,
  F_SEAL_FUTURE_WRITE,
  F_SEAL_GROW,
  F_SEAL_SEAL,
  F_SEAL_SHRINK,
  F_SEAL_WRITE,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
} from '../../abi/fcntl.ts';
import { S_IFREG } from '../../abi/stat.ts';
import type { Mappable } from '../../mm/mappable.ts';
import type { CallerContext } from '../../vfs/context.ts';
import type { FileDescription } from '../../vfs/file-description.ts';
import type { Path } from '../../vfs/path.ts';
import { openRegular } from '../../vfs/regular-file.ts';
import type { SetAttr } from '../../vfs/stat.ts';
import { Content } from './content.ts';
import { TmpfsInode } from './inode.ts';
import type { Tmpfs } from './tmpfs.ts';

const ALL_SEALS =
  F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE | F_SEAL_EXEC;

/** From here on the host's call beats the copy into the slot and out of it. */
const READ_IN_PLACE = 16 * 1024;

export class TmpfsFile extends TmpfsInode implements Mappable {
  private readonly content: Content;
  private mappings = 0;
  private sharedWriters = 0;
  /** Ordinary files can't be sealed: they have the seal against sealing. */
  private sealBits = F_SEAL_SEAL;
  /** Last known path, for /proc/PID/maps. */
  private shownName = '';
  private mayBeLinked = true;

  constructor(fs: Tmpfs, mode: number, uid: number, gid: number) {
    super(fs, (mode & 0o7777) | S_IFREG, uid, gid);
    this.content = new Content(fs, fs.store);
  }

  override open(path: Path, flags: number, _ctx: CallerContext): FileDescription | number {
    return openRegular(path, flags, this);
  }

  override size(): number {
    return this.content.size;
  }
  protected override blocks(): number {
    return this.content.blocks();
  }

  override readAt(buf: Uint8Array, off: number, len: number, pos: number): number {
    return this.content.read(buf, off, len, pos);
  }

  override writeAt(buf: Uint8Array, off: number, len: number, pos: number): number {
    if (this.sealBits > F_SEAL_SEAL) {
      if ((this.sealBits & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) !== 0) return -EPERM;
      if ((this.sealBits & F_SEAL_GROW) !== 0 && pos + len > this.content.size) return -EPERM;
    }
    const n = this.content.write(buf, off, len, pos);
    if (n > 0) this.modified();
    return n;
  }

  override truncate(size: number): number {
    const now = this.content.size;
    if ((this.sealBits & F_SEAL_SHRINK) !== 0 && size < now) return -EPERM;
    if ((this.sealBits & F_SEAL_GROW) !== 0 && size > now) return -EPERM;
    const r = this.content.truncate(size);
    if (r === 0) this.modified();
    return r;
  }

  override allocate(mode: number, offset: number, len: number): number {
    if ((mode & FALLOC_FL_PUNCH_HOLE) !== 0) {
      if ((this.sealBits & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) !== 0) return -EPERM;
    } else if ((this.sealBits & F_SEAL_GROW) !== 0 && offset + len > this.content.size) {
      return -EPERM;
    }
    const r = this.content.allocate(mode, offset, len);
    if (r === 0 && (mode & FALLOC_FL_KEEP_SIZE) === 0) this.modified();
    return r;
  }

  override seekData(offset: number, hole: boolean): number {
    return this.content.seek(offset, hole);
  }

  override setattr(attr: SetAttr, ctx: CallerContext): number {
    if ((this.sealBits & F_SEAL_EXEC) !== 0 && attr.mode !== undefined) {
      if (((attr.mode ^ this.mode) & 0o111) !== 0) return -EPERM;
    }
    return super.setattr(attr, ctx);
  }

  // ---- seals (memfd_create(2))
  override seals(): number {
    return this.sealBits;
  }
  override addSeals(seals: number): number {
    if ((seals & ~ALL_SEALS) !== 0) return -EINVAL;
    if ((this.sealBits & F_SEAL_SEAL) !== 0) return -EPERM;
    if ((seals & F_SEAL_WRITE) !== 0 && this.sharedWriters > 0) return -EBUSY;
    let add = seals;
    // Sealing an executable's mode seals its content too.
    if ((seals & F_SEAL_EXEC) !== 0 && (this.mode & 0o111) !== 0) {
      add |= F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
    }
    this.sealBits |= add;
    return 0;
  }
  /** memfd_create: the seals it starts with. */
  setSeals(seals: number): void {
    this.sealBits = seals;
  }

  // ---- mapping
  override inPlaceFrom(): number {
    return READ_IN_PLACE;
  }
  override mappable(): Mappable {
    return this;
  }
  hostFd(writable: boolean): number {
    if (writable && (this.sealBits & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) !== 0) return -EPERM;
    return this.content.hostFd(writable);
  }
  setMapName(name: string): void {
    this.shownName = name;
  }
  mapName(): string {
    return this.shownName;
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
    if (sharedWriter) this.sharedWriters--;
    if (--this.mappings === 0 && this.refs === 0) this.forget();
  }

  // ---- life
  protected override inUse(): boolean {
    return this.mappings > 0;
  }
  protected override freeContent(): void {
    this.content.free();
  }
  /** O_TMPFILE files have no name yet but may get one. */
  override linkable(): boolean {
    return this.nlink > 0 || this.mayBeLinked;
  }
  /** It had a name and lost the last one: linkat can't bring it back. */
  override dropLink(): void {
    if (this.nlink === 1) this.mayBeLinked = false;
    super.dropLink();
  }
}
