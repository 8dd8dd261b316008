/** exit(2), exit_group(2), set_tid_address(2), robust lists. */
import { EFAULT, EINVAL, EPERM, ESRCH } from '../../sentry/abi/errno.ts';
import { CAP_SYS_PTRACE } from '../../sentry/abi/capability.ts';
import { NO_REPLY } from '../../sentry/base/result.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { exitGroup, exitTask } from '../../sentry/kernel/task-exit.ts';

const ROBUST_LIST_HEAD_SIZE = 24;

export function sys_exit(t: Task): number {
  t.exitCode = (t.argI32(0) & 0xff) << 8;
  t.killed = true;
  exitTask(t.kernel, t);
  return NO_REPLY;
}

export function sys_exit_group(t: Task): number {
  exitGroup(t.kernel, t.group, (t.argI32(0) & 0xff) << 8);
  exitTask(t.kernel, t);
  return NO_REPLY;
}

export function sys_set_tid_address(t: Task): number {
  t.clearTid = t.arg(0);
  return t.tid;
}

export function sys_set_robust_list(t: Task): number {
  if (t.arg(1) !== ROBUST_LIST_HEAD_SIZE) return -EINVAL;
  t.robustHead = t.arg(0);
  return 0;
}

export function sys_get_robust_list(t: Task): number {
  const pid = t.argI32(0);
  const target = pid === 0 ? t : t.pidns.pids.get(pid);
  if (target === undefined) return -ESRCH;
  if (target.group !== t.group && target.creds.uid !== t.creds.uid && !t.creds.hasCap(CAP_SYS_PTRACE)) {
    return -EPERM;
  }
  if (t.writeU64(t.arg(2), ROBUST_LIST_HEAD_SIZE) < 0) return -EFAULT;
  return t.writeU64(t.arg(1), target.robustHead);
}
