/** The settings of a stack in this process, and what it needs of the kernel around it. */
/** Bounds the memory that connections nobody has open any more can take. */
const MOST_TIME_WAITS = 65536;

/** What sysctls of /proc/sys/net decide in a stack of this process (ip(7), tcp(7), "/proc interfaces"). */
import { EINVAL } from '../../abi/errno.ts';
import type { Timer } from '../../time/timers.ts';

export class NetSettings {
  /** net.ipv4.ip_local_port_range: first and last. */
  portRange: readonly [number, number] = [32768, 60999];
  /** net.ipv4.ip_unprivileged_port_start */
  unprivilegedPortStart = 1024;
  /** net.ipv4.ping_group_range: the groups that may open ping sockets; nobody when the first is above the last. */
  pingGroups: readonly [number, number] = [1, 0];
  /** net.core.somaxconn */
  somaxconn = 4096;
  /** net.ipv6.bindv6only */
  bindV6only = false;
  /** net.ipv4.tcp_fin_timeout in s: how long a closed socket waits for the other side's end. */
  finTimeoutSec = 60;
  /** net.ipv4.tcp_max_tw_buckets */
  maxTimeWait = 16384;
  /** net.ipv4.tcp_syn_retries */
  synRetries = 6;
}

/** A sysctl that this stack answers for. */
export interface NetSysctl {
  /** Below /proc/sys. */
  readonly path: string;
  readonly show: () => string;
  /** 0 or -EINVAL. */
  readonly set: (text: string) => number;
}

/** The sysctls that are backed by the settings of a stack. */
export function sysctlsOf(s: NetSettings): readonly NetSysctl[] {
  const one = (
    path: string,
    get: () => number,
    max: number,
    put: (value: number) => boolean | void,
  ): NetSysctl => ({
    path,
    show: () => String(get()),
    set: (text) => {
      const [value] = integers(text, 1, max) ?? [];
      return value === undefined || put(value) === false ? -EINVAL : 0;
    },
  });
  return [
    {
      path: 'net/ipv4/ip_local_port_range',
      show: () => s.portRange.join('\t'),
      set: (text) => {
        const [first, last] = integers(text, 2, 65535) ?? [];
        if (first === undefined || last === undefined || first < 1 || last < first) return -EINVAL;
        if (first < s.unprivilegedPortStart) return -EINVAL;
        s.portRange = [first, last];
        return 0;
      },
    },
    {
      path: 'net/ipv4/ping_group_range',
      show: () => s.pingGroups.join('\t'),
      set: (text) => {
        const [first, last] = integers(text, 2, 0x7fffffff) ?? [];
        if (first === undefined || last === undefined) return -EINVAL;
        s.pingGroups = last < first ? [1, 0] : [first, last];
        return 0;
      },
    },
    one(
      'net/ipv4/ip_unprivileged_port_start',
      () => s.unprivilegedPortStart,
      65535,
      // It may not reach into the range of ports that the kernel gives away.
      (value) => value <= s.portRange[0] && ((s.unprivilegedPortStart = value), true),
    ),
    one(
      'net/core/somaxconn',
      () => s.somaxconn,
      0x7fffffff,
      (value) => void (s.somaxconn = value),
    ),
    one(
      'net/ipv6/bindv6only',
      () => Number(s.bindV6only),
      1,
      (value) => void (s.bindV6only = value === 1),
    ),
    one(
      'net/ipv4/tcp_fin_timeout',
      () => s.finTimeoutSec,
      0x7fffffff,
      (value) => void (s.finTimeoutSec = value),
    ),
    one(
      'net/ipv4/tcp_max_tw_buckets',
      () => s.maxTimeWait,
      MOST_TIME_WAITS,
      (value) => void (s.maxTimeWait = value),
    ),
    one(
      'net/ipv4/tcp_syn_retries',
      () => s.synRetries,
      127,
      (value) => value >= 1 && ((s.synRetries = value), true),
    ),
  ];
}

/** `count` numbers from 0 to `max` in a line, or null. */
function integers(text: string, count: number, max: number): number[] | null {
  const fields = text.trim().split(/\s+/);
  if (fields.length !== count || !fields.every((f) => /^\d{1,10}$/.test(f))) return null;
  const values = fields.map(Number);
  return values.every((v) => v <= max) ? values : null;
}

/** The clock and the timers of the kernel that the stack is part of. */
export interface StackHost {
  readonly clock: { monotonicNs(): number; nowNs(clock: number): number };
  readonly timers: { arm(timer: Timer, deadlineNs: number): void; cancel(timer: Timer): void };
}
