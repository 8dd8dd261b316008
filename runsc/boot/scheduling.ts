/** process.scheduler and process.ioPriority: attributes that the process starts with. The host schedules as it does. */
import * as sched from '../../sentry/abi/sched.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import type { Process } from '../spec/spec.ts';

const NUMBERS = sched as unknown as Readonly<Record<string, number>>;

/** The names were checked when the spec was read. */
export function applyScheduling(task: Task, { scheduler, ioPriority }: Process): void {
  if (scheduler !== undefined) {
    task.policy = NUMBERS[scheduler.policy] ?? sched.SCHED_OTHER;
    task.nice = scheduler.nice ?? 0;
    task.rtPriority = scheduler.priority ?? 0;
    task.resetOnFork = scheduler.flags?.includes('SCHED_FLAG_RESET_ON_FORK') ?? false;
  }
  if (ioPriority !== undefined) {
    const kind = NUMBERS[ioPriority.class] ?? sched.IOPRIO_CLASS_NONE;
    task.ioPriority = (kind << sched.IOPRIO_CLASS_SHIFT) | ioPriority.priority;
  }
}
