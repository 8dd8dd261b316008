/** What datagram endpoints of lo have in common: routes, the receive queue, the error queue, groups. */
import {
  EACCES,
  EADDRNOTAVAIL,
  EAFNOSUPPORT,
  EAGAIN,
  EINVAL,
  ENOENT,
  ENETUNREACH,
  ENOTCONN,
} from '../../../abi/errno.ts';
import { POLLERR, POLLHUP, POLLRDHUP, POLLWRBAND, READABLE, WRITABLE } from '../../../abi/poll.ts';
import { SHUT_RD, SHUT_RDWR, SHUT_WR } from '../../../abi/socket.ts';
import type { PacketView, SocketFilter } from '../../../base/bpf/socket-filter.ts';
import { WaitQueue } from '../../../base/wait-queue.ts';
import type {
  Datagram,
  EndpointOptions,
  GroupSources,
  QueuedError,
  SourceFilter,
  UdpEndpoint,
  Sending,
} from '../inet-stack.ts';
import { defaultEndpointOptions } from '../inet-stack.ts';
import type { Endpoint, Ip } from '../ip.ts';
import {
  ANY4,
  ANY6,
  BROADCAST4,
  LOOPBACK4,
  LOOPBACK6,
  LOOPBACK_BROADCAST,
  isAny,
  isLoopback,
  isMulticast,
  isV4,
} from '../ip.ts';
import { CLOCK_REALTIME } from '../../../time/clock.ts';
import type { StackHost } from '../settings.ts';
import { ErrorQueue } from './error-queue.ts';
import { Groups } from './groups.ts';
import type { GroupCounts } from './groups.ts';
import type { Wire } from './wire.ts';

const DEFAULT_RCVBUF = 212992;
/** What a queued datagram counts against the receive buffer: bookkeeping and rounded data, about as in Linux. */
function charge(length: number): number {
  return 768 + ((length + 63) & ~63);
}

/** What all datagram endpoints of one stack share. */
export interface DatagramShared {
  readonly groups: GroupCounts;
  readonly host: StackHost;
  readonly wire: Wire;
}

export abstract class DatagramEndpoint implements UdpEndpoint {
  readonly queue = new WaitQueue();
  readonly options: EndpointOptions = defaultEndpointOptions();
  readonly listening = false;
  local: Endpoint;
  remote: Endpoint | null = null;
  protected readonly v6: boolean;
  protected readonly groups: Groups;
  protected readonly shared: DatagramShared;
  /** Has a port; and by bind(2), which dissolving a connection does not undo. */
  protected holding = false;
  private bound = false;
  /** The address it was bound to before connect chose one. */
  private boundIp: Ip;
  protected sndShut = false;
  private error = 0;
  private readonly errors = new ErrorQueue();
  private datagrams: Datagram[] = [];
  private held = 0;
  private rcvShut = false;
  peekStart = 0;

  constructor(v6: boolean, shared: DatagramShared) {
    this.v6 = v6;
    this.shared = shared;
    this.groups = new Groups(shared.groups);
    this.boundIp = v6 ? ANY6 : ANY4;
    this.local = { ip: this.boundIp, port: 0 };
  }

  abstract send(buf: Uint8Array, off: number, len: number, to: Endpoint | null, how: Sending): number;
  /** Takes a port for `ip`, or (0) one that is free; 0 or a negated errno. */
  protected abstract takePort(ip: Ip, port: number): number;
  protected abstract dropPort(): void;

  get hasError(): boolean {
    return this.error !== 0;
  }
  get nextSize(): number {
    return this.datagrams[0]?.data.length ?? 0;
  }

  get queuedBytes(): number {
    return this.held;
  }

  takeError(): number {
    const error = this.error;
    this.error = 0;
    return error;
  }

  bind(ip: Ip, port: number): number {
    if (this.holding) return -EINVAL;
    const known = isAny(ip) || isLoopback(ip) || isMulticast(ip) || ip === LOOPBACK_BROADCAST;
    if (!known && ip !== BROADCAST4) return -EADDRNOTAVAIL;
    const r = this.takePort(ip, port);
    if (r < 0) return r;
    this.bound = true;
    this.boundIp = ip;
    return 0;
  }

  protected autobind(): number {
    if (this.holding) return 0;
    return this.takePort(this.local.ip, 0) < 0 ? -EAGAIN : 0;
  }

  connect(to: Endpoint | null): number {
    if (to === null) {
      this.remote = null;
      if (this.holding && !this.bound) this.dropPort();
      this.local = { ip: this.boundIp, port: this.local.port };
      return 0;
    }
    const ip = this.route(to.ip);
    if (typeof ip === 'number') return ip;
    const r = this.autobind();
    if (r < 0) return r;
    if (isAny(this.boundIp)) this.local = { ip: isV4(ip) ? LOOPBACK4 : LOOPBACK6, port: this.local.port };
    this.remote = { ip, port: to.port };
    return 0;
  }

  /** Where a datagram to `ip` goes, or why it cannot. */
  protected route(ip: Ip, how: Sending | null = null): Ip | number {
    const own = this.local.ip;
    if (isAny(ip)) return isV4(ip) || (isV4(own) && this.v6) ? LOOPBACK4 : LOOPBACK6;
    if (isV4(ip) ? this.options.v6only : !this.v6) return -ENETUNREACH;
    if (this.v6 && !isAny(own) && isV4(ip) !== isV4(own)) return isV4(own) ? -EAFNOSUPPORT : -ENETUNREACH;
    // A socket with an address of lo, or one that was given the interface, needs no route for these.
    const onLo = !isAny(own) && !isMulticast(own);
    const broadcast = ip === LOOPBACK_BROADCAST || ip === BROADCAST4;
    const deviceBound = this.options.deviceBound || how?.throughLo === true;
    if (broadcast) {
      if (ip === BROADCAST4 && !onLo && !deviceBound) return -ENETUNREACH;
      return this.options.broadcast ? ip : -EACCES;
    }
    if (isMulticast(ip)) {
      const through = onLo || this.options.multicastInterface || deviceBound;
      return isV4(ip) && through ? ip : -ENETUNREACH;
    }
    return isLoopback(ip) ? ip : -ENETUNREACH;
  }

  /** The source of what goes to `ip`. */
  protected sourceFor(ip: Ip, how: Sending | null = null): Ip {
    if (how !== null && how.source !== null) return how.source;
    const own = this.local.ip;
    if (isMulticast(ip) && isAny(own)) return this.options.multicastSource;
    if (!isAny(own) && !isMulticast(own) && isV4(own) === isV4(ip)) return own;
    return isV4(ip) ? LOOPBACK4 : LOOPBACK6;
  }

  /** Wall clock in ms, with fractions. */
  protected nowMs(): number {
    return this.shared.host.clock.nowNs(CLOCK_REALTIME) / 1e6;
  }

  private get limit(): number {
    return this.options.rcvbuf === 0 ? DEFAULT_RCVBUF : this.options.rcvbuf;
  }

  /** What a filter gets to see of a datagram, and how many bytes of it stand before the data. */
  protected abstract view(datagram: Datagram): { packet: PacketView; header: number };

  private filtered(filter: SocketFilter, datagram: Datagram): Datagram | null {
    const { packet, header } = this.view(datagram);
    const wanted = filter.run(packet);
    if (wanted === 0) return null;
    const data = datagram.data.subarray(0, Math.max(0, wanted - header));
    return { ...datagram, data };
  }

  protected deliver(arrived: Datagram): void {
    const { filter } = this.options;
    const datagram = filter === null ? arrived : this.filtered(filter, arrived);
    if (datagram === null) return;
    // Datagrams that find no room are lost without a word.
    if (this.held > this.limit) return;
    this.held += charge(datagram.data.length);
    this.datagrams.push(datagram);
    this.queue.notify(READABLE);
  }

  receive(peek: boolean, skip: number): Datagram | number {
    if (this.error !== 0) return -this.takeError();
    if (peek && skip > 0) return this.peekAhead(skip);
    const datagram = this.datagrams[0];
    if (datagram === undefined) return this.rcvShut ? 0 : -EAGAIN;
    this.peekStart = 0;
    if (!peek) {
      this.datagrams.shift();
      this.held -= charge(datagram.data.length);
    }
    return datagram;
  }

  private peekAhead(skip: number): Datagram | number {
    for (const datagram of this.datagrams) {
      this.peekStart = skip;
      if (skip < datagram.data.length) return datagram;
      skip -= datagram.data.length;
    }
    return this.rcvShut ? 0 : -EAGAIN;
  }

  // ---- errors
  /** Something sent came back: into the error queue for those who asked, to the others if they are connected. */
  protected reportError(entry: QueuedError): void {
    if (isV4(entry.to.ip) ? this.options.recvErr : this.options.recvErr6) this.errors.push(entry, this.limit);
    else if (this.remote === null || entry.local) return;
    if (!entry.local) this.error = entry.errno;
    this.queue.notify(POLLERR);
  }

  receiveError(): QueuedError | null {
    const entry = this.errors.shift();
    if (entry !== null && (!entry.local || !this.errors.empty)) this.error = this.errors.nextErrno;
    return entry;
  }

  clearErrors(): void {
    this.errors.clear();
  }

  // ---- filters
  filterChanged(): void {
    // asked for each datagram
  }
  setGroupFilter(_filter: SocketFilter | null): number {
    return this.options.reusePort ? -ENOENT : -EINVAL;
  }

  // ---- groups
  join(group: Ip): number {
    return this.groups.join(group);
  }
  leave(group: Ip): number {
    return this.groups.leave(group);
  }
  filterSource(what: SourceFilter, group: Ip, source: Ip): number {
    return this.groups.filter(what, group, source);
  }
  setSources(group: Ip, filter: GroupSources): number {
    return this.groups.setSources(group, filter);
  }
  sourcesOf(group: Ip): GroupSources | null {
    return this.groups.sourcesOf(group);
  }

  // ---- the end
  shutdown(how: number): number {
    if (how < SHUT_RD || how > SHUT_RDWR) return -EINVAL;
    // Without a peer, too: programs end the wait of another thread with it.
    if (how !== SHUT_WR) this.rcvShut = true;
    if (how !== SHUT_RD) this.sndShut = true;
    this.queue.notify(READABLE | WRITABLE | POLLRDHUP | POLLHUP);
    return this.remote === null ? -ENOTCONN : 0;
  }

  close(): void {
    if (this.holding) this.dropPort();
    this.groups.leaveAll();
    this.errors.clear();
    this.datagrams = [];
    this.held = 0;
  }

  readiness(): number {
    let mask = WRITABLE | POLLWRBAND;
    if (this.error !== 0 || !this.errors.empty) mask |= POLLERR;
    if (this.datagrams.length > 0) mask |= READABLE;
    if (this.rcvShut) mask |= READABLE | POLLRDHUP;
    if (this.rcvShut && this.sndShut) mask |= POLLHUP;
    return mask;
  }
}
