/** TCP segments that raw sockets send (RFC 793, 3.9): what the other end of lo answers. */
import type { Endpoint } from '../ip.ts';
import { isLoopback } from '../ip.ts';
import { checksum, pseudoHeader } from './packet.ts';
import type { PacketInfo } from './packet.ts';
import { ACK, FIN, RST, SYN, tcpPacket } from './tcp-segments.ts';
import type { TcpSegments } from './tcp-segments.ts';
import type { Wire } from './wire.ts';

const TCP_HEADER = 20;
const NOTHING = new Uint8Array(0);

/** A connection that a segment is for. */
export interface SegmentTarget {
  /** The next byte that it expects. */
  readonly expected: number;
  /** What it would send next. */
  readonly nextSequence: number;
  readonly window: number;
  /** A reset that the peer could have sent. */
  resetByPeer(): void;
}

export interface TcpTable {
  connection(local: Endpoint, remote: Endpoint): SegmentTarget | null;
  /** Does somebody listen there who hears this SYN, and has room? */
  listens(at: Endpoint): boolean;
}

export class TcpInput {
  private readonly wire: Wire;
  private readonly table: TcpTable;
  private readonly segments: TcpSegments;

  constructor(wire: Wire, table: TcpTable, segments: TcpSegments) {
    this.wire = wire;
    this.table = table;
    this.segments = segments;
  }

  receive(packet: Uint8Array, info: PacketInfo): void {
    const s = parseTcp(packet, info);
    // Answers to addresses of elsewhere have no way to go.
    if (s === null || !isLoopback(info.from)) return;
    const connection = this.table.connection(s.to, s.from);
    if (connection !== null) this.toConnection(s, connection);
    else if ((s.flags & RST) === 0) this.toListener(s);
  }

  /** RFC 5961: a reset in its place ends it; whatever else is strange is answered by what would be right. */
  private toConnection(s: TcpSegment, connection: SegmentTarget): void {
    if ((s.flags & RST) !== 0 && s.seq === connection.expected) {
      connection.resetByPeer();
      return;
    }
    if ((s.flags & (RST | SYN | FIN)) === 0 && s.data === 0) return;
    const fields = { flags: ACK, seq: connection.nextSequence, ack: connection.expected };
    this.answer(s, { ...fields, window: Math.min(0xffff, connection.window) });
  }

  private toListener(s: TcpSegment): void {
    const listening = this.table.listens(s.to);
    if (!listening || (s.flags & ACK) !== 0) this.refuse(s);
    else if ((s.flags & (SYN | FIN)) === SYN) this.shakeHands(s);
  }

  /** Nobody has the port that the SYN came from, so that the answer to it is refused and nothing stays. */
  private shakeHands(s: TcpSegment): void {
    const seq = this.segments.newSequence();
    const options = this.segments.synOptions(s.to.ip);
    this.answer(s, { flags: SYN | ACK, seq, ack: s.seq + 1, window: 0xffff, options });
    const refusal = { flags: RST, seq: s.seq + 1, ack: 0, window: 0 };
    this.wire.show(tcpPacket(s.from, s.to, refusal, NOTHING));
  }

  private refuse(s: TcpSegment): void {
    if ((s.flags & ACK) !== 0) {
      this.answer(s, { flags: RST, seq: s.ack, ack: 0, window: 0 });
      return;
    }
    const units = s.data + ((s.flags & SYN) !== 0 ? 1 : 0) + ((s.flags & FIN) !== 0 ? 1 : 0);
    this.answer(s, { flags: RST | ACK, seq: 0, ack: s.seq + units, window: 0 });
  }

  private answer(s: TcpSegment, fields: Parameters<typeof tcpPacket>[2]): void {
    this.wire.show(tcpPacket(s.to, s.from, fields, NOTHING));
  }
}

interface TcpSegment {
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly flags: number;
  readonly seq: number;
  readonly ack: number;
  /** Bytes behind the header. */
  readonly data: number;
}

/** null: it is cut short, or its checksum is wrong. */
function parseTcp(p: Uint8Array, info: PacketInfo): TcpSegment | null {
  const { start, from, to, protocol, ttl, tos } = info;
  const length = p.length - start;
  if (length < TCP_HEADER) return null;
  const v = new DataView(p.buffer, p.byteOffset + start, length);
  const header = (v.getUint8(12) >>> 4) * 4;
  if (header < TCP_HEADER || header > length) return null;
  if (checksum(p, start, p.length, pseudoHeader({ from, to, protocol, ttl, tos }, length)) !== 0) return null;
  return {
    from: { ip: from, port: v.getUint16(0, false) },
    to: { ip: to, port: v.getUint16(2, false) },
    flags: v.getUint8(13),
    seq: v.getUint32(4, false),
    ack: v.getUint32(8, false),
    data: length - header,
  };
}
