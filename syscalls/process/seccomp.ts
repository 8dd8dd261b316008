/** seccomp(2) and its prctl(2) form. */
import { CAP_SYS_ADMIN } from '../../sentry/abi/capability.ts';
import { EACCES, EFAULT, EINVAL, EOPNOTSUPP } from '../../sentry/abi/errno.ts';
import { unimplemented } from '../../sentry/base/unimplemented.ts';
import { SeccompFilters, STRICT, isLink } from '../../sentry/kernel/seccomp.ts';
import { checkProgram } from '../../sentry/kernel/seccomp-bpf.ts';
import { endOwnIo } from '../../sentry/kernel/own-io.ts';
import type { Task } from '../../sentry/kernel/task.ts';

const SECCOMP_SET_MODE_STRICT = 0;
const SECCOMP_SET_MODE_FILTER = 1;
const SECCOMP_GET_ACTION_AVAIL = 2;
const SECCOMP_GET_NOTIF_SIZES = 3;
const SECCOMP_FILTER_FLAG_TSYNC = 1;
const SECCOMP_FILTER_FLAG_LOG = 2;
const SECCOMP_FILTER_FLAG_SPEC_ALLOW = 4;
const SECCOMP_FILTER_FLAG_NEW_LISTENER = 8;
const SECCOMP_FILTER_FLAG_TSYNC_ESRCH = 16;
const SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV = 32;
const KNOWN_FLAGS = 63;
const MAX_INSTRUCTIONS = 4096;
const INSTRUCTION_SIZE = 8;

export function sys_seccomp(t: Task): number {
  const flags = t.argU32(1);
  const addr = t.arg(2);
  switch (t.argU32(0)) {
    case SECCOMP_SET_MODE_STRICT:
      return flags !== 0 || addr !== 0 ? -EINVAL : setStrict(t);
    case SECCOMP_SET_MODE_FILTER:
      return setFilter(t, flags, addr);
    case SECCOMP_GET_ACTION_AVAIL:
      return flags !== 0 ? -EINVAL : actionAvailable(t, addr);
    case SECCOMP_GET_NOTIF_SIZES:
      unimplemented('seccomp SECCOMP_GET_NOTIF_SIZES');
      return -EINVAL;
    default:
      return -EINVAL;
  }
}

/** prctl(PR_SET_SECCOMP): mode 1 strict, 2 filter. */
export function setSeccompByPrctl(t: Task, mode: number, addr: number): number {
  if (mode === 1) return setStrict(t);
  return mode === 2 ? setFilter(t, 0, addr) : -EINVAL;
}

/** PR_GET_SECCOMP: 0 off, 2 filter. In strict mode prctl itself kills. */
export function seccompMode(t: Task): number {
  return t.seccomp === null ? 0 : t.seccomp.mode;
}

function setStrict(t: Task): number {
  if (t.seccomp !== null) return -EINVAL;
  t.seccomp = STRICT;
  endOwnIo(t);
  return 0;
}

function setFilter(t: Task, flags: number, addr: number): number {
  if ((flags & ~KNOWN_FLAGS) !== 0) return -EINVAL;
  const both = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_NEW_LISTENER;
  if ((flags & both) === both && (flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH) === 0) return -EINVAL;
  if (
    (flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV) !== 0 &&
    (flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) === 0
  ) {
    return -EINVAL;
  }
  if (!t.noNewPrivs && !t.creds.hasCap(CAP_SYS_ADMIN)) return -EACCES;
  if ((flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) !== 0) {
    unimplemented('seccomp SECCOMP_FILTER_FLAG_NEW_LISTENER');
    return -EINVAL;
  }
  const program = readProgram(t, addr);
  if (typeof program === 'number') return program;
  const current = t.seccomp;
  if (current !== null && !isLink(current)) return -EINVAL;
  const log = (flags & (SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW)) !== 0;
  const filters = new SeccompFilters(program, current, log);
  if (filters.totalLength > 32768) return -12;
  if ((flags & SECCOMP_FILTER_FLAG_TSYNC) !== 0) {
    for (const other of t.group.tasks) {
      if (other !== t && other.seccomp !== null && other.seccomp !== current) {
        return (flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH) !== 0 ? -3 : other.tid;
      }
    }
    for (const other of t.group.tasks) {
      other.seccomp = filters;
      if (t.noNewPrivs) other.noNewPrivs = true;
    }
  }
  t.seccomp = filters;
  endOwnIo(t);
  return 0;
}

/** struct sock_fprog and its instructions, checked. */
function readProgram(t: Task, addr: number): DataView | number {
  const len = t.readU32(addr);
  const pointer = t.readU64(addr + 8);
  if (len === null || pointer === null) return -EFAULT;
  const count = len & 0xffff;
  if (count === 0 || count > MAX_INSTRUCTIONS) return -EINVAL;
  const bytes = t.copyInBytes(pointer, count * INSTRUCTION_SIZE);
  if (typeof bytes === 'number') return -EFAULT;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return checkProgram(view) ? view : -EINVAL;
}

function actionAvailable(t: Task, addr: number): number {
  const action = t.readU32(addr);
  if (action === null) return -EFAULT;
  return SeccompFilters.actionKnown(action) ? 0 : -EOPNOTSUPP;
}
