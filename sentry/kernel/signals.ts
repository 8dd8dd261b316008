/** Sending signals: queueing, wake-ups, and the side effects of SIGKILL, SIGCONT and the stop signals. */
import { EAGAIN, EPERM } from '../abi/errno.ts';
import { CAP_KILL } from '../abi/capability.ts';
import { RLIMIT_SIGPENDING } from '../abi/resource.ts';
import { SIGCONT, SIGKILL, SIGRTMIN, SIGSTOP, SIG_DFL, SI_USER } from '../abi/signal.ts';
import { WaitQueue } from '../base/wait-queue.ts';
import { DEFAULT_TERMINATE, defaultAction } from '../signal/actions.ts';
import type { PendingSignals } from '../signal/pending.ts';
import type { SigInfo } from '../signal/sig-info.ts';
import { sigInfo } from '../signal/sig-info.ts';
import { CONT_LO, STOP_SIGNALS_LO, sigBit, sigIn } from '../signal/sig-set.ts';
import { continueGroup } from './job-control.ts';
import type { Kernel } from './kernel.ts';
import type { ProcessGroup } from './process-group.ts';
import type { Task } from './task.ts';
import { TASK_BLOCKED, TASK_RUNNING, TASK_STOPPED } from './task.ts';
import { killGroup } from './task-exit.ts';
import type { ThreadGroup } from './thread-group.ts';

export class Signals {
  readonly kernel: Kernel;
  /** Notified when any signal is queued: signalfds look whether it is theirs. */
  readonly queued = new WaitQueue();
  /** Queued instances per real uid (RLIMIT_SIGPENDING). */
  private readonly counts = new Map<number, number>();

  constructor(kernel: Kernel) {
    this.kernel = kernel;
  }

  // ---- sending
  /** To one thread. 0, or -EAGAIN when sigqueue's information cannot be kept. */
  sendToTask(task: Task, info: SigInfo): number {
    return this.send(task, info, task.pending, false);
  }

  /** To a process: any of its threads that does not block it takes it. */
  sendToGroup(group: ThreadGroup, info: SigInfo): number {
    return this.send(this.pickTask(group, info.signo), info, group.pending, true);
  }

  /** To every process of the group; number of processes reached. */
  sendToProcessGroup(pgrp: ProcessGroup, info: SigInfo): number {
    // A copy: SIGKILL and SIGCONT change the set.
    for (const group of [...pgrp.members]) this.sendToGroup(group, info);
    return pgrp.members.size;
  }

  /** From outside the container (runsc kill): reaches init even by SIGKILL and SIGSTOP. */
  sendFromOutside(group: ThreadGroup, signo: number): number {
    const info = sigInfo(signo, SI_USER, 0, 0);
    if (signo === SIGKILL) {
      killGroup(this.kernel, group, SIGKILL);
      return 0;
    }
    if (signo === SIGSTOP && group.unkillable) {
      group.unkillable = false;
      const r = this.sendToGroup(group, info);
      group.unkillable = true;
      return r;
    }
    return this.sendToGroup(group, info);
  }

  /**
   * Raised by the task's own doing and not to be escaped: a blocked or ignored one is made default first
   * (Linux's force_sig). It kills init too.
   */
  force(task: Task, info: SigInfo, fatal = false): void {
    const { group } = task;
    const action = group.actions.get(info.signo);
    const blocked = sigIn(task.maskLo, task.maskHi, info.signo);
    if (fatal || blocked || group.actions.ignores(info.signo)) {
      action.reset();
      if (info.signo <= 32) task.maskLo &= ~sigBit(info.signo);
      else task.maskHi &= ~sigBit(info.signo);
    }
    if (action.handler === SIG_DFL) group.unkillable = false;
    task.pending.add(info);
    this.wake(task);
  }

  /** kill(2)'s permission rule: 0 or -EPERM. */
  permission(sender: Task, target: Task, signo: number): number {
    const from = sender.creds;
    const to = target.creds;
    if (sender.group === target.group) return 0;
    if (from.euid === to.suid || from.euid === to.uid || from.uid === to.suid || from.uid === to.uid)
      return 0;
    if (from.hasCap(CAP_KILL)) return 0;
    if (signo === SIGCONT && sender.group.session === target.group.session) return 0;
    return -EPERM;
  }

  // ---- state of one task
  /** True when the task has an unblocked signal, must stop, or must leave. */
  deliverable(task: Task): boolean {
    if (task.killed) return true;
    const { group } = task;
    if (group.stopped) return true;
    // sigtimedwait(2) wants to be woken by the signals it waits for although they are blocked.
    const lo = task.maskLo & ~task.waitSetLo;
    const hi = task.maskHi & ~task.waitSetHi;
    return (
      ((task.pending.lo | group.pending.lo) & ~lo) !== 0 || ((task.pending.hi | group.pending.hi) & ~hi) !== 0
    );
  }

  /** Recomputes task.attention after a change of mask or queues. */
  recalculate(task: Task): void {
    // A temporary mask keeps the slow way out open, which puts the old one back.
    task.attention = task.hasSavedMask || this.deliverable(task);
  }

  /** Makes the task look at its signals soon. */
  wake(task: Task): void {
    task.attention = true;
    if (task.state === TASK_BLOCKED) {
      task.interrupted = true;
      task.makeRunnable();
    } else if (task.state === TASK_RUNNING) {
      task.thread.interrupt();
    } else if (task.state === TASK_STOPPED && task.killed) {
      this.kernel.enqueue(task);
    }
  }

  /** Takes the next deliverable signal: the thread's own first, as Linux does. */
  take(task: Task, maskLo: number, maskHi: number): SigInfo | null {
    return task.pending.take(maskLo, maskHi) ?? task.group.pending.take(maskLo, maskHi);
  }

  /** Discards a signal whose action became "ignore" (sigaction(2)). */
  discardEverywhere(group: ThreadGroup, signo: number): void {
    group.pending.discardSignal(signo);
    for (const task of group.tasks) {
      task.pending.discardSignal(signo);
      this.recalculate(task);
    }
  }

  /** A thread left: what waits for the whole group may need another one. */
  retarget(group: ThreadGroup): void {
    if ((group.pending.lo | group.pending.hi) === 0) return;
    for (const task of group.tasks) if (!task.attention && this.deliverable(task)) this.wake(task);
  }

  /** Hooks a new queue into the accounting. */
  adopt(pending: PendingSignals): void {
    pending.onDrop = this.uncount;
  }

  pendingCount(uid: number): number {
    return this.counts.get(uid) ?? 0;
  }

  // ---- inside
  private send(task: Task, info: SigInfo, queue: PendingSignals, toGroup: boolean): number {
    const { group } = task;
    const { signo } = info;
    if (group.zombie || (!toGroup && task.killed)) return 0;
    if (group.exiting) return 0;
    this.prepare(group, signo);
    if (this.ignored(task, signo)) {
      if (signo !== SIGKILL) this.kernel.tracer?.signal(task, info);
      return 0;
    }
    if (queue.has(signo) && signo < SIGRTMIN) return 0;
    const kept = this.count(task, info);
    if (kept) {
      queue.add(info);
    } else if (signo >= SIGRTMIN && info.code !== SI_USER && info.fromUser) {
      return -EAGAIN;
    } else {
      queue.addBare(signo);
    }
    this.queued.notify(-1);
    this.complete(task, info);
    return 0;
  }

  /** SIGCONT and the stop signals cancel each other when generated, even if blocked or ignored. */
  private prepare(group: ThreadGroup, signo: number): void {
    if (signo === SIGCONT) {
      group.pending.discard(STOP_SIGNALS_LO, 0);
      for (const task of group.tasks) task.pending.discard(STOP_SIGNALS_LO, 0);
      continueGroup(this.kernel, group);
    } else if (signo <= 32 && (STOP_SIGNALS_LO & sigBit(signo)) !== 0) {
      group.pending.discard(CONT_LO, 0);
      for (const task of group.tasks) task.pending.discard(CONT_LO, 0);
    }
  }

  private ignored(task: Task, signo: number): boolean {
    const { group } = task;
    // A blocked signal is kept: its action may change before it is unblocked.
    if (sigIn(task.maskLo, task.maskHi, signo)) return false;
    if (group.unkillable && group.actions.get(signo).handler === SIG_DFL) return true;
    return group.actions.ignores(signo);
  }

  /** The thread that shall take a signal sent to the process. */
  private pickTask(group: ThreadGroup, signo: number): Task {
    const { leader } = group;
    if (group.tasks.has(leader) && this.wants(leader, signo)) return leader;
    for (const task of group.tasks) if (this.wants(task, signo)) return task;
    if (group.tasks.has(leader)) return leader;
    for (const task of group.tasks) return task;
    return leader;
  }

  private wants(task: Task, signo: number): boolean {
    if (task.killed) return false;
    if (signo === SIGKILL) return true;
    // Anything else waits until the task goes on.
    if (task.state === TASK_STOPPED) return false;
    return !sigIn(task.maskLo & ~task.waitSetLo, task.maskHi & ~task.waitSetHi, signo);
  }

  private complete(task: Task, info: SigInfo): void {
    const { group } = task;
    const { signo } = info;
    if (!this.wants(task, signo)) return;
    const fatal =
      signo === SIGKILL ||
      (group.actions.get(signo).handler === SIG_DFL &&
        defaultAction(signo) === DEFAULT_TERMINATE &&
        !sigIn(task.maskLo, task.maskHi, signo));
    // A fatal signal ends all threads at once rather than when the chosen one comes round.
    if (fatal && !group.unkillable) {
      if (signo !== SIGKILL) this.kernel.tracer?.signal(task, info);
      killGroup(this.kernel, group, signo);
      return;
    }
    this.wake(task);
  }

  /** RLIMIT_SIGPENDING: false when the information of one more signal is not kept. */
  private count(target: Task, info: SigInfo): boolean {
    // A timer's place is reserved as long as it lives.
    if (info.timer !== null) return true;
    const { uid } = target.creds;
    // The kernel's own and kill's standard signals may exceed the limit.
    const exempt = info.signo < SIGRTMIN && info.code >= 0;
    if (!this.reserve(uid, exempt ? Infinity : target.group.limits.soft[RLIMIT_SIGPENDING]!)) return false;
    info.countedUid = uid;
    return true;
  }

  /** Takes one of a user's places for signals that wait, if that is within the limit. */
  reserve(uid: number, limit: number): boolean {
    const n = this.pendingCount(uid);
    if (n >= limit) return false;
    this.counts.set(uid, n + 1);
    return true;
  }

  /** Gives it back. */
  unreserve(uid: number): void {
    const n = this.pendingCount(uid) - 1;
    if (n <= 0) this.counts.delete(uid);
    else this.counts.set(uid, n);
  }

  private readonly uncount = (info: SigInfo): void => {
    const uid = info.countedUid;
    if (uid < 0) return;
    info.countedUid = -1;
    this.unreserve(uid);
  };
}
