// A caller for files under test: no guest memory, no path; waits and signals are only recorded.
import { CAP_FULL, Credentials } from '../../../sentry/auth/credentials.ts';
import { BLOCKED } from '../../../sentry/base/result.ts';
import type { CallerContext } from '../../../sentry/vfs/context.ts';

export interface FakeContext extends CallerContext {
  signals: number[];
}

export function fakeContext(fields: Partial<Credentials> = {}): FakeContext {
  const signals: number[] = [];
  const context: Partial<FakeContext> = {
    creds: new Credentials({ permitted: CAP_FULL, effective: CAP_FULL, ...fields }),
    tid: 7,
    pid: 7,
    umask: 0o022,
    fileSizeLimit: Infinity,
    onUnblock: null,
    signals,
    waitOn: () => BLOCKED,
    signalSelf: (signo) => void signals.push(signo),
  };
  return context as FakeContext;
}

/** Deterministic pseudo-random numbers: failures can be repeated. */
export function randomFrom(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 4294967296) * limit);
  };
}

export function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}
