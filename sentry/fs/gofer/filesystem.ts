/** One tree that the gofer serves, as a filesystem: the inodes known of it, and what was fetched ahead. */
import { EIO, ENOENT, ESTALE } from '../../abi/errno.ts';
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '../../abi/stat.ts';
import { ATTR_COUNT, ATTR_DEV, ATTR_INO, ATTR_MODE } from '../../../gofer/protocol/messages.ts';
import type { AttributeChange, GoferClient } from '../../../gofer/client/client.ts';
import type { Filesystem, StatFs } from '../../vfs/inode.ts';
import { descend } from './descend.ts';
import { GoferDirectory, SharedGoferDirectory } from './directory.ts';
import { FetchAhead } from './fetch-ahead.ts';
import type { HostFds } from './host-fds.ts';
import type { GoferInode } from './inode.ts';
import type { Listing } from './listing.ts';
import { OpenAhead } from './open-ahead.ts';
import { GoferRegular } from './regular.ts';
import { GoferSpecial, GoferSymlink } from './special.ts';
import { TreeAhead } from './tree-ahead.ts';

/** Listings that are kept for the lookups after them, by number and by entries altogether. */
const LISTINGS_KEPT = 4096;
const LISTED_ENTRIES_KEPT = 65_536;
/** Inode numbers of host filesystems other than the tree's own get their filesystem's number on top. */
const FOREIGN_DEV_STEP = 2 ** 44;

export interface GoferOptions {
  /** The tree's number: see boot-document.ts. */
  readonly tree: number;
  /** Names that lead from its root to the directory that is to be the filesystem's; none: the root itself. */
  readonly path?: readonly string[];
  /** st_dev in the container. */
  readonly dev: number;
  readonly readonly: boolean;
  /** The host may change the tree as well. */
  readonly shared: boolean;
  /**
   * The host works in the tree, as under `runsc do`, yet names are believed once seen (it is an overlay's lower
   * layer): sizes and contents of open files are still the host's.
   */
  readonly live?: boolean;
  /** The host mounts and unmounts in the tree: descriptors of files that nobody uses would keep it from that. */
  readonly slave?: boolean;
}

export class GoferFilesystem implements Filesystem {
  readonly type = 'gofer';
  readonly dev: number;
  readonly readonly: boolean;
  readonly shared: boolean;
  readonly live: boolean;
  readonly slave: boolean;
  readonly client: GoferClient;
  readonly fds: HostFds;
  /** Argument of client.setattr, reused. */
  readonly change: AttributeChange = {
    mask: 0,
    mode: 0,
    uid: 0,
    gid: 0,
    size: 0,
    atimeSec: 0,
    atimeNsec: 0,
    mtimeSec: 0,
    mtimeNsec: 0,
  };
  /** Unmounts it. */
  whenGone: (() => void) | null = null;
  private readonly rootInode: GoferInode;
  /** Known inodes by device and inode number on the host: names of one file share one. */
  private readonly inodes = new Map<number, Map<number, GoferInode>>();
  private readonly hostDevs: number[] = [];
  private readonly ahead = new FetchAhead(this);
  readonly tree = new TreeAhead(this);
  readonly openAhead = new OpenAhead(this);
  /** Directories with a listing, oldest first, and how many entries they have together. */
  private readonly listed = new Set<GoferDirectory>();
  private listedEntries = 0;

  private constructor(client: GoferClient, fds: HostFds, options: GoferOptions, attrs: Float64Array) {
    this.client = client;
    this.fds = fds;
    this.dev = options.dev;
    this.readonly = options.readonly;
    this.shared = options.shared;
    this.live = options.shared || options.live === true;
    this.slave = options.slave === true;
    this.rootInode = this.inodeAt(attrs, 0, null, '', client.handle, null);
  }

  /** Attaches to a tree; a negated errno when the gofer has none of that number. */
  static attach(client: GoferClient, fds: HostFds, options: GoferOptions): GoferFilesystem | number {
    const result = client.attach(options.tree);
    if (result < 0) return result;
    const attrs = new Float64Array(ATTR_COUNT);
    client.reply.attrs(attrs);
    const { path = [] } = options;
    const found = path.length === 0 ? 0 : descend(client, path, attrs);
    return found < 0 ? found : new GoferFilesystem(client, fds, options, attrs);
  }

  root(): GoferInode {
    return this.rootInode;
  }

  /** In a slave tree: what was a mount of the host's when the container started. */
  gone(): boolean {
    if (this.whenGone === null || !this.rootInode.isStale()) return false;
    const tell = this.whenGone;
    this.whenGone = null;
    tell();
    return true;
  }

  statfs(out: StatFs): number {
    const handle = this.rootInode.handle;
    const result = this.client.statfs(handle);
    if (result < 0) return result;
    const m = this.client.reply;
    out.type = m.f();
    out.bsize = m.f();
    out.blocks = m.f();
    out.bfree = m.f();
    out.bavail = m.f();
    out.files = m.f();
    out.ffree = m.f();
    out.namelen = m.f();
    return 0;
  }

  sync(): number {
    // sync(2) waits for nothing here: files are synced by their own fsync.
    return 0;
  }

  destroy(): void {
    this.openAhead.drop();
    for (const byIno of this.inodes.values()) {
      for (const inode of byIno.values()) if (inode !== this.rootInode) inode.forget();
    }
    const { rootInode } = this;
    // A tree that is a single file is held by its root dentry to the end.
    if (rootInode instanceof GoferRegular) {
      this.fds.removed(rootInode);
      rootInode.closeFds();
    }
    this.client.flushClunks();
  }

  /** The inode number that the container sees. */
  guestIno(hostDev: number, hostIno: number): number {
    if (hostDev === this.hostDevs[0]) return hostIno;
    let i = this.hostDevs.indexOf(hostDev);
    if (i < 0) i = this.hostDevs.push(hostDev) - 1;
    return i === 0 ? hostIno : (hostIno % FOREIGN_DEV_STEP) + (i % 512) * FOREIGN_DEV_STEP;
  }

  /**
   * The inode with the attributes at attrs[at…], which was found as parent/name: a known one, refreshed, or a new one.
   * `handle` is a grant that came along (0: none), `target` a link's text (null: not fetched).
   */
  inodeAt(
    attrs: Float64Array,
    at: number,
    parent: GoferDirectory | null,
    name: string,
    handle: number,
    target: string | null,
  ): GoferInode {
    const dev = attrs[at + ATTR_DEV]!;
    const ino = attrs[at + ATTR_INO]!;
    let byIno = this.inodes.get(dev);
    if (byIno === undefined) this.inodes.set(dev, (byIno = new Map<number, GoferInode>()));
    let inode = byIno.get(ino);
    const mode = attrs[at + ATTR_MODE]!;
    if (inode !== undefined && (inode.mode & S_IFMT) === (mode & S_IFMT)) {
      // Nobody else changes a tree of ours, and what was fetched ahead may be older than a write since.
      if (this.shared) inode.absorb(attrs, at);
      if (parent !== null) inode.named(parent, name);
    } else {
      inode = this.newInode(mode & S_IFMT, attrs, at, parent, name);
      byIno.set(ino, inode);
    }
    inode.granted(handle);
    if (target !== null && inode instanceof GoferSymlink) inode.target = target;
    return inode;
  }

  known(hostDev: number, hostIno: number): GoferInode | undefined {
    return this.inodes.get(hostDev)?.get(hostIno);
  }

  forgetInode(inode: GoferInode): void {
    if (inode === this.rootInode) return;
    const byIno = this.inodes.get(inode.hostDev);
    if (byIno?.get(inode.hostIno) === inode) byIno.delete(inode.hostIno);
  }

  /** Asks for one name: the inode, or a negated errno. */
  fetch(directory: GoferDirectory, name: string): GoferInode | number {
    const handle = directory.ensureHandle();
    if (handle < 0) return handle;
    const result = this.client.walk(handle, [name]);
    const m = this.client.reply;
    if (result < 0) return result;
    if (m.u32() === 0) return -ENOENT;
    m.attrs(this.ahead.scratch);
    const granted = m.u32();
    return this.inodeAt(this.ahead.scratch, 0, directory, name, granted, m.text());
  }

  /** Gives handles to directories known by their attributes only: chain[i] is names[i] below the one before. */
  fetchHandles(from: GoferDirectory, names: readonly string[], chain: readonly GoferDirectory[]): number {
    let start = from;
    for (let done = 0; done < chain.length;) {
      const result = this.client.walk(start.handle, names.slice(done));
      const m = this.client.reply;
      const found = m.u32();
      for (let i = 0; i < found; i++) {
        const directory = chain[done + i]!;
        m.attrs(this.ahead.scratch);
        const granted = m.u32();
        m.text();
        const attrs = this.ahead.scratch;
        if (attrs[ATTR_INO] !== directory.hostIno || attrs[ATTR_DEV] !== directory.hostDev || granted === 0) {
          if (granted !== 0) this.client.clunk(granted, 1);
          return -ESTALE;
        }
        directory.granted(granted);
        directory.absorb(attrs);
      }
      if (result < 0) return result;
      if (found === 0) return -EIO;
      done += found;
      start = chain[done - 1]!;
    }
    return start.handle;
  }

  fetchAhead(directory: GoferDirectory, names: readonly string[]): void {
    this.ahead.fetch(directory, names);
  }
  takeAhead(directory: GoferDirectory, name: string): GoferInode | number | undefined {
    return this.ahead.take(directory, name);
  }

  /** Keeps a listing, at the cost of the oldest ones. */
  keepListing(directory: GoferDirectory, listing: Listing): void {
    this.takeListing(directory);
    directory.listing = listing;
    this.listed.add(directory);
    for (const oldest of this.listed) {
      if (this.listed.size <= LISTINGS_KEPT && this.listedEntries <= LISTED_ENTRIES_KEPT) return;
      if (oldest !== directory) this.dropListing(oldest);
    }
  }
  /** A listing has got so many more entries. */
  listingGrew(directory: GoferDirectory, listing: Listing, entries: number): void {
    if (directory.listing === listing) this.listedEntries += entries;
  }
  dropListing(directory: GoferDirectory): void {
    if (directory.listing === null) return;
    this.takeListing(directory);
    // Known only because it was listed ahead.
    if (directory.refs === 0 && directory !== this.rootInode) directory.forget();
  }
  private takeListing(directory: GoferDirectory): void {
    if (directory.listing !== null) this.listedEntries -= directory.listing.size;
    directory.listing = null;
    this.listed.delete(directory);
  }

  private newInode(
    type: number,
    attrs: Float64Array,
    at: number,
    parent: GoferDirectory | null,
    name: string,
  ): GoferInode {
    switch (type) {
      case S_IFDIR:
        return this.shared
          ? new SharedGoferDirectory(this, attrs, at, parent, name)
          : new GoferDirectory(this, attrs, at, parent, name);
      case S_IFREG:
        return new GoferRegular(this, attrs, at, parent, name);
      case S_IFLNK:
        return new GoferSymlink(this, attrs, at, parent, name);
      default:
        return new GoferSpecial(this, attrs, at, parent, name);
    }
  }
}
