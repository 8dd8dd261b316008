/** Copies argv and envp from guest memory: pointer arrays and strings, page by page, each page read once. */
import { E2BIG, EFAULT } from '../abi/errno.ts';
import { PAGE_SIZE } from '../abi/mman.ts';
import { DOUBLE_ZERO } from '../base/double.ts';
import type { PlatformSpace } from '../../platform/platform.ts';
import { MAX_STRING } from './argument-limits.ts';

/** Reads guest memory through a window of a few pages that it keeps: arguments lie close together. */
class Window {
  private space: PlatformSpace | null = null;
  private readonly bytes = Buffer.alloc(4 * PAGE_SIZE);
  private start = DOUBLE_ZERO;
  private length = 0;

  /** What was read of another space is no more in it; null: until then. */
  look(space: PlatformSpace | null): void {
    this.space = space;
    this.length = 0;
  }

  /** Makes the bytes from `addr` to at least its page's end readable; their count, or -EFAULT. */
  at(addr: number): number {
    if (addr >= this.start && addr < this.start + this.length) return this.start + this.length - addr;
    const page = addr - (addr % PAGE_SIZE);
    // Several pages at once where they exist.
    for (const pages of [4, 1]) {
      if (this.space!.read(page, this.bytes, 0, pages * PAGE_SIZE) < 0) continue;
      this.start = page;
      this.length = pages * PAGE_SIZE;
      return page + this.length - addr;
    }
    this.length = 0;
    return -EFAULT;
  }

  /** A pointer, or -1 on a fault. */
  pointer(addr: number): number {
    let low = 0;
    let high = 0;
    for (let i = 0; i < 8; i++) {
      if (this.at(addr + i) < 0) return -1;
      const byte = this.bytes[addr + i - this.start]!;
      if (i < 4) low += byte * 2 ** (8 * i);
      else high += byte * 2 ** (8 * (i - 4));
    }
    return high * 4294967296 + low;
  }

  /** A string of fewer than MAX_STRING bytes. */
  text(addr: number): string | number {
    let text = '';
    for (let at = addr; ;) {
      const n = this.at(at);
      if (n < 0) return n;
      const from = at - this.start;
      const end = this.bytes.indexOf(0, from);
      const stop = end < 0 || end >= this.length ? this.length : end;
      text += this.bytes.latin1Slice(from, stop);
      if (text.length >= MAX_STRING) return -E2BIG;
      if (stop < this.length) return text;
      at += n;
    }
  }
}

const pointers = new Window();
const texts = new Window();

/**
 * The NULL-terminated string array at `addr` (0: empty, as Linux takes it), of at most `maxBytes` in strings and
 * pointers. -EFAULT or -E2BIG.
 */
export function copyStrings(space: PlatformSpace, addr: number, maxBytes: number): string[] | number {
  pointers.look(space);
  texts.look(space);
  const strings = addr === 0 ? [] : copyAll(addr, maxBytes);
  pointers.look(null);
  texts.look(null);
  return strings;
}

function copyAll(addr: number, maxBytes: number): string[] | number {
  const strings: string[] = [];
  let total = 0;
  for (let at = addr; ; at += 8) {
    const pointer = pointers.pointer(at);
    if (pointer < 0) return -EFAULT;
    if (pointer === 0) return strings;
    const text = texts.text(pointer);
    if (typeof text === 'number') return text;
    total += text.length + 1 + 8;
    if (total > maxBytes) return -E2BIG;
    strings.push(text);
  }
}
