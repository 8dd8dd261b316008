/** What the host refuses is undone: areas, totals, the break. And brk(2)'s own rules. */
import { describe, expect, it } from 'vitest';
import { EAGAIN, ENOMEM, EPERM } from '../../../sentry/abi/errno.ts';
import { setBreak } from '../../../sentry/mm/brk.ts';
import { growStack } from '../../../sentry/mm/grow-stack.ts';
import { NO_LIMITS } from '../../../sentry/mm/limits.ts';
import { lockRange } from '../../../sentry/mm/lock-pages.ts';
import { mapMemory, unmapMemory } from '../../../sentry/mm/mmap.ts';
import { protect } from '../../../sentry/mm/mprotect.ts';
import { remap } from '../../../sentry/mm/mremap.ts';
import type { AddressSpace } from '../../../sentry/mm/address-space.ts';
import { FakeCaller, newSpace } from './fake-thread.ts';

const PAGE = 4096;
const AT = 0x20000000;
const FIXED = 0x32;

function shape(mm: AddressSpace): unknown {
  const { totalBytes, dataBytes, lockedBytes } = mm.map;
  const areas = mm.map.list.map((vma) => [vma.start, vma.end, vma.prot, vma.flags]);
  return { areas, totalBytes, dataBytes, lockedBytes, brk: mm.brk };
}

function map(
  mm: AddressSpace,
  caller: FakeCaller,
  addr: number,
  pages: number,
  prot = 3,
  flags = FIXED,
): number {
  const request = { addr, length: pages * PAGE, prot, flags, offset: 0, file: null };
  return mapMemory(mm, caller, NO_LIMITS, request);
}

describe('roll-back', () => {
  const caller = new FakeCaller();
  const cases: [string, (mm: AddressSpace) => number][] = [
    ['mmap over others', (mm) => map(mm, caller, AT + PAGE, 4, 1)],
    ['munmap with a split', (mm) => unmapMemory(mm, caller, AT + PAGE, PAGE)],
    ['mprotect', (mm) => protect(mm, caller, NO_LIMITS, AT + PAGE, 4 * PAGE, 1)],
    [
      'mremap to a place in use',
      (mm) => {
        const newAddr = AT + 8 * PAGE;
        return remap(mm, caller, NO_LIMITS, {
          addr: AT,
          oldLength: PAGE,
          newLength: PAGE,
          flags: 3,
          newAddr,
        });
      },
    ],
    [
      'mremap in place',
      (mm) =>
        remap(mm, caller, NO_LIMITS, {
          addr: AT + 8 * PAGE,
          oldLength: PAGE,
          newLength: 9 * PAGE,
          flags: 0,
          newAddr: 0,
        }),
    ],
    ['mlock', (mm) => lockRange(mm, caller, NO_LIMITS, AT, 2 * PAGE, false)],
    ['brk up', (mm) => setBreak(mm, caller, NO_LIMITS, mm.brk + 5 * PAGE)],
    ['brk down', (mm) => setBreak(mm, caller, NO_LIMITS, mm.brk - 2 * PAGE)],
  ];
  for (const [name, change] of cases) {
    it(`undoes ${name}`, () => {
      const mm = newSpace(caller);
      mm.startBrk = mm.brk = 0x10000000;
      map(mm, caller, AT, 3);
      map(mm, caller, AT + 3 * PAGE, 2, 5);
      map(mm, caller, AT + 8 * PAGE, 1);
      setBreak(mm, caller, NO_LIMITS, mm.brk + 3 * PAGE);
      const before = shape(mm);
      const oldBrk = mm.brk;
      expect(change(mm)).toBeGreaterThanOrEqual(0);
      expect(shape(mm)).not.toEqual(before);
      const result = caller.fail(-ENOMEM);
      expect(shape(mm)).toEqual(before);
      // brk answers with the break that holds, everything else with the errno.
      expect(result).toBe(name.startsWith('brk') ? oldBrk : -ENOMEM);
    });
  }
});

describe('limits', () => {
  const limits = { ...NO_LIMITS, ipcLock: false };

  it('brk keeps to RLIMIT_DATA, RLIMIT_AS and its neighbours', () => {
    const caller = new FakeCaller();
    const mm = newSpace(caller);
    mm.startBrk = mm.brk = 0x10000000;
    mm.startData = 0;
    mm.endData = PAGE;
    const data = { ...limits, data: 5 * PAGE };
    expect(setBreak(mm, caller, data, mm.brk + 5 * PAGE)).toBe(0x10000000);
    expect(setBreak(mm, caller, data, mm.brk + 4 * PAGE)).toBe(0x10004000);
    expect(setBreak(mm, caller, { ...limits, as: 4 * PAGE }, mm.brk + 1)).toBe(0x10004000);
    map(mm, caller, 0x10006000, 1);
    expect(setBreak(mm, caller, limits, 0x10005001)).toBe(0x10004000);
    expect(setBreak(mm, caller, limits, 0x10004fff)).toBe(0x10004fff);
    expect(setBreak(mm, caller, limits, 0xfffffff)).toBe(0x10004fff);
    expect(setBreak(mm, caller, limits, 0x10000000)).toBe(0x10000000);
    expect(mm.map.list.length).toBe(1);
  });

  it('mlock keeps to RLIMIT_MEMLOCK and counts pages once', () => {
    const caller = new FakeCaller();
    const mm = newSpace(caller);
    map(mm, caller, AT, 8);
    const tight = { ...limits, memlock: 4 * PAGE };
    expect(lockRange(mm, caller, tight, AT, 4 * PAGE, false)).toBe(0);
    expect(lockRange(mm, caller, tight, AT, 4 * PAGE, false)).toBe(0);
    expect(lockRange(mm, caller, tight, AT, 5 * PAGE, false)).toBe(-ENOMEM);
    expect(lockRange(mm, caller, { ...limits, memlock: 0 }, AT, PAGE, false)).toBe(-EPERM);
    const locked = {
      addr: AT + 0x100000,
      length: PAGE,
      prot: 3,
      flags: FIXED | 0x2000,
      offset: 0,
      file: null,
    };
    expect(mapMemory(mm, caller, tight, locked)).toBe(-EAGAIN);
    expect(mm.map.lockedBytes).toBe(4 * PAGE);
  });

  it('mmap keeps to RLIMIT_AS and RLIMIT_DATA', () => {
    const caller = new FakeCaller();
    const mm = newSpace(caller);
    const request = { addr: AT, length: 4 * PAGE, prot: 3, flags: FIXED, offset: 0, file: null };
    expect(mapMemory(mm, caller, { ...limits, as: 3 * PAGE }, request)).toBe(-ENOMEM);
    expect(mapMemory(mm, caller, { ...limits, data: 3 * PAGE }, request)).toBe(-ENOMEM);
    expect(mapMemory(mm, caller, { ...limits, data: 3 * PAGE }, { ...request, prot: 1 })).toBe(AT);
    // Replacing needs no more room than is there.
    expect(mapMemory(mm, caller, { ...limits, as: 4 * PAGE }, request)).toBe(AT);
  });
});

describe('stack growth', () => {
  it('maps down to the fault, within RLIMIT_STACK and away from neighbours', () => {
    const caller = new FakeCaller();
    const mm = newSpace(caller);
    const top = AT + 64 * PAGE;
    map(mm, caller, top - PAGE, 1, 3, FIXED | 0x100);
    expect(growStack(mm, caller, NO_LIMITS, top - 3 * PAGE + 8, true)).toBe(true);
    expect(mm.map.find(top - 3 * PAGE)?.end).toBe(top);
    expect(mm.map.list.length).toBe(1);
    expect(growStack(mm, caller, { ...NO_LIMITS, stack: 4 * PAGE }, top - 5 * PAGE, true)).toBe(false);
    map(mm, caller, AT, 1);
    expect(growStack(mm, caller, NO_LIMITS, top - 5 * PAGE, true)).toBe(false);
    expect(growStack(mm, caller, NO_LIMITS, top + PAGE, true)).toBe(false);
  });
});
