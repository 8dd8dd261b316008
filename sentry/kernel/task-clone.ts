/** Making tasks: fork, vfork, threads (clone(2)). The flags have been checked by the syscall. */
import { EAGAIN } from '../abi/errno.ts';
import {
  CLONE_CHILD_CLEARTID,
  CLONE_CHILD_SETTID,
  CLONE_FILES,
  CLONE_FS,
  CLONE_IO,
  CLONE_PARENT,
  CLONE_SETTLS,
  CLONE_SIGHAND,
  CLONE_SYSVSEM,
  CLONE_THREAD,
  CLONE_VFORK,
  CLONE_VM,
} from '../abi/clone.ts';
import { CAP_SYS_ADMIN, CAP_SYS_RESOURCE } from '../abi/capability.ts';
import { RLIMIT_CPU, RLIMIT_NPROC } from '../abi/resource.ts';
import { SS_DISABLE } from '../abi/signal.ts';
import { NO_REPLY } from '../base/result.ts';
import { SemUndoList } from '../ipc/sem-undo.ts';
import type { PlatformThread } from '../../platform/platform.ts';
import { startCpuAccount } from './cpu-time.ts';
import { groupTimers } from './group-timers.ts';
import type { Kernel } from './kernel.ts';
import { allocatePid } from './pid-table.ts';
import { TASK_HELD, TASK_IN_PLATFORM, TASK_RUNNING, Task } from './task.ts';
import { discardTask } from './task-exit.ts';
import { ThreadGroup } from './thread-group.ts';

/** What clone(2) or clone3(2) asks for. */
export interface CloneRequest {
  /** CLONE_ flags without the exit signal. */
  flags: number;
  clearSighand: boolean;
  exitSignal: number;
  /** Top of the new stack, or 0: the parent's. */
  stack: number;
  tls: number;
  /** CLONE_CHILD_SETTID / CLEARTID address. */
  childTidAddr: number;
  /** Called once the child exists and before it runs (pidfd, the parent's tid word). */
  attach: ((child: Task) => void) | null;
  /** Called when the child could not be made after all. */
  undo: (() => void) | null;
}

/** A clone that the platform is working at, kept on the parent. */
export interface PendingClone {
  readonly child: Task;
  readonly vfork: boolean;
  readonly undo: (() => void) | null;
}

/** NO_REPLY (the result follows with EVENT_CLONED) or a negated errno. */
export function cloneTask(kernel: Kernel, parent: Task, request: CloneRequest): number {
  const { flags } = request;
  if (exceedsNproc(kernel, parent)) return -EAGAIN;
  const tid = allocatePid(parent.group.ns);
  if (tid < 0) return tid;
  const sharesMemory = (flags & CLONE_VM) !== 0;
  const { space } = parent.mm;
  const thread = sharesMemory ? space.prepareThread() : space.prepareFork(parent.thread);
  if (typeof thread === 'number') return thread;

  const child = makeChild(kernel, parent, request, tid, thread);
  request.attach?.(child);
  const vfork = (flags & CLONE_VFORK) !== 0;
  parent.pendingClone = { child, vfork, undo: request.undo };
  parent.state = TASK_IN_PLATFORM;
  const setTid = (flags & CLONE_CHILD_SETTID) !== 0 ? request.childTidAddr : 0;
  const tls = (flags & CLONE_SETTLS) !== 0 ? request.tls : -1;
  if (sharesMemory) {
    parent.thread.replyThread(thread, request.stack, tls, setTid, tid);
  } else {
    // Its descriptors go the same way as those of file mappings: one call at a time.
    if (parent.mm.users > 1) {
      parent.mm.lock();
      parent.opsInFlight = true;
    }
    parent.thread.replyFork(thread, request.stack, tls, setTid, tid);
  }
  return NO_REPLY;
}

/** EVENT_CLONED: the child's id, or NO_REPLY while a vfork holds the parent, or a negated errno. */
export function cloneDone(kernel: Kernel, parent: Task): number {
  const pending = parent.pendingClone!;
  parent.pendingClone = null;
  if (parent.opsInFlight) {
    parent.opsInFlight = false;
    parent.mm.unlock();
  }
  const r = parent.thread.opResult();
  const { child } = pending;
  if (r < 0) {
    discardTask(kernel, child);
    pending.undo?.();
    return r;
  }
  const { tid } = child;
  // Something may have been sent to the child before it was there to be interrupted.
  if (child.attention && child.state === TASK_RUNNING) child.thread.interrupt();
  if (pending.vfork && child.vforkParent === parent) {
    parent.result = tid;
    parent.state = TASK_HELD;
    return NO_REPLY;
  }
  return tid;
}

function makeChild(
  kernel: Kernel,
  parent: Task,
  request: CloneRequest,
  tid: number,
  thread: PlatformThread,
): Task {
  const { flags } = request;
  const isThread = (flags & CLONE_THREAD) !== 0;
  const group = isThread ? parent.group : makeGroup(kernel, parent, request, tid);
  const mm = (flags & CLONE_VM) !== 0 ? parent.mm : parent.mm.fork(thread.space);
  if (mm === parent.mm) mm.retain();
  const shareFiles = (flags & CLONE_FILES) !== 0;
  const shareFs = (flags & CLONE_FS) !== 0;
  if (shareFiles) parent.files.users++;
  if (shareFs) parent.fs.users++;
  const child = new Task(kernel, tid, group, {
    creds: parent.creds,
    fs: shareFs ? parent.fs : parent.fs.clone(),
    files: shareFiles ? parent.files : parent.files.clone(group.limits),
    mm,
    name: parent.name,
    affinity: parent.affinity.slice(),
  });
  if ((flags & CLONE_SYSVSEM) !== 0) {
    child.semUndo = parent.semUndo ??= new SemUndoList();
    child.semUndo.users++;
  }
  child.thread = thread;
  if (mm === parent.mm) {
    thread.filesApart = parent.thread.filesApart || !shareFiles;
  } else if (shareFiles) {
    parent.files.acrossSpaces = true;
    parent.files.leaveSpace();
  }
  thread.owner = child;
  thread.space.owner = mm;
  child.state = TASK_RUNNING;
  child.maskLo = parent.maskLo;
  child.maskHi = parent.maskHi;
  if ((flags & (CLONE_VM | CLONE_VFORK)) === CLONE_VM) {
    child.altFlags = SS_DISABLE;
  } else {
    child.altSp = parent.altSp;
    child.altSize = parent.altSize;
    child.altFlags = parent.altFlags;
  }
  inheritScheduling(child, parent, (flags & CLONE_IO) !== 0);
  child.personality = parent.personality;
  child.loginUid = parent.loginUid;
  child.auditSession = parent.auditSession;
  child.fsBase = (flags & CLONE_SETTLS) !== 0 ? request.tls : parent.fsBase;
  child.noNewPrivs = parent.noNewPrivs;
  child.seccomp = parent.seccomp;
  child.timerSlackNs = parent.timerSlackNs;
  child.defaultTimerSlackNs = parent.timerSlackNs;
  if ((flags & CLONE_CHILD_CLEARTID) !== 0) child.clearTid = request.childTidAddr;
  if ((flags & CLONE_VFORK) !== 0) child.vforkParent = parent;
  kernel.signals.adopt(child.pending);
  group.tasks.add(child);
  if (!isThread) {
    group.leader = child;
    if (mm === parent.mm) startCpuAccount(group, thread.cpuTimeNs());
    group.parent?.children.add(group);
    group.pgrp.members.add(group);
    group.ns.pid.groups.set(tid, group);
    group.ns.cgroup.groups.add(group);
    parent.group.subCgroup?.enter(group);
    if (group.limits.soft[RLIMIT_CPU] !== Infinity) groupTimers(kernel, group).watchCpuLimit();
  }
  group.ns.pid.pids.set(tid, child);
  group.ns.pid.taskCount++;
  group.ns.cgroup.addTask();
  kernel.signals.recalculate(child);
  return child;
}

function makeGroup(kernel: Kernel, parent: Task, request: CloneRequest, tgid: number): ThreadGroup {
  const from = parent.group;
  const asSibling = (request.flags & CLONE_PARENT) !== 0;
  const { ns, pgrp } = from;
  const group = new ThreadGroup(tgid, ns, asSibling ? from.parent : from, pgrp, kernel.clock.monotonicNs());
  group.parentTask = asSibling ? from.parentTask : parent;
  group.exitSignal = asSibling ? from.exitSignal : request.exitSignal;
  group.limits = from.limits.clone();
  if ((request.flags & CLONE_SIGHAND) !== 0) {
    group.actions = from.actions;
    group.actions.refs++;
  } else {
    group.actions = from.actions.clone();
    if (request.clearSighand) group.actions.resetHandlers();
  }
  group.oomScoreAdj = from.oomScoreAdj;
  group.dumpable = from.dumpable;
  group.thpDisable = from.thpDisable;
  kernel.signals.adopt(group.pending);
  return group;
}

function inheritScheduling(child: Task, parent: Task, shareIo: boolean): void {
  child.nice = parent.resetOnFork ? Math.max(parent.nice, 0) : parent.nice;
  child.policy = parent.resetOnFork ? 0 : parent.policy;
  child.rtPriority = parent.resetOnFork ? 0 : parent.rtPriority;
  child.ioPriority = shareIo || parent.ioPriority !== 0 ? parent.ioPriority : 0;
}

/** RLIMIT_NPROC counts the tasks of the real uid; root and the capable are exempt (getrlimit(2)). */
function exceedsNproc(kernel: Kernel, parent: Task): boolean {
  const limit = parent.group.limits.soft[RLIMIT_NPROC]!;
  if (limit === Infinity || parent.creds.uid === 0) return false;
  if (parent.creds.hasCap(CAP_SYS_RESOURCE) || parent.creds.hasCap(CAP_SYS_ADMIN)) return false;
  return kernel.countTasksOf(parent.creds.uid) >= limit;
}
