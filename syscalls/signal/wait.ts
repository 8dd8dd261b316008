/** rt_sigtimedwait(2). */
import { EAGAIN, EFAULT, EINTR, EINVAL, ERESTARTSYS } from '../../sentry/abi/errno.ts';
import { SIGINFO_SIZE } from '../../sentry/abi/signal.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { encodeSigInfo } from '../../sentry/signal/sig-info.ts';
import { UNBLOCKABLE_LO } from '../../sentry/signal/sig-set.ts';
import { i32, u8 } from '../../platform/arena.ts';
import { FOREVER, readTimespec } from '../poll/timeout.ts';

export function sys_rt_sigtimedwait(t: Task): number {
  if (t.arg(3) !== 8) return -EINVAL;
  if (!t.retry) {
    const at = t.copyIn(t.arg(0), 8);
    if (at < 0) return -EFAULT;
    const lo = i32[at >>> 2]! & ~UNBLOCKABLE_LO;
    const hi = i32[(at >>> 2) + 1]!;
    const timeoutNs = readTimespec(t, t.arg(2));
    if (timeoutNs < 0) return timeoutNs;
    const taken = take(t, lo, hi);
    if (taken !== -EAGAIN || timeoutNs === 0) return taken;
    t.waitSetLo = lo;
    t.waitSetHi = hi;
    t.onUnblock = () => {
      t.waitSetLo = 0;
      t.waitSetHi = 0;
      t.kernel.signals.recalculate(t);
    };
    if (timeoutNs !== FOREVER) t.setDeadline(t.kernel.clock.monotonicNs() + timeoutNs);
  } else {
    const taken = take(t, t.waitSetLo, t.waitSetHi);
    if (taken !== -EAGAIN || t.timedOut) return taken;
    // Interrupted by another signal, or by a stop even without a handler (signal(7)).
    if (t.interruptPending()) return -EINTR;
  }
  const r = t.waitForever();
  return r === -ERESTARTSYS ? -EINTR : r;
}

/** The number of the signal taken, or -EAGAIN. */
function take(t: Task, lo: number, hi: number): number {
  const info = t.kernel.signals.take(t, ~lo, ~hi);
  if (info === null) return -EAGAIN;
  info.timer?.delivered(info);
  t.kernel.signals.recalculate(t);
  const addr = t.arg(1);
  if (addr !== 0) {
    const out = t.stage(SIGINFO_SIZE);
    if (out < 0) return -EFAULT;
    encodeSigInfo(info, u8, out);
    const r = t.copyOutStaged(addr, out, SIGINFO_SIZE);
    if (r < 0) return r;
  }
  return info.signo;
}
