/** IP packets as raw and packet sockets see and make them: headers, checksums, ICMP errors. */
import {
  ARPHRD_LOOPBACK,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
  LO,
} from '../../../abi/inet.ts';
import { ETH_P_IP, ETH_P_IPV6 } from '../../../abi/packet.ts';
import type { PacketView } from '../../../base/bpf/socket-filter.ts';
import type { Ip } from '../ip.ts';
import { ipFromV4, ipFromV6, isV4, putV4, putV6 } from '../ip.ts';

export const V4_HEADER = 20;
export const V6_HEADER = 40;
const UDP_HEADER = 8;
const ICMP_HEADER = 8;
const DONT_FRAGMENT = 0x40;
const DEFAULT_TTL = 64;

/** What a header says. */
export interface PacketInfo {
  readonly v6: boolean;
  readonly protocol: number;
  readonly from: Ip;
  readonly to: Ip;
  readonly ttl: number;
  readonly tos: number;
  /** Where the payload begins. */
  readonly start: number;
}

/** A packet on lo as filters see it, from `start` on. */
export function packetView(p: Uint8Array, start: number, mark: number, kind = 0): PacketView {
  const info = parsePacket(p);
  const header = info === null ? 0 : info.start + transportHeader(p, info);
  return {
    data: p,
    start,
    network: 0,
    link: 0,
    payload: header,
    protocol: info === null ? 0 : info.v6 ? ETH_P_IPV6 : ETH_P_IP,
    kind,
    mark,
    interfaceIndex: LO,
    hardware: ARPHRD_LOOPBACK,
  };
}

function transportHeader(p: Uint8Array, { protocol, start }: PacketInfo): number {
  switch (protocol) {
    case IPPROTO_TCP:
      return ((p[start + 12] ?? 0) >>> 4) * 4;
    case IPPROTO_UDP:
    case IPPROTO_UDPLITE:
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
      return 8;
    default:
      return 0;
  }
}

/** null for what is no IP packet. */
export function parsePacket(p: Uint8Array): PacketInfo | null {
  const version = p[0]! >>> 4;
  if (version === 6 && p.length >= V6_HEADER) {
    const tos = ((p[0]! & 0xf) << 4) | (p[1]! >>> 4);
    const addresses = { from: ipFromV6(p, 8), to: ipFromV6(p, 24) };
    return { v6: true, protocol: p[6]!, ...addresses, ttl: p[7]!, tos, start: V6_HEADER };
  }
  const start = (p[0]! & 0xf) * 4;
  if (version !== 4 || start < V4_HEADER || p.length < start) return null;
  const addresses = { from: ipFromV4(p, 12), to: ipFromV4(p, 16) };
  return { v6: false, protocol: p[9]!, ...addresses, ttl: p[8]!, tos: p[1]!, start };
}

export interface PacketHead {
  readonly from: Ip;
  readonly to: Ip;
  readonly protocol: number;
  readonly ttl: number;
  readonly tos: number;
}

/** A header before `payload`. */
export function ipPacket({ from, to, protocol, ttl, tos }: PacketHead, payload: Uint8Array): Uint8Array {
  const v6 = !isV4(to);
  const p = new Uint8Array((v6 ? V6_HEADER : V4_HEADER) + payload.length);
  if (v6) {
    p[0] = 0x60 | (tos >>> 4);
    p[1] = (tos & 0xf) << 4;
    put16(p, 4, payload.length);
    p[6] = protocol;
    p[7] = ttl;
    putV6(from, p, 8);
    putV6(to, p, 24);
    p.set(payload, V6_HEADER);
  } else {
    p[0] = 0x45;
    p[1] = tos;
    p[6] = DONT_FRAGMENT;
    p[8] = ttl;
    p[9] = protocol;
    putV4(from, p, 12);
    putV4(to, p, 16);
    p.set(payload, V4_HEADER);
    finishV4(p);
  }
  return p;
}

/** Length and checksum of an IPv4 header. */
export function finishV4(p: Uint8Array): void {
  put16(p, 2, p.length);
  put16(p, 10, 0);
  put16(p, 10, checksum(p, 0, (p[0]! & 0xf) * 4, 0));
}

/** A UDP datagram as a packet. */
export function udpPacket(head: PacketHead, fromPort: number, toPort: number, data: Uint8Array): Uint8Array {
  const udp = new Uint8Array(UDP_HEADER + data.length);
  put16(udp, 0, fromPort);
  put16(udp, 2, toPort);
  put16(udp, 4, udp.length);
  udp.set(data, UDP_HEADER);
  // Zero would mean that there is none.
  put16(udp, 6, checksum(udp, 0, udp.length, pseudoHeader(head, udp.length)) || 0xffff);
  return ipPacket(head, udp);
}

/** Ports and payload; null when it is cut short. */
export function parseUdp(
  p: Uint8Array,
  start: number,
): { from: number; to: number; data: Uint8Array } | null {
  const length = get16(p, start + 4);
  if (p.length - start < UDP_HEADER || length < UDP_HEADER || length > p.length - start) return null;
  const data = p.slice(start + UDP_HEADER, start + length);
  return { from: get16(p, start), to: get16(p, start + 2), data };
}

/** Is the checksum right? IPv4 can do without one. */
export function udpChecks(p: Uint8Array, { v6, from, to, protocol, ttl, tos, start }: PacketInfo): boolean {
  if (get16(p, start + 6) === 0) return !v6;
  const end = start + get16(p, start + 4);
  return checksum(p, start, end, pseudoHeader({ from, to, protocol, ttl, tos }, end - start)) === 0;
}

/** ICMP's answer to a packet: destination unreachable, or (null) none to an ICMP error. */
export function unreachable(packet: Uint8Array, info: PacketInfo, type: number, code: number): Uint8Array {
  const limit = info.v6 ? 1280 - V6_HEADER : 576 - V4_HEADER;
  const quote = packet.subarray(0, limit - ICMP_HEADER);
  const icmp = new Uint8Array(ICMP_HEADER + quote.length);
  icmp[0] = type;
  icmp[1] = code;
  icmp.set(quote, ICMP_HEADER);
  return icmpPacket({ from: info.to, to: info.from, tos: 0xc0 }, icmp);
}

/** An ICMP message as a packet, its checksum filled in. */
export function icmpPacket(head: { from: Ip; to: Ip; tos: number }, icmp: Uint8Array): Uint8Array {
  const protocol = isV4(head.to) ? 1 : 58;
  const full = { ...head, protocol, ttl: DEFAULT_TTL };
  put16(icmp, 2, 0);
  put16(icmp, 2, checksum(icmp, 0, icmp.length, protocol === 58 ? pseudoHeader(full, icmp.length) : 0));
  return ipPacket(full, icmp);
}

/** The sum of what UDP, TCP and ICMPv6 cover besides themselves. */
export function pseudoHeader({ from, to, protocol }: PacketHead, length: number): number {
  const bytes = new Uint8Array(32);
  if (isV4(to)) {
    putV4(from, bytes, 0);
    putV4(to, bytes, 4);
  } else {
    putV6(from, bytes, 0);
    putV6(to, bytes, 16);
  }
  return sum16(bytes, 0, bytes.length) + length + protocol;
}

/** The Internet checksum (RFC 1071) of p[from, to), `initial` added. */
export function checksum(p: Uint8Array, from: number, to: number, initial: number): number {
  let sum = initial + sum16(p, from, to);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 65536);
  return ~sum & 0xffff;
}

function sum16(p: Uint8Array, from: number, to: number): number {
  let sum = 0;
  for (let i = from; i < to; i += 2) sum += (p[i]! << 8) | (i + 1 < to ? p[i + 1]! : 0);
  return sum;
}

function put16(p: Uint8Array, at: number, value: number): void {
  p[at] = value >>> 8;
  p[at + 1] = value;
}

function get16(p: Uint8Array, at: number): number {
  return ((p[at] ?? 0) << 8) | (p[at + 1] ?? 0);
}
