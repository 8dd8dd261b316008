/** Signal-driven I/O: F_SETOWN, F_SETSIG, O_ASYNC (fcntl(2) "Managing signals"). */
import { EINVAL, ESRCH } from '../../sentry/abi/errno.ts';
import { F_OWNER_PGRP, F_OWNER_PID, F_OWNER_TID, FASYNC } from '../../sentry/abi/fcntl.ts';
import { READABLE, WRITABLE } from '../../sentry/abi/poll.ts';
import { SIGIO } from '../../sentry/abi/signal.ts';
import type { Credentials } from '../../sentry/auth/credentials.ts';
import { Waiter } from '../../sentry/base/wait-queue.ts';
import type { Kernel } from '../../sentry/kernel/kernel.ts';
import type { PidNamespace } from '../../sentry/kernel/pid-namespace.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { SigInfo } from '../../sentry/signal/sig-info.ts';
import type { FileDescription } from '../../sentry/vfs/file-description.ts';

const POLL_IN = 1;
const POLL_OUT = 2;
const SI_KERNEL = 0x80;

/** Kept in FileDescription.owner. */
export class FileOwner {
  type = F_OWNER_PID;
  /** 0: nobody. */
  id = 0;
  /** Whose number `id` is. */
  ns: PidNamespace | null = null;
  /** F_SETSIG; 0: plain SIGIO. */
  signo = 0;
  fd = -1;
  uid = 0;
  euid = 0;
  waiter: Waiter | null = null;
}

export function ownerOf(file: FileDescription): FileOwner {
  return (file.owner ??= new FileOwner()) as FileOwner;
}

/** F_SETOWN's and FIOSETOWN's argument: positive a process, negative a process group. */
export function setOwner(t: Task, file: FileDescription, arg: number): number {
  if (arg === -0x80000000) return -EINVAL;
  return setOwnerEx(t, file, arg < 0 ? F_OWNER_PGRP : F_OWNER_PID, Math.abs(arg));
}

export function setOwnerEx(t: Task, file: FileDescription, type: number, id: number): number {
  if (type !== F_OWNER_TID && type !== F_OWNER_PID && type !== F_OWNER_PGRP) return -EINVAL;
  if (id < 0) return -EINVAL;
  if (id !== 0 && !exists(t.pidns, type, id)) return -ESRCH;
  const owner = ownerOf(file);
  owner.type = type;
  owner.id = id;
  owner.ns = t.pidns;
  owner.uid = t.creds.uid;
  owner.euid = t.creds.euid;
  return 0;
}

function exists(ns: PidNamespace, type: number, id: number): boolean {
  if (type === F_OWNER_PGRP) return ns.processGroups.has(id);
  return type === F_OWNER_TID ? ns.pids.has(id) : ns.groups.has(id);
}

/** O_ASYNC was switched: starts or ends listening to the file's readiness. */
export function setAsync(t: Task, file: FileDescription, fd: number, on: boolean): void {
  const owner = ownerOf(file);
  owner.waiter?.remove();
  owner.waiter = null;
  file.flags = on ? file.flags | FASYNC : file.flags & ~FASYNC;
  if (!on || file.queue === null) return;
  owner.fd = fd;
  const { kernel } = t;
  owner.waiter = new Waiter((mask, waiter) => {
    // The queue may outlive the description (a pipe's other end).
    if (file.refs <= 0) waiter.remove();
    else announce(kernel, owner, mask);
  });
  file.queue.add(owner.waiter, READABLE | WRITABLE);
}

function announce(kernel: Kernel, owner: FileOwner, mask: number): void {
  const { ns } = owner;
  if (owner.id === 0 || ns === null) return;
  const signo = owner.signo === 0 ? SIGIO : owner.signo;
  const info = new SigInfo(signo, SI_KERNEL);
  if (owner.signo !== 0) {
    info.code = (mask & READABLE) !== 0 ? POLL_IN : POLL_OUT;
    info.band = mask;
    info.fd = owner.fd;
  }
  if (owner.type === F_OWNER_TID) {
    const task = ns.pids.get(owner.id);
    if (task !== undefined && maySignal(owner, task.creds)) kernel.signals.sendToTask(task, info);
  } else if (owner.type === F_OWNER_PID) {
    const group = ns.groups.get(owner.id);
    if (group !== undefined && maySignal(owner, group.leader.creds)) kernel.signals.sendToGroup(group, info);
  } else {
    const pgrp = ns.processGroups.get(owner.id);
    if (pgrp !== undefined) kernel.signals.sendToProcessGroup(pgrp, info);
  }
}

/** As if whoever set the owner had sent it. */
function maySignal(owner: FileOwner, to: Credentials): boolean {
  const { uid, euid } = owner;
  return euid === 0 || euid === to.suid || euid === to.uid || uid === to.suid || uid === to.uid;
}
