/** Syscalls that make and watch event sources: pipes, eventfd, epoll, inotify, poll and select. */
import { EPOLL_EVENT_SIZE } from '../../sentry/abi/epoll.ts';
import { FD, INT, PATH, SIZE, UINT, bytesIn, flags, oneOf, structIn, structOut } from '../table/args.ts';
import type { ArgKind } from '../table/args.ts';
import { call } from '../table/row.ts';
import type { Call } from '../table/row.ts';
import {
  sys_epoll_create,
  sys_epoll_create1,
  sys_epoll_ctl,
  sys_epoll_pwait,
  sys_epoll_pwait2,
  sys_epoll_wait,
} from './epoll.ts';
import { sys_eventfd, sys_eventfd2 } from './eventfd.ts';
import {
  sys_inotify_add_watch,
  sys_inotify_init,
  sys_inotify_init1,
  sys_inotify_rm_watch,
} from './inotify.ts';
import { sys_pipe, sys_pipe2 } from './pipe.ts';
import { sys_poll, sys_ppoll } from './poll.ts';
import { sys_pselect6, sys_select } from './select.ts';

const POLLFDS: ArgKind = { ...bytesIn(1, 8), show: 'pollfds', dir: 'inout' };
/** Not marshalled: how much of a set is valid memory follows from nfds alone. */
const FDSET: ArgKind = { show: 'fdset', dir: 'inout' };
const TIMESPEC: ArgKind = { ...structIn('timespec', 16), dir: 'inout' };
const TIMEVAL: ArgKind = { ...structIn('timeval', 16), dir: 'inout' };
const SIGSET = structIn('sigset', 8);
const EPOLL_EVENT = structIn('epoll_event', EPOLL_EVENT_SIZE);
const EPOLL_EVENTS: ArgKind = { show: 'epoll_events', dir: 'out', lenArg: 2 };
const PIPE_FDS = structOut('int2', 8);

export const pollCalls = {
  pipe: call(sys_pipe, [PIPE_FDS]),
  pipe2: call(sys_pipe2, [PIPE_FDS, flags('pipe2')]),
  eventfd: call(sys_eventfd, [UINT], 'full', '', 'fd'),
  eventfd2: call(sys_eventfd2, [UINT, flags('eventfd')], 'full', '', 'fd'),
  poll: call(sys_poll, [POLLFDS, UINT, INT]),
  ppoll: call(sys_ppoll, [POLLFDS, UINT, TIMESPEC, SIGSET, SIZE]),
  select: call(sys_select, [INT, FDSET, FDSET, FDSET, TIMEVAL]),
  pselect6: call(sys_pselect6, [INT, FDSET, FDSET, FDSET, TIMESPEC, structIn('sigset_argpack', 16)]),
  epoll_create: call(sys_epoll_create, [INT], 'full', '', 'fd'),
  epoll_create1: call(sys_epoll_create1, [flags('epoll_create')], 'full', '', 'fd'),
  epoll_ctl: call(sys_epoll_ctl, [FD, oneOf('epoll_ctl'), FD, EPOLL_EVENT]),
  epoll_wait: call(sys_epoll_wait, [FD, EPOLL_EVENTS, INT, INT]),
  epoll_pwait: call(sys_epoll_pwait, [FD, EPOLL_EVENTS, INT, INT, SIGSET, SIZE]),
  epoll_pwait2: call(sys_epoll_pwait2, [FD, EPOLL_EVENTS, INT, TIMESPEC, SIGSET, SIZE]),
  inotify_init: call(sys_inotify_init, [], 'full', '', 'fd'),
  inotify_init1: call(sys_inotify_init1, [flags('inotify_init')], 'full', '', 'fd'),
  inotify_add_watch: call(
    sys_inotify_add_watch,
    [FD, PATH, flags('inotify')],
    'partial',
    'changes made outside the sandbox are not seen',
  ),
  inotify_rm_watch: call(sys_inotify_rm_watch, [FD, INT]),
} satisfies Record<string, Call>;
