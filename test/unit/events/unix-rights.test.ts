// Descriptors in flight: references, cycles, and what never comes back.
import { expect, test } from 'vitest';
import { ETOOMANYREFS } from '../../../sentry/abi/errno.ts';
import { SOCK_DGRAM, SOCK_STREAM } from '../../../sentry/abi/socket.ts';
import { EventFile } from '../../../sentry/fs/eventfd/eventfd.ts';
import { Message } from '../../../sentry/net/socket/message.ts';
import type { SocketFile } from '../../../sentry/net/socket/socket-file.ts';
import { Timers } from '../../../sentry/time/timers.ts';
import { LoopbackStack } from '../../../sentry/net/stack/loopback/loopback-stack.ts';
import { UnixFamily } from '../../../sentry/net/socket/unix/unix-family.ts';
import type { FileDescription } from '../../../sentry/vfs/file-description.ts';
import { bytes, fakeContext } from './fake-context.ts';

const host = { clock: { monotonicNs: () => 0, nowNs: () => 0 }, timers: new Timers() };

const ctx = fakeContext();

function pair(family: UnixFamily, type = SOCK_STREAM): [SocketFile, SocketFile] {
  const made = family.createPair(type, 0, 0, ctx) as [SocketFile, SocketFile];
  for (const s of made) s.incRef();
  return made;
}

function send(s: SocketFile, text: string, files: FileDescription[], limit = Infinity): number {
  const msg = new Message();
  const data = bytes(text);
  msg.reset(data, 0, data.length, 0);
  msg.rights = files.length > 0 ? files : null;
  msg.rightsLimit = limit;
  return s.send(msg, ctx);
}

function receive(s: SocketFile, len: number): Message & { count: number } {
  const msg = new Message();
  msg.reset(new Uint8Array(len), 0, len, 0);
  return Object.assign(msg, { count: s.receive(msg, ctx) });
}

test('a file in flight stays open until it is dropped', () => {
  const [a, b] = pair(new UnixFamily(new LoopbackStack(host)));
  const file = new EventFile(0, 0, false);
  file.incRef();
  expect(send(a, 'x', [file, file])).toBe(1);
  expect(file.refs).toBe(3);
  file.decRef();
  b.decRef();
  expect(file.refs).toBe(0);
});

test('bytes are joined up to those that carry descriptors, and no further', () => {
  const [a, b] = pair(new UnixFamily(new LoopbackStack(host)));
  const file = new EventFile(0, 0, false);
  file.incRef();
  send(a, 'head', []);
  send(a, 'one', [file]);
  send(a, 'two', [file]);
  send(a, 'tail', []);
  const first = receive(b, 100);
  expect([first.count, first.rights?.length]).toEqual([7, 1]);
  const cut = receive(b, 2);
  expect([cut.count, cut.rights?.length]).toEqual([2, 1]);
  const rest = receive(b, 100);
  expect([rest.count, rest.rights]).toEqual([5, null]);
});

test.each([SOCK_STREAM, SOCK_DGRAM])('sockets that only hold each other are collected (type %i)', (type) => {
  const family = new UnixFamily(new LoopbackStack(host));
  const file = new EventFile(0, 0, false);
  file.incRef();
  for (let i = 0; i < 50; i++) {
    const [a, b] = pair(family, type);
    const [c, d] = pair(family, type);
    send(a, 'x', [a, b, file]);
    send(b, 'x', [c]);
    send(c, 'x', [a, d]);
    send(d, 'x', [b]);
    for (const s of [a, b, c, d]) s.decRef();
  }
  // One more close collects what the last round left.
  for (let i = 0; i < 100; i++) for (const s of pair(family, type)) s.decRef();
  expect(family.network.sockets.size).toBe(0);
  expect(file.refs).toBe(1);
});

test('a socket that somebody still has is no garbage, nor is what lies in its queue', () => {
  const family = new UnixFamily(new LoopbackStack(host));
  const [keep, other] = pair(family);
  const [a, b] = pair(family);
  // keep's queue holds a, a's queue holds b.
  send(b, 'x', [b]);
  send(other, 'x', [a]);
  a.decRef();
  b.decRef();
  for (let i = 0; i < 20; i++) for (const s of pair(family)) s.decRef();
  const got = receive(keep, 1);
  expect(got.rights).toHaveLength(1);
  const again = receive(a, 10);
  expect(again.rights?.[0]).toBe(b);
});

test('one user cannot have more in flight than RLIMIT_NOFILE', () => {
  const [a] = pair(new UnixFamily(new LoopbackStack(host)));
  const file = new EventFile(0, 0, false);
  file.incRef();
  const results = Array.from({ length: 12 }, () => send(a, 'x', [file], 8));
  expect(results.slice(0, 9)).toEqual(Array(9).fill(1));
  expect(results[10]).toBe(-ETOOMANYREFS);
});
