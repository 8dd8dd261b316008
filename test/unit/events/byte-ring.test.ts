// The ring against a plain array, with random writes, reads, peeks and skips.
import { describe, expect, test } from 'vitest';
import { ByteRing } from '../../../sentry/base/byte-ring.ts';
import { randomFrom } from './fake-context.ts';

describe('a byte ring holds what a queue would', () => {
  test.each([1, 2, 3, 4, 5])('random operations, seed %i', (seed) => {
    const random = randomFrom(seed);
    const ring = new ByteRing();
    const model: number[] = [];
    let next = 0;
    let read = 0;
    for (let step = 0; step < 3000; step++) {
      const size = random(random(10) === 0 ? 20000 : 300);
      if (random(2) === 0 && ring.used + size <= 65536) {
        const data = Uint8Array.from({ length: size + 3 }, () => next++ & 0xff);
        ring.write(data, 3, size);
        model.push(...data.subarray(3));
      } else {
        const skip = random(Math.min(50, model.length + 1));
        const n = Math.min(size, model.length - skip);
        const out = new Uint8Array(n + 5);
        ring.peek(out, 5, n, skip);
        expect([...out.subarray(5)]).toEqual(model.slice(skip, skip + n));
        const take = Math.min(size, model.length);
        ring.read(new Uint8Array(take), 0, take);
        model.splice(0, take);
        read += take;
      }
      expect(ring.used).toBe(model.length);
      expect(ring.readPos).toBe(read);
      expect(ring.writePos).toBe(read + model.length);
    }
  });

  test('memory of a drained ring serves the next one', () => {
    const a = new ByteRing();
    a.write(new Uint8Array(60000).fill(7), 0, 60000);
    a.consume(60000);
    const b = new ByteRing();
    b.write(new Uint8Array(50000).fill(9), 0, 50000);
    a.write(new Uint8Array(60000).fill(8), 0, 60000);
    const out = new Uint8Array(50000);
    b.read(out, 0, 50000);
    expect(out.every((v) => v === 9)).toBe(true);
  });
});
