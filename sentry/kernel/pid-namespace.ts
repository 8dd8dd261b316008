/** A pid namespace (pid_namespaces(7)): who is in it, under which numbers, and its init. Namespaces are siblings, not nested. */
import type { ProcessGroup, Session } from './process-group.ts';
import type { Task } from './task.ts';
import type { ThreadGroup } from './thread-group.ts';

export class PidNamespace {
  /** Live and zombie-leader tasks by tid. */
  readonly pids = new Map<number, Task>();
  readonly groups = new Map<number, ThreadGroup>();
  readonly processGroups = new Map<number, ProcessGroup>();
  readonly sessions = new Map<number, Session>();
  pidMax = 4194304;
  lastPid = 0;
  /** Live tasks. */
  taskCount = 0;
  /** The first process: orphans go to it, and its end is the namespace's. */
  init: ThreadGroup | null = null;
  /** Init is gone: nobody can be made here any more. */
  ended = false;
}
