/** The timers of a process: setitimer(2)'s three, POSIX timers, and the RLIMIT_CPU watch. */
import { DOUBLE_ZERO } from '../base/double.ts';
import { EAGAIN } from '../abi/errno.ts';
import { RLIMIT_CPU, RLIMIT_SIGPENDING } from '../abi/resource.ts';
import { SIGALRM, SIGKILL, SIGPROF, SIGVTALRM, SIGXCPU } from '../abi/signal.ts';
import { kernelSigInfo } from '../signal/sig-info.ts';
import { Timer } from '../time/timers.ts';
import { CpuAlarm, groupCpuNs } from './cpu-time.ts';
import type { Kernel } from './kernel.ts';
import type { PosixTimer, TimerEvent } from './posix-timer.ts';
import { PosixTimer as PosixTimerClass } from './posix-timer.ts';
import type { Task } from './task.ts';
import { killGroup } from './task-exit.ts';
import type { ThreadGroup } from './thread-group.ts';

/** Interval timers are not run more often than the default timer slack; SIGALRM coalesces anyway. */
const MIN_INTERVAL_NS = 50_000;
const NS_PER_SEC = 1_000_000_000;
/** Timers per process: a bound of ours, below RLIMIT_SIGPENDING's usual one. */
const MAX_TIMERS = 32768;

/** ITIMER_VIRTUAL and ITIMER_PROF: both on all CPU time, since the host does not tell user from system cheaply. */
class CpuItimer {
  intervalNs = DOUBLE_ZERO;
  readonly alarm: CpuAlarm;

  constructor(kernel: Kernel, group: ThreadGroup, signo: number) {
    this.alarm = new CpuAlarm(
      kernel,
      () => groupCpuNs(group),
      () => group.tasks.size,
      () => {
        kernel.signals.sendToGroup(group, kernelSigInfo(signo));
        if (this.intervalNs > 0) this.alarm.arm(groupCpuNs(group) + this.intervalNs);
      },
    );
  }
}

export class GroupTimers {
  /** ITIMER_REAL. */
  readonly realTimer: Timer;
  realIntervalNs = DOUBLE_ZERO;
  readonly virtual: CpuItimer;
  readonly prof: CpuItimer;
  readonly posix = new Map<number, PosixTimer>();
  private nextPosixId = 0;
  private readonly cpuLimit: CpuAlarm;
  private readonly kernel: Kernel;
  private readonly group: ThreadGroup;

  constructor(kernel: Kernel, group: ThreadGroup) {
    this.kernel = kernel;
    this.group = group;
    this.virtual = new CpuItimer(kernel, group, SIGVTALRM);
    this.prof = new CpuItimer(kernel, group, SIGPROF);
    this.realTimer = new Timer(() => {
      this.onReal();
    });
    this.cpuLimit = new CpuAlarm(
      kernel,
      () => groupCpuNs(group),
      () => group.tasks.size,
      () => {
        this.onCpuLimit();
      },
    );
  }

  createPosix(task: Task, clock: number, event: TimerEvent): PosixTimer | number {
    if (this.posix.size >= MAX_TIMERS) return -EAGAIN;
    const { uid } = task.creds;
    if (!this.kernel.signals.reserve(uid, this.group.limits.soft[RLIMIT_SIGPENDING]!)) return -EAGAIN;
    while (this.posix.has(this.nextPosixId)) this.nextPosixId = (this.nextPosixId + 1) & 0x7fffffff;
    const timer = new PosixTimerClass(this.kernel, this.group, task, this.nextPosixId, clock, event);
    this.posix.set(timer.id, timer);
    this.nextPosixId = (this.nextPosixId + 1) & 0x7fffffff;
    return timer;
  }

  /** RLIMIT_CPU was set or changed. */
  watchCpuLimit(): void {
    const soft = this.group.limits.soft[RLIMIT_CPU]!;
    this.cpuLimit.arm(soft === Infinity ? Infinity : soft * NS_PER_SEC);
  }

  /** execve keeps interval timers and deletes POSIX ones. */
  onExec(): void {
    for (const timer of this.posix.values()) timer.destroy();
    this.posix.clear();
  }

  destroy(): void {
    this.onExec();
    this.kernel.timers.cancel(this.realTimer);
    this.virtual.alarm.arm(Infinity);
    this.prof.alarm.arm(Infinity);
    this.cpuLimit.arm(Infinity);
  }

  private onReal(): void {
    this.kernel.signals.sendToGroup(this.group, kernelSigInfo(SIGALRM));
    if (this.realIntervalNs === 0) return;
    const now = this.kernel.clock.monotonicNs();
    const step = Math.max(this.realIntervalNs, MIN_INTERVAL_NS);
    let next = this.realTimer.deadlineNs + this.realIntervalNs;
    if (next <= now) next += Math.ceil((now - next + 1) / step) * step;
    this.kernel.timers.arm(this.realTimer, next);
  }

  /** SIGXCPU each second from the soft limit on, SIGKILL at the hard one (getrlimit(2)). */
  private onCpuLimit(): void {
    const usedSec = groupCpuNs(this.group) / NS_PER_SEC;
    if (usedSec >= this.group.limits.hard[RLIMIT_CPU]!) {
      killGroup(this.kernel, this.group, SIGKILL);
      return;
    }
    this.kernel.signals.sendToGroup(this.group, kernelSigInfo(SIGXCPU));
    this.cpuLimit.arm((Math.floor(usedSec) + 1) * NS_PER_SEC);
  }
}

/** The group's timers, made now if need be. */
export function groupTimers(kernel: Kernel, group: ThreadGroup): GroupTimers {
  group.timers ??= new GroupTimers(kernel, group);
  return group.timers;
}
