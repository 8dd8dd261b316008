// Runs bundles under runsc or runc with a time limit, and checks that nothing is left behind.

import { spawn } from 'node:child_process';
import {
  type Dirent,
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

import { defaultSpec } from '../../runsc/spec/default-spec.ts';

import type { Mount, Spec } from '../../runsc/spec/spec.ts';

const source = resolve(import.meta.dirname, '../..');
export const runsc = join(source, 'runsc/bin/runsc');

/** Containers need root for their namespaces and cgroups. */
export const canRun = process.geteuid!() === 0;

export interface RunOptions {
  /** `runsc` (ours) or `runc`, the oracle. */
  readonly runtime?: string;
  readonly rootfs: string;
  readonly args: readonly string[];
  readonly env?: readonly string[];
  readonly cwd?: string;
  /** More mounts, after `runsc spec`'s and a tmpfs at /tmp. */
  readonly mounts?: readonly Mount[];
  readonly input?: string | Buffer;
  readonly timeoutMs?: number;
  readonly readonly?: boolean;
  /** Flags before the command, for runsc only. */
  readonly flags?: readonly string[];
  readonly user?: { uid: number; gid: number };
  readonly resources?: Record<string, unknown>;
  /** An existing network namespace to join, instead of a new one. */
  readonly network?: string;
  readonly sysctl?: Record<string, string>;
  readonly annotations?: Record<string, string>;
  /** Capabilities beside the usual ones. */
  readonly capabilities?: readonly string[];
}

export interface RunResult {
  /** The exit code of the command line; null when it had to be killed. */
  readonly status: number | null;
  readonly timedOut: boolean;
  readonly stdout: string;
  readonly stderr: string;
  /** What the container left on the host: empty as it should be. */
  readonly leftovers: readonly string[];
}

/** What container engines give by default; `runsc spec` gives fewer, and then root can't even setuid. */
const capabilities = [
  'CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE',
]
  .join(' ')
  .split(' ')
  .map((name) => `CAP_${name}`);

let count = 0;

/** Writes a bundle for `options` into `directory` and returns its spec. */
export function writeBundle(directory: string, options: RunOptions, terminal = false): Spec {
  const defaults = defaultSpec();
  const all = [...capabilities, ...(options.capabilities ?? [])];
  const spec = {
    ...defaults,
    process: {
      ...defaults.process!,
      terminal,
      args: options.args,
      cwd: options.cwd ?? '/',
      user: options.user ?? { uid: 0, gid: 0 },
      env: [
        'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        'HOME=/root',
        'TERM=xterm',
        ...(options.env ?? []),
      ],
      capabilities: { bounding: all, effective: all, permitted: all },
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: 4096, soft: 1024 }],
    },
    root: { path: options.rootfs, readonly: options.readonly ?? true },
    mounts: [
      ...defaults.mounts!,
      { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'mode=1777'] },
      ...(options.mounts ?? []),
    ],
    ...(options.annotations === undefined ? {} : { annotations: options.annotations }),
    linux: {
      ...defaults.linux!,
      namespaces: defaults.linux!.namespaces!.map((namespace) =>
        namespace.type === 'network' && options.network !== undefined
          ? { ...namespace, path: options.network }
          : namespace,
      ),
      ...(options.sysctl === undefined ? {} : { sysctl: options.sysctl }),
      ...(options.resources === undefined ? {} : { resources: options.resources }),
    },
  } as Spec;
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'config.json'), JSON.stringify(spec));
  return spec;
}

/** Runs one container to its end. */
export async function sandbox(options: RunOptions): Promise<RunResult> {
  const runtime = options.runtime ?? runsc;
  const id = `runsc-test-${process.pid}-${count++}`;
  const directory = mkdtempSync(join(tmpdir(), 'runsc-test-'));
  const root = join(directory, 'state');
  try {
    writeBundle(directory, options);
    const flags = runtime === runsc ? (options.flags ?? []) : [];
    const command = ['--root', root, ...flags, 'run', '--bundle', directory, id];
    const { input, timeoutMs } = options;
    const result = await execute(runtime, command, {
      ...(input === undefined ? {} : { input }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
    return { ...result, leftovers: await leftoversOf(id, root) };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

export type Executed = Omit<RunResult, 'leftovers'>;

/** Runs a program of the host; its output is complete even when it had to be killed. */
export async function execute(
  program: string,
  args: readonly string[],
  options: { input?: string | Buffer; timeoutMs?: number; env?: NodeJS.ProcessEnv; cwd?: string } = {},
): Promise<Executed> {
  const child = spawn(program, args, {
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout!.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr!.on('data', (chunk: Buffer) => stderr.push(chunk));
  child.stdin?.on('error', () => {}).end(options.input);
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    child.kill('SIGKILL');
  }, options.timeoutMs ?? 500_000);
  const status = await new Promise<number | null>((done) => child.on('close', done));
  clearTimeout(timer);
  return {
    status,
    timedOut,
    stdout: Buffer.concat(stdout).toString('latin1'),
    stderr: Buffer.concat(stderr).toString('latin1'),
  };
}

/** Processes, directories, mounts and cgroups of a container: what is still there after twenty seconds. */
export async function leftoversOf(id: string, root: string): Promise<string[]> {
  for (let attempt = 0; ; attempt++) {
    const found = findLeftovers(id, root);
    if (found.length === 0 || attempt === 400) return found;
    await new Promise((done) => setTimeout(done, 50));
  }
}

function findLeftovers(id: string, root: string): string[] {
  const found: string[] = [];
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const line = readFileSync(`/proc/${name}/cmdline`, 'latin1');
      if (line.split('\0').includes(id)) found.push(`process ${name}: ${line.replaceAll('\0', ' ')}`);
      else if (readFileSync(`/proc/${name}/cgroup`, 'latin1').includes(id)) found.push(`process ${name}`);
    } catch {
      // It ended while we looked.
    }
  }
  if (existsSync(join(root, id))) found.push(`directory ${join(root, id)}`);
  for (const line of readFileSync('/proc/self/mountinfo', 'latin1').split('\n')) {
    if (line.includes(root) || line.includes(id)) found.push(`mount ${line}`);
  }
  for (const line of readFileSync('/proc/net/unix', 'latin1').split('\n')) {
    if (line.includes(` ${root}/${id}/`)) found.push(`socket ${line}`);
  }
  findCgroups('/sys/fs/cgroup', id, found);
  return found;
}

function findCgroups(directory: string, id: string, found: string[]): void {
  let entries: Dirent[];
  try {
    entries = readdirSync(directory, { withFileTypes: true });
  } catch {
    return; // Removed meanwhile.
  }
  for (const entry of entries) {
    if (!entry.isDirectory()) continue;
    if (entry.name === id) found.push(`cgroup ${join(directory, id)}`);
    else findCgroups(join(directory, entry.name), id, found);
  }
}
