/** The half of Task that reads arguments and guest memory: marshalled data first, a host copy where it must. */
import { EFAULT, ENAMETOOLONG, ENOMEM } from '../abi/errno.ts';
import type { UserMemory } from '../mm/user-memory.ts';
import type { PlatformThread } from '../../platform/platform.ts';
import { i32, latin1, u32, u8 } from '../../platform/arena.ts';

const PAGE = 4096;
const scratch = Buffer.alloc(PAGE);

export abstract class TaskMemory implements UserMemory {
  /** The six syscall arguments as low, high words: a private copy, so the guest cannot change them under us. */
  readonly args = new Int32Array(12);
  /** Replaced by execve. */
  thread!: PlatformThread;

  /** True when the guest's map allows reading (or writing) all of [addr, addr+len). Implemented over task.mm. */
  abstract canAccess(addr: number, len: number, write: boolean): boolean;

  // ---- arguments
  /** Unsigned 64-bit: addresses and sizes. Values above 2^53 lose low bits, which no valid one has. */
  arg(i: number): number {
    return (this.args[2 * i + 1]! >>> 0) * 4294967296 + (this.args[2 * i]! >>> 0);
  }
  /** Signed 64-bit: offsets, long. */
  argI64(i: number): number {
    return this.args[2 * i + 1]! * 4294967296 + (this.args[2 * i]! >>> 0);
  }
  /** The low 32 bits as int: descriptors, flags, ids. */
  argI32(i: number): number {
    return this.args[2 * i]!;
  }
  argU32(i: number): number {
    return this.args[2 * i]! >>> 0;
  }
  /** A path argument: latin1 string, -EFAULT or -ENAMETOOLONG. */
  path(i: number): string | number {
    return this.copyInString(this.arg(i), 4096);
  }

  // ---- in
  copyIn(addr: number, len: number): number {
    const found = this.thread.findInput(addr, len);
    if (found !== -1) return found;
    const at = this.stage(len);
    if (at < 0) return at;
    const r = this.thread.space.read(addr, u8, at, len);
    return r < 0 ? r : at;
  }

  copyInBytes(addr: number, len: number): Uint8Array | number {
    const out = new Uint8Array(len);
    const r = this.copyInTo(addr, out, 0, len);
    return r < 0 ? r : out;
  }

  copyInTo(addr: number, dst: Uint8Array, offset: number, len: number): number {
    if (len === 0) return 0;
    const found = this.thread.findInput(addr, len);
    if (found >= 0) {
      dst.set(u8.subarray(found, found + len), offset);
      return 0;
    }
    if (found !== -1) return found;
    return this.thread.space.read(addr, dst, offset, len);
  }

  copyInString(addr: number, max: number): string | number {
    const t = this.thread;
    const n = t.findString(addr);
    if (n >= 0) return n < max ? latin1(t.inputOffset, n) : -ENAMETOOLONG;
    if (n !== -1) return n;
    let text = '';
    for (let at = addr; text.length < max;) {
      // Page by page: the string may end just before unmapped memory.
      const len = PAGE - (at % PAGE);
      if (t.space.read(at, scratch, 0, len) < 0) return -EFAULT;
      const end = scratch.subarray(0, len).indexOf(0);
      text += scratch.latin1Slice(0, end < 0 ? len : end);
      if (end >= 0) return text.length < max ? text : -ENAMETOOLONG;
      at += len;
    }
    return -ENAMETOOLONG;
  }

  readU32(addr: number): number | null {
    const at = this.copyIn(addr, 4);
    return at < 0 ? null : (at & 3) === 0 ? u32[at >>> 2]! : bytesU32(at);
  }
  readI32(addr: number): number | null {
    const v = this.readU32(addr);
    return v === null ? null : v | 0;
  }
  readU64(addr: number): number | null {
    const at = this.copyIn(addr, 8);
    return at < 0 ? null : bytesU32(at + 4) * 4294967296 + bytesU32(at);
  }
  readI64(addr: number): number | null {
    const at = this.copyIn(addr, 8);
    return at < 0 ? null : (bytesU32(at + 4) | 0) * 4294967296 + bytesU32(at);
  }

  // ---- out
  stage(len: number): number {
    const t = this.thread;
    const at = t.dataTop + 7 - ((t.dataTop + 7) % 8);
    if (at + len > t.dataEnd) return -ENOMEM;
    t.dataTop = at + len;
    return at;
  }

  copyOutStaged(addr: number, offset: number, len: number): number {
    if (len === 0) return 0;
    if (!this.canAccess(addr, len, true)) return -EFAULT;
    if (this.thread.addCopyOut(addr, offset, len)) return 0;
    return this.thread.space.write(addr, u8, offset, len);
  }

  copyOutBytes(addr: number, src: Uint8Array, offset: number, len: number): number {
    if (len === 0) return 0;
    if (!this.canAccess(addr, len, true)) return -EFAULT;
    const at = this.stage(len);
    if (at < 0) return this.thread.space.write(addr, src, offset, len);
    u8.set(src.subarray(offset, offset + len), at);
    return this.copyOutStaged(addr, at, len);
  }

  writeU32(addr: number, value: number): number {
    const at = this.stage(4);
    if (at < 0) {
      scratch.writeInt32LE(value | 0, 0);
      return this.copyOutBytes(addr, scratch, 0, 4);
    }
    u32[at >>> 2] = value;
    return this.copyOutStaged(addr, at, 4);
  }
  writeI32(addr: number, value: number): number {
    return this.writeU32(addr, value);
  }
  writeU64(addr: number, value: number): number {
    const at = this.stage(8);
    if (at < 0) {
      scratch.writeInt32LE(value | 0, 0);
      scratch.writeInt32LE(Math.floor(value / 4294967296) | 0, 4);
      return this.copyOutBytes(addr, scratch, 0, 8);
    }
    u32[at >>> 2] = value;
    i32[(at >>> 2) + 1] = Math.floor(value / 4294967296);
    return this.copyOutStaged(addr, at, 8);
  }
  writeI64(addr: number, value: number): number {
    return this.writeU64(addr, value);
  }
}

function bytesU32(at: number): number {
  return (u8[at]! | (u8[at + 1]! << 8) | (u8[at + 2]! << 16) | (u8[at + 3]! << 24)) >>> 0;
}
