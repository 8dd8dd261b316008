/** /proc/PID/loginuid and sessionid (proc_pid_loginuid(5)): who logged in, for the audit of what came of it. */
import { CAP_AUDIT_CONTROL } from '../../abi/capability.ts';
import { EINVAL, EPERM, ERANGE } from '../../abi/errno.ts';
import type { Task } from '../../kernel/task.ts';
import type { CallerContext } from '../../vfs/context.ts';

/** Nobody has logged in. */
const UNSET = -1;
const UID_MAX = 0xffffffff;

export function loginUidText(task: Task): string {
  return String(task.loginUid >>> 0);
}
export function sessionIdText(task: Task): string {
  return String(task.auditSession >>> 0);
}

/** Anybody may say once who has logged in, as pam_loginuid(8) does at the start of a session; of himself only. */
export function writeLoginUid(task: Task, text: string, ctx: CallerContext): number {
  if (ctx !== task) return -EPERM;
  const digits = text.replace(/\n$/, '');
  if (!/^\+?\d+$/.test(digits)) return -EINVAL;
  if (Number(digits) > UID_MAX) return -ERANGE;
  if (task.loginUid !== UNSET && !task.creds.hasCap(CAP_AUDIT_CONTROL)) return -EPERM;
  task.loginUid = Number(digits) | 0;
  task.auditSession = task.loginUid === UNSET ? UNSET : ++task.kernel.auditSessions;
  return 0;
}
