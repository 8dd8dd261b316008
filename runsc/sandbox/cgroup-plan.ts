// The cgroup part of a launch plan: directories, settings, and the way back.

import { dirname, join } from 'node:path';

import { attemptsV1, devicesV1, limitsV1, requireControllers } from './cgroup-limits-v1.ts';
import { limitsV2 } from './cgroup-limits-v2.ts';
import { cgroupDirectory } from './cgroup-path.ts';
import { deviceList } from './device-rules.ts';
import { deviceProgram } from './device-program.ts';
import { systemdUnit, unitCgroup } from './systemd-unit.ts';

import type { CgroupHierarchy, CgroupHost } from './cgroup-mounts.ts';
import type { LaunchPlan } from './launch-plan.ts';
import type { Spec } from '../spec/spec.ts';

/** One file of a cgroup and what is written to it. */
export interface CgroupSetting {
  readonly file: string;
  readonly value: string;
}

export interface CgroupRequest {
  readonly id: string;
  readonly spec: Spec;
  readonly systemd: boolean;
  /** What can't be done is left out instead of failing the container. */
  readonly optional: boolean;
  /**
   * The launcher is in the cgroup too: container managers find the cgroup by its pid. It costs 10-20 ms at the
   * container's end, when it has to leave again.
   */
  readonly joinLauncher: boolean;
}

export interface CgroupResult {
  /** Every directory, for the state file. */
  readonly directories: readonly string[];
  /** The container's cgroup relative to its hierarchy's root; '' without any hierarchy. */
  readonly path: string;
}

/** Throws when limits are asked for that no hierarchy can hold. */
export function planCgroups(plan: LaunchPlan, host: CgroupHost, request: CgroupRequest): CgroupResult {
  const given = request.spec.linux?.cgroupsPath ?? '';
  const path = request.systemd ? unitCgroup(systemdUnit(given, request.id)) : given;
  if (host.hierarchies.length === 0) {
    if (request.optional || !asksForLimits(request.spec)) return { directories: [], path: '' };
    throw new Error('linux.resources: no cgroup hierarchy is mounted');
  }
  checkUnified(request.spec, host);
  if (!host.unified && !request.optional) {
    const present = new Set(host.hierarchies.flatMap(({ controllers }) => controllers));
    requireControllers(present, request.spec.linux?.resources ?? {});
  }
  plan.add('cgroup.optional', request.optional).add('cgroup.self', request.joinLauncher);
  const directories = host.hierarchies.map((hierarchy) => {
    const directory = cgroupDirectory(hierarchy, host, path, request.id);
    planHierarchy(plan, hierarchy, host, directory, request.spec);
    return directory;
  });
  const main = host.hierarchies[0]!;
  return { directories, path: directories[0]!.slice(main.mountPoint.length) };
}

function planHierarchy(
  plan: LaunchPlan,
  hierarchy: CgroupHierarchy,
  host: CgroupHost,
  directory: string,
  spec: Spec,
): void {
  plan.add('cgroup.dir', directory).add('cgroup.home', hierarchy.own);
  const resources = spec.linux?.resources ?? {};
  if (hierarchy.version === 1) {
    const set = limitsV1(hierarchy.controllers, resources);
    plan.addAll(
      'cgroup.set',
      set.map((setting) => record(directory, setting)),
    );
    plan.addAll(
      'cgroup.try',
      [...attemptsV1(hierarchy.controllers, resources), ...devicesV1(hierarchy.controllers, resources)].map(
        (setting) => record(directory, setting),
      ),
    );
    return;
  }
  // Beside v1 hierarchies the unified one has no controllers of ours; it is joined so that tools that look
  // there find the container.
  if (!host.unified) return;
  for (const parent of parentsFrom(hierarchy.mountPoint, directory)) {
    for (const controller of V2_CONTROLLERS) {
      plan.add('cgroup.enable', record(parent, { file: 'cgroup.subtree_control', value: `+${controller}` }));
    }
  }
  const program = deviceProgram(deviceList(resources.devices));
  if (program !== null) plan.add('cgroup.devices', record(directory, { file: '', value: program }));
  const { set, attempt } = limitsV2(resources);
  plan.addAll(
    'cgroup.set',
    set.map((setting) => record(directory, setting)),
  );
  plan.addAll(
    'cgroup.try',
    attempt.map((setting) => record(directory, setting)),
  );
}

/** Every directory above `directory`, from the hierarchy's root down: a controller is handed on level by level. */
function parentsFrom(mountPoint: string, directory: string): string[] {
  const parents: string[] = [];
  for (let path = directory; path !== mountPoint && path !== '/';) {
    path = dirname(path);
    parents.unshift(path);
  }
  return parents;
}

const V2_CONTROLLERS = ['cpuset', 'cpu', 'io', 'memory', 'hugetlb', 'pids', 'rdma', 'misc'];

function record(directory: string, { file, value }: CgroupSetting): string {
  return `${join(directory, file)}\n${value}`;
}

/** In runc's words. */
function checkUnified(spec: Spec, host: CgroupHost): void {
  const files = Object.keys(spec.linux?.resources?.unified ?? {});
  if (files.length > 0 && !host.unified) {
    throw new Error('invalid configuration: cannot use unified on cgroup v1');
  }
}

function asksForLimits(spec: Spec): boolean {
  const { devices, ...limits } = spec.linux?.resources ?? {};
  void devices;
  return Object.values(limits).some((part) => part !== undefined && Object.keys(part).length > 0);
}
