/** A container's control group (cgroups(7)): its processes, and what they may use together. */
import type { SpaceSource } from '../../platform/platform.ts';
import type { Task } from './task.ts';
import type { ThreadGroup } from './thread-group.ts';

export class Cgroup {
  /** Where its processes' address spaces come from. */
  readonly spaces: SpaceSource;
  /** Processes, zombies too. */
  readonly groups = new Set<ThreadGroup>();
  /** Live tasks. */
  taskCount = 0;
  /** Most tasks that there have been. */
  peakTasks = 0;
  /** Forks that the limit refused (pids.events). */
  refusedForks = 0;
  /**
   * Processes that died without this kernel's doing (memory.events): the host's memory ran out, or the cgroup's. Nothing
   * else ends a process from outside, and what a guest does to its own stub it reports to itself.
   */
  oomKills = 0;
  /** pids.max; 0: none. */
  pidsLimit: number;
  /** memory.max; 0: none. The host's group of the stubs enforces it. */
  memoryLimitBytes: number;
  /** How many CPUs its processes see; cpus.ts changes it. */
  cpuCount: number;

  constructor(spaces: SpaceSource, pidsLimit: number, memoryLimitBytes: number, cpuCount: number) {
    this.spaces = spaces;
    this.pidsLimit = pidsLimit;
    this.memoryLimitBytes = memoryLimitBytes;
    this.cpuCount = cpuCount;
  }

  /** Live tasks. */
  *tasks(): IterableIterator<Task> {
    for (const group of this.groups) yield* group.tasks;
  }

  /** True when one more task is too many. */
  refusesTask(): boolean {
    if (this.pidsLimit === 0 || this.taskCount < this.pidsLimit) return false;
    this.refusedForks++;
    return true;
  }

  addTask(): void {
    this.taskCount++;
    if (this.taskCount > this.peakTasks) this.peakTasks = this.taskCount;
  }
}
