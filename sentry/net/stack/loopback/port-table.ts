/** Which endpoints hold which ports of one protocol, and when two may share one (bind(2), socket(7), ipv6(7)). */
import { EADDRINUSE } from '../../../abi/errno.ts';
import type { EndpointOptions } from '../inet-stack.ts';
import type { Endpoint, Ip } from '../ip.ts';
import { ANY4, ANY6, isV4 } from '../ip.ts';
import type { NetSettings } from '../settings.ts';

export interface PortHolder {
  readonly local: Endpoint;
  readonly remote: Endpoint | null;
  readonly options: EndpointOptions;
  readonly listening: boolean;
  /** Its port was chosen by connect(2): others may have it too, towards other destinations. */
  readonly chosenByConnect?: boolean;
  /** Nobody has it open any more: it only keeps the port from others for a while. */
  readonly waiting?: boolean;
}

/** SO_REUSEADDR: TCP shares a port that nobody listens on, UDP any. */
export type ReuseRule = (holder: PortHolder, comer: PortHolder) => boolean;

export class PortTable<T extends PortHolder> {
  private readonly byPort = new Map<number, Set<T>>();
  private readonly listeners = new Map<number, T[]>();
  private readonly settings: NetSettings;
  private readonly reusable: ReuseRule;

  constructor(settings: NetSettings, reusable: ReuseRule) {
    this.settings = settings;
    this.reusable = reusable;
  }

  at(port: number): ReadonlySet<T> | undefined {
    return this.byPort.get(port);
  }
  listenersAt(port: number): readonly T[] {
    return this.listeners.get(port) ?? [];
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
      if (a.reusePort && b.reusePort && (a.uid === b.uid || holder.waiting === true)) continue;
      return false;
    }
    return true;
  }

  /** A free port of the ephemeral range, or -EADDRINUSE. */
  ephemeral(comer: T, ip: Ip): number {
    const free = this.search(comer, (port) => !this.byPort.has(port));
    // All are in use by somebody: share where the addresses allow it.
    return free >= 0 ? free : this.search(comer, (port) => this.allows(comer, ip, port));
  }

  /** A port to connect from: one that is free, or of which `shares` says so. */
  ephemeralToConnect(comer: T, shares: (holder: T) => boolean): number {
    return this.search(comer, (port) => {
      for (const holder of this.byPort.get(port) ?? []) if (!shares(holder)) return false;
      return true;
    });
  }

  private search(comer: T, usable: (port: number) => boolean): number {
    const [first, last] = comer.options.portRange ?? this.settings.portRange;
    const count = last - first + 1;
    const start = Math.floor(Math.random() * count);
    for (let i = 0; i < count; i++) {
      const port = first + ((start + i) % count);
      if (usable(port)) return port;
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

  /** Makes a holder of a port findable as listener. */
  startListening(holder: T): void {
    const at = this.listeners.get(holder.local.port);
    if (at === undefined) this.listeners.set(holder.local.port, [holder]);
    else at.push(holder);
  }

  stopListening(holder: T): void {
    const left = this.listenersAt(holder.local.port).filter((l) => l !== holder);
    if (left.length > 0) this.listeners.set(holder.local.port, left);
    else this.listeners.delete(holder.local.port);
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
