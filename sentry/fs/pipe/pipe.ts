/**
 * The buffer of a pipe or FIFO (pipe(7)) and who holds its ends.
 *
 * Linux keeps pages, we keep one ring of bytes; POLLOUT and the blocking rules agree because both ask for room for
 * PIPE_BUF bytes. Packets (O_DIRECT) are ranges of the byte stream.
 */
import { EAGAIN, EBUSY, EINVAL, EPERM, EPIPE } from '../../abi/errno.ts';
import { POLLERR, POLLHUP, READABLE, WRITABLE } from '../../abi/poll.ts';
import { ByteRing } from '../../base/byte-ring.ts';
import { WaitQueue } from '../../base/wait-queue.ts';

/** Writes of at most this many bytes are atomic. Also the page that capacity counts in. */
export const PIPE_BUF = 4096;
const DEFAULT_CAPACITY = 65536;
/** /proc/sys/fs/pipe-max-size. */
const MAX_CAPACITY = 1 << 20;
const SIZE_LIMIT = 0x80000000;

export class Pipe {
  readonly queue = new WaitQueue();
  private readonly ring = new ByteRing();
  capacity = DEFAULT_CAPACITY;
  readers = 0;
  writers = 0;
  /** How often each end was opened: a FIFO's opener waits for a change, so that a quick close is not missed. */
  readerOpens = 0;
  writerOpens = 0;
  /** Starts and ends, in stream positions, of the packets not read yet: start, end, start, end… */
  private packets: number[] | null = null;

  get used(): number {
    return this.ring.used;
  }
  get free(): number {
    return this.capacity - this.ring.used;
  }
  /** Room for an atomic write: what POLLOUT means. */
  get hasRoom(): boolean {
    return this.capacity - this.ring.used >= PIPE_BUF && !this.packetsFull();
  }

  /** The bytes written, at most `len`: all of them when len <= PIPE_BUF; -EAGAIN or -EPIPE. */
  write(src: Uint8Array, off: number, len: number, asPackets: boolean): number {
    if (len === 0) return 0;
    if (this.readers === 0) return -EPIPE;
    if (asPackets) return this.writePackets(src, off, len);
    const free = this.free;
    if (free < len && (len <= PIPE_BUF || free < PIPE_BUF)) return -EAGAIN;
    const n = len < free ? len : free;
    this.ring.write(src, off, n);
    this.queue.notify(READABLE);
    return n;
  }

  /** The bytes read; 0 at the end, when no writer is left; -EAGAIN. */
  read(dst: Uint8Array, off: number, len: number): number {
    const n = this.peek(dst, off, len, 0);
    if (n > 0) this.consume(n);
    return n;
  }

  /**
   * Copies what a read of `len` bytes would yield without taking it, `skip` bytes ahead (of tee and splice). Same
   * result as read(); a packet ends the copy.
   */
  peek(dst: Uint8Array, off: number, len: number, skip: number): number {
    const held = this.ring.used - skip;
    if (held <= 0) return this.writers === 0 ? 0 : -EAGAIN;
    let n = len < held ? len : held;
    if (this.packets !== null) n = this.boundedByPacket(n, skip);
    this.ring.peek(dst, off, n, skip);
    return n;
  }

  /** Takes `len` bytes that peek() showed; the rest of a packet goes with its first byte. */
  consume(len: number): void {
    const hadRoom = this.hasRoom;
    let n = len;
    if (this.packets !== null) n = this.consumePackets(len);
    this.ring.consume(n);
    if (!hadRoom && this.hasRoom) this.queue.notify(WRITABLE);
  }

  /** F_SETPIPE_SZ: the new capacity (a power of two of at least a page), -EPERM, -EBUSY or -EINVAL. */
  resize(size: number, privileged: boolean): number {
    if (size > SIZE_LIMIT) return -EINVAL;
    let capacity = PIPE_BUF;
    while (capacity < size) capacity *= 2;
    if (capacity > MAX_CAPACITY && capacity > this.capacity && !privileged) return -EPERM;
    if (this.ring.used > capacity) return -EBUSY;
    if (this.packets !== null && this.packets.length / 2 > capacity / PIPE_BUF) return -EBUSY;
    const hadRoom = this.hasRoom;
    this.capacity = capacity;
    if (!hadRoom && this.hasRoom) this.queue.notify(WRITABLE);
    return capacity;
  }

  addEnds(reader: boolean, writer: boolean): void {
    if (reader) {
      this.readers++;
      this.readerOpens++;
    }
    if (writer) {
      this.writers++;
      this.writerOpens++;
    }
  }

  dropEnds(reader: boolean, writer: boolean): void {
    if (reader) this.readers--;
    if (writer) this.writers--;
    if (this.readers === 0 && this.writers === 0) {
      this.ring.clear();
      this.packets = null;
    } else if (this.readers === 0 || this.writers === 0) {
      this.queue.notify(READABLE | WRITABLE | POLLERR | POLLHUP);
    }
  }

  private packetsFull(): boolean {
    return this.packets !== null && this.packets.length / 2 >= this.capacity / PIPE_BUF;
  }

  private writePackets(src: Uint8Array, off: number, len: number): number {
    const packets = (this.packets ??= []);
    let done = 0;
    while (done < len) {
      const n = Math.min(PIPE_BUF, len - done);
      if (this.packetsFull() || this.free < n) break;
      packets.push(this.ring.writePos, this.ring.writePos + n);
      this.ring.write(src, off + done, n);
      done += n;
    }
    if (done === 0) return -EAGAIN;
    this.queue.notify(READABLE);
    return done;
  }

  private boundedByPacket(n: number, skip: number): number {
    const packets = this.packets!;
    const at = this.ring.readPos + skip;
    for (let i = 0; i < packets.length; i += 2) {
      if (at < packets[i]!) return Math.min(n, packets[i]! - at);
      if (at < packets[i + 1]!) return Math.min(n, packets[i + 1]! - at);
    }
    return n;
  }

  private consumePackets(len: number): number {
    const packets = this.packets!;
    const at = this.ring.readPos;
    const inPacket = packets.length > 0 && at >= packets[0]!;
    const n = inPacket ? packets[1]! - at : len;
    if (inPacket) packets.splice(0, 2);
    if (packets.length === 0) this.packets = null;
    return n;
  }
}
