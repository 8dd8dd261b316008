/** AF_NETLINK for socket(2): NETLINK_ROUTE answers, NETLINK_KOBJECT_UEVENT stays silent. */
import { EPROTONOSUPPORT, ESOCKTNOSUPPORT } from '../../../abi/errno.ts';
import { NETLINK_KOBJECT_UEVENT, NETLINK_ROUTE } from '../../../abi/netlink.ts';
import { AF_NETLINK, SOCK_DGRAM, SOCK_RAW } from '../../../abi/socket.ts';
import { unimplemented } from '../../../base/unimplemented.ts';
import type { CallerContext } from '../../../vfs/context.ts';
import type { InetStack } from '../../stack/inet-stack.ts';
import type { SocketFamily } from '../families.ts';
import type { SocketFile } from '../socket-file.ts';
import type { PortSet } from './netlink-socket.ts';
import { NetlinkSocket } from './netlink-socket.ts';

export class NetlinkFamily implements SocketFamily {
  readonly family = AF_NETLINK;
  private readonly stack: InetStack;
  private readonly ports = new Map<number, PortSet>([
    [NETLINK_ROUTE, new Map()],
    [NETLINK_KOBJECT_UEVENT, new Map()],
  ]);

  constructor(stack: InetStack) {
    this.stack = stack;
  }

  create(type: number, protocol: number, flags: number, ctx: CallerContext): SocketFile | number {
    if (type !== SOCK_RAW && type !== SOCK_DGRAM) return -ESOCKTNOSUPPORT;
    const ports = this.ports.get(protocol);
    if (ports !== undefined) return new NetlinkSocket(this.stack, ports, type, protocol, flags, ctx);
    unimplemented(`netlink protocol ${protocol}`);
    return -EPROTONOSUPPORT;
  }
}
