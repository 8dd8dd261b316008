/** CPU time of threads and processes, and alarms on it: the host is asked only while one is armed. */
import { Timer } from '../time/timers.ts';
import type { Kernel } from './kernel.ts';
import type { Task } from './task.ts';
import { TASK_DEAD } from './task.ts';
import type { ThreadGroup } from './thread-group.ts';

/** Never look more often than this: the granularity of a 1000 Hz kernel's CPU timers. */
const MIN_POLL_NS = 1_000_000;

/**
 * The host tells the CPU time of a whole address space only. One thread's is its even share of that: exact for a
 * process with one thread, and the sum is right for all.
 */
export function taskCpuNs(task: Task): number {
  if (task.state === TASK_DEAD) return task.exitCpuNs;
  return Math.max(0, spaceCpuNs(task.group)) / task.group.tasks.size;
}

/** Of all threads, finished ones included. */
export function groupCpuNs(group: ThreadGroup): number {
  return group.usage.userNs + group.usage.systemNs + spaceCpuNs(group);
}

/** What the group's address space has used since the group runs in it. All threads of a group share one. */
function spaceCpuNs(group: ThreadGroup): number {
  for (const task of group.tasks) return Math.max(0, task.thread.cpuTimeNs() - group.cpuBaseNs);
  return 0;
}

/** A group begins to run in a space that others have used (CLONE_VM without CLONE_THREAD): theirs is not its own. */
export function startCpuAccount(group: ThreadGroup, spaceNs: number): void {
  group.cpuBaseNs = spaceNs;
}

/** The group leaves its space, by execve or with its last thread: what it used there is kept. */
export function closeCpuAccount(group: ThreadGroup): void {
  group.usage.userNs += spaceCpuNs(group);
  group.cpuBaseNs = 0;
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
