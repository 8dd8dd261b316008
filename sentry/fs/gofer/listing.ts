/** What one pass of readdir learned: names with their attributes, so that the lookups that follow cost nothing. */
import { DOUBLE_ZERO } from '../../base/double.ts';
import { EBADF } from '../../abi/errno.ts';
import { DT_DIR, dtype } from '../../abi/stat.ts';
import { addon } from '../../../native/addon.ts';
import type { Message } from '../../../gofer/protocol/message.ts';
import {
  ATTR_COUNT,
  ATTR_DEV,
  ATTR_INO,
  ATTR_MODE,
  ATTR_NLINK,
  BRIEF_COUNT,
  BRIEF_INO,
  BRIEF_TYPE,
} from '../../../gofer/protocol/messages.ts';
import type { CallerContext } from '../../vfs/context.ts';
import { FIRST_ENTRY, type DirectoryLister } from '../../vfs/directory-file.ts';
import type { DirentSink } from '../../vfs/inode.ts';
import type { GoferDirectory } from './directory.ts';

/** Shared trees: how long a listing answers lookups, in ns. Long enough for the stats of `ls -l`. */
const SHARED_LISTING_NS = 1e9;
/** In the index: a name that came or changed since, of no known place. */
const NO_PLACE = -0x80000000;
const NO_ATTRS = new Float64Array(0);

export class Listing {
  names: string[] = [];
  /** Of entry i at i * step: attributes, or (brief) its inode number and type. */
  attrs = NO_ATTRS;
  private step = ATTR_COUNT;
  /** A brief listing's: the directory's. */
  private hostDev = DOUBLE_ZERO;
  complete = false;
  /** Names came or went since it was begun: good for lookups, not to be listed again. */
  changed = false;
  /** Fetched before anybody asked, and not used yet. */
  unused = false;
  /** Nobody has asked for a file's attributes yet. */
  unseen = true;
  /**
   * Places by name; once a name was looked up or changed, the listing's attributes may be out of date, and it is ~place.
   */
  private index: Map<string, number> | null = null;
  private indexed = 0;
  /** When its first entries were fetched, in a tree that the host changes too (addon.monotonicNs()). */
  private madeAt = DOUBLE_ZERO;
  /** The gofer's cursor for the rest. */
  private cursor = 0;

  /** Fetches some more entries: 0, or a negated errno. */
  fetch(directory: GoferDirectory): number {
    const handle = directory.addressHandle();
    if (handle < 0) return handle;
    const { client, shared } = directory.fs;
    if (shared && this.names.length === 0) this.madeAt = addon.monotonicNs();
    const name = directory.addressName();
    const ino = directory.hostIno;
    let skip = 0;
    let result = client.readdir(handle, name, ino, this.cursor);
    if (result === -EBADF && this.cursor !== 0) {
      // The gofer keeps a bounded number of cursors and dropped ours: pass over what we have.
      skip = this.names.length;
      result = client.readdir(handle, name, ino, 0);
    }
    if (result < 0) return result;
    directory.granted(client.handle);
    const before = this.names.length;
    for (;;) {
      this.cursor = client.reply.u32();
      for (let blocks = client.reply.u32(); blocks > 0; blocks--) skip -= this.take(client.reply, skip);
      if (skip === 0 || this.cursor === 0) break;
      result = client.readdir(handle, name, ino, this.cursor);
      if (result < 0) break;
    }
    if (result < 0) this.cursor = 0;
    else if (this.cursor === 0) this.complete = true;
    directory.fs.listingGrew(directory, this, this.names.length - before);
    return result;
  }

  /** Reads all of a directory's entries, which a message has in so many blocks. */
  takeAll(reply: Message, blocks: number): void {
    for (let left = blocks; left > 0; left--) this.take(reply, 0);
    this.complete = true;
  }
  /** The same from brief blocks; hostDev: the directory's. */
  takeAllBrief(reply: Message, blocks: number, hostDev: number): void {
    this.step = BRIEF_COUNT;
    this.hostDev = hostDev;
    this.takeAll(reply, blocks);
  }

  /** Has it attributes? */
  get detailed(): boolean {
    return this.step === ATTR_COUNT;
  }
  dev(place: number): number {
    return this.detailed ? this.attrs[place * ATTR_COUNT + ATTR_DEV]! : this.hostDev;
  }
  ino(place: number): number {
    return this.attrs[place * this.step + (this.detailed ? ATTR_INO : BRIEF_INO)]!;
  }
  /** readdir(3)'s. */
  type(place: number): number {
    return this.detailed
      ? dtype(this.attrs[place * ATTR_COUNT + ATTR_MODE]!)
      : this.attrs[place * BRIEF_COUNT + BRIEF_TYPE]! & 0xf;
  }

  /** The entry's number if what is known of it still holds; -1: ask the gofer; -2: there is no such name. */
  find(name: string, shared: boolean): number {
    if (shared && addon.monotonicNs() - this.madeAt > SHARED_LISTING_NS) return -1;
    const index = this.indexAll();
    const i = index.get(name);
    if (i === undefined) return this.complete && !shared ? -2 : -1;
    if (i < 0) return -1;
    if (!this.detailed) return i;
    index.set(name, ~i);
    // Another name of the file may have been used to change it since.
    const nlink = this.attrs[i * ATTR_COUNT + ATTR_NLINK]!;
    return nlink === 1 || (nlink > 0 && this.type(i) === DT_DIR) ? i : -1;
  }

  /** The entry's number, whatever has become of it since, or -1. */
  placeOf(name: string): number {
    const i = this.indexAll().get(name) ?? NO_PLACE;
    return i >= 0 ? i : i === NO_PLACE ? -1 : ~i;
  }
  /** Nobody has looked up or changed the entry's name. */
  untouched(place: number): boolean {
    return this.indexAll().get(this.names[place]!) === place;
  }

  /** A name was made or replaced. */
  nameAdded(name: string): void {
    this.changed = true;
    this.indexAll().set(name, NO_PLACE);
  }
  /** A name is gone. */
  nameRemoved(name: string): void {
    this.changed = true;
    if (this.complete) this.indexAll().delete(name);
    else this.indexAll().set(name, NO_PLACE);
  }

  get size(): number {
    return this.names.length;
  }

  /** Room for so many more entries: exactly so many for a directory that fits one message, as most do. */
  private reserve(more: number): void {
    const needed = (this.names.length + more) * this.step;
    if (needed <= this.attrs.length) return;
    const larger = new Float64Array(this.names.length === 0 ? needed : needed * 2);
    larger.set(this.attrs);
    this.attrs = larger;
  }

  /** Takes a block of the reply, but for the first `skip` entries; returns how many of these it had. */
  private take(reply: Message, skip: number): number {
    const { step } = this;
    const count = reply.block(step);
    if (count === 0) return 0;
    const from = this.names.length;
    this.reserve(count);
    reply.blockAttrs(count * step, this.attrs, from * step);
    const names = reply.blockNames();
    if (from === 0) {
      this.names = names;
      return 0;
    }
    const passed = Math.min(skip, count);
    if (passed > 0) {
      this.attrs.copyWithin(from * step, (from + passed) * step, (from + count) * step);
    }
    for (let i = passed; i < count; i++) this.names.push(names[i]!);
    return passed;
  }

  /** Most listings are never asked for a name: the index is made by the first question. */
  private indexAll(): Map<string, number> {
    const index = (this.index ??= new Map<string, number>());
    for (; this.indexed < this.names.length; this.indexed++) {
      const name = this.names[this.indexed]!;
      if (!index.has(name)) index.set(name, this.indexed);
    }
    return index;
  }
}

/** Lists a directory for one open description. An entry's offset is its number in the listing. */
export class GoferLister implements DirectoryLister {
  private readonly directory: GoferDirectory;
  private listing: Listing | null = null;

  constructor(directory: GoferDirectory) {
    this.directory = directory;
  }

  list(from: number, sink: DirentSink, _ctx: CallerContext): number {
    // rewinddir(3) asks for the directory as it is now.
    if (from === FIRST_ENTRY || this.listing === null) this.listing = this.directory.newListing();
    const listing = this.listing;
    let i = from - FIRST_ENTRY;
    for (;;) {
      while (i >= listing.names.length && !listing.complete) {
        const result = listing.fetch(this.directory);
        if (result < 0) return result;
      }
      if (i >= listing.names.length) return this.listMountPoints(listing, from, sink);
      const ino = this.directory.fs.guestIno(listing.dev(i), listing.ino(i));
      if (!sink.add(listing.names[i]!, ino, listing.type(i), i + 1 + FIRST_ENTRY)) {
        return i + FIRST_ENTRY;
      }
      i++;
    }
  }

  /** Behind what the host has. */
  private listMountPoints(listing: Listing, from: number, sink: DirentSink): number {
    let offset = listing.names.length + FIRST_ENTRY;
    for (const [name, inode] of this.directory.mountPoints ?? []) {
      if (listing.placeOf(name) >= 0) continue;
      if (offset >= from && !sink.add(name, inode.ino, dtype(inode.mode), offset + 1)) return offset;
      offset++;
    }
    return Math.max(from, offset);
  }
}
