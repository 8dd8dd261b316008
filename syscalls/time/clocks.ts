/** clock_gettime(2), clock_getres(2), clock_settime(2), gettimeofday(2), time(2), adjtimex(2). */
import { CAP_SYS_TIME } from '../../sentry/abi/capability.ts';
import { EFAULT, EINVAL, EPERM } from '../../sentry/abi/errno.ts';
import { unimplemented } from '../../sentry/base/unimplemented.ts';
import { groupCpuNs, taskCpuNs } from '../../sentry/kernel/cpu-time.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import {
  CLOCK_BOOTTIME,
  CLOCK_BOOTTIME_ALARM,
  CLOCK_MONOTONIC_COARSE,
  CLOCK_PROCESS_CPUTIME_ID,
  CLOCK_REALTIME,
  CLOCK_REALTIME_ALARM,
  CLOCK_REALTIME_COARSE,
  CLOCK_TAI,
  CLOCK_THREAD_CPUTIME_ID,
  NS_PER_SEC,
} from '../../sentry/time/clock.ts';
import { setU64 } from '../../platform/arena.ts';

const COARSE_RESOLUTION_NS = 4_000_000;
const pair = new Float64Array(2);

export function sys_clock_gettime(t: Task): number {
  const clock = t.argI32(0);
  const cpu = cpuClockNs(t, clock);
  if (cpu === null) return -EINVAL;
  if (cpu >= 0) {
    pair[0] = Math.floor(cpu / NS_PER_SEC);
    pair[1] = cpu % NS_PER_SEC;
  } else if (t.kernel.clock.gettime(hostClock(clock), pair) < 0) {
    return -EINVAL;
  }
  return writePair(t, t.arg(1), pair[0]!, pair[1]!);
}

export function sys_clock_getres(t: Task): number {
  const clock = t.argI32(0);
  if (cpuClockNs(t, clock) === null) return -EINVAL;
  const coarse = clock === CLOCK_REALTIME_COARSE || clock === CLOCK_MONOTONIC_COARSE;
  const addr = t.arg(1);
  return addr === 0 ? 0 : writePair(t, addr, 0, coarse ? COARSE_RESOLUTION_NS : 1);
}

/** The host's clock is not the container's to set: as without CAP_SYS_TIME. */
export function sys_clock_settime(t: Task): number {
  const clock = t.argI32(0);
  if (clock !== CLOCK_REALTIME) return -EINVAL;
  const sec = t.readI64(t.arg(1));
  const nsec = t.readI64(t.arg(1) + 8);
  if (sec === null || nsec === null) return -EFAULT;
  if (sec < 0 || nsec < 0 || nsec >= NS_PER_SEC) return -EINVAL;
  if (t.creds.hasCap(CAP_SYS_TIME)) unimplemented('clock_settime');
  return -EPERM;
}

export function sys_settimeofday(t: Task): number {
  const addr = t.arg(0);
  if (addr !== 0) {
    const sec = t.readI64(addr);
    const usec = t.readI64(addr + 8);
    if (sec === null || usec === null) return -EFAULT;
    if (usec < 0 || usec > 1_000_000) return -EINVAL;
  }
  if (t.creds.hasCap(CAP_SYS_TIME)) unimplemented('settimeofday');
  return -EPERM;
}

/** Reading is for everyone; the answer is a clock that the host keeps. */
export function sys_adjtimex(t: Task): number {
  return adjust(t, t.arg(0));
}

export function sys_clock_adjtime(t: Task): number {
  return t.argI32(0) === CLOCK_REALTIME ? adjust(t, t.arg(1)) : -EINVAL;
}

const TIMEX_SIZE = 208;
const TIME_ERROR = 5;
const STA_UNSYNC = 0x40;

function adjust(t: Task, addr: number): number {
  const modes = t.readU32(addr);
  if (modes === null) return -EFAULT;
  const singleshotRead = 0xa001;
  if (modes !== 0 && modes !== singleshotRead) {
    if (t.creds.hasCap(CAP_SYS_TIME)) unimplemented('adjtimex');
    return -EPERM;
  }
  const out = new DataView(new ArrayBuffer(TIMEX_SIZE));
  t.kernel.clock.realtime(pair);
  out.setInt32(0, modes, true);
  out.setUint32(24, 16_000_000, true);
  out.setUint32(32, 16_000_000, true);
  out.setInt32(40, STA_UNSYNC, true);
  out.setUint32(48, 2, true);
  out.setUint32(56, 1, true);
  out.setUint32(64, 32_768_000, true);
  out.setUint32(72, pair[0]!, true);
  out.setUint32(80, Math.floor(pair[1]! / 1000), true);
  out.setUint32(88, 10_000, true);
  const r = t.copyOutBytes(addr, new Uint8Array(out.buffer), 0, TIMEX_SIZE);
  return r < 0 ? r : TIME_ERROR;
}

export function sys_gettimeofday(t: Task): number {
  const addr = t.arg(0);
  const zoneAddr = t.arg(1);
  t.kernel.clock.realtime(pair);
  if (addr !== 0) {
    const r = writePair(t, addr, pair[0]!, Math.floor(pair[1]! / 1000));
    if (r < 0) return r;
  }
  return zoneAddr === 0 ? 0 : t.writeU64(zoneAddr, 0);
}

export function sys_time(t: Task): number {
  const addr = t.arg(0);
  const now = t.kernel.clock.realtimeSec();
  return addr !== 0 && t.writeU64(addr, now) < 0 ? -EFAULT : now;
}

/** CPU clocks in ns; -1: a wall clock of the host; null: no such clock. */
export function cpuClockNs(t: Task, clock: number): number | null {
  if (clock < 0) return dynamicClockNs(t, clock);
  if (clock === CLOCK_PROCESS_CPUTIME_ID) return groupCpuNs(t.group);
  if (clock === CLOCK_THREAD_CPUTIME_ID) return taskCpuNs(t);
  return clock <= CLOCK_BOOTTIME_ALARM || clock === CLOCK_TAI ? -1 : null;
}

/** clock_getcpuclockid(3), pthread_getcpuclockid(3): the complement of the pid above three bits. */
function dynamicClockNs(t: Task, clock: number): number | null {
  const pid = ~(clock >> 3);
  const perThread = (clock & 4) !== 0;
  if ((clock & 3) > 2) return null;
  const target = pid === 0 ? t : t.pidns.pids.get(pid);
  if (target === undefined) return null;
  if (perThread) return target.group === t.group ? taskCpuNs(target) : null;
  return target.isLeader ? groupCpuNs(target.group) : null;
}

/** The alarm clocks tell the time of the clocks they wake for. */
export function hostClock(clock: number): number {
  if (clock === CLOCK_REALTIME_ALARM) return CLOCK_REALTIME;
  return clock === CLOCK_BOOTTIME_ALARM ? CLOCK_BOOTTIME : clock;
}

export function writePair(t: Task, addr: number, first: number, second: number): number {
  const at = t.stage(16);
  if (at < 0) return -EFAULT;
  setU64(at, first);
  setU64(at + 8, second);
  return t.copyOutStaged(addr, at, 16);
}
