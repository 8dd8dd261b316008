/** Memory that a packet socket shares with the programs that map it (packet_mmap; packet(7), PACKET_RX_RING). */
import { EINVAL, ENOMEM } from '../../../abi/errno.ts';
import { MFD_CLOEXEC } from '../../../abi/mman.ts';
import type { Mappable } from '../../../mm/mappable.ts';
import { addon } from '../../../../native/addon.ts';

/** What one ring, and all of them, may take: it is the sandbox's memory, but whole pages of it at once. */
const MOST_OF_ONE = 64 << 20;
const MOST_OF_ALL = 256 << 20;
const SOCKFS_DEV = 8;

let taken = 0;

export class RingMemory implements Mappable {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** For what both sides look at while the other writes. */
  private readonly words: Int32Array;
  private readonly ino: number;
  private fd: number;
  mappings = 0;

  private constructor(fd: number, buffer: ArrayBuffer, ino: number) {
    this.fd = fd;
    this.ino = ino;
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
    this.words = new Int32Array(buffer);
    taken += buffer.byteLength;
  }

  /** `size` bytes of zeros, or a negated errno. */
  static make(size: number, ino: number): RingMemory | number {
    if (size > MOST_OF_ONE || taken + size > MOST_OF_ALL) return -ENOMEM;
    const fd = addon.memfdCreate('packet-ring', MFD_CLOEXEC);
    if (fd < 0) return fd;
    const r = addon.ftruncate(fd, size);
    const buffer = r < 0 ? r : addon.mapFile(fd, size);
    if (typeof buffer === 'number') {
      addon.close(fd);
      return -ENOMEM;
    }
    return new RingMemory(fd, buffer, ino);
  }

  get size(): number {
    return this.bytes.length;
  }

  /** A status word, at a multiple of four: read and written whole, after what it speaks of. */
  status(at: number): number {
    return Atomics.load(this.words, at >>> 2);
  }
  setStatus(at: number, value: number): void {
    Atomics.store(this.words, at >>> 2, value);
  }

  /** No more of it here; who maps it keeps its pages. */
  free(): void {
    if (this.fd < 0) return;
    taken -= this.bytes.length;
    addon.unmapFile(this.bytes.buffer as ArrayBuffer);
    addon.close(this.fd);
    this.fd = -1;
  }

  /** All of it at once. */
  checkPart(offset: number, length: number): number {
    return offset === 0 && length === this.bytes.length ? 0 : -EINVAL;
  }
  hostFd(_writable: boolean): number {
    return this.fd < 0 ? -EINVAL : this.fd;
  }
  mapName(): string {
    return `socket:[${this.ino}]`;
  }
  mapDev(): number {
    return SOCKFS_DEV;
  }
  mapIno(): number {
    return this.ino;
  }
  addMapping(_sharedWriter: boolean): void {
    this.mappings++;
  }
  removeMapping(_sharedWriter: boolean): void {
    this.mappings--;
  }
}
