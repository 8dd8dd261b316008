/** AF_INET, AF_INET6 and AF_PACKET for socket(2) under `--network host`. */
import { CAP_NET_RAW } from '../../../abi/capability.ts';
import { EPERM, EPROTONOSUPPORT, ESOCKTNOSUPPORT } from '../../../abi/errno.ts';
import * as ip from '../../../abi/inet.ts';
import { AF_INET, AF_PACKET, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM } from '../../../abi/socket.ts';
import type { CallerContext } from '../../../vfs/context.ts';
import type { HostStack } from '../../stack/host/host-stack.ts';
import type { SocketFamily } from '../families.ts';
import type { SocketFile } from '../socket-file.ts';
import { HostSocket } from './host-socket.ts';

export class HostFamily implements SocketFamily {
  readonly family: number;
  private readonly stack: HostStack;

  constructor(family: number, stack: HostStack) {
    this.family = family;
    this.stack = stack;
  }

  create(type: number, protocol: number, flags: number, ctx: CallerContext): SocketFile | number {
    const bad = this.family === AF_PACKET ? this.mayPacket(type, ctx) : this.mayInet(type, protocol, ctx);
    if (bad < 0) return bad;
    const fd = this.stack.open(this.family, type, protocol, ctx.creds);
    if (fd < 0) return fd;
    const shown = protocol === 0 ? defaultProtocol(type) : protocol;
    return new HostSocket(this.stack, fd, this.family, type, shown, flags, ctx);
  }

  private mayInet(type: number, protocol: number, ctx: CallerContext): number {
    const ping = this.family === AF_INET ? ip.IPPROTO_ICMP : ip.IPPROTO_ICMPV6;
    if (type === SOCK_STREAM) return protocol === 0 || protocol === ip.IPPROTO_TCP ? 0 : -EPROTONOSUPPORT;
    if (type === SOCK_DGRAM) {
      return [0, ip.IPPROTO_UDP, ip.IPPROTO_UDPLITE, ping].includes(protocol) ? 0 : -EPROTONOSUPPORT;
    }
    if (type !== SOCK_RAW) return -ESOCKTNOSUPPORT;
    if (protocol <= 0 || protocol > 255) return -EPROTONOSUPPORT;
    return this.mayRaw(ctx);
  }

  private mayPacket(type: number, ctx: CallerContext): number {
    const bad = this.mayRaw(ctx);
    return bad < 0 ? bad : type === SOCK_RAW || type === SOCK_DGRAM ? 0 : -ESOCKTNOSUPPORT;
  }

  /** --net-raw is what lets the capability mean something. */
  private mayRaw(ctx: CallerContext): number {
    return this.stack.raw && ctx.creds.hasCap(CAP_NET_RAW) ? 0 : -EPERM;
  }
}

function defaultProtocol(type: number): number {
  return type === SOCK_STREAM ? ip.IPPROTO_TCP : type === SOCK_DGRAM ? ip.IPPROTO_UDP : 0;
}
