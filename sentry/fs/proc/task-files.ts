/** The files of /proc/PID that are neither memory, status nor descriptors: links, limits, knobs, identities. */
import { CAP_SYS_RESOURCE } from '../../abi/capability.ts';
import { EACCES, EINVAL, ENOENT, EPERM, ESRCH } from '../../abi/errno.ts';
import { groupCpuNs, taskCpuNs } from '../../kernel/cpu-time.ts';
import type { Task } from '../../kernel/task.ts';
import { TASK_DEAD } from '../../kernel/task.ts';
import { memoryTotals } from '../../mm/describe.ts';
import { showName } from '../../../platform/host-names.ts';
import type { CallerContext } from '../../vfs/context.ts';
import type { FileDescription } from '../../vfs/file-description.ts';
import { showPath } from '../../vfs/path-name.ts';
import type { Path } from '../../vfs/path.ts';
import { mayInspect } from './access.ts';
import type { IdRange, ProcContext } from './context.ts';
import { hex, memoryBytes, mmOf } from './context.ts';

/** Most bytes of comm. */
const COMM_MAX = 15;
const OOM_SCORE_ADJ_MIN = -1000;
const OOM_SCORE_ADJ_MAX = 1000;

// ---- links

export function exePath(task: Task): Path | number {
  const exe = mmOf(task)?.exe as FileDescription | null | undefined;
  return exe?.path ?? -ENOENT;
}
export function cwdPath(task: Task): Path | number {
  return task.state === TASK_DEAD ? -ENOENT : task.cwd;
}
export function rootPath(task: Task): Path | number {
  return task.state === TASK_DEAD ? -ENOENT : task.root;
}

/** The text of such a link; looking at it needs what following it needs. */
export function linkText(
  task: Task,
  get: (task: Task) => Path | number,
  ctx: CallerContext,
): string | number {
  if (mayInspect(ctx, task) < 0) return -EACCES;
  const path = get(task);
  return typeof path === 'number' ? path : showPath(path, ctx.root);
}
export function linkTarget(
  task: Task,
  get: (task: Task) => Path | number,
  ctx: CallerContext,
): Path | number {
  return mayInspect(ctx, task) < 0 ? -EACCES : get(task);
}

// ---- generated texts

/** Name, unit, by resource number in the order of the file. */
const LIMITS: readonly (readonly [number, string, string])[] = [
  [0, 'Max cpu time', 'seconds'],
  [1, 'Max file size', 'bytes'],
  [2, 'Max data size', 'bytes'],
  [3, 'Max stack size', 'bytes'],
  [4, 'Max core file size', 'bytes'],
  [5, 'Max resident set', 'bytes'],
  [6, 'Max processes', 'processes'],
  [7, 'Max open files', 'files'],
  [8, 'Max locked memory', 'bytes'],
  [9, 'Max address space', 'bytes'],
  [10, 'Max file locks', 'locks'],
  [11, 'Max pending signals', 'signals'],
  [12, 'Max msgqueue size', 'bytes'],
  [13, 'Max nice priority', ''],
  [14, 'Max realtime priority', ''],
  [15, 'Max realtime timeout', 'us'],
];

export function limitsText(task: Task): string {
  const { limits } = task.group;
  const row = (name: string, soft: string, hard: string, unit: string): string =>
    `${name.padEnd(25)} ${soft.padEnd(20)} ${hard.padEnd(20)} ${unit === '' ? '' : unit.padEnd(10)}\n`;
  const show = (value: number): string => (value === Infinity ? 'unlimited' : String(value));
  let text = row('Limit', 'Soft Limit', 'Hard Limit', 'Units');
  for (const [resource, name, unit] of LIMITS) {
    text += row(name, show(limits.soft[resource]!), show(limits.hard[resource]!), unit);
  }
  return text;
}

/** The kernel does not count a task's I/O; the fields are there for those who parse them. */
export function ioText(): string {
  return 'rchar: 0\nwchar: 0\nsyscr: 0\nsyscw: 0\nread_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n';
}

export function schedText(task: Task): string {
  const seconds = (ns: number): string => (ns / 1e6).toFixed(6);
  const row = (name: string, value: string | number): string =>
    `${name.padEnd(45)}:${String(value).padStart(21)}\n`;
  const cpu = taskCpuNs(task);
  return (
    `${task.name} (${task.tid}, #threads: ${Math.max(1, task.group.tasks.size)})\n` +
    `${'-'.repeat(67)}\n` +
    row('se.exec_start', seconds(task.kernel.clock.monotonicNs())) +
    row('se.vruntime', seconds(cpu)) +
    row('se.sum_exec_runtime', seconds(cpu)) +
    row('nr_switches', 0) +
    row('nr_voluntary_switches', 0) +
    row('nr_involuntary_switches', 0) +
    row('se.load.weight', 1048576) +
    row('policy', task.policy) +
    row('prio', task.policy === 1 || task.policy === 2 ? 99 - task.rtPriority : 120 + task.nice)
  );
}

export function schedstatText(task: Task, wholeGroup: boolean): string {
  return `${Math.floor(wholeGroup ? groupCpuNs(task.group) : taskCpuNs(task))} 0 0\n`;
}

/** How much of the container's memory it takes, in thousandths, moved by the adjustment; 0 to 2000. */
export function oomScore(task: Task): number {
  const mm = mmOf(task);
  const total = memoryBytes(task.kernel, task.group.ns.cgroup);
  if (mm === null || total === 0 || task.group.oomScoreAdj === OOM_SCORE_ADJ_MIN) return 0;
  const points = (memoryTotals(mm).resident / total) * 1000;
  const score = (1000 + points + task.group.oomScoreAdj) * (2 / 3);
  return Math.max(0, Math.round(score));
}

/** The syscall it waits in: number, arguments, stack and instruction pointer; "running" while in guest code. */
export function syscallText(task: Task): string {
  if (task.nr < 0) return 'running\n';
  const args = Array.from({ length: 6 }, (_, i) => `0x${argHex(task, i)}`);
  return `${task.nr} ${args.join(' ')} 0x${hex(task.thread.sp())} 0x${hex(task.thread.ip())}\n`;
}

function argHex(task: Task, i: number): string {
  const low = task.args[2 * i]! >>> 0;
  const high = task.args[2 * i + 1]! >>> 0;
  return high === 0 ? hex(low) : hex(high) + hex(low, 8);
}

/** Without maps of its own a container's only user namespace has all ids as they are. */
const WHOLE_RANGE: IdRange = { containerID: 0, hostID: 0, size: 4294967295 };

export function idMapText(ranges: readonly IdRange[] = [WHOLE_RANGE]): string {
  const column = (id: number): string => String(id).padStart(10);
  return ranges
    .map(({ containerID, hostID, size }) => `${column(containerID)} ${column(hostID)} ${column(size)}\n`)
    .join('');
}

export function cgroupText(proc: ProcContext): string {
  return `0::${proc.options.cgroup}\n`;
}

export function childrenText(task: Task): string {
  let text = '';
  for (const child of task.group.children) if (child.parentTask === task) text += `${child.tgid} `;
  return text;
}

// ---- knobs

export function writeComm(task: Task, text: string, ctx: CallerContext): number {
  if ((ctx as Task).group !== task.group) return -EINVAL;
  const name = text.endsWith('\n') ? text.slice(0, -1) : text;
  task.name = name.slice(0, COMM_MAX);
  // Of another thread the host goes on showing the old one.
  if (task === ctx) showName(task.thread, task.name);
  return 0;
}

export function writeOomScoreAdj(task: Task, text: string, ctx: CallerContext): number {
  const value = parseInteger(text);
  if (value === null || value < OOM_SCORE_ADJ_MIN || value > OOM_SCORE_ADJ_MAX) return -EINVAL;
  return setOomScoreAdj(task, value, ctx);
}

/** The old scale: -17 to 15. */
export function writeOomAdj(task: Task, text: string, ctx: CallerContext): number {
  const value = parseInteger(text);
  if (value === null || value < -17 || value > 15) return -EINVAL;
  return setOomScoreAdj(task, value === 15 ? OOM_SCORE_ADJ_MAX : Math.trunc((value * 1000) / 17), ctx);
}

export function oomAdj(task: Task): number {
  const adj = task.group.oomScoreAdj;
  return adj === OOM_SCORE_ADJ_MAX ? 15 : Math.trunc((adj * 17) / 1000);
}

function setOomScoreAdj(task: Task, value: number, ctx: CallerContext): number {
  if (task.state === TASK_DEAD) return -ESRCH;
  if (value < task.group.oomScoreAdj && !ctx.creds.hasCap(CAP_SYS_RESOURCE)) return -EACCES;
  task.group.oomScoreAdj = value;
  return 0;
}

export function writeTimerSlack(task: Task, text: string, ctx: CallerContext): number {
  const value = parseInteger(text);
  if (value === null || value < 0) return -EINVAL;
  if (ctx !== task && mayInspect(ctx, task) < 0) return -EPERM;
  // 0 goes back to the default.
  task.timerSlackNs = value === 0 ? 50_000 : value;
  return 0;
}

/** Decimal with an optional sign and blanks around, as kstrtol takes it; null when it is anything else. */
export function parseInteger(text: string): number | null {
  const trimmed = text.trim();
  if (/^[-+]?\d+$/.test(trimmed)) return Number(trimmed);
  return /^[-+]?0x[0-9a-f]+$/i.test(trimmed) ? Number(trimmed) : null;
}
