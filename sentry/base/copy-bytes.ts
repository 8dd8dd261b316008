/** Copying between byte arrays without allocating for the short copies that syscalls mostly make. */

/** Copies src[srcOff, srcOff+len) to dst[dstOff…]. The ranges must lie within the arrays and not overlap. */
export function copyBytes(
  dst: Uint8Array,
  dstOff: number,
  src: Uint8Array,
  srcOff: number,
  len: number,
): void {
  // A view costs about 30 ns to make: more than this loop up to here.
  if (len <= 48) {
    for (let i = 0; i < len; i++) dst[dstOff + i] = src[srcOff + i]!;
    return;
  }
  dst.set(src.subarray(srcOff, srcOff + len), dstOff);
}
