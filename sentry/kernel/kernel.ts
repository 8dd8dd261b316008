/** The kernel: tables of everything that lives, the loop, and the way from a post to its handler. */
import { EINTR, ENOSYS, ERESTARTNOHAND, ERESTARTSYS } from '../abi/errno.ts';
import { SEGV_MAPERR, SIGKILL, SIGSEGV, SIGSYS } from '../abi/signal.ts';
import { BLOCKED, NO_REPLY } from '../base/result.ts';
import { unimplemented } from '../base/unimplemented.ts';
import type { Platform, PlatformEvents, PlatformSpace, PlatformThread } from '../../platform/platform.ts';
import {
  EVENT_BAD_FRAME,
  EVENT_CLONED,
  EVENT_FAULT,
  EVENT_INTERRUPT,
  EVENT_OPS,
  EVENT_SYSCALL,
} from '../../platform/platform.ts';
import type { AddressSpace } from '../mm/address-space.ts';
import { memoryTotals } from '../mm/describe.ts';
import { growStack } from '../mm/grow-stack.ts';
import { SigInfo } from '../signal/sig-info.ts';
import { Clock, type HostClock } from '../time/clock.ts';
import { Timer, Timers } from '../time/timers.ts';
import { holdPost } from './freeze.ts';
import { limitsOf } from './memory-limits.ts';
import { acceptOwnIo } from './own-io.ts';
import type { PidNamespace } from './pid-namespace.ts';
import { letGo } from './robust.ts';
import { Signals } from './signals.ts';
import type { Task } from './task.ts';
import {
  TASK_BLOCKED,
  TASK_DEAD,
  TASK_HELD,
  TASK_IN_KERNEL,
  TASK_IN_PLATFORM,
  TASK_RUNNING,
  TASK_STOPPED,
} from './task.ts';
import { cloneDone } from './task-clone.ts';
import { endTask, exitTask, killGroup } from './task-exit.ts';
import { onBadFrame, returnToGuest } from './task-signal.ts';
import type { ThreadGroup } from './thread-group.ts';

/** Same as syscalls/table/row.ts's Handler, stated here since the kernel is below it. */
export type SyscallHandler = (task: Task) => number;

/** Writes strace output; null on the kernel when off. */
export interface SyscallTracer {
  enter(task: Task, nr: number): void;
  exit(task: Task, nr: number, result: number): void;
  /** A signal is about to be handled or ignored, or ends the process. */
  signal(task: Task, info: SigInfo): void;
  /** rt_sigreturn(2) has restored the mask. */
  sigreturn(task: Task): void;
  /** The thread has ended; its process does, or did, with this wait status. */
  exited(task: Task, status: number): void;
}

/** Host services beyond the platform; the native addon has them all. */
export interface KernelHost extends HostClock {
  random(buf: Uint8Array, off: number, len: number): number;
  sysinfo(out: Float64Array): number;
}

export interface KernelOptions {
  platform: Platform;
  host: KernelHost;
  /** By syscall number; a hole answers ENOSYS. */
  handlers: readonly (SyscallHandler | undefined)[];
  machine: 'x86_64' | 'aarch64';
  cpuCount: number;
  hostMemoryBytes: number;
}

/** linux/audit.h: EM_386 and __AUDIT_ARCH_LE. */
const AUDIT_ARCH_I386 = 0x40000003;
/** What a dying process has for releasing its robust mutexes. */
const ROBUST_GRACE_NS = 200e6;
/** nr() of an interrupt that ended no call of the stub's own. */
const NO_CALL = 0xffffffff;

/** x86: bit of the page-fault error code. */
const FAULT_WRITE = 2;

export class Kernel implements PlatformEvents {
  readonly platform: Platform;
  readonly host: KernelHost;
  readonly options: KernelOptions;
  readonly handlers: readonly (SyscallHandler | undefined)[];
  readonly clock: Clock;
  readonly timers = new Timers();
  readonly signals: Signals;
  tracer: SyscallTracer | null = null;
  /** Sessions that somebody has logged in to so far. */
  auditSessions = 0;

  /** What the host gives; a container may have fewer (Cgroup.cpuCount). */
  readonly cpuCount: number;
  /** Those that somebody lives in. */
  readonly pidNamespaces = new Set<PidNamespace>();
  /** The task whose call is being handled; null between posts. */
  current: Task | null = null;
  /** Registry of bound AF_UNIX sockets; made and typed by sentry/net. */
  unixSockets: unknown = null;

  private runQueue: Task[] = [];
  private draining: Task[] = [];
  private inDrain = false;
  private readonly destroyed = new WeakSet<PlatformSpace>();

  constructor(options: KernelOptions) {
    this.options = options;
    this.platform = options.platform;
    this.host = options.host;
    this.handlers = options.handlers;
    this.cpuCount = options.cpuCount;
    this.clock = new Clock(options.host);
    this.signals = new Signals(this);
  }

  // ---- the loop
  /**
   * Woken tasks, then posts until the next timer or `deadlineNs`, then due timers. True: Node's own loop has work.
   */
  step(deadlineNs: number): boolean {
    this.drain();
    const nodeWork = this.platform.runOnce(this, Math.min(this.timers.nextDeadlineNs, deadlineNs));
    if (this.timers.nextDeadlineNs !== Infinity) this.timers.fire(this.clock.monotonicNs());
    this.drain();
    return nodeWork;
  }

  /** Puts a task that holds still into the run queue. */
  enqueue(task: Task): void {
    if (task.queued) return;
    task.queued = true;
    this.runQueue.push(task);
  }

  private drain(): void {
    // A task's own doing may bring the platform back here: the outer loop goes on with what it adds.
    if (this.inDrain) return;
    this.inDrain = true;
    while (this.runQueue.length > 0) {
      const batch = this.runQueue;
      this.runQueue = this.draining;
      this.draining = batch;
      // Indexed: the batch is not added to while it runs, since enqueue uses the other array.
      for (let i = 0; i < batch.length; i++) this.resume(batch[i]!);
      batch.length = 0;
    }
    this.inDrain = false;
  }

  /** A task that was woken, continued, let go by its vfork child, or killed. */
  private resume(task: Task): void {
    task.queued = false;
    const { frozen } = task.group;
    if (frozen !== null) {
      frozen.add(task);
      return;
    }
    if (task.heldPost) {
      task.heldPost = false;
      this.onPost(task.thread);
      return;
    }
    const was = task.state;
    if (was !== TASK_BLOCKED && was !== TASK_STOPPED && was !== TASK_HELD) return;
    this.current = task;
    task.state = TASK_IN_KERNEL;
    if (task.killed) {
      exitTask(this, task);
    } else if (was === TASK_BLOCKED) {
      this.rerun(task);
    } else if (was === TASK_HELD) {
      if (task.group.stopped) this.signals.wake(task);
      this.finish(task, task.result);
    } else {
      this.leave(task);
    }
    this.current = null;
  }

  // ---- PlatformEvents
  isPatchable(thread: PlatformThread, ip: number): boolean {
    const mm = thread.space.owner as AddressSpace | null;
    return mm !== null && mm.isPatchable(ip);
  }

  onPost(thread: PlatformThread): void {
    const task = thread.owner as Task | null;
    if (task === null) return;
    if (task.state === TASK_DEAD) {
      letGo(task);
      return;
    }
    if (task.group.frozen !== null) {
      holdPost(task);
      return;
    }
    const event = thread.event();
    this.current = task;
    const wasInPlatform = task.state === TASK_IN_PLATFORM;
    task.state = TASK_IN_KERNEL;
    if (event === EVENT_SYSCALL) {
      thread.readArgs(task.args);
      task.nr = thread.nr();
      task.onOpsFailed = null;
      task.execStarting = false;
      task.dataStart = thread.dataTop;
      if (this.tracer !== null || task.seccomp !== null) this.dispatchWatched(task);
      else this.dispatch(task);
    } else {
      this.onOtherEvent(task, event, wasInPlatform);
    }
    this.current = null;
    if (this.runQueue.length > 0) this.drain();
  }

  onSpaceDeath(space: PlatformSpace): void {
    const mm = space.owner as AddressSpace | null;
    if (mm === null || this.destroyed.has(space)) return;
    this.destroyed.add(space);
    // The host killed it (out of memory) or a guest broke its own stub: its processes end as by SIGKILL.
    for (const group of [...this.allGroups()]) {
      for (const task of group.tasks) {
        if (task.mm !== mm) continue;
        group.ns.cgroup.oomKills++;
        killGroup(this, group, SIGKILL);
        break;
      }
    }
    this.drain();
  }

  private onOtherEvent(task: Task, event: number, wasInPlatform: boolean): void {
    const { thread } = task;
    if (event === EVENT_OPS) {
      this.onOpsDone(task);
      return;
    }
    if (event === EVENT_CLONED) {
      if (wasInPlatform && task.pendingClone !== null) this.onCloned(task);
      return;
    }
    task.inSyscall = false;
    if (event === EVENT_INTERRUPT) {
      const nr = thread.nr();
      if (task.trapped) {
        task.inSyscall = true;
        task.result = task.trapResult;
      } else if (nr !== NO_CALL) {
        this.interruptedStubCall(task, nr);
      }
      task.execStarting = false;
    } else if (event === EVENT_FAULT) {
      this.onFault(task);
    } else if (event === EVENT_BAD_FRAME) {
      onBadFrame(this, task);
    }
    this.leave(task);
  }

  /** A futex wait that the stub did by itself: restarted as futex(2) says, timed ones only without a handler. */
  private interruptedStubCall(task: Task, nr: number): void {
    task.thread.readArgs(task.args);
    task.nr = nr;
    task.stubCall = true;
    task.inSyscall = true;
    task.result = task.arg(3) === 0 ? -ERESTARTSYS : -ERESTARTNOHAND;
  }

  private onFault(task: Task): void {
    const { thread } = task;
    const info = new SigInfo(thread.faultSignal(), thread.faultCode());
    info.addr = thread.faultAddress();
    if (info.signo === SIGSYS) {
      // A call of 32-bit programs: only those can get here.
      info.syscall = thread.faultError();
      info.arch = AUDIT_ARCH_I386;
    }
    if (info.signo === SIGSEGV && info.code === SEGV_MAPERR) {
      const write = (thread.faultError() & FAULT_WRITE) !== 0;
      if (growStack(task.mm, task, limitsOf(task), info.addr, write)) {
        const undo = task.onOpsFailed;
        task.onOpsFailed = (errno) => {
          this.signals.force(task, info);
          return undo === null ? errno : undo(errno);
        };
        return;
      }
    }
    this.signals.force(task, info);
  }

  private onOpsDone(task: Task): void {
    const r = task.thread.opResult();
    const wasInFlight = task.opsInFlight;
    task.opsInFlight = false;
    if (r < 0) {
      // Past the point of no return an execve that fails ends the process (execve(2), NOTES).
      if (task.execStarting) {
        killGroup(this, task.group, SIGSEGV);
        this.leave(task);
        return;
      }
      const undo = task.onOpsFailed;
      task.onOpsFailed = null;
      task.result = undo === null ? r : undo(r);
    }
    if (wasInFlight) task.mm.unlock();
    this.finish(task, task.result);
  }

  private onCloned(task: Task): void {
    const r = cloneDone(this, task);
    if (r !== NO_REPLY) this.finish(task, r);
  }

  // ---- calls
  private dispatch(task: Task): void {
    const handler = this.handlers[task.nr];
    this.finish(task, handler === undefined ? this.unknownCall(task.nr) : handler(task));
  }

  private dispatchWatched(task: Task): void {
    if (task.seccomp !== null) {
      const verdict = task.seccomp.check(this, task);
      if (verdict !== null) {
        this.finish(task, verdict);
        return;
      }
    }
    this.tracer?.enter(task, task.nr);
    this.dispatch(task);
  }

  private unknownCall(nr: number): number {
    unimplemented(`syscall ${nr}`);
    return -ENOSYS;
  }

  /** Runs the call in progress again, from its start. */
  private rerun(task: Task): void {
    task.leaveQueues();
    task.retry = true;
    task.thread.clearReply();
    task.thread.dataTop = task.dataStart;
    const handler = this.handlers[task.nr];
    this.finish(task, handler === undefined ? -ENOSYS : handler(task));
  }

  /** What becomes of a handler's result. */
  private finish(task: Task, result: number): void {
    if (result > -ERESTARTSYS && !task.attention) {
      if (task.dirty) task.completeCall();
      task.result = result;
      const { thread } = task;
      if (task.ownIo !== null) acceptOwnIo(task);
      if (thread.ackOps) this.markOpsInFlight(task);
      else task.state = TASK_RUNNING;
      if (this.tracer !== null) this.noteReply(task, result);
      thread.replyReturn(result, false);
      return;
    }
    if (result === BLOCKED) {
      this.park(task);
      return;
    }
    if (result === NO_REPLY) return;
    task.result = result;
    task.inSyscall = true;
    const { thread } = task;
    if (thread.ackOps && !task.killed) {
      this.markOpsInFlight(task);
      this.noteReply(task, result);
      thread.replyReturn(result, false);
      return;
    }
    this.leave(task);
  }

  /** Back to the guest by way of signals, stops and death; a restarted call runs at once. */
  private leave(task: Task): void {
    if (returnToGuest(this, task)) return;
    task.interrupted = false;
    if (task.restarts++ > 2) {
      // A handler that reports a signal where none is would run forever.
      task.restarts = 0;
      task.result = -EINTR;
      this.leave(task);
      return;
    }
    this.rerun(task);
  }

  private markOpsInFlight(task: Task): void {
    task.opsInFlight = true;
    task.state = TASK_IN_PLATFORM;
  }

  private park(task: Task): void {
    task.restarts = 0;
    task.state = TASK_BLOCKED;
    task.inSyscall = true;
    if (task.deadlineNs !== Infinity && !task.sleepTimer.armed && !task.timedOut) {
      this.timers.arm(task.sleepTimer, task.deadlineNs);
    }
    task.interrupted = false;
    if (task.attention && this.signals.deliverable(task)) this.signals.wake(task);
  }

  /** Tells the tracer how a call ended. */
  noteReply(task: Task, result: number): void {
    if (this.tracer === null || task.nr < 0) return;
    this.tracer.exit(task, task.nr, result);
  }

  // ---- for the parts of the kernel
  endTask(task: Task): void {
    endTask(this, task);
  }

  /** Kills the host process behind a space, once. */
  destroySpace(space: PlatformSpace): void {
    if (this.destroyed.has(space)) return;
    this.destroyed.add(space);
    space.destroy();
  }

  /** The same after a while, for threads that have something left to do; false when it is done already. */
  destroySpaceSoon(space: PlatformSpace): boolean {
    if (this.destroyed.has(space)) return false;
    this.destroyed.add(space);
    this.timers.arm(new Timer(() => space.destroy()), this.clock.monotonicNs() + ROBUST_GRACE_NS);
    return true;
  }

  /** Every process of every container, zombies too. */
  *allGroups(): IterableIterator<ThreadGroup> {
    for (const ns of this.pidNamespaces) yield* ns.groups.values();
  }

  /** Every live thread of every container. */
  *allTasks(): IterableIterator<Task> {
    for (const group of this.allGroups()) yield* group.tasks;
  }

  /** Tasks whose real uid is `uid` (RLIMIT_NPROC): also zombies, until somebody has waited for them. */
  countTasksOf(uid: number): number {
    let count = 0;
    for (const { tasks, leader } of this.allGroups()) {
      for (const task of tasks) if (task.creds.uid === uid) count++;
      if (!tasks.has(leader) && leader.creds.uid === uid) count++;
    }
    return count;
  }

  /** Estimated resident memory of the task's address space in KiB. */
  residentKib(task: Task): number {
    return Math.floor(memoryTotals(task.mm).resident / 1024);
  }
}
