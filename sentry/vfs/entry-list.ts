/**
 * Directory entries in memory, in the order of their making, each with an offset that never changes: reading goes on
 * rightly while names come and go, and listing all of n entries costs n steps.
 */
import { FIRST_ENTRY } from './directory-file.ts';
import type { DirectoryLister } from './directory-file.ts';
import { dtype } from '../abi/stat.ts';
import { DirentRecords } from './dirent-records.ts';
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

/** Smaller directories are listed as fast without. */
const WORTH_KEEPING = 64;
/** Of names; larger listings aren't kept. */
const KEPT_BYTES = 8 << 20;
/** The one list that keeps its listing, which takes as much memory as its names. */
let keeper: EntryList<never> | null = null;

export class EntryList<T extends Inode> {
  readonly entries = new Map<string, Entry<T>>();
  private next = FIRST_ENTRY;
  private records: DirentRecords | null = null;
  /** Listed to the end since the last change. */
  private listed = false;

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
    this.changed();
  }
  /** Puts another inode under a name that keeps its place (rename over it, exchange). */
  replace(name: string, child: T): void {
    const old = this.entries.get(name);
    if (old === undefined) this.set(name, child);
    else {
      this.entries.set(name, new Entry(name, child, old.offset));
      this.changed();
    }
  }
  delete(name: string): boolean {
    this.changed();
    return this.entries.delete(name);
  }
  *children(): Generator<T> {
    for (const entry of this.entries.values()) yield entry.child;
  }

  /** One per open description: keeps a live iterator, so that the next call goes on without searching. */
  lister(): DirectoryLister {
    return new EntryLister(this);
  }

  /** The finished listing, once the same entries are listed again from their start (`from`). */
  recordsFrom(from: number): DirentRecords | null {
    if (this.records !== null || !this.listed || from !== FIRST_ENTRY) return this.records;
    let bytes = 0;
    for (const { name } of this.entries.values()) bytes += name.length;
    if (bytes > KEPT_BYTES) return null;
    const records = new DirentRecords(this.entries.size, bytes);
    for (const { name, child, offset } of this.entries.values()) {
      records.add(name, child.ino, dtype(child.mode), offset);
    }
    if (keeper !== null) keeper.records = null;
    keeper = this as unknown as EntryList<never>;
    this.records = records;
    return records;
  }
  listedWhole(): void {
    if (this.entries.size >= WORTH_KEEPING) this.listed = true;
  }

  private changed(): void {
    this.listed = false;
    this.records = null;
  }
}

class EntryLister<T extends Inode> implements DirectoryLister {
  private readonly owner: EntryList<T>;
  private iterator: Iterator<Entry<T>> | null = null;
  /** Taken from the iterator but not yet by a sink. */
  private pending: Entry<T> | null = null;
  private at = -1;

  constructor(owner: EntryList<T>) {
    this.owner = owner;
  }

  list(from: number, sink: DirentSink): number {
    const records = this.owner.recordsFrom(from);
    const room = records === null ? 0 : (sink.recordRoom?.() ?? 0);
    if (room > 0) return listRecords(records!, from, sink, room);
    const { entries } = this.owner;
    if (this.iterator === null || this.at !== from) {
      this.iterator = entries.values();
      this.pending = null;
    }
    let offset = from;
    for (;;) {
      const entry = this.pending ?? this.take();
      this.pending = null;
      if (entry === null) {
        this.owner.listedWhole();
        break;
      }
      // Skips what a seek passed over, and what was removed since it was taken.
      if (entry.offset < offset || entries.get(entry.name) !== entry) continue;
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

/** As many finished records from an offset on as fit. */
function listRecords(records: DirentRecords, from: number, sink: DirentSink, room: number): number {
  const first = records.find(from);
  const end = records.fit(first, room);
  sink.addRecords!(records.bytes, records.startOf(first), records.startOf(end), end < records.size);
  return end === first ? from : records.resumeAt(end);
}
