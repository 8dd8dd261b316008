/** A thread group: what POSIX calls a process. Its tasks share signals, limits, timers and the parent's attention. */
import type { SpaceSource } from '../../platform/platform.ts';
import type { SubCgroup } from './sub-cgroup.ts';
import { DOUBLE_ZERO } from '../base/double.ts';
import { SIGCHLD } from '../abi/signal.ts';
import { WaitQueue } from '../base/wait-queue.ts';
import { SignalActions } from '../signal/actions.ts';
import { PendingSignals } from '../signal/pending.ts';
import type { GroupTimers } from './group-timers.ts';
import type { Namespaces } from './namespaces.ts';
import type { ProcessGroup, Session } from './process-group.ts';
import { Rlimits } from './rlimits.ts';
import type { Task } from './task.ts';

/** Resource usage of finished threads or waited-for children; CPU times in ns. */
export class Usage {
  userNs = DOUBLE_ZERO;
  systemNs = DOUBLE_ZERO;
  maxRssKib = DOUBLE_ZERO;

  add(other: Usage): void {
    this.userNs += other.userNs;
    this.systemNs += other.systemNs;
    this.maxRssKib = Math.max(this.maxRssKib, other.maxRssKib);
  }
}

export class ThreadGroup {
  readonly tgid: number;
  readonly ns: Namespaces;
  /** Set before it runs. */
  subCgroup: SubCgroup | null = null;
  /** The task with tid === tgid; after a non-leader's execve that task. Exited but not reaped: stays. */
  leader!: Task;
  /** Live tasks. */
  readonly tasks = new Set<Task>();
  /** null for init and for processes that the control server started. */
  parent: ThreadGroup | null;
  /** The thread of `parent` that made it (wait4's __WNOTHREAD, PR_SET_PDEATHSIG). */
  parentTask: Task | null = null;
  readonly children = new Set<ThreadGroup>();
  /** Notified (any bit) when a child changes state. */
  readonly childQueue = new WaitQueue();
  /** Notified when it becomes a zombie: pidfds. */
  readonly exitQueue = new WaitQueue();
  session: Session;
  pgrp: ProcessGroup;
  limits = new Rlimits();
  /** Sent to the parent when it ends; 0: none. */
  exitSignal = SIGCHLD;

  // ---- signals
  actions = new SignalActions();
  readonly pending = new PendingSignals();
  /** Init of the pid namespace: signals without a handler do nothing to it (SIGKILL and SIGSTOP too). */
  unkillable = false;

  // ---- life and death
  /** exit_group or a fatal signal has begun: every task leaves. */
  exiting = false;
  /** wait status as wait4(2) encodes it; valid once `exiting` or `zombie`. */
  exitStatus = 0;
  zombie = false;
  /** It has ended, and its parent has not heard of it yet: for whoever started it from outside. */
  onEnd: ((status: number) => void) | null = null;
  /** Reaped: gone from every table. */
  dead = false;
  /** execve waits for its siblings' end: that task. */
  execTask: Task | null = null;
  /** execve has happened since fork (setpgid(2) EACCES). */
  didExec = false;
  /** PR_SET_CHILD_SUBREAPER, of this process; inherited knowledge is looked up along the parents. */
  childSubreaper = false;

  // ---- job control
  /** All tasks are (to be) stopped. */
  stopped = false;
  stopSignal = 0;
  /** Every task has parked and the parent was told. */
  stopNotified = false;
  /** Stop or continue not yet fetched by waitid: the signal, or 0. */
  stopReport = 0;
  continueReport = false;

  /** Stopped from outside (freeze.ts): its tasks that have something to do, in the order of their coming; else null. */
  frozen: Set<Task> | null = null;

  // ---- accounting
  readonly startNs: number;
  readonly usage = new Usage();
  readonly childUsage = new Usage();
  /** CPU ns of its address space that it did not use itself; see cpu-time.ts. */
  cpuBaseNs = DOUBLE_ZERO;
  /** Made on demand. */
  timers: GroupTimers | null = null;
  oomScoreAdj = 0;
  /** PR_SET_DUMPABLE: 0, 1 or 2. */
  dumpable = 1;
  thpDisable = false;
  /** membarrier(2) commands registered. */
  membarriers = 0;

  constructor(tgid: number, ns: Namespaces, parent: ThreadGroup | null, pgrp: ProcessGroup, startNs: number) {
    this.tgid = tgid;
    this.ns = ns;
    this.parent = parent;
    this.pgrp = pgrp;
    this.session = pgrp.session;
    this.startNs = startNs;
  }

  /** True for the first process of a session. */
  get isSessionLeader(): boolean {
    return this.session.sid === this.tgid;
  }

  /** Where its address spaces come from. */
  get spaces(): SpaceSource {
    return (this.subCgroup ?? this.ns.cgroup).spaces;
  }

  get live(): boolean {
    return this.tasks.size > 0;
  }
}
