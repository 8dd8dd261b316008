/**
 * The bytes of a tmpfs file: on the heap while it is small and nobody maps it, else in a host file of the store, whose
 * pages guests can map, and this kernel too as long as it is not large. Bytes between the heap block's end and the
 * size are holes.
 */
import { addon } from '../../../native/addon.ts';
import { EFBIG, ENOSPC, ENXIO } from '../../abi/errno.ts';
import {
  FALLOC_FL_COLLAPSE_RANGE,
  FALLOC_FL_INSERT_RANGE,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  FALLOC_FL_ZERO_RANGE,
  SEEK_DATA,
  SEEK_HOLE,
} from '../../abi/fcntl.ts';
import { EOPNOTSUPP } from '../../abi/errno.ts';
import { copyBytes } from '../../base/copy-bytes.ts';
import type { FileStore } from '../../vfs/file-store.ts';

const PAGE = 4096;
/** A file that grows past this moves into a host file. */
const HEAP_LIMIT = 1024 * 1024;
/** Where contents are to be on disk, only small ones stay here. */
const HEAP_LIMIT_ON_DISK = 16 * 1024;
/** Up to this size a host file in memory is mapped here, and read and written without a host call. */
const MAP_LIMIT = 16 * 1024 * 1024;
const MAP_UNIT = 64 * 1024;
/** The host allows 65,530 mappings by default; beyond a part of them files do without. */
const MAX_MAPS = 8192;

const EMPTY = new Uint8Array(0);
const attributes = new Float64Array(16);
let maps = 0;

/** Where pages are accounted: the filesystem's size limit. */
export interface PagePool {
  usedPages: number;
  maxPages: number;
}

export class Content {
  size = 0;
  /** Pages accounted to the pool. */
  pages = 0;
  private heap: Uint8Array = EMPTY;
  private fd = -1;
  private readFd = -1;
  /** Guests may map it writable: their stores fill holes, madvise(2) makes some, and nobody says so. */
  private lent = false;
  /** A mapping of the host file; what lies beyond the size must not be touched. */
  private map: Uint8Array = EMPTY;
  private readonly pool: PagePool;
  private readonly store: FileStore;

  constructor(pool: PagePool, store: FileStore) {
    this.pool = pool;
    this.store = store;
  }

  read(buf: Uint8Array, off: number, len: number, pos: number): number {
    const n = Math.min(len, this.size - pos);
    if (n <= 0) return 0;
    if (this.fd >= 0) {
      if (!this.mapped(pos + n)) return addon.pread(this.fd, buf, off, n, pos);
      copyBytes(buf, off, this.map, pos, n);
      return n;
    }
    const heap = this.heap;
    const stored = Math.max(0, Math.min(n, heap.length - pos));
    copyBytes(buf, off, heap, pos, stored);
    if (stored < n) buf.fill(0, off + stored, off + n);
    return n;
  }

  /** Bytes written, fewer when the filesystem is full; -ENOSPC when none. */
  write(buf: Uint8Array, off: number, len: number, pos: number): number {
    const n = this.reserve(pos, len);
    if (n <= 0) return n;
    const end = pos + n;
    if (this.fd < 0 && end > this.heapLimit()) {
      const r = this.toHost();
      if (r < 0) return r;
    }
    if (this.fd >= 0) {
      if (end <= this.size && this.mapped(end)) {
        copyBytes(this.map, pos, buf, off, n);
        return n;
      }
      const r = addon.pwrite(this.fd, buf, off, n, pos);
      if (r < 0) return r;
      if (pos + r > this.size) this.size = pos + r;
      this.account();
      return r;
    }
    if (end > this.heap.length) this.grow(end);
    const heap = this.heap;
    copyBytes(heap, pos, buf, off, n);
    if (end > this.size) this.size = end;
    this.account();
    return n;
  }

  truncate(size: number): number {
    if (this.fd < 0 && size > this.heapLimit()) {
      const r = this.toHost();
      if (r < 0) return r;
    }
    if (this.fd >= 0) {
      const r = addon.ftruncate(this.fd, size);
      if (r < 0) return r;
    } else if (size < this.size) {
      // What is cut off must read as zeros when the file grows again.
      if (size === 0) this.heap = EMPTY;
      else if (size * 4 < this.heap.length) this.heap = this.heap.slice(0, size);
      else this.heap.fill(0, size, Math.min(this.size, this.heap.length));
    }
    this.size = size;
    this.account(true);
    return 0;
  }

  allocate(mode: number, offset: number, len: number): number {
    if ((mode & (FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE)) !== 0) return -EOPNOTSUPP;
    // tmpfs has no ZERO_RANGE either (fallocate(2)).
    if ((mode & FALLOC_FL_ZERO_RANGE) !== 0) return -EOPNOTSUPP;
    const r = this.toHost();
    if (r < 0) return r;
    if ((mode & FALLOC_FL_PUNCH_HOLE) === 0) {
      const need = Math.ceil((offset + len) / PAGE) - Math.floor(offset / PAGE);
      if (need > this.pool.maxPages) return -ENOSPC;
      if (this.pool.usedPages - this.pages + need > this.pool.maxPages) return -ENOSPC;
    }
    const done = addon.fallocate(this.fd, mode, offset, len);
    if (done < 0) return done;
    if ((mode & FALLOC_FL_KEEP_SIZE) === 0 && offset + len > this.size) this.size = offset + len;
    this.account(true);
    return 0;
  }

  seek(offset: number, hole: boolean): number {
    if (offset >= this.size) return -ENXIO;
    const r = this.toHost();
    if (r < 0) return r;
    return addon.lseek(this.fd, offset, hole ? SEEK_HOLE : SEEK_DATA);
  }

  /** The host file, made now if need be: one descriptor for both, or the other that can only read. */
  hostFd(writable: boolean): number {
    const r = this.toHost();
    if (r < 0) return r;
    if (writable) this.lent = true;
    return writable ? this.fd : this.readFd;
  }

  /** 512-byte units in use. */
  blocks(): number {
    if (this.fd >= 0) this.account(this.lent);
    return this.pages * (PAGE / 512);
  }

  free(): void {
    this.unmap();
    if (this.fd >= 0) {
      addon.close(this.fd);
      addon.close(this.readFd);
    }
    this.fd = this.readFd = -1;
    this.heap = EMPTY;
    this.size = 0;
    this.pool.usedPages -= this.pages;
    this.pages = 0;
  }

  /** How many of `len` bytes at `pos` the size limit lets in. */
  private reserve(pos: number, len: number): number {
    const end = pos + len;
    const total = Math.ceil(end / PAGE);
    if (total <= this.pages) return len;
    const room = this.pool.maxPages - this.pool.usedPages;
    const first = Math.floor(pos / PAGE);
    if (total - first <= room) return len;
    // Near the limit: count what is really new.
    const known = this.fd < 0 ? Math.max(first, this.pages) : first;
    if (total - known <= room) return len;
    const fits = (known + room) * PAGE - pos;
    return fits > 0 ? Math.min(len, fits) : -ENOSPC;
  }

  private account(always = false): void {
    let pages: number;
    if (this.fd < 0) {
      pages = Math.ceil(Math.min(this.size, this.heap.length) / PAGE);
    } else {
      const full = Math.ceil(this.size / PAGE);
      // A file without holes that did not grow uses what it used.
      if (!always && this.pages === full) return;
      addon.fstat(this.fd, attributes);
      pages = Math.ceil(attributes[9]! / (PAGE / 512));
    }
    this.pool.usedPages += pages - this.pages;
    this.pages = pages;
  }

  private grow(end: number): void {
    const capacity = Math.min(HEAP_LIMIT, Math.max(end, this.heap.length * 2, 64));
    const bigger = new Uint8Array(capacity);
    bigger.set(this.heap.length > this.size ? this.heap.subarray(0, this.size) : this.heap);
    this.heap = bigger;
  }

  private heapLimit(): number {
    return this.store.inMemory ? HEAP_LIMIT : HEAP_LIMIT_ON_DISK;
  }

  /**
   * Whether the first `end` bytes can be touched here. Not in a file with holes: a look at one would fill it, which
   * read(2) does not do.
   */
  private mapped(end: number): boolean {
    return this.pages * PAGE >= this.size && (end <= this.map.length || this.remap());
  }

  /** Maps all of a file that isn't too large. False: it is to be read and written by calls. */
  private remap(): boolean {
    if (this.size > MAP_LIMIT || this.size === 0 || !this.store.inMemory) return false;
    this.unmap();
    if (maps >= MAX_MAPS) return false;
    // Ahead of a file that grows, so that it isn't mapped anew each time.
    const length = Math.ceil((this.size * 2) / MAP_UNIT) * MAP_UNIT;
    const buffer = addon.mapFile(this.fd, length);
    if (typeof buffer === 'number') return false;
    maps++;
    this.map = new Uint8Array(buffer);
    return true;
  }

  private unmap(): void {
    if (this.map.length === 0) return;
    addon.unmapFile(this.map.buffer as ArrayBuffer);
    this.map = EMPTY;
    maps--;
  }

  private toHost(): number {
    if (this.fd >= 0) return 0;
    const made = this.store.make();
    if (typeof made === 'number') return made;
    const { fd, readFd } = made;
    const stored = Math.min(this.size, this.heap.length);
    let r = stored === this.size ? 0 : addon.ftruncate(fd, this.size);
    if (r === 0 && stored > 0) {
      const n = addon.pwrite(fd, this.heap, 0, stored, 0);
      if (n < stored) r = n < 0 ? n : -ENOSPC;
    }
    if (r < 0) {
      addon.close(fd);
      addon.close(readFd);
      return r === -EFBIG ? -EFBIG : -ENOSPC;
    }
    this.fd = fd;
    this.readFd = readFd;
    this.heap = EMPTY;
    this.account();
    return 0;
  }
}
