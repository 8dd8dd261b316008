/** The map of areas against a naive model: one entry per page. */
import { describe, expect, it } from 'vitest';
import type { Mappable } from '../../../sentry/mm/mappable.ts';
import { VM_LOCKED, VM_MAYALL, VM_SHARED, Vma } from '../../../sentry/mm/vma.ts';
import { VmaMap } from '../../../sentry/mm/vma-map.ts';

const PAGE = 4096;
const PAGES = 64;

class CountingFile implements Mappable {
  uses = 0;
  hostFd(): number {
    return 3;
  }
  mapName(): string {
    return '/file';
  }
  mapDev(): number {
    return 1;
  }
  mapIno(): number {
    return 2;
  }
  addMapping(): void {
    this.uses++;
  }
  removeMapping(): void {
    this.uses--;
  }
}

/** What one page is: prot, flags, file and the file page behind it. */
type Page = { prot: number; flags: number; file: Mappable | null; filePage: number } | null;

function random(seed: number): (bound: number) => number {
  let state = seed >>> 0;
  return (bound) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 4294967296) * bound);
  };
}

function check(map: VmaMap, model: readonly Page[], files: readonly CountingFile[]): void {
  let data = 0;
  let total = 0;
  let locked = 0;
  for (let i = 0; i < PAGES; i++) {
    const want = model[i]!;
    const vma = map.find(i * PAGE);
    if (want === null) {
      expect(vma).toBeNull();
      continue;
    }
    total += PAGE;
    if ((want.prot & 2) !== 0 && (want.flags & VM_SHARED) === 0) data += PAGE;
    if ((want.flags & VM_LOCKED) !== 0) locked += PAGE;
    expect(vma).not.toBeNull();
    const at = vma!;
    expect([at.prot, at.flags, at.mappable]).toEqual([want.prot, want.flags, want.file]);
    if (want.file !== null) expect(at.offset + i * PAGE - at.start).toBe(want.filePage * PAGE);
  }
  expect([map.totalBytes, map.dataBytes, map.lockedBytes]).toEqual([total, data, locked]);
  const uses = new Map<Mappable, number>();
  for (let i = 0; i < map.list.length; i++) {
    const vma = map.list[i]!;
    expect(vma.start).toBeLessThan(vma.end);
    if (i > 0) {
      const before = map.list[i - 1]!;
      expect(before.end).toBeLessThanOrEqual(vma.start);
      // Neighbours that could be one area are one.
      expect(before.continues(vma)).toBe(false);
    }
    if (vma.mappable !== null) uses.set(vma.mappable, (uses.get(vma.mappable) ?? 0) + 1);
  }
  for (const file of files) expect(file.uses).toBe(uses.get(file) ?? 0);
}

describe('VmaMap', () => {
  for (const seed of [1, 2, 3, 4]) {
    it(`agrees with a page table under random changes (seed ${seed})`, () => {
      const next = random(seed);
      const files = [new CountingFile(), new CountingFile()];
      const map = new VmaMap();
      const model: Page[] = new Array<Page>(PAGES).fill(null);
      for (let step = 0; step < 500; step++) {
        const first = next(PAGES);
        const last = Math.min(PAGES, first + 1 + next(12));
        const start = first * PAGE;
        const end = last * PAGE;
        const growth = map.growthOfCut(start, end, 0);
        const before = map.count;
        const pieces = map.cut(start, end);
        expect(map.count - before).toBeLessThanOrEqual(Math.max(growth, 0));
        const action = next(3);
        if (action === 0) {
          model.fill(null, first, last);
        } else if (action === 1) {
          const file = next(3) === 0 ? files[next(2)]! : null;
          const filePage = file === null ? 0 : first + next(2);
          const shared = file !== null && next(2) === 0;
          const flags = VM_MAYALL | (shared ? VM_SHARED : 0);
          const prot = 1 + next(3);
          map.insert(new Vma(start, end, prot, flags, file, filePage * PAGE, ''));
          for (let i = first; i < last; i++) {
            model[i] = { prot, flags, file, filePage: file === null ? 0 : filePage + i - first };
          }
        } else {
          const lock = next(2) === 0;
          for (const piece of pieces) {
            const copy = piece.slice(piece.start, piece.end);
            copy.flags = lock ? copy.flags | VM_LOCKED : copy.flags & ~VM_LOCKED;
            map.insert(copy);
          }
          for (let i = first; i < last; i++) {
            const page = model[i] ?? null;
            if (page === null) continue;
            model[i] = { ...page, flags: lock ? page.flags | VM_LOCKED : page.flags & ~VM_LOCKED };
          }
        }
        map.drop(pieces);
        check(map, model, files);
      }
      map.clear();
      expect(files.map((file) => file.uses)).toEqual([0, 0]);
    });
  }
});
