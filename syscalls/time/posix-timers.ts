/** timer_create(2), timer_settime(2), timer_gettime(2), timer_getoverrun(2), timer_delete(2). */
import { CAP_WAKE_ALARM } from '../../sentry/abi/capability.ts';
import { EFAULT, EINVAL, ENOTSUP, EPERM } from '../../sentry/abi/errno.ts';
import {
  NSIG,
  SIGALRM,
  SIGEV_NONE,
  SIGEV_SIGNAL,
  SIGEV_THREAD,
  SIGEV_THREAD_ID,
} from '../../sentry/abi/signal.ts';
import { groupTimers } from '../../sentry/kernel/group-timers.ts';
import type { PosixTimer, TimerEvent } from '../../sentry/kernel/posix-timer.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import {
  CLOCK_BOOTTIME_ALARM,
  CLOCK_PROCESS_CPUTIME_ID,
  CLOCK_REALTIME_ALARM,
  CLOCK_THREAD_CPUTIME_ID,
} from '../../sentry/time/clock.ts';
import { cpuClockNs } from './clocks.ts';
import { readItimerspec, writeItimerspec } from './itimerspec.ts';
import { clockNow } from './sleep.ts';

const TIMER_ABSTIME = 1;
const SIGEVENT_SIZE = 64;

export function sys_timer_create(t: Task): number {
  const clock = t.argI32(0);
  const idAddr = t.arg(2);
  const kind = cpuClockNs(t, clock);
  if (kind === null) return -EINVAL;
  if (clock < 0 || clock === 4 || clock === 5 || clock === 6) return -ENOTSUP;
  const alarmClock = clock === CLOCK_REALTIME_ALARM || clock === CLOCK_BOOTTIME_ALARM;
  if (alarmClock && !t.creds.hasCap(CAP_WAKE_ALARM)) return -EPERM;
  const timers = groupTimers(t.kernel, t.group);
  const event = readEvent(t, t.arg(1));
  if (typeof event === 'number') return event;
  const timer = timers.createPosix(t, clock, event);
  if (typeof timer === 'number') return timer;
  // Without a sigevent the value is the timer's id (timer_create(2)).
  if (t.arg(1) === 0) event.valueLo = timer.id;
  if (t.writeU32(idAddr, timer.id) < 0) {
    timer.destroy();
    timers.posix.delete(timer.id);
    return -EFAULT;
  }
  return 0;
}

function readEvent(t: Task, addr: number): TimerEvent | number {
  if (addr === 0) return { notify: SIGEV_SIGNAL, signo: SIGALRM, valueLo: 0, valueHi: 0, target: null };
  const bytes = t.copyInBytes(addr, SIGEVENT_SIZE);
  if (typeof bytes === 'number') return -EFAULT;
  const view = new DataView(bytes.buffer, bytes.byteOffset, SIGEVENT_SIZE);
  const signo = view.getInt32(8, true);
  const notify = view.getInt32(12, true);
  let target: Task | null = null;
  if (notify === SIGEV_THREAD_ID) {
    target = t.pidns.pids.get(view.getInt32(16, true)) ?? null;
    if (target === null || target.group !== t.group) return -EINVAL;
  } else if (notify !== SIGEV_SIGNAL && notify !== SIGEV_NONE && notify !== SIGEV_THREAD) {
    return -EINVAL;
  }
  if (notify !== SIGEV_NONE && (signo < 1 || signo > NSIG)) return -EINVAL;
  return { notify, signo, valueLo: view.getInt32(0, true), valueHi: view.getInt32(4, true), target };
}

export function sys_timer_settime(t: Task): number {
  const flags = t.argI32(1);
  const newAddr = t.arg(2);
  const oldAddr = t.arg(3);
  if (newAddr === 0) return -EINVAL;
  const setting = readItimerspec(t, newAddr);
  if (typeof setting === 'number') return setting;
  const timer = find(t);
  if (timer === null) return -EINVAL;
  const oldLeft = timer.remainingNs();
  const oldInterval = timer.intervalNs;
  const first = firstExpiry(t, timer, setting.valueNs, (flags & TIMER_ABSTIME) !== 0);
  // A timer that is switched off forgets its interval.
  timer.set(first, first === 0 ? 0 : setting.intervalNs);
  return oldAddr === 0 ? 0 : writeItimerspec(t, oldAddr, oldLeft, oldInterval);
}

/** In the timer's own time line: CPU ns, or monotonic ns for all wall clocks. */
function firstExpiry(t: Task, timer: PosixTimer, valueNs: number, absolute: boolean): number {
  if (valueNs === 0) return 0;
  const now = timer.nowNs();
  if (!absolute) return now + valueNs;
  const cpu = timer.clock === CLOCK_PROCESS_CPUTIME_ID || timer.clock === CLOCK_THREAD_CPUTIME_ID;
  return cpu ? valueNs : Math.max(1, now + (valueNs - clockNow(t, timer.clock)));
}

export function sys_timer_gettime(t: Task): number {
  const timer = find(t);
  return timer === null ? -EINVAL : writeItimerspec(t, t.arg(1), timer.remainingNs(), timer.intervalNs);
}

export function sys_timer_getoverrun(t: Task): number {
  const timer = find(t);
  return timer === null ? -EINVAL : timer.lastOverrun;
}

export function sys_timer_delete(t: Task): number {
  const timer = find(t);
  if (timer === null) return -EINVAL;
  timer.destroy();
  t.group.timers!.posix.delete(timer.id);
  return 0;
}

function find(t: Task): PosixTimer | null {
  return t.group.timers?.posix.get(t.argI32(0)) ?? null;
}
