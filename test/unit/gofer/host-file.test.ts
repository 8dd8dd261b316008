/** Descriptors inherited from the host: never a wait, never a change to what others hold. */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EACCES, EAGAIN, EBADF, ENOTTY, ENXIO, EPIPE, ESPIPE } from '../../../sentry/abi/errno.ts';
import { FIONREAD, TCGETS } from '../../../sentry/abi/ioctl.ts';
import { POLLERR, POLLHUP, POLLIN, POLLOUT } from '../../../sentry/abi/poll.ts';
import { type HostPoller, openHostFd } from '../../../sentry/fs/host/host-inode.ts';
import type { HostFile } from '../../../sentry/fs/host/host-file.ts';
import type { CallerContext } from '../../../sentry/vfs/context.ts';
import { Stat } from '../../../sentry/vfs/stat.ts';
import { addon } from '../../../native/addon.ts';

const F_GETFL = 3;
const O_NONBLOCK = 0o4000;
const SOCK_STREAM = 1;
const top = mkdtempSync(join(tmpdir(), 'host-file-'));
afterAll(() => rmSync(top, { recursive: true }));

const signals: number[] = [];
const written: number[] = [];
const ctx = {
  signalSelf: (signo: number) => signals.push(signo),
  writeI32: (_addr: number, value: number) => {
    written.push(value);
    return 0;
  },
} as unknown as CallerContext;
const watchers = new Map<number, (mask: number) => void>();
const poller: HostPoller = {
  watch: (fd, callback) => void watchers.set(fd, callback),
  unwatch: (fd) => void watchers.delete(fd),
};

function read(file: HostFile, len = 100): string | number {
  const buffer = Buffer.alloc(len);
  const n = file.read(buffer, 0, len, ctx);
  return n < 0 ? n : buffer.toString('latin1', 0, n);
}
function write(file: HostFile, text: string): number {
  return file.write(Buffer.from(text), 0, text.length, ctx);
}
function fifo(): { reader: number; writer: number } {
  const path = join(top, `fifo-${Math.random()}`);
  spawnSync('mkfifo', [path]);
  const both = openSync(path, 'r+');
  const reader = openSync(path, 'r');
  const writer = openSync(path, 'w');
  closeSync(both);
  return { reader, writer };
}

for (const nowait of [true, false]) {
  const how = nowait ? 'by RWF_NOWAIT' : 'by a look with poll first';

  test(`a blocking pipe does not block: ${how}`, () => {
    const { reader, writer } = fifo();
    const input = openHostFd(reader, poller, 0, 0);
    const output = openHostFd(writer, poller, 0, 0);
    input.inode.nowait = output.inode.nowait = nowait;
    expect(read(input)).toBe(-EAGAIN);
    expect(input.readiness()).toBe(0);
    expect(write(output, 'hello')).toBe(5);
    expect(input.readiness() & POLLIN).toBe(POLLIN);
    expect(input.ioctl(FIONREAD, 0, ctx)).toBe(0);
    expect(written.pop()).toBe(5);
    expect(read(input)).toBe('hello');
    let sent = 0;
    for (;;) {
      const n = write(output, 'x'.repeat(4096));
      if (n === -EAGAIN) break;
      sent += n;
    }
    expect(sent).toBe(65536);
    expect(output.readiness() & POLLOUT).toBe(0);
    expect(addon.fcntl(reader, F_GETFL, 0) & O_NONBLOCK).toBe(0);
    expect(addon.fcntl(writer, F_GETFL, 0) & O_NONBLOCK).toBe(0);
    closeSync(reader);
    signals.length = 0;
    expect(write(output, 'x')).toBe(-EPIPE);
    expect(signals).toEqual([13]);
    expect(output.readiness() & POLLERR).toBe(POLLERR);
    closeSync(writer);
  });

  test(`the end of a socket: ${how}`, () => {
    const pair = new Int32Array(2);
    addon.socketpair(SOCK_STREAM, pair);
    const file = openHostFd(pair[0]!, poller, 0, 0);
    file.inode.nowait = nowait;
    expect(read(file)).toBe(-EAGAIN);
    addon.write(pair[1]!, Buffer.from('last'), 0, 4);
    addon.close(pair[1]!);
    expect(file.readiness() & (POLLIN | POLLHUP)).toBe(POLLIN | POLLHUP);
    expect(read(file)).toBe('last');
    expect(read(file)).toBe('');
    addon.close(pair[0]!);
  });
}

test('readiness from the host wakes who waits on the queue', () => {
  const { reader, writer } = fifo();
  const file = openHostFd(reader, poller, 0, 0);
  expect(file.queue).not.toBeNull();
  expect(watchers.has(reader)).toBe(true);
  closeSync(reader);
  closeSync(writer);
});

test("a regular file's position is shared with its other holders", () => {
  const path = join(top, 'log');
  const fd = openSync(path, 'w+');
  writeSync(fd, 'before ');
  const file = openHostFd(fd, poller, 0, 0);
  expect(write(file, 'inside ')).toBe(7);
  writeSync(fd, 'after');
  expect(readFileSync(path, 'utf8')).toBe('before inside after');
  expect(file.seek(7, 0)).toBe(7);
  expect(read(file, 6)).toBe('inside');
  expect(file.mappable()!.hostFd(true)).toBe(fd);
  const stat = new Stat();
  file.stat(stat);
  expect(stat.size).toBe(19);
  closeSync(fd);
});

test('reopening by /proc/self/fd keeps to what the descriptor allows', () => {
  const path = join(top, 'log');
  const fd = openSync(path, 'r');
  const file = openHostFd(fd, poller, 7, 8);
  expect([file.inode.uid, file.inode.gid]).toEqual([7, 8]);
  expect(file.inode.open(null, 1, ctx)).toBe(-EACCES);
  const again = file.inode.open(null, 0, ctx) as HostFile;
  expect(read(again, 6)).toBe('before');
  expect(addon.pwrite(file.mappable()!.hostFd(false), Buffer.from('x'), 0, 1, 0)).toBe(-EBADF);
  expect(file.mappable()!.hostFd(true)).toBe(-EACCES);
  closeSync(fd);
});

test('pipes have no position, and host terminals no modes to change', () => {
  const { reader, writer } = fifo();
  const file = openHostFd(reader, poller, 0, 0);
  expect(file.seek(0, 0)).toBe(-ESPIPE);
  expect(file.pread(Buffer.alloc(1), 0, 1, 0, ctx)).toBe(-ESPIPE);
  expect(file.ioctl(TCGETS, 0, ctx)).toBe(-ENOTTY);
  expect(file.name()).toMatch(/^pipe:\[\d+\]$/);
  closeSync(reader);
  closeSync(writer);
});

test('the last open file and the last mapping close the descriptor', () => {
  const { reader, writer } = fifo();
  const file = openHostFd(writer, poller, 0, 0);
  const again = file.inode.open(null, 1, ctx) as HostFile;
  file.incRef();
  again.incRef();
  file.inode.addMapping();
  file.decRef();
  file.inode.removeMapping();
  expect(write(again, 'x')).toBe(1);
  expect(watchers.has(writer)).toBe(true);
  again.decRef();
  expect(watchers.has(writer)).toBe(false);
  expect(addon.fcntl(writer, F_GETFL, 0)).toBe(-EBADF);
  expect(file.inode.open(null, 1, ctx)).toBe(-ENXIO);
  closeSync(reader);
});

let nullFd = -1;
beforeAll(() => {
  nullFd = openSync('/dev/null', 'r+');
});
test('the null device', () => {
  const file = openHostFd(nullFd, poller, 0, 0);
  expect(read(file)).toBe('');
  expect(write(file, 'gone')).toBe(4);
  expect(file.name()).toBe('/dev/null');
});
