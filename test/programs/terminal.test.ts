// A shell on a terminal: `runsc run` with terminal: true inside script(1), driven by keys.

import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import { MAKING_MS, rootfs } from '../support/rootfs.ts';
import { canRun, execute, leftoversOf, runsc, writeBundle } from '../support/sandbox.ts';

/** A terminal with bash in a sandbox behind it. */
class Session {
  readonly id: string;
  readonly #directory: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  #output = '';
  #seen = 0;

  constructor(directory: string, id: string) {
    this.id = id;
    this.#directory = directory;
    const bundle = join(directory, id);
    const args = ['/bin/bash', '--norc', '--noprofile', '-i'];
    writeBundle(bundle, { rootfs: rootfs('debian'), args, env: ['PS1=ready> '] }, true);
    const command = `echo terminal=$(tty); stty rows 30 cols 90; ${runsc} --root ${directory}/root run --bundle ${bundle} ${id}; echo status=$?`;
    this.#child = spawn('script', ['-qec', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.stdout!.on('data', (chunk: Buffer) => (this.#output += chunk.toString('latin1')));
    this.#ended = new Promise((done) => this.#child.on('close', done));
  }

  type(keys: string): void {
    this.#child.stdin!.write(keys);
  }

  /** Waits for output after what was waited for before. */
  async expect(pattern: RegExp, timeoutMs = 60_000): Promise<string> {
    for (const end = Date.now() + timeoutMs; Date.now() < end;) {
      const match = pattern.exec(this.#output.slice(this.#seen));
      if (match !== null) {
        this.#seen += match.index + match[0].length;
        return match[0];
      }
      await new Promise((done) => setTimeout(done, 20));
    }
    throw new Error(
      `${String(pattern)} did not come; since then: ${JSON.stringify(this.#output.slice(this.#seen))}`,
    );
  }

  async line(command: string, pattern: RegExp): Promise<string> {
    this.type(`${command}\r`);
    return this.expect(pattern);
  }

  /** Gives the user's terminal another size while the container runs. */
  async resize(rows: number, columns: number): Promise<void> {
    const terminal = /terminal=(\/dev\/\S+)/.exec(this.#output)![1]!;
    await execute('stty', ['-F', terminal, 'rows', String(rows), 'cols', String(columns)]);
  }

  /** Executes something else in the container. */
  async inside(...command: string[]): Promise<void> {
    const root = join(this.#directory, 'root');
    await execute(runsc, ['--root', root, 'exec', this.id, ...command]);
  }

  async end(): Promise<void> {
    this.#child.stdin!.end();
    await this.#ended;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

describe.skipIf(!canRun)('terminal', { timeout: 600_000 }, () => {
  beforeAll(() => void rootfs('debian'), MAKING_MS);

  let directory: string;
  let session: Session;
  let count = 0;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'runsc-terminal-'));
  });
  afterEach(async () => {
    session.kill();
    expect(await leftoversOf(session.id, join(directory, 'root'))).toEqual([]);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  async function open(): Promise<Session> {
    session = new Session(directory, `runsc-test-terminal-${process.pid}-${count++}`);
    await session.expect(/ready> /);
    return session;
  }

  test('a prompt, line editing, history and the status', async () => {
    const shell = await open();
    await shell.line('tty; test -t 0 && echo is a terminal', /is a terminal/);
    shell.type('echo wrogn\x7f\x7fng\r');
    await shell.expect(/[\r\n]wrong\r/);
    shell.type('\x1b[A\x01#\r'); // up, home, a comment
    await shell.expect(/ready> /);
    shell.type('\x1b[A\x1b[A\r');
    await shell.expect(/[\r\n]wrong\r/);
    shell.type('ech\t fin\r');
    await shell.expect(/[\r\n]fin\r/);
    await shell.line('exit 7', /status=7/);
    await shell.end();
  });

  test('control C interrupts, control D ends', async () => {
    const shell = await open();
    // It says so itself when it has the terminal, which is not how the line reads that is typed.
    shell.type("sh -c 'echo in front of $((1+1)); exec sleep 1000'; echo slept\r");
    await shell.expect(/in front of 2\r/);
    shell.type('\x03');
    await shell.expect(/\^C/);
    await shell.line('echo status $?', /[\r\n]status 130\r/);
    shell.type('echo cooked $((1+1)); cat\r');
    await shell.expect(/cooked 2\r/);
    shell.type('a line\r');
    await shell.expect(/a line\r\na line/);
    shell.type('\x04');
    await shell.expect(/ready> /);
    shell.type('\x04');
    await shell.expect(/status=0/);
    await shell.end();
  });

  test('control Z stops, fg and bg go on', async () => {
    const shell = await open();
    shell.type("sh -c 'echo in front of $((1+1)); until [ -e /tmp/go ]; do sleep 0.05; done; exit 3'\r");
    await shell.expect(/in front of 2\r/);
    shell.type('\x1a');
    await shell.expect(/Stopped/);
    await shell.line('jobs', /\[1\]\+ +Stopped +sh -c/);
    await shell.line('bg', /until .* &/);
    shell.type('fg; echo again $?\r');
    await shell.expect(/until /);
    await shell.inside('touch', '/tmp/go');
    await shell.expect(/[\r\n]again 3/);
    await shell.line('exit', /status=0/);
    await shell.end();
  });

  test('the size and raw programs', async () => {
    const shell = await open();
    await shell.line('stty size', /[\r\n]30 90\r/);
    await shell.line('stty -a | grep -c icanon', /[\r\n]1\r/);
    shell.type('less /etc/passwd\r');
    await shell.expect(/root:x:0:0/);
    shell.type('q');
    await shell.expect(/ready> /);
    await shell.line('for i in $(seq 3000); do echo line $i; done', /line 3000\r/);
    await shell.line('exit', /status=0/);
    await shell.end();
  });

  test('a new size reaches the program that runs, and the shell after it', async () => {
    const shell = await open();
    // A signal that comes while its trap runs is lost to bash: the trap only takes a note.
    shell.type("bash -c 'trap n=1 WINCH; echo wait''ing; while :; do sleep 0.05; ");
    shell.type('if [ -n "$n" ]; then n=; echo now $(stty size); fi; done\'\r');
    await shell.expect(/waiting\r/);
    await shell.resize(41, 123);
    await shell.expect(/now 41 123\r/);
    await shell.resize(10, 40);
    await shell.expect(/now 10 40\r/);
    shell.type('\x03');
    await shell.expect(/ready> /);
    await shell.line('stty size; echo $LINES $COLUMNS', /[\r\n]10 40\r\n10 40\r/);
    await shell.line('exit', /status=/);
    await shell.end();
  });
});
