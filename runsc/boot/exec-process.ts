/** `runsc exec`: one more process in a container. It lives as long as the connection that asked for it. */
import { addon } from '../../native/addon.ts';
import { EINVAL } from '../../sentry/abi/errno.ts';
import * as resource from '../../sentry/abi/resource.ts';
import { SIGKILL } from '../../sentry/abi/signal.ts';
import { HostTerminal } from '../../sentry/fs/host/host-terminal.ts';
import type { Console } from '../../sentry/fs/tty/console.ts';
import { parseCpuList, restrictTask } from '../../sentry/kernel/cpus.ts';
import { freezeGroup } from '../../sentry/kernel/freeze.ts';
import { dropProcess } from '../../sentry/kernel/start-process.ts';
import { SubCgroup } from '../../sentry/kernel/sub-cgroup.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { Timer } from '../../sentry/time/timers.ts';
import type { Zone } from '../../platform/platform.ts';
import type { ExecRequest } from '../sandbox/control-messages.ts';
import type { Process, Rlimit } from '../spec/spec.ts';
import type { Container } from './container.ts';
import type { RequestFds } from './control-connection.ts';
import { errnoText } from './errno-text.ts';
import { complain, makeProcess, runProgram } from './init-process.ts';
import { reportEnd, reportFailure, reportStarted } from './report.ts';
import { ExecFailure, StartError } from './start-error.ts';
import { connectStdio } from './stdio.ts';

/** As runc: whatever keeps the process from running. */
const EXIT_NOT_STARTED = 255;
const EXIT_FAILURE = 1;

export class ExecProcess {
  private readonly container: Container;
  /** Where the launcher hears of the process; closed with the last word. */
  private exit: number;
  private task: Task | null = null;
  private console: Console | null = null;
  private readonly subCgroup: SubCgroup | null;

  /** Starts the process, in the zone's cgroups. That it could not be is reported as its end. */
  constructor(
    container: Container,
    process: Process,
    request: ExecRequest,
    fds: RequestFds,
    zone: Zone | null,
  ) {
    this.container = container;
    this.subCgroup = zone === null ? null : new SubCgroup(zone, () => this.endLater(zone));
    this.exit = fds.take(request.exit);
    try {
      this.start(completeProcess(process, container.process, request), request, fds);
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      if (error instanceof ExecFailure) {
        this.endUnexecuted(error);
        return;
      }
      this.discard();
      reportFailure(this.exit, error.message, EXIT_NOT_STARTED);
      this.closeExit();
    }
  }

  signal(signo: number): void {
    const { task } = this;
    if (task !== null && !task.group.zombie) this.container.kernel.signals.sendFromOutside(task.group, signo);
  }

  resize(): void {
    this.console?.backend.refreshWinsize();
  }

  /** The launcher is gone. */
  abandon(): void {
    if (this.exit >= 0) this.signal(SIGKILL);
  }

  /** What it wrote to its console comes first. */
  private ended(waitStatus: number): void {
    const report = (): void => {
      reportEnd(this.exit, waitStatus);
      this.closeExit();
    };
    if (this.console === null) report();
    else this.console.backend.whenDrained(report);
  }

  /** It has started, as far as anybody can tell, and ends. */
  private endUnexecuted(failure: ExecFailure): void {
    complain(this.task!, failure);
    reportStarted(this.exit);
    this.dropTask();
    this.ended(EXIT_FAILURE << 8);
  }

  private start(process: Process, request: ExecRequest, fds: RequestFds): void {
    const { container } = this;
    const { kernel, ns, mounts } = container;
    const task = makeProcess(kernel, ns, mounts, process, 'exec');
    this.task = task;
    this.subCgroup?.enter(task.group);
    task.group.onEnd = (status) => {
      this.ended(status);
    };
    task.seccomp = container.seccomp;
    setAffinity(task, process);
    if (request.console !== undefined) this.openConsole(fds.take(request.console), process);
    const standard = request.standard.map((index) => fds.take(index));
    const preserved = request.preserved.map((index) => fds.take(index));
    connectStdio(task, { standard, preserved }, this.console);
    runProgram(task, process);
    if (container.status === 'paused') freezeGroup(task.group);
    reportStarted(this.exit);
  }

  /** A terminal of its own, which goes when nobody has it open any more. */
  private openConsole(fd: number, process: Process): void {
    const { kernel, devices } = this.container;
    const host = new HostTerminal(fd, kernel.platform);
    const console = devices.pts.addConsole(host, process.user?.uid ?? 0, devices.pts.options.gid ?? 0, false);
    if (typeof console === 'number') {
      host.close();
      throw new StartError(`cannot make a console: ${errnoText(console)}`);
    }
    this.console = console;
  }

  private discard(): void {
    this.dropTask();
    this.console?.backend.closeUnused();
    this.console = null;
  }

  private dropTask(): void {
    if (this.task !== null) {
      dropProcess(this.task);
      this.subCgroup?.leave(this.task.group);
    }
    this.task = null;
    this.subCgroup?.endUnused();
  }

  /** Not at once: the last process may be on its way out still. */
  private endLater(zone: Zone): void {
    const { kernel } = this.container;
    kernel.timers.arm(new Timer(() => zone.destroy()), kernel.clock.monotonicNs());
  }

  private closeExit(): void {
    addon.close(this.exit);
    this.exit = -1;
  }
}

/** config.md, "execCPUAffinity": which CPUs it starts on, `initial`, is the host's matter. */
function setAffinity(task: Task, { execCPUAffinity }: Process): void {
  const list = execCPUAffinity?.final || execCPUAffinity?.initial;
  if (!list) return;
  const cpus = parseCpuList(list);
  if (cpus === null) throw new StartError(`bad CPU affinity: ${JSON.stringify(list)}`);
  if (!restrictTask(task, cpus))
    throw new StartError(`cannot set the CPU affinity to ${list}: ${errnoText(-EINVAL)}`);
}

/** Where the process says nothing: the container's, but for limits and umask, which are the caller's, as in runc. */
function completeProcess(process: Process, init: Process, { umask, limits }: ExecRequest): Process {
  const { user, capabilities, rlimits = [], ...rest } = process;
  const named = new Set(rlimits.map(({ type }) => type));
  return {
    ...rest,
    user: { ...user, umask: user?.umask ?? umask },
    ...given('capabilities', capabilities ?? init.capabilities),
    rlimits: [...rlimits, ...callerLimits(limits).filter(({ type }) => !named.has(type))],
    ...given('oomScoreAdj', init.oomScoreAdj),
  };
}

const LIMIT_NAMES = Object.entries(resource).filter(([name]) => name.startsWith('RLIMIT_'));

function callerLimits(limits: readonly number[]): Rlimit[] {
  return LIMIT_NAMES.map(([type, number]) => {
    return { type, soft: limits[2 * number] ?? Infinity, hard: limits[2 * number + 1] ?? Infinity };
  });
}

function given<K extends keyof Process>(key: K, value: Process[K] | undefined): Partial<Process> {
  return value === undefined ? {} : { [key]: value };
}
