/** membarrier(2), rseq(2). */
import { EINVAL, ENOSYS, EPERM } from '../../sentry/abi/errno.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { OP_MEMBARRIER } from '../../platform/platform.ts';

const QUERY = 0;
const GLOBAL = 1 << 0;
const GLOBAL_EXPEDITED = 1 << 1;
const REGISTER_GLOBAL_EXPEDITED = 1 << 2;
const PRIVATE_EXPEDITED = 1 << 3;
const REGISTER_PRIVATE_EXPEDITED = 1 << 4;
const PRIVATE_EXPEDITED_SYNC_CORE = 1 << 5;
const REGISTER_PRIVATE_EXPEDITED_SYNC_CORE = 1 << 6;
const GET_REGISTRATIONS = 1 << 9;
const SUPPORTED =
  GLOBAL |
  GLOBAL_EXPEDITED |
  REGISTER_GLOBAL_EXPEDITED |
  PRIVATE_EXPEDITED |
  REGISTER_PRIVATE_EXPEDITED |
  PRIVATE_EXPEDITED_SYNC_CORE |
  REGISTER_PRIVATE_EXPEDITED_SYNC_CORE |
  GET_REGISTRATIONS;
const REGISTRATIONS =
  REGISTER_GLOBAL_EXPEDITED | REGISTER_PRIVATE_EXPEDITED | REGISTER_PRIVATE_EXPEDITED_SYNC_CORE;

/** The host does it in the guest's own process; registration is checked here as well, for the errno. */
export function sys_membarrier(t: Task): number {
  const command = t.argI32(0);
  if (t.argU32(1) !== 0) return -EINVAL;
  if (command === QUERY) return SUPPORTED;
  if ((command & SUPPORTED) === 0 || (command & (command - 1)) !== 0) return -EINVAL;
  if (command === GET_REGISTRATIONS) return t.group.membarriers;
  if ((command & REGISTRATIONS) !== 0) t.group.membarriers |= command;
  else if (needsRegistration(command) !== 0 && (t.group.membarriers & needsRegistration(command)) === 0)
    return -EPERM;
  t.thread.addOp(OP_MEMBARRIER, command, 0, 0, 0, 0, 0);
  return 0;
}

function needsRegistration(command: number): number {
  if (command === PRIVATE_EXPEDITED) return REGISTER_PRIVATE_EXPEDITED;
  return command === PRIVATE_EXPEDITED_SYNC_CORE ? REGISTER_PRIVATE_EXPEDITED_SYNC_CORE : 0;
}

/** glibc goes without when there is none. */
export function sys_rseq(_t: Task): number {
  return -ENOSYS;
}
