/** The kernel's clocks: the host's, read through one interface so that tests can turn the hands. */

/** What the host must offer; the native addon does. */
export interface HostClock {
  /** CLOCK_MONOTONIC in ns. */
  monotonicNs(): number;
  /** CLOCK_ id; out: seconds, nanoseconds. 0 or a negated errno. */
  clockGettime(clock: number, out: Float64Array): number;
}

export const CLOCK_REALTIME = 0;
export const CLOCK_MONOTONIC = 1;
export const CLOCK_PROCESS_CPUTIME_ID = 2;
export const CLOCK_THREAD_CPUTIME_ID = 3;
export const CLOCK_MONOTONIC_RAW = 4;
export const CLOCK_REALTIME_COARSE = 5;
export const CLOCK_MONOTONIC_COARSE = 6;
export const CLOCK_BOOTTIME = 7;
export const CLOCK_REALTIME_ALARM = 8;
export const CLOCK_BOOTTIME_ALARM = 9;
export const CLOCK_TAI = 11;

export const NS_PER_SEC = 1_000_000_000;

export class Clock {
  private readonly host: HostClock;
  private readonly pair = new Float64Array(2);
  /** Monotonic ns at which the sandbox started: process start times count from the host's boot as in Linux. */
  readonly bootNs: number;

  constructor(host: HostClock) {
    this.host = host;
    this.bootNs = host.monotonicNs();
  }

  monotonicNs(): number {
    return this.host.monotonicNs();
  }

  /** Seconds and nanoseconds since the epoch. */
  realtime(out: Float64Array): void {
    this.host.clockGettime(CLOCK_REALTIME, out);
  }

  /** Any host clock. 0 or a negated errno. */
  gettime(clock: number, out: Float64Array): number {
    return this.host.clockGettime(clock, out);
  }

  /** A host clock as one number of ns (inexact below about 256 ns for wall clocks). */
  nowNs(clock: number): number {
    if (clock === CLOCK_MONOTONIC) return this.host.monotonicNs();
    this.host.clockGettime(clock, this.pair);
    return this.pair[0]! * NS_PER_SEC + this.pair[1]!;
  }

  /** Whole seconds since the epoch. */
  realtimeSec(): number {
    this.host.clockGettime(CLOCK_REALTIME, this.pair);
    return this.pair[0]!;
  }
}
