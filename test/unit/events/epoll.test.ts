// epoll: what is looked at, limits on nesting, exclusive wake-ups, the end of watched files.
import { expect, test } from 'vitest';
import { EINVAL, ELOOP } from '../../../sentry/abi/errno.ts';
import { EPOLLEXCLUSIVE } from '../../../sentry/abi/epoll.ts';
import { POLLIN } from '../../../sentry/abi/poll.ts';
import { Waiter } from '../../../sentry/base/wait-queue.ts';
import { EpollFile } from '../../../sentry/fs/epoll/epoll-file.ts';
import { EventFile } from '../../../sentry/fs/eventfd/eventfd.ts';
import { cpuMs } from '../../support/cpu-time.ts';

const one = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0);

class CountingEvent extends EventFile {
  looked = 0;
  override readiness(): number {
    this.looked++;
    return super.readiness();
  }
}

function collect(epoll: EpollFile, max = 100): number[] {
  const found: number[] = [];
  epoll.collect((_events, lo) => void found.push(lo), max);
  return found;
}

test('a wait looks at ready files only, however many are watched', () => {
  const epoll = new EpollFile();
  const files = Array.from({ length: 1000 }, () => new CountingEvent(0, 0, false));
  files.forEach((file, i) => expect(epoll.add(file, i, POLLIN, i, 0)).toBe(0));
  files[17]!.write(one, 0, 8);
  files[900]!.write(one, 0, 8);
  for (const file of files) file.looked = 0;
  expect(collect(epoll)).toEqual([17, 900]);
  expect(files.reduce((sum, file) => sum + file.looked, 0)).toBe(2);
});

test('the last reference of a watched file ends its items in every instance', () => {
  const first = new EpollFile();
  const second = new EpollFile();
  const file = new EventFile(1, 0, false);
  file.incRef();
  first.add(file, 3, POLLIN, 1, 0);
  first.add(file, 4, POLLIN, 2, 0);
  second.add(file, 3, POLLIN, 3, 0);
  expect(collect(first)).toEqual([1, 2]);
  file.decRef();
  expect(collect(first)).toEqual([]);
  expect(collect(second)).toEqual([]);
  expect([...first.watched()]).toEqual([]);
  expect(file.epollLinks).toBeNull();
});

test('a reused descriptor number is another item than the file that had it', () => {
  const epoll = new EpollFile();
  const old = new EventFile(1, 0, false);
  const fresh = new EventFile(1, 0, false);
  expect(epoll.add(old, 5, POLLIN, 1, 0)).toBe(0);
  expect(epoll.add(fresh, 5, POLLIN, 2, 0)).toBe(0);
  expect(collect(epoll)).toEqual([1, 2]);
  expect(epoll.remove(old, 5)).toBe(0);
  expect(collect(epoll)).toEqual([2]);
});

test('cycles and deep nests are refused and leave nothing behind', () => {
  const chain = Array.from({ length: 6 }, () => new EpollFile());
  const result = chain.slice(1).map((outer, i) => outer.add(chain[i]!, i, POLLIN, 0, 0));
  expect(result).toEqual([0, 0, 0, 0, -ELOOP]);
  expect(chain[0]!.add(chain[3]!, 1, POLLIN, 0, 0)).toBe(-ELOOP);
  expect([...chain[0]!.watched()]).toEqual([]);
});

test('a nest cannot multiply the wake-ups of one file without bound', () => {
  const file = new EventFile(0, 0, false);
  let refused = 0;
  const inner = Array.from({ length: 40 }, () => new EpollFile());
  inner.forEach((epoll) => epoll.add(file, 1, POLLIN, 0, 0));
  const middle = Array.from({ length: 40 }, () => new EpollFile());
  for (const outer of middle) {
    inner.forEach((epoll, fd) => {
      if (outer.add(epoll, fd, POLLIN, 0, 0) === -EINVAL) refused++;
    });
  }
  expect(refused).toBeGreaterThan(0);
});

test('a wide nest of instances is checked in time', () => {
  const leaves = Array.from({ length: 300 }, () => new EpollFile());
  const middle = Array.from({ length: 300 }, () => new EpollFile());
  for (const outer of middle) leaves.forEach((leaf, fd) => outer.add(leaf, fd, POLLIN, 0, 0));
  const top = new EpollFile();
  const start = cpuMs();
  middle.forEach((epoll, fd) => expect(top.add(epoll, fd, POLLIN, 0, 0)).toBe(0));
  const root = new EpollFile();
  expect(root.add(top, 1, POLLIN, 0, 0)).toBe(0);
  expect(cpuMs() - start).toBeLessThan(20_000);
});

test('of exclusive instances only one that is waited on is woken', () => {
  const file = new EventFile(0, 0, false);
  const instances = Array.from({ length: 3 }, () => new EpollFile());
  const woken: number[] = [];
  instances.forEach((epoll, i) => {
    epoll.add(file, 1, POLLIN | EPOLLEXCLUSIVE, i, 0);
    // Nobody waits on the first one.
    if (i > 0) epoll.queue.add(new Waiter(() => void woken.push(i)), POLLIN);
  });
  file.write(one, 0, 8);
  expect(woken).toEqual([1]);
});
