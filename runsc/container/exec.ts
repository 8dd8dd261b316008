// Runs one more process in a container: works out what the native launcher has to do, and becomes the launcher.

import { existsSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

import { cgroupsAreOptional } from './rootless.ts';
import { findContainer } from './state.ts';
import { checkTerminal, planTerminal } from './terminal.ts';
import { readCgroupHost } from '../sandbox/cgroup-mounts.ts';
import { LaunchPlan } from '../sandbox/launch-plan.ts';
import { installedPrograms } from '../sandbox/package-files.ts';

import type { RuntimeOptions } from './container.ts';
import type { CgroupHost } from '../sandbox/cgroup-mounts.ts';
import type { SandboxPrograms } from '../sandbox/package-files.ts';
import type { Process } from '../spec/spec.ts';

/** The exit status of `exec` when the process could not be run. */
export const EXEC_FAILED = 255;

export interface ExecRequest {
  readonly id: string;
  readonly process: Process;
  readonly detach: boolean;
  readonly pidFile?: string;
  readonly consoleSocket?: string;
  /** --preserve-fds N: descriptors 3..N+2 go to the process. */
  readonly preserveFds: number;
  readonly ignorePaused: boolean;
  /** --cgroup: `[CONTROLLER[,CONTROLLER]:]PATH` below the container's cgroup. */
  readonly cgroups: readonly string[];
}

/** The bundle of a container that can take another process. Throws in runc's words. */
export function findExecutable(options: RuntimeOptions, id: string, ignorePaused: boolean): string {
  const { stored, status } = findContainer(options.root, id);
  if (status === 'stopped') throw new Error('cannot exec in a stopped container');
  if (status === 'paused' && !ignorePaused) {
    throw new Error('cannot exec in a paused container (use --ignore-paused to override)');
  }
  return stored.bundle;
}

/**
 * Never returns: this process becomes the launcher, which ends with the process's exit status (or with --detach, when
 * the process runs).
 */
export async function execContainer(
  options: RuntimeOptions,
  request: ExecRequest,
  programs: SandboxPrograms = installedPrograms(),
): Promise<never> {
  const plan = planExec(options, request);
  const { execLauncher } = await import('../sandbox/exec-launcher.ts');
  return execLauncher(programs, plan, request.id, request.preserveFds, request.process.args);
}

function planExec(options: RuntimeOptions, request: ExecRequest): LaunchPlan {
  const { directory, stored } = findContainer(options.root, request.id);
  checkTerminal(request);
  const plan = new LaunchPlan()
    .add('mode', 'exec')
    .add('state.dir', directory)
    .add('container.id', request.id)
    .add('detach', request.detach)
    .add('error.prefix', 'exec failed: ')
    .add('preserve', request.preserveFds)
    .add('exec.process', JSON.stringify(request.process))
    .add('exec.ignore-paused', request.ignorePaused)
    .add('exec.zone', request.cgroups.length > 0)
    .add('log.format', options.logFormat);
  if (options.log !== undefined) plan.add('log.path', options.log);
  if (request.pidFile !== undefined) plan.add('pid.file', request.pidFile);
  planTerminal(plan, request);
  planNetworkNamespace(plan, stored.pid);
  plan.add('cgroup.optional', cgroupsAreOptional(options));
  plan.addAll('cgroup.dir', cgroupDirectories(stored.cgroups, request.cgroups));
  return plan;
}

/** That of the container's stand-in. Without privilege it can't be joined, and needn't be: nobody looks for it. */
function planNetworkNamespace(plan: LaunchPlan, pid: number): void {
  const path = `/proc/${pid}/ns/net`;
  if (process.geteuid!() === 0 && namespaceOf(path) !== namespaceOf('/proc/self/ns/net')) {
    plan.add('netns.path', path);
  }
}

function namespaceOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

/** The container's cgroups, or with --cgroup those below. Throws in runc's words. */
function cgroupDirectories(directories: readonly string[], cgroups: readonly string[]): string[] {
  if (cgroups.length === 0) return [...directories];
  const below = parseSubCgroups(cgroups);
  const all = below.get('');
  if (all !== undefined) return directories.map((directory) => subCgroup(directory, all));
  const host = readCgroupHost();
  const known = new Set(directories.flatMap((directory) => controllersOf(host, directory)));
  for (const controller of below.keys()) {
    if (!known.has(controller)) {
      throw new Error(
        `unable to create new parent process: unknown controller ${controller} in SubCgroupPaths`,
      );
    }
  }
  return directories.map((directory) => {
    const controller = controllersOf(host, directory).find((name) => below.has(name));
    return controller === undefined ? directory : subCgroup(directory, below.get(controller)!);
  });
}

/** Path by controller; '' for all. */
function parseSubCgroups(cgroups: readonly string[]): Map<string, string> {
  const paths = new Map<string, string>();
  for (const text of cgroups) {
    const [front, path, more] = text.split(':');
    if (more !== undefined) throw new Error(`invalid --cgroup argument: ${text}`);
    if (path === undefined) {
      if (cgroups.length === 1) return new Map([['', text]]);
      throw new Error(`invalid --cgroup argument: ${text} (missing <controller>: prefix)`);
    }
    for (const controller of front!.split(',')) {
      paths.set(controller, path);
    }
  }
  return paths;
}

function controllersOf({ hierarchies }: CgroupHost, directory: string): readonly string[] {
  const hierarchy = hierarchies.find(({ mountPoint }) => directory.startsWith(`${mountPoint}/`));
  return hierarchy?.controllers ?? [];
}

function subCgroup(directory: string, path: string): string {
  const below = join(directory, path);
  const inside = below === directory || below.startsWith(`${directory}/`);
  if (inside && existsSync(join(below, 'cgroup.procs'))) return below;
  if (!inside) throw new Error(`unable to create new parent process: ${path} is not a sub cgroup path`);
  const file = join(below, 'cgroup.procs');
  throw new Error(
    `unable to start container process: error adding pid to cgroups: open ${file}: no such file or directory`,
  );
}
