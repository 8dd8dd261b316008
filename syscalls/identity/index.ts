/** Syscalls about who a process is: ids, groups, capabilities, sessions. */
import { HEX, INT, PID, UID, bytesIn, structIn, structInOut, structOut } from '../table/args.ts';
import type { ArgKind } from '../table/args.ts';
import type { Call } from '../table/row.ts';
import { call } from '../table/row.ts';
import { sys_capget, sys_capset } from './capabilities.ts';
import {
  sys_getegid,
  sys_getgid,
  sys_getgroups,
  sys_getresgid,
  sys_setfsgid,
  sys_setgid,
  sys_setgroups,
  sys_setregid,
  sys_setresgid,
} from './gids.ts';
import {
  sys_getpgid,
  sys_getpgrp,
  sys_getpid,
  sys_getppid,
  sys_getsid,
  sys_gettid,
  sys_personality,
  sys_setpgid,
  sys_setsid,
} from './process-ids.ts';
import {
  sys_geteuid,
  sys_getresuid,
  sys_getuid,
  sys_setfsuid,
  sys_setresuid,
  sys_setreuid,
  sys_setuid,
} from './uids.ts';

const ID_OUT = structOut('id', 4);
const CAP_HEADER = structInOut('cap_header', 8);
const GROUPS_OUT: ArgKind = { show: 'gids', dir: 'out', lenArg: 0 };

export const identityCalls = {
  getpid: call(sys_getpid, [], 'full', '', 'pid'),
  gettid: call(sys_gettid, [], 'full', '', 'pid'),
  getppid: call(sys_getppid, [], 'full', '', 'pid'),
  getpgrp: call(sys_getpgrp, [], 'full', '', 'pid'),
  getpgid: call(sys_getpgid, [PID], 'full', '', 'pid'),
  setpgid: call(sys_setpgid, [PID, PID]),
  getsid: call(sys_getsid, [PID], 'full', '', 'pid'),
  setsid: call(sys_setsid, [], 'full', '', 'pid'),
  getuid: call(sys_getuid, []),
  geteuid: call(sys_geteuid, []),
  getgid: call(sys_getgid, []),
  getegid: call(sys_getegid, []),
  setuid: call(sys_setuid, [UID]),
  setgid: call(sys_setgid, [UID]),
  setreuid: call(sys_setreuid, [UID, UID]),
  setregid: call(sys_setregid, [UID, UID]),
  setresuid: call(sys_setresuid, [UID, UID, UID]),
  setresgid: call(sys_setresgid, [UID, UID, UID]),
  getresuid: call(sys_getresuid, [ID_OUT, ID_OUT, ID_OUT]),
  getresgid: call(sys_getresgid, [ID_OUT, ID_OUT, ID_OUT]),
  setfsuid: call(sys_setfsuid, [UID]),
  setfsgid: call(sys_setfsgid, [UID]),
  getgroups: call(sys_getgroups, [INT, GROUPS_OUT]),
  setgroups: call(sys_setgroups, [INT, bytesIn(0, 4)]),
  capget: call(sys_capget, [CAP_HEADER, structOut('cap_data', 24)]),
  capset: call(sys_capset, [CAP_HEADER, structIn('cap_data', 24)]),
  personality: call(sys_personality, [HEX], 'partial', 'only ADDR_NO_RANDOMIZE has an effect', 'hex'),
} satisfies Record<string, Call>;
