/** Syscalls that tell time, sleep, and set timers. */
import {
  ADDR,
  CLOCKID,
  FD,
  INT,
  UINT,
  flags,
  oneOf,
  structIn,
  structInOut,
  structOut,
} from '../table/args.ts';
import type { Call } from '../table/row.ts';
import { call } from '../table/row.ts';
import {
  sys_adjtimex,
  sys_clock_adjtime,
  sys_clock_getres,
  sys_clock_gettime,
  sys_clock_settime,
  sys_gettimeofday,
  sys_settimeofday,
  sys_time,
} from './clocks.ts';
import { sys_alarm, sys_getitimer, sys_setitimer } from './itimers.ts';
import {
  sys_timer_create,
  sys_timer_delete,
  sys_timer_getoverrun,
  sys_timer_gettime,
  sys_timer_settime,
} from './posix-timers.ts';
import { sys_clock_nanosleep, sys_nanosleep } from './sleep.ts';
import { sys_timerfd_create, sys_timerfd_gettime, sys_timerfd_settime } from './timerfd.ts';

const SPEC_IN = structIn('timespec', 16);
const SPEC_OUT = structOut('timespec', 16);
const ITIMERVAL_IN = structIn('itimerval', 32);
const ITIMERVAL_OUT = structOut('itimerval', 32);
const ITIMERSPEC_IN = structIn('itimerspec', 32);
const ITIMERSPEC_OUT = structOut('itimerspec', 32);
const NOT_OURS = "the clock is the host's: EPERM";

export const timeCalls = {
  nanosleep: call(sys_nanosleep, [SPEC_IN, SPEC_OUT]),
  clock_nanosleep: call(sys_clock_nanosleep, [CLOCKID, flags('timer'), SPEC_IN, SPEC_OUT]),
  clock_gettime: call(sys_clock_gettime, [CLOCKID, SPEC_OUT]),
  clock_getres: call(sys_clock_getres, [CLOCKID, SPEC_OUT]),
  clock_settime: call(sys_clock_settime, [CLOCKID, SPEC_IN], 'errno', NOT_OURS),
  clock_adjtime: call(sys_clock_adjtime, [CLOCKID, structInOut('timex', 208)], 'partial', 'reading only'),
  adjtimex: call(sys_adjtimex, [structInOut('timex', 208)], 'partial', 'reading only'),
  gettimeofday: call(sys_gettimeofday, [structOut('timeval', 16), structOut('timezone', 8)]),
  settimeofday: call(sys_settimeofday, [structIn('timeval', 16), structIn('timezone', 8)], 'errno', NOT_OURS),
  time: call(sys_time, [ADDR]),
  getitimer: call(sys_getitimer, [oneOf('itimer'), ITIMERVAL_OUT]),
  setitimer: call(
    sys_setitimer,
    [oneOf('itimer'), ITIMERVAL_IN, ITIMERVAL_OUT],
    'partial',
    'ITIMER_VIRTUAL counts system time too',
  ),
  alarm: call(sys_alarm, [UINT]),
  timer_create: call(sys_timer_create, [CLOCKID, structIn('sigevent', 64), structOut('timer_t', 4)]),
  timer_settime: call(sys_timer_settime, [INT, flags('timer'), ITIMERSPEC_IN, ITIMERSPEC_OUT]),
  timer_gettime: call(sys_timer_gettime, [INT, ITIMERSPEC_OUT]),
  timer_getoverrun: call(sys_timer_getoverrun, [INT]),
  timer_delete: call(sys_timer_delete, [INT]),
  timerfd_create: call(sys_timerfd_create, [CLOCKID, flags('timerfd_create')], 'full', '', 'fd'),
  timerfd_settime: call(sys_timerfd_settime, [FD, flags('timerfd_settime'), ITIMERSPEC_IN, ITIMERSPEC_OUT]),
  timerfd_gettime: call(sys_timerfd_gettime, [FD, ITIMERSPEC_OUT]),
} satisfies Record<string, Call>;
