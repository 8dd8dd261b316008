/** Robust mutexes of threads whose host process is about to be killed: they let go of them first (get_robust_list(2)). */
import type { PlatformSpace, PlatformThread } from '../../platform/platform.ts';
import type { AddressSpace } from '../mm/address-space.ts';
import type { Kernel } from './kernel.ts';
import type { Task } from './task.ts';
import { TASK_DEAD, TASK_IN_PLATFORM, TASK_RUNNING } from './task.ts';
import type { ThreadGroup } from './thread-group.ts';

/** A thread as it was when the decision fell: an execve may change its id. */
interface Dying {
  readonly thread: PlatformThread;
  readonly tid: number;
  readonly head: number;
  /** In guest code: caught there (letGo()). */
  readonly runs: boolean;
}

const NOBODY: readonly Dying[] = [];

/** The group's threads in this memory, if any of them holds a robust mutex. */
export function robustHolders(group: ThreadGroup, mm: AddressSpace): readonly Dying[] {
  const all: Dying[] = [];
  let holders = 0;
  for (const task of group.tasks) {
    if (task.mm !== mm || task.state === TASK_DEAD) continue;
    const runs = task.state === TASK_RUNNING || task.state === TASK_IN_PLATFORM;
    const holds = holdsRobustMutex(task);
    if (holds) holders++;
    task.letsGo = holds && runs;
    all.push({ thread: task.thread, tid: task.tid, head: holds ? task.robustHead : 0, runs });
  }
  return holders > 0 ? all : NOBODY;
}

/** Kills the host process, when they had time for it. */
export function destroyAfter(kernel: Kernel, space: PlatformSpace, dying: readonly Dying[]): void {
  if (dying.length === 0) {
    kernel.destroySpace(space);
    return;
  }
  if (!kernel.destroySpaceSoon(space)) return;
  for (const { thread, tid, head, runs } of dying) {
    // Also those that hold none: they would only keep the others from their CPU.
    if (runs) thread.interrupt();
    else if (head !== 0) thread.replyExit(0, head, tid, false);
  }
}

/** A dead task's thread has posted. */
export function letGo(task: Task): void {
  if (!task.letsGo) return;
  task.letsGo = false;
  task.thread.replyExit(0, task.robustHead, task.tid, false);
}

const robustList = new Uint8Array(24);
const robustWords = new Uint32Array(robustList.buffer);

/** True when the thread's robust list has an entry, or one pending: private ones count too, they do no harm. */
function holdsRobustMutex(task: Task): boolean {
  if (task.robustHead === 0 || task.thread.space.read(task.robustHead, robustList, 0, 24) < 0) return false;
  const first = robustWords[0]! + robustWords[1]! * 4294967296;
  const pending = robustWords[4]! | robustWords[5]!;
  return first !== task.robustHead || pending !== 0;
}
