/** nanosleep(2), clock_nanosleep(2). */
import {
  EFAULT,
  EINVAL,
  ENOTSUP,
  ERESTARTNOHAND,
  ERESTARTSYS,
  ERESTART_RESTARTBLOCK,
} from '../../sentry/abi/errno.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { CpuAlarm, groupCpuNs } from '../../sentry/kernel/cpu-time.ts';
import {
  CLOCK_BOOTTIME_ALARM,
  CLOCK_MONOTONIC,
  CLOCK_MONOTONIC_COARSE,
  CLOCK_MONOTONIC_RAW,
  CLOCK_REALTIME_ALARM,
  CLOCK_REALTIME_COARSE,
  CLOCK_PROCESS_CPUTIME_ID,
  CLOCK_THREAD_CPUTIME_ID,
  NS_PER_SEC,
} from '../../sentry/time/clock.ts';
import { readTimespec } from '../poll/timeout.ts';
import { cpuClockNs, hostClock, writePair } from './clocks.ts';

const TIMER_ABSTIME = 1;
/** No timers on these; the alarm clocks need a real-time clock that can wake the machine. */
const CANNOT_SLEEP = [
  CLOCK_MONOTONIC_RAW,
  CLOCK_REALTIME_COARSE,
  CLOCK_MONOTONIC_COARSE,
  CLOCK_REALTIME_ALARM,
  CLOCK_BOOTTIME_ALARM,
  CLOCK_THREAD_CPUTIME_ID,
];

export function sys_nanosleep(t: Task): number {
  if (t.retry) return sleeping(t, t.arg(1), false);
  const requestAddr = t.arg(0);
  const ns = requestAddr === 0 ? -EFAULT : readTimespec(t, requestAddr);
  if (ns < 0) return ns;
  t.setDeadline(t.kernel.clock.monotonicNs() + ns);
  return ns === 0 ? 0 : sleeping(t, t.arg(1), false);
}

export function sys_clock_nanosleep(t: Task): number {
  const clock = t.argI32(0);
  const absolute = (t.argI32(1) & TIMER_ABSTIME) !== 0;
  const remAddr = t.arg(3);
  if (t.retry) {
    if (t.blockState !== null) return cpuSleeping(t);
    return sleeping(t, remAddr, absolute);
  }
  const kind = cpuClockNs(t, clock);
  if (kind === null) return -EINVAL;
  if (CANNOT_SLEEP.includes(clock)) return -ENOTSUP;
  const requestAddr = t.arg(2);
  const ns = requestAddr === 0 ? -EFAULT : readTimespec(t, requestAddr);
  if (ns < 0) return ns;
  if (kind >= 0) return startCpuSleep(t, clock, absolute ? ns : kind + ns);
  const now = t.kernel.clock.monotonicNs();
  const relativeNs = absolute ? ns - clockNow(t, clock) : ns;
  if (relativeNs <= 0) return 0;
  t.setDeadline(now + relativeNs);
  return sleeping(t, remAddr, absolute);
}

/** The named clock's time in ns; wall clocks lose a little below a microsecond. */
export function clockNow(t: Task, clock: number): number {
  return t.kernel.clock.nowNs(clock === CLOCK_MONOTONIC ? clock : hostClock(clock));
}

function sleeping(t: Task, remAddr: number, absolute: boolean): number {
  if (t.timedOut) return 0;
  const r = t.waitForever();
  if (r !== -ERESTARTSYS) return r;
  if (absolute) return -ERESTARTNOHAND;
  if (remAddr !== 0) {
    const leftNs = Math.max(0, t.deadlineNs - t.kernel.clock.monotonicNs());
    const sec = Math.floor(leftNs / NS_PER_SEC);
    if (writePair(t, remAddr, sec, Math.floor(leftNs - sec * NS_PER_SEC)) < 0) return -EFAULT;
  }
  return -ERESTART_RESTARTBLOCK;
}

interface CpuSleep {
  done: boolean;
}

/** Sleeping on another process's, or the own process's, CPU time. */
function startCpuSleep(t: Task, clock: number, targetNs: number): number {
  if (clock !== CLOCK_PROCESS_CPUTIME_ID) return -ENOTSUP;
  if (groupCpuNs(t.group) >= targetNs) return 0;
  const state: CpuSleep = { done: false };
  const alarm = new CpuAlarm(
    t.kernel,
    () => groupCpuNs(t.group),
    () => t.group.tasks.size,
    () => {
      state.done = true;
      t.makeRunnable();
    },
  );
  alarm.arm(targetNs);
  t.blockState = state;
  t.onUnblock = () => {
    alarm.arm(Infinity);
  };
  return cpuSleeping(t);
}

function cpuSleeping(t: Task): number {
  if ((t.blockState as CpuSleep).done) return 0;
  const r = t.waitForever();
  return r === -ERESTARTSYS ? -ERESTARTNOHAND : r;
}
