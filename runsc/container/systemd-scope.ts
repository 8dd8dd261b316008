// --systemd-cgroup: systemd makes the container's cgroup, a scope with this process in it, before the launcher, which
// this process becomes, puts the rest there.

import { readCgroupHost } from '../sandbox/cgroup-mounts.ts';
import { resourceProperties, systemdUnit, unitProperties } from '../sandbox/systemd-unit.ts';
import { isRootless } from './rootless.ts';

import type { RunRequest } from './container.ts';
import type { SystemdUnit } from '../sandbox/systemd-unit.ts';
import type { Resources } from '../spec/spec.ts';

export function unitOf({ id, spec }: RunRequest): SystemdUnit {
  return systemdUnit(spec.linux?.cgroupsPath ?? '', id);
}

/** Throws in runc's words where systemd doesn't run, or refuses. */
export async function startScope(request: RunRequest): Promise<void> {
  const { startUnit, systemdRuns } = await import('../sandbox/systemd.ts');
  if (!systemdRuns()) throw new Error('systemd not running on this host, cannot use systemd cgroups manager');
  const unit = unitOf(request);
  const resources = request.spec.linux?.resources ?? {};
  const { unified } = readCgroupHost();
  const properties = unitProperties(unit, request.id, process.pid, resources, unified);
  try {
    await startUnit(unit, properties, isRootless());
  } catch (cause) {
    const sentence = `unable to start unit ${JSON.stringify(unit.name)}: ${(cause as Error).message}`;
    throw new Error(`unable to apply cgroup configuration: ${sentence}`, { cause });
  }
}

/** So that systemd doesn't take the new limits back when it reloads. */
export async function updateScope(name: string, resources: Resources): Promise<void> {
  const { setUnitProperties } = await import('../sandbox/systemd.ts');
  const properties = resourceProperties(resources, readCgroupHost().unified);
  if (properties.length > 0) await setUnitProperties(name, properties, isRootless());
}

/** At the end of the container. What does not go well is told, and no reason to keep the rest of it. */
export async function stopScope(name: string, warn: (message: string) => void): Promise<void> {
  const { stopUnit } = await import('../sandbox/systemd.ts');
  try {
    const result = await stopUnit(name, isRootless());
    if (result !== undefined && result !== 'done')
      warn(`error removing unit \`${name}\`: got \`${result}\`. Continuing...`);
  } catch (error) {
    warn(`unable to stop unit ${JSON.stringify(name)}: ${(error as Error).message}`);
  }
}
