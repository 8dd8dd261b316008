/** Directory listings in progress: a real descriptor and what getdents64 gave that has not been sent yet. */
import { addon } from '../../native/addon.ts';

/** More at once than a Sentry needs; the oldest is dropped, and its reader starts again. */
const CURSOR_LIMIT = 64;
/** What getdents64 is asked for. */
export const CHUNK_BYTES = 32 * 1024;

export class DirectoryCursor {
  readonly fd: number;
  readonly buffer: Uint8Array;
  pos = 0;
  end = 0;

  constructor(fd: number, buffer: Uint8Array) {
    this.fd = fd;
    this.buffer = buffer;
  }

  /** Makes [pos, end) hold linux_dirent64 records: true, false at the end of the directory, or a negated errno. */
  fill(): boolean | number {
    if (this.pos < this.end) return true;
    const n = addon.getdents(this.fd, this.buffer, 0, CHUNK_BYTES);
    if (n < 0) return n;
    this.pos = 0;
    this.end = n;
    return n > 0;
  }
}

export class DirectoryCursors {
  private readonly byId = new Map<number, DirectoryCursor>();
  private nextId = 0;
  /** Most listings end with their first message: its buffer serves the next. */
  private spare: Uint8Array | undefined;

  /** Takes over the descriptor. */
  add(fd: number): number {
    if (this.byId.size >= CURSOR_LIMIT) this.close(this.byId.keys().next().value!);
    do {
      this.nextId = (this.nextId + 1) >>> 0 || 1;
    } while (this.byId.has(this.nextId));
    this.byId.set(this.nextId, new DirectoryCursor(fd, this.spare ?? new Uint8Array(CHUNK_BYTES)));
    this.spare = undefined;
    return this.nextId;
  }
  get(id: number): DirectoryCursor | undefined {
    return this.byId.get(id);
  }
  close(id: number): void {
    const cursor = this.byId.get(id);
    if (cursor === undefined) return;
    addon.close(cursor.fd);
    this.spare = cursor.buffer;
    this.byId.delete(id);
  }
}
