// Turns this process into the native launcher: same pid, same parent, no Node left behind.

import { readlinkSync } from 'node:fs';

import { addon } from '../../native/addon.ts';

import type { LaunchPlan } from './launch-plan.ts';
import type { SandboxPrograms } from './package-files.ts';

const F_SETFD = 2;

/**
 * Never returns; throws when the launcher can't be executed. `preserve`: how many descriptors from 3 up stay. `args`:
 * what the process is that the launcher stands for, for whoever reads `ps` or `docker top`.
 */
export function execLauncher(
  programs: SandboxPrograms,
  plan: LaunchPlan,
  id: string,
  preserve: number,
  args: readonly string[] = [],
): never {
  const fd = writePlan(plan.encode());
  checkPreserved(preserve);
  // Node marks every descriptor that it inherits as close-on-exec, the standard ones too.
  for (let kept = 0; kept < 3 + preserve; kept++) addon.fcntl(kept, F_SETFD, 0);
  addon.fcntl(fd, F_SETFD, 0);
  const error = addon.execve(programs.launcher, ['runsc', String(fd), id, ...shown(args)], []);
  throw new Error(`exec ${programs.launcher}: errno ${-error}`);
}

const SHOWN_CHARACTERS = 2048;

/** As much of the arguments as somebody may read. */
function shown(args: readonly string[]): string[] {
  const kept: string[] = [];
  let left = SHOWN_CHARACTERS;
  for (const arg of args) {
    if (left <= 0) break;
    kept.push(arg.slice(0, left));
    left -= arg.length + 1;
  }
  return kept;
}

/** The launcher finds the plan by the descriptor's number, its first argument. */
function writePlan(bytes: Buffer): number {
  const fd = addon.memfdCreate('runsc-plan', 0);
  if (fd < 0) throw new Error(`memfd_create: errno ${-fd}`);
  for (let done = 0; done < bytes.length;) {
    const written = addon.pwrite(fd, bytes, done, bytes.length - done, done);
    if (written <= 0) throw new Error(`write the launch plan: errno ${-written}`);
    done += written;
  }
  return fd;
}

/** A number that the caller left free is Node's own by now; the first that Node takes is its epoll instance. */
function checkPreserved(count: number): void {
  for (let index = 0; index < count; index++) {
    let target: string;
    try {
      target = readlinkSync(`/proc/self/fd/${3 + index}`);
    } catch {
      target = '';
    }
    if (target === '' || target === 'anon_inode:[eventpoll]') {
      throw new Error(`unable to stat preserved-fd ${index} (of ${count}): no such file or directory`);
    }
  }
}
