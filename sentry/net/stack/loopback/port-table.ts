/** Which endpoints hold which ports of one protocol, and when two may share one (bind(2), socket(7), ipv6(7)). */
import { EADDRINUSE } from '../../../abi/errno.ts';
import type { EndpointOptions } from '../inet-stack.ts';
import type { Endpoint, Ip } from '../ip.ts';
import { ANY4, ANY6, isV4 } from '../ip.ts';

/** net.ipv4.ip_local_port_range. */
const FIRST_EPHEMERAL = 32768;
const LAST_EPHEMERAL = 60999;

export interface PortHolder {
  readonly local: Endpoint;
  readonly options: EndpointOptions;
  readonly listening: boolean;
}

/** SO_REUSEADDR: TCP shares a port that nobody listens on, UDP any. */
export type ReuseRule = (holder: PortHolder, comer: PortHolder) => boolean;

export class PortTable<T extends PortHolder> {
  private readonly byPort = new Map<number, Set<T>>();
  private readonly reusable: ReuseRule;

  constructor(reusable: ReuseRule) {
    this.reusable = reusable;
  }

  at(port: number): ReadonlySet<T> | undefined {
    return this.byPort.get(port);
  }

  *all(): Generator<T> {
    for (const holders of this.byPort.values()) yield* holders;
  }

  /** May `comer` have (ip, port)? */
  allows(comer: T, ip: Ip, port: number): boolean {
    for (const holder of this.byPort.get(port) ?? []) {
      if (holder === comer || !overlap(holder.local.ip, holder.options, ip, comer.options)) continue;
      const a = holder.options;
      const b = comer.options;
      if (a.reuseAddr && b.reuseAddr && this.reusable(holder, comer)) continue;
      if (a.reusePort && b.reusePort && a.uid === b.uid) continue;
      return false;
    }
    return true;
  }

  /** A free ephemeral port, or -EADDRINUSE. */
  ephemeral(comer: T, ip: Ip): number {
    const count = LAST_EPHEMERAL - FIRST_EPHEMERAL + 1;
    const start = Math.floor(Math.random() * count);
    for (let i = 0; i < count; i++) {
      const port = FIRST_EPHEMERAL + ((start + i) % count);
      if (!this.byPort.has(port)) return port;
    }
    // All are in use by somebody: share where the addresses allow it.
    for (let i = 0; i < count; i++) {
      const port = FIRST_EPHEMERAL + ((start + i) % count);
      if (this.allows(comer, ip, port)) return port;
    }
    return -EADDRINUSE;
  }

  add(holder: T): void {
    const port = holder.local.port;
    let holders = this.byPort.get(port);
    if (holders === undefined) this.byPort.set(port, (holders = new Set()));
    holders.add(holder);
  }

  remove(holder: T): void {
    const holders = this.byPort.get(holder.local.port);
    if (holders === undefined || !holders.delete(holder)) return;
    if (holders.size === 0) this.byPort.delete(holder.local.port);
  }
}

/** Can both addresses receive the same packet? */
function overlap(a: Ip, aOptions: EndpointOptions, b: Ip, bOptions: EndpointOptions): boolean {
  return a === b || covers(a, aOptions, b) || covers(b, bOptions, a);
}

/** Does a socket bound to `bound` receive what is sent to `ip` (which may be a wildcard itself)? */
export function covers(bound: Ip, options: EndpointOptions, ip: Ip): boolean {
  if (bound === ip) return true;
  if (bound === ANY4) return isV4(ip);
  if (bound === ANY6) return !options.v6only || !isV4(ip);
  return false;
}
