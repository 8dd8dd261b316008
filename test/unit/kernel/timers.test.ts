/** The timer heap against a naive list, and the calls that set timers, on a clock that the test turns. */
import { describe, expect, test } from 'vitest';
import { EAGAIN, EINVAL } from '../../../sentry/abi/errno.ts';
import { SIGALRM, SIGUSR1 } from '../../../sentry/abi/signal.ts';
import type { Task } from '../../../sentry/kernel/task.ts';
import { Timer, Timers } from '../../../sentry/time/timers.ts';
import { MEMORY_START } from './fake-platform.ts';
import { World, block, fork, sys, threadOf } from './world.ts';

const A = MEMORY_START;
const MS = 1e6;

/** A small generator, so that a failure can be repeated. */
function random(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 4294967296;
}

function long(task: Task, addr: number, ...values: number[]): void {
  values.forEach((value, i) => {
    threadOf(task).setInt(addr + 8 * i, value);
    threadOf(task).setInt(addr + 8 * i + 4, value < 0 ? -1 : 0);
  });
}

test('the heap fires as a sorted list would', () => {
  const next = random(7);
  const timers = new Timers();
  const fired: number[] = [];
  const all = Array.from({ length: 200 }, (_, i) => new Timer(() => fired.push(i)));
  const expected = new Map<number, number>();
  let now = 0;
  for (let step = 0; step < 5000; step++) {
    const i = Math.floor(next() * all.length);
    const choice = next();
    if (choice < 0.6) {
      const at = now + Math.floor(next() * 1000) + 1;
      timers.arm(all[i]!, at);
      expected.set(i, at);
    } else if (choice < 0.8) {
      timers.cancel(all[i]!);
      expected.delete(i);
    } else {
      now += Math.floor(next() * 200);
      fired.length = 0;
      timers.fire(now);
      const due = [...expected].filter(([, at]) => at <= now);
      expect(fired.map((n) => expected.get(n))).toEqual(due.map(([, at]) => at).sort((a, b) => a - b));
      for (const [n] of due) expected.delete(n);
    }
    expect(timers.nextDeadlineNs).toBe(Math.min(Infinity, ...expected.values()));
  }
});

describe('interval timers', () => {
  test('SIGALRM kills who does not catch it', () => {
    const w = new World();
    const child = fork(w.init);
    long(child, A, 0, 0, 0, 10000);
    expect(sys(child, 'setitimer', 0, A, 0)).toBe(0);
    w.advance(9 * MS);
    expect(child.group.zombie).toBe(false);
    w.advance(1 * MS);
    expect(child.group.exitStatus).toBe(SIGALRM);
  });

  test('a caught SIGALRM comes each interval', () => {
    const w = new World();
    const child = fork(w.init);
    child.group.actions.get(SIGALRM).handler = 0x401000;
    long(child, A, 0, 20000, 0, 10000);
    sys(child, 'setitimer', 0, A, 0);
    let count = 0;
    for (let i = 0; i < 10; i++) {
      w.advance(10 * MS);
      if (threadOf(child).interrupted > 0) {
        threadOf(child).interrupted = 0;
        if (threadOf(child).trap()!.kind === 'signal') count++;
        child.setMask(0, 0);
      }
    }
    expect(count).toBe(5);
    expect(sys(child, 'getitimer', 0, A)).toBe(0);
    expect([threadOf(child).int(A + 8), threadOf(child).int(A + 24)]).toEqual([20000, 10000]);
  });

  test('alarm rounds what is left and never says 0 for a running one', () => {
    const { init } = new World();
    expect(sys(init, 'alarm', 5)).toBe(0);
    expect(sys(init, 'alarm', 0)).toBe(5);
    long(init, A, 0, 0, 0, 1000);
    sys(init, 'setitimer', 0, A, 0);
    expect(sys(init, 'alarm', 0)).toBe(1);
  });
});

describe('POSIX timers', () => {
  test('intervals missed while the signal waits are the overrun', () => {
    const w = new World();
    const child = fork(w.init);
    child.group.actions.get(SIGUSR1).handler = 0x401000;
    child.setMask(1 << (SIGUSR1 - 1), 0);
    const t = threadOf(child);
    for (let i = 0; i < 64; i += 4) t.setInt(A + i, 0);
    t.setInt(A, 42);
    t.setInt(A + 8, SIGUSR1);
    expect(sys(child, 'timer_create', 1, A, A + 64)).toBe(0);
    const id = t.int(A + 64);
    long(child, A, 0, 10 * MS, 0, 10 * MS);
    expect(sys(child, 'timer_settime', id, 0, A, 0)).toBe(0);
    w.advance(10 * MS);
    w.advance(35 * MS);
    const info = w.kernel.signals.take(child, 0, 0)!;
    info.timer!.delivered(info);
    expect([info.signo, info.valueLo, info.overrun]).toEqual([SIGUSR1, 42, 3]);
    expect(sys(child, 'timer_getoverrun', id)).toBe(3);
    expect(sys(child, 'timer_gettime', id, A)).toBe(0);
    expect(t.int(A + 24)).toBe(5 * MS);
    expect(sys(child, 'timer_delete', id)).toBe(0);
    expect(sys(child, 'timer_delete', id)).toBe(-EINVAL);
  });
});

describe('timerfd', () => {
  test('counts expirations, wakes readers, and tells the time left', () => {
    const w = new World();
    const { init } = w;
    const fd = sys(init, 'timerfd_create', 1, 0o4000);
    const file = init.files.get(fd)!;
    const buffer = new Uint8Array(8);
    expect(file.read(buffer, 0, 8, init)).toBe(-EAGAIN);
    long(init, A, 0, 10 * MS, 0, 10 * MS);
    expect(sys(init, 'timerfd_settime', fd, 0, A, 0)).toBe(0);
    expect(file.readiness()).toBe(0);
    w.advance(55 * MS);
    expect([file.readiness() & 1, file.read(buffer, 0, 8, init), buffer[0]]).toEqual([1, 8, 5]);
    sys(init, 'timerfd_gettime', fd, A);
    expect(threadOf(init).int(A + 24)).toBe(5 * MS);
    w.advance(5 * MS);
    expect([file.read(buffer, 0, 8, init), buffer[0]]).toEqual([8, 1]);
    expect(file.read(buffer, 0, 4, init)).toBe(-EINVAL);
  });
});

test('clock_nanosleep to a time that has passed returns at once, to a later one waits for it', () => {
  const w = new World();
  long(w.init, A, 0, 500 * MS);
  expect(sys(w.init, 'clock_nanosleep', 1, 1, A, 0)).toBe(0);
  long(w.init, A, 2, 0);
  block(w.init, 'clock_nanosleep', 1, 1, A, 0);
  w.advance(0.9e9);
  expect(threadOf(w.init).reply()).toBeNull();
  w.advance(0.1e9);
  expect(threadOf(w.init).reply()).toMatchObject({ kind: 'return', value: 0 });
});
