/** /proc/PID/{status,stat,statm}: a task in words and in numbers (proc_pid_status(5), proc_pid_stat(5)). */
import { SIGKILL, SIGSTOP } from '../../abi/signal.ts';
import { RLIMIT_RSS, RLIMIT_SIGPENDING } from '../../abi/resource.ts';
import { groupCpuNs, taskCpuNs } from '../../kernel/cpu-time.ts';
import type { Task } from '../../kernel/task.ts';
import { TASK_BLOCKED, TASK_DEAD, TASK_HELD, TASK_STOPPED } from '../../kernel/task.ts';
import { memoryTotals } from '../../mm/describe.ts';
import { sigBit } from '../../signal/sig-set.ts';
import { hex, hex64, kib, mmOf, ticks } from './context.ts';

const PAGE = 4096;

interface State {
  letter: string;
  word: string;
}

function stateOf(task: Task): State {
  switch (task.state) {
    case TASK_DEAD:
      return task.group.zombie || task.isLeader
        ? { letter: 'Z', word: 'zombie' }
        : { letter: 'X', word: 'dead' };
    case TASK_STOPPED:
      return { letter: 'T', word: 'stopped' };
    case TASK_BLOCKED:
      return { letter: 'S', word: 'sleeping' };
    case TASK_HELD:
      return { letter: 'D', word: 'disk sleep' };
    default:
      // Futexes and sockets of the host's are waited for without the kernel.
      return task.thread.waits() ? { letter: 'S', word: 'sleeping' } : { letter: 'R', word: 'running' };
  }
}

/** comm with what would break the line escaped, as seq_escape does. */
function shownName(task: Task): string {
  return task.name.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

export function statusText(task: Task): string {
  const { group, creds } = task;
  const state = stateOf(task);
  const parent = group.parent?.tgid ?? 0;
  const line = (name: string, value: string | number): string => `${name}:\t${value}\n`;
  const size = (name: string, bytes: number): string => `${name}:\t${String(kib(bytes)).padStart(8)} kB\n`;
  let text =
    line('Name', shownName(task)) +
    line('Umask', task.umask.toString(8).padStart(4, '0')) +
    line('State', `${state.letter} (${state.word})`) +
    line('Tgid', group.tgid) +
    line('Ngid', 0) +
    line('Pid', task.tid) +
    line('PPid', parent) +
    line('TracerPid', 0) +
    line('Uid', `${creds.uid}\t${creds.euid}\t${creds.suid}\t${creds.fsuid}`) +
    line('Gid', `${creds.gid}\t${creds.egid}\t${creds.sgid}\t${creds.fsgid}`) +
    line('FDSize', task.state === TASK_DEAD ? 0 : fdTableSize(task.files.size)) +
    line('Groups', creds.groups.map((gid) => `${gid} `).join('') || ' ') +
    line('NStgid', group.tgid) +
    line('NSpid', task.tid) +
    line('NSpgid', group.pgrp.pgid) +
    line('NSsid', group.session.sid) +
    line('Kthread', 0);
  const mm = mmOf(task);
  if (mm !== null) {
    const m = memoryTotals(mm);
    const program = mm.endCode - mm.startCode;
    text +=
      size('VmPeak', m.peak) +
      size('VmSize', m.size) +
      size('VmLck', m.locked) +
      size('VmPin', 0) +
      size('VmHWM', m.resident) +
      size('VmRSS', m.resident) +
      size('RssAnon', m.resident - m.residentFile - m.residentShared) +
      size('RssFile', m.residentFile) +
      size('RssShmem', m.residentShared) +
      size('VmData', m.data) +
      size('VmStk', m.stack) +
      size('VmExe', program) +
      size('VmLib', Math.max(0, m.exec - program)) +
      size('VmPTE', Math.ceil(m.resident / (512 * PAGE)) * PAGE) +
      size('VmSwap', 0) +
      size('HugetlbPages', 0) +
      line('CoreDumping', 0) +
      line('THP_enabled', 1) +
      (task.kernel.options.machine === 'x86_64' ? line('untag_mask', '0xffffffffffffffff') : '');
  }
  const { actions } = group;
  let ignoredLo = 0;
  let ignoredHi = 0;
  let caughtLo = 0;
  let caughtHi = 0;
  for (let signo = 1; signo <= 64; signo++) {
    if (signo === SIGKILL || signo === SIGSTOP) continue;
    const { handler } = actions.get(signo);
    const low = signo <= 32;
    if (handler === 1) {
      if (low) ignoredLo |= sigBit(signo);
      else ignoredHi |= sigBit(signo);
    } else if (handler > 1) {
      if (low) caughtLo |= sigBit(signo);
      else caughtHi |= sigBit(signo);
    }
  }
  const cap = (name: string, set: { lo: number; hi: number }): string => line(name, hex64(set.lo, set.hi));
  const cpus = Math.min(group.ns.cgroup.cpuCount, task.affinity.length * 32);
  return (
    text +
    line('Threads', Math.max(1, group.tasks.size)) +
    line('SigQ', `0/${limitText(group.limits.soft[RLIMIT_SIGPENDING]!)}`) +
    line('SigPnd', hex64(task.pending.lo, task.pending.hi)) +
    line('ShdPnd', hex64(group.pending.lo, group.pending.hi)) +
    line('SigBlk', hex64(task.maskLo, task.maskHi)) +
    line('SigIgn', hex64(ignoredLo, ignoredHi)) +
    line('SigCgt', hex64(caughtLo, caughtHi)) +
    cap('CapInh', creds.inheritable) +
    cap('CapPrm', creds.permitted) +
    cap('CapEff', creds.effective) +
    cap('CapBnd', creds.bounding) +
    cap('CapAmb', creds.ambient) +
    line('NoNewPrivs', task.noNewPrivs ? 1 : 0) +
    line('Seccomp', task.seccomp === null ? 0 : 2) +
    line('Seccomp_filters', task.seccomp === null ? 0 : 1) +
    line('Speculation_Store_Bypass', 'not vulnerable') +
    line('SpeculationIndirectBranch', 'always enabled') +
    line('Cpus_allowed', maskText(task.affinity, cpus)) +
    line('Cpus_allowed_list', listText(task.affinity, cpus)) +
    line('Mems_allowed', '00000000,00000001') +
    line('Mems_allowed_list', 0) +
    line('voluntary_ctxt_switches', 0) +
    line('nonvoluntary_ctxt_switches', 0)
  );
}

/** Linux grows the table by powers of two from 64. */
function fdTableSize(used: number): number {
  let size = 64;
  while (size < used) size *= 2;
  return size;
}

function limitText(value: number): string {
  return value === Infinity ? '18446744073709551615' : String(value);
}

/** A CPU mask as the kernel prints bitmaps: groups of 32 bits, highest first. */
export function maskText(words: Uint32Array, cpus: number): string {
  const groups: string[] = [];
  for (let at = Math.ceil(cpus / 32) - 1; at >= 0; at--) {
    const left = cpus - at * 32;
    const word = left >= 32 ? words[at]! : words[at]! & ((1 << left) - 1);
    groups.push(hex(word >>> 0, groups.length === 0 && at === 0 ? Math.ceil(Math.min(left, 32) / 4) : 8));
  }
  return groups.join(',');
}

/** "0-3,5". */
export function listText(words: Uint32Array, cpus: number): string {
  const parts: string[] = [];
  for (let cpu = 0; cpu < cpus; cpu++) {
    if (!has(words, cpu)) continue;
    const first = cpu;
    while (cpu + 1 < cpus && has(words, cpu + 1)) cpu++;
    parts.push(first === cpu ? String(first) : `${first}-${cpu}`);
  }
  return parts.join(',');
}

function has(words: Uint32Array, cpu: number): boolean {
  return ((words[cpu >>> 5]! >>> (cpu & 31)) & 1) === 1;
}

/** The 52 fields of proc_pid_stat(5). `wholeGroup`: /proc/PID/stat rather than task/TID/stat. */
export function statText(task: Task, wholeGroup: boolean, full: boolean): string {
  const { group } = task;
  const mm = mmOf(task);
  const totals = mm === null ? null : memoryTotals(mm);
  const tty = group.session.tty;
  // Only the sum of user and system time is known; all of it shows as user time.
  const cpu = ticks(wholeGroup ? groupCpuNs(group) : taskCpuNs(task));
  const childUser = wholeGroup ? ticks(group.childUsage.userNs) : 0;
  const childSystem = wholeGroup ? ticks(group.childUsage.systemNs) : 0;
  const priority = task.policy === 1 || task.policy === 2 ? -1 - task.rtPriority : 20 + task.nice;
  const shown = (value: number | undefined): number => (full ? (value ?? 0) : 0);
  const rssLimit = group.limits.soft[RLIMIT_RSS]!;
  const handled = handlerWords(task);
  return (
    [
      task.tid,
      `(${shownName(task)})`,
      stateOf(task).letter,
      group.parent?.tgid ?? 0,
      group.pgrp.pgid,
      group.session.sid,
      tty?.rdev ?? 0,
      tty?.foreground?.pgid ?? -1,
      wholeGroup && group.didExec ? 0x400000 : 0x400040,
      0, // minflt
      0,
      0, // majflt
      0,
      cpu,
      0,
      childUser,
      childSystem,
      priority,
      task.nice,
      Math.max(1, group.tasks.size),
      0, // itrealvalue
      ticks(task.startNs),
      totals?.size ?? 0,
      totals === null ? 0 : Math.floor(totals.resident / PAGE),
      limitText(rssLimit),
      shown(mm?.startCode) || (mm === null ? 0 : 1),
      shown(mm?.endCode) || (mm === null ? 0 : 1),
      shown(mm?.startStack),
      0, // esp and eip show for core dumps only
      0,
      task.pending.lo & 0x7fffffff,
      task.maskLo & 0x7fffffff,
      handled.ignored & 0x7fffffff,
      handled.caught & 0x7fffffff,
      0, // wchan
      0,
      0,
      task.isLeader ? group.exitSignal : -1,
      0, // processor
      task.rtPriority,
      task.policy,
      0,
      0,
      0,
      shown(mm?.startData),
      shown(mm?.endData),
      shown(mm?.startBrk),
      shown(mm?.argStart),
      shown(mm?.argEnd),
      shown(mm?.envStart),
      shown(mm?.envEnd),
      full ? group.exitStatus : 0,
    ].join(' ') + '\n'
  );
}

function handlerWords(task: Task): { ignored: number; caught: number } {
  let ignored = 0;
  let caught = 0;
  for (let signo = 1; signo < 32; signo++) {
    const { handler } = task.group.actions.get(signo);
    if (handler === 1) ignored |= sigBit(signo);
    else if (handler > 1) caught |= sigBit(signo);
  }
  return { ignored, caught };
}

/** size resident shared text lib data dt, in pages. */
export function statmText(task: Task): string {
  const mm = mmOf(task);
  if (mm === null) return '0 0 0 0 0 0 0\n';
  const m = memoryTotals(mm);
  const pages = (bytes: number): number => Math.ceil(bytes / PAGE);
  const shared = pages(m.residentFile + m.residentShared);
  const text = pages(mm.endCode) - Math.floor(mm.startCode / PAGE);
  return `${pages(m.size)} ${pages(m.resident)} ${shared} ${text} 0 ${pages(m.data + m.stack)} 0\n`;
}
