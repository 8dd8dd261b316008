/** The point of no return of execve(2): siblings go, the new image replaces the old, attributes are reset. */
import { SIGCHLD, SS_DISABLE } from '../abi/signal.ts';
import { SECBIT_KEEP_CAPS } from '../abi/capability.ts';
import type { PlatformThread } from '../../platform/platform.ts';
import type { Credentials } from '../auth/credentials.ts';
import type { AddressSpace } from '../mm/address-space.ts';
import { closeCpuAccount } from './cpu-time.ts';
import type { Kernel } from './kernel.ts';
import { leavePi } from './pi-futex.ts';
import { destroyAfter, robustHolders } from './robust.ts';
import type { Task } from './task.ts';
import { TASK_DEAD, TASK_RUNNING } from './task.ts';
import { exitTask, releaseVfork } from './task-exit.ts';

/** A program ready to start: made by sentry/loader. */
export interface ProgramImage {
  /** A thread of a blank space with all operations queued. */
  readonly thread: PlatformThread;
  readonly mm: AddressSpace;
  readonly ip: number;
  readonly sp: number;
}

/** Replaces the task's program; the caller's syscall ends with NO_REPLY. `name` becomes comm. */
export function commitExec(
  kernel: Kernel,
  task: Task,
  image: ProgramImage,
  creds: Credentials,
  name: string,
  dumpable: boolean,
): void {
  const { group } = task;
  const oldThread = task.thread;
  const oldMm = task.mm;
  // Nobody outside this group uses the old space: its host process can go with all siblings in it.
  const destroyOld = oldMm.users === countUsers(task);
  const holders = destroyOld ? robustHolders(group, oldMm) : [];
  const oldTid = task.tid;
  closeCpuAccount(group);
  endSiblings(kernel, task, destroyOld);
  takeOverLeadership(task);

  if (task.files.users > 1) {
    const own = task.files.clone(group.limits);
    task.files.users--;
    task.files = own;
  }
  task.files.leaveSpace();
  task.files.closeCloexec(task);
  if (group.actions.refs > 1) {
    group.actions.refs--;
    group.actions = group.actions.clone();
  }
  group.actions.resetHandlers();
  group.timers?.onExec();

  task.completeCall();
  leavePi(task);
  if (destroyOld) destroyAfter(kernel, oldMm.space, holders);
  else oldThread.replyExit(task.clearTid, task.robustHead, oldTid, false);
  oldThread.owner = null;
  oldMm.release();
  releaseVfork(kernel, task);

  task.thread = image.thread;
  task.mm = image.mm;
  image.thread.owner = task;
  image.thread.space.owner = image.mm;
  if (creds.euid !== task.creds.euid || creds.egid !== task.creds.egid) task.pdeathSignal = 0;
  task.creds = creds.with({ securebits: creds.securebits & ~SECBIT_KEEP_CAPS });
  task.name = name.slice(0, 15);
  task.clearTid = 0;
  task.robustHead = 0;
  task.altSp = 0;
  task.altSize = 0;
  task.altFlags = SS_DISABLE;
  task.hasSavedMask = false;
  task.onOpsFailed = null;
  task.opsInFlight = false;
  task.trapped = false;
  task.stubCall = false;
  task.inSyscall = false;
  task.execStarting = true;
  task.timerSlackNs = task.defaultTimerSlackNs;
  group.didExec = true;
  group.exitSignal = SIGCHLD;
  group.dumpable = dumpable ? 1 : 0;

  task.state = TASK_RUNNING;
  kernel.noteReply(task, 0);
  image.thread.replyStart(image.ip, image.sp);
  kernel.signals.recalculate(task);
  if (task.attention) image.thread.interrupt();
}

function countUsers(task: Task): number {
  let n = 0;
  for (const other of task.group.tasks) if (other.mm === task.mm) n++;
  return n;
}

/** All other threads of the group leave (execve(2), "Effect on process attributes"). */
function endSiblings(kernel: Kernel, task: Task, together: boolean): void {
  for (const other of [...task.group.tasks]) {
    if (other === task || other.state === TASK_DEAD) continue;
    other.killed = true;
    other.attention = true;
    if (together) {
      other.diesWithSpace = true;
      exitTask(kernel, other);
    } else {
      kernel.endTask(other);
    }
  }
}

/** A thread that execs becomes the leader, with the leader's id. */
function takeOverLeadership(task: Task): void {
  const { group } = task;
  const { leader } = group;
  if (leader === task) return;
  const { pids } = task.pidns;
  pids.delete(task.tid);
  task.tid = group.tgid;
  pids.set(task.tid, task);
  group.leader = task;
  for (const child of group.children) if (child.parentTask === leader) child.parentTask = task;
}
