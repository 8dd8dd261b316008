/** Garbage from a Sentry that was taken over: the gofer answers each message, leaks nothing, and stays inside. */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { EIO } from '../../../sentry/abi/errno.ts';
import { addon } from '../../../native/addon.ts';
import { Message } from '../../../gofer/protocol/message.ts';
import { MESSAGE_BYTES, messages, WALK } from '../../../gofer/protocol/messages.ts';
import { answer, openSession } from '../../../gofer/server/server.ts';
import { startGofer } from './harness.ts';

const rows = Object.values(messages);
const names = [
  'a',
  'b',
  'f',
  'link',
  'out',
  'fifo',
  '.',
  '..',
  '',
  '/',
  'a/f',
  '../outside/x',
  'f\0',
  'n'.repeat(300),
];
const words = [
  0, 1, 2, 3, 7, 0o644, 0o755, 0o100644, 0o040755, 0o010600, 0o120777, 0xffffffff, 0x80000000, 65536,
];

/** A small reproducible generator (xorshift). */
function randomFrom(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

function openFds(): number {
  return readdirSync('/proc/self/fd').length;
}

function putWild(
  m: Message,
  field: string,
  random: (below: number) => number,
  handles: readonly number[],
): void {
  if (field === 'handle') m.putU32(random(8) === 0 ? random(0x7fffffff) : handles[random(handles.length)]!);
  else if (field === 'f64') m.putF64([0, -1, 5, 1e300, NaN, Infinity, 2 ** 53][random(7)]!);
  else if (field === 'ino') m.putF64(random(4) === 0 ? random(1000) : 0);
  else if (field.startsWith('name') || field === 'text') m.putText(names[random(names.length)]!);
  else m.putU32(words[random(words.length)]!);
}

/** A message of the right shape with wrong contents, or one cut short, or noise. */
function makeRequest(m: Message, random: (below: number) => number, handles: readonly number[]): void {
  const row = rows[random(rows.length)]!;
  m.start(random(50) === 0 ? random(100) : row.id);
  for (const [, field] of row.request) {
    const repeat = field.endsWith('*') ? random(6) : 1;
    const parts = field.replace(/\*+$/, '').split(', ');
    for (let i = 0; i < repeat; i++) for (const part of parts) putWild(m, part, random, handles);
  }
  if (random(4) === 0) {
    const at = 4 + random(Math.max(m.pos - 4, 1));
    m.bytes[at] = random(256);
  }
  m.receive(random(6) === 0 ? random(m.pos + 1) : m.pos);
}

test.each([1, 2, 3, 4])('100,000 wild messages, series %i', (seed) => {
  const top = mkdtempSync(join(tmpdir(), 'gofer-fuzz-'));
  const tree = join(top, 'tree');
  const fdsBefore = openFds();
  const random = randomFrom(seed * 7919);
  mkdirSync(join(tree, 'a/b'), { recursive: true });
  mkdirSync(join(top, 'outside'));
  writeFileSync(join(top, 'outside/x'), 'untouched');
  writeFileSync(join(tree, 'f'), '1');
  symlinkSync('../outside', join(tree, 'out'));
  symlinkSync('f', join(tree, 'link'));

  const session = openSession([{ index: 0, container: top, name: 'tree', readonly: seed === 4 }], 32);
  const request = new Message();
  const reply = new Message();
  const rootHandle = session.trees[0]!.root;
  const handles = [rootHandle.id];
  const outcomes = new Map<number, number>();
  for (let i = 0; i < 100_000; i++) {
    makeRequest(request, random, handles);
    answer(session, request, reply);
    const result = reply.bytes.readInt32LE(0);
    // -EIO is what a fault of the server's own becomes.
    expect(result).not.toBe(-EIO);
    expect(reply.pos).toBeLessThanOrEqual(MESSAGE_BYTES);
    outcomes.set(result, (outcomes.get(result) ?? 0) + 1);
    session.dropDonations();
    if (request.bytes.readUInt32LE(0) === WALK && result === 0) collectHandles(reply, handles);
  }
  expect(outcomes.get(0)).toBeGreaterThan(1000);
  expect(outcomes.size).toBeGreaterThan(5);
  expect(readFileSync(join(top, 'outside/x'), 'utf8')).toBe('untouched');
  expect(readdirSync(join(top, 'outside'))).toEqual(['x']);
  // Directories, nameless files, listings: each bounded.
  expect(openFds() - fdsBefore).toBeLessThan(32 + 16 + 64 + 10);
  expect(session.handles.get(rootHandle.id)).toBe(rootHandle);
  rmSync(top, { recursive: true, force: true });
});

function collectHandles(reply: Message, handles: number[]): void {
  reply.end = reply.pos;
  reply.pos = 8;
  const attrs = new Float64Array(16);
  for (let left = reply.u32(); left > 0; left--) {
    reply.attrs(attrs);
    const handle = reply.u32();
    reply.text();
    if (handle !== 0 && handles.length < 50) handles.push(handle);
  }
}

test('a message longer than any allowed, an empty one, and descriptors sent along do no harm', async () => {
  const gofer = startGofer((tree) => writeFileSync(join(tree, 'f'), '1'));
  const fds = new Int32Array([0]);
  const buffer = Buffer.alloc(MESSAGE_BYTES + 100, 0xff);
  const received = new Int32Array(3);
  for (const length of [MESSAGE_BYTES + 100, 1, 3, 4, 100]) {
    expect(addon.sendMsg(gofer.socket, buffer, 0, length, fds, 1)).toBe(length);
    expect(addon.recvMsg(gofer.socket, buffer.subarray(0, 100), 0, 100, received)).toBe(8);
    expect(buffer.readInt32LE(0)).toBeLessThan(0);
    buffer.fill(0xff);
  }
  expect(gofer.client.getattr(gofer.root, 'f', 0)).toBe(0);
  expect(readdirSync(`/proc/${gofer.process.pid}/fd`).length).toBeLessThan(60);
  await gofer.stop();
});
