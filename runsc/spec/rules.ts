// What a schema can't say about config.json: names from closed lists, absolute paths, fields that need others.
// The rules are runc's, so that a bundle that runs there runs here; the `linux` object is in rules-linux.ts.

import { ConfigError, quote, type Warn } from './config-error.ts';
import {
  CAPABILITIES,
  IO_PRIORITY_CLASSES,
  MOUNT_TYPES,
  RLIMITS,
  SCHEDULER_FLAGS,
  SCHEDULER_POLICIES,
} from './names.ts';
import { checkLinux, hasNamespace } from './rules-linux.ts';

import type { Capabilities, Hook, Hooks, Mount, Process, Rlimit, Scheduler, Spec } from './spec.ts';

/** __NEW_UTS_LEN. */
const HOST_NAME_MAX = 64;

/** Throws ConfigError for the first broken rule; passes what is ignored to `warn`. */
export function checkRules(spec: Spec, warn: Warn): void {
  checkVersion(spec, warn);
  if (spec.process === undefined) throw new ConfigError('process', 'must be set');
  checkProcess(spec.process, warn);
  if (spec.root === undefined) throw new ConfigError('root', 'must be set');
  checkText('root.path', spec.root.path);
  if (spec.root.path === '') throw new ConfigError('root.path', 'must not be empty');
  checkHostName(spec, 'hostname');
  checkHostName(spec, 'domainname');
  spec.mounts?.forEach((mount, index) => {
    checkMount(mount, `mounts[${index}]`, warn);
    checkIdMap(mount, `mounts[${index}]`, spec);
  });
  if (spec.hooks !== undefined) checkHooks(spec.hooks);
  checkLinux(spec.linux ?? {}, warn);
}

function checkVersion(spec: Spec, warn: Warn): void {
  // runc runs a file without a version.
  if (spec.ociVersion === undefined || spec.ociVersion === '') {
    warn('config.json: ociVersion: is missing, 1.0.0 is assumed');
  } else if (!/^1\.\d+\.\d+([-+].*)?$/.test(spec.ociVersion)) {
    throw new ConfigError('ociVersion', `must be a 1.x version, not ${quote(spec.ociVersion)}`);
  }
}

/** As runc: larger ones are those that its int could not hold, among them the "no change" of setuid(2). */
export const ID_MAX = 0x7fffffff;
export const ID_RANGE = `uids and gids must be in range 0-${ID_MAX}`;

/** The part of checkRules() about a process, wherever it comes from. */
export function checkProcess(process: Process, warn: Warn): void {
  checkText('process.cwd', process.cwd);
  if (process.cwd === undefined || process.cwd === '')
    throw new ConfigError('process.cwd', 'must not be empty');
  if (!process.cwd.startsWith('/')) {
    throw new ConfigError('process.cwd', `must be an absolute path, not ${quote(process.cwd)}`);
  }
  if (process.args === undefined || process.args.length === 0) {
    throw new ConfigError('process.args', 'must not be empty');
  }
  process.args.forEach((text, index) => checkText(`process.args[${index}]`, text));
  process.env?.forEach((text, index) => checkVariable(`process.env[${index}]`, text));
  const { uid = 0, gid = 0, additionalGids = [] } = process.user ?? {};
  if ([uid, gid, ...additionalGids].some((id) => id > ID_MAX))
    throw new ConfigError('process.user', ID_RANGE);
  checkRlimits(process.rlimits ?? []);
  if (process.capabilities !== undefined) warnOfUnknownCapabilities(process.capabilities, warn);
  if (process.scheduler !== undefined) checkScheduler(process.scheduler);
  checkIoPriority(process);
  const score = process.oomScoreAdj ?? 0;
  if (score < -1000 || score > 1000) {
    throw new ConfigError('process.oomScoreAdj', `must be from -1000 to 1000, not ${score}`);
  }
  // Container engines set these by default; inside the sandbox there is nothing that they could act on.
  if (process.apparmorProfile) warn('config.json: process.apparmorProfile: not supported, ignored');
  if (process.selinuxLabel) warn('config.json: process.selinuxLabel: not supported, ignored');
}

function checkVariable(field: string, text: string): void {
  checkText(field, text);
  if (text.indexOf('=') < 1) throw new ConfigError(field, `must be NAME=value, not ${quote(text)}`);
}

function checkRlimits(rlimits: readonly Rlimit[]): void {
  const seen = new Set<string>();
  rlimits.forEach((rlimit, index) => {
    const field = `process.rlimits[${index}]`;
    if (!RLIMITS.has(rlimit.type)) {
      throw new ConfigError(`${field}.type`, `unknown resource limit ${quote(rlimit.type)}`);
    }
    if (seen.has(rlimit.type)) throw new ConfigError(`${field}.type`, `${rlimit.type} is listed twice`);
    if (rlimit.soft > rlimit.hard) {
      throw new ConfigError(`${field}.soft`, `must not be above hard (${rlimit.soft} > ${rlimit.hard})`);
    }
    seen.add(rlimit.type);
  });
}

export function warnOfUnknownCapabilities(sets: Capabilities, warn: Warn): void {
  const unknown = new Set(
    Object.values(sets as Readonly<Record<string, readonly string[]>>)
      .flat()
      .filter((name) => !CAPABILITIES.includes(name)),
  );
  if (unknown.size > 0) warn(`ignoring unknown or unavailable capabilities: [${[...unknown].join(' ')}]`);
}

function checkScheduler(scheduler: Scheduler): void {
  if (!SCHEDULER_POLICIES.has(scheduler.policy)) {
    throw new ConfigError('process.scheduler.policy', `unknown policy ${quote(scheduler.policy)}`);
  }
  const nice = scheduler.nice ?? 0;
  if (nice < -20 || nice > 19) {
    throw new ConfigError('process.scheduler.nice', `must be from -20 to 19, not ${nice}`);
  }
  const priority = scheduler.priority ?? 0;
  const realtime = scheduler.policy === 'SCHED_FIFO' || scheduler.policy === 'SCHED_RR';
  if (priority !== 0 && !realtime) {
    throw new ConfigError('process.scheduler.priority', 'needs the policy SCHED_FIFO or SCHED_RR');
  }
  if (realtime && (priority < 1 || priority > 99)) {
    throw new ConfigError('process.scheduler.priority', `must be from 1 to 99, not ${priority}`);
  }
  scheduler.flags?.forEach((flag, index) => {
    if (!SCHEDULER_FLAGS.has(flag)) {
      throw new ConfigError(`process.scheduler.flags[${index}]`, `unknown flag ${quote(flag)}`);
    }
  });
  const timed = [scheduler.runtime, scheduler.deadline, scheduler.period].some((time) => (time ?? 0) !== 0);
  if (timed && scheduler.policy !== 'SCHED_DEADLINE') {
    throw new ConfigError('process.scheduler', 'runtime, deadline and period need the policy SCHED_DEADLINE');
  }
}

function checkIoPriority(process: Process): void {
  const ioPriority = process.ioPriority;
  if (ioPriority === undefined) return;
  if (!IO_PRIORITY_CLASSES.has(ioPriority.class)) {
    throw new ConfigError('process.ioPriority.class', `unknown class ${quote(ioPriority.class)}`);
  }
  if (ioPriority.priority < 0 || ioPriority.priority > 7) {
    throw new ConfigError('process.ioPriority.priority', `must be from 0 to 7, not ${ioPriority.priority}`);
  }
}

function checkHostName(spec: Spec, field: 'hostname' | 'domainname'): void {
  const name = spec[field] ?? '';
  if (name === '') return;
  checkText(field, name);
  if (Buffer.byteLength(name) > HOST_NAME_MAX) {
    throw new ConfigError(field, `must be at most ${HOST_NAME_MAX} bytes long`);
  }
  if (!hasNamespace(spec.linux, 'uts')) {
    throw new ConfigError(field, `unable to set ${field} without a private UTS namespace`);
  }
}

function checkMount(mount: Mount, field: string, warn: Warn): void {
  checkText(`${field}.destination`, mount.destination);
  checkText(`${field}.source`, mount.source ?? '');
  if (mount.destination === '') throw new ConfigError(`${field}.destination`, 'must not be empty');
  if (!mount.destination.startsWith('/')) {
    // As runc: taken as if it began at the container's root.
    warn(`config.json: ${field}.destination: ${quote(mount.destination)} is not absolute`);
  }
  mount.options?.forEach((option, index) => checkText(`${field}.options[${index}]`, option));
  const bind = mount.options?.some((option) => option === 'bind' || option === 'rbind');
  if (bind !== true && !MOUNT_TYPES.has(mount.type ?? 'none')) {
    warn(
      `config.json: ${field}.type: filesystem type ${quote(mount.type ?? 'none')} is not supported, left out`,
    );
  }
}

/** config.md, "Mounts": mapped ids are those given, or those of the container's user namespace. */
function checkIdMap(mount: Mount, field: string, { linux }: Spec): void {
  const { uidMappings = [], gidMappings = [], options = [] } = mount;
  const given = uidMappings.length > 0 || gidMappings.length > 0;
  const asked = options.some((option) => option === 'idmap' || option === 'ridmap');
  if (!given && !asked) return;
  if (mount.type !== 'bind' && !options.some((option) => option === 'bind' || option === 'rbind')) {
    throw new ConfigError(field, 'only bind mounts can be id-mapped');
  }
  if (given && (uidMappings.length === 0 || gidMappings.length === 0)) {
    throw new ConfigError(field, 'must have both uidMappings and gidMappings');
  }
  if (!given && !linux?.uidMappings?.length) {
    throw new ConfigError(field, 'idmap needs mappings, its own or those of a user namespace');
  }
  for (const { size } of [...uidMappings, ...gidMappings]) {
    if (size === 0) throw new ConfigError(field, 'the size of a mapping must be above zero');
  }
}

function checkHooks(hooks: Hooks): void {
  for (const [stage, list] of Object.entries(hooks as Readonly<Record<string, readonly Hook[]>>)) {
    list.forEach((hook, index) => {
      const field = `hooks.${stage}[${index}]`;
      checkText(`${field}.path`, hook.path);
      if (!hook.path.startsWith('/')) {
        throw new ConfigError(`${field}.path`, `must be an absolute path, not ${quote(hook.path)}`);
      }
      if (hook.timeout !== undefined && hook.timeout <= 0) {
        throw new ConfigError(`${field}.timeout`, `must be above zero, not ${hook.timeout}`);
      }
    });
  }
}

/** The kernel's strings end at a NUL byte, so one inside would silently cut them. */
function checkText(field: string, text: string | undefined): void {
  if (text?.includes('\0')) throw new ConfigError(field, 'must not contain a NUL byte');
}
