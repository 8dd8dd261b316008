/** ICMP echo sockets over lo (icmp(7)): a request is answered at once, by the address that it was sent to. */
import { EADDRINUSE, EDESTADDRREQ, EINVAL, EMSGSIZE, ENOBUFS } from '../../../abi/errno.ts';
import { IPPROTO_ICMP, IPPROTO_ICMPV6 } from '../../../abi/inet.ts';
import type { PacketView } from '../../../base/bpf/socket-filter.ts';
import type { Datagram, Sending } from '../inet-stack.ts';
import type { Endpoint, Ip } from '../ip.ts';
import { isV4, isWide } from '../ip.ts';
import { DatagramEndpoint } from './datagram-endpoint.ts';
import type { DatagramShared } from './datagram-endpoint.ts';
import { icmpPacket, ipPacket, packetView, V4_HEADER, V6_HEADER } from './packet.ts';

const ICMP_HEADER = 8;
/** net.ipv4.ip_default_ttl */
const REPLY_TTL = 64;
const MAX_V4 = 65535 - 20;
const MAX_V6 = 65535 - 40;
const V4 = { request: 8, reply: 0 };
const V6 = { request: 128, reply: 129 };

/** The sockets of one version by identifier. */
export type PingTable = Map<number, LoopbackPing>;

export class LoopbackPing extends DatagramEndpoint {
  private readonly table: PingTable;

  constructor(v6: boolean, table: PingTable, shared: DatagramShared) {
    super(v6, shared);
    this.table = table;
    // No mapped addresses: ICMPv6 is a protocol of its own.
    this.options.v6only = v6;
  }

  /** The port of a ping socket is its identifier: one of its own, of 65535. */
  protected override takePort(ip: Ip, port: number): number {
    let id = port;
    if (id === 0) {
      id = 1 + Math.floor(Math.random() * 65535);
      for (let tries = 0; this.table.has(id); tries++) {
        if (tries > 65535) return -EADDRINUSE;
        id = id === 65535 ? 1 : id + 1;
      }
    } else if (this.table.has(id)) {
      return -EADDRINUSE;
    }
    this.local = { ip, port: id };
    this.holding = true;
    this.table.set(id, this);
    return 0;
  }

  protected override dropPort(): void {
    this.table.delete(this.local.port);
    this.holding = false;
    this.local = { ip: this.local.ip, port: 0 };
  }

  protected override view(datagram: Datagram): { packet: PacketView; header: number } {
    const { data, from, to, ttl, tos, mark } = datagram;
    const protocol = this.v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
    const whole = ipPacket({ from: from.ip, to, protocol, ttl, tos }, data);
    return { packet: packetView(whole, this.v6 ? V6_HEADER : V4_HEADER, mark), header: 0 };
  }

  override send(buf: Uint8Array, off: number, len: number, to: Endpoint | null, how: Sending): number {
    const kinds = this.v6 ? V6 : V4;
    if (len > 0xffff) return -EMSGSIZE;
    if (len < ICMP_HEADER) return -EINVAL;
    if (buf[off] !== kinds.request || buf[off + 1] !== 0) return -EINVAL;
    const target = to ?? this.remote;
    if (target === null) return -EDESTADDRREQ;
    const ip = this.route(target.ip, how);
    if (typeof ip === 'number') return ip;
    if (this.hasError) return -this.takeError();
    if (len > (isV4(ip) ? MAX_V4 : MAX_V6)) return -EMSGSIZE;
    const r = this.autobind();
    if (r < 0) return r === -EADDRINUSE ? -ENOBUFS : r;
    const { wire } = this.shared;
    const request = buf.slice(off, off + len);
    request[4] = this.local.port >>> 8;
    request[5] = this.local.port;
    const from = this.sourceFor(ip, how);
    const { tos } = how;
    if (wire.watched) wire.showIcmp(from, ip, tos, request);
    // Groups and broadcasts are not answered (net.ipv4.icmp_echo_ignore_broadcasts).
    if (isWide(ip)) return len;
    request[0] = kinds.reply;
    const packet = icmpPacket({ from: ip, to: from, tos }, request);
    if (wire.watched) wire.show(packet);
    const data = packet.subarray(packet.length - len);
    const reply: Datagram = {
      data,
      from: { ip, port: 0 },
      to: this.sourceFor(ip),
      timeMs: this.nowMs(),
      ttl: REPLY_TTL,
      tos,
      mark: 0,
    };
    this.deliver(reply);
    return len;
  }
}
