/** Which host processes a container's processes are (`runsc ps`, and so the managers' top). */
import type { ThreadGroup } from '../../sentry/kernel/thread-group.ts';

/**
 * Of what its processes have forked: init and those that `exec` added have stand-ins, whose pids managers know them by.
 * A child of vfork(2) has none of its own before it executes a program.
 */
export function forkedPids(groups: ReadonlySet<ThreadGroup>): number[] {
  const pids = new Set<number>();
  const represented = new Set<number>();
  for (const { parent, zombie, leader } of groups) {
    const { pid } = leader.mm.space;
    if (pid <= 0 || zombie) continue;
    (parent === null ? represented : pids).add(pid);
  }
  return [...pids].filter((pid) => !represented.has(pid));
}
