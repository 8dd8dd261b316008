/** AF_INET and AF_INET6 for socket(2), over whatever stack they are given. */
import { CAP_NET_RAW } from '../../../abi/capability.ts';
import { EACCES, EINVAL, EPERM, EPROTONOSUPPORT, ESOCKTNOSUPPORT } from '../../../abi/errno.ts';
import {
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_MAX,
  IPPROTO_RAW,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
} from '../../../abi/inet.ts';
import { AF_INET6, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM } from '../../../abi/socket.ts';
import type { CallerContext } from '../../../vfs/context.ts';
import type { InetStack } from '../../stack/inet-stack.ts';
import type { SocketFamily } from '../families.ts';
import type { SocketFile } from '../socket-file.ts';
import { InetSocket } from './inet-socket.ts';
import { PingSocket } from './ping-socket.ts';
import { RawSocket } from './raw-socket.ts';
import { TcpSocket } from './tcp-socket.ts';
import { UdpSocket } from './udp-socket.ts';

export class InetFamily implements SocketFamily {
  readonly family: number;
  private readonly stack: InetStack;

  constructor(family: number, stack: InetStack) {
    this.family = family;
    this.stack = stack;
  }

  create(type: number, protocol: number, flags: number, ctx: CallerContext): SocketFile | number {
    const made = this.make(type, protocol, flags, ctx);
    if (made instanceof InetSocket && made.v6 && this.stack.settings.bindV6only) made.setV6only();
    return made;
  }

  private make(type: number, protocol: number, flags: number, ctx: CallerContext): SocketFile | number {
    const v6 = this.family === AF_INET6;
    if (protocol < 0 || protocol >= IPPROTO_MAX) return -EINVAL;
    if (type === SOCK_STREAM) {
      if (protocol !== 0 && protocol !== IPPROTO_TCP) return -EPROTONOSUPPORT;
      return new TcpSocket(this.stack, this.family, flags, ctx, this.stack.tcp(v6));
    }
    if (type === SOCK_DGRAM) {
      if (protocol === (v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP)) return this.createPing(protocol, flags, ctx);
      if (protocol !== 0 && protocol !== IPPROTO_UDP && protocol !== IPPROTO_UDPLITE) return -EPROTONOSUPPORT;
      const lite = protocol === IPPROTO_UDPLITE;
      const endpoint = lite ? this.stack.udplite(v6) : this.stack.udp(v6);
      return new UdpSocket(this.stack, this.family, lite ? protocol : IPPROTO_UDP, flags, ctx, endpoint);
    }
    if (type !== SOCK_RAW) return -ESOCKTNOSUPPORT;
    if (protocol === 0 || protocol > IPPROTO_RAW) return -EPROTONOSUPPORT;
    if (!ctx.creds.hasCap(CAP_NET_RAW)) return -EPERM;
    const endpoint = this.stack.raw(v6, protocol);
    if (endpoint === null) return -EPERM;
    return new RawSocket(this.stack, this.family, protocol, flags, ctx, endpoint);
  }

  /** For the groups of net.ipv4.ping_group_range (icmp(7)). */
  private createPing(protocol: number, flags: number, ctx: CallerContext): SocketFile | number {
    const [first, last] = this.stack.settings.pingGroups;
    const { egid, groups } = ctx.creds;
    if (![egid, ...groups].some((gid) => gid >= first && gid <= last)) return -EACCES;
    const endpoint = this.stack.ping(this.family === AF_INET6);
    return new PingSocket(this.stack, this.family, protocol, flags, ctx, endpoint);
  }
}
