/** sysinfo(2), reboot(2), syslog(2), and the administration of hardware that a container has none of. */
import {
  CAP_SYSLOG,
  CAP_SYS_ADMIN,
  CAP_SYS_BOOT,
  CAP_SYS_MODULE,
  CAP_SYS_PACCT,
  CAP_SYS_RAWIO,
  CAP_SYS_TTY_CONFIG,
} from '../../sentry/abi/capability.ts';
import { EFAULT, EINVAL, ENOSYS, EPERM } from '../../sentry/abi/errno.ts';
import { SIGHUP, SIGINT } from '../../sentry/abi/signal.ts';
import { unimplemented } from '../../sentry/base/unimplemented.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { killGroup } from '../../sentry/kernel/task-exit.ts';
import { setU64, u32, u8 } from '../../platform/arena.ts';

const SYSINFO_SIZE = 112;
const host = new Float64Array(9);

export function sys_sysinfo(t: Task): number {
  const { kernel } = t;
  kernel.host.sysinfo(host);
  const at = t.stage(SYSINFO_SIZE);
  if (at < 0) return -EFAULT;
  u8.fill(0, at, at + SYSINFO_SIZE);
  const limit = t.group.ns.cgroup.memoryLimitBytes;
  const total = limit > 0 ? Math.min(limit, host[0]!) : host[0]!;
  setU64(at, host[4]!);
  setU64(at + 8, host[5]!);
  setU64(at + 16, host[6]!);
  setU64(at + 24, host[7]!);
  setU64(at + 32, total);
  setU64(at + 40, Math.min(total, host[1]!));
  setU64(at + 48, host[3]!);
  setU64(at + 56, host[2]!);
  // No swap. The count of processes is 16 bits wide.
  u32[(at + 80) >>> 2] = Math.min(t.pidns.taskCount, 0xffff);
  u32[(at + 104) >>> 2] = 1;
  return t.copyOutStaged(t.arg(0), at, SYSINFO_SIZE);
}

const LINUX_REBOOT_MAGIC1 = 0xfee1dead;
const LINUX_REBOOT_MAGIC2 = [672274793, 85072278, 369367448, 537993216];
const CMD_RESTART = 0x01234567;
const CMD_HALT = 0xcdef0123;
const CMD_CAD_ON = 0x89abcdef;
const CMD_CAD_OFF = 0;
const CMD_POWER_OFF = 0x4321fedc;
const CMD_RESTART2 = 0xa1b2c3d4;

/** In a pid namespace it ends init: by SIGHUP for a restart, by SIGINT for a halt (reboot(2)). */
export function sys_reboot(t: Task): number {
  if (!t.creds.hasCap(CAP_SYS_BOOT)) return -EPERM;
  if (t.argU32(0) !== LINUX_REBOOT_MAGIC1 || !LINUX_REBOOT_MAGIC2.includes(t.argU32(1))) return -EINVAL;
  const { init } = t.pidns;
  switch (t.argU32(2)) {
    case CMD_RESTART:
    case CMD_RESTART2:
      killGroup(t.kernel, init!, SIGHUP);
      return 0;
    case CMD_HALT:
    case CMD_POWER_OFF:
      killGroup(t.kernel, init!, SIGINT);
      return 0;
    case CMD_CAD_ON:
    case CMD_CAD_OFF:
    default:
      return -EINVAL;
  }
}

const SYSLOG_ACTION_READ_ALL = 3;
const SYSLOG_ACTION_SIZE_UNREAD = 9;
const SYSLOG_ACTION_SIZE_BUFFER = 10;
const LOG_BUFFER_BYTES = 1 << 18;

/** The container's kernel log is empty. */
export function sys_syslog(t: Task): number {
  const action = t.argI32(0);
  if (action < 0 || action > SYSLOG_ACTION_SIZE_BUFFER) return -EINVAL;
  const open = action === SYSLOG_ACTION_READ_ALL || action === SYSLOG_ACTION_SIZE_BUFFER;
  if (!open && !t.creds.hasCap(CAP_SYSLOG) && !t.creds.hasCap(CAP_SYS_ADMIN)) return -EPERM;
  if (action === SYSLOG_ACTION_SIZE_BUFFER) return LOG_BUFFER_BYTES;
  if (action === SYSLOG_ACTION_READ_ALL) return t.arg(1) === 0 || t.argI32(2) < 0 ? -EINVAL : 0;
  if (action === 2 || action === SYSLOG_ACTION_SIZE_UNREAD) return 0;
  return 0;
}

/** Refusal as to a caller without the capability, which a container's processes do not have over the machine. */
function refuse(what: string, cap: number): (t: Task) => number {
  return (t) => {
    if (t.creds.hasCap(cap)) unimplemented(what);
    return -EPERM;
  };
}

export const sys_acct = refuse('acct', CAP_SYS_PACCT);
export const sys_swapon = refuse('swapon', CAP_SYS_ADMIN);
export const sys_swapoff = refuse('swapoff', CAP_SYS_ADMIN);
export const sys_init_module = refuse('init_module', CAP_SYS_MODULE);
export const sys_finit_module = refuse('finit_module', CAP_SYS_MODULE);
export const sys_delete_module = refuse('delete_module', CAP_SYS_MODULE);
export const sys_kexec_load = refuse('kexec_load', CAP_SYS_BOOT);
export const sys_kexec_file_load = refuse('kexec_file_load', CAP_SYS_BOOT);
export const sys_iopl = refuse('iopl', CAP_SYS_RAWIO);
export const sys_ioperm = refuse('ioperm', CAP_SYS_RAWIO);
export const sys_vhangup = refuse('vhangup', CAP_SYS_TTY_CONFIG);

export function sys_quotactl(_t: Task): number {
  return -ENOSYS;
}
