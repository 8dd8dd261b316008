/** rt_sigaction(2). */
import { EFAULT, EINVAL } from '../../sentry/abi/errno.ts';
import {
  NSIG,
  SA_EXPOSE_TAGBITS,
  SA_NOCLDSTOP,
  SA_NOCLDWAIT,
  SA_NODEFER,
  SA_ONSTACK,
  SA_RESETHAND,
  SA_RESTART,
  SA_RESTORER,
  SA_SIGINFO,
  SIGKILL,
  SIGSTOP,
} from '../../sentry/abi/signal.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { UNBLOCKABLE_LO } from '../../sentry/signal/sig-set.ts';
import { i32, setU64, u32 } from '../../platform/arena.ts';

const SIGACTION_SIZE = 32;
/** What rt_sigaction keeps; unknown bits read back as zero, by which programs probe for flags. */
const KNOWN_FLAGS =
  (SA_NOCLDSTOP |
    SA_NOCLDWAIT |
    SA_SIGINFO |
    SA_EXPOSE_TAGBITS |
    SA_RESTORER |
    SA_ONSTACK |
    SA_RESTART |
    SA_NODEFER |
    SA_RESETHAND) >>>
  0;

export function sys_rt_sigaction(t: Task): number {
  const signo = t.argI32(0);
  const newAddr = t.arg(1);
  const oldAddr = t.arg(2);
  if (t.arg(3) !== 8) return -EINVAL;
  let at = 0;
  if (newAddr !== 0) {
    at = t.copyIn(newAddr, SIGACTION_SIZE);
    if (at < 0) return -EFAULT;
  }
  if (signo < 1 || signo > NSIG) return -EINVAL;
  if (newAddr !== 0 && (signo === SIGKILL || signo === SIGSTOP)) return -EINVAL;
  const action = t.group.actions.get(signo);
  // Read the new one whole before anything is staged: the slot is the guest's to write.
  const w = at >>> 2;
  const handler = newAddr === 0 ? 0 : u32[w + 1]! * 4294967296 + u32[w]!;
  const flags = newAddr === 0 ? 0 : u32[w + 2]! & KNOWN_FLAGS;
  const restorer = newAddr === 0 ? 0 : u32[w + 5]! * 4294967296 + u32[w + 4]!;
  const maskLo = newAddr === 0 ? 0 : i32[w + 6]!;
  const maskHi = newAddr === 0 ? 0 : i32[w + 7]!;
  if (oldAddr !== 0) {
    const out = t.stage(SIGACTION_SIZE);
    if (out < 0) return -EFAULT;
    setU64(out, action.handler);
    setU64(out + 8, action.flags);
    setU64(out + 16, action.restorer);
    i32[(out >>> 2) + 6] = action.maskLo;
    i32[(out >>> 2) + 7] = action.maskHi;
    const r = t.copyOutStaged(oldAddr, out, SIGACTION_SIZE);
    if (r < 0) return r;
  }
  if (newAddr === 0) return 0;
  action.handler = handler;
  action.flags = flags >>> 0;
  action.restorer = restorer;
  action.maskLo = maskLo & ~UNBLOCKABLE_LO;
  action.maskHi = maskHi;
  // POSIX: setting it to be ignored discards what is pending, blocked or not.
  if (t.group.actions.ignores(signo)) t.kernel.signals.discardEverywhere(t.group, signo);
  return 0;
}
