/** Urgent data at its receiver (tcp(7), "Out-of-band data"): one mark in the stream, on one byte. */
import type { ByteRing } from '../../../base/byte-ring.ts';

/** Nothing; a byte to be had by MSG_OOB; a byte taken, whose place in the stream still counts. */
const NONE = 0;
const VALID = 1;
const READ = 2;

export class Urgent {
  /** SO_OOBINLINE: the byte is read with the others. */
  inline = false;
  private state = NONE;
  private byte = 0;
  /** Position of the byte in the stream. */
  private at = 0;

  get pending(): boolean {
    return this.state === VALID;
  }

  /** A new urgent byte was put at the end of the ring; the one before it becomes ordinary data. */
  arrived(ring: ByteRing, byte: number): void {
    const position = ring.writePos - 1;
    // Unless it is the very next one to be read: then it is as if it had been.
    if (this.state !== NONE && !this.inline && this.at === ring.readPos && position > this.at)
      ring.consume(1);
    this.state = VALID;
    this.byte = byte;
    this.at = position;
  }

  /** The byte, or -1. */
  take(peek: boolean): number {
    if (this.inline || this.state !== VALID) return -1;
    if (!peek) this.state = READ;
    return this.byte;
  }

  atMark(ring: ByteRing): boolean {
    return this.state !== NONE && this.at === ring.readPos;
  }

  /** Is the byte at `position`, to be skipped by reading? */
  skips(position: number): boolean {
    return this.state !== NONE && !this.inline && this.at === position;
  }

  /** How many of `n` bytes from `position` on lie before the mark. */
  limit(position: number, n: number): number {
    const before = this.at - position;
    return this.state !== NONE && before > 0 && before < n ? before : n;
  }

  /** SIOCINQ: bytes up to the mark, when it lies ahead. */
  readable(ring: ByteRing): number {
    if (this.inline || this.state === NONE || this.at < ring.readPos) return ring.used;
    return this.at - ring.readPos;
  }

  /** Bytes were read. */
  passed(ring: ByteRing): void {
    if (this.state !== NONE && ring.readPos > this.at) this.state = NONE;
  }

  forget(): void {
    this.state = NONE;
  }
}
