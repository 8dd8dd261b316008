/**
 * What is left of connections whose program has gone (tcp(7)): FIN-WAIT-2 until the other side ends too, TIME-WAIT
 * after it. They keep their port, and leave by age: looked at whenever a port is asked for, so that no timer runs.
 */
import type { EndpointOptions } from '../inet-stack.ts';
import type { Endpoint } from '../ip.ts';
import type { StackHost, NetSettings } from '../settings.ts';
import type { PortHolder } from './port-table.ts';

export const TCP_FIN_WAIT2 = 5;
export const TCP_TIME_WAIT = 6;
/** TCP_TIMEWAIT_LEN. */
const TIME_WAIT_NS = 60e9;
/** net.ipv4.tcp_tw_reuse 2: a connect over loopback may take over what is older than this. */
const REUSABLE_NS = 1e9;

export class TimeWait implements PortHolder {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly options: EndpointOptions;
  readonly listening = false;
  readonly waiting = true;
  readonly v6: boolean;
  readonly chosenByConnect: boolean;
  state: number;
  /** When it entered TIME-WAIT, and when it leaves. */
  sinceNs = 0;
  expiresNs = 0;
  gone = false;

  constructor(state: number, from: PortHolder & { readonly v6: boolean }) {
    this.state = state;
    this.v6 = from.v6;
    this.local = from.local;
    this.remote = from.remote!;
    this.options = from.options;
    this.chosenByConnect = from.chosenByConnect === true;
  }
}

/** All of one stack, oldest first. */
export class TimeWaits {
  private readonly host: StackHost;
  private readonly settings: NetSettings;
  private readonly forget: (entry: TimeWait) => void;
  /** Insertion order is the order of expiry within each of the two states. */
  private readonly ended = new Set<TimeWait>();
  private readonly halfOpen = new Set<TimeWait>();
  private readonly byEnds = new Map<string, TimeWait>();

  constructor(host: StackHost, settings: NetSettings, forget: (entry: TimeWait) => void) {
    this.host = host;
    this.settings = settings;
    this.forget = forget;
  }

  get size(): number {
    return this.ended.size + this.halfOpen.size;
  }
  *all(): Generator<TimeWait> {
    yield* this.halfOpen;
    yield* this.ended;
  }

  /** False: there are too many already, the connection is forgotten at once. */
  add(entry: TimeWait): boolean {
    if (this.size >= this.settings.maxTimeWait) return false;
    this.start(entry);
    this.byEnds.set(endsKey(entry.local, entry.remote), entry);
    return true;
  }

  /** The one between these two ends. */
  find(local: Endpoint, remote: Endpoint): TimeWait | null {
    return this.size === 0 ? null : (this.byEnds.get(endsKey(local, remote)) ?? null);
  }

  private start(entry: TimeWait): void {
    const ended = entry.state === TCP_TIME_WAIT;
    entry.sinceNs = this.host.clock.monotonicNs();
    entry.expiresNs = entry.sinceNs + (ended ? TIME_WAIT_NS : this.settings.finTimeoutSec * 1e9);
    (ended ? this.ended : this.halfOpen).add(entry);
  }

  /** The other side has ended too. */
  finReceived(entry: TimeWait): void {
    if (entry.gone || !this.halfOpen.delete(entry)) return;
    entry.state = TCP_TIME_WAIT;
    this.start(entry);
  }

  remove(entry: TimeWait): void {
    if (entry.gone) return;
    entry.gone = true;
    this.ended.delete(entry);
    this.halfOpen.delete(entry);
    this.byEnds.delete(endsKey(entry.local, entry.remote));
    this.forget(entry);
  }

  /** Removes what is old enough. */
  expire(): void {
    if (this.size === 0) return;
    const now = this.host.clock.monotonicNs();
    for (const set of [this.halfOpen, this.ended]) {
      for (const entry of set) {
        if (entry.expiresNs > now) break;
        this.remove(entry);
      }
    }
  }

  /** May a connect between the same ends take its place? */
  reusable(entry: TimeWait): boolean {
    return entry.state === TCP_TIME_WAIT && this.host.clock.monotonicNs() - entry.sinceNs >= REUSABLE_NS;
  }
}

function endsKey(local: Endpoint, remote: Endpoint): string {
  return `${local.port}:${remote.port}:${local.ip}${remote.ip}`;
}
