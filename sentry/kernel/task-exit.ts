/** The end of tasks and thread groups: exit(2), exit_group(2), fatal signals, reparenting, zombies. */
import {
  CLD_DUMPED,
  CLD_EXITED,
  CLD_KILLED,
  SA_NOCLDWAIT,
  SIGCHLD,
  SIGKILL,
  SIG_IGN,
  SI_USER,
} from '../abi/signal.ts';
import { SigInfo, sigInfo } from '../signal/sig-info.ts';
import { closeCpuAccount, taskCpuNs } from './cpu-time.ts';
import { thawGroup } from './freeze.ts';
import { hangUpIfOrphaned, stopProgress } from './job-control.ts';
import type { Kernel } from './kernel.ts';
import type { Namespaces } from './namespaces.ts';
import { leavePi } from './pi-futex.ts';
import { destroyAfter, robustHolders } from './robust.ts';
import type { PidNamespace } from './pid-namespace.ts';
import { leaveProcessGroup } from './pid-table.ts';
import type { Task } from './task.ts';
import { TASK_BLOCKED, TASK_DEAD, TASK_HELD, TASK_IN_KERNEL, TASK_RUNNING, TASK_STOPPED } from './task.ts';
import type { ThreadGroup } from './thread-group.ts';

const NS_PER_TICK = 10_000_000;

/** Death of the whole group by a signal. */
export function killGroup(kernel: Kernel, group: ThreadGroup, signo: number): void {
  exitGroup(kernel, group, signo & 0x7f);
}

/**
 * The group ends with this wait status. Threads that hold still in the kernel go at once; those in guest code as soon
 * as they are caught, or with their host process when nobody else uses it.
 */
export function exitGroup(kernel: Kernel, group: ThreadGroup, status: number): void {
  if (group.exiting || group.zombie) return;
  group.exiting = true;
  group.exitStatus = status;
  group.stopped = false;
  group.stopReport = 0;
  group.continueReport = false;
  const tasks = [...group.tasks];
  for (const task of tasks) {
    task.killed = true;
    task.attention = true;
  }
  const { current } = kernel;
  for (const task of tasks) {
    // The task whose call or signal this is leaves by its own way out.
    if (task === current && task.state === TASK_IN_KERNEL) continue;
    endTask(kernel, task);
  }
  // Those that are left must be able to come and see that they are dead.
  thawGroup(kernel, group);
}

/** Ends a task that has been marked killed, now if that is possible. */
export function endTask(kernel: Kernel, task: Task): void {
  if (task.state === TASK_DEAD) return;
  // Nobody outside the group needs the host process: it can be killed under its threads.
  if (ownsSpace(task)) {
    exitTask(kernel, task);
    return;
  }
  if (task.state === TASK_BLOCKED || task.state === TASK_STOPPED || task.state === TASK_HELD)
    exitTask(kernel, task);
  else if (task.state === TASK_RUNNING) task.thread.interrupt();
  // In the platform: it posts soon and is caught then.
}

/** True when all users of the task's address space are dying tasks of its own group. */
function ownsSpace(task: Task): boolean {
  let users = 0;
  for (const other of task.group.tasks) if (other.mm === task.mm) users++;
  return users === task.mm.users && task.group.exiting;
}

/** One task leaves. It has posted, or its host process dies here. */
export function exitTask(kernel: Kernel, task: Task): void {
  if (task.state === TASK_DEAD) return;
  const { group, mm } = task;
  const { space } = mm;
  task.completeCall();
  task.hasSavedMask = false;
  const posted = task.state !== TASK_RUNNING && task.state !== TASK_DEAD;
  const destroy = mm.users === 1 || ownsSpace(task);
  const silent = destroy || task.diesWithSpace;
  task.exitCpuNs = taskCpuNs(task);
  if (group.tasks.size === 1) closeCpuAccount(group);
  abandonClone(kernel, task);
  // Also when it dies before its reply went out.
  if (task.opsInFlight || task.thread.ackOps) mm.unlock();
  const holders = destroy && !group.ns.pid.ended ? robustHolders(group, mm) : [];
  task.state = TASK_DEAD;
  kernel.tracer?.exited(task, group.exiting ? group.exitStatus : task.exitCode);

  task.files.release(task);
  task.fs.release();
  leaveSemUndo(kernel, task);
  if (destroy) destroyAfter(kernel, space, holders);
  else if (posted && !silent) {
    task.thread.replyExit(task.clearTid, task.robustHead, task.tid, clearsTid(task));
  }
  if (!task.letsGo) task.thread.owner = null;
  mm.release();
  releaseVfork(kernel, task);

  leavePi(task);
  task.pending.clear();
  const { pids } = task.pidns;
  pids.delete(task.tid);
  if (task.isLeader) pids.set(task.tid, task);
  group.tasks.delete(task);
  uncount(kernel, group.ns);
  orphanThreadChildren(kernel, task);
  if (!group.live) {
    // Ports and connections are free when the parent hears of the end, and the host has its share of them.
    const last = (): void => finishGroup(kernel, group);
    if (!destroy || group === group.ns.pid.init || group.ns.pid.ended || !space.whenGone(last)) last();
  } else {
    stopProgress(kernel, group);
    kernel.signals.retarget(group);
  }
}

const ZERO_WORD = new Uint8Array(4);

/**
 * Clears the word of CLONE_CHILD_CLEARTID here if this is the end of a process: another one that shares its memory may
 * look at it as soon as it has waited for this one. A thread does it itself, on its way out.
 */
function clearsTid(task: Task): boolean {
  if (task.clearTid === 0 || task.group.tasks.size > 1) return false;
  return task.mm.space.write(task.clearTid, ZERO_WORD, 0, ZERO_WORD.length) === 0;
}

/** exit_sem: the last task that shares the list gives back what it took of semaphores (semop(2), SEM_UNDO). */
export function leaveSemUndo(kernel: Kernel, task: Task): void {
  const list = task.semUndo;
  if (list === null) return;
  task.semUndo = null;
  list.release(task.pid, kernel.clock.realtimeSec());
}

/** Takes back a task that never ran: the platform could not make its thread. */
export function discardTask(kernel: Kernel, task: Task): void {
  const { group } = task;
  releaseVfork(kernel, task);
  const lastUser = task.mm.users === 1;
  task.state = TASK_DEAD;
  task.files.release(task);
  task.fs.release();
  leaveSemUndo(kernel, task);
  if (lastUser) kernel.destroySpace(task.mm.space);
  task.mm.release();
  task.thread.owner = null;
  task.pidns.pids.delete(task.tid);
  group.tasks.delete(task);
  uncount(kernel, group.ns);
  if (group.live) return;
  group.exiting = true;
  group.zombie = true;
  reap(group);
}

/** The vfork parent may go on: the child has its own memory now, or is dead. */
export function releaseVfork(kernel: Kernel, child: Task): void {
  const parent = child.vforkParent;
  if (parent === null) return;
  child.vforkParent = null;
  if (parent.state === TASK_HELD) kernel.enqueue(parent);
}

/** Children of this thread pass to a sibling; PR_SET_PDEATHSIG counts the thread, not the process. */
function orphanThreadChildren(kernel: Kernel, task: Task): void {
  const { group } = task;
  if (group.children.size === 0) return;
  let sibling: Task | null = null;
  for (const other of group.tasks) {
    sibling = other;
    break;
  }
  for (const child of group.children) {
    if (child.parentTask !== task) continue;
    child.parentTask = sibling;
    sendParentDeath(kernel, child, task);
  }
}

function sendParentDeath(kernel: Kernel, child: ThreadGroup, parent: Task): void {
  for (const task of [...child.tasks]) {
    if (task.pdeathSignal === 0) continue;
    kernel.signals.sendToGroup(child, sigInfo(task.pdeathSignal, SI_USER, parent.pid, parent.creds.uid));
  }
}

/** The last task is gone: the group becomes a zombie, or nothing at all. */
function finishGroup(kernel: Kernel, group: ThreadGroup): void {
  if (!group.exiting) {
    group.exiting = true;
    group.exitStatus = group.leader.exitCode;
  }
  group.timers?.destroy();
  group.timers = null;
  group.stopped = false;
  group.pending.clear();
  if (group === group.ns.pid.init) {
    endNamespace(kernel, group);
    return;
  }
  reparentChildren(kernel, group);
  const { session } = group;
  if (group.isSessionLeader) {
    session.tty?.disassociate(session);
    session.leader = null;
  }
  group.zombie = true;
  const { parent } = group;
  // Its own process group loses the member that linked it to its session (exit(3), "Consequences").
  if (parent !== null && parent.pgrp !== group.pgrp && parent.session === group.session) {
    hangUpIfOrphaned(kernel, group.pgrp, group);
  }
  group.exitQueue.notify(-1);
  notifyParent(kernel, group);
}

/** Init is gone and takes everyone in its namespace with it (pid_namespaces(7)). */
function endNamespace(kernel: Kernel, init: ThreadGroup): void {
  const { pid: ns } = init.ns;
  init.zombie = true;
  ns.ended = true;
  killAll(kernel, ns.groups.values());
  dropIfEmpty(kernel, ns);
  init.exitQueue.notify(-1);
  init.onEnd?.(init.exitStatus);
  reap(init);
}

/** Everyone dies at once, in guest code or not; but the caller's own task leaves by its own way out. */
export function killAll(kernel: Kernel, groups: Iterable<ThreadGroup>): void {
  const all = [...groups];
  for (const group of all) killGroup(kernel, group, SIGKILL);
  for (const group of all) {
    for (const task of [...group.tasks]) {
      if (task === kernel.current && task.state === TASK_IN_KERNEL) continue;
      // Only processes that die too share its memory: its host process goes with the last of them.
      task.diesWithSpace = true;
      exitTask(kernel, task);
    }
  }
}

/** One task less is in these; a namespace that nobody is left in goes. */
function uncount(kernel: Kernel, { pid, cgroup }: Namespaces): void {
  cgroup.taskCount--;
  pid.taskCount--;
  dropIfEmpty(kernel, pid);
}

function dropIfEmpty(kernel: Kernel, ns: PidNamespace): void {
  if (ns.taskCount === 0 && ns.ended) kernel.pidNamespaces.delete(ns);
}

/** The parent dies while its clone is on the way: the half-made child goes with it. */
function abandonClone(kernel: Kernel, parent: Task): void {
  const pending = parent.pendingClone;
  if (pending === null) return;
  parent.pendingClone = null;
  if (pending.child.group !== parent.group) killGroup(kernel, pending.child.group, SIGKILL);
}

/** Who looks after the children of a dead process: the nearest subreaper above, or init. */
export function reaperFor(group: ThreadGroup): ThreadGroup | null {
  for (let up = group.parent; up !== null; up = up.parent) {
    if (up.childSubreaper && up.live && !up.exiting) return up;
  }
  const { init } = group.ns.pid;
  return init !== null && init.live ? init : null;
}

function reparentChildren(kernel: Kernel, group: ThreadGroup): void {
  if (group.children.size === 0) return;
  const reaper = reaperFor(group);
  for (const child of [...group.children]) {
    group.children.delete(child);
    child.parent = reaper;
    child.parentTask = null;
    if (reaper !== null) {
      reaper.children.add(child);
      child.parentTask = firstTask(reaper);
    }
    child.exitSignal = SIGCHLD;
    if (child.zombie) notifyParent(kernel, child);
    else if (child.pgrp !== group.pgrp && child.session === group.session) {
      hangUpIfOrphaned(kernel, child.pgrp, null);
    }
  }
}

function firstTask(group: ThreadGroup): Task | null {
  for (const task of group.tasks) return task;
  return null;
}

/** Tells the parent of a zombie, or reaps it when the parent does not care (wait(2), NOTES). */
export function notifyParent(kernel: Kernel, group: ThreadGroup): void {
  const { parent } = group;
  group.onEnd?.(group.exitStatus);
  group.onEnd = null;
  if (parent === null || parent.zombie) {
    reap(group);
    return;
  }
  let autoreap = false;
  let send = group.exitSignal !== 0;
  if (group.exitSignal === SIGCHLD) {
    const action = parent.actions.get(SIGCHLD);
    if (action.handler === SIG_IGN) {
      autoreap = true;
      send = false;
    } else if ((action.flags & SA_NOCLDWAIT) !== 0) {
      autoreap = true;
    }
  }
  if (send) kernel.signals.sendToGroup(parent, childInfo(group, group.exitSignal));
  if (autoreap) reap(group);
  parent.childQueue.notify(-1);
}

/** SIGCHLD's information about an ended child. */
export function childInfo(group: ThreadGroup, signo: number): SigInfo {
  const signal = group.exitStatus & 0x7f;
  const code = signal === 0 ? CLD_EXITED : (group.exitStatus & 0x80) !== 0 ? CLD_DUMPED : CLD_KILLED;
  const info = new SigInfo(signo, code);
  info.pid = group.tgid;
  info.uid = group.leader.creds.uid;
  info.status = signal === 0 ? group.exitStatus >>> 8 : signal;
  info.utime = Math.floor(group.usage.userNs / NS_PER_TICK);
  info.stime = Math.floor(group.usage.systemNs / NS_PER_TICK);
  return info;
}

/** The zombie disappears: its id is free again. */
export function reap(group: ThreadGroup): void {
  if (group.dead) return;
  group.dead = true;
  group.parent?.children.delete(group);
  const { pid: ns, cgroup } = group.ns;
  ns.groups.delete(group.tgid);
  cgroup.groups.delete(group);
  group.subCgroup?.leave(group);
  if (ns.pids.get(group.tgid) === group.leader) ns.pids.delete(group.tgid);
  leaveProcessGroup(group, group.pgrp);
  group.actions.refs--;
}
