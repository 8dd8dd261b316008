// Statistics of cgroup v1 controllers.

import { count, parseKeyed, parseList } from './stats.ts';

import type { CgroupFiles } from './cgroup-files.ts';
import type { BlkioEntry, Count, Stats, Usage } from './stats.ts';

/** cpuacct.stat counts in USER_HZ. */
const NS_PER_TICK = 10_000_000;

export function statsV1(files: CgroupFiles): Stats {
  const raw = parseKeyed(files.read('memory.stat'));
  return {
    cpu: { usage: cpuUsage(files), throttling: throttling(files) },
    cpuset: cpuset(files),
    memory: {
      ...nonZero('cache', raw['cache'] ?? 0),
      usage: memory(files, 'memory'),
      swap: memory(files, 'memory.memsw'),
      kernel: memory(files, 'memory.kmem'),
      kernelTCP: memory(files, 'memory.kmem.tcp'),
      raw,
    },
    pids: pids(files),
    blkio: blkio(files),
    hugetlb: {},
    intel_rdt: {},
    network_interfaces: null,
  };
}

function cpuUsage(files: CgroupFiles): Stats['cpu']['usage'] {
  const times = parseKeyed(files.read('cpuacct.stat'));
  const perCpu = (files.read('cpuacct.usage_percpu') ?? '').split(' ').filter((word) => word !== '');
  // The first line is a heading: `cpu user system`.
  const rows = (files.read('cpuacct.usage_all') ?? '')
    .split('\n')
    .slice(1)
    .map((line) => line.split(' '));
  return {
    ...nonZero('total', count(files.read('cpuacct.usage'))),
    ...(perCpu.length === 0 ? {} : { percpu: perCpu.map(count) }),
    ...(rows.length === 0 ? {} : { percpu_kernel: rows.map((row) => count(row[2])) }),
    ...(rows.length === 0 ? {} : { percpu_user: rows.map((row) => count(row[1])) }),
    kernel: Number(times['system'] ?? 0) * NS_PER_TICK,
    user: Number(times['user'] ?? 0) * NS_PER_TICK,
  };
}

function throttling(files: CgroupFiles): Stats['cpu']['throttling'] {
  const values = parseKeyed(files.read('cpu.stat'));
  return {
    ...nonZero('periods', values['nr_periods'] ?? 0),
    ...nonZero('throttledPeriods', values['nr_throttled'] ?? 0),
    ...nonZero('throttledTime', values['throttled_time'] ?? 0),
  };
}

function cpuset(files: CgroupFiles): Stats['cpuset'] {
  const values: Stats['cpuset'] = {};
  const cpus = parseList(files.read('cpuset.cpus'));
  const mems = parseList(files.read('cpuset.mems'));
  if (cpus.length > 0) values['cpus'] = cpus;
  values['cpu_exclusive'] = count(files.read('cpuset.cpu_exclusive'));
  if (mems.length > 0) values['mems'] = mems;
  for (const name of CPUSET_FLAGS) values[name] = count(files.read(`cpuset.${name}`));
  values['sched_relax_domain_level'] = Number(files.read('cpuset.sched_relax_domain_level') ?? 0);
  return values;
}

const CPUSET_FLAGS = [
  'mem_hardwall',
  'mem_exclusive',
  'memory_migrate',
  'memory_spread_page',
  'memory_spread_slab',
  'memory_pressure',
  'sched_load_balance',
];

/** `memory`, `memory.memsw`, `memory.kmem` or `memory.kmem.tcp`. */
function memory(files: CgroupFiles, prefix: string): Usage {
  return {
    limit: count(files.read(`${prefix}.limit_in_bytes`)),
    ...nonZero('usage', count(files.read(`${prefix}.usage_in_bytes`))),
    ...nonZero('max', count(files.read(`${prefix}.max_usage_in_bytes`))),
    failcnt: count(files.read(`${prefix}.failcnt`)),
  };
}

function pids(files: CgroupFiles): Stats['pids'] {
  const limit = files.read('pids.max');
  return {
    ...nonZero('current', count(files.read('pids.current'))),
    ...(limit === undefined || limit === 'max' ? {} : { limit: count(limit) }),
  };
}

/** Some schedulers keep numbers of their own; all are counted by the throttling layer. */
function blkio(files: CgroupFiles): Stats['blkio'] {
  return {
    ...some('ioServiceBytesRecursive', blkioEntries(files.read('blkio.throttle.io_service_bytes_recursive'))),
    ...some('ioServicedRecursive', blkioEntries(files.read('blkio.throttle.io_serviced_recursive'))),
  };
}

/** Lines are `MAJOR:MINOR OP VALUE`; the last one is a total. */
function blkioEntries(text = ''): BlkioEntry[] {
  const entries: BlkioEntry[] = [];
  for (const line of text.split('\n')) {
    const [, major, minor, op, value] = /^(\d+):(\d+) (\w+) (\d+)$/.exec(line) ?? [];
    if (op !== undefined)
      entries.push({ major: Number(major), minor: Number(minor), op, value: count(value) });
  }
  return entries;
}

function some(name: string, entries: BlkioEntry[]): Record<string, BlkioEntry[]> {
  return entries.length === 0 ? {} : { [name]: entries };
}

/** runc leaves a zero out where its type says "omitempty". */
function nonZero<K extends string>(name: K, value: Count): Partial<Record<K, Count>> {
  return value === 0 ? {} : ({ [name]: value } as Record<K, Count>);
}
