// `exec` with a terminal: in front of the caller's own, and with its master sent through --console-socket.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { addon } from '../../native/addon.ts';
import { MAKING_MS, rootfs } from '../support/rootfs.ts';
import { canRun, execute, runsc } from '../support/sandbox.ts';
import { Runtime } from './runtime.ts';
import { until } from './sandbox-fixture.ts';

const EAGAIN = 11;

describe.skipIf(!canRun)('exec with a terminal', { timeout: 600_000 }, () => {
  let directory: string;
  let runtime: Runtime;
  let id: string;
  let children: ChildProcess[];
  beforeAll(() => {
    rootfs('busybox');
    directory = mkdtempSync(join(tmpdir(), 'runsc-exec-terminal-'));
  }, MAKING_MS);
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  beforeEach(async () => {
    children = [];
    runtime = new Runtime(runsc, mkdtempSync(join(directory, 'x-')));
    runtime.configure({ args: ['sleep', '1000'] });
    await runtime.create('c');
    await runtime.call('start', 'c');
    id = runtime.id('c');
  });
  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL');
    await runtime.call('delete', '--force', 'c');
    expect(await runtime.leftovers()).toEqual([]);
  });

  /** What a person sees who types `exec -t` in a terminal of 30 by 90. */
  class Session {
    readonly child: ChildProcess;
    output = '';
    #seen = 0;

    constructor(...command: string[]) {
      const line = `stty rows 30 cols 90; ${runsc} --root ${runtime.root} exec -t ${id} ${command.join(' ')}; echo status=$?; stty -a | grep -o -- '-\\?icanon'`;
      this.child = spawn('script', ['-qec', line, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
      this.child.stdout!.on('data', (chunk: Buffer) => (this.output += chunk.toString('latin1')));
      children.push(this.child);
    }

    type(keys: string): void {
      this.child.stdin!.write(keys);
    }

    /** Waits for output after what was waited for before. */
    async expect(pattern: RegExp): Promise<void> {
      await until(
        String(pattern),
        () => this.output.slice(this.#seen),
        (text) => pattern.test(text),
      );
      const match = pattern.exec(this.output.slice(this.#seen))!;
      this.#seen += match.index + match[0].length;
    }

    ended(): Promise<unknown> {
      this.child.stdin!.end();
      return new Promise((done) => this.child.on('close', done));
    }
  }

  test('a shell: prompt, size, name, job control, status, and the caller’s terminal set back', async () => {
    // It says so itself when it has the terminal, which is not how the line reads that is typed.
    const job = "sh -c 'echo in front of $((1+1)); exec sleep 1000'";
    const shell = new Session('sh');
    await shell.expect(/# /);
    shell.type('stty size; tty; ls /dev/pts; cut -d" " -f7 /proc/$$/stat\r');
    await shell.expect(/30 90\r\n\/dev\/pts\/0\r\n0 +ptmx\r\n34816\r\n/);
    shell.type(`${job}\r`);
    await shell.expect(/in front of 2\r\n/);
    shell.type('\x1a');
    await shell.expect(/Stopped +sh -c/);
    shell.type('jobs; kill %1; fg; echo back\r');
    await shell.expect(/back\r\n/);
    shell.type(`${job}\r`);
    await shell.expect(/in front of 2\r\n/);
    shell.type('\x03');
    await shell.expect(/\^C[^]*# /);
    shell.type('exit 7\r');
    await shell.expect(/status=7\r\nicanon/);
    await shell.ended();
    expect((await execute(runsc, ['--root', runtime.root, 'exec', id, 'ls', '/dev/pts'])).stdout).toBe(
      'ptmx\n',
    );
  });

  test('two terminals at once have numbers of their own', async () => {
    const first = new Session('sh');
    await first.expect(/# /);
    const second = new Session('sh');
    await second.expect(/# /);
    first.type('tty\r');
    second.type('tty\r');
    await first.expect(/\/dev\/pts\/0\r/);
    await second.expect(/\/dev\/pts\/1\r/);
    first.type('exit\r');
    await first.expect(/status=0/);
    second.type('echo still $((40+2))\r');
    await second.expect(/still 42/);
    second.type('exit\r');
    await second.expect(/status=0/);
  });

  test('all of the output comes before the end', async () => {
    const session = new Session('seq', '30000');
    await session.expect(/status=0/);
    expect(session.output.split('\r\n').filter((line) => /^\d+$/.test(line)).length).toBe(30000);
  });

  test('a hang-up of the caller’s terminal hangs up the process’s', async () => {
    const session = new Session(
      'sh',
      '-c',
      '"trap \'echo hup >/dev/shm/hup; exit\' HUP; echo up; while :; do sleep 0.1; done"',
    );
    await session.expect(/up\r\n/);
    session.child.kill('SIGKILL');
    await untilPrinted(
      async () => (await execute(runsc, ['--root', runtime.root, 'exec', id, 'cat', '/dev/shm/hup'])).stdout,
      'hup\n',
    );
  });

  async function untilPrinted(read: () => Promise<string>, wanted: string): Promise<void> {
    for (let attempt = 0; attempt < 1000; attempt++) if ((await read()) === wanted) return;
    throw new Error(`not ${wanted}`);
  }

  test('no terminal anywhere is an error, not a hang', async () => {
    const child = spawn(runsc, ['--root', runtime.root, 'exec', '-t', id, 'true'], {
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let errors = '';
    child.stderr.on('data', (text: Buffer) => (errors += text.toString()));
    expect(await new Promise((done) => child.on('close', done))).toBe(255);
    expect(errors).toContain('exec failed: open /dev/tty: no such device or address');
  });

  /** `exec --detach` with a console socket: the master, as a manager gets it. */
  async function detached(document: Record<string, unknown>): Promise<number> {
    const path = join(runtime.directory, 'console.sock');
    const file = join(runtime.directory, 'process.json');
    writeFileSync(file, JSON.stringify({ cwd: '/', env: ['PATH=/bin'], terminal: true, ...document }));
    const server = createServer({ pauseOnConnect: true }).listen(path);
    const connected = new Promise<Socket>((done) => server.once('connection', done));
    const called = execute(runsc, [
      '--root',
      runtime.root,
      'exec',
      '--detach',
      '--process',
      file,
      '--console-socket',
      path,
      id,
    ]);
    const socket = await connected;
    const fd = (socket as unknown as { _handle: { fd: number } })._handle.fd;
    const name = Buffer.alloc(64);
    const fds = new Int32Array(5);
    const length = await until(
      'master',
      () => addon.recvMsg(fd, name, 0, name.length, fds),
      (got) => got > 0,
    );
    expect(name.latin1Slice(0, length)).toMatch(/^\/dev\/pts\/\d+$/);
    expect(fds[4]).toBe(1);
    expect((await called).status).toBe(0);
    socket.destroy();
    server.close();
    addon.setNonblock(fds[0]!);
    return fds[0]!;
  }

  /** Reads until the pattern has come, or with null to the end, which is EIO when nobody has the slave open. */
  async function readMaster(master: number, pattern: RegExp | null): Promise<string> {
    let text = '';
    const chunk = Buffer.alloc(4096);
    const step = (): boolean => {
      for (;;) {
        const n = addon.read(master, chunk, 0, chunk.length);
        if (n === -EAGAIN) return pattern?.test(text) ?? false;
        if (n <= 0) return true;
        text += chunk.latin1Slice(0, n);
      }
    };
    await until(String(pattern), step, (done) => done);
    return text;
  }

  test('a console socket: size of the document, resizes, and the end when the process ends', async () => {
    const script = 'stty size; trap "stty size; exit 3" WINCH; echo ready; while :; do sleep 0.05; done';
    const master = await detached({ args: ['sh', '-c', script], consoleSize: { height: 20, width: 50 } });
    expect(await readMaster(master, /ready\r\n/)).toBe('20 50\r\nready\r\n');
    addon.setWinsize(master, 40, 120, 0, 0);
    expect(await readMaster(master, null)).toBe('40 120\r\n');
    addon.close(master);
  });

  test('a console socket that its owner closes hangs up the process', async () => {
    const master = await detached({ args: ['sh', '-c', 'echo ready; exec sleep 779'] });
    await readMaster(master, /ready/);
    addon.close(master);
    await untilPrinted(
      async () => (await execute(runsc, ['--root', runtime.root, 'exec', id, 'pidof', 'sleep'])).stdout,
      '1\n',
    );
  });

  test('a reader that does not read holds up nobody else, and gets everything in the end', async () => {
    const master = await detached({ args: ['seq', '20000'] });
    const other = await execute(runsc, ['--root', runtime.root, 'exec', id, 'echo', 'here']);
    expect(other.stdout).toBe('here\n');
    const lines = (await readMaster(master, null)).split('\r\n');
    expect(lines.length).toBe(20001);
    addon.close(master);
  });
});
