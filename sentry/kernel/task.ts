/** A task: one guest thread as the kernel knows it. Behaviour is in task-*.ts; here is what it is. */
import { DOUBLE_ZERO } from '../base/double.ts';
import { SIGPIPE, SI_KERNEL, SI_USER } from '../abi/signal.ts';
import { RLIMIT_FSIZE } from '../abi/resource.ts';
import type { Credentials } from '../auth/credentials.ts';
import type { SemUndoList } from '../ipc/sem-undo.ts';
import type { AddressSpace } from '../mm/address-space.ts';
import { PendingSignals } from '../signal/pending.ts';
import { sigInfo } from '../signal/sig-info.ts';
import { UNBLOCKABLE_LO } from '../signal/sig-set.ts';
import type { CallerContext, OwnIo } from '../vfs/context.ts';
import type { FileDescription } from '../vfs/file-description.ts';
import type { Path } from '../vfs/path.ts';
import type { FdTable } from './fd-table.ts';
import type { FsContext } from './fs-context.ts';
import type { Kernel } from './kernel.ts';
import type { PiState, PiWaiter } from './pi-futex.ts';
import type { PidNamespace } from './pid-namespace.ts';
import type { PendingClone } from './task-clone.ts';
import { TaskBlock } from './task-block.ts';
import type { ThreadGroup } from './thread-group.ts';

// Task.state
/** In guest code (or about to post). */
export const TASK_RUNNING = 0;
/** A handler is at work on its post. */
export const TASK_IN_KERNEL = 1;
/** Its handler returned BLOCKED. */
export const TASK_BLOCKED = 2;
/** Posted and held: job-control stop. */
export const TASK_STOPPED = 3;
/** The platform does something for it: a clone, host memory operations, an execve's new image. */
export const TASK_IN_PLATFORM = 4;
/** Held until a vfork child lets go, or until its siblings are gone (execve). */
export const TASK_HELD = 5;
export const TASK_DEAD = 6;

const O_PATH = 0o10000000;

export class Task extends TaskBlock implements CallerContext {
  readonly kernel: Kernel;
  /** Changes only when a non-leader's execve takes over the leader's id. */
  tid: number;
  group: ThreadGroup;
  creds: Credentials;
  fs: FsContext;
  files: FdTable;
  mm: AddressSpace;
  /** comm: at most 15 bytes. */
  name: string;

  // ---- the call in progress
  ownIo: OwnIo | null = null;
  state = TASK_IN_KERNEL;
  /** Number of the syscall in progress, or -1. */
  nr = -1;
  /** A result held back while stopped or until the full-context trap. */
  result = DOUBLE_ZERO;
  /** True while `result` is a syscall's and a restart code in it still means something. */
  inSyscall = false;
  /** The call's -EINTR was returned with a trap: the signal, or the restart, comes with the next event. */
  trapped = false;
  trapResult = DOUBLE_ZERO;
  /** The interrupted "call" is one that the stub runs by itself (a futex wait). */
  stubCall = false;
  /** Host memory operations await their EVENT_OPS and the address space is locked for them. */
  opsInFlight = false;
  /** execve's operations are on their way: a failure is fatal. */
  execStarting = false;
  /** data area as it was when the call began: where a re-run starts again. */
  dataStart = 0;
  pendingClone: PendingClone | null = null;
  /** It posted while its group was frozen. */
  heldPost = false;
  /** Something must be looked at before guest code runs: signals, stops, death. The hot path tests only this. */
  attention = false;

  // ---- signals
  maskLo = 0;
  maskHi = 0;
  readonly pending = new PendingSignals();
  /** sigsuspend, ppoll…: the mask to go back to; hasSavedMask tells if there is one. */
  savedMaskLo = 0;
  savedMaskHi = 0;
  hasSavedMask = false;
  /** Set that a sigtimedwait(2) in progress waits for. */
  waitSetLo = 0;
  waitSetHi = 0;
  /** The frame sent last, in case it does not fit. */
  frameSigno = 0;
  frameMaskLo = 0;
  frameMaskHi = 0;
  altSp = DOUBLE_ZERO;
  altSize = DOUBLE_ZERO;
  /** SS_ flags as sigaltstack(2) keeps them. */
  altFlags = 2;
  /** The group is exiting or this thread alone is to leave: nothing else matters. */
  killed = false;
  /** Its host thread is about to end together with the space: no farewell is needed. */
  diesWithSpace = false;
  /** Dead, but its host thread has robust mutexes to let go of: it does at its next post. */
  letsGo = false;
  /** Wait status of exit(2), used if it is the leader's and nobody called exit_group. */
  exitCode = 0;

  // ---- threads
  /** Word to clear and wake at exit (set_tid_address); 0: none. */
  clearTid = DOUBLE_ZERO;
  robustHead = DOUBLE_ZERO;
  /** Priority-inheriting futexes that it owns and others wait for; its place in the line for one. */
  piOwned: Set<PiState> | null = null;
  piWaiter: PiWaiter | null = null;
  pdeathSignal = 0;
  /** What its end, or that of the last task that shares it, does to System V semaphores; made on demand. */
  semUndo: SemUndoList | null = null;
  /** The parent that waits for this vfork child, or null. */
  vforkParent: Task | null = null;

  // ---- scheduling attributes: kept and answered
  nice = 0;
  policy = 0;
  rtPriority = 0;
  resetOnFork = false;
  /** CPUs allowed, a mask of up to 1024 bits as words. */
  affinity: Uint32Array;
  ioPriority = 0;
  timerSlackNs = 50000;
  defaultTimerSlackNs = 50000;
  personality = 0;
  /** Who logged in (proc_pid_loginuid(5)), and the number of that; -1: nobody. */
  loginUid = -1;
  auditSession = -1;
  /** Thread pointer as set by arch_prctl(2) or clone(2). */
  fsBase = DOUBLE_ZERO;
  /** setuid(2) went over RLIMIT_NPROC: the next execve looks again. */
  nprocExceeded = false;
  noNewPrivs = false;
  /** seccomp(2) filters of the guest's own; null: none. */
  seccomp: SeccompState | null = null;

  readonly startNs: number;
  /** CPU ns of the platform thread when it was last known (kept at exit). */
  exitCpuNs = DOUBLE_ZERO;
  /**
   * Called with the negated errno of a failed host memory operation (EVENT_OPS): rolls the map back and returns the
   * result to reply instead. Set by the address space, which is locked (mm.unlock()) when the reply had ackOps.
   */
  onOpsFailed: ((errno: number) => number) | null = null;

  constructor(kernel: Kernel, tid: number, group: ThreadGroup, from: TaskParts) {
    super();
    this.kernel = kernel;
    this.tid = tid;
    this.group = group;
    this.creds = from.creds;
    this.fs = from.fs;
    this.files = from.files;
    this.mm = from.mm;
    this.name = from.name;
    this.affinity = from.affinity;
    this.startNs = kernel.clock.monotonicNs();
  }

  get pid(): number {
    return this.group.tgid;
  }
  /** The pid namespace that its ids are of. */
  get pidns(): PidNamespace {
    return this.group.ns.pid;
  }
  get root(): Path {
    return this.fs.root;
  }
  get cwd(): Path {
    return this.fs.cwd;
  }
  get umask(): number {
    return this.fs.umask;
  }
  get fileSizeLimit(): number {
    return this.group.limits.soft[RLIMIT_FSIZE]!;
  }
  get isLeader(): boolean {
    return this.group.leader === this;
  }

  canAccess(addr: number, len: number, write: boolean): boolean {
    return this.mm.canAccess(addr, len, write);
  }

  /** The description behind the descriptor in argument i, or null: -EBADF. */
  file(i: number): FileDescription | null {
    return this.files.get(this.args[2 * i]!);
  }
  /** The same where an O_PATH descriptor is as good as none. */
  fileNoPath(i: number): FileDescription | null {
    const file = this.files.get(this.args[2 * i]!);
    return file === null || (file.flags & O_PATH) !== 0 ? null : file;
  }

  interruptPending(): boolean {
    return this.attention && this.kernel.signals.deliverable(this);
  }

  makeRunnable(): void {
    if (this.state === TASK_BLOCKED && !this.queued) this.kernel.enqueue(this);
  }

  /** Queues a signal to this very thread, as from its own kill (SIGPIPE) or the kernel (SIGXFSZ…). */
  signalSelf(signo: number): void {
    this.kernel.signals.sendToTask(
      this,
      sigInfo(signo, signo === SIGPIPE ? SI_USER : SI_KERNEL, this.pid, this.creds.uid),
    );
  }

  /** Replaces the mask; SIGKILL and SIGSTOP cannot be in it. */
  setMask(lo: number, hi: number): void {
    this.maskLo = lo & ~UNBLOCKABLE_LO;
    this.maskHi = hi;
    this.kernel.signals.recalculate(this);
  }

  /**
   * sigsuspend, ppoll, pselect, epoll_pwait: `lo, hi` is in force until the call completes or its signal frame is
   * built. Call it on every run of the handler.
   */
  setTemporaryMask(lo: number, hi: number): void {
    if (this.hasSavedMask) return;
    this.savedMaskLo = this.maskLo;
    this.savedMaskHi = this.maskHi;
    this.hasSavedMask = true;
    this.setMask(lo, hi);
  }

  /** Ends a call: clean-up callbacks run, wait state goes. */
  completeCall(): void {
    if (this.sleepTimer.armed) this.kernel.timers.cancel(this.sleepTimer);
    this.resetBlockState();
  }
}

/** Filters of seccomp(2), run before each call. */
export interface SeccompState {
  /** As PR_GET_SECCOMP reports it: 1 strict, 2 filter. */
  readonly mode: number;
  /** null: let the call happen; else its result (NO_REPLY, a negated errno, or with a signal on its way). */
  check(kernel: Kernel, task: Task): number | null;
  /** True: none of these calls is ever refused, whatever its arguments. */
  allows?(calls: readonly number[]): boolean;
}

/** What a new task starts with. */
export interface TaskParts {
  creds: Credentials;
  fs: FsContext;
  files: FdTable;
  mm: AddressSpace;
  name: string;
  affinity: Uint32Array;
}
