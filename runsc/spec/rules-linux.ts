// The rules for the `linux` object of config.json (config-linux.md).

import { ConfigError, quote, type Warn } from './config-error.ts';
import {
  DEVICE_TYPES,
  NAMESPACES,
  PERSONALITIES,
  PROPAGATIONS,
  SECCOMP_ACTIONS,
  SECCOMP_ARCHITECTURES,
  SECCOMP_FLAGS,
  SECCOMP_OPERATORS,
} from './names.ts';
import { checkSysctls } from './rules-sysctl.ts';

import type { Linux, Namespace, Resources, Seccomp } from './spec-linux.ts';

/** Throws ConfigError for the first broken rule of `linux`; passes what is ignored to `warn`. */
export function checkLinux(linux: Linux, warn: Warn): void {
  checkNamespaces(linux.namespaces ?? []);
  checkUserNamespace(linux);
  checkTimeOffsets(linux);
  if (!hasNamespace(linux, 'mount')) {
    for (const field of ['maskedPaths', 'readonlyPaths'] as const) {
      if (linux[field] !== undefined && linux[field].length > 0) {
        const sentence = 'unable to restrict sys entries without a private MNT namespace';
        throw new ConfigError(`linux.${field}`, sentence);
      }
    }
  }
  checkDevices(linux);
  checkSysctls(linux);
  if (linux.rootfsPropagation !== undefined && !PROPAGATIONS.has(linux.rootfsPropagation)) {
    throw new ConfigError('linux.rootfsPropagation', `${quote(linux.rootfsPropagation)} is not supported`);
  }
  if (linux.seccomp !== undefined) checkSeccomp(linux.seccomp);
  if (linux.resources !== undefined) checkResources(linux.resources);
  if (linux.personality !== undefined && !PERSONALITIES.has(linux.personality.domain)) {
    throw new ConfigError('linux.personality.domain', `unknown domain ${quote(linux.personality.domain)}`);
  }
  for (const field of ['intelRdt', 'memoryPolicy', 'netDevices'] as const) {
    if (linux[field] !== undefined) warn(`config.json: linux.${field}: not supported, ignored`);
  }
  for (const { type, path } of linux.namespaces ?? []) {
    // The Sentry has one of each for a container, and cgroups that are seen from within are the container's alone.
    if (path && ['mount', 'user', 'time', 'cgroup'].includes(type)) {
      warn(
        `config.json: linux.namespaces: ${type}: joining ${path} is not supported, the container gets its own`,
      );
    }
  }
  if (linux.mountLabel) warn('config.json: linux.mountLabel: not supported, ignored');
}

/** True when the container has the namespace to itself or joins another container's. */
export function hasNamespace(linux: Linux | undefined, type: Namespace['type']): boolean {
  return linux?.namespaces?.some((namespace) => namespace.type === type) ?? false;
}

function checkNamespaces(namespaces: readonly Namespace[]): void {
  const seen = new Set<string>();
  namespaces.forEach((namespace, index) => {
    const field = `linux.namespaces[${index}]`;
    if (!NAMESPACES.has(namespace.type)) {
      throw new ConfigError(`${field}.type`, `namespace ${quote(namespace.type)} does not exist`);
    }
    if (seen.has(namespace.type)) {
      throw new ConfigError(`${field}.type`, `duplicated namespace ${quote(namespace.type)}`);
    }
    seen.add(namespace.type);
    const path = namespace.path ?? '';
    if (path !== '' && !path.startsWith('/')) {
      throw new ConfigError(`${field}.path`, `must be an absolute path, not ${quote(path)}`);
    }
  });
}

function checkUserNamespace(linux: Linux): void {
  const namespace = linux.namespaces?.find((candidate) => candidate.type === 'user');
  for (const field of ['uidMappings', 'gidMappings'] as const) {
    const mappings = linux[field] ?? [];
    if (namespace === undefined && mappings.length > 0) {
      throw new ConfigError(`linux.${field}`, 'needs a user namespace in linux.namespaces');
    }
    // A namespace that is joined brings its own mappings.
    if (namespace !== undefined && !namespace.path && mappings.length === 0) {
      throw new ConfigError(`linux.${field}`, 'must not be empty with a new user namespace');
    }
    mappings.forEach((mapping, index) => {
      if (mapping.size === 0) throw new ConfigError(`linux.${field}[${index}].size`, 'must be above zero');
    });
  }
}

function checkTimeOffsets(linux: Linux): void {
  for (const [clock, offset] of Object.entries(linux.timeOffsets ?? {})) {
    const field = `linux.timeOffsets.${clock}`;
    if (clock !== 'boottime' && clock !== 'monotonic') {
      throw new ConfigError('linux.timeOffsets', `unknown clock ${quote(clock)}`);
    }
    if (!hasNamespace(linux, 'time'))
      throw new ConfigError(field, 'needs a time namespace in linux.namespaces');
    if ((offset.nanosecs ?? 0) >= 1e9) throw new ConfigError(`${field}.nanosecs`, 'must be below 1000000000');
  }
}

function checkDevices(linux: Linux): void {
  linux.devices?.forEach((device, index) => {
    const field = `linux.devices[${index}]`;
    if (!DEVICE_TYPES.has(device.type)) {
      throw new ConfigError(`${field}.type`, `invalid device type ${quote(device.type)}`);
    }
    if (!device.path.startsWith('/')) {
      throw new ConfigError(`${field}.path`, `must be an absolute path, not ${quote(device.path)}`);
    }
  });
}

function checkSeccomp(seccomp: Seccomp): void {
  checkName('linux.seccomp.defaultAction', seccomp.defaultAction, SECCOMP_ACTIONS);
  seccomp.architectures?.forEach((name, index) =>
    checkName(`linux.seccomp.architectures[${index}]`, name, SECCOMP_ARCHITECTURES),
  );
  seccomp.flags?.forEach((name, index) => checkName(`linux.seccomp.flags[${index}]`, name, SECCOMP_FLAGS));
  seccomp.syscalls?.forEach((rule, index) => {
    const field = `linux.seccomp.syscalls[${index}]`;
    checkName(`${field}.action`, rule.action, SECCOMP_ACTIONS);
    if (rule.names.length === 0) throw new ConfigError(`${field}.names`, 'must not be empty');
    rule.args?.forEach((arg, position) => {
      checkName(`${field}.args[${position}].op`, arg.op, SECCOMP_OPERATORS);
      if (arg.index > 5) throw new ConfigError(`${field}.args[${position}].index`, 'must be at most 5');
    });
  });
}

function checkResources(resources: Resources): void {
  resources.devices?.forEach((rule, index) => {
    const field = `linux.resources.devices[${index}]`;
    // An empty type means every device, as `a`.
    if (!['', 'a', 'b', 'c'].includes(rule.type ?? '')) {
      throw new ConfigError(`${field}.type`, `invalid device type ${quote(rule.type!)}`);
    }
    if (!/^[rwm]*$/.test(rule.access ?? '')) {
      throw new ConfigError(`${field}.access`, `must be letters of rwm, not ${quote(rule.access!)}`);
    }
  });
  for (const field of ['limit', 'reservation', 'swap', 'kernel', 'kernelTCP'] as const) {
    if ((resources.memory?.[field] ?? 0) < -1) {
      throw new ConfigError(
        `linux.resources.memory.${field}`,
        'must be a number of bytes, or -1 for no limit',
      );
    }
  }
  const { limit = 0, swap = 0 } = resources.memory ?? {};
  if (limit > 0 && swap > 0 && swap < limit) {
    throw new ConfigError(
      'linux.resources.memory.swap',
      'must not be below limit: it counts memory and swap',
    );
  }
  for (const field of ['cpus', 'mems'] as const) {
    const list = resources.cpu?.[field] ?? '';
    if (!/^[\d,\s-]*$/.test(list)) {
      throw new ConfigError(
        `linux.resources.cpu.${field}`,
        `must be a list such as 0-2,7, not ${quote(list)}`,
      );
    }
  }
  for (const [name, value] of Object.entries(resources.unified ?? {})) {
    if (name.includes('/') || name === '' || value.includes('\0')) {
      throw new ConfigError('linux.resources.unified', `${quote(name)} is not the name of a cgroup file`);
    }
  }
}

function checkName(field: string, name: string, known: ReadonlySet<string>): void {
  if (!known.has(name)) throw new ConfigError(field, `unknown value ${quote(name)}`);
}
