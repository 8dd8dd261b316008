/** SOCK_STREAM sockets of AF_INET and AF_INET6 (tcp(7)). */
import {
  EAGAIN,
  EALREADY,
  ECONNREFUSED,
  ECONNRESET,
  EINPROGRESS,
  EINVAL,
  EISCONN,
  ENETUNREACH,
  ENOENT,
  ENOTCONN,
  EPERM,
  EPIPE,
} from '../../../abi/errno.ts';
import * as abi from '../../../abi/inet.ts';
import { FIONREAD } from '../../../abi/ioctl.ts';
import { POLLERR, POLLRDHUP, READABLE, WRITABLE } from '../../../abi/poll.ts';
import {
  AF_UNSPEC,
  MIN_RCVBUF,
  MSG_ERRQUEUE,
  MSG_OOB,
  MSG_PEEK,
  MSG_ZEROCOPY,
  SIOCATMARK,
  SIOCOUTQ,
  SOCK_STREAM,
  SOL_SOCKET,
  SO_ZEROCOPY,
  SO_OOBINLINE,
} from '../../../abi/socket.ts';
import { unimplemented } from '../../../base/unimplemented.ts';
import type { CallerContext } from '../../../vfs/context.ts';
import type { Linger } from '../../../vfs/file-description.ts';
import type { InetStack, TcpEndpoint } from '../../stack/inet-stack.ts';
import { isMulticast, isV4 } from '../../stack/ip.ts';
import type { Message } from '../message.ts';
import { parseInetAddress } from './inet-address.ts';
import { InetSocket } from './inet-socket.ts';
import { putStart } from '../options.ts';
import { OPT_ID, TX_FLAGS } from '../timestamping.ts';
import { timestamps, wantsArrivals } from '../timestamps.ts';
import { readSocketLevel } from './send-control.ts';
import { tcpInfo } from './tcp-info.ts';

/** States of tcp_info that decide here. */
const ESTABLISHED = 1;
const SYN_SENT = 2;
const CLOSE = 7;

/** What getsockopt says of the buffers before and after a connection is made (net.ipv4.tcp_wmem, tcp_rmem). */
const SNDBUF_IDLE = 16384;
const SNDBUF_CONNECTED = 2626560;
const RCVBUF = 131072;

/** net.ipv4.tcp_available_congestion_control, the default first: names only, loopback has no congestion. */
const CONGESTIONS = ['cubic', 'reno'];
/** Half of the least receive buffer. */
const SMALLEST_CLAMP = MIN_RCVBUF / 2;
const ECN_MASK = 3;
const NOTHING = new Uint8Array(0);

export class TcpSocket extends InetSocket {
  endpoint: TcpEndpoint;
  override readonly connectPending: number = -EINPROGRESS;
  /** A connect is under way, or has ended and no connect(2) has told so yet. */
  private reportConnect = false;
  private congestion = CONGESTIONS[0]!;
  private fastopenKey: Uint8Array = new Uint8Array(0);

  constructor(stack: InetStack, family: number, flags: number, ctx: CallerContext, endpoint: TcpEndpoint) {
    super(stack, family, SOCK_STREAM, abi.IPPROTO_TCP, flags, ctx, endpoint.queue);
    this.endpoint = endpoint;
    this.options.sndbuf = SNDBUF_IDLE;
    this.options.rcvbuf = RCVBUF;
  }

  override get queuedBytes(): number {
    return this.endpoint.queued;
  }
  override get listening(): boolean {
    return this.endpoint.listening;
  }

  override listen(backlog: number, ctx: CallerContext): number {
    this.endpoint.options.uid = ctx.creds.euid;
    return this.endpoint.listen(backlog);
  }

  connect(addr: Uint8Array, len: number, _ctx: CallerContext, again: boolean): number {
    if (len >= 2 && (addr[0]! | (addr[1]! << 8)) === AF_UNSPEC) return this.dissolve();
    const failed = again || this.reportConnect ? this.takeError() : 0;
    if (failed !== 0) {
      this.reportConnect = false;
      return -failed;
    }
    if (this.endpoint.state === SYN_SENT) return again && !this.nonblocking ? -EAGAIN : this.already();
    if (this.endpoint.state !== CLOSE) {
      if (!this.reportConnect || this.endpoint.listening) return -EISCONN;
      this.reportConnect = false;
      return 0;
    }
    const to = parseInetAddress(addr, len, this.family);
    if (typeof to === 'number') return to;
    if (isMulticast(to.ip) && !isV4(to.ip)) return -ENETUNREACH;
    if (this.lacksInterface(addr, len)) return -EINVAL;
    const r = this.endpoint.connect(to);
    if (r === 0) this.grewUp();
    if (r !== 0 && r !== -EINPROGRESS && r !== -ECONNREFUSED) return r;
    if (!this.nonblocking) {
      this.reportConnect = r === -EINPROGRESS;
      return r === -EINPROGRESS ? -EAGAIN : r;
    }
    // The handshake ends after this call has returned, as far as the program can tell.
    this.reportConnect = true;
    if (r === -ECONNREFUSED) this.pendingError = ECONNREFUSED;
    if (r !== -EINPROGRESS) this.queue.notify(WRITABLE | (this.pendingError !== 0 ? POLLERR | READABLE : 0));
    return -EINPROGRESS;
  }

  protected override intChanged(level: number, name: number): void {
    super.intChanged(level, name);
    // The two bits of congestion notification are the protocol's own.
    if (level === abi.IPPROTO_IP && name === abi.IP_TOS)
      this.ints.store(level, name, this.ints.get(level, name) & ~ECN_MASK);
    if (level !== abi.IPPROTO_TCP) return;
    const o = this.endpoint.options;
    if (name === abi.TCP_SYNCNT) o.synRetries = this.ints.get(level, name);
    const clamp = name === abi.TCP_WINDOW_CLAMP ? this.ints.get(level, name) : 0;
    if (clamp !== 0) this.ints.store(level, name, Math.max(clamp, SMALLEST_CLAMP));
    if (name === abi.TCP_USER_TIMEOUT) o.userTimeoutMs = this.ints.get(level, name);
  }

  private already(): number {
    return this.nonblocking ? -EALREADY : -EAGAIN;
  }

  private grewUp(): void {
    if (this.endpoint.options.sndbuf === 0) this.options.sndbuf = SNDBUF_CONNECTED;
  }

  /** connect with AF_UNSPEC: the socket is as new, but for its options. */
  private dissolve(): number {
    const old = this.endpoint;
    const fresh = this.stack.tcp(this.v6, this.queue);
    Object.assign(fresh.options, old.options);
    if (old.state !== CLOSE && !old.listening) this.pendingError = ECONNRESET;
    const bound = old.boundTo;
    // Not an orderly end: the other side gets a reset, and the port is free at once.
    old.options.lingerReset = true;
    old.close();
    if (bound !== null) fresh.bind(bound.ip, bound.port);
    this.endpoint = fresh;
    this.reportConnect = false;
    return 0;
  }

  override peerAddress(out: Uint8Array): number {
    const state = this.endpoint.state;
    return state === CLOSE || state === SYN_SENT ? -ENOTCONN : super.peerAddress(out);
  }
  override acceptedAddress(out: Uint8Array): number {
    return super.peerAddress(out);
  }

  override accept(flags: number, ctx: CallerContext): TcpSocket | number {
    const made = this.endpoint.accept();
    if (typeof made === 'number') return made;
    const s = new TcpSocket(this.stack, this.family, flags, ctx, made);
    s.options.inherit(this.options);
    // Of when it was made, which was before this.
    s.options.filter = made.options.filter;
    s.ints.inherit(this.ints);
    s.congestion = this.congestion;
    s.grewUp();
    return s;
  }

  send(msg: Message, ctx: CallerContext): number {
    if (this.pendingError !== 0) return -this.takeError();
    const asked = { timestamping: this.options.timestamping };
    for (const c of msg.control ?? []) {
      const r = c.level === SOL_SOCKET ? readSocketLevel(c, asked, this.options, ctx) : 0;
      if (r < 0) return r;
    }
    const n = this.sendData(msg);
    const reported = (asked.timestamping & TX_FLAGS) !== 0 || (msg.flags & MSG_ZEROCOPY) !== 0;
    if (n > 0 && reported) this.complete(asked.timestamping, msg.flags);
    return n;
  }

  /** Times are of the last byte of a send, which here arrives at once. */
  private complete(timestamping: number, flags: number): void {
    const last = (this.endpoint.bytesSent - 1 - this.sends) >>> 0;
    this.addTimes(timestamping, (timestamping & OPT_ID) !== 0 ? last : 0, NOTHING);
    if ((flags & MSG_ZEROCOPY) !== 0 && this.options.flag(SO_ZEROCOPY)) this.completions.addCopied();
    if (!this.completions.empty) this.queue.notify(POLLERR);
  }

  override get maySetTimestampingId(): boolean {
    return this.endpoint.state !== CLOSE && !this.listening;
  }
  override countSends(): void {
    this.sends = this.endpoint.bytesSent;
  }

  private sendData(msg: Message): number {
    if ((msg.flags & MSG_OOB) !== 0 && msg.len > 0) {
      if (msg.len === 1) return this.endpoint.sendUrgent(msg.buf[msg.off]!);
      return this.endpoint.send(msg.buf, msg.off, msg.len - 1);
    }
    return this.endpoint.send(msg.buf, msg.off, msg.len);
  }

  receive(msg: Message): number {
    if ((msg.flags & MSG_ERRQUEUE) !== 0)
      return this.completions.receive(msg, this.options, this.v6) ?? -EAGAIN;
    const peek = (msg.flags & MSG_PEEK) !== 0;
    if ((msg.flags & MSG_OOB) !== 0) {
      const byte = this.endpoint.receiveUrgent(peek);
      if (byte < 0) return byte;
      msg.buf[msg.off] = byte;
      msg.outFlags |= MSG_OOB;
      return 1;
    }
    if (this.pendingError !== 0) return -this.takeError();
    const o = this.options;
    const skip = peek && o.peekOff > 0 ? o.peekOff : 0;
    const n = this.endpoint.receive(msg.buf, msg.off, msg.len, peek, skip);
    if (n > 0 && this.endpoint.arrivedNs > 0) {
      const control = timestamps(o, this.endpoint.arrivedNs);
      if (control.length > 0) msg.control = control;
    }
    if (n > 0 && o.peekOff >= 0) o.peekOff = peek ? skip + n : Math.max(0, o.peekOff - n);
    return n;
  }

  /** A program that has gone on writing hears of a reset only once. */
  override keepFailure(failure: number): void {
    if (failure !== -EPIPE) this.endpoint.keepError(-failure);
  }

  override readiness(): number {
    const mask = this.endpoint.readiness() | this.completionBits;
    return this.pendingError === 0 ? mask : mask | POLLERR | READABLE | POLLRDHUP;
  }

  /** What is not in the other side's receive buffer yet; data that nobody here has read makes a reset of it. */
  override lingering(): Linger | null {
    const { lingerOn, lingerSec } = this.options;
    const { endpoint } = this;
    if (!lingerOn || lingerSec === 0 || this.listening || endpoint.unread === 0 || endpoint.queued > 0)
      return null;
    endpoint.announceArrivals();
    return { queue: endpoint.queue, timeoutNs: lingerSec * 1e9, done: () => endpoint.unread === 0 };
  }

  override optionChanged(name: number): void {
    super.optionChanged(name);
    this.endpoint.options.stampArrivals = wantsArrivals(this.options);
    if (name === SO_OOBINLINE) this.endpoint.urgentInline = this.options.flag(name);
  }

  override ioctl(cmd: number, arg: number, ctx: CallerContext): number {
    if (cmd === FIONREAD) return this.listening ? -EINVAL : ctx.writeI32(arg, this.endpoint.queued);
    if (cmd === SIOCOUTQ) return this.listening ? -EINVAL : ctx.writeI32(arg, this.endpoint.unread);
    if (cmd === SIOCATMARK) return this.listening ? -EINVAL : ctx.writeI32(arg, this.endpoint.atMark ? 1 : 0);
    return super.ioctl(cmd, arg, ctx);
  }

  override setOption(level: number, name: number, value: Uint8Array, ctx: CallerContext): number {
    if (level !== abi.IPPROTO_TCP) return super.setOption(level, name, value, ctx);
    const wrong = this.tooLate(name, value) || withoutRepair(name, value);
    if (wrong < 0) return wrong;
    if (name === abi.TCP_FASTOPEN_KEY) {
      if (value.length !== 16 && value.length !== 32) return -EINVAL;
      this.fastopenKey = value;
      return 0;
    }
    if ((name === abi.TCP_CONGESTION || name === abi.TCP_ULP) && value.length === 0) return -EINVAL;
    if (name === abi.TCP_CONGESTION) {
      const end = value.indexOf(0);
      const text = String.fromCharCode(...value.subarray(0, end < 0 ? value.length : end));
      if (!CONGESTIONS.includes(text)) return -ENOENT;
      this.congestion = text;
      return 0;
    }
    if (name === abi.TCP_ULP) {
      unimplemented('TCP_ULP');
      return -ENOENT;
    }
    return super.setOption(level, name, value, ctx);
  }

  protected override ownLevel(level: number): boolean {
    return level === abi.IPPROTO_TCP;
  }

  /** -EINVAL for what has to be set before there is a connection, or a window. */
  private tooLate(name: number, value: Uint8Array): number {
    const { state } = this.endpoint;
    if (name === abi.TCP_WINDOW_CLAMP) return state !== CLOSE && isZero(value) ? -EINVAL : 0;
    if (name === abi.TCP_QUEUE_SEQ) return state === CLOSE || value.length < 4 ? -EINVAL : -EPERM;
    if (name === abi.TCP_FASTOPEN_CONNECT) return state === CLOSE ? 0 : -EINVAL;
    if (name !== abi.TCP_FASTOPEN && name !== abi.TCP_FASTOPEN_NO_COOKIE) return 0;
    return state === CLOSE || this.endpoint.listening ? 0 : -EINVAL;
  }

  override getOption(level: number, name: number, out: Uint8Array, ctx: CallerContext): number {
    if (level !== abi.IPPROTO_TCP) return super.getOption(level, name, out, ctx);
    if (name === abi.TCP_INFO) return putStart(out, tcpInfo(this.endpoint));
    if (name === abi.TCP_CONGESTION) {
      const n = Math.min(out.length, 16);
      out.fill(0, 0, n);
      for (let i = 0; i < Math.min(n, this.congestion.length); i++) out[i] = this.congestion.charCodeAt(i);
      return n;
    }
    switch (name) {
      case abi.TCP_REPAIR_QUEUE:
      case abi.TCP_QUEUE_SEQ:
      case abi.TCP_REPAIR_WINDOW:
      case abi.TCP_ZEROCOPY_RECEIVE:
        return -EINVAL;
      case abi.TCP_SAVED_SYN:
      case abi.TCP_CC_INFO:
      case abi.TCP_ULP:
        return 0;
      case abi.TCP_FASTOPEN_KEY:
        return putStart(out, this.fastopenKey);
    }
    if (name === abi.TCP_MAXSEG && this.endpoint.state === ESTABLISHED)
      this.ints.store(level, name, abi.LO_MSS_CONNECTED);
    return super.getOption(level, name, out, ctx);
  }
}

/** The four bytes of an int, of those that are longer too. */
function isZero(value: Uint8Array): boolean {
  return value.length >= 4 && value.subarray(0, 4).every((byte) => byte === 0);
}

/** TCP_REPAIR and what needs it is for who administers the network; keys of TCP_MD5SIG are never right. */
function withoutRepair(name: number, value: Uint8Array): number {
  switch (name) {
    case abi.TCP_MD5SIG:
    case abi.TCP_MD5SIG_EXT:
    case abi.TCP_REPAIR_OPTIONS:
      return -EINVAL;
    case abi.TCP_REPAIR_QUEUE:
    case abi.TCP_REPAIR_WINDOW:
      return value.length < 4 ? -EINVAL : -EPERM;
    default:
      return 0;
  }
}
