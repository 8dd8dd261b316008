// TCP over loopback against a model of two byte streams; ports and their reuse; UDP delivery.
import { expect, test } from 'vitest';
import { EADDRINUSE, EAGAIN, ECONNREFUSED, EINPROGRESS } from '../../../sentry/abi/errno.ts';
import { SHUT_WR } from '../../../sentry/abi/socket.ts';
import type { Datagram } from '../../../sentry/net/stack/inet-stack.ts';
import { ANY4, ANY6, LOOPBACK4 } from '../../../sentry/net/stack/ip.ts';
import { Timers } from '../../../sentry/time/timers.ts';
import { LoopbackStack } from '../../../sentry/net/stack/loopback/loopback-stack.ts';
import type { LoopbackTcp } from '../../../sentry/net/stack/loopback/loopback-tcp.ts';
import { bytes, randomFrom } from './fake-context.ts';

const host = { clock: { monotonicNs: () => 0, nowNs: () => 0 }, timers: new Timers() };

function connected(stack: LoopbackStack): [LoopbackTcp, LoopbackTcp] {
  const listener = stack.tcp(false);
  listener.bind(LOOPBACK4, 0);
  listener.listen(5);
  const client = stack.tcp(false);
  expect(client.connect(listener.local)).toBe(0);
  const server = listener.accept() as LoopbackTcp;
  listener.close();
  return [client, server];
}

test.each([21, 22])('both directions keep their bytes in order and bounded, seed %i', (seed) => {
  const random = randomFrom(seed);
  const ends = connected(new LoopbackStack(host));
  const sent = [0, 0];
  const read = [0, 0];
  for (let step = 0; step < 4000; step++) {
    const from = random(2);
    const len = 1 + random(random(20) === 0 ? 300000 : 500);
    if (random(2) === 0) {
      const data = Uint8Array.from({ length: len }, (_v, i) => (sent[from]! + i) & 0xff);
      const n = ends[from]!.send(data, 0, len);
      if (n !== -EAGAIN) sent[from]! += n;
    } else {
      const out = new Uint8Array(len);
      const n = ends[1 - from]!.receive(out, 0, len, false, 0);
      if (n === -EAGAIN) continue;
      for (let i = 0; i < n; i++) if (out[i] !== ((read[from]! + i) & 0xff)) throw new Error('out of order');
      read[from]! += n;
    }
    expect(sent[from]! - read[from]!).toBeLessThanOrEqual(1 << 20);
  }
  ends[0].shutdown(SHUT_WR);
  const out = new Uint8Array(1 << 21);
  while (read[0]! < sent[0]!) read[0]! += ends[1].receive(out, 0, out.length, false, 0);
  expect(ends[1].receive(out, 0, 1, false, 0)).toBe(0);
});

test('10,000 connections opened and closed leave nothing', () => {
  const stack = new LoopbackStack(host);
  const listener = stack.tcp(false);
  listener.bind(ANY4, 8080);
  listener.listen(128);
  for (let i = 0; i < 10000; i++) {
    const client = stack.tcp(false);
    expect(client.connect({ ip: LOOPBACK4, port: 8080 })).toBe(0);
    const server = listener.accept() as LoopbackTcp;
    client.send(bytes('request'), 0, 7);
    if (i % 3 === 0) server.close();
    client.close();
    server.close();
  }
  expect([...stack.tcpEndpoints()]).toEqual([listener]);
});

test('a connector beyond the backlog waits, and hears of the listener’s end', () => {
  const stack = new LoopbackStack(host);
  const listener = stack.tcp(false);
  listener.bind(LOOPBACK4, 0);
  listener.listen(0);
  const clients = [stack.tcp(false), stack.tcp(false), stack.tcp(false)] as const;
  expect(clients.map((c) => c.connect(listener.local))).toEqual([0, -EINPROGRESS, -EINPROGRESS]);
  listener.accept();
  expect(clients[1].state).toBe(1);
  listener.close();
  expect(clients[2].takeError()).toBe(ECONNREFUSED);
});

test('a dual-stack wildcard and a v4 one exclude each other', () => {
  const stack = new LoopbackStack(host);
  const six = stack.tcp(true);
  expect(six.bind(ANY6, 7000)).toBe(0);
  expect(stack.tcp(false).bind(ANY4, 7000)).toBe(-EADDRINUSE);
  six.close();
  const only = stack.tcp(true);
  only.options.v6only = true;
  expect(only.bind(ANY6, 7000)).toBe(0);
  expect(stack.tcp(false).bind(ANY4, 7000)).toBe(0);
});

const plain = { ttl: 64, tos: 0, source: null, throughLo: false };

test('a slow UDP reader loses datagrams instead of our memory', () => {
  const stack = new LoopbackStack(host);
  const reader = stack.udp(false);
  reader.bind(LOOPBACK4, 9000);
  const writer = stack.udp(false);
  for (let i = 0; i < 1000; i++) {
    expect(writer.send(new Uint8Array(1000), 0, 1000, { ip: LOOPBACK4, port: 9000 }, plain)).toBe(1000);
  }
  let count = 0;
  while (typeof reader.receive(false, 0) !== 'number') count++;
  expect(count).toBeGreaterThan(50);
  expect(count).toBeLessThan(300);
  writer.send(bytes('after'), 0, 5, { ip: LOOPBACK4, port: 9000 }, plain);
  expect((reader.receive(false, 0) as Datagram).data).toEqual(bytes('after'));
});
