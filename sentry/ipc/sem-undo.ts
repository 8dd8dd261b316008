/** What the end of a process gives back to semaphores (semop(2), SEM_UNDO). */
import type { SemaphoreSet } from './sem.ts';

/** struct sem_undo: adjustments of one set, by semaphore; a semaphore that has none is not in it. */
export type Adjustments = Map<number, number>;

/** struct sem_undo_list: shared by threads, and by whoever is made with CLONE_SYSVSEM. */
export class SemUndoList {
  /** Tasks that share it. */
  users = 1;
  readonly sets = new Map<SemaphoreSet, Adjustments>();

  /** The adjustments of a set, made on demand. */
  of(set: SemaphoreSet): Adjustments {
    let adjustments = this.sets.get(set);
    if (adjustments === undefined) {
      adjustments = new Map();
      this.sets.set(set, adjustments);
      set.undoLists.add(this);
    }
    return adjustments;
  }

  /** A task ends or stops sharing it; with the last one everything is given back. */
  release(pid: number, nowSec: number): void {
    if (--this.users > 0) return;
    for (const [set, adjustments] of this.sets) {
      set.undoLists.delete(this);
      set.giveBack(adjustments, pid, nowSec);
    }
    this.sets.clear();
  }
}
