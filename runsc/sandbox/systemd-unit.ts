// Names and properties of the systemd scope that a container is with --systemd-cgroup: systemd.scope(5),
// systemd.resource-control(5), and runc's choices among them.

import { weightOfShares } from './cgroup-limits-v2.ts';
import { hostPidsMax } from './cgroup-limits-v1.ts';

import type { Resources } from '../spec/spec.ts';

export interface SystemdUnit {
  /** `a-b.slice`; '' is the root. */
  readonly slice: string;
  /** `prefix-name.scope`, or a slice. */
  readonly name: string;
}

/** A property of a unit: its name, its D-Bus signature, its value. */
export type UnitProperty = readonly [name: string, signature: string, value: unknown];

/** From cgroupsPath, `slice:prefix:name`. Throws in runc's words for other forms. */
export function systemdUnit(cgroupsPath: string, id: string): SystemdUnit {
  const parts = cgroupsPath === '' ? ['', 'runsc', id] : cgroupsPath.split(':');
  if (parts.length !== 3) {
    const sentence = 'expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups';
    throw new Error(`${sentence}, got ${JSON.stringify(cgroupsPath)} instead`);
  }
  const [slice, prefix, name] = parts as [string, string, string];
  const unit = name.endsWith('.slice') ? name : `${prefix === '' ? '' : `${prefix}-`}${name}.scope`;
  return { slice: slice === '' ? 'system.slice' : slice, name: unit };
}

/** Where systemd puts the unit: `a-b.slice` is /a.slice/a-b.slice. Throws for what is no slice. */
export function unitCgroup({ slice, name }: SystemdUnit): string {
  return `${expandSlice(slice)}/${name}`.replace(/^\/\//, '/');
}

/** systemd.slice(5): a dash separates levels, and `-.slice` is the root. */
function expandSlice(slice: string): string {
  if (slice === '-.slice') return '/';
  const stem = slice.replace(/\.slice$/, '');
  if (!slice.endsWith('.slice') || stem === '' || slice.includes('/') || /^-|--|-$/.test(stem)) {
    throw new Error(`invalid slice name: ${slice}`);
  }
  const parts = stem.split('-');
  return `/${parts.map((_, index) => `${parts.slice(0, index + 1).join('-')}.slice`).join('/')}`;
}

/** The properties that the unit is made with; `pid` becomes its first process. */
export function unitProperties(
  unit: SystemdUnit,
  id: string,
  pid: number,
  resources: Resources,
  unified: boolean,
): UnitProperty[] {
  const scope = unit.name.endsWith('.scope');
  return [
    ['Description', 's', `runsc container ${id}`],
    // A slice is where it is by its name.
    scope ? ['Slice', 's', unit.slice] : ['Wants', 'as', [unit.slice]],
    ...(scope
      ? ([
          // What is below is ours; systemd must not touch it.
          ['Delegate', 'b', true],
          ['PIDs', 'au', [pid]],
          ['CollectMode', 's', 'inactive-or-failed'],
        ] as const)
      : []),
    ['MemoryAccounting', 'b', true],
    ['CPUAccounting', 'b', true],
    [unified ? 'IOAccounting' : 'BlockIOAccounting', 'b', true],
    ['TasksAccounting', 'b', true],
    ['DefaultDependencies', 'b', false],
    ...resourceProperties(resources, unified),
  ];
}

/** Limits as systemd knows them, so that it keeps them when it reloads; what it doesn't know is written to the files. */
export function resourceProperties(resources: Resources, unified: boolean): UnitProperty[] {
  const { memory, cpu, pids, blockIO } = resources;
  const properties: UnitProperty[] = [];
  if (memory?.limit) properties.push([unified ? 'MemoryMax' : 'MemoryLimit', 't', bound(memory.limit)]);
  if (unified && memory?.reservation) properties.push(['MemoryLow', 't', bound(memory.reservation)]);
  if (unified && memory?.swap) {
    // v1 counts swap together with memory.
    const swap = memory.swap < 0 ? -1 : memory.swap - Math.max(memory.limit ?? 0, 0);
    properties.push(['MemorySwapMax', 't', bound(swap)]);
  }
  if (cpu?.shares) {
    properties.push(
      unified ? ['CPUWeight', 't', weightOfShares(cpu.shares)] : ['CPUShares', 't', cpu.shares],
    );
  }
  if (cpu?.quota || cpu?.period) properties.push(...quota(cpu.quota ?? 0, cpu.period ?? 0));
  if (cpu?.cpus) properties.push(['AllowedCPUs', 'ay', listToBits(cpu.cpus)]);
  if (cpu?.mems) properties.push(['AllowedMemoryNodes', 'ay', listToBits(cpu.mems)]);
  if (!unified && blockIO?.weight) properties.push(['BlockIOWeight', 't', blockIO.weight]);
  if (pids?.limit) {
    const most = hostPidsMax(pids.limit);
    properties.push(['TasksMax', 't', most === 'max' ? UNLIMITED : Number(most)]);
  }
  return properties;
}

const UNLIMITED = 0xffff_ffff_ffff_ffffn;
const DEFAULT_PERIOD_US = 100_000;
const US_PER_S = 1_000_000;
/** systemd keeps quotas in hundredths of a CPU. */
const QUOTA_STEP_US = 10_000;

function quota(quotaUs: number, periodUs: number): UnitProperty[] {
  const properties: UnitProperty[] = [];
  if (periodUs > 0) properties.push(['CPUQuotaPeriodUSec', 't', periodUs]);
  const perSecond =
    quotaUs > 0
      ? Math.ceil((quotaUs * US_PER_S) / (periodUs || DEFAULT_PERIOD_US) / QUOTA_STEP_US) * QUOTA_STEP_US
      : UNLIMITED;
  properties.push(['CPUQuotaPerSecUSec', 't', perSecond]);
  return properties;
}

function bound(value: number): number | bigint {
  return value < 0 ? UNLIMITED : value;
}

/** cpuset(7), "List format", as a mask whose first byte holds the lowest numbers. */
export function listToBits(list: string): number[] {
  const bits: number[] = [];
  for (const part of list.split(',').filter((piece) => piece !== '')) {
    const [first = NaN, last = first] = part.split('-').map(Number);
    if (!(first <= last) || last > 8191) throw new Error(`invalid list ${JSON.stringify(list)}`);
    for (let member = first; member <= last; member++) {
      while (bits.length <= member >> 3) bits.push(0);
      bits[member >> 3]! |= 1 << (member & 7);
    }
  }
  return bits;
}
