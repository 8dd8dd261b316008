// The ways to run a benchmark: natively, in our sandbox, in real gVisor where $RUNSC_PERF_GVISOR names it, in runc.

import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { defaultSpec } from '../runsc/spec/default-spec.ts';

const source = resolve(import.meta.dirname, '..');

export type RuntimeName = 'native' | 'runsc' | 'gVisor' | 'runc' | 'crun';

/** What to run: `args` in `rootfs`, which natively is entered by chroot. */
export interface Job {
  readonly rootfs: string;
  readonly args: readonly string[];
  /** Directory of the host that is mounted at /bench, read-only. */
  readonly bench: string;
  /** Only on the first CPU. */
  readonly oneCpu?: boolean;
  /** On all CPUs, but for no more than the time of one (cpu.cfs_quota_us): natively that is runc's doing. */
  readonly quota?: boolean;
  /** Sockets of the host's kernel, in a network namespace of their own with a loopback; else the sandbox's own. */
  readonly hostNetwork?: boolean;
}

export interface Measured {
  readonly output: string;
  readonly wallMs: number;
}

let count = 0;

/** The runtimes that there are on this machine. */
export function runtimes(): RuntimeName[] {
  return process.env['RUNSC_PERF_GVISOR'] === undefined ? ['native', 'runsc'] : ['native', 'runsc', 'gVisor'];
}

/** The command for a job, and the bundle that it needs; call `done` after it. */
export function prepare(runtime: RuntimeName, job: Job): { command: string[]; id: string; done: () => void } {
  const directory = mkdtempSync(join(tmpdir(), 'runsc-perf-'));
  const id = `runsc-perf-${process.pid}-${count++}`;
  const done = (): void => rmSync(directory, { recursive: true, force: true });
  const pinned = job.oneCpu ? ['taskset', '-c', '0'] : [];
  if (runtime === 'native' && job.quota !== true) {
    // The same mounts as in a container, in a mount namespace that ends with the command.
    const script = `mount -t proc proc "$0/proc"; mount --rbind /dev "$0/dev"; mount -t tmpfs tmpfs "$0/tmp"
      mkdir -p "$0/tmp/bench"; mount --bind "$1" "$0/tmp/bench"; root=$0; shift; exec chroot "$root" "$@"`;
    const args = job.args.map((arg) => arg.replaceAll('/bench/', '/tmp/bench/'));
    const inside = [
      'unshare',
      '--mount',
      '--propagation',
      'private',
      'bash',
      '-c',
      script,
      job.rootfs,
      job.bench,
    ];
    return { command: [...pinned, ...inside, ...args], id, done };
  }
  writeBundle(directory, job);
  const network = job.hostNetwork === true ? 'host' : 'none';
  const started = [...runtimeCommand(runtime, directory, network), 'run', '--bundle', directory, id];
  const command = [...pinned, ...(job.hostNetwork === true ? inOwnNetwork : []), ...started];
  return { command, id, done };
}

const inOwnNetwork = ['unshare', '--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh'];

/**
 * The runtime's program with its global flags; its state is in the bundle's directory. Where nothing is said of the
 * network ours is as managers call it, which costs it a process more.
 */
function runtimeCommand(runtime: RuntimeName, directory: string, network?: 'host' | 'none'): string[] {
  const root = join(directory, 'state');
  mkdirSync(root, { recursive: true });
  const [program, ...flags] = {
    runsc: [join(source, 'runsc/bin/runsc'), ...(network === undefined ? [] : [`--network=${network}`])],
    gVisor: [
      process.env['RUNSC_PERF_GVISOR'] ?? 'gvisor',
      '--platform=systrap',
      `--network=${network ?? 'none'}`,
    ],
    runc: ['runc'],
    crun: ['crun'],
    native: ['runc'],
  }[runtime];
  return [program!, '--root', root, ...flags];
}

/** A container that is driven command by command, as a manager does it. */
export interface Container {
  readonly id: string;
  readonly bundle: string;
  /** Runs one command of the runtime; throws when it fails. */
  command(...args: string[]): string;
  /** Of the pid file. */
  pid(): number;
  /** Whether that process still runs. */
  alive(): boolean;
  done(): void;
}

export function container(runtime: RuntimeName, job: Job): Container {
  const bundle = mkdtempSync(join(tmpdir(), 'runsc-perf-'));
  const id = `runsc-perf-${process.pid}-${count++}`;
  writeBundle(bundle, job);
  const [program, ...flags] = runtimeCommand(runtime, bundle);
  const pidFile = join(bundle, 'pid');
  return {
    id,
    bundle,
    command(...args) {
      const [name, ...rest] = args;
      const creates = name === 'create' || (name === 'run' && args.includes('--detach'));
      const more = creates ? ['--pid-file', pidFile] : [];
      const result = spawnSync(program!, [...flags, name!, ...more, ...rest], {
        encoding: 'latin1',
        // What stays in the background must not hold a pipe of ours.
        stdio: creates ? ['ignore', 'ignore', 'ignore'] : ['ignore', 'pipe', 'pipe'],
        timeout: 60_000,
      });
      if (result.status !== 0) {
        throw new Error(`${runtime} ${args.join(' ')}: status ${result.status}: ${result.stderr}`);
      }
      return result.stdout;
    },
    pid: () => Number(readFileSync(pidFile, 'utf8')),
    alive() {
      try {
        const stat = readFileSync(`/proc/${readFileSync(pidFile, 'utf8')}/stat`, 'latin1');
        return !/\) [ZX] /.test(stat);
      } catch {
        return false;
      }
    },
    done() {
      rmSync(bundle, { recursive: true, force: true });
    },
  };
}

/** Runs a job to its end; a failure is thrown with what it said. */
export function measure(runtime: RuntimeName, job: Job): Measured {
  const { command, done } = prepare(runtime, job);
  try {
    const start = process.hrtime.bigint();
    const [program, ...args] = command;
    // Output goes into a pipe: gVisor's writes to files of the host are another story.
    const result = spawnSync(program!, args, { encoding: 'latin1', maxBuffer: 1 << 26, timeout: 600_000 });
    const wallMs = Number(process.hrtime.bigint() - start) / 1e6;
    if (result.status !== 0) {
      throw new Error(`${runtime}: ${job.args.join(' ')}: status ${result.status}: ${result.stderr}`);
    }
    return { output: result.stdout, wallMs };
  } finally {
    done();
  }
}

/** Starts a job that doesn't end by itself. */
export function start(
  runtime: RuntimeName,
  job: Job,
): { pid: number; id: string; stop: () => Promise<void> } {
  const { command, id, done } = prepare(runtime, job);
  const child = spawn(command[0]!, command.slice(1), { stdio: 'ignore' });
  const ended = new Promise((resolved) => child.on('close', resolved));
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), 1000).unref();
    await ended;
    done();
  };
  return { pid: child.pid!, id, stop };
}

function writeBundle(directory: string, job: Job): void {
  const spec = defaultSpec();
  // For servers that change to another user, if only to root.
  const granted = [...spec.process!.capabilities!.bounding!, 'CAP_SETUID', 'CAP_SETGID'];
  const capabilities = { bounding: granted, effective: granted, permitted: granted };
  const config = {
    ...spec,
    process: {
      ...spec.process,
      terminal: false,
      args: job.args,
      env: [...spec.process!.env!, 'HOME=/tmp'],
      capabilities,
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: 4096, soft: 1024 }],
    },
    root: { path: job.rootfs, readonly: false },
    mounts: [
      ...spec.mounts!,
      { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['mode=1777'] },
      { destination: '/bench', type: 'bind', source: job.bench, options: ['bind', 'ro'] },
    ],
    linux: {
      ...spec.linux,
      ...(job.hostNetwork === true
        ? { namespaces: spec.linux!.namespaces!.filter(({ type }) => type !== 'network') }
        : {}),
      ...(job.quota === true ? { resources: { cpu: { quota: 100_000, period: 100_000 } } } : {}),
    },
  };
  writeFileSync(join(directory, 'config.json'), JSON.stringify(config));
}
