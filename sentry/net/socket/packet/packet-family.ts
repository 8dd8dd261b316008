/** AF_PACKET for socket(2), over the loopback of this process. */
import { CAP_NET_RAW } from '../../../abi/capability.ts';
import { EPERM, ESOCKTNOSUPPORT } from '../../../abi/errno.ts';
import { AF_PACKET, SOCK_DGRAM, SOCK_RAW } from '../../../abi/socket.ts';
import type { CallerContext } from '../../../vfs/context.ts';
import type { InetStack } from '../../stack/inet-stack.ts';
import type { StackHost } from '../../stack/settings.ts';
import type { Wire } from '../../stack/loopback/wire.ts';
import type { SocketFamily } from '../families.ts';
import type { SocketFile } from '../socket-file.ts';
import { PacketSocket } from './packet-socket.ts';

export class PacketFamily implements SocketFamily {
  readonly family = AF_PACKET;
  private readonly stack: InetStack;
  private readonly wire: Wire | null;
  private readonly host: StackHost;

  /** `wire` null: `--net-raw` was not given, nobody has the right. */
  constructor(stack: InetStack, wire: Wire | null, host: StackHost) {
    this.stack = stack;
    this.host = host;
    this.wire = wire;
  }

  create(type: number, protocol: number, flags: number, ctx: CallerContext): SocketFile | number {
    if (this.wire === null || !ctx.creds.hasCap(CAP_NET_RAW)) return -EPERM;
    if (type !== SOCK_RAW && type !== SOCK_DGRAM) return -ESOCKTNOSUPPORT;
    return new PacketSocket(this.stack, this.wire, this.host, type, protocol, flags, ctx);
  }
}
