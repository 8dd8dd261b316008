/** Directories of a gofer tree. */
import { EEXIST, EIO, EISDIR, ENOENT, EROFS } from '../../abi/errno.ts';
import { AT_REMOVEDIR, O_ACCMODE, RENAME_EXCHANGE, RENAME_WHITEOUT } from '../../abi/fcntl.ts';
import { DT_DIR, S_IFDIR, S_IFMT, S_ISGID } from '../../abi/stat.ts';
import { addon } from '../../../native/addon.ts';
import { ATTR_COUNT } from '../../../gofer/protocol/messages.ts';
import type { CallerContext } from '../../vfs/context.ts';
import { DirectoryFile } from '../../vfs/directory-file.ts';
import type { FileDescription } from '../../vfs/file-description.ts';
import type { Inode } from '../../vfs/inode.ts';
import type { Path } from '../../vfs/path.ts';
import { GoferInode, SHARED_VALIDITY_NS } from './inode.ts';
import { GoferLister, Listing } from './listing.ts';
import { GoferRegular } from './regular.ts';
import { GoferSymlink } from './special.ts';

const scratch = new Float64Array(ATTR_COUNT);

export class GoferDirectory extends GoferInode {
  /** The last listing; kept by the filesystem within its bounds. */
  listing: Listing | null = null;
  /** See addMountPoint. */
  mountPoints: Map<string, Inode> | null = null;

  open(path: Path, flags: number, _ctx: CallerContext): FileDescription | number {
    if ((flags & O_ACCMODE) !== 0) return -EISDIR;
    return new DirectoryFile(path, flags, this, new GoferLister(this));
  }

  /** Gives it a name that the host's directory, which is read-only, doesn't have: something is mounted there. */
  addMountPoint(name: string, inode: Inode): void {
    (this.mountPoints ??= new Map<string, Inode>()).set(name, inode);
  }

  override lookup(name: string, _ctx: CallerContext): Inode | number {
    const mountPoint = this.mountPoints?.get(name);
    if (mountPoint !== undefined) return mountPoint;
    const ahead = this.fs.takeAhead(this, name);
    if (ahead !== undefined) return ahead;
    const listed = this.listing === null ? undefined : this.lookupListed(this.listing, name);
    return listed ?? this.fs.fetch(this, name);
  }

  /** undefined: the listing doesn't tell. */
  private lookupListed(listing: Listing, name: string): Inode | number | undefined {
    const place = listing.find(name, this.fs.shared);
    if (place === -2) return -ENOENT;
    if (place < 0) return undefined;
    if (listing.detailed) {
      if (listing.type(place) !== DT_DIR) this.fs.tree.noteLook(listing);
      return this.fs.inodeAt(listing.attrs, place * ATTR_COUNT, this, name, 0, null);
    }
    if (listing.type(place) === DT_DIR) return this.knownBelow(listing, place);
    const detailed = this.fs.tree.fetchDetails(this);
    return detailed === null ? undefined : this.lookupListed(detailed, name);
  }

  /** The subdirectory at a place of the listing, if it was listed too. */
  knownBelow(listing: Listing, place: number): GoferDirectory | undefined {
    const known = this.fs.known(listing.dev(place), listing.ino(place));
    return known instanceof GoferDirectory && known.parent === this && known.name === listing.names[place]
      ? known
      : undefined;
  }

  override prefetch(names: readonly string[], _ctx: CallerContext): void {
    // A listing or an earlier prefetch may know the first step.
    this.fs.fetchAhead(this, names);
  }

  override create(name: string, mode: number, ctx: CallerContext): Inode | number {
    const handle = this.changing();
    if (handle < 0) return handle;
    const client = this.fs.client;
    const result = client.create(handle, name, mode, ctx.creds.fsuid, this.gidOfNew(ctx));
    if (result < 0) return this.failed(result, name);
    const fd = client.fd;
    const inode = this.made(name, 0);
    if (inode instanceof GoferRegular) inode.adoptWriteFd(fd);
    else if (fd >= 0) addon.close(fd);
    return inode;
  }

  override tmpfile(mode: number, ctx: CallerContext): Inode | number {
    const handle = this.changing();
    if (handle < 0) return handle;
    const client = this.fs.client;
    const result = client.tmpfile(handle, mode, ctx.creds.fsuid, this.gidOfNew(ctx));
    if (result < 0) return result;
    const fd = client.fd;
    const fileHandle = client.handle;
    client.reply.attrs(scratch);
    const inode = this.fs.inodeAt(scratch, 0, null, '', fileHandle, null);
    if (!(inode instanceof GoferRegular)) return -EIO;
    inode.nameable = true;
    inode.adoptWriteFd(fd);
    return inode;
  }

  override mkdir(name: string, mode: number, ctx: CallerContext): Inode | number {
    const handle = this.changing();
    if (handle < 0) return handle;
    const client = this.fs.client;
    const result = client.mkdir(handle, name, mode, ctx.creds.fsuid, this.gidOfNew(ctx));
    return result < 0 ? this.failed(result, name) : this.made(name, client.handle);
  }

  override mknod(name: string, mode: number, rdev: number, ctx: CallerContext): Inode | number {
    const handle = this.changing();
    if (handle < 0) return handle;
    const result = this.fs.client.mknod(handle, name, mode, ctx.creds.fsuid, this.gidOfNew(ctx), rdev);
    return result < 0 ? this.failed(result, name) : this.made(name, 0);
  }

  override symlink(name: string, target: string, ctx: CallerContext): Inode | number {
    const handle = this.changing();
    if (handle < 0) return handle;
    const result = this.fs.client.symlink(handle, name, target, ctx.creds.fsuid, this.gidOfNew(ctx));
    if (result < 0) return this.failed(result, name);
    const inode = this.made(name, 0);
    if (inode instanceof GoferSymlink) inode.target = target;
    return inode;
  }

  override link(name: string, target: Inode, _ctx: CallerContext): number {
    const handle = this.changing();
    if (handle < 0) return handle;
    const file = target as GoferInode;
    const source = file.addressHandle();
    if (source < 0) return source;
    const client = this.fs.client;
    const result = client.link(source, file.addressName(), file.hostIno, handle, name);
    if (result < 0) return this.failed(result, name);
    client.reply.attrs(scratch);
    file.absorb(scratch);
    file.named(this, name);
    this.nameAdded(name);
    return 0;
  }

  override unlink(name: string, child: Inode, _ctx: CallerContext): number {
    return this.remove(name, child as GoferInode, 0);
  }
  override rmdir(name: string, child: Inode, _ctx: CallerContext): number {
    const result = this.remove(name, child as GoferInode, AT_REMOVEDIR);
    if (result === 0) this.nlink--;
    return result;
  }

  override rename(
    oldName: string,
    child: Inode,
    newDir: Inode,
    newName: string,
    replaced: Inode | null,
    flags: number,
    ctx: CallerContext,
  ): number {
    const to = newDir as GoferDirectory;
    const file = child as GoferInode;
    const victim = replaced as GoferInode | null;
    const exchange = (flags & RENAME_EXCHANGE) !== 0;
    const from = this.changing();
    if (from < 0) return from;
    const toHandle = to.changing();
    if (toHandle < 0) return toHandle;
    const pin = victim !== null && !exchange && victim !== file && losesLastUse(victim);
    this.fs.openAhead.drop();
    const client = this.fs.client;
    const result = client.rename(from, oldName, toHandle, newName, flags, pin);
    if (result < 0) return to.failed(result, newName);
    const pinned = client.handle;
    // Two names of one file: rename(2) does nothing.
    if (victim === file) return 0;
    if (victim !== null && !exchange) victim.granted(pinned);
    this.nameRemoved(oldName);
    to.nameAdded(newName);
    file.moved(this, oldName, to, newName);
    if (victim !== null) {
      if (exchange) {
        this.nameAdded(oldName);
        victim.moved(to, newName, this, oldName);
      } else {
        victim.unnamed(to, newName);
        lostName(victim);
      }
    }
    if ((flags & RENAME_WHITEOUT) !== 0) this.ownWhiteout(oldName, ctx);
    return 0;
  }

  /** What the host put in place of the old name is the caller's, not the gofer's. */
  private ownWhiteout(name: string, ctx: CallerContext): void {
    const { fsuid, fsgid } = ctx.creds;
    if (fsuid === 0 && fsgid === 0) return;
    const whiteout = this.lookup(name, ctx);
    if (typeof whiteout !== 'number') whiteout.setattr({ uid: fsuid, gid: fsgid }, ctx);
  }

  /** Its handle, fetched if the directory is known by its attributes only. A negated errno when it is gone. */
  ensureHandle(): number {
    if (this.handle !== 0) return this.handle;
    if (this.parent === null) return -ENOENT;
    // From the nearest directory that has one: paths may be deep, so no recursion.
    const names: string[] = [];
    const chain: GoferDirectory[] = [];
    let at: GoferDirectory | null = this.parent;
    names.unshift(this.name);
    chain.unshift(this);
    while (at !== null && at.handle === 0) {
      names.unshift(at.name);
      chain.unshift(at);
      at = at.parent;
    }
    if (at === null) return -ENOENT;
    return this.fs.fetchHandles(at, names, chain);
  }

  /** The listing for a new pass over the directory. */
  newListing(): Listing {
    if (this.listingHolds()) {
      this.fs.tree.noteUse(this.listing!);
      return this.listing!;
    }
    const ahead = this.fs.tree.fetch(this);
    if (ahead !== null) return ahead;
    const listing = new Listing();
    this.fs.keepListing(this, listing);
    return listing;
  }

  /** The last listing is good for another pass. */
  listingHolds(): boolean {
    const last = this.listing;
    return last !== null && last.complete && !last.changed && !this.fs.shared;
  }

  override forget(): void {
    if (this.mountPoints !== null) return;
    this.fs.dropListing(this);
    super.forget();
  }

  /** The handle of a directory whose names are about to change. */
  private changing(): number {
    return this.fs.readonly ? -EROFS : this.ensureHandle();
  }

  /** Linux: a setgid directory hands its group down. */
  private gidOfNew(ctx: CallerContext): number {
    return (this.mode & S_ISGID) !== 0 ? this.gid : ctx.creds.fsgid;
  }

  /** The inode of what was just made, from the attributes that the reply stands before. */
  private made(name: string, handle: number): GoferInode {
    this.fs.client.reply.attrs(scratch);
    this.nameAdded(name);
    const inode = this.fs.inodeAt(scratch, 0, this, name, handle, null);
    if ((inode.mode & S_IFMT) === S_IFDIR) this.nlink++;
    return inode;
  }

  /** A shared tree: somebody on the host made the name first. */
  private failed(result: number, name: string): number {
    if (result === -EEXIST) this.nameAdded(name);
    return result;
  }

  private remove(name: string, child: GoferInode, flags: number): number {
    const handle = this.changing();
    if (handle < 0) return handle;
    const pin = flags === 0 && losesLastUse(child);
    this.fs.openAhead.drop();
    const client = this.fs.client;
    const result = client.unlink(handle, name, flags, pin);
    if (result < 0) return result;
    if (pin) child.granted(client.handle);
    this.nameRemoved(name);
    child.unnamed(this, name);
    lostName(child);
    return 0;
  }

  private nameAdded(name: string): void {
    this.stale = true;
    this.listing?.nameAdded(name);
  }
  private nameRemoved(name: string): void {
    this.stale = true;
    this.listing?.nameRemoved(name);
  }
}

/** Directories of a tree that the host changes as well: the VFS asks before it believes a cached name. */
export class SharedGoferDirectory extends GoferDirectory {
  override wantsPrefetch(child: Inode | null): boolean {
    return child === null || !isFresh(child);
  }

  override revalidate(name: string, child: Inode): boolean {
    if (this.mountPoints?.get(name) === child || isFresh(child)) return true;
    const ahead = this.fs.takeAhead(this, name);
    return (ahead ?? this.fs.fetch(this, name)) === child;
  }
}

function isFresh(child: Inode): boolean {
  return addon.monotonicNs() - (child as GoferInode).checkedAt < SHARED_VALIDITY_NS;
}

/** True when an object in use is about to lose its name; makes sure that it stays usable. */
function losesLastUse(inode: GoferInode): boolean {
  if (!(inode instanceof GoferRegular) || !inode.inUse) return false;
  inode.prepareNameless();
  return inode.nlink <= 1;
}

function lostName(inode: GoferInode): void {
  inode.nlink = (inode.mode & S_IFMT) === S_IFDIR ? 0 : Math.max(0, inode.nlink - 1);
  // Without a name or a handle nobody can be asked: what we count is right.
  if (inode.parent === null && inode.handle === 0) inode.stale = false;
}
