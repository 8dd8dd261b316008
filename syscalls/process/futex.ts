/** futex(2) and its successors: plain waits and wakes never come here, the stub does them in the guest's process. */
import { EINVAL, ENOSYS } from '../../sentry/abi/errno.ts';
import { unimplemented } from '../../sentry/base/unimplemented.ts';
import type { Task } from '../../sentry/kernel/task.ts';

const FUTEX_CMD_MASK = 0x7f;
const FUTEX_FD = 2;

/** What is left: priority inheritance, and commands that do not exist. ENOSYS makes glibc fall back or report it. */
export function sys_futex(t: Task): number {
  const command = t.argI32(1) & FUTEX_CMD_MASK;
  if (command !== FUTEX_FD) unimplemented(`futex command ${command}`);
  return -ENOSYS;
}

export function sys_futex_waitv(t: Task): number {
  if (t.argU32(2) !== 0) return -EINVAL;
  unimplemented('futex_waitv');
  return -ENOSYS;
}
