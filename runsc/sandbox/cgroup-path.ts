// Where a container's cgroup goes: config-linux.md, "Cgroups Path", by runc's rules.

import { dirname, join, posix } from 'node:path';

import type { CgroupHierarchy, CgroupHost } from './cgroup-mounts.ts';

/**
 * The container's directory in one hierarchy. An absolute path starts at the hierarchy's root; a relative one at
 * the caller's own cgroup, in v2 at that one's parent (its own has processes in it, and could not have
 * controllers for children). Without a path: the id, relative in v1, and as runc does, absolute in v2.
 */
export function cgroupDirectory(
  hierarchy: CgroupHierarchy,
  host: CgroupHost,
  path: string,
  id: string,
): string {
  const inner = path === '' ? id : path;
  const clean = posix.normalize(`/${inner}`).slice(1);
  if (path.startsWith('/')) return join(hierarchy.mountPoint, clean);
  const parent =
    host.unified && hierarchy.own !== hierarchy.mountPoint ? dirname(hierarchy.own) : hierarchy.own;
  return join(parent, clean);
}
