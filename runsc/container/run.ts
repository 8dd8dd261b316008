// Runs a container: works out everything that the native launcher has to do, and becomes the launcher.

import { existsSync, mkdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { checkContainerId, stateDirectory } from './container-id.ts';
import { findPod, hostSpec } from './pod.ts';
import { startScope, unitOf } from './systemd-scope.ts';
import { checkTerminal, planTerminal } from './terminal.ts';
import {
  bootDescriptors,
  goferDocument,
  preservedFds,
  PROGRAM_ENVIRONMENT,
} from '../sandbox/boot-documents.ts';
import { inheritLimits } from '../sandbox/caller-limits.ts';
import { readCgroupHost } from '../sandbox/cgroup-mounts.ts';
import { planCgroups } from '../sandbox/cgroup-plan.ts';
import { utsNames } from '../sandbox/host-names.ts';
import { hostShare } from '../sandbox/host-resources.ts';
import { addHooks } from './hook-plan.ts';
import { cgroupsAreOptional, isRootless, NOBODY } from './rootless.ts';
import { LaunchPlan } from '../sandbox/launch-plan.ts';
import { parseOverlay } from '../sandbox/overlay.ts';
import { hasPolicy, NO_RULES, planNetwork, resolveRules, usesBroker } from '../sandbox/network-plan.ts';
import { findImages, type Images } from '../sandbox/images.ts';
import { installedPrograms } from '../sandbox/package-files.ts';
import { servedTrees, viewMounts } from '../sandbox/served-trees.ts';

import type { RunRequest, RuntimeOptions } from './container.ts';
import type { Pod, SharedNamespaces } from './pod.ts';
import type { StoredState } from './state.ts';
import type { BootDocument } from '../sandbox/boot-document.ts';
import type { CgroupResult } from '../sandbox/cgroup-plan.ts';
import type { NetworkRules } from '../sandbox/network-plan.ts';
import type { SandboxPrograms } from '../sandbox/package-files.ts';
import type { ServedTrees } from '../sandbox/served-trees.ts';
import type { IdMapping } from '../spec/spec.ts';

/**
 * Never returns: this process becomes the launcher, which ends with the container's exit status (or with --detach,
 * when the container runs). Throws for what can be seen to be wrong before anything is made.
 */
export async function runContainer(
  options: RuntimeOptions,
  request: RunRequest,
  programs: SandboxPrograms = installedPrograms(),
): Promise<never> {
  const rules = await resolveRules(options, request.spec);
  const plan = planLaunch(options, request, programs, rules);
  addImages(plan, await findImages(programs));
  if (options.systemdCgroup && !options.ignoreCgroups) {
    if (existsSync(stateDirectory(options.root, request.id))) {
      throw new Error('container with given ID already exists');
    }
    await startScope(request);
  }
  // The addon is the only part that has to be loaded to get away from here.
  const { execLauncher } = await import('../sandbox/exec-launcher.ts');
  return execLauncher(programs, plan, request.id, request.preserveFds, request.spec.process?.args);
}

/**
 * As runContainer: the launcher goes on as a process of its own, and this one ends when the container waits for
 * `start`.
 */
export function createContainer(
  options: RuntimeOptions,
  request: RunRequest,
  programs?: SandboxPrograms,
): Promise<never> {
  return runContainer(options, { ...request, create: true, detach: true }, programs);
}

/** Everything that the launcher is told. Makes nothing on the host. */
export function planLaunch(
  options: RuntimeOptions,
  request: RunRequest,
  programs: SandboxPrograms,
  rules: NetworkRules = NO_RULES,
): LaunchPlan {
  checkContainerId(request.id);
  const { spec } = request;
  const terminal = { ...request, process: spec.process };
  checkTerminal(terminal);
  const served = servedTrees(request.bundle, spec, options.overlay2);
  const plan = new LaunchPlan();
  const cgroups: CgroupResult = options.ignoreCgroups
    ? { directories: [], path: '' }
    : planCgroups(plan, readCgroupHost(), {
        id: request.id,
        spec: hostSpec(spec),
        systemd: options.systemdCgroup,
        optional: request.doMode === true || cgroupsAreOptional(options),
        joinLauncher:
          options.systemdCgroup ||
          request.detach ||
          request.pidFile !== undefined ||
          spec.linux?.cgroupsPath !== undefined,
      });
  const pod = findPod(options.root, request.id, spec);
  // The sandbox has its network already: this container only gets its stand-in there.
  const network = pod === null ? options : { ...options, network: 'none' };
  const document = bootDocument(
    { ...options, ...network },
    request,
    served,
    cgroups.path,
    hasPolicy(options, rules),
    pod?.shared ?? {},
  );
  if (pod !== null) {
    plan.add('sandbox.dir', pod.sandbox.directory).add('stub.oom-score', document.stubOomScore);
  }
  plan
    .add('root.dir', options.root)
    .add('state.dir', stateDirectory(options.root, request.id))
    .add('state.json', storedFields(options, request, served, cgroups, pod))
    .add('keep', request.detach || request.keep === true)
    .add('detach', request.detach)
    .add('create', request.create === true)
    .add('rootless', isRootless())
    .add('shell.status', request.doMode === true)
    .add('error.prefix', `runsc ${commandOf(request)} failed: `)
    .add('preserve', request.preserveFds)
    .add('log.format', options.logFormat);
  if (options.log !== undefined) plan.add('log.path', options.log);
  if (options.debugLog !== undefined) plan.add('debug-log.path', debugLogFile(options.debugLog, request.id));
  if (request.pidFile !== undefined) plan.add('pid.file', request.pidFile);
  if (spec.process?.oomScoreAdj !== undefined) plan.add('oom.adjust', spec.process.oomScoreAdj);
  planTerminal(plan, terminal);
  addHooks(plan, request, served.trees[0]!.source);
  addPrograms(plan, programs, request.id);
  for (const [index, { source, mode, idMap }] of served.trees.entries()) {
    plan.add('tree.source', source).add('tree.mode', mode);
    if (idMap !== undefined) {
      plan.add('idmap.tree', index).add('idmap.recursive', idMap.recursive ? '1' : '0');
      plan.add('idmap.uids', mapLines(idMap.uids)).add('idmap.gids', mapLines(idMap.gids));
    }
  }
  for (const mount of viewMounts(spec)) plan.add('view.mount', mount);
  const overlay = parseOverlay(options.overlay2, served.trees[0]!.source).directory;
  if (overlay !== undefined) plan.add('overlay.dir', overlay);
  addUserNamespace(plan, request);
  addTimeOffsets(plan, request);
  planNetwork(plan, request.id, network, rules, spec);
  plan.add('boot.sentry', JSON.stringify(document));
  plan.add('boot.gofer', JSON.stringify(goferDocument(document, served, options.hostUds === 'open')));
  return plan;
}

function commandOf({ doMode, create }: RunRequest): string {
  return doMode === true ? 'do' : create === true ? 'create' : 'run';
}

function bootDocument(
  options: RuntimeOptions,
  { id, bundle, spec, preserveFds, create, doMode }: RunRequest,
  { trees, mounts }: ServedTrees,
  cgroupPath: string,
  netPolicy: boolean,
  shared: SharedNamespaces,
): BootDocument {
  return {
    version: 1,
    id,
    startNow: create !== true,
    shellStatus: doMode === true,
    spec: { ...spec, ...(spec.process === undefined ? {} : { process: inheritLimits(spec.process) }) },
    bundle,
    rootfs: trees[0]!.source,
    rootReadonly: spec.root?.readonly === true,
    overlay2: options.overlay2,
    network: options.network,
    netRaw: options.netRaw === true,
    netPolicy,
    platform: options.platform,
    debug: options.debug,
    logFormat: options.logFormat,
    strace: { enabled: options.strace, syscalls: options.straceSyscalls, format: options.straceFormat },
    fds: bootDescriptors({
      console: spec.process?.terminal === true,
      log: options.log !== undefined,
      debugLog: options.debugLog !== undefined,
      broker: usesBroker(options),
    }),
    preservedFds: preservedFds(preserveFds),
    mounts,
    hostUid: NOBODY,
    hostGid: NOBODY,
    ...utsNames(spec),
    shared,
    ...hostShare(spec.linux?.resources ?? {}, spec.process?.oomScoreAdj),
    cgroupPath,
  };
}

/** The launcher puts `{"pid":…,"startTicks":…,"status":…,` in front. */
function storedFields(
  options: RuntimeOptions,
  request: RunRequest,
  { trees }: ServedTrees,
  cgroups: CgroupResult,
  pod: Pod | null,
): string {
  const { annotations, ociVersion, hooks } = request.spec;
  const fields: Omit<StoredState, 'pid' | 'startTicks' | 'status'> = {
    ociVersion,
    id: request.id,
    bundle: request.bundle,
    rootfs: trees[0]!.source,
    created: new Date().toISOString(),
    ...(annotations === undefined ? {} : { annotations }),
    ...(pod === null ? {} : { sandbox: pod.sandbox.stored.id }),
    cgroups: cgroups.directories,
    ...(options.systemdCgroup ? { unit: unitOf(request).name } : {}),
    ...(hooks?.poststop === undefined ? {} : { poststop: hooks.poststop }),
  };
  return JSON.stringify(fields).slice(1);
}

/** The id is the last argument, for whoever reads `ps`. */
function addPrograms(plan: LaunchPlan, programs: SandboxPrograms, id: string): void {
  plan
    .add('node.path', programs.node)
    .add('stub.path', programs.stub)
    .add('package.dir', programs.directory)
    .addAll('package.file', programs.files)
    .add('sentry.uid', NOBODY)
    .add('sentry.gid', NOBODY)
    .addAll('sentry.arg', ['runsc-sentry', ...programs.sentry, id])
    .addAll('sentry.env', PROGRAM_ENVIRONMENT)
    .addAll('gofer.arg', ['runsc-gofer', ...programs.gofer, id])
    .addAll('gofer.env', PROGRAM_ENVIRONMENT);
}

function addImages(plan: LaunchPlan, images: Images | null): void {
  if (images === null) return;
  plan
    .add('image.restorer', images.restorer)
    .add('image.sentry', images.sentry)
    .add('image.gofer', images.gofer);
}

/** The gofer maps file owners as the container's user namespace does; the Sentry sees the container's ids. */
function addUserNamespace(plan: LaunchPlan, { spec }: RunRequest): void {
  const { uidMappings = [], gidMappings = [] } = spec.linux ?? {};
  if (uidMappings.length === 0 || isRootless()) return;
  plan.add('gofer.uidmap', mapLines(uidMappings)).add('gofer.gidmap', mapLines(gidMappings));
}

/** The sandbox has the clocks of its first container. */
function addTimeOffsets(plan: LaunchPlan, { spec }: RunRequest): void {
  const offsets = Object.entries(spec.linux?.timeOffsets ?? {});
  const lines = offsets.map(([clock, { secs = 0, nanosecs = 0 }]) => `${clock} ${secs} ${nanosecs}\n`);
  if (lines.length > 0) plan.add('time.offsets', lines.join(''));
}

function mapLines(mappings: readonly IdMapping[]): string {
  return mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join('');
}

/**
 * --debug-log: a file, or with a slash at its end a directory that gets one file per container. `%ID%`,
 * `%TIMESTAMP%` and `%COMMAND%` are replaced.
 */
function debugLogFile(pattern: string, id: string): string {
  const time = new Date().toISOString().replace(/[-:]/g, '').slice(0, 15);
  const directory =
    pattern.endsWith('/') || statSync(pattern, { throwIfNoEntry: false })?.isDirectory() === true;
  if (directory) mkdirSync(pattern, { recursive: true });
  const named = directory ? join(pattern, 'runsc.log.%TIMESTAMP%.%ID%') : pattern;
  return resolve(
    named.replaceAll('%ID%', id).replaceAll('%TIMESTAMP%', time).replaceAll('%COMMAND%', 'boot'),
  );
}
