/** Resource limits of a thread group (getrlimit(2)): Infinity is RLIM_INFINITY. */
import {
  RLIMIT_CORE,
  RLIMIT_MEMLOCK,
  RLIMIT_MSGQUEUE,
  RLIMIT_NICE,
  RLIMIT_NOFILE,
  RLIMIT_NPROC,
  RLIMIT_RTPRIO,
  RLIMIT_SIGPENDING,
  RLIMIT_STACK,
  RLIM_NLIMITS,
} from '../abi/resource.ts';

/** fs.nr_open: no process may have more descriptors. */
export const NR_OPEN = 1048576;

export class Rlimits {
  readonly soft = new Float64Array(RLIM_NLIMITS).fill(Infinity);
  readonly hard = new Float64Array(RLIM_NLIMITS).fill(Infinity);

  set(resource: number, soft: number, hard: number): void {
    this.soft[resource] = soft;
    this.hard[resource] = hard;
  }

  clone(): Rlimits {
    const copy = new Rlimits();
    copy.soft.set(this.soft);
    copy.hard.set(this.hard);
    return copy;
  }
}

/** What Linux gives to init; the container's spec overrides some of them. */
export function defaultRlimits(): Rlimits {
  const limits = new Rlimits();
  limits.set(RLIMIT_STACK, 8 << 20, Infinity);
  limits.set(RLIMIT_CORE, 0, Infinity);
  limits.set(RLIMIT_NPROC, Infinity, Infinity);
  limits.set(RLIMIT_NOFILE, 1024, 1048576);
  limits.set(RLIMIT_MEMLOCK, 8 << 20, 8 << 20);
  limits.set(RLIMIT_SIGPENDING, 65536, 65536);
  limits.set(RLIMIT_MSGQUEUE, 819200, 819200);
  limits.set(RLIMIT_NICE, 0, 0);
  limits.set(RLIMIT_RTPRIO, 0, 0);
  return limits;
}
