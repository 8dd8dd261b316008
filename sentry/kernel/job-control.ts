/** Job control: stopping and continuing whole thread groups, and what the parent hears of it (signal(7), waitpid(2)). */
import { CLD_CONTINUED, CLD_STOPPED, SIGCHLD, SIGCONT, SIGHUP } from '../abi/signal.ts';
import { kernelSigInfo, SigInfo } from '../signal/sig-info.ts';
import type { Kernel } from './kernel.ts';
import type { ProcessGroup } from './process-group.ts';
import type { Task } from './task.ts';
import { TASK_HELD, TASK_STOPPED } from './task.ts';
import type { ThreadGroup } from './thread-group.ts';

/** A stop signal took effect: every task is to park. */
export function stopGroup(kernel: Kernel, group: ThreadGroup, signo: number): void {
  if (group.exiting) return;
  group.stopSignal = signo;
  if (group.stopped) return;
  group.stopped = true;
  group.stopNotified = false;
  for (const task of group.tasks) kernel.signals.wake(task);
  stopProgress(kernel, group);
}

/** A task of a stopping group has parked or left: the last one tells the parent. */
export function stopProgress(kernel: Kernel, group: ThreadGroup): void {
  if (!group.stopped || group.stopNotified || !group.live) return;
  for (const task of group.tasks) if (task.state !== TASK_STOPPED && task.state !== TASK_HELD) return;
  group.stopNotified = true;
  group.stopReport = group.stopSignal;
  group.continueReport = false;
  notifyParentOfJob(kernel, group, CLD_STOPPED, group.stopSignal);
}

/** SIGCONT was generated: all parked tasks go on, whatever its disposition. */
export function continueGroup(kernel: Kernel, group: ThreadGroup): void {
  if (!group.stopped) return;
  group.stopped = false;
  group.stopReport = 0;
  if (group.stopNotified) {
    group.continueReport = true;
    notifyParentOfJob(kernel, group, CLD_CONTINUED, SIGCONT);
  }
  for (const task of group.tasks) if (task.state === TASK_STOPPED) kernel.enqueue(task);
}

/** SIGCHLD of a stop or continue, and a wake-up of waiting parents. */
function notifyParentOfJob(kernel: Kernel, group: ThreadGroup, code: number, status: number): void {
  const parent = group.parent;
  if (parent === null) return;
  if (!parent.actions.noChildStop && !parent.actions.ignores(SIGCHLD)) {
    const info = new SigInfo(SIGCHLD, code);
    info.pid = group.tgid;
    info.uid = group.leader.creds.uid;
    info.status = status;
    kernel.signals.sendToGroup(parent, info);
  }
  parent.childQueue.notify(-1);
}

/** The group's orphaning left stopped members behind: they get SIGHUP and SIGCONT (setpgid(2)). */
export function hangUpIfOrphaned(kernel: Kernel, pgrp: ProcessGroup, leaving: ThreadGroup | null): void {
  if (!pgrp.hasStoppedMember() || !pgrp.isOrphaned(leaving)) return;
  kernel.signals.sendToProcessGroup(pgrp, kernelSigInfo(SIGHUP));
  kernel.signals.sendToProcessGroup(pgrp, kernelSigInfo(SIGCONT));
}

/** A task reached the point where it must park. */
export function parkStopped(kernel: Kernel, task: Task): void {
  task.state = TASK_STOPPED;
  stopProgress(kernel, task.group);
}
