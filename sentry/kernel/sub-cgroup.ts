/** Processes that are in a cgroup of the host below their container's: one that was added there, and all that it forks. */
import type { SpaceSource } from '../../platform/platform.ts';
import type { ThreadGroup } from './thread-group.ts';

export class SubCgroup {
  readonly spaces: SpaceSource;
  private readonly groups = new Set<ThreadGroup>();
  private readonly onEmpty: () => void;
  private ended = false;

  /** `onEmpty`: nobody is left in it, and nobody can come. */
  constructor(spaces: SpaceSource, onEmpty: () => void) {
    this.spaces = spaces;
    this.onEmpty = onEmpty;
  }

  enter(group: ThreadGroup): void {
    this.groups.add(group);
    group.subCgroup = this;
  }

  leave(group: ThreadGroup): void {
    this.groups.delete(group);
    this.endUnused();
  }

  /** Once, when nobody is in it. */
  endUnused(): void {
    if (this.ended || this.groups.size > 0) return;
    this.ended = true;
    this.onEmpty();
  }
}
