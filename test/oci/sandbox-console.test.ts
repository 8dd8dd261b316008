// Terminals: one in front of the caller's own, and one whose master goes through --console-socket.

import { spawn } from 'node:child_process';
import { readSync, writeSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { canRun, Fixture, leftovers, nothingLeft, processesOf, until } from './sandbox-fixture.ts';
import { deleteContainer } from '../../runsc/container/delete.ts';
import { killContainer } from '../../runsc/container/kill.ts';

import type { RuntimeOptions } from '../../runsc/container/container.ts';

describe.skipIf(!canRun)('console', () => {
  let fixture: Fixture;
  beforeAll(async () => {
    fixture = await Fixture.make();
  });
  afterAll(() => fixture.remove());

  test('without a terminal anywhere, terminal: true is refused as runc does', async () => {
    const id = fixture.newId();
    const bundle = fixture.bundle(id, ['echo'], {}, true);
    // A session of its own has no /dev/tty.
    const child = spawn(process.execPath, fixture.command(bundle, id), {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
    expect(await new Promise((done) => child.on('close', done))).toBe(1);
    expect(errors).toContain('runsc run failed: open /dev/tty: no such device or address');
    expect(leftovers(fixture, id)).toEqual([]);
  });

  test('detached without a socket is refused', async () => {
    const id = fixture.newId();
    const run = fixture.run(id, fixture.bundle(id, ['echo'], {}, true), { detach: true });
    expect(await run.ended).toBe(1);
    expect(run.output.stderr).toContain(
      'cannot allocate tty if runsc will detach without setting console socket',
    );
  });

  test('in the foreground bytes go both ways, raw, and the terminal is set back', async () => {
    const id = fixture.newId();
    const bundle = fixture.bundle(id, ['echo', 'ready'], {}, true);
    const command = [process.execPath, ...fixture.command(bundle, id)].map((word) => `'${word}'`).join(' ');
    const shell = `stty rows 33 cols 77; stty -a | grep -o -- '-\\?icanon'; ${command}; echo status=$?; stty -a | grep -o -- '-\\?icanon'`;
    const child = spawn('script', ['-qec', shell, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    await until(
      'output',
      () => output,
      (text) => text.includes('ready'),
    );
    // Ctrl-C is a byte like any other: the line discipline is the Sentry's.
    child.stdin.write('a\x03bq');
    await new Promise((done) => child.on('close', done));
    expect(output).toContain('a\x03bq');
    expect(output).toContain('status=0');
    expect(output.match(/-?icanon/g)).toEqual(['icanon', 'icanon']);
    expect(await nothingLeft(fixture, id)).toEqual([]);
  });

  test('the terminal is set back when the launcher is killed', async () => {
    const id = fixture.newId();
    const bundle = fixture.bundle(id, ['sleep'], {}, true);
    const command = [process.execPath, ...fixture.command(bundle, id)].map((word) => `'${word}'`).join(' ');
    const shell = `${command}; echo status=$?; i=0; until stty -a | grep -q ' icanon' || [ $i -gt 600 ]; do sleep 0.05; i=$((i+1)); done; stty -a | grep -o -- '-\\?icanon'`;
    const child = spawn('script', ['-qec', shell, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    await until(
      'output',
      () => output,
      (text) => text.includes('ready'),
    );
    const launcher = processesOf(id).find(({ role }) => role === 'launcher');
    process.kill(launcher!.pid, 'SIGKILL');
    await new Promise((done) => child.on('close', done));
    expect(output).toContain('status=137');
    expect(output).toMatch(/(?<!-)icanon/);
    expect(await nothingLeft(fixture, id)).toEqual([]);
  });

  test('the master goes through the console socket, with its name', async () => {
    const { addon } = await import('../../native/addon.ts');
    const id = fixture.newId();
    const bundle = fixture.bundle(id, ['echo'], {
      process: { terminal: true, args: ['echo'], cwd: '/', consoleSize: { height: 20, width: 50 } },
    });
    const path = join(fixture.directory, 'console.sock');
    const server = createServer({ pauseOnConnect: true }).listen(path);
    const connected = new Promise<Socket>((done) => server.once('connection', done));
    const run = fixture.run(id, bundle, { detach: true, consoleSocket: path });
    const socket = await connected;
    const fd = (socket as unknown as { _handle: { fd: number } })._handle.fd;
    const name = Buffer.alloc(64);
    const fds = new Int32Array(5);
    const length = await until(
      'message',
      () => addon.recvMsg(fd, name, 0, name.length, fds),
      (got) => got > 0,
    );
    expect(name.latin1Slice(0, length)).toMatch(/^\/dev\/pts\/\d+$/);
    expect(fds[4]).toBe(1);
    expect(await run.ended).toBe(0);
    const size = new Int32Array(4);
    expect(addon.getWinsize(fds[0]!, size)).toBe(0);
    expect([...size.subarray(0, 2)]).toEqual([20, 50]);
    writeSync(fds[0]!, 'hello q');
    const echoed = Buffer.alloc(64);
    expect(echoed.latin1Slice(0, readSync(fds[0]!, echoed))).toBe('hello q');
    addon.close(fds[0]!);
    socket.destroy();
    server.close();
    const options = { root: fixture.root } as RuntimeOptions;
    await killContainer(options, id, 9, false).catch(() => {});
    await deleteContainer(options, id, true);
    expect(await nothingLeft(fixture, id)).toEqual([]);
  });
});
