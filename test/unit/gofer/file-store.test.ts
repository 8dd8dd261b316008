/** Nameless files by the gofer: made ahead where many are needed, each with a descriptor that only reads. */
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { EBADF, EINVAL } from '../../../sentry/abi/errno.ts';
import { GoferFileStore } from '../../../sentry/fs/gofer/file-store.ts';
import { MEMORY_LIMIT, STORE_MEMORY, STORE_OVERLAY } from '../../../gofer/protocol/messages.ts';
import { addon } from '../../../native/addon.ts';
import { startGofer, type Gofer } from './harness.ts';

let gofer: Gofer | null = null;
afterEach(async () => {
  await gofer?.stop();
  gofer = null;
});

function openFds(): number {
  return readdirSync('/proc/self/fd').length;
}

test('500 files cost a few dozen exchanges, the first just one file', () => {
  gofer = startGofer();
  const { client } = gofer;
  const store = new GoferFileStore(client, STORE_MEMORY);
  const before = openFds();
  const calls = client.calls;
  const first = store.make();
  if (typeof first === 'number') throw new Error(`errno ${first}`);
  expect(openFds() - before).toBe(2);
  const files = [first];
  for (let i = 1; i < 500; i++) {
    const file = store.make();
    if (typeof file === 'number') throw new Error(`errno ${file}`);
    files.push(file);
  }
  expect(client.calls - calls).toBeLessThan(40);
  expect(openFds() - before).toBeLessThan(2 * (500 + MEMORY_LIMIT));
  // Nothing has a name.
  expect(readdirSync(join(dirname(gofer.tree), 'store'))).toEqual([]);
  const buffer = Buffer.alloc(8);
  for (const [i, { fd, readFd }] of files.entries()) {
    expect(addon.pwrite(fd, Buffer.from(String(i)), 0, String(i).length, 0)).toBe(String(i).length);
    expect(addon.pwrite(readFd, buffer, 0, 1, 0)).toBe(-EBADF);
  }
  // Each is a file of its own.
  for (const [i, { fd, readFd }] of files.entries()) {
    const n = addon.pread(readFd, buffer, 0, 8, 0);
    expect(buffer.toString('latin1', 0, n)).toBe(String(i));
    addon.close(fd);
    addon.close(readFd);
  }
});

test('a count that cannot be right and a store that is not there are refused', () => {
  gofer = startGofer();
  const { client } = gofer;
  expect(client.memory(STORE_MEMORY, 0)).toBe(-EINVAL);
  expect(client.memory(STORE_MEMORY, MEMORY_LIMIT + 1)).toBe(-EINVAL);
  expect(client.memory(STORE_OVERLAY, 1)).toBe(-EINVAL);
});
