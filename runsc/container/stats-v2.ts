// Statistics of the unified hierarchy, put under v1's names as runc does.

import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';

import { count, parseKeyed, parseList } from './stats.ts';

import type { CgroupFiles } from './cgroup-files.ts';
import type { BlkioEntry, Count, Stats, Usage } from './stats.ts';

const NS_PER_US = 1000;
/** runc's number for `max`: the largest unsigned one. */
const UNLIMITED = '#18446744073709551615';

export function statsV2(files: CgroupFiles): Stats {
  const raw = parseKeyed(files.read('memory.stat'));
  const cpu = parseKeyed(files.read('cpu.stat'));
  return {
    cpu: {
      usage: {
        total: nanoseconds(cpu['usage_usec']),
        kernel: nanoseconds(cpu['system_usec']),
        user: nanoseconds(cpu['user_usec']),
      },
      throttling: {
        ...nonZero('periods', cpu['nr_periods']),
        ...nonZero('throttledPeriods', cpu['nr_throttled']),
        ...nonZero('throttledTime', nanoseconds(cpu['throttled_usec'])),
      },
    },
    cpuset: cpuset(files),
    memory: {
      ...nonZero('cache', raw['file']),
      usage: memory(files),
      swap: swap(files),
      kernel: { limit: 0, failcnt: 0 },
      kernelTCP: { limit: 0, failcnt: 0 },
      raw,
    },
    pids: pids(files),
    blkio: blkio(files),
    hugetlb: hugetlb(files),
    intel_rdt: {},
    network_interfaces: null,
  };
}

function cpuset(files: CgroupFiles): Stats['cpuset'] {
  const cpus = parseList(files.read('cpuset.cpus.effective'));
  const mems = parseList(files.read('cpuset.mems.effective'));
  return { ...(cpus.length === 0 ? {} : { cpus }), ...(mems.length === 0 ? {} : { mems }) };
}

function memory(files: CgroupFiles): Usage {
  return {
    limit: limit(files.read('memory.max')),
    ...nonZero('usage', count(files.read('memory.current'))),
    ...nonZero('max', count(files.read('memory.peak'))),
    failcnt: parseKeyed(files.read('memory.events'))['max'] ?? 0,
  };
}

/** v1 counts swap together with memory. */
function swap(files: CgroupFiles): Usage {
  const swapped = Number(count(files.read('memory.swap.current')));
  const used = Number(count(files.read('memory.current')));
  const most = files.read('memory.swap.max');
  const memoryMost = files.read('memory.max');
  const unlimited = most === undefined || most === 'max' || memoryMost === 'max';
  return {
    limit: unlimited ? UNLIMITED : Number(most) + Number(memoryMost ?? 0),
    ...nonZero('usage', used + swapped),
    failcnt: parseKeyed(files.read('memory.swap.events'))['max'] ?? 0,
  };
}

function pids(files: CgroupFiles): Stats['pids'] {
  const most = files.read('pids.max');
  return {
    ...nonZero('current', count(files.read('pids.current'))),
    ...(most === undefined || most === 'max' ? {} : { limit: count(most) }),
  };
}

/** Lines are `MAJOR:MINOR rbytes=N wbytes=N rios=N wios=N …`. */
function blkio(files: CgroupFiles): Stats['blkio'] {
  const bytes: BlkioEntry[] = [];
  const requests: BlkioEntry[] = [];
  for (const line of (files.read('io.stat') ?? '').split('\n')) {
    const [device = '', ...pairs] = line.split(' ');
    const [major, minor] = device.split(':').map(Number);
    if (major === undefined || minor === undefined) continue;
    for (const pair of pairs) {
      const [name = '', value] = pair.split('=');
      const kind = KINDS[name];
      if (kind === undefined) continue;
      const [list, op] = kind;
      (list === 'bytes' ? bytes : requests).push({ major, minor, op, value: count(value) });
    }
  }
  return {
    ...(bytes.length === 0 ? {} : { ioServiceBytesRecursive: bytes }),
    ...(requests.length === 0 ? {} : { ioServicedRecursive: requests }),
  };
}

const KINDS: Readonly<Record<string, readonly ['bytes' | 'requests', string]>> = {
  rbytes: ['bytes', 'Read'],
  wbytes: ['bytes', 'Write'],
  rios: ['requests', 'Read'],
  wios: ['requests', 'Write'],
};

/** One per page size that the cgroup has files for. */
function hugetlb(files: CgroupFiles): Stats['hugetlb'] {
  const controllers = files.find('cgroup.controllers');
  if (controllers === undefined) return {};
  const sizes = readdirSync(dirname(controllers)).flatMap(
    (name) => /^hugetlb\.(\w+)\.current$/.exec(name)?.[1] ?? [],
  );
  return Object.fromEntries(
    sizes.map((size) => [
      size,
      {
        limit: limit(files.read(`hugetlb.${size}.max`)),
        ...nonZero('usage', count(files.read(`hugetlb.${size}.current`))),
        failcnt: parseKeyed(files.read(`hugetlb.${size}.events`))['max'] ?? 0,
      },
    ]),
  );
}

function limit(text: string | undefined): Count {
  return text === 'max' ? UNLIMITED : count(text);
}

function nanoseconds(microseconds: Count = 0): Count {
  return Number(microseconds) * NS_PER_US;
}

function nonZero<K extends string>(name: K, value: Count = 0): Partial<Record<K, Count>> {
  return value === 0 ? {} : ({ [name]: value } as Record<K, Count>);
}
