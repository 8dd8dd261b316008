/** AF_UNIX for socket(2) and socketpair(2). */
import { EPROTONOSUPPORT, ESOCKTNOSUPPORT } from '../../../abi/errno.ts';
import { AF_UNIX, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, SOCK_STREAM } from '../../../abi/socket.ts';
import type { CallerContext } from '../../../vfs/context.ts';
import type { InetStack, InterfaceQuestions } from '../../stack/inet-stack.ts';
import type { StackHost } from '../../stack/settings.ts';
import type { SocketFamily } from '../families.ts';
import type { SocketFile } from '../socket-file.ts';
import { UnixDgramSocket } from './dgram-socket.ts';
import { UnixSeqpacketSocket } from './seqpacket-socket.ts';
import { UnixStreamSocket } from './stream-socket.ts';
import { UnixNetwork } from './unix-network.ts';

export class UnixFamily implements SocketFamily {
  readonly family = AF_UNIX;
  readonly network: UnixNetwork;

  constructor(stack: InetStack | InterfaceQuestions, host: StackHost | null = null) {
    this.network = new UnixNetwork(stack, host);
  }

  create(type: number, protocol: number, flags: number, ctx: CallerContext): SocketFile | number {
    const bad = check(type, protocol);
    if (bad < 0) return bad;
    if (type === SOCK_STREAM) return new UnixStreamSocket(this.network, flags, ctx);
    if (type === SOCK_SEQPACKET) return new UnixSeqpacketSocket(this.network, flags, ctx);
    return new UnixDgramSocket(this.network, flags, ctx);
  }

  createPair(
    type: number,
    protocol: number,
    flags: number,
    ctx: CallerContext,
  ): [SocketFile, SocketFile] | number {
    const bad = check(type, protocol);
    if (bad < 0) return bad;
    if (type === SOCK_STREAM || type === SOCK_SEQPACKET) {
      const Kind = type === SOCK_STREAM ? UnixStreamSocket : UnixSeqpacketSocket;
      const a = new Kind(this.network, flags, ctx);
      const b = new Kind(this.network, flags, ctx);
      a.pairWith(b, ctx);
      return [a, b];
    }
    const a = new UnixDgramSocket(this.network, flags, ctx);
    const b = new UnixDgramSocket(this.network, flags, ctx);
    a.pairWith(b, ctx);
    return [a, b];
  }
}

/** SOCK_RAW is taken for SOCK_DGRAM, as BSD programs expect. */
function check(type: number, protocol: number): number {
  if (protocol !== 0 && protocol !== AF_UNIX) return -EPROTONOSUPPORT;
  if (type !== SOCK_STREAM && type !== SOCK_DGRAM && type !== SOCK_RAW && type !== SOCK_SEQPACKET) {
    return -ESOCKTNOSUPPORT;
  }
  return 0;
}
