// A machine of its own for container managers (machine.sh): runs programs and daemons in it, and tells what they
// left behind. Closing it ends everything in it.

import { type ChildProcess, spawn } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { execute, runsc } from '../support/sandbox.ts';

/** The runtime under test; `RUNSC_TEST_RUNTIME=/usr/sbin/runc` proves the tests themselves right. */
export const runtime = process.env['RUNSC_TEST_RUNTIME'] ?? runsc;
export const oracle = runtime !== runsc;

/** Where managers find the runtime in every machine. */
export const RUNTIME_PATH = '/usr/local/bin/runsc';

export interface Output {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What is there besides files of images and daemons: compared before and after. */
interface Snapshot {
  readonly processes: ReadonlyMap<number, string>;
  readonly mounts: ReadonlySet<string>;
  readonly cgroups: ReadonlySet<string>;
  readonly files: ReadonlySet<string>;
  readonly sockets: ReadonlySet<string>;
}

/** For `terminal`: typed when tty(1) has printed its line, all of it. */
export const wordAfterTty: readonly [wait: string, type: string][] = [
  ['/dev/pts/', ''],
  ['\r', 'word\n'],
];

let count = 0;

export class Machine {
  /** The same inside and outside. */
  readonly directory: string;
  readonly #process: ChildProcess;
  readonly #pid: number;
  readonly #cgroups: readonly string[];
  readonly #daemons: Daemon[] = [];
  #baseline: Snapshot | undefined;
  #ignored: RegExp | undefined;

  private constructor(name: string, directory: string, child: ChildProcess, pid: number) {
    this.directory = directory;
    this.#process = child;
    this.#pid = pid;
    this.#cgroups = cgroupPoints()
      .map((point) => join(point, name))
      .filter((path) => existsSync(path));
  }

  /** `files` are written below the machine's root before anything starts. */
  static async make(files: Readonly<Record<string, string>> = {}): Promise<Machine> {
    const name = `runsc-managers-${process.pid}-${count++}`;
    const directory = mkdtempSync(join(tmpdir(), 'runsc-managers-'));
    const child = spawn(join(import.meta.dirname, 'machine.sh'), [name, directory], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let complaint = '';
    child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
    await new Promise<void>((done, failed) => {
      child.stdout.once('data', () => done());
      child.once('exit', () => failed(new Error(`no machine: ${complaint}`)));
    });
    const children = readFileSync(`/proc/${child.pid!}/task/${child.pid!}/children`, 'latin1');
    const machine = new Machine(name, directory, child, Number(children.trim()));
    symlinkSync(runtime, machine.path(RUNTIME_PATH));
    for (const [path, content] of Object.entries(files)) machine.write(path, content);
    return machine;
  }

  /** A path of the machine, as this process can open it. */
  path(path: string): string {
    return `/proc/${this.#pid}/root${path}`;
  }

  write(path: string, content: string): void {
    const place = this.path(path);
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, content);
  }

  read(path: string): string {
    return readFileSync(this.path(path), 'utf8');
  }

  /** What to run here to run `command` there. */
  command(command: readonly string[]): string[] {
    // The process has to be in the machine's cgroups, or those of its containers are made elsewhere.
    const enter =
      'for f in $CGROUPS; do echo $$ >$f/cgroup.procs || exit 125; done; unset CGROUPS; exec "$@"';
    const places = this.#cgroups.map((path) =>
      existsSync(join(path, 'machine')) ? join(path, 'machine') : path,
    );
    return [
      ...['env', '-i', 'HOME=/root', 'TERM=xterm', `CGROUPS=${places.join(' ')}`],
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      ...[
        'sh',
        '-c',
        enter,
        'sh',
        'nsenter',
        '-t',
        String(this.#pid),
        '-m',
        '-u',
        '-i',
        '-n',
        '-p',
        '-C',
        '--',
      ],
      ...command,
    ];
  }

  /** Runs a program to its end. */
  async run(command: readonly string[], input = '', timeoutMs = 500_000): Promise<Output> {
    const [program, ...args] = this.command(command);
    const result = await execute(program!, args, { input, timeoutMs });
    const stderr = result.timedOut ? `${result.stderr}\n(killed after ${timeoutMs} ms)` : result.stderr;
    return { status: result.status, stdout: result.stdout, stderr };
  }

  /** Runs a shell's command line; throws unless it ends with 0. Returns its output, without a newline at the end. */
  async shell(line: string, timeoutMs = 500_000): Promise<string> {
    const result = await this.run(['sh', '-euc', line], '', timeoutMs);
    if (result.status !== 0) {
      throw new Error(`${line}: ended with ${result.status}: ${result.stdout}${result.stderr}`);
    }
    return result.stdout.replace(/\n$/, '');
  }

  /**
   * On a terminal: `keys` are typed one after the other, each when the text before it has been printed; an
   * empty text is there from the start.
   */
  async terminal(line: string, keys: readonly [wait: string, type: string][] = []): Promise<Output> {
    const [program, ...args] = this.command(['script', '-qec', line, '/dev/null']);
    const child = spawn(program!, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    let seen = 0;
    const pending = [...keys];
    const type = (): void => {
      while (pending.length > 0) {
        const at = stdout.indexOf(pending[0]![0], seen);
        if (at < 0) return;
        seen = at + pending[0]![0].length;
        child.stdin.write(pending.shift()![1]);
      }
    };
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString('latin1');
      type();
    });
    type();
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('latin1')));
    const timer = setTimeout(() => child.kill('SIGKILL'), 500_000);
    const status = await new Promise<number | null>((done) => child.on('close', done));
    clearTimeout(timer);
    return { status, stdout: stdout.replaceAll('\r', ''), stderr };
  }

  /** Starts a daemon and waits until the shell command `ready` succeeds. */
  async daemon(command: readonly string[], ready: string): Promise<Daemon> {
    const pidFile = join(this.directory, `pid-${this.#daemons.length}`);
    const [program, ...args] = this.command(['sh', '-c', 'echo $$ >"$0"; exec "$@"', pidFile, ...command]);
    const daemon = new Daemon(spawn(program!, args, { stdio: ['ignore', 'pipe', 'pipe'] }), this, pidFile);
    this.#daemons.push(daemon);
    await until(`${command[0]!} is ready`, async () => {
      if (daemon.ended) throw new Error(`${command.join(' ')} ended: ${daemon.log.slice(-4000)}`);
      return (await this.run(['sh', '-c', ready])).status === 0;
    });
    return daemon;
  }

  /** Remembers what is there: `leftovers` tells what has come since. `ignored` is what the manager itself leaves. */
  mark(ignored?: RegExp): void {
    this.#baseline = this.#snapshot();
    this.#ignored = ignored;
  }

  /** What has been there since `mark`, and is still there after some seconds. */
  async leftovers(): Promise<string[]> {
    const before = this.#baseline!;
    for (let attempt = 0; ; attempt++) {
      const now = this.#snapshot();
      const found = [
        ...[...now.processes]
          .filter(([pid]) => !before.processes.has(pid))
          .map(([pid, line]) => `process ${pid} ${line}`),
        ...newIn(now.mounts, before.mounts).map((mount) => `mount ${mount}`),
        ...newIn(now.cgroups, before.cgroups).map((path) => `cgroup ${path}`),
        ...newIn(now.files, before.files).map((path) => `file ${path}`),
        ...newIn(now.sockets, before.sockets).map((path) => `socket ${path}`),
      ].filter((entry) => !this.#ignored?.test(entry));
      if (found.length === 0) return found;
      if (attempt === 200) {
        this.#baseline = now; // Told once.
        return found;
      }
      await new Promise((done) => setTimeout(done, 100));
    }
  }

  #snapshot(): Snapshot {
    const processes = new Map<number, string>();
    for (const pid of readdirSync(this.path('/proc')).filter((entry) => /^\d+$/.test(entry))) {
      try {
        const line = readFileSync(this.path(`/proc/${pid}/cmdline`), 'latin1').replaceAll('\0', ' ');
        const status = readFileSync(this.path(`/proc/${pid}/status`), 'latin1');
        processes.set(
          Number(pid),
          `${/^Name:\t(.*)/.exec(status)![1]!} ${/State:\t(.*)/.exec(status)![1]!} ${line}`,
        );
      } catch {
        // It ended while we looked.
      }
    }
    const mounts = readFileSync(`/proc/${this.#pid}/mountinfo`, 'latin1').split('\n');
    const sockets = readFileSync(this.path('/proc/1/net/unix'), 'latin1').split('\n').slice(1);
    return {
      processes,
      mounts: new Set(mounts.map((line) => line.split(' ').slice(3, 5).join(' '))),
      cgroups: new Set(this.#cgroups.flatMap((path) => subdirectories(path))),
      files: new Set(filesBelow(this.path('/run')).map((path) => path.slice(this.path('').length))),
      // Those with a name: others have no place to stay behind in.
      sockets: new Set(
        sockets.map((line) => line.split(' ').slice(7).join(' ')).filter((path) => path !== ''),
      ),
    };
  }

  /** Ends the daemons in the reverse order of their start, then everything else. */
  async close(): Promise<void> {
    for (const daemon of this.#daemons.reverse()) await daemon.stop();
    const ended = new Promise((done) => this.#process.once('exit', done));
    this.#process.stdin!.destroy();
    await ended;
    for (const path of this.#cgroups) removeCgroup(path);
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export class Daemon {
  log = '';
  ended = false;
  readonly #process: ChildProcess;
  readonly #machine: Machine;
  readonly #pidFile: string;

  constructor(child: ChildProcess, machine: Machine, pidFile: string) {
    this.#process = child;
    this.#machine = machine;
    this.#pidFile = pidFile;
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.on('data', (chunk: Buffer) => (this.log += chunk.toString()));
    }
    child.once('exit', () => (this.ended = true));
  }

  /** The machine's number for it, not the host's. */
  get pid(): number {
    return Number(readFileSync(this.#pidFile, 'utf8'));
  }

  async stop(signal: 'TERM' | 'KILL' = 'TERM'): Promise<void> {
    if (this.ended) return;
    const ended = new Promise<void>((done) => this.#process.once('exit', () => done()));
    await this.#machine.run(['kill', `-${signal}`, String(this.pid)]);
    // Docker waits for its containers, and some daemons for connections.
    const timer = setTimeout(() => void this.#machine.run(['kill', '-KILL', String(this.pid)]), 60_000);
    await ended;
    clearTimeout(timer);
  }
}

/** Asks until the answer is true; throws after `timeoutMs`. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 500_000,
): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`waited ${timeoutMs} ms in vain: ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

function newIn(now: ReadonlySet<string>, before: ReadonlySet<string>): string[] {
  return [...now].filter((entry) => !before.has(entry));
}

function cgroupPoints(): string[] {
  return readFileSync('/proc/self/mountinfo', 'latin1')
    .split('\n')
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(' ')[4]!);
}

function subdirectories(path: string): string[] {
  const found: string[] = [];
  const visit = (directory: string): void => {
    try {
      for (const entry of readdirSync(directory, { withFileTypes: true })) {
        if (!entry.isDirectory()) continue;
        found.push(join(directory, entry.name));
        visit(join(directory, entry.name));
      }
    } catch {
      // Removed meanwhile.
    }
  };
  visit(path);
  return found;
}

function removeCgroup(path: string): void {
  for (const directory of [...subdirectories(path).reverse(), path]) {
    for (let attempt = 0; attempt < 100; attempt++) {
      try {
        rmdirSync(directory);
        break;
      } catch {
        // Its last processes are on their way out.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
      }
    }
  }
}

/** Files and directories, not below a mount of containers' files. */
function filesBelow(directory: string): string[] {
  const device = lstatSync(directory).dev;
  const found: string[] = [];
  const visit = (current: string): void => {
    try {
      for (const entry of readdirSync(current, { withFileTypes: true })) {
        const path = join(current, entry.name);
        found.push(path);
        if (entry.isDirectory() && lstatSync(path).dev === device) visit(path);
      }
    } catch {
      // Removed meanwhile.
    }
  };
  visit(directory);
  return found;
}
