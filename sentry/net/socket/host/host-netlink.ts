/**
 * AF_NETLINK under `--network host`: questions about the namespace (rtnetlink(7), sock_diag(7)) go to the host's kernel,
 * as do memberships in groups, so that programs hear of links that go down. Requests that would change something are
 * refused here.
 */
import { CAP_NET_ADMIN } from '../../../abi/capability.ts';
import {
  EADDRINUSE,
  ECONNREFUSED,
  EINVAL,
  EMSGSIZE,
  ENODATA,
  ENOENT,
  EOPNOTSUPP,
  EPERM,
} from '../../../abi/errno.ts';
import { FIONREAD } from '../../../abi/ioctl.ts';
import * as abi from '../../../abi/netlink.ts';
import { READABLE } from '../../../abi/poll.ts';
import {
  AF_INET,
  AF_INET6,
  AF_MAX,
  AF_NETLINK,
  AF_UNIX,
  MSG_PEEK,
  MSG_TRUNC,
  SOCK_DGRAM,
  SOCK_RAW,
} from '../../../abi/socket.ts';
import { copyBytes } from '../../../base/copy-bytes.ts';
import { unimplemented } from '../../../base/unimplemented.ts';
import type { CallerContext } from '../../../vfs/context.ts';
import type { HostStack } from '../../stack/host/host-stack.ts';
import type { SocketFamily } from '../families.ts';
import type { Message } from '../message.ts';
import { NetlinkWriter, packed } from '../netlink/netlink-message.ts';
import { answerUnix } from '../netlink/unix-diag.ts';
import type { SocketFile } from '../socket-file.ts';
import type { UnixNetwork } from '../unix/unix-network.ts';
import { HostSocket } from './host-socket.ts';
import { addon } from '../../../../native/addon.ts';

const TCPDIAG_GETSOCK = 18;
/** Requests are this short: a header, a fixed part, some attributes. */
const LONGEST_REQUEST = 8192;
/** Answers of this side that wait to be read. */
const MOST_ANSWERS = 1024;

export class HostNetlinkFamily implements SocketFamily {
  readonly family = AF_NETLINK;
  private readonly stack: HostStack;
  /** For what the host is not asked: uevents. */
  private readonly own: SocketFamily;
  private readonly unix: UnixNetwork;

  constructor(stack: HostStack, own: SocketFamily, unix: UnixNetwork) {
    this.stack = stack;
    this.own = own;
    this.unix = unix;
  }

  create(type: number, protocol: number, flags: number, ctx: CallerContext): SocketFile | number {
    const asked = protocol === abi.NETLINK_ROUTE || protocol === abi.NETLINK_SOCK_DIAG;
    if (!asked || (type !== SOCK_RAW && type !== SOCK_DGRAM))
      return this.own.create(type, protocol, flags, ctx);
    const fd = this.stack.open(AF_NETLINK, type, protocol, ctx.creds);
    return fd < 0 ? fd : new HostNetlinkSocket(this.stack, this.unix, fd, type, protocol, flags, ctx);
  }
}

class HostNetlinkSocket extends HostSocket {
  /** Datagrams of this side's own, read before the host's. */
  private readonly answers: Uint8Array[] = [];
  private readonly unix: UnixNetwork;

  constructor(
    stack: HostStack,
    unix: UnixNetwork,
    fd: number,
    type: number,
    protocol: number,
    flags: number,
    ctx: CallerContext,
  ) {
    super(stack, fd, AF_NETLINK, type, protocol, flags, ctx);
    this.unix = unix;
  }

  override bind(addr: Uint8Array, len: number, ctx: CallerContext): number {
    if (len < abi.SOCKADDR_NL_SIZE || (addr[0]! | (addr[1]! << 8)) !== AF_NETLINK) return -EINVAL;
    const v = new DataView(addr.buffer, addr.byteOffset, addr.length);
    if (v.getUint32(4, true) !== 0 || this.portNumber() !== 0) return super.bind(addr, len, ctx);
    return this.takePort(v.getUint32(8, true), ctx);
  }

  override connect(addr: Uint8Array, len: number, ctx: CallerContext, again: boolean): number {
    const failed = this.portNumber() === 0 ? this.takePort(0, ctx) : 0;
    return failed < 0 ? failed : super.connect(addr, len, ctx, again);
  }

  /** The guest's own process id is the first choice of a port; left to itself, the host would choose the broker's. */
  private takePort(groups: number, ctx: CallerContext): number {
    const name = new Uint8Array(abi.SOCKADDR_NL_SIZE);
    const v = new DataView(name.buffer);
    v.setUint16(0, AF_NETLINK, true);
    v.setUint32(8, groups, true);
    v.setUint32(4, ctx.pid, true);
    const r = super.bind(name, name.length, ctx);
    if (r !== -EADDRINUSE) return r;
    v.setUint32(4, 0, true);
    return super.bind(name, name.length, ctx);
  }

  override send(msg: Message, ctx: CallerContext): number {
    if (msg.addrLen > 0) {
      const v = new DataView(msg.addr.buffer, msg.addr.byteOffset, msg.addr.length);
      if (msg.addrLen < abi.SOCKADDR_NL_SIZE || v.getUint16(0, true) !== AF_NETLINK) return -EINVAL;
      // Only the kernel is spoken to: to others only the privileged may, and there are none.
      const others = v.getUint32(4, true) !== 0 || v.getUint32(8, true) !== 0;
      if (others) return ctx.creds.hasCap(CAP_NET_ADMIN) ? -ECONNREFUSED : -EPERM;
    }
    if (msg.len === 0) return -ENODATA;
    const failed = this.portNumber() === 0 ? this.takePort(0, ctx) : 0;
    if (failed < 0) return failed;
    if (msg.len > LONGEST_REQUEST) return -EMSGSIZE;
    // A private copy: what is checked is what goes to the host.
    const bytes = msg.buf.slice(msg.off, msg.off + msg.len);
    const v = new DataView(bytes.buffer);
    for (let at = 0; at + abi.NLMSG_HEADER <= bytes.length;) {
      const size = v.getUint32(at, true);
      if (size < abi.NLMSG_HEADER || at + size > bytes.length) break;
      const r = this.request(bytes.subarray(at, at + size), ctx);
      if (r < 0) return r;
      at += (size + 3) & ~3;
    }
    return msg.len;
  }

  private request(bytes: Uint8Array, ctx: CallerContext): number {
    const type = bytes[4]! | (bytes[5]! << 8);
    if (this.protocol === abi.NETLINK_SOCK_DIAG && type === abi.SOCK_DIAG_BY_FAMILY) {
      const family = bytes[abi.NLMSG_HEADER];
      if (family !== AF_INET && family !== AF_INET6) return this.answerOwn(bytes, family);
    } else {
      const error = this.judge(type, ctx);
      if (error < 0) return this.refuse(bytes, error);
    }
    const n = addon.socketSend(this.fd, bytes, 0, bytes.length, 0);
    return n < 0 ? n : 0;
  }

  /** 0: the host may be asked; else the error to answer. */
  private judge(type: number, ctx: CallerContext): number {
    if (type < abi.RTM_NEWLINK) return 0;
    if (this.protocol === abi.NETLINK_SOCK_DIAG) return type === TCPDIAG_GETSOCK ? 0 : -EPERM;
    if (type > abi.RTM_MAX) return -EOPNOTSUPP;
    // Of the messages of each kind the third (GET) asks; the others change.
    if (type % 4 === 2) return 0;
    unimplemented(`rtnetlink message ${type}`);
    return ctx.creds.hasCap(CAP_NET_ADMIN) ? -EOPNOTSUPP : -EPERM;
  }

  /** sock_diag(7) about sockets that are not the host's. */
  private answerOwn(request: Uint8Array, family: number | undefined): number {
    const flags = request[6]! | (request[7]! << 8);
    const dump = (flags & abi.NLM_F_DUMP) !== 0;
    if (family !== undefined && family >= AF_MAX) return this.refuse(request, -EINVAL);
    const found =
      family === AF_UNIX ? answerUnix(this.unix, dump, request.subarray(abi.NLMSG_HEADER)) : -ENOENT;
    if (typeof found === 'number') return this.refuse(request, found);
    const seq = sequenceOf(request);
    const port = this.portNumber();
    const multi = dump ? abi.NLM_F_MULTI : 0;
    const messages = found.map((a) => a.message.finish(a.type, multi, seq, port));
    if (dump) messages.push(new NetlinkWriter().u32(0).finish(abi.NLMSG_DONE, multi, seq, port));
    for (const datagram of packed(messages)) this.put(datagram);
    return 0;
  }

  /** NLMSG_ERROR with the request. */
  private refuse(request: Uint8Array, error: number): number {
    const message = new NetlinkWriter().u32(error >>> 0).raw(request);
    this.put(message.finish(abi.NLMSG_ERROR, 0, sequenceOf(request), this.portNumber()));
    return 0;
  }

  private put(datagram: Uint8Array): void {
    if (this.answers.length >= MOST_ANSWERS) return;
    this.answers.push(datagram);
    this.queue.notify(READABLE);
  }

  private portNumber(): number {
    const name = new Uint8Array(abi.SOCKADDR_NL_SIZE);
    return addon.socketName(this.fd, false, name) < 0 ? 0 : new DataView(name.buffer).getUint32(4, true);
  }

  override receive(msg: Message, ctx: CallerContext): number {
    const answer = this.answers[0];
    if (answer === undefined) return super.receive(msg, ctx);
    if ((msg.flags & MSG_PEEK) === 0) this.answers.shift();
    const n = Math.min(msg.len, answer.length);
    copyBytes(msg.buf, msg.off, answer, 0, n);
    if (n < answer.length) msg.outFlags |= MSG_TRUNC;
    msg.addr.fill(0, 0, abi.SOCKADDR_NL_SIZE);
    msg.addr[0] = AF_NETLINK;
    msg.addrLen = abi.SOCKADDR_NL_SIZE;
    return (msg.flags & MSG_TRUNC) !== 0 ? answer.length : n;
  }

  /** Its own answers are not in the host's sight. */
  override get pollSource(): null {
    return null;
  }

  override readiness(): number {
    return super.readiness() | (this.answers.length > 0 ? READABLE : 0);
  }

  override ioctl(cmd: number, arg: number, ctx: CallerContext): number {
    const answer = this.answers[0];
    return cmd === FIONREAD && answer !== undefined
      ? ctx.writeI32(arg, answer.length)
      : super.ioctl(cmd, arg, ctx);
  }

  override shutdown(): number {
    return -EOPNOTSUPP;
  }
}

function sequenceOf(request: Uint8Array): number {
  return new DataView(request.buffer, request.byteOffset, request.length).getUint32(8, true);
}
