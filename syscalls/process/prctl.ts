/** prctl(2). */
import {
  CAP_LAST_CAP,
  CAP_SETPCAP,
  CAP_SYS_RESOURCE,
  SECBIT_KEEP_CAPS,
  SECBIT_KEEP_CAPS_LOCKED,
  SECBIT_NO_CAP_AMBIENT_RAISE,
  SECURE_ALL_BITS,
  SECURE_ALL_LOCKS,
} from '../../sentry/abi/capability.ts';
import { EFAULT, EINVAL, ENODEV, ENXIO, EPERM } from '../../sentry/abi/errno.ts';
import {
  PR_CAPBSET_DROP,
  PR_CAPBSET_READ,
  PR_CAP_AMBIENT,
  PR_CAP_AMBIENT_CLEAR_ALL,
  PR_CAP_AMBIENT_IS_SET,
  PR_CAP_AMBIENT_LOWER,
  PR_CAP_AMBIENT_RAISE,
  PR_GET_CHILD_SUBREAPER,
  PR_GET_DUMPABLE,
  PR_GET_IO_FLUSHER,
  PR_GET_KEEPCAPS,
  PR_GET_MDWE,
  PR_GET_MEMORY_MERGE,
  PR_GET_NAME,
  PR_GET_NO_NEW_PRIVS,
  PR_GET_PDEATHSIG,
  PR_GET_SECCOMP,
  PR_GET_SECUREBITS,
  PR_GET_SPECULATION_CTRL,
  PR_GET_TAGGED_ADDR_CTRL,
  PR_GET_THP_DISABLE,
  PR_GET_TID_ADDRESS,
  PR_GET_TIMERSLACK,
  PR_GET_TIMING,
  PR_GET_TSC,
  PR_MCE_KILL,
  PR_MCE_KILL_GET,
  PR_SCHED_CORE,
  PR_SET_CHILD_SUBREAPER,
  PR_SET_DUMPABLE,
  PR_SET_IO_FLUSHER,
  PR_SET_KEEPCAPS,
  PR_SET_MDWE,
  PR_SET_MEMORY_MERGE,
  PR_SET_MM,
  PR_SET_NAME,
  PR_SET_NO_NEW_PRIVS,
  PR_SET_PDEATHSIG,
  PR_SET_PTRACER,
  PR_SET_SECCOMP,
  PR_SET_SECUREBITS,
  PR_SET_SPECULATION_CTRL,
  PR_SET_TAGGED_ADDR_CTRL,
  PR_SET_THP_DISABLE,
  PR_SET_TIMERSLACK,
  PR_SET_TIMING,
  PR_SET_TSC,
  PR_SET_VMA,
  PR_SET_VMA_ANON_NAME,
  PR_TASK_PERF_EVENTS_DISABLE,
  PR_TASK_PERF_EVENTS_ENABLE,
} from '../../sentry/abi/prctl.ts';
import { NSIG } from '../../sentry/abi/signal.ts';
import {
  capHas,
  capIntersect,
  capOf,
  capUnion,
  capValid,
  capWithout,
} from '../../sentry/auth/capabilities.ts';
import { CAP_EMPTY } from '../../sentry/auth/credentials.ts';
import { unimplemented } from '../../sentry/base/unimplemented.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { latin1 } from '../../platform/arena.ts';
import { showName } from '../../platform/host-names.ts';
import { setSeccompByPrctl, seccompMode } from './seccomp.ts';

const TASK_COMM_LEN = 16;
const PR_TSC_ENABLE = 1;
const PR_MCE_KILL_DEFAULT = 2;
const PR_SPEC_NOT_AFFECTED = 0;

export function sys_prctl(t: Task): number {
  const option = t.argI32(0);
  const a2 = t.arg(1);
  const rest = t.arg(2) !== 0 || t.arg(3) !== 0 || t.arg(4) !== 0;
  switch (option) {
    case PR_SET_PDEATHSIG:
      if (a2 > NSIG) return -EINVAL;
      t.pdeathSignal = a2;
      return 0;
    case PR_GET_PDEATHSIG:
      return t.writeI32(a2, t.pdeathSignal);
    case PR_GET_DUMPABLE:
      return t.group.dumpable;
    case PR_SET_DUMPABLE:
      if (a2 !== 0 && a2 !== 1) return -EINVAL;
      t.group.dumpable = a2;
      return 0;
    case PR_GET_KEEPCAPS:
      return (t.creds.securebits & SECBIT_KEEP_CAPS) !== 0 ? 1 : 0;
    case PR_SET_KEEPCAPS:
      return setKeepCaps(t, a2);
    case PR_SET_NAME:
      return setName(t, a2);
    case PR_GET_NAME:
      return getName(t, a2);
    case PR_GET_SECCOMP:
      return seccompMode(t);
    case PR_SET_SECCOMP:
      return setSeccompByPrctl(t, a2, t.arg(2));
    case PR_CAPBSET_READ:
      return a2 > CAP_LAST_CAP ? -EINVAL : capHas(t.creds.bounding, a2) ? 1 : 0;
    case PR_CAPBSET_DROP:
      return dropBounding(t, a2);
    case PR_GET_SECUREBITS:
      return t.creds.securebits;
    case PR_SET_SECUREBITS:
      return setSecurebits(t, a2);
    case PR_SET_TIMERSLACK:
      t.timerSlackNs = a2 === 0 || t.argI64(1) < 0 ? t.defaultTimerSlackNs : a2;
      return 0;
    case PR_GET_TIMERSLACK:
      return t.timerSlackNs;
    case PR_SET_CHILD_SUBREAPER:
      t.group.childSubreaper = a2 !== 0;
      return 0;
    case PR_GET_CHILD_SUBREAPER:
      return t.writeI32(a2, t.group.childSubreaper ? 1 : 0);
    case PR_SET_NO_NEW_PRIVS:
      if (a2 !== 1 || rest) return -EINVAL;
      t.noNewPrivs = true;
      return 0;
    case PR_GET_NO_NEW_PRIVS:
      return a2 !== 0 || rest ? -EINVAL : t.noNewPrivs ? 1 : 0;
    case PR_GET_TID_ADDRESS:
      return t.writeU64(a2, t.clearTid);
    case PR_SET_THP_DISABLE:
      if (rest) return -EINVAL;
      t.group.thpDisable = a2 !== 0;
      return 0;
    case PR_GET_THP_DISABLE:
      return a2 !== 0 || rest ? -EINVAL : t.group.thpDisable ? 1 : 0;
    case PR_CAP_AMBIENT:
      return ambient(t, a2, t.arg(2), t.arg(3) !== 0 || t.arg(4) !== 0);
    case PR_SET_VMA:
      return setVma(t);
    default:
      return rare(t, option, a2, rest);
  }
}

/** Options that a container sees little of: the honest constant answers. */
function rare(t: Task, option: number, a2: number, rest: boolean): number {
  switch (option) {
    case PR_GET_TIMING:
      return 0;
    case PR_SET_TIMING:
      return a2 === 0 ? 0 : -EINVAL;
    case PR_GET_TSC:
      return t.kernel.options.machine === 'x86_64' ? t.writeI32(a2, PR_TSC_ENABLE) : -EINVAL;
    case PR_SET_TSC:
      if (t.kernel.options.machine !== 'x86_64' || a2 !== PR_TSC_ENABLE) unimplemented('prctl PR_SET_TSC');
      return t.kernel.options.machine === 'x86_64' && a2 === PR_TSC_ENABLE ? 0 : -EINVAL;
    case PR_TASK_PERF_EVENTS_DISABLE:
    case PR_TASK_PERF_EVENTS_ENABLE:
      return 0;
    case PR_MCE_KILL:
      unimplemented('prctl PR_MCE_KILL');
      return -EINVAL;
    case PR_MCE_KILL_GET:
      return a2 !== 0 || rest ? -EINVAL : PR_MCE_KILL_DEFAULT;
    case PR_SET_MM:
      unimplemented('prctl PR_SET_MM');
      return t.creds.hasCap(CAP_SYS_RESOURCE) ? -EINVAL : -EPERM;
    case PR_GET_SPECULATION_CTRL:
      return rest ? -EINVAL : a2 > 2 ? -ENODEV : PR_SPEC_NOT_AFFECTED;
    case PR_SET_SPECULATION_CTRL:
      return a2 > 2 ? -ENODEV : -ENXIO;
    case PR_SET_TAGGED_ADDR_CTRL:
    case PR_GET_TAGGED_ADDR_CTRL:
      return -EINVAL;
    case PR_SET_IO_FLUSHER:
    case PR_GET_IO_FLUSHER:
      if (!t.creds.hasCap(CAP_SYS_RESOURCE)) return -EPERM;
      if (option === PR_GET_IO_FLUSHER) return a2 !== 0 || rest ? -EINVAL : 0;
      return a2 === 0 && !rest ? 0 : -EINVAL;
    case PR_SCHED_CORE:
      return -EINVAL;
    case PR_SET_MDWE:
      unimplemented('prctl PR_SET_MDWE');
      return -EINVAL;
    case PR_GET_MDWE:
    case PR_GET_MEMORY_MERGE:
      return a2 !== 0 || rest ? -EINVAL : 0;
    case PR_SET_MEMORY_MERGE:
      return rest ? -EINVAL : 0;
    case PR_SET_PTRACER:
      // Yama's: not configured.
      return -EINVAL;
    default:
      unimplemented(`prctl ${option}`);
      return -EINVAL;
  }
}

/** At most 15 bytes are looked at: a longer string is cut, and what follows the end need not be there. */
function setName(t: Task, addr: number): number {
  const all = t.copyIn(addr, TASK_COMM_LEN - 1);
  if (all >= 0) {
    const text = latin1(all, TASK_COMM_LEN - 1);
    const end = text.indexOf('\0');
    return rename(t, end < 0 ? text : text.slice(0, end));
  }
  const short = t.copyInString(addr, TASK_COMM_LEN);
  if (typeof short === 'number') return -EFAULT;
  return rename(t, short);
}

function rename(t: Task, name: string): number {
  t.name = name;
  showName(t.thread, name);
  return 0;
}

function getName(t: Task, addr: number): number {
  const out = Buffer.alloc(TASK_COMM_LEN);
  out.latin1Write(t.name, 0);
  return t.copyOutBytes(addr, out, 0, TASK_COMM_LEN);
}

function setKeepCaps(t: Task, value: number): number {
  if (value > 1) return -EINVAL;
  const { creds } = t;
  if ((creds.securebits & SECBIT_KEEP_CAPS_LOCKED) !== 0) return -EPERM;
  const securebits = value === 1 ? creds.securebits | SECBIT_KEEP_CAPS : creds.securebits & ~SECBIT_KEEP_CAPS;
  t.creds = creds.with({ securebits });
  return 0;
}

function dropBounding(t: Task, cap: number): number {
  if (!t.creds.hasCap(CAP_SETPCAP)) return -EPERM;
  if (!capValid(cap)) return -EINVAL;
  t.creds = t.creds.with({ bounding: capWithout(t.creds.bounding, capOf(cap)) });
  return 0;
}

function setSecurebits(t: Task, bits: number): number {
  const old = t.creds.securebits;
  const changed = old ^ bits;
  // A locked bit stays, a lock is never undone, unknown bits are refused, and the capability is needed.
  if ((((old & SECURE_ALL_LOCKS) >>> 1) & changed) !== 0) return -EPERM;
  if ((old & SECURE_ALL_LOCKS & ~bits) !== 0) return -EPERM;
  if (bits > 0xffffffff || (bits & ~SECURE_ALL_BITS) !== 0) return -EPERM;
  if (!t.creds.hasCap(CAP_SETPCAP)) return -EPERM;
  t.creds = t.creds.with({ securebits: bits });
  return 0;
}

function ambient(t: Task, action: number, cap: number, rest: boolean): number {
  const { creds } = t;
  if (action === PR_CAP_AMBIENT_CLEAR_ALL) {
    if (cap !== 0 || rest) return -EINVAL;
    t.creds = creds.with({ ambient: CAP_EMPTY });
    return 0;
  }
  if (rest || !capValid(cap)) return -EINVAL;
  if (action === PR_CAP_AMBIENT_IS_SET) return capHas(creds.ambient, cap) ? 1 : 0;
  if (action === PR_CAP_AMBIENT_LOWER) {
    t.creds = creds.with({ ambient: capWithout(creds.ambient, capOf(cap)) });
    return 0;
  }
  if (action !== PR_CAP_AMBIENT_RAISE) return -EINVAL;
  if (!capHas(capIntersect(creds.permitted, creds.inheritable), cap)) return -EPERM;
  if ((creds.securebits & SECBIT_NO_CAP_AMBIENT_RAISE) !== 0) return -EPERM;
  t.creds = creds.with({ ambient: capUnion(creds.ambient, capOf(cap)) });
  return 0;
}

/** PR_SET_VMA_ANON_NAME: checked and accepted; the name is not kept. */
function setVma(t: Task): number {
  if (t.arg(1) !== PR_SET_VMA_ANON_NAME) return -EINVAL;
  const start = t.arg(2);
  const nameAddr = t.arg(4);
  if (nameAddr !== 0) {
    const name = t.copyInString(nameAddr, 80);
    if (typeof name === 'number') return name === -EFAULT ? -EFAULT : -EINVAL;
    if (/[\x00-\x1f\x7f-\xff\\`$[\]]/.test(name)) return -EINVAL;
  }
  if (start % 4096 !== 0) return -EINVAL;
  return 0;
}
