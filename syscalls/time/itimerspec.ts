/** struct itimerspec in and out. */
import { EFAULT, EINVAL } from '../../sentry/abi/errno.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { NS_PER_SEC } from '../../sentry/time/clock.ts';
import { setU64 } from '../../platform/arena.ts';

const ITIMERSPEC_SIZE = 32;

export interface TimerSetting {
  valueNs: number;
  intervalNs: number;
}

export function readItimerspec(t: Task, addr: number): TimerSetting | number {
  const intervalSec = t.readI64(addr);
  const intervalNsec = t.readI64(addr + 8);
  const sec = t.readI64(addr + 16);
  const nsec = t.readI64(addr + 24);
  if (intervalSec === null || intervalNsec === null || sec === null || nsec === null) return -EFAULT;
  if (!valid(sec, nsec) || !valid(intervalSec, intervalNsec)) return -EINVAL;
  return { valueNs: sec * NS_PER_SEC + nsec, intervalNs: intervalSec * NS_PER_SEC + intervalNsec };
}

function valid(sec: number, nsec: number): boolean {
  return sec >= 0 && nsec >= 0 && nsec < NS_PER_SEC;
}

export function writeItimerspec(t: Task, addr: number, valueNs: number, intervalNs: number): number {
  const at = t.stage(ITIMERSPEC_SIZE);
  if (at < 0) return -EFAULT;
  putTimespec(at, intervalNs);
  putTimespec(at + 16, valueNs);
  return t.copyOutStaged(addr, at, ITIMERSPEC_SIZE);
}

function putTimespec(at: number, ns: number): void {
  const sec = Math.floor(ns / NS_PER_SEC);
  setU64(at, sec);
  setU64(at + 8, Math.floor(ns - sec * NS_PER_SEC));
}
