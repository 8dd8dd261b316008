/** UDP over lo (udp(7)): datagrams go straight into the receiver's queue. */
import {
  EACCES,
  EADDRINUSE,
  EADDRNOTAVAIL,
  EAGAIN,
  ECONNREFUSED,
  EDESTADDRREQ,
  EINVAL,
  EMSGSIZE,
  ENETUNREACH,
  ENOTCONN,
  EPIPE,
} from '../../../abi/errno.ts';
import { POLLERR, POLLHUP, POLLRDHUP, READABLE, WRITABLE } from '../../../abi/poll.ts';
import { SHUT_RD, SHUT_RDWR, SHUT_WR } from '../../../abi/socket.ts';
import { WaitQueue } from '../../../base/wait-queue.ts';
import type { Datagram, EndpointOptions, UdpEndpoint } from '../inet-stack.ts';
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
import type { PortTable } from './port-table.ts';
import { covers } from './port-table.ts';

/** 65535 less the headers of IP and UDP. */
const MAX_V4 = 65507;
const MAX_V6 = 65487;
const DEFAULT_RCVBUF = 212992;
/** Bookkeeping that each queued datagram counts besides its data. */
const OVERHEAD = 576;

export class LoopbackUdp implements UdpEndpoint {
  readonly queue = new WaitQueue();
  readonly options: EndpointOptions = defaultEndpointOptions();
  readonly listening = false;
  local: Endpoint;
  remote: Endpoint | null = null;
  private readonly v6: boolean;
  private readonly ports: PortTable<LoopbackUdp>;
  private bound = false;
  private error = 0;
  private datagrams: Datagram[] = [];
  private held = 0;
  private rcvShut = false;
  private sndShut = false;
  private readonly groups = new Set<Ip>();
  /** The wildcard it was bound to before connect chose an address. */
  private boundIp: Ip;

  constructor(v6: boolean, ports: PortTable<LoopbackUdp>) {
    this.v6 = v6;
    this.ports = ports;
    this.boundIp = v6 ? ANY6 : ANY4;
    this.local = { ip: this.boundIp, port: 0 };
  }

  get hasError(): boolean {
    return this.error !== 0;
  }
  get nextSize(): number {
    return this.datagrams[0]?.data.length ?? 0;
  }

  takeError(): number {
    const error = this.error;
    this.error = 0;
    return error;
  }

  bind(ip: Ip, port: number): number {
    if (this.bound) return -EINVAL;
    if (!isAny(ip) && !isLoopback(ip) && !isMulticast(ip) && ip !== LOOPBACK_BROADCAST) return -EADDRNOTAVAIL;
    const chosen = port === 0 ? this.ports.ephemeral(this, ip) : port;
    if (chosen < 0) return chosen;
    if (port !== 0 && !this.ports.allows(this, ip, port)) return -EADDRINUSE;
    this.boundIp = ip;
    this.local = { ip, port: chosen };
    this.bound = true;
    this.ports.add(this);
    return 0;
  }

  private autobind(): number {
    if (this.bound) return 0;
    return this.bind(this.local.ip, 0) < 0 ? -EAGAIN : 0;
  }

  connect(to: Endpoint | null): number {
    if (to === null) {
      this.remote = null;
      if (this.bound) this.local = { ip: this.boundIp, port: this.local.port };
      return 0;
    }
    const ip = this.route(to.ip);
    if (typeof ip === 'number') return ip;
    const r = this.autobind();
    if (r < 0) return r;
    if (isAny(this.local.ip)) this.local = { ip: isV4(ip) ? LOOPBACK4 : LOOPBACK6, port: this.local.port };
    this.remote = { ip, port: to.port };
    return 0;
  }

  /** Where a datagram to `ip` goes, or why it cannot. */
  private route(ip: Ip): Ip | number {
    if (isAny(ip)) return isV4(ip) || isV4(this.local.ip) ? LOOPBACK4 : LOOPBACK6;
    if (isV4(ip) ? this.options.v6only : !this.v6) return -ENETUNREACH;
    if (ip === BROADCAST4 || ip === LOOPBACK_BROADCAST) {
      if (!this.options.broadcast) return -EACCES;
      return ip === BROADCAST4 ? -ENETUNREACH : ip;
    }
    if (isMulticast(ip)) return this.options.multicastInterface || this.groups.has(ip) ? ip : -ENETUNREACH;
    return isLoopback(ip) ? ip : -ENETUNREACH;
  }

  send(buf: Uint8Array, off: number, len: number, to: Endpoint | null, ttl: number, tos: number): number {
    if (this.error !== 0) return -this.takeError();
    const target = to ?? this.remote;
    if (target === null) return -EDESTADDRREQ;
    if (target.port === 0) return -EINVAL;
    if (len > (isV4(target.ip) ? MAX_V4 : MAX_V6)) return -EMSGSIZE;
    const ip = this.route(target.ip);
    if (typeof ip === 'number') return ip;
    if (this.sndShut) return -EPIPE;
    const r = this.autobind();
    if (r < 0) return r;
    const source =
      isAny(this.local.ip) || isMulticast(this.local.ip) ? (isV4(ip) ? LOOPBACK4 : LOOPBACK6) : this.local.ip;
    const datagram: Datagram = {
      data: buf.slice(off, off + len),
      from: { ip: source, port: this.local.port },
      to: ip,
      timeMs: Date.now(),
      ttl,
      tos,
    };
    if (isMulticast(ip) || ip === LOOPBACK_BROADCAST) this.deliverToAll(datagram, target.port);
    else this.deliver(datagram, target.port);
    return len;
  }

  private deliver(datagram: Datagram, port: number): void {
    let best: LoopbackUdp[] = [];
    let bestScore = 0;
    for (const holder of this.ports.at(port) ?? []) {
      const score = holder.score(datagram);
      if (score === 0 || score < bestScore) continue;
      if (score > bestScore) best = [];
      bestScore = score;
      best.push(holder);
    }
    if (best.length === 0) {
      // Port unreachable: a connected sender hears of it.
      if (this.remote !== null && this.remote.ip === datagram.to && this.remote.port === port) {
        this.error = ECONNREFUSED;
        this.queue.notify(POLLERR | READABLE | WRITABLE);
      }
      return;
    }
    // Of several with SO_REUSEPORT each flow goes to one; with SO_REUSEADDR the last one bound gets all.
    const shared = best.every((u) => u.options.reusePort);
    const chosen = shared ? best[datagram.from.port % best.length]! : best[best.length - 1]!;
    chosen.receiveDatagram(datagram);
  }

  private deliverToAll(datagram: Datagram, port: number): void {
    for (const holder of [...(this.ports.at(port) ?? [])]) {
      if (isMulticast(datagram.to)) {
        if (!holder.groups.has(datagram.to) || (holder === this && !this.options.multicastLoop)) continue;
      }
      if (holder.score(datagram) > 0) holder.receiveDatagram(datagram);
    }
  }

  /** How well a datagram fits: 0 not at all; a connected socket before a bound address before a wildcard. */
  private score(datagram: Datagram): number {
    const local = this.local.ip;
    const wide = isMulticast(datagram.to) || datagram.to === LOOPBACK_BROADCAST;
    if (
      !covers(local, this.options, datagram.to) &&
      !(wide && isAny(local) && covers(local, this.options, ANY4))
    ) {
      return 0;
    }
    let score = local === ANY6 ? 1 : isAny(local) ? 2 : 4;
    if (this.remote !== null) {
      if (this.remote.ip !== datagram.from.ip || this.remote.port !== datagram.from.port) return 0;
      score += 8;
    }
    return score;
  }

  private receiveDatagram(datagram: Datagram): void {
    const limit = this.options.rcvbuf === 0 ? DEFAULT_RCVBUF : this.options.rcvbuf;
    // Datagrams that find no room are lost without a word.
    if (this.held > limit) return;
    this.held += datagram.data.length + OVERHEAD;
    this.datagrams.push(datagram);
    this.queue.notify(READABLE);
  }

  receive(peek: boolean): Datagram | number {
    const datagram = this.datagrams[0];
    if (datagram === undefined) {
      if (this.error !== 0) return -this.takeError();
      return this.rcvShut ? 0 : -EAGAIN;
    }
    if (!peek) {
      this.datagrams.shift();
      this.held -= datagram.data.length + OVERHEAD;
    }
    return datagram;
  }

  join(group: Ip): number {
    if (!isMulticast(group)) return -EINVAL;
    if (this.groups.has(group)) return -EADDRINUSE;
    this.groups.add(group);
    return 0;
  }

  leave(group: Ip): number {
    if (!isMulticast(group)) return -EINVAL;
    return this.groups.delete(group) ? 0 : -EADDRNOTAVAIL;
  }

  shutdown(how: number): number {
    if (how < SHUT_RD || how > SHUT_RDWR) return -EINVAL;
    if (this.remote === null) return -ENOTCONN;
    if (how !== SHUT_WR) this.rcvShut = true;
    if (how !== SHUT_RD) this.sndShut = true;
    this.queue.notify(READABLE | WRITABLE | POLLRDHUP | POLLHUP);
    return 0;
  }

  close(): void {
    if (this.bound) this.ports.remove(this);
    this.bound = false;
    this.datagrams = [];
    this.held = 0;
  }

  readiness(): number {
    let mask = WRITABLE;
    if (this.error !== 0) mask |= POLLERR;
    if (this.datagrams.length > 0) mask |= READABLE;
    if (this.rcvShut) mask |= READABLE | POLLRDHUP;
    if (this.rcvShut && this.sndShut) mask |= POLLHUP;
    return mask;
  }
}
