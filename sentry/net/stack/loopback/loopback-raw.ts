/** Raw sockets over lo (raw(7)): packets of one protocol, with the header for IPv4 and without it for IPv6. */
import { EDESTADDRREQ, EINVAL, EMSGSIZE } from '../../../abi/errno.ts';
import { IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_RAW, LO_MTU } from '../../../abi/inet.ts';
import type { PacketView } from '../../../base/bpf/socket-filter.ts';
import type { Datagram, RawEndpoint, Sending } from '../inet-stack.ts';
import type { Endpoint, Ip } from '../ip.ts';
import { isAny, putV4 } from '../ip.ts';
import { DatagramEndpoint } from './datagram-endpoint.ts';
import type { DatagramShared } from './datagram-endpoint.ts';
import { checksum, finishV4, ipPacket, packetView, pseudoHeader, V4_HEADER, V6_HEADER } from './packet.ts';
import type { PacketInfo } from './packet.ts';

const MAX_V4 = 65535 - V4_HEADER;
/** Where ICMPv6 has its checksum, which the kernel always computes (RFC 3542, 3.1). */
const ICMPV6_CHECKSUM = 2;

export class LoopbackRaw extends DatagramEndpoint implements RawEndpoint {
  readonly protocol: number;
  headerIncluded: boolean;
  checksumAt: number;
  /** Types that are not wanted. */
  readonly icmpFilter = new Uint32Array(8);

  constructor(v6: boolean, protocol: number, shared: DatagramShared) {
    super(v6, shared);
    this.protocol = protocol;
    this.headerIncluded = protocol === IPPROTO_RAW;
    this.checksumAt = v6 && protocol === IPPROTO_ICMPV6 ? ICMPV6_CHECKSUM : -1;
    this.options.v6only = v6;
    this.takePort(this.local.ip);
    shared.wire.raws.add(this);
  }

  /** The protocol stands where others have a port. */
  protected override takePort(ip: Ip): number {
    this.local = { ip, port: this.protocol };
    this.holding = true;
    return 0;
  }
  protected override dropPort(): void {
    // kept
  }

  /** An address alone, which may be bound again until the socket is connected. */
  override bind(ip: Ip): number {
    if (this.remote !== null) return -EINVAL;
    this.holding = false;
    const r = super.bind(ip, this.protocol);
    this.holding = true;
    return r;
  }

  override send(buf: Uint8Array, off: number, len: number, to: Endpoint | null, how: Sending): number {
    if (len > 0xffff) return -EMSGSIZE;
    const target = to ?? this.remote;
    if (target === null) return -EDESTADDRREQ;
    const ip = this.route(target.ip, how);
    if (typeof ip === 'number') return ip;
    if (this.hasError) return -this.takeError();
    const data = buf.slice(off, off + len);
    const packet = this.headerIncluded ? this.checked(data, ip) : this.wrapped(data, ip, how);
    if (typeof packet === 'number') return packet;
    this.shared.wire.send(packet, this.options.mark);
    return len;
  }

  private wrapped(data: Uint8Array, to: Ip, how: Sending): Uint8Array | number {
    if (data.length > (this.v6 ? 0xffff : MAX_V4)) return -EMSGSIZE;
    const { ttl, tos } = how;
    const head = { from: this.sourceFor(to, how), to, protocol: this.protocol, ttl, tos };
    const at = this.checksumAt;
    if (at >= 0) {
      if (at + 2 > data.length) return -EINVAL;
      data[at] = data[at + 1] = 0;
      const sum = checksum(data, 0, data.length, pseudoHeader(head, data.length));
      data[at] = sum >>> 8;
      data[at + 1] = sum;
    }
    return ipPacket(head, data);
  }

  /** IP_HDRINCL: what the caller left open is filled in (raw(7)). */
  private checked(packet: Uint8Array, to: Ip): Uint8Array | number {
    if (packet.length > LO_MTU) return -EMSGSIZE;
    if (this.v6) return packet.length < V6_HEADER ? -EINVAL : packet;
    if (packet.length < V4_HEADER || (packet[0]! & 0xf) * 4 > packet.length) return -EINVAL;
    if ((packet[12]! | packet[13]! | packet[14]! | packet[15]!) === 0) putV4(this.sourceFor(to), packet, 12);
    if ((packet[0]! & 0xf) * 4 >= V4_HEADER) finishV4(packet);
    return packet;
  }

  wants(packet: Uint8Array, info: PacketInfo): boolean {
    if (info.v6 !== this.v6 || info.protocol !== this.protocol) return false;
    if (!isAny(this.local.ip) && this.local.ip !== info.to) return false;
    if (this.remote !== null && this.remote.ip !== info.from) return false;
    if (this.protocol !== (this.v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP)) return true;
    const type = packet[info.start] ?? 0;
    // IPv4's filter has room for the first 32 types only.
    if (!this.v6 && type > 31) return true;
    return ((this.icmpFilter[type >>> 5]! >>> (type & 31)) & 1) === 0;
  }

  protected override view(datagram: Datagram): { packet: PacketView; header: number } {
    const { data, from, to, ttl, tos, mark } = datagram;
    if (!this.v6) return { packet: packetView(data, 0, mark), header: 0 };
    const whole = ipPacket({ from: from.ip, to, protocol: this.protocol, ttl, tos }, data);
    return { packet: packetView(whole, V6_HEADER, mark), header: 0 };
  }

  offer(datagram: Datagram): void {
    this.deliver(datagram);
  }

  override close(): void {
    this.shared.wire.raws.delete(this);
    super.close();
  }
}
