/**
 * lo as a place where packets pass. The transports of this stack hand data over without making packets; only while raw
 * or packet sockets are open do datagrams and ICMP messages appear here as what they would be on a wire.
 */
import {
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
} from '../../../abi/inet.ts';
import type { Datagram } from '../inet-stack.ts';
import type { Ip } from '../ip.ts';
import { isLoopback, isWide } from '../ip.ts';
import type { LoopbackRaw } from './loopback-raw.ts';
import {
  icmpPacket,
  parsePacket,
  parseUdp,
  udpPacket,
  udpChecks,
  unreachable,
  type PacketInfo,
} from './packet.ts';

/** A packet socket: hears of each packet when it is sent, and again when it arrives. */
export interface PacketTap {
  packet(packet: Uint8Array, v6: boolean, outgoing: boolean, mark: number): void;
}

/** Where datagrams of raw sockets go. */
export type UdpInput = (datagram: Datagram, port: number) => void;

const ECHO_V4 = { request: 8, reply: 0 };
const ECHO_V6 = { request: 128, reply: 129 };
const UNREACHABLE_V4 = 3;
const UNREACHABLE_V6 = 1;
const PROTOCOL_UNREACHABLE_V4 = 2;
const PORT_UNREACHABLE = { v4: 3, v6: 4 };
const TRANSPORTS = [IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE];
/** IPv6: what follows is none of the protocols that the socket asked for (RFC 4443, 3.4). */
const PARAMETER_PROBLEM = 4;
const UNKNOWN_NEXT_HEADER = 1;

export class Wire {
  readonly raws = new Set<LoopbackRaw>();
  readonly taps = new Set<PacketTap>();
  private readonly nowMs: () => number;
  /** Set by the stack. */
  udpInput: UdpInput = () => undefined;
  tcpInput: (packet: Uint8Array, info: PacketInfo) => void = () => undefined;

  constructor(nowMs: () => number) {
    this.nowMs = nowMs;
  }

  /** Is anybody looking? */
  get watched(): boolean {
    return this.raws.size > 0 || this.taps.size > 0;
  }

  /** A packet that the transports deal with themselves. True when a raw socket took it. */
  show(packet: Uint8Array, mark = 0): boolean {
    const info = parsePacket(packet);
    return info !== null && this.pass(packet, info, mark);
  }

  private pass(packet: Uint8Array, info: PacketInfo, mark: number): boolean {
    for (const outgoing of [true, false]) {
      for (const tap of this.taps) tap.packet(packet, info.v6, outgoing, mark);
    }
    let taken = false;
    for (const raw of this.raws) {
      if (!raw.wants(packet, info)) continue;
      taken = true;
      const data = info.v6 ? packet.slice(info.start) : packet;
      const { from, to, ttl, tos } = info;
      raw.offer({ data, from: { ip: from, port: 0 }, to, timeMs: this.nowMs(), ttl, tos, mark });
    }
    return taken;
  }

  showUdp({ data, from, to, ttl, tos, mark }: Datagram, port: number): void {
    const head = { from: from.ip, to, protocol: IPPROTO_UDP, ttl, tos };
    this.show(udpPacket(head, from.port, port, data), mark);
  }

  /** Nobody has the port of a datagram. */
  showUnreachable({ data, from, to, ttl, tos }: Datagram, port: number): void {
    const head = { from: from.ip, to, protocol: IPPROTO_UDP, ttl, tos };
    const packet = udpPacket(head, from.port, port, data);
    this.portUnreachable(packet, parsePacket(packet)!);
  }

  private portUnreachable(packet: Uint8Array, info: PacketInfo): void {
    const { v6 } = info;
    const type = v6 ? UNREACHABLE_V6 : UNREACHABLE_V4;
    this.show(unreachable(packet, info, type, v6 ? PORT_UNREACHABLE.v6 : PORT_UNREACHABLE.v4));
  }

  showIcmp(from: Ip, to: Ip, tos: number, message: Uint8Array): void {
    this.show(icmpPacket({ from, to, tos }, message.slice()));
  }

  /** A packet of a packet socket. IPv4 lets none in that pretends to be from here (route_localnet), IPv6 does. */
  inject(packet: Uint8Array): void {
    if (packet[0]! >>> 4 === 6) this.send(packet);
    else
      for (const outgoing of [true, false])
        for (const tap of this.taps) tap.packet(packet, false, outgoing, 0);
  }

  /** A packet of a raw socket: shown, and taken in. */
  send(packet: Uint8Array, mark = 0): void {
    const info = parsePacket(packet);
    if (info === null) return;
    const taken = this.pass(packet, info, mark);
    if (!isLoopback(info.to) && !isWide(info.to)) return;
    if (info.protocol === (info.v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP)) this.echo(packet, info);
    else if (info.protocol === IPPROTO_UDP) this.receiveUdp(packet, info, mark);
    else if (info.protocol === IPPROTO_TCP) this.tcpInput(packet, info);
    else if (!taken && !TRANSPORTS.includes(info.protocol) && isLoopback(info.to)) this.refuse(packet, info);
  }

  /** A request is answered by the address that it went to. */
  private echo(packet: Uint8Array, { v6, from, to, tos, start }: PacketInfo): void {
    const kinds = v6 ? ECHO_V6 : ECHO_V4;
    if (packet[start] !== kinds.request || !isLoopback(to)) return;
    const message = packet.slice(start);
    message[0] = kinds.reply;
    this.show(icmpPacket({ from: to, to: from, tos }, message));
  }

  private receiveUdp(packet: Uint8Array, info: PacketInfo, mark: number): void {
    const udp = parseUdp(packet, info.start);
    if (udp === null || !udpChecks(packet, info)) return;
    const { to, ttl, tos } = info;
    const from = { ip: info.from, port: udp.from };
    this.udpInput({ data: udp.data, from, to, timeMs: this.nowMs(), ttl, tos, mark }, udp.to);
  }

  /** Nobody knows the protocol. */
  private refuse(packet: Uint8Array, info: PacketInfo): void {
    const [type, code] = info.v6
      ? [PARAMETER_PROBLEM, UNKNOWN_NEXT_HEADER]
      : [UNREACHABLE_V4, PROTOCOL_UNREACHABLE_V4];
    this.show(unreachable(packet, info, type, code));
  }
}
