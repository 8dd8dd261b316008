/** getitimer(2), setitimer(2), alarm(2). */
import { EFAULT, EINVAL } from '../../sentry/abi/errno.ts';
import { groupCpuNs } from '../../sentry/kernel/cpu-time.ts';
import type { GroupTimers } from '../../sentry/kernel/group-timers.ts';
import { groupTimers } from '../../sentry/kernel/group-timers.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { NS_PER_SEC } from '../../sentry/time/clock.ts';
import { setU64 } from '../../platform/arena.ts';

const ITIMER_REAL = 0;
const ITIMER_VIRTUAL = 1;
const ITIMER_PROF = 2;
const ITIMERVAL_SIZE = 32;
const USEC = 1000;

interface Setting {
  valueNs: number;
  intervalNs: number;
}

export function sys_getitimer(t: Task): number {
  const which = t.argI32(0);
  if (which < ITIMER_REAL || which > ITIMER_PROF) return -EINVAL;
  return writeSetting(t, t.arg(1), read(t, which));
}

export function sys_setitimer(t: Task): number {
  const which = t.argI32(0);
  const newAddr = t.arg(1);
  const oldAddr = t.arg(2);
  let setting: Setting = { valueNs: 0, intervalNs: 0 };
  if (newAddr !== 0) {
    const given = readSetting(t, newAddr);
    if (typeof given === 'number') return given;
    setting = given;
  }
  if (which < ITIMER_REAL || which > ITIMER_PROF) return -EINVAL;
  const old = read(t, which);
  write(t, which, setting);
  return oldAddr === 0 ? 0 : writeSetting(t, oldAddr, old);
}

/** Whole seconds; at least 1 is reported for a running alarm. */
export function sys_alarm(t: Task): number {
  const old = read(t, ITIMER_REAL);
  write(t, ITIMER_REAL, { valueNs: t.argU32(0) * NS_PER_SEC, intervalNs: 0 });
  if (old.valueNs === 0) return 0;
  return Math.max(1, Math.round(old.valueNs / NS_PER_SEC));
}

function read(t: Task, which: number): Setting {
  const { timers } = t.group;
  if (timers === null) return { valueNs: 0, intervalNs: 0 };
  if (which === ITIMER_REAL) {
    const { realTimer } = timers;
    const left = realTimer.armed ? Math.max(USEC, realTimer.deadlineNs - t.kernel.clock.monotonicNs()) : 0;
    return { valueNs: left, intervalNs: timers.realIntervalNs };
  }
  const cpu = cpuTimer(timers, which);
  const target = cpu.alarm.targetNs;
  const left = target === Infinity ? 0 : Math.max(USEC, target - groupCpuNs(t.group));
  return { valueNs: left, intervalNs: cpu.intervalNs };
}

function write(t: Task, which: number, setting: Setting): void {
  const timers = groupTimers(t.kernel, t.group);
  if (which === ITIMER_REAL) {
    timers.realIntervalNs = setting.valueNs === 0 ? 0 : setting.intervalNs;
    const deadline = setting.valueNs === 0 ? Infinity : t.kernel.clock.monotonicNs() + setting.valueNs;
    t.kernel.timers.arm(timers.realTimer, deadline);
    return;
  }
  const cpu = cpuTimer(timers, which);
  cpu.intervalNs = setting.valueNs === 0 ? 0 : setting.intervalNs;
  cpu.alarm.arm(setting.valueNs === 0 ? Infinity : groupCpuNs(t.group) + setting.valueNs);
}

function cpuTimer(timers: GroupTimers, which: number): GroupTimers['prof'] {
  return which === ITIMER_VIRTUAL ? timers.virtual : timers.prof;
}

function readSetting(t: Task, addr: number): Setting | number {
  const words = [0, 8, 16, 24].map((offset) => t.readI64(addr + offset));
  const [intervalSec, intervalUsec, sec, usec] = words as number[];
  if (words.includes(null)) return -EFAULT;
  if (!validTimeval(sec!, usec!) || !validTimeval(intervalSec!, intervalUsec!)) return -EINVAL;
  return {
    valueNs: sec! * NS_PER_SEC + usec! * USEC,
    intervalNs: intervalSec! * NS_PER_SEC + intervalUsec! * USEC,
  };
}

function validTimeval(sec: number, usec: number): boolean {
  return sec >= 0 && usec >= 0 && usec < 1_000_000;
}

function writeSetting(t: Task, addr: number, setting: Setting): number {
  const at = t.stage(ITIMERVAL_SIZE);
  if (at < 0) return -EFAULT;
  putTimeval(at, setting.intervalNs);
  putTimeval(at + 16, setting.valueNs);
  return t.copyOutStaged(addr, at, ITIMERVAL_SIZE);
}

function putTimeval(at: number, ns: number): void {
  const usec = Math.round(ns / USEC);
  setU64(at, Math.floor(usec / 1_000_000));
  setU64(at + 8, usec % 1_000_000);
}
