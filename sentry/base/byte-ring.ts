/** A first-in first-out byte buffer: pipes and stream sockets. Memory grows with what it holds and goes when drained. */
import { copyBytes } from './copy-bytes.ts';

const SMALL = 4096;
/** Drained buffers by log2 of their size, for the next ring that grows: a busy stream then allocates nothing. */
const pool: Uint8Array[][] = [];
const POOL_DEPTH = 16;
const POOL_LARGEST = 1 << 20;
const EMPTY: Uint8Array = new Uint8Array(0);

/** Memory of all rings together, in bytes: what bounds look at that are not one socket's. */
let allocated = 0;

export function ringBytes(): number {
  return allocated;
}

export class ByteRing {
  private buf: Uint8Array = EMPTY;
  private head = 0;
  /** Bytes held. */
  used = 0;
  /** Position in the whole stream of the next byte to be read. */
  readPos = 0;

  /** Position in the whole stream of the next byte to be written. */
  get writePos(): number {
    return this.readPos + this.used;
  }

  /** Appends src[off, off+len). The caller bounds what the ring may hold. */
  write(src: Uint8Array, off: number, len: number): void {
    if (this.used + len > this.buf.length) this.grow(this.used + len);
    const size = this.buf.length;
    let tail = this.head + this.used;
    if (tail >= size) tail -= size;
    const first = size - tail;
    if (len <= first) {
      copyBytes(this.buf, tail, src, off, len);
    } else {
      copyBytes(this.buf, tail, src, off, first);
      copyBytes(this.buf, 0, src, off + first, len - first);
    }
    this.used += len;
  }

  /** Copies `len` bytes that start `skip` bytes after the next one; skip + len must not exceed `used`. */
  peek(dst: Uint8Array, off: number, len: number, skip: number): void {
    const size = this.buf.length;
    let at = this.head + skip;
    if (at >= size) at -= size;
    const first = size - at;
    if (len <= first) {
      copyBytes(dst, off, this.buf, at, len);
    } else {
      copyBytes(dst, off, this.buf, at, first);
      copyBytes(dst, off + first, this.buf, 0, len - first);
    }
  }

  /** Drops the next `len` bytes. */
  consume(len: number): void {
    this.readPos += len;
    this.used -= len;
    if (this.used === 0) {
      // Starting over at 0 keeps the next transfers in one piece.
      this.head = 0;
      if (this.buf.length > SMALL) this.giveBack();
      return;
    }
    this.head += len;
    if (this.head >= this.buf.length) this.head -= this.buf.length;
  }

  /** Moves `len` bytes out: peek and consume. */
  read(dst: Uint8Array, off: number, len: number): void {
    this.peek(dst, off, len, 0);
    this.consume(len);
  }

  /** Drops everything, memory too. */
  clear(): void {
    this.readPos += this.used;
    this.used = 0;
    this.head = 0;
    allocated -= this.buf.length;
    this.buf = EMPTY;
  }

  private grow(need: number): void {
    let log = 12;
    while (1 << log < need) log++;
    const fresh = pool[log]?.pop() ?? new Uint8Array(1 << log);
    if (this.used > 0) this.peek(fresh, 0, this.used, 0);
    if (this.buf.length > SMALL) this.giveBack();
    else allocated -= this.buf.length;
    allocated += fresh.length;
    this.buf = fresh;
    this.head = 0;
  }

  private giveBack(): void {
    const size = this.buf.length;
    allocated -= size;
    if (size <= POOL_LARGEST) {
      const log = 31 - Math.clz32(size);
      const free = (pool[log] ??= []);
      if (free.length < POOL_DEPTH) free.push(this.buf);
    }
    this.buf = EMPTY;
  }
}
