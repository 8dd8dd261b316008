/** Processes that no guest forked: a container's init, and those that the control server adds (runsc exec). */
import { RLIMIT_CPU } from '../abi/resource.ts';
import type { PlatformThread } from '../../platform/platform.ts';
import type { Credentials } from '../auth/credentials.ts';
import type { AddressSpace } from '../mm/address-space.ts';
import { allCpus } from './cpus.ts';
import type { FdTable } from './fd-table.ts';
import type { FsContext } from './fs-context.ts';
import { groupTimers } from './group-timers.ts';
import type { Kernel } from './kernel.ts';
import type { Namespaces } from './namespaces.ts';
import { allocatePid, newProcessGroup } from './pid-table.ts';
import { Session } from './process-group.ts';
import type { Rlimits } from './rlimits.ts';
import { TASK_RUNNING, Task } from './task.ts';
import { ThreadGroup } from './thread-group.ts';

export interface ProcessSpec {
  ns: Namespaces;
  creds: Credentials;
  fs: FsContext;
  files: FdTable;
  limits: Rlimits;
  noNewPrivs: boolean;
  oomScoreAdj: number;
  /** comm. */
  name: string;
}

/** A started program image from sentry/loader, or a negated errno. */
export interface ProcessImage {
  readonly thread: PlatformThread;
  readonly mm: AddressSpace;
  readonly ip: number;
  readonly sp: number;
}

/**
 * Makes a task in a session of its own that has not begun to run: sentry/loader needs one to load on its behalf. Only
 * its number is taken: nobody can see it before startProcess(). The first one of a pid namespace is its init (pid 1).
 */
export function createProcess(kernel: Kernel, spec: ProcessSpec): Task | number {
  const { ns } = spec;
  const pid = allocatePid(ns);
  if (pid < 0) return pid;
  const session = new Session(pid, null);
  ns.pid.sessions.set(pid, session);
  const pgrp = newProcessGroup(ns.pid, pid, session);
  const group = new ThreadGroup(pid, ns, null, pgrp, kernel.clock.monotonicNs());
  session.leader = group;
  group.limits = spec.limits;
  group.oomScoreAdj = spec.oomScoreAdj;
  spec.files.limits = spec.limits;
  const task = new Task(kernel, pid, group, {
    creds: spec.creds,
    fs: spec.fs,
    files: spec.files,
    // Replaced by startProcess before anything can look at it.
    mm: null as unknown as AddressSpace,
    name: spec.name,
    affinity: allCpus(ns.cgroup.cpuCount),
  });
  task.noNewPrivs = spec.noNewPrivs;
  group.leader = task;
  kernel.signals.adopt(group.pending);
  kernel.signals.adopt(task.pending);
  if (ns.pid.init === null) {
    ns.pid.init = group;
    group.unkillable = true;
  } else {
    // Its children find init as any orphan does; it has itself no parent inside.
    group.exitSignal = 0;
  }
  return task;
}

/** From now on the process is in every table. */
export function enterProcess(task: Task): void {
  const { group, kernel, tid } = task;
  const { pid: ns, cgroup } = group.ns;
  kernel.pidNamespaces.add(ns);
  group.tasks.add(task);
  group.pgrp.members.add(group);
  ns.groups.set(tid, group);
  ns.pids.set(tid, task);
  ns.taskCount++;
  cgroup.groups.add(group);
  cgroup.addTask();
}

/** Takes back a created process that is not going to be started. */
export function dropProcess(task: Task): void {
  const { group } = task;
  const { pid: ns } = group.ns;
  task.files.release(task);
  task.fs.release();
  ns.processGroups.delete(group.pgrp.pgid);
  ns.sessions.delete(group.session.sid);
  if (ns.init === group) ns.ended = true;
}

/** Lets a created process run its image. */
export function startProcess(task: Task, image: ProcessImage, name: string): void {
  enterProcess(task);
  task.mm = image.mm;
  task.thread = image.thread;
  image.thread.owner = task;
  image.thread.space.owner = image.mm;
  task.name = name.slice(0, 15);
  task.group.didExec = true;
  task.execStarting = true;
  task.state = TASK_RUNNING;
  if (task.group.limits.soft[RLIMIT_CPU] !== Infinity) groupTimers(task.kernel, task.group).watchCpuLimit();
  image.thread.replyStart(image.ip, image.sp);
  if (task.attention) image.thread.interrupt();
}
