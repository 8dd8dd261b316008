/** fork(2), vfork(2), clone(2), clone3(2), unshare(2), setns(2). */
import {
  CLONE_CHILD_CLEARTID,
  CLONE_CHILD_SETTID,
  CLONE_CLEAR_SIGHAND_HI,
  CLONE_DETACHED,
  CLONE_FILES,
  CLONE_FS,
  CLONE_INTO_CGROUP_HI,
  CLONE_NAMESPACES,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWTIME,
  CLONE_NEWUSER,
  CLONE_PARENT,
  CLONE_PARENT_SETTID,
  CLONE_PIDFD,
  CLONE_SIGHAND,
  CLONE_SYSVSEM,
  CLONE_THREAD,
  CLONE_VFORK,
  CLONE_VM,
  CSIGNAL,
  PIDFD_THREAD,
} from '../../sentry/abi/clone.ts';
import { CAP_CHECKPOINT_RESTORE, CAP_SYS_ADMIN } from '../../sentry/abi/capability.ts';
import { E2BIG, EBADF, EFAULT, EINVAL, ENOSPC, EPERM } from '../../sentry/abi/errno.ts';
import { NSIG, SIGCHLD } from '../../sentry/abi/signal.ts';
import { unimplemented } from '../../sentry/base/unimplemented.ts';
import { PidFile } from '../../sentry/fs/pidfd/pidfd.ts';
import { NamespaceFile } from '../../sentry/fs/proc/namespaces.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import type { CloneRequest } from '../../sentry/kernel/task-clone.ts';
import { cloneTask } from '../../sentry/kernel/task-clone.ts';
import { leaveSemUndo } from '../../sentry/kernel/task-exit.ts';
import { waitForMap } from '../memory/map-access.ts';

const CLONE_ARGS_SIZE_VER0 = 64;
const CLONE_ARGS_SIZE = 88;
const PAGE = 4096;
const MAX_PID_NS_LEVEL = 32;

/** Everything both interfaces can ask for. */
interface CloneArgs {
  flags: number;
  flagsHi: number;
  pidfdAddr: number;
  childTidAddr: number;
  parentTidAddr: number;
  exitSignal: number;
  stack: number;
  tls: number;
}

export function sys_fork(t: Task): number {
  return clone(t, plain(0));
}

export function sys_vfork(t: Task): number {
  return clone(t, plain(CLONE_VFORK | CLONE_VM));
}

function plain(flags: number): CloneArgs {
  return {
    flags,
    flagsHi: 0,
    pidfdAddr: 0,
    childTidAddr: 0,
    parentTidAddr: 0,
    exitSignal: SIGCHLD,
    stack: 0,
    tls: 0,
  };
}

export function sys_clone(t: Task): number {
  const raw = t.argU32(0);
  const flags = (raw & ~CSIGNAL) >>> 0;
  // The last two arguments are swapped between the architectures (clone(2), "C library/kernel differences").
  const arm = t.kernel.options.machine === 'aarch64';
  if ((flags & CLONE_PIDFD) !== 0 && (flags & CLONE_PARENT_SETTID) !== 0) return -EINVAL;
  if ((flags & CLONE_PIDFD) !== 0 && (flags & CLONE_DETACHED) !== 0) return -EINVAL;
  return clone(t, {
    flags,
    flagsHi: 0,
    // clone(2) returns the pidfd where the parent's tid would go.
    pidfdAddr: t.arg(2),
    childTidAddr: t.arg(arm ? 4 : 3),
    parentTidAddr: t.arg(2),
    exitSignal: raw & CSIGNAL,
    stack: t.arg(1),
    tls: t.arg(arm ? 3 : 4),
  });
}

export function sys_clone3(t: Task): number {
  const size = t.arg(1);
  if (size > PAGE) return -E2BIG;
  if (size < CLONE_ARGS_SIZE_VER0) return -EINVAL;
  const raw = t.copyInBytes(t.arg(0), size);
  if (typeof raw === 'number') return -EFAULT;
  for (let i = CLONE_ARGS_SIZE; i < size; i++) if (raw[i] !== 0) return -E2BIG;
  const padded = new Uint8Array(CLONE_ARGS_SIZE);
  padded.set(raw.subarray(0, Math.min(size, CLONE_ARGS_SIZE)));
  const view = new DataView(padded.buffer);
  const u64 = (i: number): number =>
    view.getUint32(8 * i + 4, true) * 4294967296 + view.getUint32(8 * i, true);
  const flags = view.getUint32(0, true);
  const flagsHi = view.getUint32(4, true);
  const exitSignal = u64(4);
  const stack = u64(5);
  const stackSize = u64(6);
  const setTid = u64(8);
  const setTidSize = u64(9);
  const cgroup = u64(10);
  if ((flagsHi & ~(CLONE_CLEAR_SIGHAND_HI | CLONE_INTO_CGROUP_HI)) !== 0) return -EINVAL;
  if ((flags & (CLONE_DETACHED | (CSIGNAL & ~CLONE_NEWTIME))) !== 0) return -EINVAL;
  if (setTidSize > MAX_PID_NS_LEVEL) return -EINVAL;
  if ((setTid === 0) !== (setTidSize === 0)) return -EINVAL;
  if (exitSignal > NSIG) return -EINVAL;
  if ((flagsHi & CLONE_INTO_CGROUP_HI) !== 0 && (cgroup > 0x7fffffff || size < CLONE_ARGS_SIZE))
    return -EINVAL;
  if ((stack === 0) !== (stackSize === 0)) return -EINVAL;
  if ((flagsHi & CLONE_CLEAR_SIGHAND_HI) !== 0 && (flags & CLONE_SIGHAND) !== 0) return -EINVAL;
  if ((flags & (CLONE_THREAD | CLONE_PARENT)) !== 0 && exitSignal !== 0) return -EINVAL;
  if (setTid !== 0) return chooseTid(t, setTidSize);
  if ((flagsHi & CLONE_INTO_CGROUP_HI) !== 0) return intoCgroup(t, cgroup);
  return clone(t, {
    flags,
    flagsHi,
    pidfdAddr: u64(1),
    childTidAddr: u64(2),
    parentTidAddr: u64(3),
    // A small integer for V8, which what has been put together of two halves is not.
    exitSignal: exitSignal | 0,
    stack: stack === 0 ? 0 : stack + stackSize,
    tls: u64(7),
  });
}

/** set_tid is checkpoint/restore's: refused as to a caller without the capability. */
function chooseTid(t: Task, levels: number): number {
  if (!t.creds.hasCap(CAP_SYS_ADMIN) && !t.creds.hasCap(CAP_CHECKPOINT_RESTORE)) return -EPERM;
  unimplemented('clone3 set_tid');
  return levels > 1 ? -EINVAL : -EPERM;
}

/** The one cgroup directory of the container is read-only. */
function intoCgroup(t: Task, fd: number): number {
  unimplemented('clone3 CLONE_INTO_CGROUP');
  return t.files.get(fd) === null ? -EBADF : -EINVAL;
}

function clone(t: Task, args: CloneArgs): number {
  const { flags } = args;
  const r = checkFlags(t, flags);
  if (r < 0) return r;
  // A fork hands descriptors over to the host, as an mmap of another thread may be doing just now.
  if ((flags & CLONE_VM) === 0 && t.mm.locked) return waitForMap(t);
  const request: CloneRequest = {
    flags,
    clearSighand: (args.flagsHi & CLONE_CLEAR_SIGHAND_HI) !== 0,
    exitSignal: (flags & CLONE_THREAD) !== 0 ? 0 : args.exitSignal,
    stack: args.stack,
    tls: args.tls,
    childTidAddr: (flags & (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID)) !== 0 ? args.childTidAddr : 0,
    attach: null,
    undo: null,
  };
  if ((flags & CLONE_PIDFD) !== 0) {
    const fd = addPidfd(t, request, args.pidfdAddr, (flags & CLONE_THREAD) !== 0);
    if (fd < 0) return fd;
  }
  if ((flags & CLONE_PARENT_SETTID) !== 0) {
    const { attach } = request;
    request.attach = (child) => {
      attach?.(child);
      // A bad address is not an error (clone(2) says nothing; Linux ignores the fault).
      t.writeU32(args.parentTidAddr, child.tid);
    };
  }
  const result = cloneTask(t.kernel, t, request);
  // Negative and not NO_REPLY: it failed before the platform was asked.
  if (result > -4096 && result < 0) request.undo?.();
  return result;
}

/** copy_process's checks, in its order. */
function checkFlags(t: Task, flags: number): number {
  if ((flags & (CLONE_NEWNS | CLONE_FS)) === (CLONE_NEWNS | CLONE_FS)) return -EINVAL;
  if ((flags & (CLONE_NEWUSER | CLONE_FS)) === (CLONE_NEWUSER | CLONE_FS)) return -EINVAL;
  if ((flags & CLONE_THREAD) !== 0 && (flags & CLONE_SIGHAND) === 0) return -EINVAL;
  if ((flags & CLONE_SIGHAND) !== 0 && (flags & CLONE_VM) === 0) return -EINVAL;
  if ((flags & CLONE_PARENT) !== 0 && t.group.unkillable) return -EINVAL;
  if ((flags & CLONE_THREAD) !== 0 && (flags & (CLONE_NEWUSER | CLONE_NEWPID)) !== 0) return -EINVAL;
  if ((flags & CLONE_NEWTIME) !== 0 && (flags & CLONE_VM) !== 0) return -EINVAL;
  return newNamespaces(t, flags);
}

/** No new namespaces yet: the errnos of a kernel without them, after the permission check. */
function newNamespaces(t: Task, flags: number): number {
  const wanted = flags & (CLONE_NAMESPACES | CLONE_NEWTIME);
  if (wanted === 0) return 0;
  if ((wanted & CLONE_NEWUSER) !== 0) {
    // As with user.max_user_namespaces = 0.
    unimplemented('CLONE_NEWUSER');
    return -ENOSPC;
  }
  if (!t.creds.hasCap(CAP_SYS_ADMIN)) return -EPERM;
  unimplemented(`namespace flags 0x${(wanted >>> 0).toString(16)}`);
  return -EINVAL;
}

/** Takes the descriptor before the child exists, so that EMFILE and EFAULT leave nothing behind. */
function addPidfd(t: Task, request: CloneRequest, addr: number, isThread: boolean): number {
  const placeholder = new PidFile(t.group, null, 0);
  placeholder.incRef();
  const fd = t.files.alloc(placeholder, 0, true);
  placeholder.decRef();
  if (fd < 0) return fd;
  request.undo = () => {
    t.files.remove(fd);
  };
  if (t.writeU32(addr, fd) < 0) {
    t.files.remove(fd);
    return -EFAULT;
  }
  request.attach = (child) => {
    t.files.set(fd, new PidFile(child.group, isThread ? child : null, isThread ? PIDFD_THREAD : 0), true);
  };
  return fd;
}

export function sys_unshare(t: Task): number {
  let flags = t.argU32(0);
  const known =
    CLONE_THREAD |
    CLONE_FS |
    CLONE_SIGHAND |
    CLONE_VM |
    CLONE_FILES |
    CLONE_SYSVSEM |
    CLONE_NAMESPACES |
    CLONE_NEWTIME;
  if ((flags & ~known) !== 0) return -EINVAL;
  if ((flags & CLONE_NEWNS) !== 0) flags |= CLONE_FS;
  // Unsharing what only this thread has is no change; else it cannot be done.
  if ((flags & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM)) !== 0 && t.group.tasks.size > 1) return -EINVAL;
  if ((flags & (CLONE_SIGHAND | CLONE_VM)) !== 0 && t.group.actions.refs > 1) return -EINVAL;
  if ((flags & CLONE_VM) !== 0 && t.mm.users > 1) return -EINVAL;
  const r = newNamespaces(t, flags);
  if (r < 0) return r;
  if ((flags & CLONE_SYSVSEM) !== 0) leaveSemUndo(t.kernel, t);
  if ((flags & CLONE_FS) !== 0 && t.fs.users > 1) {
    const own = t.fs.clone();
    t.fs.users--;
    t.fs = own;
  }
  if ((flags & CLONE_FILES) !== 0 && t.files.users > 1) {
    const own = t.files.clone(t.group.limits);
    t.files.users--;
    t.files = own;
    t.thread.filesApart = true;
  }
  return 0;
}

export function sys_setns(t: Task): number {
  const file = t.fileNoPath(0);
  if (file === null) return -EBADF;
  if (!(file instanceof NamespaceFile) && !(file instanceof PidFile)) return -EINVAL;
  const kind = t.argU32(1);
  if (file instanceof NamespaceFile && kind !== 0 && kind !== file.flag) return -EINVAL;
  // Joining the one we are in would change nothing; no others exist.
  unimplemented('setns');
  return t.creds.hasCap(CAP_SYS_ADMIN) ? -EINVAL : -EPERM;
}
