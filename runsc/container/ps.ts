// The host processes that stand for a container: its own stand-in, and one for each process exec'd into it. What the
// guest forks has no host process that a caller could use: it is found inside, by the guest's own ps.

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

import { findContainer } from './state.ts';

import type { RuntimeOptions } from './container.ts';

/** The container's stand-in first; empty for one that is stopped. Throws `container does not exist`. */
export function standInPids(options: RuntimeOptions, id: string): number[] {
  const { stored, status } = findContainer(options.root, id);
  if (status === 'stopped') return [];
  const own = stored.pid;
  const executable = readExecutable(own);
  const cgroup = readCgroup(own);
  const others = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== own)
    .filter((name) => isLauncherOf(name, id))
    // Anyone can call a process of theirs that; nobody else can be our executable in the container's cgroup.
    .filter((name) => readExecutable(Number(name)) === executable && readCgroup(Number(name)) === cgroup)
    .map(Number);
  return [own, ...others.sort((a, b) => a - b)];
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

/** Runs ps(1) on the host and keeps the lines of `pids`, with the heading. */
export function formatProcessTable(pids: readonly number[], psOptions: readonly string[]): string {
  const args = psOptions.length === 0 ? ['-ef'] : [...psOptions];
  const { error, status, signal, stdout, stderr } = spawnSync('ps', args, { encoding: 'utf8' });
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
