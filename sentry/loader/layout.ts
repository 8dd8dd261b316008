/** Where the stack and the mappings of a new program lie: Linux's layout with its randomisation. */
import { addon } from '../../native/addon.ts';
import { PAGE_SIZE, STACK_GUARD_GAP, pageDown, pageUp } from '../abi/mman.ts';
import type { AddressSpace } from '../mm/address-space.ts';

/** ELF_ET_DYN_BASE: two thirds of the address space. */
export const PIE_BASE = process.arch === 'arm64' ? 0xaaaaaaaaa000 : 0x555555554000;

/** Stacks are reserved whole: what an unlimited or huge RLIMIT_STACK gets. */
const UNLIMITED_STACK = 64 << 20;
const MAX_STACK = 1 << 30;
const MIN_STACK = 256 << 10;
/** Linux leaves at least this below the stack's top. */
const MIN_GAP = 128 << 20;
/** Random pages below the top of the address space, and below the gap. */
const STACK_RANDOM_PAGES = 2 ** 22;
const MMAP_RANDOM_PAGES = 2 ** 28;

export interface Layout {
  /** The stack area: [start, top). */
  start: number;
  top: number;
  /** Mappings go below. */
  mmapBase: number;
}

/** null: no room. */
export function placeStack(mm: AddressSpace, limit: number, randomize: boolean): Layout | null {
  const wanted = limit > MAX_STACK ? UNLIMITED_STACK : Math.max(MIN_STACK, limit);
  const size = pageUp(wanted);
  // The vdso may lie in the way; some other random place will do.
  for (let attempt = 0; attempt < 64; attempt++) {
    const down = randomize ? randomBelow(STACK_RANDOM_PAGES) * PAGE_SIZE : attempt * 16 * PAGE_SIZE;
    const top = mm.max - down;
    const start = top - size;
    if (!mm.map.isFree(start - STACK_GUARD_GAP, Math.min(mm.max, top + PAGE_SIZE))) continue;
    const gap = Math.max(size + STACK_GUARD_GAP, MIN_GAP);
    const random = randomize ? randomBelow(MMAP_RANDOM_PAGES) * PAGE_SIZE : 0;
    return { start, top, mmapBase: pageDown(top - gap - random) };
  }
  return null;
}

const pool = new Uint8Array(256);
let poolUsed = pool.length;

/** Random bytes from the host's generator. */
export function randomBytes(count: number): Uint8Array {
  if (poolUsed + count > pool.length) {
    addon.random(pool, 0, pool.length);
    poolUsed = 0;
  }
  const bytes = pool.slice(poolUsed, poolUsed + count);
  pool.fill(0, poolUsed, poolUsed + count);
  poolUsed += count;
  return bytes;
}

/** What is there now is not used: it would be the same in every process that is made from an image of this one. */
export function forgetRandomBytes(): void {
  poolUsed = pool.length;
  pool.fill(0);
}

/** A random integer in [0, bound), bound a power of two up to 2^32. */
export function randomBelow(bound: number): number {
  const b = randomBytes(4);
  return ((b[0]! | (b[1]! << 8) | (b[2]! << 16) | (b[3]! << 24)) >>> 0) % bound;
}
