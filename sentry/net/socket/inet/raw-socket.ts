/** SOCK_RAW sockets of AF_INET and AF_INET6 (raw(7)). */
import { EINVAL, ENOPROTOOPT, EOPNOTSUPP } from '../../../abi/errno.ts';
import * as abi from '../../../abi/inet.ts';
import { MSG_OOB, SOCK_RAW, SO_REUSEADDR } from '../../../abi/socket.ts';
import type { CallerContext } from '../../../vfs/context.ts';
import type { InetStack, RawEndpoint } from '../../stack/inet-stack.ts';
import type { Message } from '../message.ts';
import { putIpInt } from './int-options.ts';
import { parseInetAddress } from './inet-address.ts';
import { UdpSocket } from './udp-socket.ts';

const FILTER = 1;

export class RawSocket extends UdpSocket {
  private readonly raw: RawEndpoint;

  constructor(
    stack: InetStack,
    family: number,
    protocol: number,
    flags: number,
    ctx: CallerContext,
    endpoint: RawEndpoint,
  ) {
    super(stack, family, protocol, flags, ctx, endpoint, SOCK_RAW);
    this.options.store(SO_REUSEADDR, 1);
    this.raw = endpoint;
  }

  override bind(addr: Uint8Array, len: number, ctx: CallerContext): number {
    const to = parseInetAddress(addr, len, this.family);
    if (typeof to === 'number') return to;
    this.endpoint.options.uid = ctx.creds.euid;
    return this.endpoint.bind(to.ip, 0);
  }

  override send(msg: Message, ctx: CallerContext): number {
    return (msg.flags & MSG_OOB) !== 0 ? -EOPNOTSUPP : super.send(msg, ctx);
  }

  override setOption(level: number, name: number, value: Uint8Array, ctx: CallerContext): number {
    const other = this.checkFilterLevel(level, name);
    if (other < 0) return other;
    if (other === FILTER) return this.setFilter(value);
    if (this.v6 && level === abi.IPPROTO_IP) return -ENOPROTOOPT;
    const known = this.rawOption(level, name);
    if (known === null) return super.setOption(level, name, value, ctx);
    if (value.length < 4 && this.v6) return -EINVAL;
    const given =
      value.length < 4
        ? (value[0] ?? 0)
        : value[0]! | (value[1]! << 8) | (value[2]! << 16) | (value[3]! << 24);
    if (known === 'header') this.raw.headerIncluded = given !== 0;
    // RFC 3542, 3.1: always computed for ICMPv6; at an even place, or (negative) not at all.
    else if (this.isFixedChecksum(level) || (given > 0 && given % 2 !== 0)) return -EINVAL;
    else this.raw.checksumAt = given < 0 ? -1 : given;
    return 0;
  }

  override getOption(level: number, name: number, out: Uint8Array, ctx: CallerContext): number {
    const other = this.checkFilterLevel(level, name);
    if (other < 0) return other;
    if (other === FILTER) {
      const bytes = this.filterBytes;
      const n = Math.min(out.length, bytes.length);
      out.set(bytes.subarray(0, n));
      return n;
    }
    if (this.v6 && level === abi.IPPROTO_IP) return -ENOPROTOOPT;
    const known = this.rawOption(level, name);
    if (known === null) return super.getOption(level, name, out, ctx);
    return putIpInt(level, out, known === 'header' ? (this.raw.headerIncluded ? 1 : 0) : this.raw.checksumAt);
  }

  protected override ownLevel(): boolean {
    return false;
  }

  /** By the name of RFC 3542 ICMPv6's can't be moved. */
  private isFixedChecksum(level: number): boolean {
    return level === abi.IPPROTO_IPV6 && this.protocol === abi.IPPROTO_ICMPV6;
  }

  private rawOption(level: number, name: number): 'header' | 'checksum' | null {
    if (!this.v6) return level === abi.IPPROTO_IP && name === abi.IP_HDRINCL ? 'header' : null;
    if (level !== abi.SOL_RAW && level !== abi.IPPROTO_IPV6) return null;
    return name === abi.IPV6_HDRINCL ? 'header' : name === abi.IPV6_CHECKSUM ? 'checksum' : null;
  }

  // ---- ICMP_FILTER and ICMPV6_FILTER: bits of types that are not wanted
  /** FILTER, a negated errno for what else there is at its level, or 0 for other levels. */
  private checkFilterLevel(level: number, name: number): number {
    if (level !== (this.v6 ? abi.IPPROTO_ICMPV6 : abi.SOL_RAW)) return 0;
    const isIcmp = this.protocol === (this.v6 ? abi.IPPROTO_ICMPV6 : abi.IPPROTO_ICMP);
    if (this.v6 && !isIcmp) return -EOPNOTSUPP;
    if (name !== abi.ICMP_FILTER) return -ENOPROTOOPT;
    return isIcmp ? FILTER : -EOPNOTSUPP;
  }

  private get filterBytes(): Uint8Array {
    return new Uint8Array(this.raw.icmpFilter.buffer, 0, this.v6 ? 32 : 4);
  }

  private setFilter(value: Uint8Array): number {
    const bytes = this.filterBytes;
    bytes.set(value.subarray(0, Math.min(value.length, bytes.length)));
    return 0;
  }
}
