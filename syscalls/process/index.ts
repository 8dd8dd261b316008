/** Syscalls that make, run, watch and end processes and threads. */
import type { ArgKind } from '../table/args.ts';
import {
  ADDR,
  DIRFD,
  FD,
  HEX,
  INT,
  PATH,
  PID,
  SIZE,
  STRINGS,
  UINT,
  bytesIn,
  flags,
  oneOf,
  structIn,
  structOut,
} from '../table/args.ts';
import type { Call } from '../table/row.ts';
import { call } from '../table/row.ts';
import { sys_arch_prctl } from './arch-prctl.ts';
import { sys_clone, sys_clone3, sys_fork, sys_setns, sys_unshare, sys_vfork } from './clone.ts';
import { sys_execve, sys_execveat } from './exec.ts';
import {
  sys_exit,
  sys_exit_group,
  sys_get_robust_list,
  sys_set_robust_list,
  sys_set_tid_address,
} from './exit.ts';
import { sys_futex, sys_futex_waitv } from './futex.ts';
import { sys_membarrier, sys_rseq } from './membarrier.ts';
import { sys_kcmp, sys_pidfd_getfd, sys_pidfd_open, sys_ptrace } from './pidfd.ts';
import { sys_prctl } from './prctl.ts';
import { sys_getcpu, sys_getpriority, sys_ioprio_get, sys_ioprio_set, sys_setpriority } from './priority.ts';
import {
  sys_sched_get_priority_max,
  sys_sched_get_priority_min,
  sys_sched_getaffinity,
  sys_sched_getattr,
  sys_sched_getparam,
  sys_sched_getscheduler,
  sys_sched_rr_get_interval,
  sys_sched_setaffinity,
  sys_sched_setattr,
  sys_sched_setparam,
  sys_sched_setscheduler,
  sys_sched_yield,
} from './sched.ts';
import { sys_seccomp } from './seccomp.ts';
import { sys_wait4, sys_waitid } from './wait.ts';

const POLICY = oneOf('sched_policy');
const SCHED_PARAM = structIn('sched_param', 4);
const RUSAGE = structOut('rusage', 144);
const SCHED_ATTR: ArgKind = { show: 'struct:sched_attr', dir: 'inout' };

export const processCalls = {
  fork: call(sys_fork, [], 'full', '', 'pid'),
  vfork: call(sys_vfork, [], 'full', '', 'pid'),
  clone: call(
    sys_clone,
    [flags('clone'), ADDR, ADDR, ADDR, ADDR],
    'partial',
    'no new namespaces: EINVAL, or ENOSPC for a user namespace',
    'pid',
  ),
  clone3: call(
    sys_clone3,
    [bytesIn(1), SIZE],
    'partial',
    'no new namespaces, no set_tid, no CLONE_INTO_CGROUP',
    'pid',
  ),
  unshare: call(sys_unshare, [flags('clone')], 'partial', 'CLONE_FS and CLONE_FILES; no new namespaces'),
  setns: call(sys_setns, [FD, flags('clone')], 'errno', 'there are no other namespaces to join'),
  execve: call(sys_execve, [PATH, STRINGS, STRINGS], 'partial', 'file capabilities are ignored'),
  execveat: call(
    sys_execveat,
    [DIRFD, PATH, STRINGS, STRINGS, flags('at')],
    'partial',
    'file capabilities are ignored',
  ),
  exit: call(sys_exit, [INT]),
  exit_group: call(sys_exit_group, [INT]),
  wait4: call(sys_wait4, [PID, structOut('wait_status', 4), flags('wait'), RUSAGE], 'full', '', 'pid'),
  waitid: call(sys_waitid, [
    oneOf('waitid'),
    PID,
    structOut('siginfo', 128),
    flags('waitid_options'),
    RUSAGE,
  ]),
  set_tid_address: call(sys_set_tid_address, [ADDR], 'full', '', 'pid'),
  set_robust_list: call(sys_set_robust_list, [ADDR, SIZE]),
  get_robust_list: call(sys_get_robust_list, [PID, ADDR, ADDR]),
  prctl: call(
    sys_prctl,
    [oneOf('prctl'), HEX, HEX, HEX, HEX],
    'partial',
    'PR_SET_MM, PR_MCE_KILL, PR_SET_MDWE and TSC traps are refused; names of anonymous mappings are not shown',
  ),
  arch_prctl: call(sys_arch_prctl, [oneOf('arch_prctl'), ADDR], 'partial', 'ARCH_SET_GS is refused'),
  futex: call(
    sys_futex,
    [ADDR, oneOf('futex'), UINT, structIn('timespec', 16), ADDR, UINT],
    'partial',
    'with priority inheritance waiters have an order, and owners their own priority',
  ),
  futex_waitv: call(sys_futex_waitv, [ADDR, UINT, UINT, ADDR, INT], 'unimplemented', 'ENOSYS'),
  sched_yield: call(sys_sched_yield, []),
  sched_setaffinity: call(
    sys_sched_setaffinity,
    [PID, UINT, bytesIn(1)],
    'partial',
    'kept and answered, not enforced',
  ),
  sched_getaffinity: call(sys_sched_getaffinity, [PID, UINT, ADDR]),
  sched_setscheduler: call(
    sys_sched_setscheduler,
    [PID, POLICY, SCHED_PARAM],
    'partial',
    'kept, not enforced',
  ),
  sched_getscheduler: call(sys_sched_getscheduler, [PID]),
  sched_setparam: call(sys_sched_setparam, [PID, SCHED_PARAM], 'partial', 'kept, not enforced'),
  sched_getparam: call(sys_sched_getparam, [PID, structOut('sched_param', 4)]),
  sched_get_priority_max: call(sys_sched_get_priority_max, [POLICY]),
  sched_get_priority_min: call(sys_sched_get_priority_min, [POLICY]),
  sched_rr_get_interval: call(sys_sched_rr_get_interval, [PID, structOut('timespec', 16)]),
  sched_setattr: call(sys_sched_setattr, [PID, SCHED_ATTR, UINT], 'partial', 'kept, not enforced'),
  sched_getattr: call(sys_sched_getattr, [PID, SCHED_ATTR, UINT, UINT]),
  getpriority: call(sys_getpriority, [oneOf('priority'), PID]),
  setpriority: call(sys_setpriority, [oneOf('priority'), PID, INT], 'partial', 'kept, not enforced'),
  ioprio_get: call(sys_ioprio_get, [oneOf('ioprio'), PID]),
  ioprio_set: call(sys_ioprio_set, [oneOf('ioprio'), PID, HEX], 'partial', 'kept, not enforced'),
  getcpu: call(sys_getcpu, [ADDR, ADDR, ADDR], 'partial', 'a fixed CPU per thread'),
  pidfd_open: call(sys_pidfd_open, [PID, flags('pidfd')], 'full', '', 'fd'),
  pidfd_getfd: call(sys_pidfd_getfd, [FD, FD, UINT], 'full', '', 'fd'),
  kcmp: call(sys_kcmp, [PID, PID, oneOf('kcmp'), HEX, HEX], 'partial', 'no KCMP_EPOLL_TFD'),
  ptrace: call(sys_ptrace, [oneOf('ptrace'), PID, ADDR, ADDR], 'errno', 'tracing is refused: EPERM'),
  rseq: call(sys_rseq, [ADDR, UINT, INT, HEX], 'errno', 'ENOSYS: programs go without'),
  membarrier: call(sys_membarrier, [oneOf('membarrier'), UINT, INT], 'partial', 'no RSEQ commands'),
  seccomp: call(sys_seccomp, [oneOf('seccomp'), UINT, ADDR], 'partial', 'no user notification, no tracer'),
} satisfies Record<string, Call>;
