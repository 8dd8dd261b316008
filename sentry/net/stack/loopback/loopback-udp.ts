/** UDP over lo (udp(7)): datagrams go straight into the receiver's queue. */
import { EADDRINUSE, ECONNREFUSED, EDESTADDRREQ, EINVAL, EMSGSIZE, EPIPE } from '../../../abi/errno.ts';
import { IPPROTO_UDP, IPPROTO_UDPLITE } from '../../../abi/inet.ts';
import type { PacketView, SocketFilter } from '../../../base/bpf/socket-filter.ts';
import type { Datagram, QueuedError, Sending } from '../inet-stack.ts';
import type { Endpoint, Ip } from '../ip.ts';
import { ANY4, ANY6, isAny, isMulticast, isV4, isWide, sameEndpoint } from '../ip.ts';
import { DatagramEndpoint } from './datagram-endpoint.ts';
import type { DatagramShared } from './datagram-endpoint.ts';
import type { PortTable } from './port-table.ts';
import { covers } from './port-table.ts';
import { packetView, udpPacket, V4_HEADER, V6_HEADER } from './packet.ts';
import { chooseMember, joinGroup, setGroupFilter } from './reuse-group.ts';
import type { ReuseGroup } from './reuse-group.ts';

/** 65535 less the headers of IP and UDP. */
const MAX_V4 = 65507;
const MAX_V6 = 65487;
/** How much of a datagram an ICMP error quotes: what fits with all headers in 576 bytes, and in 1280. */
const QUOTE_V4 = 520;
const QUOTE_V6 = 1184;
/** ICMP_DEST_UNREACH with ICMP_PORT_UNREACH, and ICMPv6's twins. */
const UNREACHABLE_V4 = { type: 3, code: 3 };
const UNREACHABLE_V6 = { type: 1, code: 4 };
const IP_MAX_MTU = 65535;

const UDP_HEADER = 8;

export class LoopbackUdp extends DatagramEndpoint {
  reuseGroup: ReuseGroup | null = null;
  private readonly ports: PortTable<LoopbackUdp>;
  private readonly lite: boolean;

  /** `lite`: UDP-Lite, which raw sockets are not shown. */
  constructor(v6: boolean, ports: PortTable<LoopbackUdp>, shared: DatagramShared, lite = false) {
    super(v6, shared);
    this.ports = ports;
    this.lite = lite;
  }

  protected override takePort(ip: Ip, port: number): number {
    const chosen = port === 0 ? this.ports.ephemeral(this, ip) : port;
    if (chosen < 0) return chosen;
    if (port !== 0 && !this.ports.allows(this, ip, port)) return -EADDRINUSE;
    this.local = { ip, port: chosen };
    this.holding = true;
    this.ports.add(this);
    joinGroup(this, this.ports.at(chosen)!);
    return 0;
  }

  protected override dropPort(): void {
    this.ports.remove(this);
    this.holding = false;
    this.reuseGroup = null;
    this.local = { ip: this.local.ip, port: 0 };
  }

  send(buf: Uint8Array, off: number, len: number, to: Endpoint | null, how: Sending): number {
    const r = this.autobind();
    if (r < 0) return r;
    const target = to ?? this.remote;
    if (target === null) return -EDESTADDRREQ;
    if (target.port === 0) return -EINVAL;
    const ip = this.route(target.ip, how);
    if (typeof ip === 'number') return ip;
    if (this.hasError) return -this.takeError();
    if (len > (isV4(ip) ? MAX_V4 : MAX_V6)) return this.tooLong(ip);
    if (this.sndShut) return -EPIPE;
    const datagram: Datagram = {
      data: buf.slice(off, off + len),
      from: { ip: this.sourceFor(ip, how), port: this.local.port },
      to: ip,
      timeMs: this.nowMs(),
      ttl: how.ttl,
      tos: how.tos,
      mark: this.options.mark,
    };
    const { wire } = this.shared;
    if (wire.watched && !this.lite) wire.showUdp(datagram, target.port);
    this.dispatch(datagram, target.port);
    return len;
  }

  override setGroupFilter(filter: SocketFilter | null): number {
    return setGroupFilter(this, this.holding, filter);
  }

  protected override view(datagram: Datagram): { packet: PacketView; header: number } {
    return { packet: asPacket(datagram, this.local.port, this.lite, 0), header: UDP_HEADER };
  }

  /** To whoever has the port. */
  dispatch(datagram: Datagram, port: number): void {
    if (isWide(datagram.to)) this.deliverToAll(datagram, port);
    else this.deliverToOne(datagram, port);
  }

  private tooLong(ip: Ip): number {
    if (isV4(ip)) {
      const to = { ip, port: this.remote?.port ?? 0 };
      const entry = { errno: EMSGSIZE, local: true, type: 0, code: 0, info: IP_MAX_MTU, to };
      this.reportError({ ...entry, data: new Uint8Array(0), offender: ANY4 });
    }
    return -EMSGSIZE;
  }

  private deliverToOne(datagram: Datagram, port: number): void {
    let best: LoopbackUdp | null = null;
    let bestScore = 0;
    let rivals = 0;
    for (const holder of this.ports.at(port) ?? []) {
      const score = holder.score(datagram);
      if (score === 0 || score < bestScore) continue;
      rivals = score > bestScore ? 1 : rivals + 1;
      // Without SO_REUSEPORT the last one bound gets all.
      best = holder;
      bestScore = score;
    }
    if (best === null) this.bounce(datagram, port);
    else if (rivals === 1 || !best.options.reusePort) best.deliver(datagram);
    else this.choose(datagram, port, bestScore, rivals).deliver(datagram);
  }

  /** Of several with SO_REUSEPORT each flow goes to one. */
  private choose(datagram: Datagram, port: number, score: number, rivals: number): LoopbackUdp {
    const members = [...this.ports.at(port)!].filter((holder) => holder.score(datagram) === score);
    return (
      chooseMember(members, () => asPacket(datagram, port, this.lite, UDP_HEADER)) ??
      members[datagram.from.port % rivals]!
    );
  }

  /** Nobody is there: port unreachable. Whoever sent from this port hears of it. */
  private bounce(datagram: Datagram, port: number): void {
    const { wire } = this.shared;
    if (wire.watched && !this.lite) wire.showUnreachable(datagram, port);
    const v4 = isV4(datagram.to);
    const entry: QueuedError = {
      errno: ECONNREFUSED,
      local: false,
      ...(v4 ? UNREACHABLE_V4 : UNREACHABLE_V6),
      info: 0,
      to: { ip: datagram.to, port },
      data: datagram.data.slice(0, v4 ? QUOTE_V4 : QUOTE_V6),
      offender: datagram.to,
    };
    if (this.remote !== null && !sameEndpoint(this.remote, entry.to)) return;
    this.reportError(entry);
  }

  private deliverToAll(datagram: Datagram, port: number): void {
    const { to, from } = datagram;
    for (const holder of [...(this.ports.at(port) ?? [])]) {
      if (holder.score(datagram) === 0) continue;
      if (isMulticast(to) && !holder.groups.accepts(to, from.ip, holder.options.multicastAll)) continue;
      holder.deliver(datagram);
    }
  }

  /** How well a datagram fits: 0 not at all; a connected socket before a bound address before a wildcard. */
  private score(datagram: Datagram): number {
    const local = this.local.ip;
    if (!covers(local, this.options, datagram.to)) return 0;
    let score = local === ANY6 ? 1 : isAny(local) ? 2 : 4;
    if (this.remote !== null) {
      if (!sameEndpoint(this.remote, datagram.from)) return 0;
      score += 8;
    }
    return score;
  }
}

/** A datagram for filters, which begins so many bytes after its IP header. */
function asPacket(datagram: Datagram, port: number, lite: boolean, skip: number): PacketView {
  const { from, to, ttl, tos, data, mark } = datagram;
  const head = { from: from.ip, to, protocol: lite ? IPPROTO_UDPLITE : IPPROTO_UDP, ttl, tos };
  const packet = udpPacket(head, from.port, port, data);
  return packetView(packet, (isV4(to) ? V4_HEADER : V6_HEADER) + skip, mark);
}
