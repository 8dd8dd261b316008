/**
 * Listings fetched ahead. Who goes into a directory that was just listed will most likely go into its neighbours and
 * what is below them too, as find(1), tar(1) and `grep -r` do: one exchange brings as many listings as fit.
 */
import { DT_DIR, S_IFDIR, S_IFMT } from '../../abi/stat.ts';
import { ATTR_COUNT, ATTR_DEV, ATTR_MODE, TREE_LIMIT } from '../../../gofer/protocol/messages.ts';
import { GoferDirectory } from './directory.ts';
import type { GoferFilesystem } from './filesystem.ts';
import { Listing } from './listing.ts';

/** Directories asked for at first; four times as many each time that most of the last were used. */
const FIRST_LIMIT = 4;
/** st_size of directories (on common filesystems) that would not fit one message. */
const LARGE_BYTES = 32 * 1024;
const attrs = new Float64Array(ATTR_COUNT);

export class TreeAhead {
  private readonly fs: GoferFilesystem;
  private limit = FIRST_LIMIT;
  /** Listings that the last exchange brought, how many were used since, and in how many a file was looked up. */
  private given = 0;
  private used = 0;
  private looked = 0;

  constructor(fs: GoferFilesystem) {
    this.fs = fs;
  }

  /** A kept listing is listed. */
  noteUse(listing: Listing): void {
    if (listing.unused) this.used++;
    listing.unused = false;
  }
  /** The attributes of one of its files are used. */
  noteLook(listing: Listing): void {
    if (!listing.unseen) return;
    listing.unseen = false;
    this.noteUse(listing);
    this.looked++;
  }

  /**
   * The listing of a directory with those that will be asked for next; null: it is to be listed by itself. Attributes
   * of their entries take longer than all the rest: they come along for those who have looked at them so far.
   */
  fetch(directory: GoferDirectory): Listing | null {
    const brief = this.given > 0 && 2 * this.looked < this.used;
    return this.exchange(directory, brief);
  }

  /** The listing of a directory anew, with attributes, for one without; null: the name is to be asked for by itself. */
  fetchDetails(directory: GoferDirectory): Listing | null {
    return this.exchange(directory, false);
  }

  private exchange(directory: GoferDirectory, brief: boolean): Listing | null {
    const { parent } = directory;
    // Where the host works in the tree too, what it does later must be seen later.
    if (this.fs.live || parent === null || parent.handle === 0 || directory.bytes > LARGE_BYTES) return null;
    const names = neighbours(directory, parent, brief);
    if (names === null) return null;
    this.limit = 2 * this.used >= this.given ? Math.min(4 * this.limit, TREE_LIMIT) : FIRST_LIMIT;
    this.given = this.used = this.looked = 0;
    const { client } = this.fs;
    if (client.readtree(parent.handle, names.slice(0, this.limit), this.limit, brief) < 0) return null;
    return this.take(directory, parent, brief);
  }

  /** Keeps what came: the listing of `directory` if it is there. */
  private take(directory: GoferDirectory, parent: GoferDirectory, brief: boolean): Listing | null {
    const { client } = this.fs;
    const m = client.reply;
    const places: (GoferDirectory | null)[] = [parent];
    let wanted: Listing | null = null;
    for (let left = m.u32(); left > 0; left--) {
      const above = places[m.u32()] ?? null;
      const name = m.text();
      const handle = m.u32();
      m.attrs(attrs);
      const listing = new Listing();
      if (brief) listing.takeAllBrief(m, m.u32(), attrs[ATTR_DEV]!);
      else listing.takeAll(m, m.u32());
      if (m.broken) break;
      const child = above === null ? null : this.child(above, name, handle);
      places.push(child);
      if (child === null) {
        client.clunk(handle, 1);
        continue;
      }
      if (child === directory) wanted = listing;
      else if (child.listingHolds() && (brief || child.listing!.detailed)) continue;
      else listing.unused = true;
      this.given++;
      this.fs.keepListing(child, listing);
      this.fs.listingGrew(child, listing, listing.size);
    }
    if (wanted !== null) this.used++;
    return wanted;
  }

  /** The directory of the attributes at hand, if the listing of the one above it says that it is there. */
  private child(above: GoferDirectory, name: string, handle: number): GoferDirectory | null {
    const { listing } = above;
    const place = listing?.placeOf(name) ?? -1;
    if (listing === null || place < 0 || listing.type(place) !== DT_DIR) return null;
    if ((attrs[ATTR_MODE]! & S_IFMT) !== S_IFDIR) return null;
    const inode = this.fs.inodeAt(attrs, 0, above, name, handle, null);
    return inode instanceof GoferDirectory ? inode : null;
  }
}

/**
 * Names of a directory and of those after it in the listing that nobody has gone into or (unless brief) whose listings
 * have no attributes; null without a listing.
 */
function neighbours(directory: GoferDirectory, parent: GoferDirectory, brief: boolean): string[] | null {
  const { listing } = parent;
  const place = listing?.placeOf(directory.name) ?? -1;
  if (listing === null || place < 0) return null;
  const names = [directory.name];
  for (let i = place + 1; i < listing.size && names.length < TREE_LIMIT; i++) {
    if (listing.type(i) !== DT_DIR) continue;
    const below = parent.knownBelow(listing, i)?.listing ?? null;
    const bare = below === null ? listing.untouched(i) : !brief && !below.detailed;
    if (bare) names.push(listing.names[i]!);
  }
  return names;
}
