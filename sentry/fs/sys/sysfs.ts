/** sysfs as containers see it: processors, one memory node, the loopback device, and mount points (sysfs(5)). */
import type { Kernel } from '../../kernel/kernel.ts';
import { StaticDirectory } from '../pseudo/directory.ts';
import { GeneratedFile } from '../pseudo/file.ts';
import { PseudoFilesystem } from '../pseudo/filesystem.ts';
import type { Links } from './interfaces.ts';
import { addInterfaces } from './interfaces.ts';
import { PseudoSymlink } from '../pseudo/symlink.ts';

const SYSFS_MAGIC = 0x62656572;
const LOOPBACK_MTU = 65536;

export interface SysfsOptions {
  /** CPUs that the container has now. */
  readonly cpuCount: () => number;
  /** Memory that the guest may use, in bytes: total and free now. */
  readonly memory: () => { total: number; free: number };
  /** The network's interfaces now; without it there is a loopback. */
  readonly links?: Links;
}

/** Directories that are there and empty in a container without devices. */
const EMPTY = [
  'block', 'bus', 'class/block', 'class/drm', 'class/hwmon', 'class/power_supply', 'class/thermal', 'class/tty',
  'class/mem', 'dev/block', 'dev/char', 'firmware', 'fs/bpf', 'fs/cgroup', 'fs/ext4', 'fs/fuse/connections',
  'hypervisor', 'kernel/debug', 'kernel/security', 'kernel/tracing', 'module', 'power', 'devices/virtual/dmi',
]; // prettier-ignore

export function makeSysfs(kernel: Kernel, dev: number, options: SysfsOptions): PseudoFilesystem {
  const fs = new PseudoFilesystem('sysfs', dev, SYSFS_MAGIC);
  const root = new StaticDirectory(fs);
  fs.setRoot(root);
  for (const path of EMPTY) directory(root, path);
  const put = (path: string, text: string | (() => string)): void => {
    const names = path.split('/');
    const name = names.pop()!;
    const show = typeof text === 'string' ? (): string => `${text}\n` : (): string => `${text()}\n`;
    directory(root, names.join('/')).add(name, new GeneratedFile(fs, 0o444, show));
  };
  const link = (path: string, target: string): void => {
    const names = path.split('/');
    const name = names.pop()!;
    directory(root, names.join('/')).add(name, new PseudoSymlink(fs, target));
  };
  for (const [parent, name] of CPU_DIRECTORIES)
    directory(root, parent).add(name, new CpuDirectory(fs, options.cpuCount));
  processors(kernel.cpuCount, options.cpuCount, put, link);
  memoryNode(kernel.cpuCount, options, put, link);
  kernelSettings(put);
  if (options.links === undefined) {
    loopback(put, link);
    link('class/net/lo', '../../devices/virtual/net/lo');
  } else {
    addInterfaces(fs, directory(root, 'class'), directory(root, 'devices/virtual'), options.links);
  }
  return fs;
}

type Put = (path: string, text: string | (() => string)) => void;
type Link = (path: string, target: string) => void;

function directory(root: StaticDirectory, path: string): StaticDirectory {
  let dir = root;
  if (path !== '') for (const name of path.split('/')) dir = dir.directory(name);
  return dir;
}

const CPU_DIRECTORIES = [
  ['devices/system', 'cpu'],
  ['devices/system/node', 'node0'],
  ['bus/cpu', 'devices'],
] as const;

/** Has an entry for each CPU that the host could give, and shows those that the container has. */
class CpuDirectory extends StaticDirectory {
  private readonly count: () => number;

  constructor(fs: PseudoFilesystem, count: () => number) {
    super(fs);
    this.count = count;
  }

  override cacheable(): boolean {
    return false;
  }

  protected override hides(name: string): boolean {
    const number = /^cpu(\d+)$/.exec(name)?.[1];
    return number !== undefined && Number(number) >= this.count();
  }
}

/** "0-3", or "0". */
function range(count: number): string {
  return count === 1 ? '0' : `0-${count - 1}`;
}

/** A mask with the bits [first, first+count) of `width` CPUs, as the kernel prints bitmaps. */
function mask(first: number, count: number, width: number): string {
  const digits = Math.ceil(width / 4);
  let bits = 0n;
  for (let i = first; i < first + count; i++) bits |= 1n << BigInt(i);
  const text = bits.toString(16).padStart(digits, '0');
  // Groups of eight digits from the right.
  return text.replace(/\B(?=(?:.{8})+$)/g, ',');
}

/** One socket, one thread per core, as in /proc/cpuinfo. */
function processors(most: number, count: () => number, put: Put, link: Link): void {
  const base = 'devices/system/cpu';
  const online = (): string => range(count());
  for (const name of ['online', 'possible', 'present', 'enabled']) put(`${base}/${name}`, online);
  put(`${base}/offline`, '');
  put(`${base}/isolated`, '');
  put(`${base}/nohz_full`, '(null)');
  put(`${base}/kernel_max`, String(Math.max(255, most - 1)));
  put(`${base}/smt/active`, '0');
  put(`${base}/smt/control`, 'notsupported');
  for (let cpu = 0; cpu < most; cpu++) {
    const topology = `${base}/cpu${cpu}/topology`;
    const all = (): string => mask(0, count(), count());
    const own = (): string => mask(cpu, 1, Math.max(count(), cpu + 1));
    for (const name of ['core', 'die', 'package', 'thread_sibling', 'core_sibling', 'cluster']) {
      const whole = name === 'die' || name === 'package' || name === 'core_sibling';
      const file = name.endsWith('sibling') ? `${name}s` : `${name}_cpus`;
      put(`${topology}/${file}`, whole ? all : own);
      put(`${topology}/${file}_list`, whole ? online : String(cpu));
    }
    put(`${topology}/core_id`, String(cpu));
    put(`${topology}/die_id`, '0');
    put(`${topology}/cluster_id`, '65535');
    put(`${topology}/physical_package_id`, '0');
    if (cpu > 0) put(`${base}/cpu${cpu}/online`, '1');
    link(`${base}/cpu${cpu}/node0`, '../../node/node0');
    link(`bus/cpu/devices/cpu${cpu}`, `../../../devices/system/cpu/cpu${cpu}`);
  }
}

function memoryNode(most: number, { memory, cpuCount }: SysfsOptions, put: Put, link: Link): void {
  const base = 'devices/system/node';
  for (const name of ['online', 'possible', 'has_cpu', 'has_memory', 'has_normal_memory'])
    put(`${base}/${name}`, '0');
  const node = `${base}/node0`;
  put(`${node}/cpulist`, () => range(cpuCount()));
  put(`${node}/cpumap`, () => mask(0, cpuCount(), cpuCount()));
  put(`${node}/distance`, '10');
  put(
    `${node}/numastat`,
    'numa_hit 0\nnuma_miss 0\nnuma_foreign 0\ninterleave_hit 0\nlocal_node 0\nother_node 0',
  );
  put(`${node}/meminfo`, () => {
    const { total, free } = memory();
    const row = (name: string, bytes: number): string =>
      `Node 0 ${`${name}:`.padEnd(16)}${String(Math.floor(bytes / 1024)).padStart(8)} kB`;
    return [row('MemTotal', total), row('MemFree', free), row('MemUsed', total - free)].join('\n');
  });
  for (let cpu = 0; cpu < most; cpu++) link(`${node}/cpu${cpu}`, `../../cpu/cpu${cpu}`);
}

function kernelSettings(put: Put): void {
  const huge = 'kernel/mm/transparent_hugepage';
  put(`${huge}/enabled`, 'always [madvise] never');
  put(`${huge}/defrag`, 'always defer defer+madvise [madvise] never');
  put(`${huge}/shmem_enabled`, 'always within_size advise [never] deny force');
  put(`${huge}/hpage_pmd_size`, '2097152');
  put(`${huge}/use_zero_page`, '1');
  put(`${huge}/khugepaged/defrag`, '1');
  const pages = 'kernel/mm/hugepages/hugepages-2048kB';
  const counts = [
    'nr_hugepages',
    'free_hugepages',
    'resv_hugepages',
    'surplus_hugepages',
    'nr_overcommit_hugepages',
  ];
  for (const name of counts) put(`${pages}/${name}`, '0');
  put('kernel/mm/ksm/run', '0');
  put('kernel/address_bits', '64');
  put('kernel/cpu_byteorder', 'little');
  put('kernel/fscaps', '1');
  put('kernel/profiling', '0');
  put('kernel/rcu_expedited', '0');
  put('kernel/uevent_seqnum', '0');
  put('power/state', '');
}

function loopback(put: Put, link: Link): void {
  const base = 'devices/virtual/net/lo';
  const values: Readonly<Record<string, string>> = {
    addr_assign_type: '0',
    addr_len: '6',
    address: '00:00:00:00:00:00',
    broadcast: '00:00:00:00:00:00',
    carrier: '1',
    carrier_changes: '0',
    dev_id: '0x0',
    dev_port: '0',
    dormant: '0',
    flags: '0x9',
    group: '0',
    ifalias: '',
    ifindex: '1',
    iflink: '1',
    link_mode: '0',
    mtu: String(LOOPBACK_MTU),
    netdev_group: '0',
    operstate: 'unknown',
    proto_down: '0',
    tx_queue_len: '1000',
    type: '772',
    uevent: 'INTERFACE=lo\nIFINDEX=1',
  };
  for (const [name, value] of Object.entries(values)) put(`${base}/${name}`, value);
  for (const direction of ['rx', 'tx']) {
    for (const what of ['bytes', 'packets', 'errors', 'dropped'])
      put(`${base}/statistics/${direction}_${what}`, '0');
  }
  link(`${base}/subsystem`, '../../../../class/net');
}
