/** One container in the Sentry: its tree, its devices, its init, and what the host asks of them. */
import { ESRCH } from '../../sentry/abi/errno.ts';
import { addon } from '../../native/addon.ts';
import type { Kernel } from '../../sentry/kernel/kernel.ts';
import type { Namespaces } from '../../sentry/kernel/namespaces.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { freezeGroup, thawGroup } from '../../sentry/kernel/freeze.ts';
import { dropProcess } from '../../sentry/kernel/start-process.ts';
import { killAll } from '../../sentry/kernel/task-exit.ts';
import type { ThreadGroup } from '../../sentry/kernel/thread-group.ts';
import * as signals from '../../sentry/abi/signal.ts';
import type { SeccompPolicy } from '../../sentry/kernel/seccomp-policy.ts';
import { Timer } from '../../sentry/time/timers.ts';
import type { MountNamespace } from '../../sentry/vfs/mount-namespace.ts';
import type { BootDocument } from '../sandbox/boot-document.ts';
import type { ControlReply, ControlState } from '../sandbox/control-messages.ts';
import type { Process, Resources } from '../spec/spec.ts';
import type { ControlConnection } from './control-connection.ts';
import { type GuestLimits, updateGuestLimits } from './guest-limits.ts';
import { checkProgram, complain, makeProcess, runProgram } from './init-process.ts';
import { closeConsole, type Devices } from './kernel-filesystems.ts';
import { shellStatus } from './process-wait.ts';
import { reportCreated, reportEnd, reportFailure, reportStarted } from './report.ts';
import { seccompPolicy } from './seccomp.ts';
import { ExecFailure, StartError } from './start-error.ts';
import { StartHooks } from './start-hooks.ts';
import { connectStdio, type StdioFds } from './stdio.ts';

export const SIGNAL_LAST = 64;
/** personality(2). */
const PER_LINUX32 = 8;
const EXIT_FAILURE = 1;

/** What waits for `start` under runc is runc itself, as pid 1 of a namespace: only these end it. */
const ENDS_CREATED: ReadonlySet<number> = new Set([
  signals.SIGHUP,
  signals.SIGINT,
  signals.SIGQUIT,
  signals.SIGILL,
  signals.SIGTRAP,
  signals.SIGABRT,
  signals.SIGBUS,
  signals.SIGFPE,
  signals.SIGKILL,
  signals.SIGSEGV,
  signals.SIGTERM,
  signals.SIGSTKFLT,
  signals.SIGSYS,
]);

export class Container {
  readonly id: string;
  readonly boot: BootDocument;
  readonly ns: Namespaces;
  readonly mounts: MountNamespace;
  readonly devices: Devices;
  readonly init: Task;
  /** linux.seccomp: what init and `exec` start with. */
  readonly seccomp: SeccompPolicy | null;
  status: ControlState['status'] = 'created';
  /** The container is gone, and its end has been reported. */
  onEnd: () => void = () => undefined;
  readonly kernel: Kernel;
  readonly process: Process;
  private starting = false;
  /** What `resume` goes back to. */
  private pausedFrom: 'created' | 'running' = 'running';
  /** Came while it was paused before its start: takes effect with `resume`. */
  private pendingEnd = 0;
  private readonly limits: GuestLimits;
  private readonly waiting: ControlConnection[] = [];
  /** Once its end has been reported. */
  private exitStatus: number | null = null;

  /** Throws a StartError for a process that can't be made. */
  constructor(
    kernel: Kernel,
    ns: Namespaces,
    boot: BootDocument,
    mounts: MountNamespace,
    devices: Devices,
    limits: GuestLimits,
    stdio: StdioFds,
  ) {
    const { process, linux } = boot.spec;
    if (process === undefined) throw new StartError('config.json: process: is missing');
    this.kernel = kernel;
    this.id = boot.id;
    this.boot = boot;
    this.ns = ns;
    this.mounts = mounts;
    this.devices = devices;
    this.limits = limits;
    this.process = process;
    this.seccomp = linux?.seccomp === undefined ? null : seccompPolicy(linux.seccomp);
    this.init = makeProcess(kernel, ns, mounts, process, 'init');
    if (linux?.personality?.domain === 'LINUX32') this.init.personality = PER_LINUX32;
    this.init.group.onEnd = (status) => {
      this.ended(status);
    };
    this.init.seccomp = this.seccomp;
    try {
      connectStdio(this.init, stdio, devices.console);
    } catch (error) {
      dropProcess(this.init);
      throw error;
    }
  }

  /** For `create`: everything is ready but the program, which must be there. */
  announce(): void {
    checkProgram(this.init, this.process);
    reportCreated(this.boot.fds.exit);
  }

  /** Lets init run, after the hooks. A failure ends the container and is reported as its end. */
  start(): ControlReply {
    if (this.status !== 'created' || this.starting)
      return { ok: false, error: `cannot start a container that is ${this.status}` };
    this.starting = true;
    const hooks = this.boot.spec.hooks?.startContainer ?? [];
    if (hooks.length === 0) return this.run();
    new StartHooks(this, hooks, (failure) => {
      // It may have been killed meanwhile.
      if (this.status !== 'created') return;
      if (failure === null) this.run();
      else this.fail(failure, EXIT_FAILURE);
    });
    return { ok: true };
  }

  private run(): ControlReply {
    try {
      runProgram(this.init, this.process);
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      if (error instanceof ExecFailure) return this.endUnexecuted(error);
      this.fail(error.message, error.exitCode);
      return { ok: false, error: error.message };
    }
    this.status = 'running';
    reportStarted(this.boot.fds.exit);
    return { ok: true };
  }

  /** It has started, as far as anybody can tell, and ends. */
  private endUnexecuted(failure: ExecFailure): ControlReply {
    complain(this.init, failure);
    reportStarted(this.boot.fds.exit);
    this.ended((this.boot.shellStatus ? failure.exitCode : EXIT_FAILURE) << 8);
    return { ok: true };
  }

  private fail(message: string, exitCode: number): void {
    reportFailure(this.boot.fds.exit, message, exitCode);
    this.discard();
  }

  kill(signal: number, all: boolean): ControlReply {
    if (!Number.isInteger(signal) || signal < 0 || signal > SIGNAL_LAST) {
      return { ok: false, error: 'invalid argument' };
    }
    if (this.status === 'stopped') return { ok: false, error: 'no such process', errno: ESRCH };
    if (this.status === 'created') return this.killCreated(signal);
    if (this.status === 'paused' && this.pausedFrom === 'created') {
      if (signal === signals.SIGKILL) this.ended(signal);
      else if (ENDS_CREATED.has(signal)) this.pendingEnd ||= signal;
      return { ok: true };
    }
    // As runc: a paused container can be killed, and what else is sent to it waits.
    if (signal === signals.SIGKILL) this.thaw();
    const targets = all ? this.processes() : [this.init.group];
    for (const group of targets) this.kernel.signals.sendFromOutside(group, signal);
    return { ok: true };
  }

  private killCreated(signal: number): ControlReply {
    if (ENDS_CREATED.has(signal)) this.ended(signal);
    return { ok: true };
  }

  pause(): ControlReply {
    const { status } = this;
    const waits = status === 'created' && !this.starting;
    if (status !== 'running' && !waits) return { ok: false, error: 'container not running' };
    this.pausedFrom = status;
    this.status = 'paused';
    for (const group of this.processes()) freezeGroup(group);
    return { ok: true };
  }

  resume(): ControlReply {
    if (this.status !== 'paused') return { ok: false, error: 'container not paused' };
    this.thaw();
    const state = this.state();
    // After the answer, which the end of the sandbox would cut off.
    if (this.pendingEnd !== 0) this.kernel.timers.arm(new Timer(() => this.ended(this.pendingEnd)), 0);
    return { ok: true, state };
  }

  private thaw(): void {
    if (this.status !== 'paused') return;
    this.status = this.pausedFrom;
    for (const group of this.processes()) thawGroup(this.kernel, group);
  }

  private processes(): ThreadGroup[] {
    return [...this.ns.cgroup.groups];
  }

  state(): ControlState {
    return { status: this.status, processes: this.status === 'stopped' ? 0 : this.processes().length };
  }

  /** Answers when the container has ended: its exit status as a shell has it. */
  wait(connection: ControlConnection): ControlReply | null {
    if (this.exitStatus !== null) return { ok: true, exitStatus: this.exitStatus };
    this.waiting.push(connection);
    return null;
  }

  /** What `events` and `ps` want to know that only this kernel does. */
  stats(): ControlReply {
    const { taskCount } = this.ns.cgroup;
    return { ok: true, stats: { tasks: taskCount, pidsLimit: Math.max(0, this.limits.pidsMax) } };
  }

  /** The host's cgroup has accepted them. */
  update(resources: Resources): ControlReply {
    if (this.status === 'stopped') return { ok: false, error: 'container not running' };
    updateGuestLimits(this.ns.cgroup, this.limits, resources, this.boot.hostCpuCount);
    return { ok: true };
  }

  /** Its stand-in is gone: so is everything that it stood for. */
  abandon(): void {
    if (this.status === 'stopped') return;
    this.thaw();
    if (this.status === 'created') {
      this.ended(signals.SIGKILL);
      return;
    }
    this.kernel.signals.sendFromOutside(this.init.group, signals.SIGKILL);
  }

  /** Long after its end: gives back what its kernel objects held of the host. */
  release(): void {
    closeConsole(this.devices);
    this.mounts.destroy();
    if (this.boot.shared.ipc === undefined) this.ns.ipc.destroy();
    const { exit, log, debugLog } = this.boot.fds;
    for (const fd of [exit, log, debugLog]) if (fd !== undefined) addon.close(fd);
  }

  /** It could not be started, which has been reported. */
  discard(): void {
    this.status = 'stopped';
    dropProcess(this.init);
    this.endRest();
    this.onEnd();
  }

  /** Init is gone: what the console still has to say, then the last word, after which the launcher ends the rest. */
  ended(waitStatus: number): void {
    if (this.status === 'stopped') return;
    const unborn = this.status === 'created' || (this.status === 'paused' && this.pausedFrom === 'created');
    if (unborn) dropProcess(this.init);
    this.status = 'stopped';
    this.endRest();
    const report = (): void => {
      const exitStatus = shellStatus(waitStatus);
      this.exitStatus = exitStatus;
      for (const connection of this.waiting) connection.send({ ok: true, exitStatus });
      reportEnd(this.boot.fds.exit, waitStatus);
      this.onEnd();
    };
    const { console } = this.devices;
    if (console === null) report();
    else console.backend.whenDrained(report);
  }

  /** Those that init's end does not take along: with a pid namespace that isn't its own, and without a start. */
  private endRest(): void {
    killAll(this.kernel, this.ns.cgroup.groups);
  }
}
