/** SOCK_DGRAM sockets of IPPROTO_ICMP and IPPROTO_ICMPV6 (icmp(7)): echo requests and their answers. */
import { ENOPROTOOPT, EOPNOTSUPP } from '../../../abi/errno.ts';
import * as abi from '../../../abi/inet.ts';
import { MSG_OOB } from '../../../abi/socket.ts';
import type { CallerContext } from '../../../vfs/context.ts';
import type { Message } from '../message.ts';
import { UdpSocket } from './udp-socket.ts';

export class PingSocket extends UdpSocket {
  override send(msg: Message): number {
    return (msg.flags & MSG_OOB) !== 0 ? -EOPNOTSUPP : super.send(msg);
  }

  override setOption(level: number, name: number, value: Uint8Array, ctx: CallerContext): number {
    return level === abi.IPPROTO_UDP ? -ENOPROTOOPT : super.setOption(level, name, value, ctx);
  }
  override getOption(level: number, name: number, out: Uint8Array, ctx: CallerContext): number {
    return level === abi.IPPROTO_UDP ? -ENOPROTOOPT : super.getOption(level, name, out, ctx);
  }
}
