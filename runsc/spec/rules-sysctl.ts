// Which sysctls a container may set: only those that a namespace of its own holds. The rules are runc's.

import { ConfigError, quote } from './config-error.ts';

import type { Linux, Namespace } from './spec-linux.ts';

/** ipc_namespaces(7). */
const IPC_SYSCTLS: ReadonlySet<string> = new Set([
  'kernel.msgmax',
  'kernel.msgmnb',
  'kernel.msgmni',
  'kernel.sem',
  'kernel.shmall',
  'kernel.shmmax',
  'kernel.shmmni',
  'kernel.shm_rmid_forced',
]);

/** Throws ConfigError for the first sysctl that would not be the container's own. */
export function checkSysctls(linux: Linux): void {
  for (const written of Object.keys(linux.sysctl ?? {})) {
    const name = dottedSysctl(written);
    const field = `linux.sysctl[${quote(written)}]`;
    if (IPC_SYSCTLS.has(name) || name.startsWith('fs.mqueue.')) {
      requireNamespace(linux, 'ipc', field);
    } else if (name.startsWith('net.')) {
      requireNamespace(linux, 'network', field);
    } else if (name.startsWith('user.')) {
      requireNamespace(linux, 'user', field);
    } else if (name === 'kernel.domainname') {
      requireNamespace(linux, 'uts', field);
    } else if (name === 'kernel.hostname') {
      throw new ConfigError(field, 'is not allowed as it conflicts with the field "hostname"');
    } else {
      throw new ConfigError(field, 'is not in a separate kernel namespace');
    }
  }
}

function requireNamespace(linux: Linux, type: Namespace['type'], field: string): void {
  if (linux.namespaces?.some((namespace) => namespace.type === type)) return;
  throw new ConfigError(field, `is not allowed without a private ${type} namespace`);
}

/** sysctl.d(5): with a slash as the first separator, slashes separate and dots are part of names. */
export function dottedSysctl(name: string): string {
  const first = /[./]/.exec(name)?.[0];
  if (first !== '/') return name;
  return name.replace(/[./]/g, (separator) => (separator === '/' ? '.' : '/'));
}
