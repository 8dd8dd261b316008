/** What TCP and UDP sockets share: names, IP level options, interface ioctls. */
import { CAP_NET_BIND_SERVICE } from '../../../abi/capability.ts';
import { EACCES, EADDRNOTAVAIL, EINVAL, ENODEV, ENOPROTOOPT, ENOTCONN } from '../../../abi/errno.ts';
import * as abi from '../../../abi/inet.ts';
import {
  AF_INET6,
  SO_BROADCAST,
  SO_LINGER,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SO_SNDBUF,
  SO_SNDBUFFORCE,
} from '../../../abi/socket.ts';
import type { WaitQueue } from '../../../base/wait-queue.ts';
import type { CallerContext } from '../../../vfs/context.ts';
import type { InetStack, TransportEndpoint } from '../../stack/inet-stack.ts';
import { ANY4, LOOPBACK4, ipFromV4, ipFromV6, isAny, isLoopback, isV4, putV4 } from '../../stack/ip.ts';
import { putInt } from '../options.ts';
import { SocketFile } from '../socket-file.ts';
import { parseInetAddress, putInetAddress } from './inet-address.ts';
import { IntOptions } from './int-options.ts';
import { interfaceIoctl } from '../interface-ioctl.ts';

/** Ports below are for CAP_NET_BIND_SERVICE. */
const FIRST_UNPRIVILEGED_PORT = 1024;

export abstract class InetSocket extends SocketFile {
  readonly stack: InetStack;
  readonly ints = new IntOptions();

  constructor(
    stack: InetStack,
    family: number,
    type: number,
    protocol: number,
    flags: number,
    ctx: CallerContext,
    queue: WaitQueue,
  ) {
    super(family, type, protocol, flags, ctx, queue);
    this.stack = stack;
  }

  abstract readonly endpoint: TransportEndpoint;
  /** A group membership, where the protocol has any. */
  protected membership(_group: string, _join: boolean): number {
    return -ENOPROTOOPT;
  }

  get v6(): boolean {
    return this.family === AF_INET6;
  }

  bind(addr: Uint8Array, len: number, ctx: CallerContext): number {
    const to = parseInetAddress(addr, len, this.family);
    if (typeof to === 'number') return to;
    if (to.port > 0 && to.port < FIRST_UNPRIVILEGED_PORT && !ctx.creds.hasCap(CAP_NET_BIND_SERVICE))
      return -EACCES;
    if (isV4(to.ip) && this.v6 && this.endpoint.options.v6only) return -EADDRNOTAVAIL;
    this.endpoint.options.uid = ctx.creds.euid;
    return this.endpoint.bind(to.ip, to.port);
  }

  localAddress(out: Uint8Array): number {
    return putInetAddress(out, this.endpoint.local, this.family);
  }
  peerAddress(out: Uint8Array): number {
    const remote = this.endpoint.remote;
    return remote === null ? -ENOTCONN : putInetAddress(out, remote, this.family);
  }

  override takeError(): number {
    return super.takeError() || this.endpoint.takeError();
  }

  override shutdown(how: number): number {
    return this.endpoint.shutdown(how);
  }

  override optionChanged(name: number): void {
    const o = this.endpoint.options;
    switch (name) {
      case SO_REUSEADDR:
        o.reuseAddr = this.options.flag(SO_REUSEADDR);
        break;
      case SO_REUSEPORT:
        o.reusePort = this.options.flag(SO_REUSEPORT);
        break;
      case SO_BROADCAST:
        o.broadcast = this.options.flag(SO_BROADCAST);
        break;
      case SO_SNDBUF:
      case SO_SNDBUFFORCE:
        o.sndbuf = this.options.sndbuf;
        break;
      case SO_RCVBUF:
      case SO_RCVBUFFORCE:
        o.rcvbuf = this.options.rcvbuf;
        break;
      case SO_LINGER:
        o.lingerReset = this.options.lingerOn && this.options.lingerSec === 0;
        break;
    }
  }

  override setOption(level: number, name: number, value: Uint8Array, _ctx: CallerContext): number {
    if (level === abi.IPPROTO_IP) {
      if (name === abi.IP_ADD_MEMBERSHIP || name === abi.IP_DROP_MEMBERSHIP)
        return this.setMembership4(name, value);
      if (name === abi.IP_MULTICAST_IF) return this.setMulticastInterface(value);
      if (name === abi.IP_OPTIONS) return value.length === 0 ? 0 : -EINVAL;
    }
    if (level === abi.IPPROTO_IPV6) {
      if (!this.v6) return -ENOPROTOOPT;
      if (name === abi.IPV6_ADD_MEMBERSHIP || name === abi.IPV6_DROP_MEMBERSHIP) {
        if (value.length < 20) return -EINVAL;
        if (value[16]! > 1) return -ENODEV;
        return this.membership(ipFromV6(value, 0), name === abi.IPV6_ADD_MEMBERSHIP);
      }
      if (name === abi.IPV6_V6ONLY && this.endpoint.local.port !== 0) return -EINVAL;
    }
    const r = this.ints.set(level, name, value);
    if (r === 0) this.intChanged(level, name);
    return r;
  }

  private intChanged(level: number, name: number): void {
    const o = this.endpoint.options;
    const on = this.ints.get(level, name) !== 0;
    if (level === abi.IPPROTO_IPV6 && name === abi.IPV6_V6ONLY) o.v6only = on;
    if (level === abi.IPPROTO_IP && name === abi.IP_MULTICAST_LOOP) o.multicastLoop = on;
    if (level === abi.IPPROTO_IPV6 && name === abi.IPV6_MULTICAST_LOOP) o.multicastLoop = on;
    if (level === abi.IPPROTO_IPV6 && name === abi.IPV6_MULTICAST_IF) o.multicastInterface = on;
  }

  /** struct ip_mreq or ip_mreqn: without an interface there is no route to choose one by. */
  private setMembership4(name: number, value: Uint8Array): number {
    if (value.length < 8) return -EINVAL;
    const byIndex = value.length >= 12 && value[8] === 1;
    if (!byIndex && !isLoopback(ipFromV4(value, 4))) return -ENODEV;
    return this.membership(ipFromV4(value, 0), name === abi.IP_ADD_MEMBERSHIP);
  }

  private setMulticastInterface(value: Uint8Array): number {
    if (value.length < 4) return -EINVAL;
    const ip = value.length >= 8 ? ipFromV4(value, 4) : ipFromV4(value, 0);
    const byIndex = value.length >= 12 && value[8] === 1;
    if (!byIndex && !isAny(ip) && !isLoopback(ip)) return -EADDRNOTAVAIL;
    this.endpoint.options.multicastInterface = byIndex || !isAny(ip);
    return 0;
  }

  override getOption(level: number, name: number, out: Uint8Array, _ctx: CallerContext): number {
    if (level === abi.IPPROTO_IPV6 && !this.v6) return -ENOPROTOOPT;
    if (level === abi.IPPROTO_IP) {
      if (name === abi.IP_OPTIONS) return 0;
      if (name === abi.IP_MTU) return this.endpoint.remote === null ? -ENOTCONN : putInt(out, abi.LO_MTU - 1);
      if (name === abi.IP_MULTICAST_IF) {
        const bytes = new Uint8Array(4);
        putV4(this.endpoint.options.multicastInterface ? LOOPBACK4 : ANY4, bytes, 0);
        const n = Math.min(4, out.length);
        out.set(bytes.subarray(0, n));
        return n;
      }
    }
    return this.ints.fill(level, name, out);
  }

  protected override interfaceIoctl(cmd: number, arg: number, ctx: CallerContext): number {
    return interfaceIoctl(this.stack, cmd, arg, ctx);
  }

  override release(): void {
    this.endpoint.close();
  }
}
