/** What TCP and UDP sockets share: names, IP level options, interface ioctls. */
import { CAP_NET_BIND_SERVICE } from '../../../abi/capability.ts';
import {
  EACCES,
  EADDRNOTAVAIL,
  EINVAL,
  ENODEV,
  ENOPROTOOPT,
  ENOTCONN,
  EOPNOTSUPP,
} from '../../../abi/errno.ts';
import * as abi from '../../../abi/inet.ts';
import { POLLERR, POLLPRI } from '../../../abi/poll.ts';
import {
  AF_INET6,
  SO_BINDTODEVICE,
  SO_BINDTOIFINDEX,
  SO_BROADCAST,
  SO_LINGER,
  SO_ATTACH_FILTER,
  SO_DETACH_FILTER,
  SO_MARK,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_RCVLOWAT,
  SO_SELECT_ERR_QUEUE,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SO_SNDBUF,
  SO_SNDBUFFORCE,
} from '../../../abi/socket.ts';
import type { SocketFilter } from '../../../base/bpf/socket-filter.ts';
import type { WaitQueue } from '../../../base/wait-queue.ts';
import type { CallerContext } from '../../../vfs/context.ts';
import type { InetStack, TransportEndpoint } from '../../stack/inet-stack.ts';
import { ipFromV4, isAny, isLoopback, isV4, putV4 } from '../../stack/ip.ts';
import { putInt, putStart } from '../options.ts';
import { SocketFile } from '../socket-file.ts';
import { ACKNOWLEDGED, SCHEDULED, SENT, TX_ACK, TX_SCHED, TX_SOFTWARE } from '../timestamping.ts';
import { Completions } from './completions.ts';
import { lacksScope, parseInetAddress, putInetAddress } from './inet-address.ts';
import { isGroupOption, setGroupOption } from './group-options.ts';
import type { GroupMember } from './group-options.ts';
import { IntOptions, putIpInt } from './int-options.ts';
import { getIpOption, setIpOption } from './ip-options.ts';
import { getSourceFilter, isSourceFilter, setSourceFilter } from './source-filter.ts';
import { interfaceIoctl } from '../interface-ioctl.ts';

const SENDING = [
  [TX_SCHED, SCHEDULED],
  [TX_SOFTWARE, SENT],
  [TX_ACK, ACKNOWLEDGED],
] as const;

const openByStack = new WeakMap<InetStack, Set<InetSocket>>();

/** The open sockets of a stack, in order of creation: for /proc/net and sock_diag(7). */
export function openInetSockets(stack: InetStack): Set<InetSocket> {
  let open = openByStack.get(stack);
  if (open === undefined) openByStack.set(stack, (open = new Set()));
  return open;
}

export abstract class InetSocket extends SocketFile {
  readonly stack: InetStack;
  readonly ints = new IntOptions();
  readonly completions = new Completions();
  /** SOF_TIMESTAMPING_OPT_ID: how many sends there were since it was set; of streams, where bytes are counted from. */
  protected sends = 0;
  /** IP_OPTIONS: kept, and never sent. */
  private ipOptions: Uint8Array = new Uint8Array(0);

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
    openInetSockets(stack).add(this);
  }

  abstract readonly endpoint: TransportEndpoint;
  /** Received and not read, as /proc/net and ss show it. */
  abstract get queuedBytes(): number;
  /** Group membership, for the protocols that have any. */
  get groups(): GroupMember | null {
    return null;
  }

  get v6(): boolean {
    return this.family === AF_INET6;
  }

  bind(addr: Uint8Array, len: number, ctx: CallerContext): number {
    const to = parseInetAddress(addr, len, this.family);
    if (typeof to === 'number') return to;
    if (
      to.port > 0 &&
      to.port < this.stack.settings.unprivilegedPortStart &&
      !ctx.creds.hasCap(CAP_NET_BIND_SERVICE)
    )
      return -EACCES;
    if (this.lacksInterface(addr, len)) return -EINVAL;
    if (isV4(to.ip) && this.v6 && this.endpoint.options.v6only) return -EINVAL;
    this.endpoint.options.uid = ctx.creds.euid;
    return this.endpoint.bind(to.ip, to.port);
  }

  /** An address of a link, and neither it nor the socket says which one. */
  protected lacksInterface(addr: Uint8Array, len: number): boolean {
    const { deviceBound } = this.endpoint.options;
    return this.v6 && !deviceBound && lacksScope(addr, len);
  }

  localAddress(out: Uint8Array): number {
    return putInetAddress(out, this.endpoint.local, this.family);
  }
  peerAddress(out: Uint8Array): number {
    const remote = this.endpoint.remote;
    // Datagram sockets can be connected to port 0, which is no peer to speak of.
    return remote === null || remote.port === 0 ? -ENOTCONN : putInetAddress(out, remote, this.family);
  }

  override countSends(): void {
    this.sends = 0;
  }

  /** Times of something sent, as many of them as `flags` ask for: here it all happens at once. */
  protected addTimes(flags: number, key: number, data: Uint8Array): void {
    const timeNs = this.stack.realtimeNs();
    for (const [flag, which] of SENDING) {
      if ((flags & flag) !== 0) this.completions.addTime(which, key, timeNs, data, this.options.rcvbuf);
    }
  }

  /** Of poll(2): there is something to be read by MSG_ERRQUEUE. */
  protected get completionBits(): number {
    if (this.completions.empty) return 0;
    return POLLERR | (this.options.flag(SO_SELECT_ERR_QUEUE) ? POLLPRI : 0);
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
      case SO_BINDTODEVICE:
      case SO_BINDTOIFINDEX:
        o.deviceBound = this.options.value(SO_BINDTOIFINDEX) !== 0;
        break;
      case SO_RCVLOWAT:
        o.rcvLowat = this.options.rcvLowat;
        break;
      case SO_ATTACH_FILTER:
      case SO_DETACH_FILTER:
        o.filter = this.options.filter;
        this.endpoint.filterChanged();
        break;
      case SO_MARK:
        o.mark = this.options.mark;
        break;
      case SO_LINGER:
        o.lingerReset = this.options.lingerOn && this.options.lingerSec === 0;
        break;
    }
  }

  override attachGroupFilter(filter: SocketFilter): number {
    return this.endpoint.setGroupFilter(filter);
  }
  override detachGroupFilter(): number {
    return this.endpoint.setGroupFilter(null);
  }

  override setOption(level: number, name: number, value: Uint8Array, _ctx: CallerContext): number {
    if (this.isForeign(level)) return -ENOPROTOOPT;
    const special = setIpOption(level, name, value);
    if (special !== null) {
      if (special === 0 && level === abi.IPPROTO_IP) this.ipOptions = value;
      return special;
    }
    if (isSourceFilter(level, name)) return setSourceFilter(this.groups, level, name, value);
    if (isGroupOption(level, name)) return setGroupOption(this, level, name, value);
    if (level === abi.IPPROTO_IP) {
      if (name === abi.IP_MULTICAST_IF) return this.setMulticastInterface(value);
    }
    if (level === abi.IPPROTO_IPV6) {
      if (name === abi.IPV6_V6ONLY && this.endpoint.local.port !== 0) return -EINVAL;
      if (name === abi.IPV6_MULTICAST_IF && !this.isStream) return this.setMulticastInterface6(value);
    }
    const r = this.ints.set(level, name, value, this.isStream);
    if (r === 0) this.intChanged(level, name);
    return r;
  }

  /** As net.ipv6.bindv6only has it for new sockets. */
  setV6only(): void {
    this.ints.store(abi.IPPROTO_IPV6, abi.IPV6_V6ONLY, 1);
    this.endpoint.options.v6only = true;
  }

  protected intChanged(level: number, name: number): void {
    const o = this.endpoint.options;
    const on = this.ints.get(level, name) !== 0;
    if (level === abi.IPPROTO_IPV6) {
      if (name === abi.IPV6_V6ONLY) o.v6only = on;
      else if (name === abi.IPV6_MULTICAST_LOOP) o.multicastLoop = on;
      else if (name === abi.IPV6_RECVERR) o.recvErr6 = on;
    } else if (level === abi.IPPROTO_IP) {
      if (name === abi.IP_MULTICAST_LOOP) o.multicastLoop = on;
      else if (name === abi.IP_MULTICAST_ALL) o.multicastAll = on;
      else if (name === abi.IP_RECVERR) o.recvErr = on;
      else if (name === abi.IP_LOCAL_PORT_RANGE) o.portRange = this.chosenRange();
    }
  }

  /** IP_LOCAL_PORT_RANGE: the last port in the upper half, the first in the lower; 0 leaves that end as it is. */
  private chosenRange(): readonly [number, number] | null {
    const value = this.ints.get(abi.IPPROTO_IP, abi.IP_LOCAL_PORT_RANGE);
    if (value === 0) return null;
    const [first, last] = this.stack.settings.portRange;
    return [value & 0xffff || first, value >>> 16 || last];
  }

  private isForeign(level: number): boolean {
    return level !== abi.IPPROTO_IP && !(this.v6 && level === abi.IPPROTO_IPV6) && !this.ownLevel(level);
  }

  /** Options of the transport: TCP's, UDP's. */
  protected abstract ownLevel(level: number): boolean;

  private setMulticastInterface6(value: Uint8Array): number {
    if (value.length < 4) return -EINVAL;
    const index = value[0]! | (value[1]! << 8) | (value[2]! << 16) | (value[3]! << 24);
    if (index < 0 || index > 1) return -ENODEV;
    this.ints.store(abi.IPPROTO_IPV6, abi.IPV6_MULTICAST_IF, index);
    return 0;
  }

  /** struct in_addr, ip_mreq or ip_mreqn. By address, that is the source too; by index, there is none. */
  private setMulticastInterface(value: Uint8Array): number {
    if (value.length < 4 || this.isStream) return -EINVAL;
    const o = this.endpoint.options;
    const ip = value.length >= 8 ? ipFromV4(value, 4) : ipFromV4(value, 0);
    const index =
      value.length >= 12 ? value[8]! | (value[9]! << 8) | (value[10]! << 16) | (value[11]! << 24) : 0;
    if (index === 0 && !isAny(ip) && !isLoopback(ip)) return -EADDRNOTAVAIL;
    if (index !== 0 && index !== 1) return -EADDRNOTAVAIL;
    o.multicastInterface = index !== 0 || !isAny(ip);
    o.multicastSource = ip;
    return 0;
  }

  override getOption(level: number, name: number, out: Uint8Array, _ctx: CallerContext): number {
    if (this.isForeign(level)) return this.v6 ? -ENOPROTOOPT : -EOPNOTSUPP;
    if (isSourceFilter(level, name)) return getSourceFilter(this.groups, level, name, out);
    const special = getIpOption(level, name, this.isStream);
    if (special !== null) return special;
    if (level === abi.IPPROTO_IPV6 && name === abi.IPV6_MTU && this.endpoint.remote === null)
      return -ENOTCONN;
    if (level === abi.IPPROTO_IP) {
      if (name === abi.IP_OPTIONS) return putStart(out, this.ipOptions);
      if (name === abi.IP_MULTICAST_ALL && this.v6 && !this.ints.has(level, name))
        return putIpInt(level, out, 0);
      if (name === abi.IP_PROTOCOL) return putIpInt(level, out, this.endpoint.local.port);
      if (name === abi.IP_MTU) return this.endpoint.remote === null ? -ENOTCONN : putInt(out, abi.LO_MTU - 1);
      if (name === abi.IP_MULTICAST_IF) {
        const bytes = new Uint8Array(4);
        putV4(this.endpoint.options.multicastSource, bytes, 0);
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
    openInetSockets(this.stack).delete(this);
    this.endpoint.close();
    this.completions.clear();
  }
}
