// Time limits for what has to be fast, on machines that are slow or busy.

import { expect } from 'vitest';

/** CPU time of this process in ms, which other programs on the machine do not add to. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** `timeMs` tells what the work on so many things takes: for ten times as many not much more than ten times as long. */
export function expectLinear(timeMs: (count: number) => number): void {
  const few = Math.min(timeMs(4000), timeMs(4000));
  expect(timeMs(40_000), 'CPU time in ms').toBeLessThan(40 * Math.max(few, 10));
}
