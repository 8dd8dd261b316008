/** Process ids: allocation, and making and dropping of groups and sessions that ids stand for. */
import { EAGAIN, ENOMEM } from '../abi/errno.ts';
import type { Namespaces } from './namespaces.ts';
import type { PidNamespace } from './pid-namespace.ts';
import { ProcessGroup, Session } from './process-group.ts';
import type { ThreadGroup } from './thread-group.ts';

/** After the first round low ids are left to daemons that live long (as Linux's RESERVED_PIDS). */
const RESERVED_PIDS = 300;

/** An id that names no task, group or session; -EAGAIN when the container's limit is reached, -ENOMEM without an init. */
export function allocatePid({ pid: ns, cgroup }: Namespaces): number {
  if (ns.ended) return -ENOMEM;
  if (cgroup.refusesTask()) return -EAGAIN;
  for (let tries = 0; tries < ns.pidMax; tries++) {
    let pid = ns.lastPid + 1;
    if (pid >= ns.pidMax) pid = RESERVED_PIDS;
    ns.lastPid = pid;
    if (!ns.pids.has(pid) && !ns.processGroups.has(pid) && !ns.sessions.has(pid)) return pid;
  }
  return -EAGAIN;
}

/** setsid(2): a new session with one new process group, both led by `group`. */
export function newSession(group: ThreadGroup): Session {
  const session = new Session(group.tgid, group);
  group.ns.pid.sessions.set(session.sid, session);
  moveToProcessGroup(group, newProcessGroup(group.ns.pid, group.tgid, session));
  return session;
}

export function newProcessGroup(ns: PidNamespace, pgid: number, session: Session): ProcessGroup {
  const pgrp = new ProcessGroup(pgid, session);
  ns.processGroups.set(pgid, pgrp);
  return pgrp;
}

export function moveToProcessGroup(group: ThreadGroup, pgrp: ProcessGroup): void {
  const old = group.pgrp;
  if (old === pgrp) {
    pgrp.members.add(group);
    return;
  }
  pgrp.members.add(group);
  group.pgrp = pgrp;
  group.session = pgrp.session;
  leaveProcessGroup(group, old);
}

/** Takes the group out of its process group; the last member takes the id, and maybe the session, with it. */
export function leaveProcessGroup(group: ThreadGroup, pgrp: ProcessGroup): void {
  pgrp.members.delete(group);
  if (pgrp.members.size > 0) return;
  const { session } = pgrp;
  const { processGroups, sessions } = group.ns.pid;
  if (processGroups.get(pgrp.pgid) === pgrp) processGroups.delete(pgrp.pgid);
  session.groups.delete(pgrp);
  if (session.groups.size === 0 && sessions.get(session.sid) === session) sessions.delete(session.sid);
}
