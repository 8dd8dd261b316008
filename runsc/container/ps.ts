// The host processes of a container. Its init and each process exec'd into it are shown by their stand-ins, since these
// are the pids that managers were given; what the guest forks, by the processes that hold its memory and run its code.

import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

import { askSentry } from './sentry-call.ts';
import { findContainer } from './state.ts';

import type { RuntimeOptions } from './container.ts';
import type { KnownContainer } from './state.ts';

/** The container's stand-in first; empty for one that is stopped. Throws `container does not exist`. */
export async function hostPids(options: RuntimeOptions, id: string): Promise<number[]> {
  const known = findContainer(options.root, id);
  if (known.status === 'stopped') return [];
  const own = known.stored.pid;
  const others = [...standIns(own, id), ...(await forked(options, known))];
  return [own, ...others.sort((a, b) => a - b)];
}

/** Those of exec'd processes. */
function standIns(own: number, id: string): number[] {
  const executable = readExecutable(own);
  const cgroup = readCgroup(own);
  return (
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && Number(name) !== own)
      .filter((name) => isLauncherOf(name, id))
      // Anyone can call a process of theirs that; nobody else can be our executable in the container's cgroup.
      .filter(
        (name) => readExecutable(Number(name)) === executable && isWithin(readCgroup(Number(name)), cgroup),
      )
      .map(Number)
  );
}

/** Both as proc_pid_cgroup has them: in the same cgroup in each hierarchy, or in one below (`exec --cgroup`). */
function isWithin(other: string, own: string): boolean {
  const others = other.split('\n');
  const owns = own.split('\n');
  return (
    others.length === owns.length &&
    owns.every((line, index) => line === others[index] || others[index]!.startsWith(`${line}/`))
  );
}

/** The Sentry knows the pids of its own pid namespace; the host says which of the Sentry's children they are. */
async function forked(options: RuntimeOptions, known: KnownContainer): Promise<number[]> {
  let inside: ReadonlySet<number>;
  try {
    const reply = await askSentry(known, { op: 'processes', container: known.stored.id });
    inside = new Set('pids' in reply ? reply.pids : []);
  } catch {
    // It is about to end.
    return [];
  }
  if (inside.size === 0) return [];
  const { sandbox } = known.stored;
  const launcher = sandbox === undefined ? known.stored.pid : findContainer(options.root, sandbox).stored.pid;
  // Sentry and gofer are both the first of their pid namespaces; the gofer has no children.
  const programs = readChildren(launcher).filter((pid) => readInnerPid(pid) === 1);
  return programs.flatMap(readChildren).filter((pid) => inside.has(readInnerPid(pid)));
}

function readChildren(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return text.split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** A process's number in the innermost pid namespace that it has one in, if that isn't ours; else 0. */
function readInnerPid(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const numbers = /^NSpid:\t(.*)$/m.exec(status)?.[1]?.split('\t') ?? [];
    return numbers.length > 1 ? Number(numbers.at(-1)) : 0;
  } catch {
    return 0;
  }
}

/** The launcher's argument vector is `runsc PLAN-FD ID PROGRAM…`; its helpers have names of their own. */
function isLauncherOf(pid: string, id: string): boolean {
  try {
    const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    if (args[0] !== 'runsc' || args[2] !== id) return false;
    return readFileSync(`/proc/${pid}/comm`, 'utf8') === 'runsc\n';
  } catch {
    return false;
  }
}

function readExecutable(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return '';
  }
}

function readCgroup(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cgroup`, 'utf8');
  } catch {
    return '';
  }
}

/**
 * Runs ps(1) on the host and keeps the lines of `pids`, with the heading. Without -e it would leave out processes of
 * other users, and the guest's are nobody's: so they are named, to a ps that lets them be.
 */
export function formatProcessTable(pids: readonly number[], psOptions: readonly string[]): string {
  const args = psOptions.length === 0 ? ['-ef'] : [...psOptions];
  const run = (options: readonly string[]): SpawnSyncReturns<string> =>
    spawnSync('ps', options, { encoding: 'utf8' });
  const named = pids.length === 0 ? undefined : run([...args, '-p', pids.join(',')]);
  const { error, status, signal, stdout, stderr } = named?.status === 0 ? named : run(args);
  if (error !== undefined) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new Error(missing ? 'exec: "ps": executable file not found in $PATH' : error.message);
  }
  const output = stdout + stderr;
  if (status !== 0) throw new Error(`${signal === null ? `exit status ${status}` : signal}: ${output}`);
  return filterProcessTable(output, pids);
}

/** Throws in runc's words when no column is called PID. */
export function filterProcessTable(output: string, pids: readonly number[]): string {
  const [heading = '', ...lines] = output.split('\n');
  const column = heading.trim().split(/\s+/).indexOf('PID');
  if (column < 0) throw new Error("couldn't find PID field in ps output");
  const kept = lines.filter((line) => pids.includes(Number(line.trim().split(/\s+/)[column])));
  return [heading, ...kept].map((line) => `${line}\n`).join('');
}
