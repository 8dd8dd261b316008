/**
 * The segments that a connection over lo would be made of. Nobody makes any for data to get across: only packet and raw
 * sockets that listen see them, and filters that decide what a socket hears.
 */
import { IPPROTO_TCP } from '../../../abi/inet.ts';
import type { PacketView } from '../../../base/bpf/socket-filter.ts';
import type { Endpoint, Ip } from '../ip.ts';
import { isV4 } from '../ip.ts';
import { checksum, ipPacket, packetView, pseudoHeader, V4_HEADER, V6_HEADER } from './packet.ts';
import type { Wire } from './wire.ts';

export const FIN = 0x01;
export const SYN = 0x02;
export const RST = 0x04;
export const PSH = 0x08;
export const ACK = 0x10;
export const URG = 0x20;

const TCP_HEADER = 20;
/** Two of padding, then timestamps (RFC 7323). */
const USUAL_OPTIONS = 12;
const DATA_HEADER = TCP_HEADER + USUAL_OPTIONS;
/** lo's MTU less the headers, and what options leave of it. */
const MSS_V4 = 65495;
const MSS_V6 = 65476;
/** So many bytes of data have room in one segment. */
export const LARGEST = MSS_V6 - USUAL_OPTIONS;
const WINDOW_SCALE = 7;
const TTL = 64;

/** One side of a connection, as its segments tell of it. */
export interface SegmentSource {
  readonly local: Endpoint;
  readonly remote: Endpoint | null;
  /** Sequence number of its SYN. */
  readonly firstSequence: number;
  /** Bytes and FINs that it has sent; what it has received, and room for more. */
  readonly sentUnits: number;
  readonly receivedUnits: number;
  readonly window: number;
  readonly options: { readonly mark: number };
}

export interface SegmentFields {
  readonly flags: number;
  readonly seq: number;
  readonly ack: number;
  readonly window: number;
  readonly urgent?: number;
  /** Padded to words. */
  readonly options?: Uint8Array;
}

/** A segment as a packet. */
export function tcpPacket(from: Endpoint, to: Endpoint, s: SegmentFields, data: Uint8Array): Uint8Array {
  const options = s.options ?? NOTHING;
  const header = TCP_HEADER + options.length;
  const bytes = new Uint8Array(header + data.length);
  const v = new DataView(bytes.buffer);
  v.setUint16(0, from.port, false);
  v.setUint16(2, to.port, false);
  v.setUint32(4, s.seq >>> 0, false);
  v.setUint32(8, s.ack >>> 0, false);
  v.setUint8(12, (header / 4) << 4);
  v.setUint8(13, s.flags);
  v.setUint16(14, s.window, false);
  v.setUint16(18, s.urgent ?? 0, false);
  bytes.set(options, TCP_HEADER);
  bytes.set(data, header);
  const head = { from: from.ip, to: to.ip, protocol: IPPROTO_TCP, ttl: TTL, tos: 0 };
  v.setUint16(16, checksum(bytes, 0, bytes.length, pseudoHeader(head, bytes.length)), false);
  return ipPacket(head, bytes);
}

const NOTHING = new Uint8Array(0);

export class TcpSegments {
  private readonly wire: Wire;
  private readonly nowMs: () => number;
  private sequence = Math.floor(Math.random() * 0x100000000);

  constructor(wire: Wire, nowMs: () => number) {
    this.wire = wire;
    this.nowMs = nowMs;
  }

  /** What an answer to a SYN without options says: the largest segment. */
  synOptions(ip: Ip): Uint8Array {
    const mss = isV4(ip) ? MSS_V4 : MSS_V6;
    return Uint8Array.of(2, 4, mss >>> 8, mss & 0xff);
  }

  /** A SYN's sequence number; connections can be told apart by theirs. */
  newSequence(): number {
    this.sequence = (this.sequence + 64013 + Math.floor(Math.random() * 65536)) >>> 0;
    return this.sequence;
  }

  /** Does anybody look? Otherwise nothing has to be shown. */
  get watched(): boolean {
    return this.wire.watched;
  }

  showSyn(from: SegmentSource, peer: SegmentSource | null): void {
    this.wire.show(this.syn(from, peer), from.options.mark);
  }

  /** `data` in as many segments as it takes, of which the last one has `flags`. It has not been counted as sent. */
  showData(from: SegmentSource, peer: SegmentSource, data: Uint8Array, flags = PSH): void {
    for (let at = 0; at < data.length; at += LARGEST) {
      const part = data.subarray(at, at + LARGEST);
      const last = at + LARGEST >= data.length;
      this.wire.show(this.segment(from, peer, last ? flags : 0, at, part), from.options.mark);
    }
  }

  /** A segment without data. */
  show(from: SegmentSource, peer: SegmentSource, flags: number): void {
    this.wire.show(this.segment(from, peer, flags, 0, NOTHING), from.options.mark);
  }

  /** The answer to a SYN that nobody wants. */
  showRefusal(client: SegmentSource): void {
    const fields = { flags: RST | ACK, seq: 0, ack: client.firstSequence + 1, window: 0 };
    this.wire.show(tcpPacket(client.remote!, client.local, fields, NOTHING));
  }

  /** For filters: `data` (that has not been counted as sent), or a segment of flags alone. */
  view(from: SegmentSource, peer: SegmentSource, flags: number, data: Uint8Array = NOTHING): PacketView {
    return this.viewOf(this.segment(from, peer, flags, 0, data), from);
  }
  viewOfSyn(from: SegmentSource, peer: SegmentSource | null): PacketView {
    return this.viewOf(this.syn(from, peer), from);
  }
  private viewOf(packet: Uint8Array, from: SegmentSource): PacketView {
    return packetView(packet, isV4(from.local.ip) ? V4_HEADER : V6_HEADER, from.options.mark);
  }

  /** What of a segment's data is left when a filter wants so many bytes of it all. */
  static keptData(wanted: number): number {
    return Math.max(0, wanted - DATA_HEADER);
  }

  /** `peer` null: it is the client's, with nothing to acknowledge. */
  private syn(from: SegmentSource, peer: SegmentSource | null): Uint8Array {
    const mss = isV4(from.local.ip) ? MSS_V4 : MSS_V6;
    const options = new Uint8Array(20);
    // The largest segment, selective acknowledgements, timestamps, padding, the window's scale.
    options.set([2, 4, mss >>> 8, mss & 0xff, 4, 2, 8, 10]);
    this.putTimes(options, 8, from, peer);
    options.set([1, 3, 3, WINDOW_SCALE], 16);
    const fields = {
      flags: peer === null ? SYN : SYN | ACK,
      seq: from.firstSequence,
      ack: peer === null ? 0 : peer.firstSequence + 1,
      window: Math.min(0xffff, from.window),
      options,
    };
    return tcpPacket(from.local, from.remote!, fields, NOTHING);
  }

  private segment(
    from: SegmentSource,
    peer: SegmentSource,
    flags: number,
    ahead: number,
    data: Uint8Array,
  ): Uint8Array {
    const options = new Uint8Array(USUAL_OPTIONS);
    options.set([1, 1, 8, 10]);
    this.putTimes(options, 4, from, peer);
    const fields = {
      flags: flags | ACK,
      seq: from.firstSequence + 1 + from.sentUnits + ahead,
      ack: peer.firstSequence + 1 + from.receivedUnits,
      window: Math.min(0xffff, from.window >>> WINDOW_SCALE),
      // The byte behind the urgent one (RFC 793; RFC 6093 has it otherwise, Linux hasn't).
      urgent: (flags & URG) !== 0 ? data.length : 0,
      options,
    };
    return tcpPacket(from.local, from.remote!, fields, data);
  }

  /** Each side has a clock of its own in ms. */
  private putTimes(out: Uint8Array, at: number, from: SegmentSource, peer: SegmentSource | null): void {
    const v = new DataView(out.buffer);
    const now = Math.floor(this.nowMs());
    v.setUint32(at, (now + from.firstSequence) >>> 0, false);
    v.setUint32(at + 4, peer === null ? 0 : (now + peer.firstSequence) >>> 0, false);
  }
}
