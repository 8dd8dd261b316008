/** Syscalls that set up, send, wait for and return from signals. */
import { FD, PID, SIGNO, SIZE, UINT, flags, oneOf, structIn, structOut } from '../table/args.ts';
import type { ArgKind } from '../table/args.ts';
import type { Call } from '../table/row.ts';
import { call } from '../table/row.ts';
import { sys_rt_sigaction } from './action.ts';
import {
  sys_kill,
  sys_pidfd_send_signal,
  sys_rt_sigqueueinfo,
  sys_rt_tgsigqueueinfo,
  sys_tgkill,
  sys_tkill,
} from './kill.ts';
import {
  sys_pause,
  sys_rt_sigpending,
  sys_rt_sigprocmask,
  sys_rt_sigsuspend,
  sys_sigaltstack,
} from './mask.ts';
import { sys_restart_syscall, sys_rt_sigreturn } from './return.ts';
import { sys_signalfd, sys_signalfd4 } from './signalfd.ts';
import { sys_rt_sigtimedwait } from './wait.ts';

const SIGSET = structIn('sigset', 8);
const SIGINFO: ArgKind = structIn('siginfo', 128);

export const signalCalls = {
  rt_sigaction: call(sys_rt_sigaction, [SIGNO, structIn('sigaction', 32), structOut('sigaction', 32), SIZE]),
  rt_sigprocmask: call(sys_rt_sigprocmask, [oneOf('sigprocmask'), SIGSET, structOut('sigset', 8), SIZE]),
  rt_sigreturn: call(sys_rt_sigreturn, []),
  rt_sigpending: call(sys_rt_sigpending, [structOut('sigset', 8), SIZE]),
  rt_sigsuspend: call(sys_rt_sigsuspend, [SIGSET, SIZE]),
  rt_sigtimedwait: call(sys_rt_sigtimedwait, [
    SIGSET,
    structOut('siginfo', 128),
    structIn('timespec', 16),
    SIZE,
  ]),
  rt_sigqueueinfo: call(sys_rt_sigqueueinfo, [PID, SIGNO, SIGINFO]),
  rt_tgsigqueueinfo: call(sys_rt_tgsigqueueinfo, [PID, PID, SIGNO, SIGINFO]),
  kill: call(sys_kill, [PID, SIGNO]),
  tkill: call(sys_tkill, [PID, SIGNO]),
  tgkill: call(sys_tgkill, [PID, PID, SIGNO]),
  pause: call(sys_pause, []),
  sigaltstack: call(sys_sigaltstack, [structIn('stack', 24), structOut('stack', 24)]),
  signalfd: call(sys_signalfd, [FD, SIGSET, SIZE], 'full', '', 'fd'),
  signalfd4: call(sys_signalfd4, [FD, SIGSET, SIZE, flags('signalfd')], 'full', '', 'fd'),
  pidfd_send_signal: call(sys_pidfd_send_signal, [FD, SIGNO, SIGINFO, UINT]),
  restart_syscall: call(
    sys_restart_syscall,
    [],
    'errno',
    'the kernel restarts calls by itself: always EINTR',
  ),
} satisfies Record<string, Call>;
