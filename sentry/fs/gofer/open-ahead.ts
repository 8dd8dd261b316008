/**
 * Files opened ahead. Who reads the files of a tree in the order of its listings (grep -r, tar, cp -r) is given the next
 * ones' descriptors along with the one that is asked for.
 */
import { addon } from '../../../native/addon.ts';
import type { FileAddress } from '../../../gofer/client/client.ts';
import {
  ATTR_COUNT,
  ATTR_DEV,
  ATTR_INO,
  ATTR_NLINK,
  ATTR_SIZE,
  OPEN_MORE_LIMIT,
} from '../../../gofer/protocol/messages.ts';
import { DT_DIR, DT_REG } from '../../abi/stat.ts';
import type { GoferFilesystem } from './filesystem.ts';
import type { Listing } from './listing.ts';
import type { GoferRegular } from './regular.ts';

/** Files opened at first beside the one that is asked for; four times as many each time that most were used. */
const FIRST_LIMIT = 4;
/** Entries that a reader in order may pass over, say because of their names. */
const STRIDE = 16;
/** Entries that are looked at for files to open. */
const MOST_LOOKS = 1024;
const NONE: readonly FileAddress[] = [];

export class OpenAhead {
  private readonly fs: GoferFilesystem;
  /** The listing that is gone through, and where. */
  private listing: Listing | null = null;
  private place = 0;
  private limit = FIRST_LIMIT;
  /** Files that the last exchange was asked for, and how many of them were used since. */
  private given = 0;
  private used = 0;
  /** Descriptors that nobody has asked for yet, by inode number, of one filesystem of the host. */
  private readonly fds = new Map<number, number>();
  private dev = 0;

  constructor(fs: GoferFilesystem) {
    this.fs = fs;
  }

  /** The descriptor of a file that was opened ahead; -1: it was not. */
  take(file: GoferRegular): number {
    const fd = file.hostDev === this.dev ? this.fds.get(file.hostIno) : undefined;
    if (fd === undefined) return -1;
    this.fds.delete(file.hostIno);
    this.used++;
    return fd;
  }

  /** What to open along with a file that is not open yet. */
  others(file: GoferRegular): readonly FileAddress[] {
    // Where the host works in the tree too, what it does later must be seen later.
    if (this.fs.live) return NONE;
    const keptUp = this.given > 0 && 2 * this.used >= this.given;
    this.drop();
    if (!this.inOrder(file) && !keptUp) {
      this.given = this.used = 0;
      return NONE;
    }
    this.limit = keptUp ? Math.min(4 * this.limit, OPEN_MORE_LIMIT) : FIRST_LIMIT;
    const others = this.next(file, this.limit);
    this.given = others.length;
    this.used = 0;
    this.dev = file.hostDev;
    return others;
  }

  /** A file of others() came. */
  opened(file: FileAddress, fd: number): void {
    this.fds.set(file.ino, fd);
  }

  /** Closes what nobody asked for. Also before names go: a file without names must be free on the host. */
  drop(): void {
    if (this.fds.size === 0) return;
    for (const fd of this.fds.values()) addon.close(fd);
    this.fds.clear();
  }

  /** Is it the file after the last one, or nearly? */
  private inOrder(file: GoferRegular): boolean {
    const listing = file.parent?.listing ?? null;
    const place = listing?.placeOf(file.name) ?? -1;
    const step = listing === this.listing ? place - this.place : 0;
    this.listing = place < 0 ? null : listing;
    this.place = place;
    return step > 0 && step <= STRIDE;
  }

  /** The files that come after one in a walk through the tree, as far as it has been listed. */
  private next(file: GoferRegular, most: number): FileAddress[] {
    const found: FileAddress[] = [];
    let directory = file.parent;
    let i = (directory?.listing?.placeOf(file.name) ?? -1) + 1;
    if (i === 0) return found;
    for (let looks = MOST_LOOKS; looks > 0 && found.length < most; looks--) {
      const listing: Listing | null = directory?.listing ?? null;
      if (directory === null || listing === null || directory.handle === 0) break;
      if (i < listing.size) {
        const at = i * ATTR_COUNT;
        const type = listing.type(i);
        if (type === DT_REG && listing.detailed && this.isWanted(listing.attrs, at, file.hostDev)) {
          found.push({
            directory: directory.handle,
            name: listing.names[i]!,
            ino: listing.attrs[at + ATTR_INO]!,
          });
        }
        const below = type === DT_DIR ? directory.knownBelow(listing, i) : undefined;
        i++;
        if (below !== undefined && below.listing !== null) {
          directory = below;
          i = 0;
        }
      } else {
        i = (directory.parent?.listing?.placeOf(directory.name) ?? -1) + 1;
        if (i === 0) break;
        directory = directory.parent;
      }
    }
    return found;
  }

  private isWanted(attrs: Float64Array, at: number, dev: number): boolean {
    if (attrs[at + ATTR_DEV] !== dev || attrs[at + ATTR_NLINK] === 0 || attrs[at + ATTR_SIZE] === 0)
      return false;
    const known = this.fs.known(dev, attrs[at + ATTR_INO]!);
    return known === undefined || !(known as GoferRegular).isOpen;
  }
}
