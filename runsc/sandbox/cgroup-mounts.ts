// The host's cgroup hierarchies, and where this process is in each: cgroups(7).

import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

export interface CgroupHierarchy {
  /** 1, or 2 for the unified hierarchy. */
  readonly version: 1 | 2;
  /** Where it is mounted. */
  readonly mountPoint: string;
  /** v1: controllers and `name=` of the hierarchy; empty for v2. */
  readonly controllers: readonly string[];
  /** Directory of the cgroup that this process is in. */
  readonly own: string;
}

export interface CgroupHost {
  readonly hierarchies: readonly CgroupHierarchy[];
  /** Only the unified hierarchy is there. With both, v1 has the controllers (hybrid). */
  readonly unified: boolean;
}

/** Empty when nothing is mounted or /proc can't be read. */
export function readCgroupHost(): CgroupHost {
  try {
    return parseCgroupHost(
      readFileSync('/proc/self/mountinfo', 'utf8'),
      readFileSync('/proc/self/cgroup', 'utf8'),
    );
  } catch {
    return { hierarchies: [], unified: false };
  }
}

/** The contents of /proc/self/mountinfo and /proc/self/cgroup. */
export function parseCgroupHost(mountinfo: string, cgroup: string): CgroupHost {
  const paths = parseOwnPaths(cgroup);
  const hierarchies: CgroupHierarchy[] = [];
  const seen = new Set<string>();
  for (const line of mountinfo.split('\n')) {
    const mount = parseMount(line);
    if (mount === undefined) continue;
    const key = mount.version === 2 ? '' : mount.controllers.join(',');
    const path = paths.get(mount.version === 2 ? '' : (mount.controllers[0] ?? ''));
    // The first mount of a hierarchy is as good as any other.
    if (path === undefined || seen.has(key)) continue;
    seen.add(key);
    const { version, mountPoint, controllers } = mount;
    hierarchies.push({ version, mountPoint, controllers, own: join(mountPoint, beneath(mount.root, path)) });
  }
  const unified = hierarchies.length > 0 && hierarchies.every(({ version }) => version === 2);
  return { hierarchies, unified };
}

interface CgroupMount {
  readonly version: 1 | 2;
  readonly root: string;
  readonly mountPoint: string;
  readonly controllers: readonly string[];
}

/** proc_pid_mountinfo(5): fields 4 and 5, then after the dash the type, the source and the super options. */
function parseMount(line: string): CgroupMount | undefined {
  const [front, back] = line.split(' - ');
  if (front === undefined || back === undefined) return undefined;
  const [type, , superOptions = ''] = back.split(' ');
  if (type !== 'cgroup' && type !== 'cgroup2') return undefined;
  const fields = front.split(' ');
  const controllers =
    type === 'cgroup2'
      ? []
      : superOptions.split(',').filter((option) => V1_CONTROLLERS.has(option) || option.startsWith('name='));
  return {
    version: type === 'cgroup2' ? 2 : 1,
    root: unescapeOctal(fields[3] ?? '/'),
    mountPoint: unescapeOctal(fields[4] ?? '/'),
    controllers,
  };
}

const V1_CONTROLLERS: ReadonlySet<string> = new Set([
  'cpu',
  'cpuacct',
  'cpuset',
  'memory',
  'devices',
  'freezer',
  'blkio',
  'pids',
  'net_cls',
  'net_prio',
  'perf_event',
  'hugetlb',
  'rdma',
  'misc',
]);

/** Controller (or `name=`, or '' for v2) to path. Lines are `ID:CONTROLLERS:PATH`. */
function parseOwnPaths(cgroup: string): Map<string, string> {
  const paths = new Map<string, string>();
  for (const line of cgroup.split('\n')) {
    const first = line.indexOf(':');
    const second = line.indexOf(':', first + 1);
    if (first < 0 || second < 0) continue;
    for (const controller of line.slice(first + 1, second).split(',')) {
      paths.set(controller, line.slice(second + 1));
    }
  }
  return paths;
}

/** In a container without a cgroup namespace, the mount shows only a part of the hierarchy. */
function beneath(root: string, path: string): string {
  const relative = posix.relative(root, path);
  return relative === '..' || relative.startsWith('../') ? '' : relative;
}

function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}
