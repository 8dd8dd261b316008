/** Sending signals: queueing, wake-ups, and the side effects of SIGKILL, SIGCONT and the stop signals. */
import type { SigInfo } from '../signal/sig-info.ts';
import type { Kernel } from './kernel.ts';
import type { ProcessGroup } from './process-group.ts';
import type { Task } from './task.ts';
import type { ThreadGroup } from './thread-group.ts';

export class Signals {
  readonly kernel: Kernel;

  constructor(kernel: Kernel) {
    this.kernel = kernel;
  }

  /** 0, or -EAGAIN when the sender asked for queueing and RLIMIT_SIGPENDING forbids it. */
  sendToTask(_task: Task, _info: SigInfo): number {
    return 0;
  }
  sendToGroup(_group: ThreadGroup, _info: SigInfo): number {
    return 0;
  }
  /** Number of processes reached. */
  sendToProcessGroup(pgrp: ProcessGroup, info: SigInfo): number {
    for (const group of pgrp.members) this.sendToGroup(group, info);
    return pgrp.members.size;
  }
  /** True when the task has an unblocked signal that would do something, or must stop or leave. */
  deliverable(task: Task): boolean {
    return task.killed;
  }
  /** Recomputes task.attention after a change of mask or queues. */
  recalculate(_task: Task): void {
    // filled with delivery
  }
}
