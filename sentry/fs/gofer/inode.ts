/** What all inodes of a gofer tree share: attributes, their freshness, and how the gofer is told which object. */
import { DOUBLE_ZERO } from '../../base/double.ts';
import { ENODATA, ENOENT, EOPNOTSUPP, EROFS, ESTALE } from '../../abi/errno.ts';
import { addon } from '../../../native/addon.ts';
import {
  ATTR_ATIME,
  ATTR_BLKSIZE,
  ATTR_BLOCKS,
  ATTR_COUNT,
  ATTR_CTIME,
  ATTR_DEV,
  ATTR_GID,
  ATTR_INO,
  ATTR_MODE,
  ATTR_MTIME,
  ATTR_NLINK,
  ATTR_RDEV,
  ATTR_SIZE,
  ATTR_UID,
  SET_ATIME,
  SET_GID,
  SET_MODE,
  SET_MTIME,
  SET_SIZE,
  SET_UID,
} from '../../../gofer/protocol/messages.ts';
import type { CallerContext } from '../../vfs/context.ts';
import { Inode } from '../../vfs/inode.ts';
import type { SetAttr, Stat } from '../../vfs/stat.ts';
import { MS_NOATIME, MS_NODIRATIME, MS_RDONLY, MS_STRICTATIME } from '../../abi/mount.ts';
import { S_IFDIR, S_IFMT, S_IFREG } from '../../abi/stat.ts';
import type { GoferDirectory } from './directory.ts';
import type { GoferFilesystem } from './filesystem.ts';

/** How long what the gofer said of a shared tree is believed, in ns: one path walk and the call that made it. */
export const SHARED_VALIDITY_NS = 2e6;

const DAY_SECONDS = 86400;
/** user_namespaces(7): ids without a mapping. */
const OVERFLOW_ID = 65534;
/** What listxattr gives for most files; nobody changes it. */
const NO_NAMES: string[] = [];
const scratch = new Float64Array(ATTR_COUNT);

export abstract class GoferInode extends Inode {
  readonly fs: GoferFilesystem;
  /** Identity on the host; with the tree's device these decide which names are links to one file. */
  readonly hostDev: number;
  readonly hostIno: number;
  /** A directory's handle, or that of a file without a name; 0: not known (yet). */
  handle = 0;
  /** How often the gofer granted it. */
  grants = 0;
  /** Where it was found last, and another name of it that is known. null: it has lost its name. */
  parent: GoferDirectory | null;
  name: string;
  otherParent: GoferDirectory | null = null;
  otherName = '';

  bytes = DOUBLE_ZERO;
  protected blksize = 4096;
  protected blocks = DOUBLE_ZERO;
  atimeSec = DOUBLE_ZERO;
  protected atimeNsec = DOUBLE_ZERO;
  mtimeSec = DOUBLE_ZERO;
  protected mtimeNsec = DOUBLE_ZERO;
  protected ctimeSec = DOUBLE_ZERO;
  protected ctimeNsec = DOUBLE_ZERO;
  /** Something was done that changes times or sizes on the host: ask before the next answer. */
  stale = false;
  /** Names of its extended attributes; null: not asked yet. */
  private xattrNames: string[] | null = null;
  /** Shared trees: when the attributes were fetched (addon.monotonicNs()). */
  checkedAt = DOUBLE_ZERO;

  constructor(
    fs: GoferFilesystem,
    attrs: Float64Array,
    at: number,
    parent: GoferDirectory | null,
    name: string,
  ) {
    super();
    this.fs = fs;
    this.hostDev = attrs[at + ATTR_DEV]!;
    this.hostIno = attrs[at + ATTR_INO]!;
    this.ino = fs.guestIno(this.hostDev, this.hostIno);
    this.rdev = attrs[at + ATTR_RDEV]!;
    this.parent = parent;
    this.name = name;
    this.absorb(attrs, at);
  }

  /** Takes over fresh attributes. */
  absorb(attrs: Float64Array, at = 0): void {
    this.mode = attrs[at + ATTR_MODE]! | 0;
    this.nlink = attrs[at + ATTR_NLINK]! | 0;
    this.uid = attrs[at + ATTR_UID]! >>> 0;
    this.gid = attrs[at + ATTR_GID]! >>> 0;
    this.bytes = attrs[at + ATTR_SIZE]!;
    this.blksize = attrs[at + ATTR_BLKSIZE]! | 0;
    this.blocks = attrs[at + ATTR_BLOCKS]!;
    this.atimeSec = attrs[at + ATTR_ATIME]!;
    this.atimeNsec = attrs[at + ATTR_ATIME + 1]!;
    this.mtimeSec = attrs[at + ATTR_MTIME]!;
    this.mtimeNsec = attrs[at + ATTR_MTIME + 1]!;
    this.ctimeSec = attrs[at + ATTR_CTIME]!;
    this.ctimeNsec = attrs[at + ATTR_CTIME + 1]!;
    this.stale = false;
    if (this.fs.shared) this.checkedAt = addon.monotonicNs();
  }

  stat(out: Stat): number {
    this.freshen();
    out.dev = this.fs.dev;
    out.ino = this.ino;
    out.mode = this.mode;
    out.nlink = this.nlink;
    out.uid = this.uid;
    out.gid = this.gid;
    out.rdev = this.rdev;
    out.size = this.bytes;
    out.blksize = this.blksize;
    out.blocks = this.blocks;
    out.atimeSec = this.atimeSec;
    out.atimeNsec = this.atimeNsec;
    out.mtimeSec = this.mtimeSec;
    out.mtimeNsec = this.mtimeNsec;
    out.ctimeSec = this.ctimeSec;
    out.ctimeNsec = this.ctimeNsec;
    out.btimeSec = -1;
    out.btimeNsec = 0;
    return 0;
  }

  override size(): number {
    if (this.fs.shared) this.freshen();
    return this.bytes;
  }

  override accessed(mountFlags: number): void {
    if (this.stale || (mountFlags & (MS_NOATIME | MS_RDONLY)) !== 0 || this.fs.readonly) return;
    if ((mountFlags & MS_NODIRATIME) !== 0 && (this.mode & S_IFMT) === S_IFDIR) return;
    // The host keeps atime by its own rules, relatime as a rule: only then can it have changed.
    if (
      (mountFlags & MS_STRICTATIME) !== 0 ||
      this.atimeSec <= Math.max(this.mtimeSec, this.ctimeSec) ||
      this.atimeSec + DAY_SECONDS < Date.now() / 1000
    ) {
      this.stale = true;
    }
  }

  override setattr(attr: SetAttr, _ctx: CallerContext): number {
    const change = this.fs.change;
    change.mask = 0;
    if (attr.mode !== undefined) {
      change.mask |= SET_MODE;
      change.mode = attr.mode;
    }
    if (attr.uid !== undefined) {
      change.mask |= SET_UID;
      change.uid = attr.uid;
    }
    if (attr.gid !== undefined) {
      change.mask |= SET_GID;
      change.gid = attr.gid;
    }
    if (attr.size !== undefined) {
      change.mask |= SET_SIZE;
      change.size = attr.size;
    }
    if (attr.atimeSec !== undefined) {
      change.mask |= SET_ATIME;
      change.atimeSec = attr.atimeSec;
      change.atimeNsec = attr.atimeNsec ?? 0;
    }
    if (attr.mtimeSec !== undefined) {
      change.mask |= SET_MTIME;
      change.mtimeSec = attr.mtimeSec;
      change.mtimeNsec = attr.mtimeNsec ?? 0;
    }
    if (change.mask === 0) return 0;
    if (this.fs.readonly) return -EROFS;
    const directory = this.addressHandle();
    if (directory < 0) return directory;
    const client = this.fs.client;
    const result = client.setattr(directory, this.addressName(), this.hostIno, change);
    if (result < 0) return result;
    client.reply.attrs(scratch);
    this.absorb(scratch);
    return 0;
  }

  override fsync(dataOnly: boolean): number {
    const directory = this.addressHandle();
    if (directory < 0) return directory;
    return this.fs.client.fsync(directory, this.addressName(), this.hostIno, dataOnly);
  }

  override getxattr(name: string): Uint8Array | number {
    if (!isServed(name)) return -EOPNOTSUPP;
    if (!this.fs.shared || !this.hasContent) {
      // Most files have none, and are asked again and again (ls -l, cp -a, execve).
      const names = this.listxattr();
      if (typeof names === 'number') return names;
      if (!names.includes(name)) return -ENODATA;
    }
    const directory = this.addressHandle();
    if (directory < 0) return directory;
    return this.fs.client.getxattr(directory, this.addressName(), this.hostIno, name);
  }
  override setxattr(name: string, value: Uint8Array, flags: number): number {
    if (!isServed(name)) return -EOPNOTSUPP;
    if (this.fs.readonly) return -EROFS;
    const directory = this.addressHandle();
    if (directory < 0) return directory;
    this.stale = true;
    this.xattrNames = null;
    return this.fs.client.setxattr(directory, this.addressName(), this.hostIno, name, value, flags);
  }
  override listxattr(): string[] | number {
    if (!this.hasContent) return NO_NAMES;
    if (this.xattrNames !== null && !this.fs.shared) return this.xattrNames;
    const directory = this.addressHandle();
    if (directory < 0) return directory;
    const keys = this.fs.client.listxattr(directory, this.addressName(), this.hostIno);
    if (typeof keys === 'number') return keys;
    this.xattrNames = keys === '' ? NO_NAMES : keys.split('\0').slice(0, -1).filter(isServed);
    return this.xattrNames;
  }
  override removexattr(name: string): number {
    if (!isServed(name)) return -EOPNOTSUPP;
    if (this.fs.readonly) return -EROFS;
    const directory = this.addressHandle();
    if (directory < 0) return directory;
    this.stale = true;
    this.xattrNames = null;
    return this.fs.client.removexattr(directory, this.addressName(), this.hostIno, name);
  }

  /** The gofer opens nothing else, and so reaches the extended attributes of nothing else. */
  private get hasContent(): boolean {
    const type = this.mode & S_IFMT;
    return type === S_IFREG || type === S_IFDIR;
  }

  /** The handle that the gofer is to start from, or a negated errno; addressName() is then the name beneath it. */
  addressHandle(): number {
    if (this.handle !== 0) return this.handle;
    return this.parent === null ? -ESTALE : this.parent.ensureHandle();
  }
  addressName(): string {
    return this.handle !== 0 ? '' : this.name;
  }

  /** A name was found or made for it. */
  named(parent: GoferDirectory, name: string): void {
    if (this.parent === parent && this.name === name) return;
    if (this.parent !== null && this.nlink > 1) {
      this.otherParent = this.parent;
      this.otherName = this.name;
    }
    this.parent = parent;
    this.name = name;
  }

  /** It was moved: the old name is gone, the new one is known. */
  moved(from: GoferDirectory, oldName: string, to: GoferDirectory, newName: string): void {
    this.unnamed(from, oldName);
    this.parent = to;
    this.name = newName;
    this.stale = true;
  }

  /** One of its names is gone; nlink is the caller's matter. */
  unnamed(directory: GoferDirectory, name: string): void {
    if (this.parent === directory && this.name === name) {
      this.parent = this.otherParent;
      this.name = this.otherName;
      this.otherParent = null;
    } else if (this.otherParent === directory && this.otherName === name) {
      this.otherParent = null;
    }
    this.stale = true;
  }

  granted(handle: number): void {
    if (handle === 0) return;
    if (handle === this.handle) {
      this.grants++;
      return;
    }
    this.dropHandle();
    this.handle = handle;
    this.grants = 1;
  }

  override forget(): void {
    this.fs.forgetInode(this);
    this.dropHandle();
  }

  protected dropHandle(): void {
    if (this.handle !== 0) this.fs.client.clunk(this.handle, this.grants);
    this.handle = 0;
    this.grants = 0;
  }

  /** Makes the attributes current. A file that is gone on the host keeps what was known last. */
  freshen(): void {
    if (!this.stale) {
      if (!this.fs.shared || addon.monotonicNs() - this.checkedAt < SHARED_VALIDITY_NS) return;
    }
    const fd = this.statFd();
    if (fd >= 0) {
      if (addon.fstat(fd, scratch) < 0) return;
      if (this.namesOwner(scratch)) {
        this.absorb(scratch);
        return;
      }
    }
    const directory = this.addressHandle();
    const result =
      directory < 0 ? directory : this.fs.client.getattr(directory, this.addressName(), this.hostIno);
    if (result === 0) {
      this.fs.client.reply.attrs(scratch);
      this.absorb(scratch);
    } else if (result === -ESTALE || result === -ENOENT) {
      this.stale = false;
    }
  }

  /** The host has something else in its place. */
  isStale(): boolean {
    if (addon.monotonicNs() - this.checkedAt < SHARED_VALIDITY_NS) return false;
    const directory = this.addressHandle();
    const result =
      directory < 0 ? directory : this.fs.client.getattr(directory, this.addressName(), this.hostIno);
    if (result !== 0) return result === -ESTALE || result === -ENOENT;
    this.fs.client.reply.attrs(scratch);
    this.absorb(scratch);
    return false;
  }

  /**
   * The Sentry's user namespace shows owners that it does not map as 65534: then what is known stays. False when the
   * file was root's and is not any more: the gofer must be asked whose it is.
   */
  protected namesOwner(attrs: Float64Array): boolean {
    if (attrs[ATTR_UID] === OVERFLOW_ID && this.uid !== OVERFLOW_ID) {
      if (this.uid === 0) return false;
      attrs[ATTR_UID] = this.uid;
    }
    if (attrs[ATTR_GID] === OVERFLOW_ID && this.gid !== OVERFLOW_ID) {
      if (this.gid === 0) return false;
      attrs[ATTR_GID] = this.gid;
    }
    return true;
  }

  /** A donated descriptor that fstat(2) can be asked of, or -1. */
  protected statFd(): number {
    return -1;
  }
}

/** Access control lists would be the host's to judge by: neither told nor taken. */
function isServed(name: string): boolean {
  return name.startsWith('user.') || name.startsWith('trusted.') || name.startsWith('security.');
}
