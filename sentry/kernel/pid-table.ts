/** Process ids: allocation, and making and dropping of groups and sessions that ids stand for. */
import { EAGAIN } from '../abi/errno.ts';
import type { Kernel } from './kernel.ts';
import { ProcessGroup, Session } from './process-group.ts';
import type { ThreadGroup } from './thread-group.ts';

/** After the first round low ids are left to daemons that live long (as Linux's RESERVED_PIDS). */
const RESERVED_PIDS = 300;

/** An id that names no task, group or session; -EAGAIN when the container's limit is reached. */
export function allocatePid(kernel: Kernel): number {
  const limit = kernel.options.pidsLimit;
  if (limit > 0 && kernel.taskCount >= limit) return -EAGAIN;
  for (let tries = 0; tries < kernel.pidMax; tries++) {
    let pid = kernel.lastPid + 1;
    if (pid >= kernel.pidMax) pid = RESERVED_PIDS;
    kernel.lastPid = pid;
    if (!kernel.pids.has(pid) && !kernel.processGroups.has(pid) && !kernel.sessions.has(pid)) return pid;
  }
  return -EAGAIN;
}

/** setsid(2): a new session with one new process group, both led by `group`. */
export function newSession(kernel: Kernel, group: ThreadGroup): Session {
  const session = new Session(group.tgid, group);
  kernel.sessions.set(session.sid, session);
  moveToProcessGroup(kernel, group, newProcessGroup(kernel, group.tgid, session));
  return session;
}

export function newProcessGroup(kernel: Kernel, pgid: number, session: Session): ProcessGroup {
  const pgrp = new ProcessGroup(pgid, session);
  kernel.processGroups.set(pgid, pgrp);
  return pgrp;
}

export function moveToProcessGroup(kernel: Kernel, group: ThreadGroup, pgrp: ProcessGroup): void {
  const old = group.pgrp;
  if (old === pgrp) {
    pgrp.members.add(group);
    return;
  }
  pgrp.members.add(group);
  group.pgrp = pgrp;
  group.session = pgrp.session;
  leaveProcessGroup(kernel, group, old);
}

/** Takes the group out of its process group; the last member takes the id, and maybe the session, with it. */
export function leaveProcessGroup(kernel: Kernel, group: ThreadGroup, pgrp: ProcessGroup): void {
  pgrp.members.delete(group);
  if (pgrp.members.size > 0) return;
  const { session } = pgrp;
  if (kernel.processGroups.get(pgrp.pgid) === pgrp) kernel.processGroups.delete(pgrp.pgid);
  session.groups.delete(pgrp);
  if (session.groups.size === 0 && kernel.sessions.get(session.sid) === session)
    kernel.sessions.delete(session.sid);
}
