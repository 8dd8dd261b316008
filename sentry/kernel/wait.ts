/** Finding and fetching the state changes of children (wait(2)). */
import { CLD_CONTINUED, CLD_STOPPED, SIGCHLD, SIGCONT } from '../abi/signal.ts';
import { WCONTINUED, WEXITED, WSTOPPED, __WALL, __WCLONE, __WNOTHREAD } from '../abi/wait.ts';
import { SigInfo } from '../signal/sig-info.ts';
import type { Task } from './task.ts';
import { childInfo, reap } from './task-exit.ts';
import type { ThreadGroup } from './thread-group.ts';

/** Which children: `null` matches all. */
export interface WaitFilter {
  pid: number | null;
  pgid: number | null;
  group: ThreadGroup | null;
  /** W and __W options. */
  options: number;
}

export const EVENT_EXITED = 1;
export const EVENT_STOPPED = 2;
export const EVENT_CONTINUED = 3;

export interface ChildEvent {
  readonly group: ThreadGroup;
  readonly kind: number;
}

/** The first child with something to report; `true` when suitable children exist but none has; false: ECHILD. */
export function findChildEvent(task: Task, filter: WaitFilter): ChildEvent | boolean {
  const { options } = filter;
  let any = false;
  for (const child of task.group.children) {
    if (!matches(task, child, filter)) continue;
    if (child.zombie) {
      if ((options & WEXITED) !== 0) return { group: child, kind: EVENT_EXITED };
      // It will never stop or go on: nothing to wait for.
      continue;
    }
    any = true;
    if (child.stopReport !== 0 && (options & WSTOPPED) !== 0) return { group: child, kind: EVENT_STOPPED };
    if (child.continueReport && (options & WCONTINUED) !== 0) return { group: child, kind: EVENT_CONTINUED };
  }
  return any;
}

function matches(task: Task, child: ThreadGroup, filter: WaitFilter): boolean {
  if (filter.pid !== null && child.tgid !== filter.pid) return false;
  if (filter.pgid !== null && child.pgrp.pgid !== filter.pgid) return false;
  if (filter.group !== null && child !== filter.group) return false;
  if ((filter.options & __WNOTHREAD) !== 0 && child.parentTask !== task) return false;
  if ((filter.options & __WALL) !== 0) return true;
  const isClone = child.exitSignal !== SIGCHLD;
  return isClone === ((filter.options & __WCLONE) !== 0);
}

/** The event as waitid(2)'s siginfo_t. */
export function eventInfo(event: ChildEvent): SigInfo {
  const { group } = event;
  if (event.kind === EVENT_EXITED) return childInfo(group, SIGCHLD);
  const info = new SigInfo(SIGCHLD, event.kind === EVENT_STOPPED ? CLD_STOPPED : CLD_CONTINUED);
  info.pid = group.tgid;
  info.uid = group.leader.creds.uid;
  info.status = event.kind === EVENT_STOPPED ? group.stopReport : SIGCONT;
  return info;
}

/** The event as wait4(2)'s status word. */
export function eventStatus(event: ChildEvent): number {
  if (event.kind === EVENT_EXITED) return event.group.exitStatus;
  return event.kind === EVENT_STOPPED ? (event.group.stopReport << 8) | 0x7f : 0xffff;
}

/** Fetched: a zombie goes, a report is not made again. */
export function consumeEvent(event: ChildEvent): void {
  const { group } = event;
  if (event.kind === EVENT_STOPPED) {
    group.stopReport = 0;
  } else if (event.kind === EVENT_CONTINUED) {
    group.continueReport = false;
  } else {
    const parent = group.parent;
    if (parent !== null) {
      parent.childUsage.add(group.usage);
      parent.childUsage.add(group.childUsage);
    }
    reap(group);
  }
}
