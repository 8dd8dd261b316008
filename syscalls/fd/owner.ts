/** Signal-driven I/O: F_SETOWN, F_SETSIG, O_ASYNC (fcntl(2) "Managing signals"). */
import { EINVAL, ESRCH } from '../../sentry/abi/errno.ts';
import { F_OWNER_PGRP, F_OWNER_PID, F_OWNER_TID, FASYNC } from '../../sentry/abi/fcntl.ts';
import {
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
  POLLPRI,
  POLLRDBAND,
  POLLRDNORM,
  POLLWRBAND,
  POLLWRNORM,
  READABLE,
  WRITABLE,
} from '../../sentry/abi/poll.ts';
import { SIGIO, SIGURG } from '../../sentry/abi/signal.ts';
import type { Credentials } from '../../sentry/auth/credentials.ts';
import { Waiter } from '../../sentry/base/wait-queue.ts';
import type { Kernel } from '../../sentry/kernel/kernel.ts';
import type { PidNamespace } from '../../sentry/kernel/pid-namespace.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { SocketFile } from '../../sentry/net/socket/socket-file.ts';
import { SigInfo } from '../../sentry/signal/sig-info.ts';
import type { FileDescription } from '../../sentry/vfs/file-description.ts';

/** si_code and si_band of what is announced (sigaction(2), POLL_IN…); the first that fits counts. */
const KINDS = [
  { bits: READABLE, code: 1, band: POLLIN | POLLRDNORM },
  { bits: POLLPRI, code: 5, band: POLLPRI | POLLRDBAND },
  { bits: WRITABLE, code: 2, band: POLLOUT | POLLWRNORM | POLLWRBAND },
  { bits: POLLERR, code: 4, band: POLLERR },
  { bits: POLLHUP, code: 6, band: POLLHUP | POLLERR },
];
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
  /** Of sockets: waits for urgent data, whether O_ASYNC is set or not. */
  urgentWaiter: Waiter | null = null;
}

export function ownerOf(file: FileDescription): FileOwner {
  return (file.owner ??= new FileOwner()) as FileOwner;
}

/** F_GETOWN: negative for a process group. */
export function ownerId(file: FileDescription): number {
  const owner = ownerOf(file);
  return owner.type === F_OWNER_PGRP ? -owner.id : owner.id;
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
  if (file instanceof SocketFile) owner.urgentWaiter ??= watchUrgent(t.kernel, file, owner);
  return 0;
}

/** SIGURG for urgent data on a socket that has an owner (socket(7), "Signals"). */
function watchUrgent(kernel: Kernel, file: SocketFile, owner: FileOwner): Waiter {
  const waiter = new Waiter((mask) => {
    if ((mask & POLLPRI) !== 0 && owner.id !== 0) signalOwner(kernel, owner, new SigInfo(SIGURG, SI_KERNEL));
  });
  file.queue.add(waiter, POLLPRI);
  return waiter;
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
  owner.waiter.edge = true;
  file.queue.add(owner.waiter, READABLE | WRITABLE | POLLPRI);
}

function announce(kernel: Kernel, owner: FileOwner, mask: number): void {
  if (owner.id === 0) return;
  const signo = owner.signo === 0 ? SIGIO : owner.signo;
  const info = new SigInfo(signo, SI_KERNEL);
  if (owner.signo !== 0) {
    const kind = KINDS.find(({ bits }) => (mask & bits) !== 0) ?? KINDS[0]!;
    info.code = kind.code;
    info.band = kind.band;
    info.fd = owner.fd;
  }
  signalOwner(kernel, owner, info);
}

function signalOwner(kernel: Kernel, owner: FileOwner, info: SigInfo): void {
  const { ns } = owner;
  if (ns === null) return;
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
