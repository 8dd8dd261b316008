/** pidfd_open(2), pidfd_getfd(2), kcmp(2), ptrace(2). */
import { CAP_SYS_PTRACE } from '../../sentry/abi/capability.ts';
import { PIDFD_NONBLOCK, PIDFD_THREAD } from '../../sentry/abi/clone.ts';
import { EBADF, EINVAL, ENOENT, EPERM, ESRCH } from '../../sentry/abi/errno.ts';
import { capIsSubset } from '../../sentry/auth/capabilities.ts';
import { unimplemented } from '../../sentry/base/unimplemented.ts';
import { PidFile } from '../../sentry/fs/pidfd/pidfd.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { newFd } from '../poll/new-fd.ts';

const PTRACE_TRACEME = 0;
const KCMP_FILE = 0;
const KCMP_VM = 1;
const KCMP_FILES = 2;
const KCMP_FS = 3;
const KCMP_SIGHAND = 4;
const KCMP_IO = 5;
const KCMP_SYSVSEM = 6;
const NO_UNDO = {};

export function sys_pidfd_open(t: Task): number {
  const pid = t.argI32(0);
  const flags = t.argU32(1);
  if ((flags & ~(PIDFD_NONBLOCK | PIDFD_THREAD)) !== 0 || pid <= 0) return -EINVAL;
  const target = t.pidns.pids.get(pid);
  if (target === undefined) return -ESRCH;
  const thread = (flags & PIDFD_THREAD) !== 0;
  if (!thread && !target.isLeader) return -ENOENT;
  return newFd(t, new PidFile(target.group, thread ? target : null, flags), true);
}

export function sys_pidfd_getfd(t: Task): number {
  if (t.argU32(2) !== 0) return -EINVAL;
  const file = t.fileNoPath(0);
  if (file === null || !(file instanceof PidFile)) return -EBADF;
  const { group } = file;
  if (group.zombie || !group.live) return -ESRCH;
  if (!mayAccess(t, group.leader)) return -EPERM;
  const theirs = group.leader.files.get(t.argI32(1));
  return theirs === null ? -EBADF : newFd(t, theirs, true);
}

export function sys_kcmp(t: Task): number {
  const a = t.pidns.pids.get(t.argI32(0));
  const b = t.pidns.pids.get(t.argI32(1));
  const kind = t.argI32(2);
  if (a === undefined || b === undefined) return -ESRCH;
  if (!mayAccess(t, a) || !mayAccess(t, b)) return -EPERM;
  switch (kind) {
    case KCMP_FILE: {
      const fileA = a.files.get(t.argI32(3));
      const fileB = b.files.get(t.argI32(4));
      return fileA === null || fileB === null ? -EBADF : compare(fileA, fileB);
    }
    case KCMP_VM:
      return compare(a.mm, b.mm);
    case KCMP_FILES:
      return compare(a.files, b.files);
    case KCMP_FS:
      return compare(a.fs, b.fs);
    case KCMP_SIGHAND:
      return compare(a.group.actions, b.group.actions);
    case KCMP_IO:
      return compare(a.group, b.group);
    case KCMP_SYSVSEM:
      // Who never undid anything has none, like all others.
      return compare(a.semUndo ?? NO_UNDO, b.semUndo ?? NO_UNDO);
    default:
      return -EINVAL;
  }
}

const order = new WeakMap<object, number>();
let next = 0;

/** 0 equal, 1 less, 2 greater: by order of first sight, which is as stable as kernel addresses. */
function compare(a: object, b: object): number {
  if (a === b) return 0;
  return orderOf(a) < orderOf(b) ? 1 : 2;
}

function orderOf(o: object): number {
  const known = order.get(o);
  if (known !== undefined) return known;
  order.set(o, ++next);
  return next;
}

/** ptrace(2), "Ptrace access mode checking", with real ids. */
export function mayAccess(t: Task, target: Task): boolean {
  if (t.group === target.group) return true;
  if (t.creds.hasCap(CAP_SYS_PTRACE)) return true;
  const { uid, gid } = t.creds;
  const to = target.creds;
  const sameUser = uid === to.uid && uid === to.euid && uid === to.suid;
  const sameGroup = gid === to.gid && gid === to.egid && gid === to.sgid;
  return sameUser && sameGroup && target.group.dumpable === 1 && capIsSubset(to.permitted, t.creds.permitted);
}

export function sys_ptrace(t: Task): number {
  const request = t.argI32(0);
  unimplemented(`ptrace ${request}`);
  return request === PTRACE_TRACEME || t.pidns.pids.has(t.argI32(1)) ? -EPERM : -ESRCH;
}
