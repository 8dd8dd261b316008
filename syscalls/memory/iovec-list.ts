/** An array of struct iovec copied from guest memory: addresses and lengths, checked as import_iovec does. */
import { EFAULT, EINVAL } from '../../sentry/abi/errno.ts';
import type { UserMemory } from '../../sentry/mm/user-memory.ts';

const IOV_MAX = 1024;
const IOVEC_SIZE = 16;
/** Longest transfer of one call (MAX_RW_COUNT). */
const MAX_BYTES = 0x7ffff000;

export class IovecList {
  count = 0;
  total = 0;
  readonly addr = new Float64Array(IOV_MAX);
  readonly len = new Float64Array(IOV_MAX);
  private readonly raw = Buffer.alloc(IOV_MAX * IOVEC_SIZE);

  /** 0 or a negated errno. Lengths are cut where the total exceeds what one call can move. */
  read(memory: UserMemory, at: number, count: number): number {
    this.count = 0;
    this.total = 0;
    if (count > IOV_MAX) return -EINVAL;
    if (count === 0) return 0;
    if (memory.copyInTo(at, this.raw, 0, count * IOVEC_SIZE) < 0) return -EFAULT;
    for (let i = 0; i < count; i++) {
      const base = this.raw.readUInt32LE(16 * i) + this.raw.readUInt32LE(16 * i + 4) * 4294967296;
      // A length is a ssize_t: negative ones are wrong.
      if (this.raw.readInt32LE(16 * i + 12) < 0) return -EINVAL;
      const len = this.raw.readUInt32LE(16 * i + 8) + this.raw.readUInt32LE(16 * i + 12) * 4294967296;
      this.addr[i] = base;
      this.len[i] = Math.min(len, MAX_BYTES - this.total);
      this.total += this.len[i]!;
    }
    this.count = count;
    return 0;
  }
}
