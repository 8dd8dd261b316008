// --host-uds: unix sockets of the host's processes in binds.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { MAKING_MS, rootfs } from '../support/rootfs.ts';
import { canRun, execute, leftoversOf, runsc, writeBundle } from '../support/sandbox.ts';

/** Echoes streams, and writes down datagrams. */
const SERVER = `import os, socket, sys, threading
os.chdir(sys.argv[1])
stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM); stream.bind('stream'); stream.listen()
notes = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); notes.bind('notify')
for name in ('stream', 'notify'): os.chmod(name, 0o700)
def echo(c):
  while data := c.recv(65536): c.sendall(data)
  c.close()
def note():
  while True:
    data = notes.recv(4096)
    with open('notes', 'ab') as f: f.write(data + b'\\n')
threading.Thread(target=note, daemon=True).start()
print('ready', flush=True)
while True: threading.Thread(target=echo, args=(stream.accept()[0],), daemon=True).start()
`;

describe.skipIf(!canRun)('--host-uds', { timeout: 600_000 }, () => {
  let directory: string;
  let sockets: string;
  let server: ChildProcess;
  let count = 0;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'runsc-uds-'));
    sockets = join(directory, 'sockets');
    mkdirSync(sockets);
    const client = join(directory, 'client');
    execFileSync('gcc', ['-O1', '-static', '-o', client, join(import.meta.dirname, 'unix-client.c')]);
    server = spawn('python3', ['-c', SERVER, sockets], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((done) => server.stdout!.once('data', done));
  }, MAKING_MS);
  afterAll(() => {
    server.kill();
    rmSync(directory, { recursive: true, force: true });
  });

  /** The program's output in a container with the directory of sockets, and one of them by itself. */
  async function client(program: string, flags: string[], script: string, user = 0): Promise<string> {
    const id = `runsc-test-${process.pid}-uds-${count++}`;
    const bundle = mkdtempSync(join(directory, 'b-'));
    const bind = (source: string, destination: string, ...options: string[]) => ({
      destination,
      type: 'bind',
      source,
      options: ['bind', ...options],
    });
    writeBundle(bundle, {
      rootfs: rootfs('busybox'),
      args: ['sh', '-c', script],
      mounts: [
        bind(sockets, '/sockets', 'ro'),
        bind(join(sockets, 'stream'), '/run/one.sock'),
        bind(join(directory, 'client'), '/client'),
      ],
    });
    const path = join(bundle, 'config.json');
    const config = JSON.parse(readFileSync(path, 'utf8')) as { process: object };
    config.process = { ...config.process, user: { uid: user, gid: user } };
    writeFileSync(path, JSON.stringify(config));
    const { stdout, stderr } = await execute(program, [
      '--root',
      join(directory, 'root'),
      ...flags,
      'run',
      '-b',
      bundle,
      id,
    ]);
    expect(await leftoversOf(id, join(directory, 'root'))).toEqual([]);
    return stdout + stderr;
  }

  test.each(['/sockets/stream', '/run/one.sock'])('a stream, as under runc: %s', async (path) => {
    const theirs = await client('runc', [], `/client stream ${path}`);
    expect(theirs).toContain('got 1048576, the same');
    expect(await client(runsc, ['--host-uds', 'open'], `/client stream ${path}`)).toBe(theirs);
  });

  test('datagrams, with an address and connected', async () => {
    const notes = join(sockets, 'notes');
    for (const [program, flags] of [
      ['runc', []],
      [runsc, ['--host-uds=open']],
    ] as const) {
      rmSync(notes, { force: true });
      expect(await client(program, [...flags], '/client datagrams /sockets/notify')).toBe('');
      await vi.waitFor(() => {
        expect(existsSync(notes) && readFileSync(notes, 'utf8')).toBe('READY=1\nSTATUS=fine\n');
      }, 60_000);
    }
  });

  test('who may not write the socket may not connect to it', async () => {
    const theirs = await client('runc', [], '/client stream /sockets/stream', 7);
    expect(theirs).toBe('connect: Permission denied\n');
    expect(await client(runsc, ['--host-uds', 'open'], '/client stream /sockets/stream', 7)).toBe(theirs);
  });

  test('descriptors do not go through', async () => {
    expect(await client(runsc, ['--host-uds', 'open'], '/client rights /sockets/stream')).toBe(
      'rights: Operation not supported\n',
    );
  });

  test('without it the sockets are seen only', async () => {
    const script =
      '[ -S /sockets/stream ] && /client stream /sockets/stream; /client datagrams /sockets/notify';
    const refused = (what: string): string => `${what}: Connection refused\n`;
    const expected = ['connect', 'sendto', 'connect'].map(refused).join('');
    expect(await client(runsc, [], script)).toBe(expected);
    expect(await client(runsc, ['--host-uds=none'], script)).toBe(expected);
    expect(await client(runsc, ['--host-uds=some'], 'true')).toContain('must be none, open, create or all');
  });
});
