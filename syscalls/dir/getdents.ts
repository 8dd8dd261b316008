/** getdents(2) and getdents64(2). */
import { bytes, setU64, u8 } from '../../platform/arena.ts';
import { EBADF, EINVAL, ENOTDIR } from '../../sentry/abi/errno.ts';
import { S_IFDIR, S_IFMT } from '../../sentry/abi/stat.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import type { DirentSink } from '../../sentry/vfs/inode.ts';
import { stagingRoom } from '../file/transfer.ts';

/** Shorter names are cheaper to copy here than by a call. */
const LOOP_COPY = 32;

/** Writes entries straight into the staged area of the slot. */
class DirentWriter implements DirentSink {
  used = 0;
  full = false;
  private at = 0;
  private end = 0;
  private modern = true;

  begin(at: number, len: number, modern: boolean): void {
    this.at = at;
    this.end = at + len;
    this.modern = modern;
    this.used = 0;
    this.full = false;
  }

  add(name: string, ino: number, dtype: number, nextOffset: number): boolean {
    const at = this.at + this.used;
    const length = name.length;
    // Header 19 or 18, the name with its NUL, in the old form the type byte at the very end.
    const size = (length + 27) & ~7;
    if (at + size > this.end) {
      this.full = true;
      return false;
    }
    setU64(at, ino);
    setU64(at + 8, nextOffset);
    const nameAt = this.modern ? at + 19 : at + 18;
    // NUL and padding are in the last eight bytes.
    setU64(at + size - 8, 0);
    u8[at + 16] = size & 0xff;
    u8[at + 17] = size >>> 8;
    if (this.modern) u8[at + 18] = dtype;
    if (length > LOOP_COPY) bytes.latin1Write(name, nameAt, length);
    else for (let i = 0; i < length; i++) u8[nameAt + i] = name.charCodeAt(i);
    if (!this.modern) u8[at + size - 1] = dtype;
    this.used += size;
    return true;
  }

  recordRoom(): number {
    return this.modern ? this.end - this.at - this.used : 0;
  }
  addRecords(records: Uint8Array, from: number, to: number, more: boolean): void {
    if (more) this.full = true;
    u8.set(records.subarray(from, to), this.at + this.used);
    this.used += to - from;
  }
}

const writer = new DirentWriter();

export function sys_getdents64(t: Task): number {
  return getdents(t, true);
}
export function sys_getdents(t: Task): number {
  return getdents(t, false);
}

function getdents(t: Task, modern: boolean): number {
  const file = t.fileNoPath(0);
  if (file === null) return -EBADF;
  if (file.inode === null || (file.inode.mode & S_IFMT) !== S_IFDIR) return -ENOTDIR;
  // Fewer entries than would fit are fine: the caller asks again.
  const len = Math.min(t.argU32(2), stagingRoom(t)) & ~7;
  const at = t.stage(len);
  if (at < 0) return at;
  writer.begin(at, len, modern);
  const r = file.readdir(writer, t);
  if (writer.used === 0) return r < 0 ? r : writer.full ? -EINVAL : 0;
  const out = t.copyOutStaged(t.arg(1), at, writer.used);
  return out < 0 ? out : writer.used;
}
