/** The guest's cgroup2 view: the container's own group as the root, with its limits and use, read-only (cgroups(7)). */
import { EACCES, EROFS } from '../../abi/errno.ts';
import { groupCpuNs } from '../../kernel/cpu-time.ts';
import type { Cgroup } from '../../kernel/cgroup.ts';
import type { Task } from '../../kernel/task.ts';
import { TASK_DEAD } from '../../kernel/task.ts';
import { memoryTotals } from '../../mm/describe.ts';
import type { CallerContext } from '../../vfs/context.ts';
import { StaticDirectory } from '../pseudo/directory.ts';
import { GeneratedFile } from '../pseudo/file.ts';
import { PseudoFilesystem } from '../pseudo/filesystem.ts';

const CGROUP2_SUPER_MAGIC = 0x63677270;
const PAGE = 4096;
const USEC_PER_NS = 1 / 1000;

/** linux.resources as the guest is to see them; 0 means no limit. Sizes in bytes, times in microseconds. */
export interface CgroupLimits {
  readonly memoryMax: number;
  readonly memoryLow: number;
  readonly swapMax: number;
  readonly cpuQuota: number;
  readonly cpuPeriod: number;
  readonly cpuWeight: number;
  readonly pidsMax: number;
  readonly cpusetCpus: string;
}

export function makeCgroup2(cgroup: Cgroup, dev: number, limits: CgroupLimits): PseudoFilesystem {
  const fs = new PseudoFilesystem('cgroup2', dev, CGROUP2_SUPER_MAGIC);
  fs.readonly = true;
  const root = new StaticDirectory(fs, 0o755);
  fs.setRoot(root);
  const file = (name: string, show: () => string | number, mode = 0o444): void => {
    root.add(
      name,
      new GeneratedFile(
        fs,
        mode,
        () => {
          const value = show();
          return typeof value === 'number' && value < 0 ? value : `${value}\n`;
        },
        () => -EROFS,
      ),
    );
  };
  const raw = (name: string, show: (ctx: CallerContext) => string, mode = 0o444): void => {
    root.add(name, new GeneratedFile(fs, mode, show, () => -EROFS));
  };
  const limit = (value: number): string => (value > 0 ? String(value) : 'max');

  raw('cgroup.controllers', () => 'cpuset cpu io memory pids\n');
  raw('cgroup.subtree_control', () => '\n', 0o644);
  raw(
    'cgroup.procs',
    (ctx) =>
      ids(
        ctx,
        [...cgroup.groups].filter((g) => g.live).map((g) => g.leader),
      ),
    0o644,
  );
  raw('cgroup.threads', (ctx) => ids(ctx, [...cgroup.tasks()]), 0o644);
  file('cgroup.type', () => 'domain', 0o644);
  raw('cgroup.events', () => 'populated 1\nfrozen 0\n');
  raw('cgroup.stat', () => 'nr_descendants 0\nnr_dying_descendants 0\n');
  file('cgroup.max.depth', () => 'max', 0o644);
  file('cgroup.max.descendants', () => 'max', 0o644);
  file('cgroup.freeze', () => '0', 0o644);
  file('cgroup.kill', () => -EACCES, 0o200);

  file(
    'cpu.max',
    () => `${limit(limits.cpuQuota)} ${limits.cpuPeriod > 0 ? limits.cpuPeriod : 100000}`,
    0o644,
  );
  file('cpu.max.burst', () => '0', 0o644);
  file('cpu.weight', () => String(limits.cpuWeight > 0 ? limits.cpuWeight : 100), 0o644);
  file('cpu.weight.nice', () => '0', 0o644);
  file('cpu.idle', () => '0', 0o644);
  raw('cpu.stat', () => {
    const usec = Math.floor(cpuNs(cgroup) * USEC_PER_NS);
    return `usage_usec ${usec}\nuser_usec ${usec}\nsystem_usec 0\nnr_periods 0\nnr_throttled 0\nthrottled_usec 0\nnr_bursts 0\nburst_usec 0\n`;
  });
  file('cpuset.cpus', () => limits.cpusetCpus, 0o644);
  file('cpuset.cpus.effective', () => (cgroup.cpuCount === 1 ? '0' : `0-${cgroup.cpuCount - 1}`));
  file('cpuset.mems', () => '', 0o644);
  file('cpuset.mems.effective', () => '0');
  raw('io.stat', () => '');
  raw('io.max', () => '', 0o644);

  let peak = 0;
  const current = (): number => {
    const bytes = memoryUse(cgroup).resident;
    peak = Math.max(peak, bytes);
    return bytes;
  };
  file('memory.current', () => current() || '0');
  file('memory.peak', () => (current(), peak || '0'), 0o644);
  file('memory.max', () => limit(limits.memoryMax), 0o644);
  file('memory.high', () => 'max', 0o644);
  file('memory.low', () => String(limits.memoryLow), 0o644);
  file('memory.min', () => '0', 0o644);
  file('memory.oom.group', () => '0', 0o644);
  for (const name of ['memory.events', 'memory.events.local']) raw(name, () => memoryEvents(cgroup));
  raw('memory.stat', () => memoryStat(cgroup));
  file('memory.swap.current', () => '0');
  file('memory.swap.max', () => limit(limits.swapMax), 0o644);
  raw('memory.swap.events', () => 'high 0\nmax 0\nfail 0\n');
  file('pids.current', () => String(cgroup.taskCount));
  file('pids.peak', () => String(cgroup.peakTasks));
  file('pids.max', () => limit(limits.pidsMax), 0o644);
  raw('pids.events', () => `max ${cgroup.refusedForks}\n`);
  for (const name of ['cpu', 'io', 'memory']) {
    const none = 'avg10=0.00 avg60=0.00 avg300=0.00 total=0\n';
    raw(`${name}.pressure`, () => `some ${none}full ${none}`, 0o644);
  }
  return fs;
}

/** By their numbers in the reader's pid namespace; 0 for who has none there, as cgroup.procs has it. */
function ids(reader: CallerContext, list: Task[]): string {
  const { pidns } = reader as Task;
  return list
    .map((task) => (task.pidns === pidns ? task.tid : 0))
    .sort((a, b) => a - b)
    .map((id) => `${id}\n`)
    .join('');
}

function cpuNs(cgroup: Cgroup): number {
  let total = 0;
  for (const group of cgroup.groups) {
    total += groupCpuNs(group) + group.childUsage.userNs + group.childUsage.systemNs;
  }
  return total;
}

/** By the kernel's own estimate, each address space once. */
function memoryUse(cgroup: Cgroup): { resident: number; file: number; shared: number } {
  const sum = { resident: 0, file: 0, shared: 0 };
  const seen = new Set();
  for (const task of cgroup.tasks()) {
    if (task.state === TASK_DEAD || seen.has(task.mm)) continue;
    seen.add(task.mm);
    const totals = memoryTotals(task.mm);
    sum.resident += totals.resident;
    sum.file += totals.residentFile;
    sum.shared += totals.residentShared;
  }
  return sum;
}

/** The host counts how often the limit was hit, and says nothing here: at least once for each that died of it. */
function memoryEvents({ oomKills, memoryLimitBytes }: Cgroup): string {
  const hits = memoryLimitBytes > 0 ? oomKills : 0;
  return `low 0\nhigh 0\nmax ${hits}\noom ${hits}\noom_kill ${oomKills}\noom_group_kill 0\n`;
}

function memoryStat(cgroup: Cgroup): string {
  const { resident, file, shared } = memoryUse(cgroup);
  const anonymous = Math.max(0, resident - file - shared);
  const rows: readonly (readonly [string, number])[] = [
    ['anon', anonymous],
    ['file', file + shared],
    ['kernel', 0],
    ['kernel_stack', 0],
    ['pagetables', 0],
    ['sock', 0],
    ['shmem', shared],
    ['file_mapped', file],
    ['file_dirty', 0],
    ['file_writeback', 0],
    ['anon_thp', 0],
    ['inactive_anon', 0],
    ['active_anon', anonymous],
    ['inactive_file', file],
    ['active_file', 0],
    ['unevictable', 0],
    ['slab_reclaimable', 0],
    ['slab_unreclaimable', 0],
    ['slab', 0],
    ['pgfault', Math.floor(resident / PAGE)],
    ['pgmajfault', 0],
  ];
  return rows.map(([name, value]) => `${name} ${value}\n`).join('');
}
