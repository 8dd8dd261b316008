import { expect, test } from 'vitest';
import { WaitQueue, Waiter } from '../../../sentry/base/wait-queue.ts';

const IN = 1;
const OUT = 4;
const HUP = 16;

test('only interested waiters are told, in order of arrival; hang-ups reach all', () => {
  const queue = new WaitQueue();
  const told: string[] = [];
  const add = (name: string, mask: number): void =>
    queue.add(new Waiter((m) => void told.push(name + m)), mask);
  add('a', IN);
  add('b', OUT);
  add('c', IN | OUT);
  queue.notify(IN);
  queue.notify(HUP);
  expect(told).toEqual(['a1', 'c1', 'a16', 'b16', 'c16']);
});

test('a callback that removes its successors does not keep later waiters from hearing', () => {
  // A task that polls the same queue twice leaves it with both waiters at the first wake-up.
  const queue = new WaitQueue();
  const told: string[] = [];
  const twin = new Waiter(() => void told.push('twin'));
  queue.add(
    new Waiter(() => {
      told.push('first');
      twin.remove();
    }),
    IN,
  );
  queue.add(twin, IN);
  queue.add(new Waiter(() => void told.push('last')), IN);
  queue.notify(IN);
  expect(told).toEqual(['first', 'last']);
});

test('waiters added by a callback wait for the next notification', () => {
  const queue = new WaitQueue();
  let count = 0;
  const again = new Waiter((_mask, waiter) => {
    count++;
    queue.add(waiter, IN);
  });
  queue.add(again, IN);
  queue.notify(IN);
  expect(count).toBe(1);
  queue.notify(IN);
  expect(count).toBe(2);
});

test('one exclusive waiter takes the wake-up, others hear on', () => {
  const queue = new WaitQueue();
  const told: string[] = [];
  const add = (name: string, exclusive: boolean, takes: boolean): void => {
    const waiter = new Waiter((_mask, w) => {
      told.push(name);
      w.taken = takes;
    });
    waiter.exclusive = exclusive;
    queue.add(waiter, IN);
  };
  add('busy', true, false);
  add('idle', true, true);
  add('spared', true, true);
  add('plain', false, false);
  queue.notify(IN);
  expect(told).toEqual(['busy', 'idle', 'plain']);
});
