/** Address families by number: socket(2) asks here. */
import type { CallerContext } from '../../vfs/context.ts';
import { AF_INET, AF_INET6, AF_PACKET } from '../../abi/socket.ts';
import { HostStack } from '../stack/host/host-stack.ts';
import type { InetStack } from '../stack/inet-stack.ts';
import type { StackHost } from '../stack/settings.ts';
import { LoopbackStack } from '../stack/loopback/loopback-stack.ts';
import { HostFamily } from './host/host-families.ts';
import { HostNetlinkFamily } from './host/host-netlink.ts';
import { InetFamily } from './inet/inet-family.ts';
import { NetlinkFamily } from './netlink/netlink-family.ts';
import { PacketFamily } from './packet/packet-family.ts';
import type { SocketFile } from './socket-file.ts';
import { UnixFamily } from './unix/unix-family.ts';

export interface SocketFamily {
  readonly family: number;
  /** A socket of this family, or a negated errno. `flags` is O_NONBLOCK or 0. */
  create(type: number, protocol: number, flags: number, ctx: CallerContext): SocketFile | number;
  /** socketpair(2); absent: EOPNOTSUPP. */
  createPair?(
    type: number,
    protocol: number,
    flags: number,
    ctx: CallerContext,
  ): [SocketFile, SocketFile] | number;
}

/** The families of one kernel (later: of one network namespace). */
export class SocketFamilies {
  readonly unix: UnixFamily;
  /** Under AF_INET and AF_INET6: a stack of endpoints, or the host's sockets as they are. */
  readonly stack: InetStack | HostStack;
  private readonly byNumber = new Map<number, SocketFamily>();

  /** `own`: beside the host's sockets, the stack of netlink families that the host is not asked about. */
  constructor(stack: InetStack | HostStack, host: StackHost, own?: InetStack) {
    this.stack = stack;
    this.unix = new UnixFamily(stack, host);
    this.add(this.unix);
    if (stack instanceof HostStack) {
      if (own !== undefined) {
        const netlink = new NetlinkFamily(own, this.unix.network, host);
        this.add(new HostNetlinkFamily(stack, netlink, this.unix.network));
      }
      for (const family of [AF_INET, AF_INET6, AF_PACKET]) this.add(new HostFamily(family, stack));
      return;
    }
    this.add(new InetFamily(AF_INET, stack));
    this.add(new InetFamily(AF_INET6, stack));
    this.add(new NetlinkFamily(stack, this.unix.network, host));
    this.add(new PacketFamily(stack, stack instanceof LoopbackStack ? stack.wire : null, host));
  }

  add(family: SocketFamily): void {
    this.byNumber.set(family.family, family);
  }
  get(family: number): SocketFamily | undefined {
    return this.byNumber.get(family);
  }
}

const perKernel = new WeakMap<object, SocketFamilies>();

/** Gives a kernel the host's sockets, before any socket is made. */
export function setHostNetwork(kernel: StackHost, stack: HostStack): void {
  perKernel.set(kernel, new SocketFamilies(stack, kernel, new LoopbackStack(kernel)));
}

/** Lets the kernel's own loopback have raw and packet sockets, before any socket is made. */
export function setRawLoopback(kernel: StackHost): void {
  perKernel.set(kernel, new SocketFamilies(new LoopbackStack(kernel, true), kernel));
}

/** The families of a kernel; loopback alone unless it was given a network. */
export function familiesOf(kernel: StackHost): SocketFamilies {
  let families = perKernel.get(kernel);
  if (families === undefined)
    perKernel.set(kernel, (families = new SocketFamilies(new LoopbackStack(kernel), kernel)));
  return families;
}
