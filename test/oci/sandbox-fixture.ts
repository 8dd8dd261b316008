// Starts containers with the stand-ins for Sentry and gofer, and looks for what a container leaves behind.

import { type ChildProcess, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { build } from 'esbuild';

export const source = resolve(import.meta.dirname, '../..');

/** The host side needs root for namespaces that it makes on behalf of others, and the native parts. */
export const canRun = process.geteuid!() === 0 && existsSync(join(source, 'build/Release/launcher'));

export interface Started {
  readonly id: string;
  readonly child: ChildProcess;
  readonly output: { stdout: string; stderr: string };
  /** The exit code, or 128 and the signal as a shell has it; rejects never. */
  readonly ended: Promise<number>;
}

export class Fixture {
  readonly directory: string;
  readonly root: string;
  readonly #program: string;
  #count = 0;

  private constructor(directory: string, program: string) {
    this.directory = directory;
    this.root = join(directory, 'root');
    this.#program = program;
  }

  /** Bundles fakes/run.ts, once for a test file. */
  static async make(): Promise<Fixture> {
    const directory = mkdtempSync(join(tmpdir(), 'runsc-oci-'));
    // Beside dist/, since the addon is looked for relative to the bundle.
    const program = join(source, 'dist', `test-run-${process.pid}.cjs`);
    mkdirSync(join(source, 'dist'), { recursive: true });
    await build({
      entryPoints: [join(import.meta.dirname, 'fakes/run.ts')],
      outfile: program,
      bundle: true,
      platform: 'node',
      format: 'cjs',
      external: ['*.node', 'x11'],
      define: { 'import.meta.url': 'bundleUrl' },
      banner: { js: "const bundleUrl = require('node:url').pathToFileURL(__filename).href;" },
      logLevel: 'error',
    });
    return new Fixture(directory, program);
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
    rmSync(this.#program, { force: true });
  }

  newId(): string {
    return `test-${process.pid}-${this.#count++}`;
  }

  /** A bundle whose container obeys `args` (fakes/sentry.cjs); `changes` are merged into its config.json. */
  bundle(
    id: string,
    args: readonly string[],
    changes: Record<string, unknown> = {},
    terminal = false,
  ): string {
    const bundle = join(this.directory, `bundle-${id}`);
    mkdirSync(join(bundle, 'rootfs'), { recursive: true });
    writeFileSync(join(bundle, 'rootfs/marker'), 'rootfs');
    const spec = {
      ociVersion: '1.0.2',
      process: { terminal, args, cwd: '/' },
      root: { path: 'rootfs' },
      linux: {},
      ...changes,
    };
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(spec));
    return bundle;
  }

  command(bundle: string, id: string, request: Record<string, unknown> = {}, tree = source): string[] {
    return [this.#program, tree, this.root, bundle, id, JSON.stringify(request)];
  }

  /** `stdio`: descriptors from 3 up; `tree`: where the programs come from. */
  run(
    id: string,
    bundle: string,
    request: Record<string, unknown> = {},
    stdio: readonly number[] = [],
    tree = source,
  ): Started {
    const child = spawn(process.execPath, this.command(bundle, id, request, tree), {
      stdio: ['pipe', 'pipe', 'pipe', ...stdio],
    });
    const output = { stdout: '', stderr: '' };
    child.stdout!.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
    const ended = new Promise<number>((done) => {
      child.on('close', (code, signal) => done(code ?? 128 + (signal === 'SIGKILL' ? 9 : 15)));
    });
    return { id, child, output, ended };
  }
}

export type Role = 'launcher' | 'janitor' | 'pivoter' | 'mover' | 'view' | 'sentry' | 'gofer' | 'command';

/** The host processes of one container: all of them have its id as their last argument. */
export function processesOf(id: string): { pid: number; role: Role }[] {
  const found: { pid: number; role: Role }[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    try {
      const args = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
      if (!args.includes(id)) continue;
      found.push({
        pid: Number(name),
        role: roleOf(args[0]!, readFileSync(`/proc/${name}/comm`, 'utf8').trim()),
      });
    } catch {
      // It ended while we looked.
    }
  }
  return found;
}

function roleOf(argument: string, command: string): Role {
  if (argument === 'runsc-sentry') return 'sentry';
  if (argument === 'runsc-gofer') return 'gofer';
  if (argument !== 'runsc') return 'command';
  return command === 'runsc' ? 'launcher' : (command.slice('runsc-'.length) as Role);
}

/** What is on the host of this container: empty when nothing is. */
export function leftovers(fixture: Fixture, id: string): string[] {
  const found = processesOf(id).map(({ pid, role }) => `process ${pid} (${role})`);
  if (existsSync(join(fixture.root, id))) found.push(`directory ${join(fixture.root, id)}`);
  for (const mount of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    if (mount.includes(fixture.root)) found.push(`mount ${mount}`);
  }
  for (const directory of cgroupsOf(id)) found.push(`cgroup ${directory}`);
  return found;
}

/** Cgroup directories with the container's name, wherever. */
export function cgroupsOf(id: string): string[] {
  const found: string[] = [];
  const visit = (directory: string): void => {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      if (!entry.isDirectory()) continue;
      const path = join(directory, entry.name);
      if (entry.name === id) found.push(path);
      try {
        visit(path);
      } catch {
        // Removed meanwhile.
      }
    }
  };
  visit('/sys/fs/cgroup');
  return found;
}

/** Polls until `condition` holds; throws what it last returned after `timeoutMs`. */
export async function until<T>(
  what: string,
  read: () => T,
  condition: (value: T) => boolean,
  timeoutMs = 60_000,
): Promise<T> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const value = read();
    if (condition(value)) return value;
    if (Date.now() > end) throw new Error(`${what}: still ${JSON.stringify(value)} after ${timeoutMs} ms`);
    await new Promise((done) => setTimeout(done, 5));
  }
}

export function nothingLeft(fixture: Fixture, id: string): Promise<string[]> {
  return until(
    `leftovers of ${id}`,
    () => leftovers(fixture, id),
    (found) => found.length === 0,
  );
}
