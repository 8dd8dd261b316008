/** timerfd_create(2), timerfd_settime(2), timerfd_gettime(2). */
import { CAP_WAKE_ALARM } from '../../sentry/abi/capability.ts';
import { EBADF, EINVAL, EPERM } from '../../sentry/abi/errno.ts';
import { O_CLOEXEC, O_NONBLOCK } from '../../sentry/abi/fcntl.ts';
import { TimerFile } from '../../sentry/fs/timerfd/timerfd.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import {
  CLOCK_BOOTTIME,
  CLOCK_BOOTTIME_ALARM,
  CLOCK_MONOTONIC,
  CLOCK_REALTIME,
  CLOCK_REALTIME_ALARM,
} from '../../sentry/time/clock.ts';
import { newFd } from '../poll/new-fd.ts';
import { readItimerspec, writeItimerspec } from './itimerspec.ts';
import { clockNow } from './sleep.ts';

const TFD_TIMER_ABSTIME = 1;
/** The clock never jumps under us as far as we can tell: accepted, ECANCELED never comes. */
const TFD_TIMER_CANCEL_ON_SET = 2;
const CLOCKS = [CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_REALTIME_ALARM, CLOCK_BOOTTIME_ALARM];

export function sys_timerfd_create(t: Task): number {
  const clock = t.argI32(0);
  const flags = t.argI32(1);
  if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) !== 0 || !CLOCKS.includes(clock)) return -EINVAL;
  const alarm = clock === CLOCK_REALTIME_ALARM || clock === CLOCK_BOOTTIME_ALARM;
  if (alarm && !t.creds.hasCap(CAP_WAKE_ALARM)) return -EPERM;
  return newFd(t, new TimerFile(t.kernel, clock, flags & O_NONBLOCK), (flags & O_CLOEXEC) !== 0);
}

export function sys_timerfd_settime(t: Task): number {
  const flags = t.argI32(1);
  const oldAddr = t.arg(3);
  const setting = readItimerspec(t, t.arg(2));
  if (typeof setting === 'number') return setting;
  if ((flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) !== 0) return -EINVAL;
  const file = t.fileNoPath(0);
  if (file === null) return -EBADF;
  if (!(file instanceof TimerFile)) return -EINVAL;
  const oldLeft = file.remainingNs();
  const oldInterval = file.intervalNs;
  let first = 0;
  if (setting.valueNs !== 0) {
    const now = t.kernel.clock.monotonicNs();
    const absolute = (flags & TFD_TIMER_ABSTIME) !== 0;
    first = absolute ? Math.max(1, now + setting.valueNs - clockNow(t, file.clock)) : now + setting.valueNs;
  }
  file.set(first, setting.intervalNs);
  return oldAddr === 0 ? 0 : writeItimerspec(t, oldAddr, oldLeft, oldInterval);
}

export function sys_timerfd_gettime(t: Task): number {
  const file = t.fileNoPath(0);
  if (file === null) return -EBADF;
  if (!(file instanceof TimerFile)) return -EINVAL;
  return writeItimerspec(t, t.arg(1), file.remainingNs(), file.intervalNs);
}
