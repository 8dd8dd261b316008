/** Syscalls about the system as a whole: its name, limits, resources, administration. */
import {
  ADDR,
  FD,
  HEX,
  INT,
  PATH,
  PID,
  SIZE,
  UINT,
  bytesIn,
  bytesOut,
  flags,
  oneOf,
  structIn,
  structOut,
} from '../table/args.ts';
import type { Call } from '../table/row.ts';
import { call } from '../table/row.ts';
import {
  sys_acct,
  sys_delete_module,
  sys_finit_module,
  sys_init_module,
  sys_ioperm,
  sys_iopl,
  sys_kexec_file_load,
  sys_kexec_load,
  sys_quotactl,
  sys_reboot,
  sys_swapoff,
  sys_swapon,
  sys_sysinfo,
  sys_syslog,
  sys_vhangup,
} from './admin.ts';
import { sys_getrlimit, sys_prlimit64, sys_setrlimit } from './limits.ts';
import { sys_setdomainname, sys_sethostname, sys_uname } from './names.ts';
import { sys_getrandom } from './random.ts';
import { sys_getrusage, sys_times } from './rusage.ts';

const RLIMIT = oneOf('rlimit');
const LIMIT_IN = structIn('rlimit', 16);
const LIMIT_OUT = structOut('rlimit', 16);
const HOST_ONLY = "the host's to do: EPERM";

export const systemCalls = {
  uname: call(sys_uname, [structOut('utsname', 390)]),
  sethostname: call(sys_sethostname, [bytesIn(1), SIZE]),
  setdomainname: call(sys_setdomainname, [bytesIn(1), SIZE]),
  sysinfo: call(sys_sysinfo, [structOut('sysinfo', 112)]),
  getrlimit: call(sys_getrlimit, [RLIMIT, LIMIT_OUT]),
  setrlimit: call(sys_setrlimit, [RLIMIT, LIMIT_IN]),
  prlimit64: call(sys_prlimit64, [PID, RLIMIT, LIMIT_IN, LIMIT_OUT]),
  getrusage: call(
    sys_getrusage,
    [oneOf('rusage'), structOut('rusage', 144)],
    'partial',
    'all CPU time counts as user time; no counts of faults and switches',
  ),
  times: call(sys_times, [structOut('tms', 32)], 'partial', 'all CPU time counts as user time'),
  getrandom: call(sys_getrandom, [bytesOut(1), SIZE, flags('getrandom')]),
  reboot: call(sys_reboot, [HEX, HEX, HEX, ADDR]),
  syslog: call(sys_syslog, [INT, bytesOut(2), INT], 'partial', 'the log is empty'),
  acct: call(sys_acct, [PATH], 'errno', HOST_ONLY),
  swapon: call(sys_swapon, [PATH, HEX], 'errno', HOST_ONLY),
  swapoff: call(sys_swapoff, [PATH], 'errno', HOST_ONLY),
  init_module: call(sys_init_module, [ADDR, SIZE, PATH], 'errno', HOST_ONLY),
  finit_module: call(sys_finit_module, [FD, PATH, HEX], 'errno', HOST_ONLY),
  delete_module: call(sys_delete_module, [PATH, HEX], 'errno', HOST_ONLY),
  kexec_load: call(sys_kexec_load, [HEX, UINT, ADDR, HEX], 'errno', HOST_ONLY),
  kexec_file_load: call(sys_kexec_file_load, [FD, FD, SIZE, ADDR, HEX], 'errno', HOST_ONLY),
  iopl: call(sys_iopl, [INT], 'errno', HOST_ONLY),
  ioperm: call(sys_ioperm, [HEX, HEX, INT], 'errno', HOST_ONLY),
  vhangup: call(sys_vhangup, [], 'errno', HOST_ONLY),
  quotactl: call(
    sys_quotactl,
    [HEX, PATH, INT, ADDR],
    'errno',
    'no quotas: ENOSYS, as a kernel without them',
  ),
} satisfies Record<string, Call>;
