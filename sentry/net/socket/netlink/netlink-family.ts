/** AF_NETLINK for socket(2): NETLINK_ROUTE and NETLINK_SOCK_DIAG answer, NETLINK_KOBJECT_UEVENT stays silent. */
import { EPROTONOSUPPORT, ESOCKTNOSUPPORT } from '../../../abi/errno.ts';
import { NETLINK_KOBJECT_UEVENT, NETLINK_ROUTE, NETLINK_SOCK_DIAG, RTM_MAX } from '../../../abi/netlink.ts';
import { AF_NETLINK, SOCK_DGRAM, SOCK_RAW } from '../../../abi/socket.ts';
import { unimplemented } from '../../../base/unimplemented.ts';
import type { CallerContext } from '../../../vfs/context.ts';
import type { InetStack } from '../../stack/inet-stack.ts';
import type { SocketFamily } from '../families.ts';
import type { SocketFile } from '../socket-file.ts';
import type { StackHost } from '../../stack/settings.ts';
import type { UnixNetwork } from '../unix/unix-network.ts';
import type { NetlinkProtocol } from './netlink-socket.ts';
import { NetlinkSocket } from './netlink-socket.ts';
import { answerRoute } from './route-answers.ts';
import { answerSockDiag } from './sock-diag.ts';

export class NetlinkFamily implements SocketFamily {
  readonly family = AF_NETLINK;
  private readonly stack: InetStack;
  private readonly protocols: ReadonlyMap<number, NetlinkProtocol>;

  constructor(stack: InetStack, unix: UnixNetwork, host: StackHost) {
    this.stack = stack;
    const now = (): number => host.clock.monotonicNs();
    this.protocols = new Map<number, NetlinkProtocol>([
      [
        NETLINK_ROUTE,
        {
          ports: new Map(),
          // Of the messages of each kind the third (GET) asks; the others change.
          changes: (type) => type <= RTM_MAX && type % 4 !== 2,
          answer: (type, dump, body, uid) => answerRoute(stack, type, dump, body, uid),
        },
      ],
      [
        NETLINK_SOCK_DIAG,
        {
          ports: new Map(),
          changes: () => false,
          answer: (type, dump, body) => answerSockDiag(stack, unix, type, dump, body, now()),
        },
      ],
      [NETLINK_KOBJECT_UEVENT, { ports: new Map(), changes: () => false, answer: null }],
    ]);
  }

  create(type: number, protocol: number, flags: number, ctx: CallerContext): SocketFile | number {
    if (type !== SOCK_RAW && type !== SOCK_DGRAM) return -ESOCKTNOSUPPORT;
    const known = this.protocols.get(protocol);
    if (known !== undefined) return new NetlinkSocket(this.stack, known, type, protocol, flags, ctx);
    unimplemented(`netlink protocol ${protocol}`);
    return -EPROTONOSUPPORT;
  }
}
