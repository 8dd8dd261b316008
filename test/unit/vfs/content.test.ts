/** Bytes of tmpfs files against a plain model: on the heap, in a mapped host file, in one with holes, and on disk. */
import { closeSync, mkdtempSync, openSync, rmSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, describe, expect, test } from 'vitest';

import { addon } from '../../../native/addon.ts';
import { EBADF } from '../../../sentry/abi/errno.ts';
import { FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE } from '../../../sentry/abi/fcntl.ts';
import { Content } from '../../../sentry/fs/tmpfs/content.ts';
import { defaultStore, type FileStore } from '../../../sentry/vfs/file-store.ts';

const directory = mkdtempSync(join(tmpdir(), 'content-'));
afterAll(() => {
  rmSync(directory, { recursive: true });
});

const onDisk: FileStore = {
  inMemory: false,
  make() {
    const path = join(directory, 'file');
    const fd = openSync(path, 'wx+');
    const readFd = openSync(path, 'r');
    unlinkSync(path);
    return { fd, readFd };
  },
};

const LIMIT = 3 << 20;

function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % below;
  };
}

function pool(): { usedPages: number; maxPages: number } {
  return { usedPages: 0, maxPages: 1 << 20 };
}

describe.each([
  ['memory', defaultStore()],
  ['disk', onDisk],
])('%s', (_name, store) => {
  test.each([1, 2, 3, 4, 5, 6])('random changes and reads, seed %i', (seed) => {
    const below = random(seed);
    const used = pool();
    const content = new Content(used, store);
    const model = new Uint8Array(2 * LIMIT);
    let size = 0;
    for (let step = 0; step < 400; step++) {
      const pos = below(seed % 2 === 0 ? LIMIT : 200_000);
      const len = 1 + below(step % 5 === 0 ? 300_000 : 5000);
      const what = below(10);
      if (what < 4) {
        const bytes = Uint8Array.from({ length: len }, () => below(256));
        expect(content.write(bytes, 0, len, pos)).toBe(len);
        model.set(bytes, pos);
        size = Math.max(size, pos + len);
      } else if (what < 8) {
        const out = new Uint8Array(len + 2).fill(0xee);
        const n = Math.max(0, Math.min(len, size - pos));
        expect(content.read(out, 1, len, pos)).toBe(n);
        expect(Buffer.compare(out.subarray(1, 1 + n), model.subarray(pos, pos + n))).toBe(0);
        expect([out[0], out[n + 1]]).toEqual([0xee, 0xee]);
      } else if (what === 8) {
        if (pos < size) model.fill(0, pos, size);
        expect(content.truncate(pos)).toBe(0);
        size = pos;
      } else if (step % 3 === 0) {
        const mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
        expect(content.allocate(mode, pos, len)).toBe(0);
        model.fill(0, pos, pos + len);
      }
      expect(content.size).toBe(size);
    }
    content.free();
    expect(used.usedPages).toBe(0);
  });
});

test('reading a hole does not fill it', () => {
  const content = new Content(pool(), defaultStore());
  expect(content.truncate(8 << 20)).toBe(0);
  expect(content.write(new Uint8Array(4096), 0, 4096, 1 << 20)).toBe(4096);
  const out = new Uint8Array(1 << 20);
  expect(content.read(out, 0, out.length, 2 << 20)).toBe(out.length);
  expect(content.blocks()).toBe(8);
  content.free();
});

test('the descriptor for readers cannot write, and sees what is written', () => {
  const content = new Content(pool(), onDisk);
  const bytes = Buffer.from('bytes');
  content.write(bytes, 0, bytes.length, 0);
  const fd = content.hostFd(false);
  expect(addon.pwrite(fd, bytes, 0, 1, 0)).toBe(-EBADF);
  content.write(Buffer.from('B'), 0, 1, 0);
  const out = Buffer.alloc(5);
  expect(addon.pread(fd, out, 0, 5, 0)).toBe(5);
  expect(out.toString()).toBe('Bytes');
  content.free();
  expect(() => {
    closeSync(fd);
  }).toThrow('EBADF');
});
