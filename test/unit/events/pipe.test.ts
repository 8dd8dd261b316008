// Pipes against a model of bytes and packets; FIFO opening with waits.
import { expect, test } from 'vitest';
import { EAGAIN, ENXIO, EPIPE, ERESTARTSYS } from '../../../sentry/abi/errno.ts';
import { O_DIRECT, O_NONBLOCK, O_RDONLY, O_WRONLY } from '../../../sentry/abi/fcntl.ts';
import { POLLERR, POLLHUP, POLLIN, POLLOUT } from '../../../sentry/abi/poll.ts';
import { BLOCKED } from '../../../sentry/base/result.ts';
import { Waiter } from '../../../sentry/base/wait-queue.ts';
import { makePipe } from '../../../sentry/fs/pipe/anon-pipe.ts';
import { openFifo } from '../../../sentry/fs/pipe/fifo.ts';
import { PipeFile } from '../../../sentry/fs/pipe/pipe-file.ts';
import { S_IFIFO } from '../../../sentry/abi/stat.ts';
import { AnonFilesystem, AnonInode } from '../../../sentry/vfs/anon-inode.ts';
import type { CallerContext } from '../../../sentry/vfs/context.ts';
import type { Path } from '../../../sentry/vfs/path.ts';
import { bytes, fakeContext, randomFrom } from './fake-context.ts';

const fs = new AnonFilesystem('test', 1, 0);

/** A FIFO without a name; opening it needs none. */
function fifo(): (flags: number, ctx: CallerContext) => PipeFile | number {
  const inode = new AnonInode(fs, S_IFIFO | 0o600, 0, 0);
  return (flags, ctx) => openFifo(inode, null as unknown as Path, flags, ctx) as PipeFile | number;
}

test.each([11, 12, 13])('random packets and plain writes keep their boundaries, seed %i', (seed) => {
  const random = randomFrom(seed);
  const ctx = fakeContext();
  const { reader, writer } = makePipe(O_NONBLOCK, ctx);
  // Each entry is a packet, or a run of plain bytes.
  const model: { packet: boolean; data: number[] }[] = [];
  let next = 0;
  for (let step = 0; step < 4000; step++) {
    const len = 1 + random(200);
    if (random(2) === 0) {
      const packet = random(3) === 0;
      writer.flags = packet ? writer.flags | O_DIRECT : writer.flags & ~O_DIRECT;
      const data = Uint8Array.from({ length: len }, () => next++ & 0xff);
      const n = writer.write(data, 0, len, ctx);
      if (n === -EAGAIN) continue;
      expect(n).toBe(len);
      const last = model[model.length - 1];
      if (!packet && last?.packet === false) last.data.push(...data);
      else model.push({ packet, data: [...data] });
    } else {
      const out = new Uint8Array(len);
      const n = reader.read(out, 0, len);
      const first = model[0];
      if (first === undefined) {
        expect(n).toBe(-EAGAIN);
        continue;
      }
      expect([...out.subarray(0, n)]).toEqual(first.data.slice(0, len));
      if (first.packet || n === first.data.length) model.shift();
      else first.data.splice(0, n);
    }
  }
});

test('a writer hears of room only when PIPE_BUF bytes fit', () => {
  const ctx = fakeContext();
  const { reader, writer } = makePipe(O_NONBLOCK, ctx);
  let told = 0;
  writer.queue!.add(new Waiter(() => void told++), POLLOUT);
  expect(writer.write(new Uint8Array(65536), 0, 65536, ctx)).toBe(65536);
  expect(writer.readiness() & POLLOUT).toBe(0);
  reader.read(new Uint8Array(4095), 0, 4095);
  expect(told).toBe(0);
  reader.read(new Uint8Array(1), 0, 1);
  expect(told).toBe(1);
  expect(writer.readiness() & POLLOUT).toBe(POLLOUT);
});

test('the last reader takes the writer along: POLLERR, EPIPE, SIGPIPE', () => {
  const ctx = fakeContext();
  const { reader, writer } = makePipe(0, ctx);
  reader.incRef();
  writer.incRef();
  reader.decRef();
  expect(writer.readiness() & POLLERR).toBe(POLLERR);
  expect(writer.write(bytes('x'), 0, 0, ctx)).toBe(0);
  expect(writer.write(bytes('x'), 0, 1, ctx)).toBe(-EPIPE);
  expect(ctx.signals).toEqual([13]);
});

test('a blocked FIFO open ends when the other side comes, even if it leaves at once', () => {
  const open = fifo();
  const reading = fakeContext();
  const writing = fakeContext();
  expect(open(O_RDONLY, reading)).toBe(BLOCKED);
  const writer = open(O_WRONLY, writing) as PipeFile;
  expect(writer).toBeInstanceOf(PipeFile);
  writer.incRef();
  writer.decRef();
  const reader = open(O_RDONLY, reading) as PipeFile;
  expect(reader).toBeInstanceOf(PipeFile);
  expect(reader.readiness()).toBe(POLLHUP);
  expect(reader.pipe.readers).toBe(1);
});

test('an interrupted FIFO open leaves no reader behind', () => {
  const open = fifo();
  const reading = fakeContext();
  expect(open(O_RDONLY, reading)).toBe(BLOCKED);
  reading.waitOn = () => -ERESTARTSYS;
  expect(open(O_RDONLY, reading)).toBe(-ERESTARTSYS);
  reading.onUnblock!();
  expect(open(O_WRONLY | O_NONBLOCK, fakeContext())).toBe(-ENXIO);
});

test('no hang-up before a first writer came', () => {
  const open = fifo();
  const reader = open(O_RDONLY | O_NONBLOCK, fakeContext()) as PipeFile;
  expect(reader.readiness()).toBe(0);
  const writer = open(O_WRONLY | O_NONBLOCK, fakeContext()) as PipeFile;
  writer.incRef();
  writer.decRef();
  expect(reader.readiness() & (POLLIN | POLLHUP)).toBe(POLLHUP);
});
