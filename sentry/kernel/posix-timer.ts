/** POSIX timers (timer_create(2)): one object per timer id of a process. */
import { DOUBLE_ZERO } from '../base/double.ts';
import { SIGEV_NONE, SIGEV_THREAD_ID, SI_TIMER } from '../abi/signal.ts';
import { SigInfo } from '../signal/sig-info.ts';
import { CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID } from '../time/clock.ts';
import { Timer } from '../time/timers.ts';
import { CpuAlarm, groupCpuNs, taskCpuNs } from './cpu-time.ts';
import type { Kernel } from './kernel.ts';
import type { Task } from './task.ts';
import { TASK_DEAD } from './task.ts';
import type { ThreadGroup } from './thread-group.ts';

const MAX_OVERRUN = 0x7fffffff;
/** An ignored timer signal cannot re-arm by delivery: look again after this long at least. */
const IGNORED_REARM_NS = 10_000_000;

/** sigevent(3type), decoded. */
export interface TimerEvent {
  notify: number;
  signo: number;
  valueLo: number;
  valueHi: number;
  /** SIGEV_THREAD_ID: the thread. */
  target: Task | null;
}

export class PosixTimer {
  readonly id: number;
  readonly clock: number;
  readonly event: TimerEvent;
  intervalNs = DOUBLE_ZERO;
  /** Next expiry in the timer's own time line (monotonic or CPU ns); 0: disarmed. */
  nextNs = DOUBLE_ZERO;
  /** Overruns of the signal delivered last (timer_getoverrun(2)). */
  lastOverrun = 0;
  private queued = false;
  private readonly kernel: Kernel;
  private readonly group: ThreadGroup;
  private readonly timer: Timer | null;
  private readonly alarm: CpuAlarm | null;
  private readonly now: () => number;
  private stale = 0;
  /** Whose RLIMIT_SIGPENDING it counts against. */
  private readonly uid: number;

  constructor(kernel: Kernel, group: ThreadGroup, task: Task, id: number, clock: number, event: TimerEvent) {
    this.kernel = kernel;
    this.group = group;
    this.id = id;
    this.clock = clock;
    this.event = event;
    this.uid = task.creds.uid;
    const expired = (): void => {
      this.expire();
    };
    if (clock === CLOCK_PROCESS_CPUTIME_ID || clock === CLOCK_THREAD_CPUTIME_ID) {
      const thread = clock === CLOCK_THREAD_CPUTIME_ID;
      this.now = thread ? () => taskCpuNs(task) : () => groupCpuNs(group);
      this.alarm = new CpuAlarm(kernel, this.now, thread ? () => 1 : () => group.tasks.size, expired);
      this.timer = null;
    } else {
      this.now = () => kernel.clock.monotonicNs();
      this.alarm = null;
      this.timer = new Timer(expired);
    }
  }

  /** Arms for `firstNs` of its own time line (0: disarm). */
  set(firstNs: number, intervalNs: number): void {
    this.nextNs = firstNs;
    this.intervalNs = intervalNs;
    this.lastOverrun = 0;
    // A signal of the old setting that still waits must not re-arm the new one.
    this.stale++;
    this.queued = false;
    this.schedule(firstNs);
  }

  nowNs(): number {
    return this.now();
  }

  /** Ns until the next expiry, 0 when disarmed; at least 1 while armed. */
  remainingNs(): number {
    if (this.nextNs === 0) return 0;
    const now = this.now();
    let next = this.nextNs;
    if (next <= now) {
      if (this.intervalNs === 0) return this.event.notify === SIGEV_NONE ? 0 : 1;
      next += Math.ceil((now - next + 1) / this.intervalNs) * this.intervalNs;
    }
    return Math.max(1, next - now);
  }

  /** Once: gives back the place for its signal. */
  destroy(): void {
    this.set(0, 0);
    this.kernel.signals.unreserve(this.uid);
  }

  private schedule(atNs: number): void {
    const at = atNs === 0 || this.event.notify === SIGEV_NONE ? Infinity : atNs;
    if (this.alarm !== null) this.alarm.arm(at);
    else this.kernel.timers.arm(this.timer!, at);
  }

  private expire(): void {
    if (this.nextNs === 0 || this.queued) return;
    const { event } = this;
    const info = new SigInfo(event.signo, SI_TIMER);
    info.timerId = this.id;
    info.valueLo = event.valueLo;
    info.valueHi = event.valueHi;
    const { stale } = this;
    info.timer = { delivered: (taken) => this.delivered(taken, stale) };
    const { signals } = this.kernel;
    const target = event.target;
    if (event.notify === SIGEV_THREAD_ID && (target === null || target.state === TASK_DEAD)) return;
    const ignored = this.group.actions.ignores(event.signo);
    this.queued = !ignored;
    if (event.notify === SIGEV_THREAD_ID) signals.sendToTask(target!, info);
    else signals.sendToGroup(this.group, info);
    if (ignored && this.intervalNs > 0) {
      this.nextNs = this.now() + Math.max(this.intervalNs, IGNORED_REARM_NS);
      this.schedule(this.nextNs);
    }
  }

  /** Its signal is taken from the queue: missed intervals become the overrun count, the next one is armed. */
  private delivered(info: SigInfo, stale: number): void {
    if (stale !== this.stale) return;
    this.queued = false;
    this.lastOverrun = 0;
    if (this.intervalNs === 0) {
      this.nextNs = 0;
    } else {
      const late = Math.max(0, this.now() - this.nextNs);
      const missed = Math.floor(late / this.intervalNs);
      this.lastOverrun = Math.min(missed, MAX_OVERRUN);
      this.nextNs += (missed + 1) * this.intervalNs;
      this.schedule(this.nextNs);
    }
    info.overrun = this.lastOverrun;
  }
}
