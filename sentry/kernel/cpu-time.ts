/** CPU time of threads and processes, and alarms on it: the host is asked only while one is armed. */
import { Timer } from '../time/timers.ts';
import type { Kernel } from './kernel.ts';
import type { Task } from './task.ts';
import { TASK_DEAD } from './task.ts';
import type { ThreadGroup } from './thread-group.ts';

/** Never look more often than this: the granularity of a 1000 Hz kernel's CPU timers. */
const MIN_POLL_NS = 1_000_000;

export function taskCpuNs(task: Task): number {
  return task.state === TASK_DEAD ? task.exitCpuNs : task.thread.cpuTimeNs();
}

/** Of all threads, finished ones included. */
export function groupCpuNs(group: ThreadGroup): number {
  let total = group.usage.userNs + group.usage.systemNs;
  for (const task of group.tasks) total += task.thread.cpuTimeNs();
  return total;
}

/** Calls back once the CPU time read by `now` has reached a target. */
export class CpuAlarm {
  /** Target in CPU ns; Infinity: not armed. */
  targetNs = Infinity;
  private readonly kernel: Kernel;
  private readonly now: () => number;
  private readonly threads: () => number;
  private readonly expired: () => void;
  private readonly timer = new Timer(() => {
    this.look();
  });

  constructor(kernel: Kernel, now: () => number, threads: () => number, expired: () => void) {
    this.kernel = kernel;
    this.now = now;
    this.threads = threads;
    this.expired = expired;
  }

  arm(targetNs: number): void {
    this.targetNs = targetNs;
    if (targetNs === Infinity) this.kernel.timers.cancel(this.timer);
    else this.schedule();
  }

  private look(): void {
    if (this.targetNs === Infinity) return;
    if (this.now() < this.targetNs) {
      this.schedule();
      return;
    }
    this.targetNs = Infinity;
    this.expired();
  }

  private schedule(): void {
    const leftNs = this.targetNs - this.now();
    // n threads use up n times as much at best.
    const waitNs = Math.max(
      leftNs / Math.max(1, Math.min(this.threads(), this.kernel.cpuCount)),
      MIN_POLL_NS,
    );
    this.kernel.timers.arm(this.timer, this.kernel.clock.monotonicNs() + waitNs);
  }
}
