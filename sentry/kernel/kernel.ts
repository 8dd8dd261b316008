/** The kernel: tables of everything that lives, the loop, and the way from a post to its handler. */
import { panic } from '../base/panic.ts';
import type { Platform, PlatformEvents, PlatformSpace, PlatformThread } from '../../platform/platform.ts';
import { Clock, type HostClock } from '../time/clock.ts';
import { Timers } from '../time/timers.ts';
import type { ProcessGroup, Session } from './process-group.ts';
import { Signals } from './signals.ts';
import type { Task } from './task.ts';
import type { ThreadGroup } from './thread-group.ts';

/** Same as syscalls/table/row.ts's Handler, stated here since the kernel is below it. */
export type SyscallHandler = (task: Task) => number;

/** Writes strace output; null on the kernel when off. */
export interface SyscallTracer {
  enter(task: Task, nr: number): void;
  exit(task: Task, nr: number, result: number): void;
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
  hostname: string;
  domainname: string;
  cpuCount: number;
  /** 0: none. */
  memoryLimitBytes: number;
  hostMemoryBytes: number;
  /** Tasks at most; 0: none. */
  pidsLimit: number;
}

export class Kernel implements PlatformEvents {
  readonly platform: Platform;
  readonly host: KernelHost;
  readonly options: KernelOptions;
  readonly handlers: readonly (SyscallHandler | undefined)[];
  readonly clock: Clock;
  readonly timers = new Timers();
  readonly signals: Signals;
  tracer: SyscallTracer | null = null;

  hostname: string;
  domainname: string;
  readonly cpuCount: number;
  pidMax = 4194304;

  /** Live and zombie-leader tasks by tid. */
  readonly pids = new Map<number, Task>();
  readonly groups = new Map<number, ThreadGroup>();
  readonly processGroups = new Map<number, ProcessGroup>();
  readonly sessions = new Map<number, Session>();
  init: ThreadGroup | null = null;
  /** Init is gone: wait status as wait4 encodes it. */
  onInitExit: (status: number) => void = () => undefined;
  /** Registry of bound AF_UNIX sockets; made and typed by sentry/net. */
  unixSockets: unknown = null;

  constructor(options: KernelOptions) {
    this.options = options;
    this.platform = options.platform;
    this.host = options.host;
    this.handlers = options.handlers;
    this.hostname = options.hostname;
    this.domainname = options.domainname;
    this.cpuCount = options.cpuCount;
    this.clock = new Clock(options.host);
    this.signals = new Signals(this);
  }

  /** Puts a blocked task into the run queue; its handler runs again from the loop. */
  enqueue(_task: Task): void {
    panic('not yet');
  }
  onPost(_thread: PlatformThread): void {
    panic('not yet');
  }
  onSpaceDeath(_space: PlatformSpace): void {
    panic('not yet');
  }
}
