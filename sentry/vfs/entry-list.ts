/**
 * Directory entries in memory, in the order of their making, each with an offset that never changes: reading goes on
 * rightly while names come and go, and listing all of n entries costs n steps.
 */
import { FIRST_ENTRY } from './directory-file.ts';
import type { DirectoryLister } from './directory-file.ts';
import { dtype } from '../abi/stat.ts';
import type { DirentSink, Inode } from './inode.ts';

class Entry<T> {
  readonly name: string;
  readonly child: T;
  readonly offset: number;

  constructor(name: string, child: T, offset: number) {
    this.name = name;
    this.child = child;
    this.offset = offset;
  }
}

export class EntryList<T extends Inode> {
  private readonly entries = new Map<string, Entry<T>>();
  private next = FIRST_ENTRY;

  get size(): number {
    return this.entries.size;
  }
  get(name: string): T | undefined {
    return this.entries.get(name)?.child;
  }
  has(name: string): boolean {
    return this.entries.has(name);
  }
  /** Adds or replaces. */
  set(name: string, child: T): void {
    // Delete first, so that map order stays offset order.
    this.entries.delete(name);
    this.entries.set(name, new Entry(name, child, this.next++));
  }
  /** Puts another inode under a name that keeps its place (rename over it, exchange). */
  replace(name: string, child: T): void {
    const old = this.entries.get(name);
    if (old === undefined) this.set(name, child);
    else this.entries.set(name, new Entry(name, child, old.offset));
  }
  delete(name: string): boolean {
    return this.entries.delete(name);
  }
  *children(): Generator<T> {
    for (const entry of this.entries.values()) yield entry.child;
  }

  /** One per open description: keeps a live iterator, so that the next call goes on without searching. */
  lister(): DirectoryLister {
    return new EntryLister(this.entries);
  }
}

class EntryLister<T extends Inode> implements DirectoryLister {
  private readonly entries: Map<string, Entry<T>>;
  private iterator: Iterator<Entry<T>> | null = null;
  /** Taken from the iterator but not yet by a sink. */
  private pending: Entry<T> | null = null;
  private at = -1;

  constructor(entries: Map<string, Entry<T>>) {
    this.entries = entries;
  }

  list(from: number, sink: DirentSink): number {
    if (this.iterator === null || this.at !== from) {
      this.iterator = this.entries.values();
      this.pending = null;
    }
    let offset = from;
    for (;;) {
      const entry = this.pending ?? this.take();
      this.pending = null;
      if (entry === null) break;
      // Skips what a seek passed over, and what was removed since it was taken.
      if (entry.offset < offset || this.entries.get(entry.name) !== entry) continue;
      if (!sink.add(entry.name, entry.child.ino, dtype(entry.child.mode), entry.offset + 1)) {
        this.pending = entry;
        break;
      }
      offset = entry.offset + 1;
    }
    this.at = offset;
    return offset;
  }

  private take(): Entry<T> | null {
    const next = this.iterator!.next();
    if (next.done === true) {
      this.iterator = null;
      return null;
    }
    return next.value;
  }
}
