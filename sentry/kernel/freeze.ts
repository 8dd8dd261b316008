/**
 * Freezing of processes from outside, as the cgroup freezer does it: they stop wherever they are, notice nothing, and
 * what happens to them meanwhile waits. Their host processes are stopped; what they posted before, and wake-ups of
 * those that block in the kernel, is kept until they thaw.
 */
import type { Kernel } from './kernel.ts';
import type { Task } from './task.ts';
import type { ThreadGroup } from './thread-group.ts';

export function freezeGroup(group: ThreadGroup): void {
  if (group.frozen !== null || group.zombie) return;
  group.frozen = new Set();
  for (const task of group.tasks) task.mm.space.suspend();
}

export function thawGroup(kernel: Kernel, group: ThreadGroup): void {
  const { frozen } = group;
  if (frozen === null) return;
  group.frozen = null;
  for (const task of group.tasks) task.mm.space.resume();
  for (const task of frozen) kernel.enqueue(task);
}

/** A frozen task posted. */
export function holdPost(task: Task): void {
  task.heldPost = true;
  task.group.frozen!.add(task);
}
