/** What sysctls of /proc/sys/net decide in a stack of this process (ip(7), tcp(7), "/proc interfaces"). */
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
  /** net.ipv4.ip_default_ttl */
  defaultTtl = 64;
  /** net.ipv4.tcp_syn_retries */
  synRetries = 6;
}

/** The clock and the timers of the kernel that the stack is part of. */
export interface StackHost {
  readonly clock: { monotonicNs(): number };
  readonly timers: { arm(timer: Timer, deadlineNs: number): void; cancel(timer: Timer): void };
}
