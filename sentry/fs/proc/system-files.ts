/** The files of /proc itself: memory, processors, load, versions (proc_meminfo(5), proc_stat(5)…). */
import { UTS_RELEASE, UTS_SYSNAME, UTS_VERSION } from '../../abi/utsname.ts';
import { groupCpuNs } from '../../kernel/cpu-time.ts';
import type { Cgroup } from '../../kernel/cgroup.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { PidNamespace } from '../../kernel/pid-namespace.ts';
import { TASK_IN_KERNEL, TASK_IN_PLATFORM, TASK_RUNNING } from '../../kernel/task.ts';
import { memoryTotals } from '../../mm/describe.ts';
import { CLOCK_BOOTTIME, CLOCK_REALTIME } from '../../time/clock.ts';
import { listCpuBlocks } from './cpuinfo.ts';
import { kib, memoryBytes, mmOf, ticks } from './context.ts';
import type { ProcContext } from './context.ts';

const host = new Float64Array(9);
// Places in what the host's sysinfo fills.
const FREE_RAM = 1;
const LOAD_1 = 5;
const LOAD_SCALE = 65536;

interface Use {
  residentBytes: number;
  fileBytes: number;
  sharedBytes: number;
}

/** Memory of the container's processes by the kernel's own estimate, each address space once. */
function memoryUse(cgroup: Cgroup): Use {
  const use: Use = { residentBytes: 0, fileBytes: 0, sharedBytes: 0 };
  const seen = new Set();
  for (const task of cgroup.tasks()) {
    const mm = mmOf(task);
    if (mm === null || seen.has(mm)) continue;
    seen.add(mm);
    const totals = memoryTotals(mm);
    use.residentBytes += totals.resident;
    use.fileBytes += totals.residentFile;
    use.sharedBytes += totals.residentShared;
  }
  return use;
}

/** What is used and free of the container's memory, in bytes; also for sysfs and cgroup. */
export function memoryState(kernel: Kernel, cgroup: Cgroup): { total: number; free: number; use: Use } {
  const total = memoryBytes(kernel, cgroup);
  const use = memoryUse(cgroup);
  kernel.host.sysinfo(host);
  const limited = cgroup.memoryLimitBytes > 0 ? Math.max(0, total - use.residentBytes) : host[FREE_RAM]!;
  return { total, free: Math.min(limited, host[FREE_RAM]!), use };
}

export function meminfoText({ kernel, ns }: ProcContext): string {
  const { total, free, use } = memoryState(kernel, ns.cgroup);
  const anonymous = Math.max(0, use.residentBytes - use.fileBytes - use.sharedBytes);
  const cached = Math.min(use.fileBytes + use.sharedBytes, total - free);
  const rows: readonly (readonly [string, number])[] = [
    ['MemTotal', total],
    ['MemFree', free],
    ['MemAvailable', Math.min(total, free + cached)],
    ['Buffers', 0],
    ['Cached', cached],
    ['SwapCached', 0],
    ['Active', anonymous],
    ['Inactive', cached],
    ['Active(anon)', anonymous],
    ['Inactive(anon)', 0],
    ['Active(file)', 0],
    ['Inactive(file)', cached],
    ['Unevictable', 0],
    ['Mlocked', 0],
    ['SwapTotal', 0],
    ['SwapFree', 0],
    ['Dirty', 0],
    ['Writeback', 0],
    ['AnonPages', anonymous],
    ['Mapped', use.fileBytes],
    ['Shmem', use.sharedBytes],
    ['KReclaimable', 0],
    ['Slab', 0],
    ['SReclaimable', 0],
    ['SUnreclaim', 0],
    ['KernelStack', 0],
    ['PageTables', 0],
    ['SecPageTables', 0],
    ['NFS_Unstable', 0],
    ['Bounce', 0],
    ['WritebackTmp', 0],
    ['CommitLimit', Math.floor(total / 2)],
    ['Committed_AS', use.residentBytes],
    ['VmallocTotal', 34359738367 * 1024],
    ['VmallocUsed', 0],
    ['VmallocChunk', 0],
    ['Percpu', 0],
    ['AnonHugePages', 0],
    ['ShmemHugePages', 0],
    ['ShmemPmdMapped', 0],
    ['FileHugePages', 0],
    ['FilePmdMapped', 0],
  ];
  const text = rows
    .map(([name, bytes]) => `${`${name}:`.padEnd(16)}${String(kib(bytes)).padStart(8)} kB\n`)
    .join('');
  const counts = ['HugePages_Total', 'HugePages_Free', 'HugePages_Rsvd', 'HugePages_Surp'];
  return (
    text +
    counts.map((name) => `${`${name}:`.padEnd(16)}${'0'.padStart(8)}\n`).join('') +
    'Hugepagesize:       2048 kB\nHugetlb:               0 kB\n' +
    `DirectMap4k:    ${String(kib(total)).padStart(8)} kB\n`
  );
}

/** CPU time of all that ever ran in the container, by the kernel's accounts. */
function totalCpuNs(cgroup: Cgroup): number {
  let total = 0;
  for (const group of cgroup.groups) {
    total += groupCpuNs(group) + group.childUsage.userNs + group.childUsage.systemNs;
  }
  return total;
}

function runningTasks(ns: PidNamespace): number {
  let count = 0;
  for (const { state } of ns.pids.values()) {
    if (state === TASK_RUNNING || state === TASK_IN_KERNEL || state === TASK_IN_PLATFORM) count++;
  }
  return Math.max(1, count);
}

export function statText({ kernel, ns }: ProcContext): string {
  const { cpuCount } = ns.cgroup;
  const upNs = kernel.clock.nowNs(CLOCK_BOOTTIME);
  const busy = ticks(totalCpuNs(ns.cgroup) / cpuCount);
  const idle = Math.max(0, ticks(upNs) - busy);
  const row = (name: string, user: number, rest: number): string =>
    `${name} ${user} 0 0 ${rest} 0 0 0 0 0 0\n`;
  let text = row('cpu ', busy * cpuCount, idle * cpuCount);
  for (let cpu = 0; cpu < cpuCount; cpu++) text += row(`cpu${cpu}`, busy, idle);
  const bootSec = Math.floor((kernel.clock.nowNs(CLOCK_REALTIME) - upNs) / 1e9);
  return (
    text +
    `intr 0\nctxt 0\nbtime ${bootSec}\nprocesses ${ns.pid.lastPid}\n` +
    `procs_running ${runningTasks(ns.pid)}\nprocs_blocked 0\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n`
  );
}

export function uptimeText({ kernel, ns }: ProcContext): string {
  const upNs = kernel.clock.nowNs(CLOCK_BOOTTIME);
  const idleNs = Math.max(0, upNs * ns.cgroup.cpuCount - totalCpuNs(ns.cgroup));
  return `${(upNs / 1e9).toFixed(2)} ${(idleNs / 1e9).toFixed(2)}\n`;
}

export function loadavgText({ kernel, ns }: ProcContext): string {
  const { pid } = ns;
  kernel.host.sysinfo(host);
  const loads = [0, 1, 2].map((i) => (host[LOAD_1 + i]! / LOAD_SCALE).toFixed(2));
  return `${loads.join(' ')} ${runningTasks(pid)}/${pid.pids.size} ${pid.lastPid}\n`;
}

export function versionText(): string {
  return `${UTS_SYSNAME} version ${UTS_RELEASE} (runsc) ${UTS_VERSION}\n`;
}

/** The host's processors, as many as the container has. */
export function cpuinfoText(proc: ProcContext): string {
  return listCpuBlocks(proc.options.cpuinfo, proc.ns.cgroup.cpuCount);
}

export function devicesText({ options }: ProcContext): string {
  const majors = [...options.charMajors].sort(([a], [b]) => a - b);
  const rows = majors.map(([major, name]) => `${String(major).padStart(3)} ${name}\n`);
  return `Character devices:\n${rows.join('')}\nBlock devices:\n`;
}

export const FILESYSTEMS =
  ['sysfs', 'tmpfs', 'proc', 'cgroup2', 'devtmpfs', 'sockfs', 'pipefs', 'devpts', 'overlay', 'mqueue']
    .map((name) => `nodev\t${name}\n`)
    .join('') + '\text4\n';

/** Names that monitors add up; nothing is counted here. */
const VMSTAT_ZERO = [
  'nr_dirty', 'nr_writeback', 'nr_slab_reclaimable', 'nr_slab_unreclaimable', 'pgpgin', 'pgpgout', 'pswpin',
  'pswpout', 'pgalloc_normal', 'pgfree', 'pgactivate', 'pgdeactivate', 'pgfault', 'pgmajfault', 'pgscan_kswapd',
  'pgscan_direct', 'pgsteal_kswapd', 'pgsteal_direct', 'numa_hit', 'numa_miss', 'numa_local',
]; // prettier-ignore

export function vmstatText({ kernel, ns }: ProcContext): string {
  const { free, use } = memoryState(kernel, ns.cgroup);
  const page = 4096;
  const first =
    `nr_free_pages ${Math.floor(free / page)}\n` +
    `nr_anon_pages ${Math.floor((use.residentBytes - use.fileBytes) / page)}\n` +
    `nr_mapped ${Math.floor(use.fileBytes / page)}\nnr_file_pages ${Math.floor(use.fileBytes / page)}\n` +
    `nr_shmem ${Math.floor(use.sharedBytes / page)}\noom_kill ${ns.cgroup.oomKills}\n`;
  return first + VMSTAT_ZERO.map((name) => `${name} 0\n`).join('');
}

/** PSI's "no pressure" for each resource; cpu has a "full" line too. */
export const NO_PRESSURE =
  'some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n';
