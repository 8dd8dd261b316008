/** SOCK_DGRAM sockets of AF_INET and AF_INET6 (udp(7)). */
import { EAGAIN, EDESTADDRREQ, EINVAL, EMSGSIZE, EOPNOTSUPP } from '../../../abi/errno.ts';
import * as abi from '../../../abi/inet.ts';
import { FIONREAD } from '../../../abi/ioctl.ts';
import {
  AF_INET,
  AF_INET6,
  AF_UNSPEC,
  MSG_DONTWAIT,
  MSG_ERRQUEUE,
  MSG_MORE,
  MSG_OOB,
  MSG_PEEK,
  MSG_TRUNC,
  MSG_ZEROCOPY,
  SIOCOUTQ,
  SOCK_DGRAM,
  SO_ZEROCOPY,
} from '../../../abi/socket.ts';
import { POLLERR } from '../../../abi/poll.ts';
import { copyBytes } from '../../../base/copy-bytes.ts';
import type { CallerContext } from '../../../vfs/context.ts';
import type { Datagram, InetStack, UdpEndpoint } from '../../stack/inet-stack.ts';
import type { Endpoint, Ip } from '../../stack/ip.ts';
import { isMulticast, isV4, putV4, putV6 } from '../../stack/ip.ts';
import type { ControlMessage, Message } from '../message.ts';
import { OPT_ID, OPT_TSONLY, TX_ACK, TX_FLAGS } from '../timestamping.ts';
import { timestamps } from '../timestamps.ts';
import { parseInetAddress, putInetAddress } from './inet-address.ts';
import { receiveQueuedError } from './error-message.ts';
import type { GroupMember } from './group-options.ts';
import { InetSocket } from './inet-socket.ts';
import { readSendControl } from './send-control.ts';
import type { SendControl } from './send-control.ts';

/** The longest datagram, and how many one send may be cut into. */
const LONGEST = 65507;
const MOST_SEGMENTS = 128;

/** A datagram that is not complete. */
type IsOn = (level: number, name: number) => boolean;
interface Corked {
  readonly to: Endpoint | null;
  readonly how: SendControl;
  readonly parts: Uint8Array[];
  length: number;
}

export class UdpSocket extends InetSocket {
  readonly endpoint: UdpEndpoint;
  override readonly connectPending: number = -EINVAL;
  override readonly listening = false;
  private corked: Corked | null = null;

  constructor(
    stack: InetStack,
    family: number,
    protocol: number,
    flags: number,
    ctx: CallerContext,
    endpoint: UdpEndpoint,
    type = SOCK_DGRAM,
  ) {
    super(stack, family, type, protocol, flags, ctx, endpoint.queue);
    this.endpoint = endpoint;
  }

  override get queuedBytes(): number {
    return this.endpoint.queuedBytes;
  }

  connect(addr: Uint8Array, len: number): number {
    if (len >= 2 && (addr[0]! | (addr[1]! << 8)) === AF_UNSPEC) return this.endpoint.connect(null);
    const to = this.parse(addr, len);
    if (typeof to === 'number') return to;
    const chosen = isMulticast(to.ip) && this.ints.get(abi.IPPROTO_IPV6, abi.IPV6_MULTICAST_IF) !== 0;
    if (!chosen && this.lacksInterface(addr, len)) return -EINVAL;
    return this.endpoint.connect(to);
  }

  /** A v6 socket takes v4 addresses in their own form too. */
  private parse(addr: Uint8Array, len: number): Endpoint | number {
    const given = addr[0]! | (addr[1]! << 8);
    return parseInetAddress(addr, len, this.v6 && given === AF_INET ? AF_INET : this.family);
  }

  send(msg: Message, ctx: CallerContext): number {
    if ((msg.flags & MSG_OOB) !== 0) return -EOPNOTSUPP;
    if (this.corked !== null) return this.append(msg, this.corked);
    let to: Endpoint | null = null;
    if (msg.addrLen > 0) {
      const given = this.parse(msg.addr, msg.addrLen);
      if (typeof given === 'number') return given;
      to = given;
    }
    const how = this.sendOptions(msg, to, ctx);
    if (typeof how === 'number') return how;
    if ((msg.flags & MSG_MORE) !== 0 || this.corkOption) {
      if (to === null && this.endpoint.remote === null) return -EDESTADDRREQ;
      return this.append(msg, (this.corked = { to, how, parts: [], length: 0 }));
    }
    const r =
      how.segment > 0 && msg.len > how.segment
        ? this.sendSegments(msg, to, how)
        : this.endpoint.send(msg.buf, msg.off, msg.len, to, how);
    // Datagrams never wait: this is a port that could not be had.
    if (r === -EAGAIN) msg.flags |= MSG_DONTWAIT;
    if (r >= 0 && ((how.timestamping & TX_FLAGS) !== 0 || (msg.flags & MSG_ZEROCOPY) !== 0))
      this.complete(msg, how);
    return r;
  }

  /** What the socket's options and the message's ancillary data say of a datagram. */
  private sendOptions(msg: Message, to: Endpoint | null, ctx: CallerContext): SendControl | number {
    const how: SendControl = {
      ttl: this.v6
        ? this.ints.get(abi.IPPROTO_IPV6, abi.IPV6_UNICAST_HOPS)
        : this.ints.get(abi.IPPROTO_IP, abi.IP_TTL),
      tos: this.v6
        ? this.ints.get(abi.IPPROTO_IPV6, abi.IPV6_TCLASS)
        : this.ints.get(abi.IPPROTO_IP, abi.IP_TOS),
      segment: this.ints.get(this.protocol, abi.UDP_SEGMENT),
      timestamping: this.options.timestamping,
      source: null,
      throughLo: false,
    };
    if (msg.control === null) return how;
    const target = to ?? this.endpoint.remote;
    const v6 = this.v6 && (target === null || !isV4(target.ip));
    const udp = this.protocol === abi.IPPROTO_UDP || this.protocol === abi.IPPROTO_UDPLITE;
    const r = readSendControl(
      msg.control,
      how,
      { v6, mapped: this.v6 && !v6, udp, options: this.options },
      ctx,
    );
    return r < 0 ? r : how;
  }

  /** What comes back about a datagram that has gone: its times, and that MSG_ZEROCOPY copied it. */
  private complete(msg: Message, how: SendControl): void {
    const { options, completions } = this;
    if ((how.timestamping & TX_FLAGS) !== 0) {
      const key = (how.timestamping & OPT_ID) !== 0 ? this.sends++ : 0;
      const whole = (how.timestamping & OPT_TSONLY) === 0;
      const data = whole ? msg.buf.slice(msg.off, msg.off + msg.len) : msg.buf.subarray(0, 0);
      this.addTimes(how.timestamping & ~TX_ACK, key, data);
    }
    if ((msg.flags & MSG_ZEROCOPY) !== 0 && msg.len > 0 && options.flag(SO_ZEROCOPY)) completions.addCopied();
    if (!completions.empty) this.queue.notify(POLLERR);
  }

  /** UDP_SEGMENT: one buffer of many datagrams. */
  private sendSegments(msg: Message, to: Endpoint | null, how: SendControl): number {
    if (msg.len > LONGEST) return -EMSGSIZE;
    if (Math.ceil(msg.len / how.segment) > MOST_SEGMENTS) return -EINVAL;
    for (let at = 0; at < msg.len; at += how.segment) {
      const n = Math.min(how.segment, msg.len - at);
      const r = this.endpoint.send(msg.buf, msg.off + at, n, to, how);
      if (r < 0) return at > 0 ? at : r;
    }
    return msg.len;
  }

  // ---- MSG_MORE and UDP_CORK: one datagram of many sends
  private get corkOption(): boolean {
    return this.ints.get(this.protocol, abi.UDP_CORK) !== 0;
  }

  private append(msg: Message, corked: Corked): number {
    if (corked.length + msg.len > LONGEST) {
      this.corked = null;
      return -EMSGSIZE;
    }
    corked.parts.push(msg.buf.slice(msg.off, msg.off + msg.len));
    corked.length += msg.len;
    if ((msg.flags & MSG_MORE) !== 0 || this.corkOption) return msg.len;
    const r = this.uncork();
    return r < 0 ? r : msg.len;
  }

  private uncork(): number {
    const { corked } = this;
    this.corked = null;
    if (corked === null) return 0;
    const data = new Uint8Array(corked.length);
    let at = 0;
    for (const part of corked.parts) {
      data.set(part, at);
      at += part.length;
    }
    return this.endpoint.send(data, 0, data.length, corked.to, corked.how);
  }

  receive(msg: Message): number {
    if ((msg.flags & MSG_ERRQUEUE) !== 0) {
      const done = this.completions.receive(msg, this.options, this.v6);
      return done ?? receiveQueuedError(msg, this.endpoint.receiveError(), this.v6);
    }
    const peek = (msg.flags & MSG_PEEK) !== 0;
    const o = this.options;
    const got = this.endpoint.receive(peek, peek && o.peekOff > 0 ? o.peekOff : 0);
    if (typeof got === 'number') {
      // After SHUT_RD only those who would wait are told of the end.
      const waits = !this.nonblocking && (msg.flags & MSG_DONTWAIT) === 0;
      return got === 0 && !waits ? -EAGAIN : got;
    }
    const from = this.endpoint.peekStart;
    const left = got.data.length - from;
    const n = Math.min(msg.len, left);
    copyBytes(msg.buf, msg.off, got.data, from, n);
    if (o.peekOff >= 0) o.peekOff = peek ? o.peekOff + n : Math.max(0, o.peekOff - n);
    if (n < left) msg.outFlags |= MSG_TRUNC;
    msg.addrLen = putInetAddress(msg.addr, got.from, this.family);
    this.addControl(msg, got);
    return (msg.flags & MSG_TRUNC) !== 0 ? left : n;
  }

  /** The ancillary messages that the socket's options ask for. */
  private addControl(msg: Message, got: Datagram): void {
    const control = timestamps(this.options, Math.floor(got.timeMs * 1e6));
    const on = (level: number, name: number): boolean => this.ints.get(level, name) !== 0;
    if (this.v6 && on(abi.IPPROTO_IPV6, abi.IPV6_RECVPKTINFO))
      control.push(packetInfo6(abi.IPV6_PKTINFO, got));
    if (isV4(got.to)) this.addControl4(control, got, on);
    else this.addControl6(control, got, on);
    if (control.length > 0) msg.control = control;
  }

  /** Of IPv4, which IPv6 sockets get too. */
  private addControl4(control: ControlMessage[], got: Datagram, on: IsOn): void {
    if (on(abi.IPPROTO_IP, abi.IP_PKTINFO)) {
      const data = new Uint8Array(12);
      data[0] = 1;
      putV4(got.to, data, 4);
      putV4(got.to, data, 8);
      control.push({ level: abi.IPPROTO_IP, type: abi.IP_PKTINFO, data });
    }
    if (on(abi.IPPROTO_IP, abi.IP_RECVTTL)) control.push(int(abi.IPPROTO_IP, abi.IP_TTL, got.ttl));
    if (on(abi.IPPROTO_IP, abi.IP_RECVTOS)) {
      control.push({ level: abi.IPPROTO_IP, type: abi.IP_TOS, data: Uint8Array.of(got.tos) });
    }
    if (on(abi.IPPROTO_IP, abi.IP_RECVORIGDSTADDR))
      control.push(this.destination(abi.IPPROTO_IP, abi.IP_RECVORIGDSTADDR, AF_INET, got.to));
  }

  private addControl6(control: ControlMessage[], got: Datagram, on: IsOn): void {
    const level = abi.IPPROTO_IPV6;
    if (on(level, abi.IPV6_RECVHOPLIMIT)) control.push(int(level, abi.IPV6_HOPLIMIT, got.ttl));
    if (on(level, abi.IPV6_RECVTCLASS)) control.push(int(level, abi.IPV6_TCLASS, got.tos));
    // RFC 2292's names of the same.
    if (on(level, abi.IPV6_2292PKTINFO)) control.push(packetInfo6(abi.IPV6_2292PKTINFO, got));
    if (on(level, abi.IPV6_2292HOPLIMIT)) control.push(int(level, abi.IPV6_2292HOPLIMIT, got.ttl));
    if (on(level, abi.IPV6_RECVORIGDSTADDR))
      control.push(this.destination(level, abi.IPV6_RECVORIGDSTADDR, AF_INET6, got.to));
  }

  private destination(level: number, type: number, family: number, ip: Ip): ControlMessage {
    const data = new Uint8Array(family === AF_INET ? abi.SOCKADDR_IN_SIZE : abi.SOCKADDR_IN6_SIZE);
    putInetAddress(data, { ip, port: this.endpoint.local.port }, family);
    return { level, type, data };
  }

  override readiness(): number {
    return this.endpoint.readiness() | this.completionBits;
  }

  override get groups(): GroupMember {
    return this.endpoint;
  }

  protected override intChanged(level: number, name: number): void {
    super.intChanged(level, name);
    const { recvErr, recvErr6 } = this.endpoint.options;
    if (level === this.protocol && name === abi.UDP_CORK && !this.corkOption) this.uncork();
    const switched = level === abi.IPPROTO_IP ? name === abi.IP_RECVERR : name === abi.IPV6_RECVERR;
    if (switched && !(level === abi.IPPROTO_IP ? recvErr : recvErr6)) this.endpoint.clearErrors();
  }

  override ioctl(cmd: number, arg: number, ctx: CallerContext): number {
    if (cmd === FIONREAD) return ctx.writeI32(arg, this.endpoint.nextSize);
    if (cmd === SIOCOUTQ) return ctx.writeI32(arg, 0);
    return super.ioctl(cmd, arg, ctx);
  }

  protected override ownLevel(level: number): boolean {
    return level === abi.IPPROTO_UDP || level === abi.IPPROTO_UDPLITE;
  }

  override setOption(level: number, name: number, value: Uint8Array, ctx: CallerContext): number {
    return super.setOption(this.udpLevel(level), name, value, ctx);
  }
  override getOption(level: number, name: number, out: Uint8Array, ctx: CallerContext): number {
    return super.getOption(this.udpLevel(level), name, out, ctx);
  }

  /** UDP and UDP-Lite take their options at either level. */
  private udpLevel(level: number): number {
    if (level === abi.IPPROTO_TCP) return -1;
    const other = this.protocol === abi.IPPROTO_UDPLITE ? abi.IPPROTO_UDP : abi.IPPROTO_UDPLITE;
    return level === other ? this.protocol : level;
  }
}

/** The address that it was sent to; an IPv4 one in its mapped form. */
function packetInfo6(type: number, got: Datagram): ControlMessage {
  const data = new Uint8Array(20);
  putV6(got.to, data, 0);
  data[16] = 1;
  return { level: abi.IPPROTO_IPV6, type, data };
}

function int(level: number, type: number, value: number): ControlMessage {
  return { level, type, data: new Uint8Array(Int32Array.of(value).buffer) };
}
