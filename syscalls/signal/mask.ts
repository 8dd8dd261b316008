/** rt_sigprocmask(2), rt_sigpending(2), rt_sigsuspend(2), pause(2), sigaltstack(2). */
import { EFAULT, EINVAL, ENOMEM, EPERM, ERESTARTNOHAND, ERESTARTSYS } from '../../sentry/abi/errno.ts';
import {
  SIG_BLOCK,
  SIG_SETMASK,
  SIG_UNBLOCK,
  SS_AUTODISARM,
  SS_DISABLE,
  SS_ONSTACK,
} from '../../sentry/abi/signal.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { altStackFlags, onAltStack } from '../../sentry/kernel/task-signal.ts';
import { getU64, i32, setU64, u32 } from '../../platform/arena.ts';

const SIGSET_SIZE = 8;
const STACK_T_SIZE = 24;

export function sys_rt_sigprocmask(t: Task): number {
  const how = t.argI32(0);
  const setAddr = t.arg(1);
  const oldAddr = t.arg(2);
  if (t.arg(3) !== SIGSET_SIZE) return -EINVAL;
  const oldLo = t.maskLo;
  const oldHi = t.maskHi;
  if (setAddr !== 0) {
    const at = t.copyIn(setAddr, SIGSET_SIZE);
    if (at < 0) return -EFAULT;
    const lo = i32[at >>> 2]!;
    const hi = i32[(at >>> 2) + 1]!;
    if (how === SIG_BLOCK) t.setMask(oldLo | lo, oldHi | hi);
    else if (how === SIG_UNBLOCK) t.setMask(oldLo & ~lo, oldHi & ~hi);
    else if (how === SIG_SETMASK) t.setMask(lo, hi);
    else return -EINVAL;
  }
  return oldAddr === 0 ? 0 : writeSet(t, oldAddr, oldLo, oldHi, SIGSET_SIZE);
}

export function sys_rt_sigpending(t: Task): number {
  const size = t.arg(1);
  if (size > SIGSET_SIZE) return -EINVAL;
  const lo = (t.pending.lo | t.group.pending.lo) & t.maskLo;
  const hi = (t.pending.hi | t.group.pending.hi) & t.maskHi;
  return writeSet(t, t.arg(0), lo, hi, size);
}

export function sys_rt_sigsuspend(t: Task): number {
  if (t.arg(1) !== SIGSET_SIZE) return -EINVAL;
  if (!t.hasSavedMask) {
    const at = t.copyIn(t.arg(0), SIGSET_SIZE);
    if (at < 0) return -EFAULT;
    t.setTemporaryMask(i32[at >>> 2]!, i32[(at >>> 2) + 1]!);
  }
  return sys_pause(t);
}

/** Ends only by a handler. */
export function sys_pause(t: Task): number {
  const r = t.waitForever();
  return r === -ERESTARTSYS ? -ERESTARTNOHAND : r;
}

export function sys_sigaltstack(t: Task): number {
  const newAddr = t.arg(0);
  const oldAddr = t.arg(1);
  const sp = t.thread.sp();
  let newSp = 0;
  let flags = 0;
  let size = 0;
  if (newAddr !== 0) {
    const at = t.copyIn(newAddr, STACK_T_SIZE);
    if (at < 0) return -EFAULT;
    newSp = getU64(at);
    flags = u32[(at >>> 2) + 2]!;
    size = getU64(at + 16);
  }
  let old = -1;
  if (oldAddr !== 0) {
    old = t.stage(STACK_T_SIZE);
    if (old < 0) return -EFAULT;
    setU64(old, t.altSp);
    setU64(old + 8, (altStackFlags(t, sp) | (t.altFlags & SS_AUTODISARM)) >>> 0);
    setU64(old + 16, t.altSize);
  }
  if (newAddr !== 0) {
    const r = setAltStack(t, newSp, flags, size, sp);
    if (r < 0) return r;
  }
  return oldAddr === 0 ? 0 : t.copyOutStaged(oldAddr, old, STACK_T_SIZE);
}

/** sigaltstack(2)'s new stack; also what rt_sigreturn restores from uc_stack. */
export function setAltStack(t: Task, newSp: number, flags: number, size: number, sp: number): number {
  if (onAltStack(t, sp) && t.altSize !== 0) return -EPERM;
  const mode = (flags & ~SS_AUTODISARM) >>> 0;
  if (mode !== SS_DISABLE && mode !== SS_ONSTACK && mode !== 0) return -EINVAL;
  if (mode === SS_DISABLE) {
    t.altSp = 0;
    t.altSize = 0;
    t.altFlags = flags >>> 0;
    return 0;
  }
  const minimum = t.kernel.options.machine === 'aarch64' ? 5120 : 2048;
  if (size < minimum) return -ENOMEM;
  t.altSp = newSp;
  t.altSize = size;
  t.altFlags = flags >>> 0;
  return 0;
}

function writeSet(t: Task, addr: number, lo: number, hi: number, size: number): number {
  const out = t.stage(SIGSET_SIZE);
  if (out < 0) return -EFAULT;
  i32[out >>> 2] = lo;
  i32[(out >>> 2) + 1] = hi;
  return t.copyOutStaged(addr, out, size);
}
