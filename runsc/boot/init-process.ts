/** A container's processes that nobody inside forked: credentials, limits and program as config.json's `process` says. */
import { ENOENT } from '../../sentry/abi/errno.ts';
import { CAP_LAST_CAP } from '../../sentry/abi/capability.ts';
import * as capabilities from '../../sentry/abi/capability.ts';
import { MS_NOSUID } from '../../sentry/abi/mount.ts';
import * as resource from '../../sentry/abi/resource.ts';
import { RLIMIT_NOFILE, RLIMIT_STACK, RLIM_NLIMITS } from '../../sentry/abi/resource.ts';
import { capIntersect } from '../../sentry/auth/capabilities.ts';
import { execCredentials } from '../../sentry/auth/exec-credentials.ts';
import { CAP_EMPTY, type CapSet, Credentials } from '../../sentry/auth/credentials.ts';
import { FdTable } from '../../sentry/kernel/fd-table.ts';
import { FsContext } from '../../sentry/kernel/fs-context.ts';
import type { Kernel } from '../../sentry/kernel/kernel.ts';
import type { Namespaces } from '../../sentry/kernel/namespaces.ts';
import { NR_OPEN, type Rlimits, defaultRlimits } from '../../sentry/kernel/rlimits.ts';
import { createProcess, dropProcess, startProcess } from '../../sentry/kernel/start-process.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { loadImage } from '../../sentry/loader/load-image.ts';
import type { MountNamespace } from '../../sentry/vfs/mount-namespace.ts';
import type { Path } from '../../sentry/vfs/path.ts';
import { WALK_DIRECTORY, resolve } from '../../sentry/vfs/walk.ts';
import type { Capabilities, Process } from '../spec/spec.ts';
import { openExecutable } from '../../syscalls/process/exec.ts';
import { BootContext } from './boot-context.ts';
import { completeEnvironment } from './environment.ts';
import { errnoText } from './errno-text.ts';
import { EXIT_NOT_EXECUTABLE, lookPath, openProgram } from './look-path.ts';
import { mountPoint } from './mount-point.ts';
import { applyScheduling } from './scheduling.ts';
import { ExecFailure, StartError } from './start-error.ts';

/** RLIM_INFINITY loses precision on its way through JSON; nothing real is as large. */
const INFINITE = 2 ** 63;
const STDERR = 2;

/**
 * Makes the process, ready to be started by runProgram(); the container's first one is its init. Descriptors are put
 * into `files` by the caller. Throws a StartError.
 */
export function makeProcess(
  kernel: Kernel,
  ns: Namespaces,
  mounts: MountNamespace,
  process: Process,
  name: string,
): Task {
  const root = mounts.rootPath();
  const limits = initLimits(process);
  const fs = new FsContext(root, root, process.user?.umask ?? 0o022, mounts);
  const created = createProcess(kernel, {
    ns,
    creds: initCredentials(process),
    fs,
    files: new FdTable(limits),
    limits,
    noNewPrivs: process.noNewPrivileges ?? false,
    oomScoreAdj: process.oomScoreAdj ?? 0,
    name,
  });
  if (typeof created === 'number') throw new StartError(`cannot make a process: ${errnoText(created)}`);
  const cwd = workingDirectory(root, latin1(process.cwd), name === 'init');
  if (typeof cwd === 'number') {
    dropProcess(created);
    throw new StartError(`chdir to cwd ("${process.cwd}") set in config.json failed: ${errnoText(cwd)}`);
  }
  created.fs.cwd = cwd;
  applyScheduling(created, process);
  return created;
}

/** As runc: entered by root, and for the container's first process made when it is missing. */
function workingDirectory(root: Path, name: string, first: boolean): Path | number {
  const boot = new BootContext(root);
  const found = resolve(boot, root, name, WALK_DIRECTORY);
  if (found !== -ENOENT || !first) return found;
  const made = mountPoint(boot, name, true);
  return typeof made === 'number' ? made : resolve(boot, root, name, WALK_DIRECTORY);
}

/** What can be said of the program before it runs: throws when it isn't there or can't be executed. */
export function checkProgram(task: Task, process: Process): void {
  const path = lookPath(task, latin1(process.args?.[0] ?? ''), environment(task, process));
  openProgram(task, path).decRef();
}

/** Loads the program and lets it run. */
export function runProgram(task: Task, process: Process): void {
  const argv = (process.args ?? []).map(latin1);
  const envp = environment(task, process);
  runImage(task, lookPath(task, argv[0] ?? '', envp), argv, envp);
}

/** What a process that could not execute its program still says. */
export function complain(task: Task, { message }: ExecFailure): void {
  const line = Buffer.from(`${message}\n`);
  task.files.get(STDERR)?.write(line, 0, line.length, task);
}

/** The same for the program at `path`. */
export function runImage(task: Task, path: string, argv: readonly string[], envp: readonly string[]): void {
  const image = loadImage({
    platform: task.kernel.platform,
    spaces: task.group.spaces,
    ctx: task,
    file: openProgram(task, path),
    path,
    argv,
    envp,
    openExec: (name) => openExecutable(task, null, name, 0),
    credentialsFor: (program) => {
      const nosuid = program.path !== null && (program.path.mount.flags & MS_NOSUID) !== 0;
      return execCredentials(task.creds, program.inode!, nosuid, task.noNewPrivs);
    },
    stackLimit: task.group.limits.soft[RLIMIT_STACK]!,
    noRandomize: false,
    pathInaccessible: false,
  });
  if (typeof image === 'number') {
    throw new ExecFailure(`exec ${path}: ${errnoText(image)}`, EXIT_NOT_EXECUTABLE);
  }
  task.creds = image.creds;
  startProcess(task, image, image.name);
}

function environment(task: Task, process: Process): string[] {
  return completeEnvironment(task, (process.env ?? []).map(latin1));
}

/** JSON strings are Unicode; the kernel's are bytes. */
export function latin1(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

function initCredentials(process: Process): Credentials {
  const uid = process.user?.uid ?? 0;
  const gid = process.user?.gid ?? 0;
  const sets: Capabilities = process.capabilities ?? {};
  // What execve makes of them for this user is left to it; the same rules hold as for capset(2) and PR_CAP_AMBIENT.
  const permitted = capSet(sets.permitted);
  const inheritable = capSet(sets.inheritable);
  const ambient = capIntersect(capSet(sets.ambient), capIntersect(permitted, inheritable));
  return new Credentials({
    uid,
    gid,
    euid: uid,
    egid: gid,
    suid: uid,
    sgid: gid,
    fsuid: uid,
    fsgid: gid,
    // As setgroups(2) keeps them.
    groups: [...(process.user?.additionalGids ?? [])].sort((a, b) => a - b),
    bounding: capSet(sets.bounding),
    permitted,
    effective: capIntersect(capSet(sets.effective), permitted),
    inheritable,
    ambient,
  });
}

const CAP_NUMBERS = new Map(
  Object.entries(capabilities).filter(
    (entry): entry is [string, number] => entry[0].startsWith('CAP_') && typeof entry[1] === 'number',
  ),
);

/** Unknown names have been warned of when the spec was read. */
function capSet(names: readonly string[] | undefined): CapSet {
  let lo = 0;
  let hi = 0;
  for (const name of names ?? []) {
    const cap = CAP_NUMBERS.get(name);
    if (cap === undefined || cap > CAP_LAST_CAP) continue;
    if (cap < 32) lo |= 1 << cap;
    else hi |= 1 << (cap - 32);
  }
  return lo === 0 && hi === 0 ? CAP_EMPTY : { lo: lo >>> 0, hi };
}

function bounded(limit: number, most: number): number {
  return Math.min(limit >= INFINITE ? Infinity : limit, most);
}

function initLimits(process: Process): Rlimits {
  const limits = defaultRlimits();
  const numbers = resource as unknown as Record<string, number>;
  for (const { type, soft, hard } of process.rlimits ?? []) {
    const number = numbers[type];
    if (number === undefined || number >= RLIM_NLIMITS) continue;
    // A manager may have been given more descriptors than anybody gets here.
    const most = number === RLIMIT_NOFILE ? NR_OPEN : Infinity;
    limits.set(number, bounded(soft, most), bounded(hard, most));
  }
  return limits;
}
