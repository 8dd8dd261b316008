// A pod by hand: a sandbox container and others that join it, with config.json as containerd's CRI plugin or CRI-O
// writes it.

import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { rootfs } from '../support/rootfs.ts';
import { execute, leftoversOf, runsc, writeBundle } from '../support/sandbox.ts';

import type { Mount } from '../../runsc/spec/spec.ts';

export interface Member {
  readonly args: readonly string[];
  /** Namespaces that are shared with the sandbox, or with the container of this name. */
  readonly shares?: Partial<Record<'pid' | 'uts' | 'ipc', string>>;
  readonly hostname?: string;
  readonly mounts?: readonly Mount[];
  readonly resources?: Record<string, unknown>;
  readonly annotations?: Record<string, string>;
  /** Flags of `create`. */
  readonly flags?: readonly string[];
}

export interface PodOptions {
  /** `none` annotates nothing: containers share namespaces, and that is all. */
  readonly manager?: 'containerd' | 'crio' | 'none';
  /** Global flags. */
  readonly flags?: readonly string[];
}

interface Called {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** containerd shares these with the sandbox whatever the pod asks for. */
const USUAL = { uts: 'pause', ipc: 'pause' };
const PAUSE = ['sleep', '100000'];

let pods = 0;
const unfinished = new Set<Pod>();

/** For `afterEach`: a test that has failed leaves its pod. */
export async function finishPods(): Promise<void> {
  for (const pod of unfinished) await pod.finish();
}

export class Pod {
  readonly directory: string;
  readonly root: string;
  readonly #options: PodOptions;
  readonly #prefix: string;
  readonly #names = new Set<string>();
  readonly #spawned = new Map<string, number>();

  constructor(directory: string, options: PodOptions = {}) {
    this.directory = join(directory, `pod-${pods}`);
    this.root = join(this.directory, 'root');
    this.#options = options;
    this.#prefix = `runsc-pod-${process.pid}-${pods++}`;
    mkdirSync(this.directory);
    unfinished.add(this);
  }

  id(name: string): string {
    return `${this.#prefix}-${name}`;
  }

  /** The sandbox, running. */
  async begin(member: Partial<Member> = {}): Promise<void> {
    await this.create('pause', { args: PAUSE, shares: {}, hostname: 'pod', ...member });
    await this.must('start', 'pause');
  }

  /** A container that runs. */
  async run(name: string, member: Member): Promise<void> {
    await this.create(name, member);
    await this.must('start', name);
  }

  async create(name: string, member: Member): Promise<void> {
    const { status, stderr } = await this.tryCreate(name, member);
    if (status !== 0) throw new Error(`create ${name}: ${status}: ${stderr}`);
  }

  async tryCreate(name: string, member: Member): Promise<Called> {
    const status = await this.#make('create', name, member);
    return { status, stdout: '', stderr: status === 0 ? '' : this.output(name) };
  }

  /** A container in the foreground: its exit status. */
  foreground(name: string, member: Member): Promise<number | null> {
    return this.#make('run', name, member);
  }

  #make(command: string, name: string, member: Member): Promise<number | null> {
    this.#names.add(name);
    const bundle = this.#bundle(name, member);
    const output = openSync(this.#file(name, 'output'), 'w');
    const flags = ['--bundle', bundle, '--pid-file', this.#file(name, 'pid'), ...(member.flags ?? [])];
    const child = spawn(runsc, [...this.#global(), command, ...flags, this.id(name)], {
      stdio: ['ignore', output, output],
      timeout: 500_000,
    });
    closeSync(output);
    this.#spawned.set(name, child.pid!);
    return new Promise((done) => {
      child.on('exit', done);
    });
  }

  call(command: string, name: string, ...args: string[]): Promise<Called> {
    return execute(runsc, [...this.#global(), command, this.id(name), ...args]);
  }

  async must(command: string, name: string, ...args: string[]): Promise<string> {
    const { status, stdout, stderr } = await this.call(command, name, ...args);
    if (status !== 0) throw new Error(`${command} ${name}: ${status}: ${stderr}`);
    return stdout;
  }

  /** `exec`, whose command follows the id. */
  exec(name: string, ...args: string[]): Promise<Called> {
    return this.call('exec', name, ...args);
  }

  /** What the container has written so far. */
  output(name: string): string {
    return readFileSync(this.#file(name, 'output'), 'utf8');
  }

  async untilOutput(name: string, wanted: string): Promise<string> {
    for (let attempt = 0; attempt < 2400; attempt++) {
      const text = this.output(name);
      if (text.includes(wanted)) return text;
      await sleep(25);
    }
    throw new Error(`${name} does not say ${JSON.stringify(wanted)}: ${JSON.stringify(this.output(name))}`);
  }

  /** The stand-in. */
  pid(name: string): number {
    return Number(readFileSync(this.#file(name, 'pid'), 'utf8'));
  }

  /** The command that has created it or runs it: Node at first, then the launcher under the same pid. */
  commandPid(name: string): number {
    return this.#spawned.get(name)!;
  }

  async status(name: string): Promise<string> {
    return (JSON.parse(await this.must('state', name)) as { status: string }).status;
  }

  async untilStopped(name: string): Promise<void> {
    for (let attempt = 0; attempt < 2400; attempt++) {
      if ((await this.status(name)) === 'stopped') return;
      await sleep(25);
    }
    throw new Error(`${name} does not stop`);
  }

  /** Kills and deletes what is there, the sandbox last. What is left on the host then. */
  async finish(): Promise<string[]> {
    unfinished.delete(this);
    const names = [...this.#names].sort((a, b) => Number(a === 'pause') - Number(b === 'pause'));
    for (const name of names) await this.call('delete', name, '--force');
    const left: string[] = [];
    for (const name of names) left.push(...(await leftoversOf(this.id(name), this.root)));
    return left;
  }

  #file(name: string, what: string): string {
    return join(this.directory, `${name}.${what}`);
  }

  #global(): string[] {
    return ['--root', this.root, ...(this.#options.flags ?? [])];
  }

  #bundle(name: string, { args, shares = USUAL, hostname, mounts, resources, annotations }: Member): string {
    const bundle = join(this.directory, `${name}.bundle`);
    mkdirSync(bundle, { recursive: true });
    const spec = writeBundle(bundle, { rootfs: rootfs('busybox'), args, ...(mounts && { mounts }) });
    const network = name === 'pause' ? {} : { network: 'pause' };
    const namespaces = ['pid', 'uts', 'ipc', 'network', 'mount'].map((type) => {
      const owner = ({ ...shares, ...network } as Record<string, string | undefined>)[type];
      const link = type === 'network' ? 'net' : type;
      return { type, ...(owner !== undefined && { path: `/proc/${this.pid(owner)}/ns/${link}` }) };
    });
    const changed = {
      ...spec,
      hostname,
      annotations: { ...this.#annotations(name), ...annotations },
      linux: { ...spec.linux, namespaces, cgroupsPath: `/${this.id(name)}`, resources },
    };
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(changed));
    return bundle;
  }

  #annotations(name: string): Record<string, string> {
    if (this.#options.manager === 'none') return {};
    const type = name === 'pause' ? 'sandbox' : 'container';
    return this.#options.manager === 'crio'
      ? {
          'io.kubernetes.cri-o.ContainerType': type,
          'io.kubernetes.cri-o.SandboxID': this.id('pause'),
        }
      : { 'io.kubernetes.cri.container-type': type, 'io.kubernetes.cri.sandbox-id': this.id('pause') };
  }
}
