/**
 * The arena: all guest threads' shared slots as one ArrayBuffer, seen through typed views. Offsets into it are
 * byte offsets ("arena offsets"). What guests can write here is volatile: read a field once, check it, use it.
 */

export let u8 = new Uint8Array(0);
export let i32 = new Int32Array(0);
export let u32 = new Uint32Array(0);
/** Node's Buffer over the same bytes, for its fast latin1 decoding and encoding. */
export let bytes = Buffer.alloc(0);

/** Points the views at the platform's memory (or, in unit tests, at any ArrayBuffer). */
export function setArena(buffer: ArrayBuffer): void {
  u8 = new Uint8Array(buffer);
  i32 = new Int32Array(buffer);
  u32 = new Uint32Array(buffer);
  bytes = Buffer.from(buffer);
}

/** Reads `length` bytes at an arena offset as a latin1 string: bytes map to code units one to one. */
export function latin1(offset: number, length: number): string {
  return bytes.latin1Slice(offset, offset + length);
}

/** 64-bit fields without BigInt: exact below 2^53, which covers every address and size. */
export function getU64(offset: number): number {
  const w = offset >>> 2;
  return u32[w + 1]! * 4294967296 + u32[w]!;
}

export function getI64(offset: number): number {
  const w = offset >>> 2;
  return i32[w + 1]! * 4294967296 + u32[w]!;
}

export function setU64(offset: number, value: number): void {
  const w = offset >>> 2;
  u32[w] = value;
  i32[w + 1] = Math.floor(value / 4294967296);
}
