/** A whole listing in the form of getdents64(2), for large directories that are read again and again unchanged. */

/** d_ino, d_off, d_reclen, d_type. */
const HEADER = 19;

export class DirentRecords {
  readonly bytes: Uint8Array;
  /** Where each record starts in `bytes`, and where the last one ends. */
  private readonly starts: Uint32Array;
  /** The offset of each entry, ascending. */
  private readonly offsets: Float64Array;
  private readonly view: DataView;
  private count = 0;

  /** For `count` entries whose names (latin1) have `nameBytes` bytes together. */
  constructor(count: number, nameBytes: number) {
    this.bytes = new Uint8Array(count * (HEADER + 8) + nameBytes);
    this.starts = new Uint32Array(count + 1);
    this.offsets = new Float64Array(count);
    this.view = new DataView(this.bytes.buffer);
  }

  /** In the order of their offsets; reading goes on from `offset` + 1 after it. */
  add(name: string, ino: number, dtype: number, offset: number): void {
    const { view, bytes } = this;
    const at = this.starts[this.count]!;
    const size = (HEADER + name.length + 8) & ~7;
    this.offsets[this.count++] = offset;
    this.starts[this.count] = at + size;
    setU64(view, at, ino);
    setU64(view, at + 8, offset + 1);
    view.setUint16(at + 16, size, true);
    bytes[at + 18] = dtype;
    for (let i = 0; i < name.length; i++) bytes[at + HEADER + i] = name.charCodeAt(i);
  }

  get size(): number {
    return this.count;
  }

  /** Index of the first entry at or after an offset. */
  find(offset: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.offsets[middle]! < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Index after the last record from `first` on that fits into `room` bytes with those before it. */
  fit(first: number, room: number): number {
    const limit = this.starts[first]! + room;
    let low = first;
    let high = this.count;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.starts[middle]! <= limit) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  startOf(index: number): number {
    return this.starts[index]!;
  }
  /** Where reading goes on before the entry of this index, which is not the first. */
  resumeAt(index: number): number {
    return this.offsets[index - 1]! + 1;
  }
}

function setU64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
}
