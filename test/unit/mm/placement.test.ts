/** Where mappings go: top-down, holes reused, stacks kept at a distance, ranges in flight not given out. */
import { describe, expect, it } from 'vitest';
import { ENOMEM } from '../../../sentry/abi/errno.ts';
import { NO_LIMITS } from '../../../sentry/mm/limits.ts';
import { mapMemory, type MapRequest, unmapMemory } from '../../../sentry/mm/mmap.ts';
import { FakeCaller, MAX, MIN, newSpace } from './fake-thread.ts';

const PAGE = 4096;
const BASE = 0x7f0000000000;
const PRIVATE = 0x22;
const GROWSDOWN = 0x100;

function request(fields: Partial<MapRequest>): MapRequest {
  return { addr: 0, length: PAGE, prot: 3, flags: PRIVATE, offset: 0, file: null, ...fields };
}

function setUp(): {
  caller: FakeCaller;
  map: (fields: Partial<MapRequest>) => number;
  mm: ReturnType<typeof newSpace>;
} {
  const caller = new FakeCaller();
  const mm = newSpace(caller);
  mm.placement.setBase(BASE);
  return { caller, mm, map: (fields) => mapMemory(mm, caller, NO_LIMITS, request(fields)) };
}

describe('placement', () => {
  it('goes down from the base', () => {
    const { map } = setUp();
    expect(map({})).toBe(BASE - PAGE);
    expect(map({ length: 3 * PAGE, prot: 1 })).toBe(BASE - 4 * PAGE);
  });

  it('reuses the highest hole that fits', () => {
    const { map, mm, caller } = setUp();
    for (let i = 0; i < 10; i++) map({ prot: i % 2 === 0 ? 1 : 3 });
    expect(unmapMemory(mm, caller, BASE - 3 * PAGE, PAGE)).toBe(0);
    expect(unmapMemory(mm, caller, BASE - 7 * PAGE, 2 * PAGE)).toBe(0);
    expect(map({ length: 2 * PAGE })).toBe(BASE - 7 * PAGE);
    expect(map({})).toBe(BASE - 3 * PAGE);
    expect(map({})).toBe(BASE - 11 * PAGE);
  });

  it('finds a hole again that an earlier search passed over', () => {
    const { map, mm, caller } = setUp();
    for (let i = 0; i < 6; i++) map({ prot: i % 2 === 0 ? 1 : 3 });
    unmapMemory(mm, caller, BASE - 2 * PAGE, PAGE);
    expect(map({ length: 2 * PAGE })).toBe(BASE - 8 * PAGE);
    expect(map({})).toBe(BASE - 2 * PAGE);
  });

  it('takes hints that are free and searches otherwise', () => {
    const { map } = setUp();
    const hint = 0x10000000;
    expect(map({ addr: hint + 5 })).toBe(hint);
    expect(map({ addr: hint })).toBe(BASE - PAGE);
    expect(map({ addr: PAGE + 1 })).toBe(MIN);
    expect(map({ addr: 1, prot: 1 })).toBe(BASE - 2 * PAGE);
  });

  it('aligns anonymous memory of whole huge pages', () => {
    const { map } = setUp();
    map({});
    const first = map({ length: 0x400000 });
    expect(first % 0x200000).toBe(0);
    expect(map({ length: 0x200000 })).toBe(first - 0x200000);
    // The page above the aligned ones is still found.
    expect(map({})).toBe(BASE - 2 * PAGE);
  });

  it('keeps a megabyte below a stack that grows', () => {
    const { map } = setUp();
    const stack = map({ flags: PRIVATE | GROWSDOWN });
    expect(stack).toBe(BASE - PAGE);
    expect(map({})).toBe(stack - 0x100000 - PAGE);
  });

  it('looks from the bottom when the top is full, and says ENOMEM when all is', () => {
    const { map } = setUp();
    expect(map({ addr: MIN, length: BASE - MIN, flags: PRIVATE | 0x4010, prot: 0 })).toBe(MIN);
    expect(map({ prot: 1 })).toBe(BASE);
    expect(map({ length: MAX - BASE })).toBe(-ENOMEM);
  });

  it('keeps MAP_32BIT below two gigabytes', () => {
    const { map } = setUp();
    const at = map({ flags: PRIVATE | 0x40 });
    if (process.arch === 'x64') expect(at).toBeLessThan(0x80000000);
  });

  it('does not give out what another thread is still unmapping', () => {
    const { map, mm, caller } = setUp();
    const other = new FakeCaller();
    mm.retain();
    const at = map({});
    expect(unmapMemory(mm, other, at, PAGE)).toBe(0);
    expect(map({})).toBe(at - PAGE);
    // The other thread's next call shows that it is done.
    other.onOpsFailed = null;
    expect(map({ prot: 1 })).toBe(at);
    expect(caller.thread.ackOps).toBe(false);
  });
});
