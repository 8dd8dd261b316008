/** Urgent bytes of AF_UNIX streams (unix(7), MSG_OOB): the newest is one; older ones become ordinary data. */
import type { ByteRing } from '../../../base/byte-ring.ts';

const one = new Uint8Array(1);

export class UrgentBytes {
  /** SO_OOBINLINE: read with the others, not by MSG_OOB. */
  inline = false;
  /** Position in the stream of the urgent byte; -1: none. */
  private at = -1;
  /** Positions of bytes that MSG_OOB has taken: reading leaves them out. Ascending. */
  private readonly taken: number[] = [];

  get pending(): boolean {
    return this.at >= 0;
  }
  get any(): boolean {
    return this.at >= 0 || this.taken.length > 0;
  }
  /** How many bytes in the ring will never be read. */
  get holes(): number {
    return this.taken.length;
  }

  /** The byte at the end of the ring is urgent. */
  arrived(ring: ByteRing): void {
    this.at = ring.writePos - 1;
  }

  /** The byte, or -1. */
  take(ring: ByteRing, peek: boolean): number {
    if (this.inline || this.at < 0) return -1;
    ring.peek(one, 0, 1, this.at - ring.readPos);
    if (!peek) {
      this.taken.push(this.at);
      this.at = -1;
    }
    return one[0]!;
  }

  atMark(ring: ByteRing): boolean {
    return this.at === ring.readPos || (this.at < 0 && this.taken[0] === ring.readPos);
  }

  /** Is the byte at `position` left out by reading? An urgent one is, unless it is inline. */
  skips(position: number): boolean {
    return (this.at === position && !this.inline) || this.taken.includes(position);
  }

  /** How many of `n` bytes from `position` on lie before the next mark. */
  limit(position: number, n: number): number {
    let limit = n;
    if (this.at > position) limit = Math.min(limit, this.at - position);
    for (const t of this.taken) if (t > position) limit = Math.min(limit, t - position);
    return limit;
  }

  /** Bytes were read. */
  passed(ring: ByteRing): void {
    if (this.at >= 0 && this.at < ring.readPos) this.at = -1;
    while (this.taken.length > 0 && this.taken[0]! < ring.readPos) this.taken.shift();
  }
}
