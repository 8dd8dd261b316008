/** process_vm_readv(2) and process_vm_writev(2): copies between two guest address spaces. */
import { EFAULT, EINVAL, EPERM, ESRCH } from '../../sentry/abi/errno.ts';
import { CAP_SYS_PTRACE } from '../../sentry/abi/capability.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { IovecList } from './iovec-list.ts';

const local = new IovecList();
const remote = new IovecList();
const CHUNK = 1 << 20;
let buffer = new Uint8Array(0);

export function sys_process_vm_readv(t: Task): number {
  return copy(t, false);
}

export function sys_process_vm_writev(t: Task): number {
  return copy(t, true);
}

function copy(t: Task, write: boolean): number {
  if (t.arg(5) !== 0) return -EINVAL;
  let r = local.read(t, t.arg(1), t.arg(2));
  if (r < 0) return r;
  if (local.total === 0) return 0;
  r = remote.read(t, t.arg(3), t.arg(4));
  if (r < 0) return r;
  const target = t.pidns.pids.get(t.argI32(0));
  if (target === undefined || target.group.zombie) return -ESRCH;
  if (!mayAccess(t, target)) return -EPERM;
  return transfer(t, target, write);
}

/** PTRACE_MODE_ATTACH_REALCREDS (ptrace(2), "Ptrace access mode checking"). */
function mayAccess(t: Task, target: Task): boolean {
  if (t.group === target.group || t.creds.hasCap(CAP_SYS_PTRACE)) return true;
  const { uid, gid } = t.creds;
  const c = target.creds;
  const same =
    uid === c.uid && uid === c.euid && uid === c.suid && gid === c.gid && gid === c.egid && gid === c.sgid;
  const { permitted } = t.creds;
  const covered = (c.permitted.lo & ~permitted.lo) === 0 && (c.permitted.hi & ~permitted.hi) === 0;
  return same && covered && target.group.dumpable === 1;
}

/** Bytes copied; partial up to the first fault, -EFAULT when that comes at once. */
function transfer(t: Task, target: Task, write: boolean): number {
  if (buffer.length === 0) buffer = new Uint8Array(CHUNK);
  let total = 0;
  let l = 0;
  let r = 0;
  let lDone = 0;
  let rDone = 0;
  while (l < local.count && r < remote.count) {
    const len = Math.min(local.len[l]! - lDone, remote.len[r]! - rDone, CHUNK);
    if (len > 0) {
      const mine = local.addr[l]! + lDone;
      const theirs = remote.addr[r]! + rDone;
      const n = write ? move(t, mine, target, theirs, len) : move(target, theirs, t, mine, len);
      total += n;
      if (n < len) return total === 0 ? -EFAULT : total;
    }
    lDone += len;
    rDone += len;
    if (lDone === local.len[l]!) {
      l++;
      lDone = 0;
    }
    if (rDone === remote.len[r]!) {
      r++;
      rDone = 0;
    }
  }
  return total;
}

/** Copies up to the first inaccessible page on either side; the bytes that made it. */
function move(from: Task, fromAddr: number, to: Task, toAddr: number, len: number): number {
  const n = accessible(to, toAddr, accessible(from, fromAddr, len, false), true);
  if (n === 0) return 0;
  if (from.thread.space.read(fromAddr, buffer, 0, n) < 0) return 0;
  return to.thread.space.write(toAddr, buffer, 0, n) < 0 ? 0 : n;
}

function accessible(t: Task, addr: number, len: number, write: boolean): number {
  let n = 0;
  while (n < len) {
    const vma = t.mm.map.find(addr + n);
    if (vma === null || (vma.prot & (write ? 2 : 7)) === 0) break;
    n = vma.end - addr;
  }
  return Math.min(n, len);
}
