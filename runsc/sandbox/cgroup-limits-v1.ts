// linux.resources as files of cgroup v1 controllers, in the order in which they have to be written.

import { deviceList } from './device-rules.ts';

import type { CgroupSetting } from './cgroup-plan.ts';
import type { BlockIo, CpuResources, MemoryResources, Resources } from '../spec/spec.ts';

/** Settings for a hierarchy with these controllers. */
export function limitsV1(controllers: readonly string[], resources: Resources): CgroupSetting[] {
  const settings: CgroupSetting[] = [];
  for (const controller of controllers) settings.push(...(BY_CONTROLLER[controller]?.(resources) ?? []));
  return settings;
}

/** Settings for which the kernel has a file or not, by its schedulers: `blkio.weight` with CFQ, `blkio.bfq.weight` with BFQ. */
export function attemptsV1(controllers: readonly string[], { blockIO }: Resources): CgroupSetting[] {
  if (blockIO === undefined || !controllers.includes('blkio')) return [];
  return ['blkio.', 'blkio.bfq.'].flatMap((prefix) => weightsV1(prefix, blockIO));
}

/** For a new cgroup. Inside another one that has fewer devices the kernel refuses some, which no guest misses. */
export function devicesV1(controllers: readonly string[], { devices }: Resources): CgroupSetting[] {
  if (!controllers.includes('devices')) return [];
  const { allowAll, entries } = deviceList(devices);
  const [first, then] = allowAll ? ['devices.allow', 'devices.deny'] : ['devices.deny', 'devices.allow'];
  const number = (value: number): string => (value < 0 ? '*' : String(value));
  const values = entries.map(
    ({ type, major, minor, access }) => `${type} ${number(major)}:${number(minor)} ${access}`,
  );
  return [{ file: first, value: 'a' }, ...values.map((value) => ({ file: then, value }))];
}

/** What is asked of controllers that no hierarchy has. Throws in runc's words. */
export function requireControllers(present: ReadonlySet<string>, resources: Resources): void {
  for (const [controller, translate] of Object.entries(BY_CONTROLLER)) {
    if (!present.has(controller) && translate(resources).length > 0) {
      throw new Error(`cannot set ${controller} limit: container could not join or create cgroup`);
    }
  }
}

type Translate = (resources: Resources) => CgroupSetting[];

const BY_CONTROLLER: Readonly<Record<string, Translate>> = {
  memory: ({ memory }) => (memory === undefined ? [] : memoryV1(memory)),
  cpu: ({ cpu }) => (cpu === undefined ? [] : cpuV1(cpu)),
  cpuset: ({ cpu }) => [...text('cpuset.cpus', cpu?.cpus), ...text('cpuset.mems', cpu?.mems)],
  pids: ({ pids }) => (pids?.limit ? [{ file: 'pids.max', value: hostPidsMax(pids.limit) }] : []),
  blkio: ({ blockIO }) => (blockIO === undefined ? [] : blkioV1(blockIO)),
  hugetlb: ({ hugepageLimits = [] }) =>
    hugepageLimits.map(({ pageSize, limit }) => ({
      file: `hugetlb.${pageSize}.limit_in_bytes`,
      value: String(limit),
    })),
  net_cls: ({ network }) => number('net_cls.classid', network?.classID),
  net_prio: ({ network }) =>
    (network?.priorities ?? []).map(({ name, priority }) => ({
      file: 'net_prio.ifpriomap',
      value: `${name} ${priority}`,
    })),
  rdma: ({ rdma = {} }) =>
    Object.entries(rdma).map(([device, { hcaHandles, hcaObjects }]) => ({
      file: 'rdma.max',
      value: `${device} hca_handle=${hcaHandles ?? 'max'} hca_object=${hcaObjects ?? 'max'}`,
    })),
};

/** Threads and processes of the launcher, the gofer and the Sentry, with its spare stubs. */
const OWN_TASKS = 64;

/**
 * The Sentry counts the guest's tasks itself and refuses those above the limit. The host's cgroup counts ours
 * too, which a small limit would leave no room for.
 */
export function hostPidsMax(limit: number): string {
  if (limit < 0) return 'max';
  return String(limit < 2 * OWN_TASKS ? limit + OWN_TASKS : limit);
}

/** 2^64-1, which loses precision as a number. */
const DEFAULT_SWAPPINESS = 2 ** 64;

/** memory.memsw must never be below memory.limit, and a new cgroup has both unlimited: the limit goes first. */
function memoryV1(memory: MemoryResources): CgroupSetting[] {
  const { swappiness } = memory;
  if (swappiness !== undefined && swappiness > 100 && swappiness < DEFAULT_SWAPPINESS) {
    throw new Error(`invalid memory swappiness value: ${swappiness} (valid range is 0-100)`);
  }
  // Without an explicit value the kernel's swap limit stays; runc sets the same when only `limit` is -1.
  const swap = memory.swap ?? (memory.limit === -1 ? -1 : undefined);
  return [
    ...number('memory.limit_in_bytes', memory.limit),
    ...number('memory.memsw.limit_in_bytes', swap),
    ...number('memory.soft_limit_in_bytes', memory.reservation),
    ...number('memory.kmem.tcp.limit_in_bytes', memory.kernelTCP),
    ...(memory.disableOOMKiller === true ? [{ file: 'memory.oom_control', value: '1' }] : []),
    ...(swappiness !== undefined && swappiness <= 100
      ? [{ file: 'memory.swappiness', value: String(swappiness) }]
      : []),
  ];
}

const MIN_SHARES = 2;
const MAX_SHARES = 262_144;

/** The period first: a quota is checked against it. */
function cpuV1(cpu: CpuResources): CgroupSetting[] {
  const shares = cpu.shares || MIN_SHARES;
  if (shares < MIN_SHARES) throw new Error(`the minimum allowed cpu-shares is ${MIN_SHARES}`);
  if (shares > MAX_SHARES) throw new Error(`the maximum allowed cpu-shares is ${MAX_SHARES}`);
  return [
    ...number('cpu.shares', cpu.shares),
    ...number('cpu.rt_period_us', cpu.realtimePeriod),
    ...number('cpu.rt_runtime_us', cpu.realtimeRuntime),
    ...number('cpu.cfs_period_us', cpu.period),
    ...number('cpu.cfs_quota_us', cpu.quota),
    ...number('cpu.cfs_burst_us', cpu.burst),
    ...number('cpu.idle', cpu.idle),
  ];
}

function weightsV1(prefix: string, io: BlockIo): CgroupSetting[] {
  const settings = [
    ...number(`${prefix}weight`, io.weight),
    ...number(`${prefix}leaf_weight`, io.leafWeight),
  ];
  for (const { major, minor, weight, leafWeight } of io.weightDevice ?? []) {
    if (weight) settings.push({ file: `${prefix}weight_device`, value: `${major}:${minor} ${weight}` });
    if (leafWeight)
      settings.push({ file: `${prefix}leaf_weight_device`, value: `${major}:${minor} ${leafWeight}` });
  }
  return settings;
}

function blkioV1(io: BlockIo): CgroupSetting[] {
  const settings: CgroupSetting[] = [];
  const throttles = [
    ['blkio.throttle.read_bps_device', io.throttleReadBpsDevice],
    ['blkio.throttle.write_bps_device', io.throttleWriteBpsDevice],
    ['blkio.throttle.read_iops_device', io.throttleReadIOPSDevice],
    ['blkio.throttle.write_iops_device', io.throttleWriteIOPSDevice],
  ] as const;
  for (const [file, devices] of throttles) {
    for (const { major, minor, rate } of devices ?? [])
      settings.push({ file, value: `${major}:${minor} ${rate}` });
  }
  return settings;
}

/** Zero means unset throughout linux.resources. */
function number(file: string, value: number | undefined): CgroupSetting[] {
  return value === undefined || value === 0 ? [] : [{ file, value: String(value) }];
}

function text(file: string, value: string | undefined): CgroupSetting[] {
  return value === undefined || value === '' ? [] : [{ file, value }];
}
