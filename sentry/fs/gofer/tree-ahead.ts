/**
 * Listings fetched ahead. Who goes into a directory that was just listed will most likely go into its neighbours and
 * what is below them too, as find(1), tar(1) and `grep -r` do: one exchange brings as many listings as fit.
 */
import { S_IFDIR, S_IFMT } from '../../abi/stat.ts';
import { ATTR_COUNT, ATTR_MODE, TREE_LIMIT } from '../../../gofer/protocol/messages.ts';
import { GoferDirectory } from './directory.ts';
import type { GoferFilesystem } from './filesystem.ts';
import { Listing } from './listing.ts';

/** Directories asked for at first; four times as many each time that most of the last were used. */
const FIRST_LIMIT = 4;
/** st_size of directories (on common filesystems) that would not fit one message. */
const LARGE_BYTES = 32 * 1024;

export class TreeAhead {
  private readonly fs: GoferFilesystem;
  private limit = FIRST_LIMIT;
  /** Listings that the last exchange brought, and how many of them were used since. */
  private given = 0;
  private used = 0;

  constructor(fs: GoferFilesystem) {
    this.fs = fs;
  }

  /** A kept listing is listed. */
  noteUse(listing: Listing): void {
    if (listing.unused) this.used++;
    listing.unused = false;
  }

  /** The listing of a directory with those that will be asked for next; null: it is to be listed by itself. */
  fetch(directory: GoferDirectory): Listing | null {
    const { parent } = directory;
    // Where the host works in the tree too, what it does later must be seen later.
    if (this.fs.live || parent === null || parent.handle === 0 || directory.bytes > LARGE_BYTES) return null;
    const names = neighbours(directory, parent, TREE_LIMIT);
    if (names === null) return null;
    this.limit = 2 * this.used >= this.given ? Math.min(4 * this.limit, TREE_LIMIT) : FIRST_LIMIT;
    this.given = this.used = 0;
    const { client } = this.fs;
    if (client.readtree(parent.handle, names.slice(0, this.limit), this.limit) < 0) return null;
    return this.take(directory, parent);
  }

  /** Keeps what came: the listing of `directory` if it is there. */
  private take(directory: GoferDirectory, parent: GoferDirectory): Listing | null {
    const { client } = this.fs;
    const m = client.reply;
    const places: (GoferDirectory | null)[] = [parent];
    let wanted: Listing | null = null;
    for (let left = m.u32(); left > 0; left--) {
      const above = places[m.u32()] ?? null;
      const name = m.text();
      const handle = m.u32();
      const listing = new Listing();
      listing.takeAll(m, m.u32());
      if (m.broken) break;
      const child = above === null ? null : this.child(above, name, handle);
      places.push(child);
      if (child === null) {
        client.clunk(handle, 1);
        continue;
      }
      if (child === directory) wanted = listing;
      else if (child.listingHolds()) continue;
      else listing.unused = true;
      this.given++;
      this.fs.keepListing(child, listing);
      this.fs.listingGrew(child, listing, listing.size);
    }
    if (wanted !== null) this.used++;
    return wanted;
  }

  /** The directory that the listing of the one above it says is there. */
  private child(above: GoferDirectory, name: string, handle: number): GoferDirectory | null {
    const { listing } = above;
    const at = (listing?.placeOf(name) ?? -1) * ATTR_COUNT;
    if (listing === null || at < 0 || (listing.attrs[at + ATTR_MODE]! & S_IFMT) !== S_IFDIR) return null;
    const inode = this.fs.inodeAt(listing.attrs, at, above, name, handle, null);
    return inode instanceof GoferDirectory ? inode : null;
  }
}

/** Names of a directory and of those after it in the listing that nobody has gone into; null without a listing. */
function neighbours(directory: GoferDirectory, parent: GoferDirectory, most: number): string[] | null {
  const { listing } = parent;
  const place = listing?.placeOf(directory.name) ?? -1;
  if (listing === null || place < 0) return null;
  const names = [directory.name];
  for (let i = place + 1; i < listing.size && names.length < most; i++) {
    if ((listing.attrs[i * ATTR_COUNT + ATTR_MODE]! & S_IFMT) === S_IFDIR && listing.untouched(i)) {
      names.push(listing.names[i]!);
    }
  }
  return names;
}
