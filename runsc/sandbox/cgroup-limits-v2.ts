// linux.resources, which speak of cgroup v1, as files of cgroup v2. The conversions are those of runc and crun.

import { hostPidsMax } from './cgroup-limits-v1.ts';

import type { CgroupSetting } from './cgroup-plan.ts';
import type { BlockIo, CpuResources, MemoryResources, Resources } from '../spec/spec.ts';

export interface LimitsV2 {
  /** Must be accepted. */
  readonly set: CgroupSetting[];
  /** Are written where the kernel has them. */
  readonly attempt: CgroupSetting[];
}

export function limitsV2(resources: Resources): LimitsV2 {
  const set: CgroupSetting[] = [];
  const attempt: CgroupSetting[] = [];
  if (resources.memory !== undefined) set.push(...memoryV2(resources.memory));
  if (resources.cpu !== undefined) set.push(...cpuV2(resources.cpu));
  const pids = resources.pids?.limit;
  if (pids) set.push({ file: 'pids.max', value: hostPidsMax(pids) });
  if (resources.blockIO !== undefined) {
    set.push(...throttlesV2(resources.blockIO));
    attempt.push(...weightsV2(resources.blockIO));
  }
  for (const { pageSize, limit: bytes } of resources.hugepageLimits ?? []) {
    set.push({ file: `hugetlb.${pageSize}.max`, value: String(bytes) });
  }
  for (const [device, { hcaHandles, hcaObjects }] of Object.entries(resources.rdma ?? {})) {
    const value = `${device} hca_handle=${hcaHandles ?? 'max'} hca_object=${hcaObjects ?? 'max'}`;
    set.push({ file: 'rdma.max', value });
  }
  // Last, so that they win over what was converted.
  for (const [file, value] of Object.entries(resources.unified ?? {})) {
    if (file.includes('/'))
      throw new Error(`linux.resources.unified: ${JSON.stringify(file)} is not a file name`);
    set.push({ file, value });
  }
  return { set, attempt };
}

/** v1 counts swap together with memory, v2 alone. */
function memoryV2(memory: MemoryResources): CgroupSetting[] {
  const settings: CgroupSetting[] = [];
  const { limit: bytes, swap, reservation } = memory;
  if (swap) settings.push({ file: 'memory.swap.max', value: swapV2(swap, bytes) });
  else if (bytes === -1) settings.push({ file: 'memory.swap.max', value: 'max' });
  if (bytes) settings.push({ file: 'memory.max', value: limit(bytes) });
  if (reservation) settings.push({ file: 'memory.low', value: limit(reservation) });
  return settings;
}

function swapV2(swap: number, bytes: number | undefined): string {
  if (swap < 0) return 'max';
  if (bytes === undefined || bytes <= 0) {
    throw new Error('linux.resources.memory.swap: needs linux.resources.memory.limit');
  }
  if (swap < bytes)
    throw new Error('linux.resources.memory.swap: must not be below linux.resources.memory.limit');
  return String(swap - bytes);
}

function cpuV2(cpu: CpuResources): CgroupSetting[] {
  const settings: CgroupSetting[] = [];
  if (cpu.idle) settings.push({ file: 'cpu.idle', value: String(cpu.idle) });
  if (cpu.shares) settings.push({ file: 'cpu.weight', value: String(weightOfShares(cpu.shares)) });
  if (cpu.quota || cpu.period) {
    const quota = cpu.quota !== undefined && cpu.quota > 0 ? String(cpu.quota) : 'max';
    settings.push({ file: 'cpu.max', value: `${quota} ${cpu.period || 100_000}` });
  }
  if (cpu.burst) settings.push({ file: 'cpu.max.burst', value: String(cpu.burst) });
  if (cpu.cpus) settings.push({ file: 'cpuset.cpus', value: cpu.cpus });
  if (cpu.mems) settings.push({ file: 'cpuset.mems', value: cpu.mems });
  return settings;
}

/** [2, 262144] onto [1, 10000]. */
export function weightOfShares(shares: number): number {
  const clamped = Math.min(Math.max(shares, 2), 262_144);
  return 1 + Math.floor(((clamped - 2) * 9999) / 262_142);
}

/** io.weight exists with some schedulers, io.bfq.weight with another; [10, 1000] onto [1, 10000]. */
function weightsV2(io: BlockIo): CgroupSetting[] {
  const settings: CgroupSetting[] = [];
  if (io.weight) {
    const weight = 1 + Math.floor(((io.weight - 10) * 9999) / 990);
    settings.push(
      { file: 'io.bfq.weight', value: String(io.weight) },
      { file: 'io.weight', value: String(weight) },
    );
  }
  for (const { major, minor, weight } of io.weightDevice ?? []) {
    if (weight) settings.push({ file: 'io.bfq.weight', value: `${major}:${minor} ${weight}` });
  }
  return settings;
}

function throttlesV2(io: BlockIo): CgroupSetting[] {
  const kinds = [
    ['rbps', io.throttleReadBpsDevice],
    ['wbps', io.throttleWriteBpsDevice],
    ['riops', io.throttleReadIOPSDevice],
    ['wiops', io.throttleWriteIOPSDevice],
  ] as const;
  return kinds.flatMap(([kind, devices]) =>
    (devices ?? []).map(({ major, minor, rate }) => ({
      file: 'io.max',
      value: `${major}:${minor} ${kind}=${rate}`,
    })),
  );
}

function limit(value: number): string {
  return value < 0 ? 'max' : String(value);
}
