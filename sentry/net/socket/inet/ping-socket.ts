/** SOCK_DGRAM sockets of IPPROTO_ICMP and IPPROTO_ICMPV6 (icmp(7)): echo requests and their answers. */
import { EOPNOTSUPP } from '../../../abi/errno.ts';
import { MSG_OOB } from '../../../abi/socket.ts';
import type { CallerContext } from '../../../vfs/context.ts';
import type { Message } from '../message.ts';
import { UdpSocket } from './udp-socket.ts';

export class PingSocket extends UdpSocket {
  override send(msg: Message, ctx: CallerContext): number {
    return (msg.flags & MSG_OOB) !== 0 ? -EOPNOTSUPP : super.send(msg, ctx);
  }

  protected override ownLevel(): boolean {
    return false;
  }
}
