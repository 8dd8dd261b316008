/** A byte queue that grows on demand up to a limit: what lies between a terminal and its master. */

export class ByteRing {
  private data: Uint8Array;
  private head = 0;
  length = 0;
  private readonly limit: number;

  constructor(limit: number) {
    this.limit = limit;
    this.data = new Uint8Array(Math.min(256, limit));
  }

  get room(): number {
    return this.limit - this.length;
  }

  /** Appends as much as fits and returns how much that was. */
  push(buf: Uint8Array, off: number, len: number): number {
    const n = Math.min(len, this.room);
    if (n <= 0) return 0;
    if (this.length + n > this.data.length) this.grow(this.length + n);
    const size = this.data.length;
    const at = (this.head + this.length) % size;
    const first = Math.min(n, size - at);
    this.data.set(buf.subarray(off, off + first), at);
    if (first < n) this.data.set(buf.subarray(off + first, off + n), 0);
    this.length += n;
    return n;
  }

  /** Moves up to `len` bytes into buf. */
  shift(buf: Uint8Array, off: number, len: number): number {
    const n = this.peek(buf, off, len);
    this.drop(n);
    return n;
  }

  /** Copies without removing. */
  peek(buf: Uint8Array, off: number, len: number): number {
    const n = Math.min(len, this.length);
    const size = this.data.length;
    const first = Math.min(n, size - this.head);
    buf.set(this.data.subarray(this.head, this.head + first), off);
    if (first < n) buf.set(this.data.subarray(0, n - first), off + first);
    return n;
  }

  drop(n: number): void {
    this.length -= n;
    this.head = this.length === 0 ? 0 : (this.head + n) % this.data.length;
  }

  /** Keeps the oldest `n` bytes only. */
  truncate(n: number): void {
    if (n < this.length) this.length = n;
    if (this.length === 0) this.head = 0;
  }

  private grow(needed: number): void {
    let size = this.data.length;
    while (size < needed) size *= 2;
    const next = new Uint8Array(Math.min(size, this.limit));
    this.peek(next, 0, this.length);
    this.data = next;
    this.head = 0;
  }
}
