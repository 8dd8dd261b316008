/** name_to_handle_at(2), open_by_handle_at(2): no filesystem here gives out persistent handles. */
import { EOPNOTSUPP, EPERM } from '../../sentry/abi/errno.ts';
import { CAP_DAC_READ_SEARCH } from '../../sentry/abi/capability.ts';
import type { Task } from '../../sentry/kernel/task.ts';

export function sys_name_to_handle_at(_t: Task): number {
  return -EOPNOTSUPP;
}
export function sys_open_by_handle_at(t: Task): number {
  return t.creds.hasCap(CAP_DAC_READ_SEARCH) ? -EOPNOTSUPP : -EPERM;
}
