/** Terminals and process groups: who may read, write and change a terminal (credentials(7), termios(3)). */
import { EIO, EPERM, ERESTARTSYS } from '../../abi/errno.ts';
import { SIGCONT, SIGHUP, SIGTTIN, SIGTTOU } from '../../abi/signal.ts';
import { CAP_SYS_ADMIN } from '../../abi/capability.ts';
import type { ProcessGroup, Session } from '../../kernel/process-group.ts';
import type { Task } from '../../kernel/task.ts';
import { kernelSigInfo } from '../../signal/sig-info.ts';
import { sigIn } from '../../signal/sig-set.ts';
import type { Tty } from './tty.ts';

/** Is `tty` the task's controlling terminal? */
export function controls(task: Task, tty: Tty): boolean {
  return task.group.session.tty === tty && !tty.renounced.has(task.group);
}

/** Does the task belong to a background group of this, its controlling, terminal? */
function inBackground(task: Task, tty: Tty): boolean {
  return controls(task, tty) && tty.foreground !== null && task.group.pgrp !== tty.foreground;
}

function blockedOrIgnored(task: Task, signo: number): boolean {
  return sigIn(task.maskLo, task.maskHi, signo) || task.group.actions.ignores(signo);
}

/** read(2): 0 to go on, or -EIO, or -ERESTARTSYS after SIGTTIN to the caller's group. */
export function checkRead(task: Task, tty: Tty): number {
  if (!inBackground(task, tty)) return 0;
  const group = task.group.pgrp;
  if (blockedOrIgnored(task, SIGTTIN) || group.isOrphaned()) return -EIO;
  task.kernel.signals.sendToProcessGroup(group, kernelSigInfo(SIGTTIN));
  return -ERESTARTSYS;
}

/** write(2) under TOSTOP and every change of the terminal: a blocked or ignored SIGTTOU lets it pass. */
export function checkChange(task: Task, tty: Tty): number {
  if (!inBackground(task, tty) || blockedOrIgnored(task, SIGTTOU)) return 0;
  const group = task.group.pgrp;
  if (group.isOrphaned()) return -EIO;
  task.kernel.signals.sendToProcessGroup(group, kernelSigInfo(SIGTTOU));
  return -ERESTARTSYS;
}

/** Makes `tty` the controlling terminal of the session, its leader's group the foreground. */
export function acquire(session: Session, tty: Tty, group: ProcessGroup): void {
  tty.session = session;
  tty.foreground = group;
  session.tty = tty;
}

/** TIOCSCTTY: only a session leader without a terminal; `steal` (argument 1) needs CAP_SYS_ADMIN. */
export function setControlling(task: Task, tty: Tty, steal: boolean, readable: boolean): number {
  const session = task.group.session;
  if (task.group.isSessionLeader && session.tty === tty) return 0;
  if (!task.group.isSessionLeader || session.tty !== null) return -EPERM;
  if (tty.session !== null) {
    if (!steal || !task.creds.hasCap(CAP_SYS_ADMIN)) return -EPERM;
    tty.session.tty = null;
  }
  if (!readable && !task.creds.hasCap(CAP_SYS_ADMIN)) return -EPERM;
  acquire(session, tty, task.group.pgrp);
  return 0;
}

/** The leader exits or gives its terminal up: SIGHUP to the foreground group, and SIGCONT in the second case only. */
export function disassociate(tty: Tty, session: Session, exiting: boolean): void {
  const group = tty.foreground;
  tty.session = null;
  tty.foreground = null;
  session.tty = null;
  if (group === null) return;
  const signals = tty.kernel.signals;
  signals.sendToProcessGroup(group, kernelSigInfo(SIGHUP));
  if (!exiting) signals.sendToProcessGroup(group, kernelSigInfo(SIGCONT));
}

/** Hang-up: the session loses its terminal and its leader gets SIGHUP, then SIGCONT. */
export function hangupSession(tty: Tty): void {
  const session = tty.session;
  tty.session = null;
  tty.foreground = null;
  if (session === null) return;
  session.tty = null;
  const { leader } = session;
  if (leader === null) return;
  const signals = tty.kernel.signals;
  signals.sendToGroup(leader, kernelSigInfo(SIGHUP));
  // The first may have ended it at once.
  if (leader.live) signals.sendToGroup(leader, kernelSigInfo(SIGCONT));
}
