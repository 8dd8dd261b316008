/** One message buffer with a write and a read cursor. Reading past the end yields zeros and sets `broken`. */
import { ATTR_COUNT, MESSAGE_BYTES } from './messages.ts';

export class Message {
  readonly bytes: Buffer;
  readonly f64: Float64Array;
  private readonly view: DataView;
  /** Where the next field is written or read. */
  pos = 0;
  /** Bytes received; fields lie below. */
  end = 0;
  /** A field lay (partly) outside of what was received, or did not fit into what is to be sent. */
  broken = false;
  /** Of the block that is being read. */
  private nameBytes = 0;

  constructor(capacity = MESSAGE_BYTES) {
    const memory = new ArrayBuffer(capacity);
    this.bytes = Buffer.from(memory);
    this.f64 = new Float64Array(memory);
    this.view = new DataView(memory);
  }

  /** Begins a message to send: an operation or a result. */
  start(head: number): void {
    this.view.setInt32(0, head, true);
    this.pos = 4;
    this.end = this.bytes.length;
    this.broken = false;
  }
  /** Begins to read what was received. */
  receive(length: number): void {
    this.pos = 0;
    this.end = length;
    this.broken = false;
  }
  /** Room left, in bytes. */
  get room(): number {
    return this.bytes.length - this.pos;
  }

  putU32(value: number): void {
    if (!this.fits(4)) return;
    this.view.setUint32(this.pos, value, true);
    this.pos += 4;
  }
  setU32(at: number, value: number): void {
    this.view.setUint32(at, value, true);
  }
  putF64(value: number): void {
    if (!this.fits(8)) return;
    this.view.setFloat64(this.pos, value, true);
    this.pos += 8;
  }
  putText(text: string): void {
    if (!this.fits(4 + text.length)) return;
    this.view.setUint32(this.pos, text.length, true);
    this.bytes.latin1Write(text, this.pos + 4);
    this.pos += 4 + text.length;
  }
  putBytes(bytes: Uint8Array): void {
    if (!this.fits(4 + bytes.length)) return;
    this.view.setUint32(this.pos, bytes.length, true);
    this.bytes.set(bytes, this.pos + 4);
    this.pos += 4 + bytes.length;
  }
  putAttrs(attrs: Float64Array): void {
    this.align();
    if (!this.fits(ATTR_COUNT * 8)) return;
    this.f64.set(attrs, this.pos / 8);
    this.pos += ATTR_COUNT * 8;
  }

  u32(): number {
    if (!this.fits(4)) return 0;
    const value = this.view.getUint32(this.pos, true);
    this.pos += 4;
    return value;
  }
  i32(): number {
    return this.u32() | 0;
  }
  f(): number {
    if (!this.fits(8)) return 0;
    const value = this.view.getFloat64(this.pos, true);
    this.pos += 8;
    return value;
  }
  text(): string {
    const length = this.u32();
    if (!this.fits(length)) return '';
    const text = this.bytes.latin1Slice(this.pos, this.pos + length);
    this.pos += length;
    return text;
  }
  /** A copy of the bytes. */
  blob(): Uint8Array {
    const length = this.u32();
    if (!this.fits(length)) return new Uint8Array(0);
    const bytes = new Uint8Array(length);
    bytes.set(this.bytes.subarray(this.pos, this.pos + length));
    this.pos += length;
    return bytes;
  }
  /** Copies attributes to out[at, at + 16). */
  attrs(out: Float64Array, at = 0): void {
    this.align();
    if (!this.fits(ATTR_COUNT * 8)) {
      out.fill(0, at, at + ATTR_COUNT);
      return;
    }
    const from = this.pos / 8;
    for (let i = 0; i < ATTR_COUNT; i++) out[at + i] = this.f64[from + i]!;
    this.pos += ATTR_COUNT * 8;
  }

  /**
   * Begins to read a block of entries (READDIR, READTREE): how many there are. `doubles` of each follow, then their
   * names.
   */
  block(doubles: number): number {
    this.align();
    const count = this.u32();
    this.nameBytes = this.u32();
    return this.fits(count * doubles * 8 + this.nameBytes) ? count : 0;
  }
  /** Copies so many doubles of a block's entries to out[at…). */
  blockAttrs(doubles: number, out: Float64Array, at: number): void {
    const from = this.pos / 8;
    for (let i = 0; i < doubles; i++) out[at + i] = this.f64[from + i]!;
    this.pos += doubles * 8;
  }
  /** Reads the names of a block that has some. */
  blockNames(): string[] {
    const names = this.bytes.latin1Slice(this.pos, this.pos + this.nameBytes - 1).split('\0');
    this.pos += this.nameBytes;
    return names;
  }

  private align(): void {
    this.pos = (this.pos + 7) & ~7;
  }
  private fits(length: number): boolean {
    if (length <= this.end - this.pos) return true;
    this.broken = true;
    return false;
  }
}
