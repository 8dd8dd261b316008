/**
 * The bytes of a tmpfs file: on the heap while it is small and nobody maps it, else in a memfd, whose pages guests
 * can map. Bytes between the heap block's end and the size are holes.
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

const PAGE = 4096;
/** A file that grows past this moves into a memfd. */
const HEAP_LIMIT = 1024 * 1024;
const MFD_CLOEXEC = 1;
/** Below this a loop beats making a subarray. */
const LOOP_COPY = 32;

const EMPTY = new Uint8Array(0);
const attributes = new Float64Array(16);

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
  private readonly pool: PagePool;

  constructor(pool: PagePool) {
    this.pool = pool;
  }

  read(buf: Uint8Array, off: number, len: number, pos: number): number {
    const n = Math.min(len, this.size - pos);
    if (n <= 0) return 0;
    if (this.fd >= 0) return addon.pread(this.fd, buf, off, n, pos);
    const heap = this.heap;
    const stored = Math.max(0, Math.min(n, heap.length - pos));
    if (stored <= LOOP_COPY) for (let i = 0; i < stored; i++) buf[off + i] = heap[pos + i]!;
    else buf.set(heap.subarray(pos, pos + stored), off);
    if (stored < n) buf.fill(0, off + stored, off + n);
    return n;
  }

  /** Bytes written, fewer when the filesystem is full; -ENOSPC when none. */
  write(buf: Uint8Array, off: number, len: number, pos: number): number {
    const n = this.reserve(pos, len);
    if (n <= 0) return n;
    const end = pos + n;
    if (this.fd < 0 && end > HEAP_LIMIT) {
      const r = this.toMemfd();
      if (r < 0) return r;
    }
    if (this.fd >= 0) {
      const r = addon.pwrite(this.fd, buf, off, n, pos);
      if (r < 0) return r;
      if (pos + r > this.size) this.size = pos + r;
      this.account();
      return r;
    }
    if (end > this.heap.length) this.grow(end);
    const heap = this.heap;
    if (n <= LOOP_COPY) for (let i = 0; i < n; i++) heap[pos + i] = buf[off + i]!;
    else heap.set(buf.subarray(off, off + n), pos);
    if (end > this.size) this.size = end;
    this.account();
    return n;
  }

  truncate(size: number): number {
    if (this.fd < 0 && size > HEAP_LIMIT) {
      const r = this.toMemfd();
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
    const r = this.toMemfd();
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
    const r = this.toMemfd();
    if (r < 0) return r;
    return addon.lseek(this.fd, offset, hole ? SEEK_HOLE : SEEK_DATA);
  }

  /** The memfd, made now if need be. */
  hostFd(): number {
    const r = this.toMemfd();
    return r < 0 ? r : this.fd;
  }

  /** 512-byte units in use. */
  blocks(): number {
    if (this.fd >= 0) this.account(true);
    return this.pages * (PAGE / 512);
  }

  free(): void {
    if (this.fd >= 0) addon.close(this.fd);
    this.fd = -1;
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

  private toMemfd(): number {
    if (this.fd >= 0) return 0;
    const fd = addon.memfdCreate('tmpfs', MFD_CLOEXEC);
    if (fd < 0) return fd;
    const r = addon.ftruncate(fd, this.size);
    if (r < 0) {
      addon.close(fd);
      return r === -EFBIG ? -EFBIG : -ENOSPC;
    }
    const stored = Math.min(this.size, this.heap.length);
    if (stored > 0) {
      const n = addon.pwrite(fd, this.heap, 0, stored, 0);
      if (n < stored) {
        addon.close(fd);
        return n < 0 ? n : -ENOSPC;
      }
    }
    this.fd = fd;
    this.heap = EMPTY;
    this.account(true);
    return 0;
  }
}
