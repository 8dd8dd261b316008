/** eventfd(2): a 64-bit counter as a file. */
import { EAGAIN, EINVAL } from '../../abi/errno.ts';
import { O_RDWR } from '../../abi/fcntl.ts';
import { POLLIN, POLLOUT, READABLE, WRITABLE } from '../../abi/poll.ts';
import { WaitQueue } from '../../base/wait-queue.ts';
import { sharedAnonInode } from '../../vfs/anon-inode.ts';
import { FileDescription } from '../../vfs/file-description.ts';

const WORD = 4294967296;
const TOP = 0xffffffff;

/** For /proc/PID/fdinfo. */
let nextId = 0;

export class EventFile extends FileDescription {
  override recordWrites = true;
  readonly semaphore: boolean;
  /** The counter's halves: it may go up to 2^64 - 2. */
  private lo: number;
  private hi = 0;
  override readonly queue = new WaitQueue();

  private readonly id = nextId++;

  constructor(initial: number, flags: number, semaphore: boolean) {
    super(O_RDWR | flags, null, sharedAnonInode);
    this.lo = initial;
    this.semaphore = semaphore;
  }

  override name(): string {
    return 'anon_inode:[eventfd]';
  }

  override fdinfo(): string {
    const count =
      this.hi === 0 ? this.lo.toString(16) : this.hi.toString(16) + this.lo.toString(16).padStart(8, '0');
    return `eventfd-count: ${count.padStart(16)}\neventfd-id: ${this.id}\neventfd-semaphore: ${this.semaphore ? 1 : 0}\n`;
  }

  override read(buf: Uint8Array, off: number, len: number): number {
    if (len < 8) return -EINVAL;
    if (this.lo === 0 && this.hi === 0) return -EAGAIN;
    if (this.semaphore) {
      putWord(buf, off, 1);
      putWord(buf, off + 4, 0);
      if (this.lo > 0) {
        this.lo--;
      } else {
        this.lo = TOP;
        this.hi--;
      }
    } else {
      putWord(buf, off, this.lo);
      putWord(buf, off + 4, this.hi);
      this.lo = this.hi = 0;
    }
    this.queue.notify(WRITABLE);
    return 8;
  }

  override write(buf: Uint8Array, off: number, len: number): number {
    if (len !== 8) return -EINVAL;
    const addLo = word(buf, off);
    const addHi = word(buf, off + 4);
    if (addLo === TOP && addHi === TOP) return -EINVAL;
    const lo = this.lo + addLo;
    const hi = this.hi + addHi + (lo >= WORD ? 1 : 0);
    // The sum must stay below 2^64 - 1.
    if (hi > TOP || (hi === TOP && lo % WORD === TOP)) return -EAGAIN;
    this.lo = lo % WORD;
    this.hi = hi;
    if (this.lo !== 0 || this.hi !== 0) this.queue.notify(READABLE);
    return 8;
  }

  /** lseek(2) succeeds and does nothing. */
  override seek(): number {
    return 0;
  }

  override readiness(): number {
    let mask = 0;
    if (this.lo !== 0 || this.hi !== 0) mask |= POLLIN;
    if (this.hi !== TOP || this.lo < TOP - 1) mask |= POLLOUT;
    return mask;
  }

  /** The counter as /proc/PID/fdinfo shows it: 16 hexadecimal digits, padded with spaces. */
  countHex(): string {
    const text =
      this.hi === 0 ? this.lo.toString(16) : this.hi.toString(16) + this.lo.toString(16).padStart(8, '0');
    return text.padStart(16);
  }
}

function word(buf: Uint8Array, at: number): number {
  return (buf[at]! | (buf[at + 1]! << 8) | (buf[at + 2]! << 16) | (buf[at + 3]! << 24)) >>> 0;
}

function putWord(buf: Uint8Array, at: number, value: number): void {
  buf[at] = value;
  buf[at + 1] = value >>> 8;
  buf[at + 2] = value >>> 16;
  buf[at + 3] = value >>> 24;
}
