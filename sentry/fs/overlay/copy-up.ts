/** Copies a lower file's bytes into an upper one: in pieces, never the whole file in memory, holes left out. */
import { EIO, ENXIO } from '../../abi/errno.ts';
import type { Inode } from '../../vfs/inode.ts';

const PIECE = 1024 * 1024;
let piece: Uint8Array | null = null;

export function copyContent(from: Inode, to: Inode): number {
  const size = from.size();
  const buffer = (piece ??= new Uint8Array(PIECE));
  let pos = 0;
  while (pos < size) {
    const data = from.seekData(pos, false);
    // No more data, or no such query: ENXIO ends the copy, anything else means "data everywhere".
    if (data === -ENXIO) break;
    if (data > pos) pos = data;
    let end = data < 0 ? size : from.seekData(pos, true);
    if (end <= pos || end > size) end = size;
    while (pos < end) {
      const n = from.readAt(buffer, 0, Math.min(PIECE, end - pos), pos);
      if (n < 0) return n;
      if (n === 0) return -EIO;
      const r = writeAll(to, buffer, n, pos);
      if (r < 0) return r;
      pos += n;
    }
  }
  return to.size() < size ? to.truncate(size) : 0;
}

function writeAll(to: Inode, buffer: Uint8Array, len: number, pos: number): number {
  for (let done = 0; done < len;) {
    const n = to.writeAt(buffer, done, len - done, pos + done);
    if (n <= 0) return n === 0 ? -EIO : n;
    done += n;
  }
  return 0;
}
