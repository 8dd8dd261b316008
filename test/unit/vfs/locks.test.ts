/** Record locks against a naive model that keeps one lock per byte; flock; deadlock detection. */
import { beforeEach, describe, expect, it } from 'vitest';
import { F_RDLCK, F_UNLCK, F_WRLCK, LOCK_EX, LOCK_SH } from '../../../sentry/abi/fcntl.ts';
import {
  dropDescriptionLocks,
  dropProcessLocks,
  findConflict,
  recordLocks,
  setFlock,
  setRecordLock,
  stopWaiting,
  wouldDeadlock,
} from '../../../sentry/vfs/file-locks.ts';
import type { Inode } from '../../../sentry/vfs/inode.ts';
import { at, put, world } from './world.ts';

const BYTES = 48;
const OWNERS = 4;

let inode: Inode;

beforeEach(() => {
  const { t } = world();
  put(t, '/f', '');
  inode = at(t, '/f').dentry.inode!;
});

/** Byte by byte, owner by owner: F_UNLCK where nothing is held. */
class Model {
  readonly held = Array.from({ length: OWNERS + 1 }, () => new Array<number>(BYTES).fill(F_UNLCK));

  blocked(owner: number, type: number, start: number, end: number): boolean {
    for (let other = 1; other <= OWNERS; other++) {
      if (other === owner) continue;
      for (let i = start; i <= end; i++) {
        const theirs = this.held[other]![i]!;
        if (theirs === F_WRLCK || (theirs === F_RDLCK && type === F_WRLCK)) return true;
      }
    }
    return false;
  }
  set(owner: number, type: number, start: number, end: number): void {
    this.held[owner]!.fill(type, start, end + 1);
  }
}

function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1103515245 + 12345) & 0x7fffffff;
    return (state >>> 8) % below;
  };
}

describe('record locks', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('agree with the model, seed %i', (seed) => {
    const next = random(seed);
    const model = new Model();
    for (let step = 0; step < 400; step++) {
      const owner = 1 + next(OWNERS);
      const type = [F_RDLCK, F_WRLCK, F_UNLCK][next(3)]!;
      const start = next(BYTES);
      const end = start + next(BYTES - start);
      const blocked = type !== F_UNLCK && model.blocked(owner, type, start, end);
      expect(findConflict(inode, owner, type === F_UNLCK ? F_RDLCK : type, start, end) !== null).toBe(
        model.blocked(owner, type === F_UNLCK ? F_RDLCK : type, start, end),
      );
      expect(setRecordLock(inode, owner, type, start, end) !== null).toBe(blocked);
      if (!blocked) model.set(owner, type, start, end);
      compare(model);
    }
  });

  /** Same bytes held, and as few ranges as that takes. */
  function compare(model: Model): void {
    const bytes = Array.from({ length: OWNERS + 1 }, () => new Array<number>(BYTES).fill(F_UNLCK));
    for (const lock of recordLocks(inode)) {
      for (let i = lock.start; i <= lock.end; i++) {
        expect(bytes[lock.owner as number]![i]).toBe(F_UNLCK);
        bytes[lock.owner as number]![i] = lock.type;
      }
    }
    expect(bytes).toEqual(model.held);
    let runs = 0;
    for (const row of model.held)
      row.forEach((type, i) => (runs += type !== F_UNLCK && type !== row[i - 1] ? 1 : 0));
    expect(recordLocks(inode)).toHaveLength(runs);
  }

  it('reach to the end of the file, however it grows', () => {
    expect(setRecordLock(inode, 1, F_WRLCK, 100, Infinity)).toBeNull();
    expect(findConflict(inode, 2, F_RDLCK, 2 ** 50, 2 ** 50)).toMatchObject({ start: 100, end: Infinity });
    expect(setRecordLock(inode, 1, F_UNLCK, 200, 299)).toBeNull();
    expect(recordLocks(inode).map((l) => [l.start, l.end])).toEqual([
      [100, 199],
      [300, Infinity],
    ]);
  });

  it('go with the process or the description that owns them', () => {
    const file = {};
    setRecordLock(inode, 1, F_RDLCK, 0, 9);
    setRecordLock(inode, file, F_RDLCK, 0, 9);
    dropProcessLocks(inode, 1);
    expect(recordLocks(inode).map((l) => l.owner)).toEqual([file]);
    dropDescriptionLocks(inode, file);
    expect(recordLocks(inode)).toEqual([]);
  });

  it('find circles of waiting, and forget who has stopped', () => {
    expect(wouldDeadlock(1, 2)).toBe(false);
    expect(wouldDeadlock(2, 3)).toBe(false);
    expect(wouldDeadlock(3, 1)).toBe(true);
    stopWaiting(2);
    expect(wouldDeadlock(3, 1)).toBe(false);
    for (const owner of [1, 2, 3]) stopWaiting(owner);
  });
});

describe('flock', () => {
  it('shares, excludes, converts', () => {
    const a = {};
    const b = {};
    expect(setFlock(inode, a, LOCK_SH)).toBe(true);
    expect(setFlock(inode, b, LOCK_SH)).toBe(true);
    expect(setFlock(inode, a, LOCK_EX)).toBe(false);
    // flock(2): a failed conversion has lost the old lock.
    expect(setFlock(inode, b, LOCK_EX)).toBe(true);
    expect(setFlock(inode, a, LOCK_SH)).toBe(false);
    expect(setFlock(inode, b, LOCK_SH)).toBe(true);
    expect(setFlock(inode, a, LOCK_SH)).toBe(true);
    setFlock(inode, b, 0);
    dropDescriptionLocks(inode, a);
    expect(setFlock(inode, b, LOCK_EX)).toBe(true);
  });
});
