// Guests that take too much: a fork bomb and a memory hog meet the container's limits, and the rest goes on.

import { beforeAll, describe, expect, test } from 'vitest';

import { inSandbox } from './compare.ts';
import { MAKING_MS, rootfs } from '../support/rootfs.ts';
import { canRun } from '../support/sandbox.ts';

describe.skipIf(!canRun)('limits', () => {
  beforeAll(() => void rootfs('debian'), MAKING_MS);

  test('a fork bomb meets the limit of processes', { timeout: 600_000 }, async () => {
    const script = `
      bomb() { bomb | bomb & }
      (ulimit -u unlimited; bomb) >/dev/null 2>&1
      sleep 3
      echo alive`;
    const result = await inSandbox(script, { resources: { pids: { limit: 100 } }, timeoutMs: 500_000 });
    expect(result).toMatchObject({ stdout: 'alive\n', status: 0, leftovers: [] });
  });

  test('fork fails with EAGAIN at the limit', { timeout: 600_000 }, async () => {
    const script = `exec python3 -c '
import os, errno
count = 0
try:
    while count < 1000:
        if os.fork() == 0: os.read(os.pipe()[0], 1)
        count += 1
except OSError as e: print(errno.errorcode[e.errno], count < 100)
os.kill(-1, 9)'`;
    const result = await inSandbox(script, { resources: { pids: { limit: 100 } }, timeoutMs: 500_000 });
    expect(result).toMatchObject({ stdout: 'EAGAIN True\n', leftovers: [] });
  });

  test('a memory hog dies and its shell goes on', { timeout: 600_000 }, async () => {
    const script = `
      python3 -c 'x = []
while True: x.append(bytearray(b"x" * 1000000))' 2>/dev/null
      test $? -ne 0 && echo hog ended
      echo alive`;
    const resources = { memory: { limit: 300 << 20 } };
    const result = await inSandbox(script, { resources, timeoutMs: 500_000 });
    expect(result).toMatchObject({ stdout: 'hog ended\nalive\n', status: 0, leftovers: [] });
  });

  test('the address space limit is ENOMEM', { timeout: 600_000 }, async () => {
    const result = await inSandbox(`ulimit -v 200000; python3 -c '
try: bytearray(1 << 30)
except MemoryError: print("MemoryError")'`);
    expect(result).toMatchObject({ stdout: 'MemoryError\n', status: 0 });
  });
});
