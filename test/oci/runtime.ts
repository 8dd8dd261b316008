// One OCI runtime with a state directory and a bundle of its own: calls it, and writes down what it says in a form
// in which two runtimes can be compared.

import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { rootfs } from '../support/rootfs.ts';
import { execute, leftoversOf, writeBundle } from '../support/sandbox.ts';

import type { Mount } from '../../runsc/spec/spec.ts';

export interface Called {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Configuration {
  readonly args: readonly string[];
  readonly mounts?: readonly Mount[];
  readonly linux?: Record<string, unknown>;
  /** Other properties of config.json. */
  readonly changes?: Record<string, unknown>;
}

let count = 0;

export class Runtime {
  readonly program: string;
  readonly directory: string;
  readonly root: string;
  readonly bundle: string;
  /** One line for each call: what it was, its exit code, and its error in the same words for all runtimes. */
  readonly log: string[] = [];
  readonly #ids = new Map<string, string>();

  constructor(program: string, directory: string) {
    this.program = program;
    this.directory = directory;
    this.root = join(directory, 'root');
    this.bundle = join(directory, 'bundle');
    mkdirSync(this.bundle);
  }

  configure({ args, mounts, linux, changes }: Configuration): void {
    const spec = writeBundle(this.bundle, { rootfs: rootfs('busybox'), args, ...(mounts && { mounts }) });
    const changed = { ...spec, ...changes, linux: { ...spec.linux, ...linux } };
    writeFileSync(join(this.bundle, 'config.json'), JSON.stringify(changed));
  }

  /** Ids are names in a test, and unique on the host. */
  id(name: string): string {
    const id = this.#ids.get(name) ?? `runsc-test-${process.pid}-${count++}`;
    this.#ids.set(name, id);
    return id;
  }

  async call(command: string, ...args: string[]): Promise<Called> {
    const real = args.map((arg) => (/^[a-z]$/.test(arg) ? this.id(arg) : arg));
    const result = await execute(this.program, ['--root', this.root, command, ...real], {
      cwd: this.bundle,
    });
    return this.#record(`${command} ${args.join(' ')}`, result);
  }

  /** As a container manager: the container's output goes to a file, since it keeps what `create` had open. */
  async create(name: string, ...flags: string[]): Promise<Called> {
    const path = join(this.directory, 'output');
    const output = openSync(path, 'w');
    const id = /^[a-z]$/.test(name) ? this.id(name) : name;
    const child = spawn(this.program, ['--root', this.root, 'create', ...flags, id], {
      cwd: this.bundle,
      stdio: ['ignore', output, output],
    });
    closeSync(output);
    const status = await new Promise<number | null>((done) => child.on('exit', done));
    const result = { status, stdout: '', stderr: status === 0 ? '' : this.output() };
    return this.#record(`create ${[...flags, name].join(' ')}`, result);
  }

  /** What the container has written. */
  output(): string {
    return readFileSync(join(this.directory, 'output'), 'utf8');
  }

  /** `state`, with only what must be the same. */
  async state(name: string): Promise<Called> {
    const called = await execute(this.program, ['--root', this.root, 'state', this.id(name)]);
    if (called.status !== 0) return this.#record(`state ${name}`, called);
    const state = JSON.parse(called.stdout) as Record<string, unknown>;
    const pid = state['pid'] === 0 ? 0 : 'PID';
    this.log.push(`state ${name}: ${Object.keys(state).join(' ')}: ${String(state['status'])} ${pid}`);
    if (pid === 'PID') process.kill(state['pid'] as number, 0);
    return called;
  }

  async untilStopped(name: string): Promise<void> {
    for (let attempt = 0; attempt < 3000; attempt++) {
      const { stdout } = await execute(this.program, ['--root', this.root, 'state', this.id(name)]);
      if ((JSON.parse(stdout) as { status: string }).status === 'stopped') return;
      await sleep(20);
    }
    throw new Error(`${name} does not stop`);
  }

  /** What all containers of this runtime have left behind. */
  async leftovers(): Promise<string[]> {
    const found: string[] = [];
    for (const id of this.#ids.values()) found.push(...(await leftoversOf(id, this.root)));
    return found;
  }

  #record(what: string, { status, stdout, stderr }: Called): Called {
    // On a busy machine runc finds a cgroup in use for a moment, says so, and removes it a little later.
    const said = stderr.replaceAll(/^.*level=warning msg="Failed to remove cgroup.*\n/gm, '');
    const message = /msg=(".*")\n$/s.exec(said)?.[1];
    const text = message === undefined ? said : (JSON.parse(message) as string);
    let neutral = text.replaceAll('runsc ', 'runc ').replaceAll(this.directory, 'DIR');
    for (const [name, id] of this.#ids) neutral = neutral.replaceAll(id, name);
    this.log.push(`${what}: ${String(status)}${neutral === '' ? '' : ` ${neutral.trim()}`}`);
    return { status, stdout, stderr };
  }
}
