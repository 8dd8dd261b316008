/**
 * A socket of the host's kernel as a guest's open file. The host keeps its state: names, options, errors, buffers. What
 * is left to do here is to check what goes there, and to wait.
 */
import { addon } from '../../../../native/addon.ts';
import {
  EADDRNOTAVAIL,
  EAFNOSUPPORT,
  EAGAIN,
  EALREADY,
  EINPROGRESS,
  EINVAL,
  ENOPROTOOPT,
  ENOTCONN,
  EPERM,
  EPIPE,
} from '../../../abi/errno.ts';
import { FIONREAD } from '../../../abi/ioctl.ts';
import { POLLERR, POLLHUP, POLLNVAL, POLLPRI, POLLRDHUP, READABLE, WRITABLE } from '../../../abi/poll.ts';
import {
  IPPROTO_IP,
  IPPROTO_TCP,
  IP_OPTIONS,
  TCP_FASTOPEN_CONNECT,
  TCP_INFO,
  TCP_INQ,
} from '../../../abi/inet.ts';
import * as so from '../../../abi/socket.ts';
import type { SocketFilter } from '../../../base/bpf/socket-filter.ts';
import type { Watcher } from '../../../base/host-queue.ts';
import { HostQueue } from '../../../base/host-queue.ts';
import { unimplemented } from '../../../base/unimplemented.ts';
import { SOCKET_NONBLOCKING, SOCKET_NONE, SOCKET_WAITING } from '../../../../native/layout/layout.ts';
import type { KeptSocket } from '../../../../platform/platform.ts';
import type { CallerContext, OwnIo } from '../../../vfs/context.ts';
import type { Linger, PollSource } from '../../../vfs/file-description.ts';
import type { HostStack } from '../../stack/host/host-stack.ts';
import type { Message } from '../message.ts';
import { getKeptOption, putInt, putInts, setKeptOption } from '../options.ts';
import { interfaceIoctl } from '../interface-ioctl.ts';
import { SocketFile } from '../socket-file.ts';
import { extra, packExtra, unpackExtra } from './host-extra.ts';
import { hasSourceRoute, longestToGet, longestToSet } from './host-options.ts';

/** Flags of send(2) and recv(2) that are the host's matter; the others are the syscall layer's. */
const SEND_FLAGS = so.MSG_OOB | so.MSG_DONTROUTE | so.MSG_EOR | so.MSG_CONFIRM | so.MSG_MORE;
const RECEIVE_FLAGS = so.MSG_OOB | so.MSG_PEEK | so.MSG_TRUNC | so.MSG_ERRQUEUE;
const ALL_BITS = READABLE | WRITABLE | POLLPRI | POLLERR | POLLHUP | POLLRDHUP;
/** The address of a destination, of whatever family, is no longer than struct sockaddr_in6. */
const LONGEST_NAME = 28;
const SIOCOUTQNSD = 0x894b;
/** TCP_FIN_WAIT1, TCP_LAST_ACK, TCP_CLOSING. */
const CLOSING_STATES: readonly number[] = [4, 9, 11];
/** A socket that is used so often is worth a descriptor in the stub. */
const USES_BEFORE_OFFER = 8;

/** Options that this side keeps, since only it waits. */
function isKept(name: number): boolean {
  return (
    name === so.SO_RCVTIMEO ||
    name === so.SO_SNDTIMEO ||
    name === so.SO_RCVTIMEO_NEW ||
    name === so.SO_SNDTIMEO_NEW
  );
}

export class HostSocket extends SocketFile implements OwnIo {
  readonly fd: number;
  readonly stack: HostStack;
  override readonly ownOptions = true;
  override readonly connectPending: number = -EINPROGRESS;
  declare readonly queue: HostQueue;
  private isListening = false;
  /** SHUT_RD of datagrams: whoever would wait gets nothing, and the others EAGAIN. */
  private noMore = false;
  /** Some option makes ancillary data come with what is received. */
  private wantsControl = false;
  private peer: Uint8Array | null = null;
  /** A close(2) waits for what was sent: the host's descriptor goes after that. */
  private lingers = false;
  /** MSG_FASTOPEN has set TCP_FASTOPEN_CONNECT, which the guest did not. */
  private fastOpens = false;
  /** Sends and receives that came here. */
  private uses = 0;
  /** The stubs that have it. */
  private stubs: KeptSocket[] = [];

  constructor(
    stack: HostStack,
    fd: number,
    family: number,
    type: number,
    protocol: number,
    flags: number,
    ctx: CallerContext,
  ) {
    super(family, type, protocol, flags, ctx, new HostQueue().attach(fd, stack.watcher));
    this.stack = stack;
    this.fd = fd;
    // The number in /proc/net/tcp, by which programs find a socket's owner.
    if (addon.fstat(fd, numbers) === 0) this.inode.ino = numbers[1]!;
  }

  override get listening(): boolean {
    return this.isListening;
  }

  bind(addr: Uint8Array, len: number, ctx: CallerContext): number {
    return this.stack.bind(this.fd, addr, len, ctx.creds);
  }

  connect(addr: Uint8Array, len: number, _ctx: CallerContext, again: boolean): number {
    const r = this.stack.broker.connect(this.fd, addr, len, !this.nonblocking);
    this.stack.watcher.announce();
    if (r !== -EINPROGRESS && r !== -EALREADY) {
      // No port is free: in ip(7)'s words, and nothing to wait for.
      return r === -EAGAIN ? -EADDRNOTAVAIL : r;
    }
    return this.nonblocking && !again ? r : -EAGAIN;
  }

  /** The broker connects, and the host waits for the data, if the other side is known to take it with the first segment. */
  override prepareFastOpen(): number {
    const on = new Uint8Array([1, 0, 0, 0]);
    const r = addon.socketSetOption(this.fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, on);
    if (r === 0) this.fastOpens = true;
    // Not a new socket: connect(2) says what it is.
    return r === -EINVAL ? 0 : r;
  }

  override listen(backlog: number, _ctx: CallerContext): number {
    const r = addon.socketListen(this.fd, backlog);
    if (r === 0) this.isListening = true;
    return r;
  }

  override accept(flags: number, ctx: CallerContext): HostSocket | number {
    const fd = addon.socketAccept(this.fd, peerName);
    if (fd < 0) return fd;
    const made = new HostSocket(this.stack, fd, this.family, this.type, this.protocol, flags, ctx);
    made.options.inherit(this.options);
    made.wantsControl = this.wantsControl;
    made.peer = peerName.slice(4, 4 + peerName[0]!);
    return made;
  }

  override acceptedAddress(out: Uint8Array): number {
    const peer = this.peer;
    this.peer = null;
    if (peer === null) return this.peerAddress(out);
    out.set(peer);
    return peer.length;
  }

  override shutdown(how: number): number {
    const r = addon.socketShutdown(this.fd, how);
    this.stack.watcher.announce();
    // Without a peer, too: programs end the wait of another thread with it.
    if (!this.isStream && how !== so.SHUT_WR && (r === 0 || r === -ENOTCONN)) {
      this.noMore = true;
      this.flagsChanged();
    }
    if (r === 0 && this.isListening && how !== so.SHUT_WR) this.isListening = false;
    return r;
  }

  localAddress(out: Uint8Array): number {
    return addon.socketName(this.fd, false, out);
  }
  peerAddress(out: Uint8Array): number {
    return addon.socketName(this.fd, true, out);
  }

  // ---- data
  send(msg: Message, ctx: CallerContext): number {
    if (++this.uses % USES_BEFORE_OFFER === 0) this.offer(ctx);
    if (this.pendingError !== 0) return -super.takeError();
    const flags = msg.flags & SEND_FLAGS;
    const nameLen = this.isStream ? 0 : msg.addrLen;
    if (nameLen === 0 && msg.control === null) {
      return this.sent(msg, addon.socketSend(this.fd, msg.buf, msg.off, msg.len, flags));
    }
    const denied = nameLen > 0 ? this.mayReach(msg.addr, nameLen) : 0;
    if (denied < 0) return denied;
    const bad = packExtra(msg.addr, Math.min(nameLen, LONGEST_NAME), msg.control);
    if (bad < 0) return bad;
    return this.sent(msg, addon.socketSendMessage(this.fd, msg.buf, msg.off, msg.len, flags, extra));
  }

  /** udp(7): EAGAIN of a socket that has room means that no port is free: nothing that would be waited for. */
  private sent(msg: Message, n: number): number {
    // Who waits for it is woken before this call is answered, not after whatever else comes first.
    if (n > 0) this.stack.watcher.announce();
    if (n === -EAGAIN && !this.isStream && (this.readiness() & WRITABLE) !== 0) msg.flags |= so.MSG_DONTWAIT;
    return n;
  }

  /** May a datagram go to this address? What has another family's form is the host's to refuse. */
  private mayReach(addr: Uint8Array, len: number): number {
    if (this.family !== so.AF_INET && this.family !== so.AF_INET6) return 0;
    const family = addr[0]! | (addr[1]! << 8);
    if (family === so.AF_INET6)
      return len < 24 ? -EINVAL : this.stack.maySend(addr, Math.min(len, 28), this.protocol);
    if (family === so.AF_INET) return len < 16 ? -EINVAL : this.stack.maySend(addr, 16, this.protocol);
    if (family !== so.AF_UNSPEC) return len < 16 ? -EINVAL : -EAFNOSUPPORT;
    // udp(7): without a family it counts as IPv4 there, and as no address at all with IPv6.
    if (this.family === so.AF_INET6) return 0;
    if (len < 16) return -EINVAL;
    const asV4 = addr.slice(0, 16);
    asV4[0] = so.AF_INET;
    return this.stack.maySend(asV4, 16, this.protocol);
  }

  receive(msg: Message, ctx: CallerContext): number {
    if (++this.uses % USES_BEFORE_OFFER === 0) this.offer(ctx);
    const flags = msg.flags & RECEIVE_FLAGS;
    if (this.isStream && !this.wantsControl && (flags & (so.MSG_OOB | so.MSG_ERRQUEUE)) === 0) {
      const n = addon.socketReceive(this.fd, msg.buf, msg.off, msg.len, flags);
      return n <= 0 && this.pendingError !== 0 ? -super.takeError() : n;
    }
    const n = addon.socketReceiveMessage(this.fd, msg.buf, msg.off, msg.len, flags, extra);
    if (n >= 0) unpackExtra(msg);
    const waits = !this.nonblocking && (msg.flags & (so.MSG_DONTWAIT | so.MSG_ERRQUEUE)) === 0;
    return n === -EAGAIN && this.noMore && waits ? 0 : n;
  }

  /** The host's epoll can watch it too. */
  override get pollSource(): PollSource | null {
    return this;
  }
  get watcher(): Watcher {
    return this.stack.watcher;
  }

  // ---- what a stub does by itself
  get hostFd(): number {
    return this.fd;
  }

  private offer(ctx: CallerContext): void {
    if (this.ownIoMode() !== SOCKET_NONE) ctx.ownIo = this;
  }

  /** Timeouts, low-water marks and errors kept here are this side's. */
  ownIoMode(): number {
    const { rcvTimeoNs, sndTimeoNs, rcvLowat } = this.options;
    const plain = (this.family === so.AF_INET || this.family === so.AF_INET6) && this.type !== so.SOCK_RAW;
    const kept = rcvTimeoNs !== 0 || sndTimeoNs !== 0 || rcvLowat > 1 || this.pendingError !== 0;
    if (!plain || kept || this.isListening || this.noMore) return SOCKET_NONE;
    return this.nonblocking ? SOCKET_NONBLOCKING : SOCKET_WAITING;
  }

  given(to: KeptSocket): void {
    this.stubs = this.stubs.filter((stub) => !stub.dropped);
    this.stubs.push(to);
  }

  override flagsChanged(): void {
    if (this.stubs.length === 0) return;
    const mode = this.ownIoMode();
    for (const stub of this.stubs) stub.setMode(mode);
  }

  override readiness(): number {
    const now = addon.poll(this.fd, ALL_BITS);
    return now < 0 ? POLLERR : (now & ~POLLNVAL) | (this.pendingError !== 0 ? POLLERR : 0);
  }

  // ---- options
  /** The host has told its error, and forgets it. */
  override keepFailure(failure: number): void {
    if (failure !== -EPIPE) this.pendingError = -failure;
    this.flagsChanged();
  }

  override takeError(): number {
    if (this.pendingError !== 0) return super.takeError();
    const n = addon.socketGetOption(this.fd, so.SOL_SOCKET, so.SO_ERROR, word);
    return n < 0 ? 0 : new DataView(word.buffer).getInt32(0, true);
  }

  override setOption(level: number, name: number, value: Uint8Array, ctx: CallerContext): number {
    if (level === so.SOL_SOCKET) {
      if (isKept(name)) {
        const r = setKeptOption(this, name, value, ctx);
        this.flagsChanged();
        return r;
      }
      if (name === so.SO_LINGER) return this.setLinger(value, ctx);
    }
    const most = longestToSet(level, name);
    if (most === undefined) {
      if (level === so.SOL_SOCKET && value.length < 4) return -EINVAL;
      unimplemented(`setsockopt level ${level} option ${name} of a host socket`);
      return -ENOPROTOOPT;
    }
    const taken = value.subarray(0, most);
    // By routers that no rule judges. (Newer hosts leave this to CAP_NET_RAW.)
    if (level === IPPROTO_IP && name === IP_OPTIONS && this.stack.policy && hasSourceRoute(taken))
      return -EPERM;
    const r = addon.socketSetOption(this.fd, level, name, taken);
    if (r < 0) return r;
    if (level === so.SOL_SOCKET && name === so.SO_RCVLOWAT) {
      setKeptOption(this, name, value, ctx);
      this.flagsChanged();
    }
    if (level === so.SOL_SOCKET && name === so.SO_DETACH_FILTER) this.options.filter = null;
    if (makesControl(level, name)) this.wantsControl = true;
    return r;
  }

  /**
   * The host runs it, as it does for any unprivileged program: a filter acts where packets arrive, before they are
   * queued, and here one is seen only when somebody asks for it, or never, where a stub reads. What is passed on is a
   * copy that has been checked; the host checks it again.
   */
  override attachFilter(filter: SocketFilter): number {
    const r = addon.socketSetFilter(this.fd, so.SO_ATTACH_FILTER, filter.program);
    if (r === 0) this.options.filter = filter;
    return r;
  }
  override attachGroupFilter(filter: SocketFilter): number {
    return addon.socketSetFilter(this.fd, so.SO_ATTACH_REUSEPORT_CBPF, filter.program);
  }

  /** A close that waits would hold up everybody: the host is told only of the one that resets. */
  private setLinger(value: Uint8Array, ctx: CallerContext): number {
    const r = setKeptOption(this, so.SO_LINGER, value, ctx);
    if (r < 0) return r;
    const { lingerOn, lingerSec } = this.options;
    const given = new Uint8Array(8);
    given[0] = lingerOn && lingerSec === 0 ? 1 : 0;
    return addon.socketSetOption(this.fd, so.SOL_SOCKET, so.SO_LINGER, given);
  }

  override getOption(level: number, name: number, out: Uint8Array, ctx: CallerContext): number {
    if (level === so.SOL_SOCKET) {
      if (isKept(name)) return getKeptOption(this, name, out, ctx);
      if (name === so.SO_LINGER) return putInts(out, this.options.lingerOn ? 1 : 0, this.options.lingerSec);
    }
    if (level === so.SOL_SOCKET && name === so.SO_ERROR && this.pendingError !== 0)
      return putInt(out, super.takeError());
    if (this.fastOpens && level === IPPROTO_TCP && name === TCP_FASTOPEN_CONNECT) return putInt(out, 0);
    const most = longestToGet(level, name);
    if (most === undefined) {
      unimplemented(`getsockopt level ${level} option ${name} of a host socket`);
      return -ENOPROTOOPT;
    }
    return addon.socketGetOption(this.fd, level, name, out.subarray(0, most));
  }

  override ioctl(cmd: number, arg: number, ctx: CallerContext): number {
    if (cmd !== FIONREAD && cmd !== so.SIOCOUTQ && cmd !== so.SIOCATMARK && cmd !== SIOCOUTQNSD) {
      return this.interfaceIoctl(cmd, arg, ctx);
    }
    const r = addon.socketQuestion(this.fd, cmd, word);
    return r < 0 ? r : ctx.writeI32(arg, new DataView(word.buffer).getInt32(0, true));
  }

  /**
   * Not the host's own wait, which would hold up everybody: the end of what is sent shows in the connection's state.
   * What nobody here has read makes a reset of it, without a wait.
   */
  override lingering(): Linger | null {
    const { lingerOn, lingerSec } = this.options;
    if (!lingerOn || lingerSec === 0 || !this.isStream || this.isListening || this.unread() > 0) return null;
    if (addon.socketShutdown(this.fd, so.SHUT_RDWR) < 0 || !this.isClosing()) return null;
    this.lingers = true;
    const end = (): void => {
      this.lingers = false;
      this.release();
    };
    return { queue: this.queue, timeoutNs: lingerSec * 1e9, done: () => !this.isClosing(), end };
  }

  private unread(): number {
    const r = addon.socketQuestion(this.fd, FIONREAD, word);
    return r < 0 ? 0 : new DataView(word.buffer).getInt32(0, true);
  }

  /** sk_stream_closing: the other side has yet to acknowledge something. */
  private isClosing(): boolean {
    const n = addon.socketGetOption(this.fd, IPPROTO_TCP, TCP_INFO, word);
    return n >= 1 && CLOSING_STATES.includes(word[0]!);
  }

  protected override interfaceIoctl(cmd: number, arg: number, ctx: CallerContext): number {
    return interfaceIoctl(this.stack, cmd, arg, ctx);
  }

  override release(): void {
    if (this.lingers) return;
    this.queue.end(this.stubs.length === 0);
    addon.close(this.fd);
    this.stack.watcher.announce();
  }
}

/** For one call at a time. */
const numbers = new Float64Array(16);
const word = new Uint8Array(4);
/** The length of an address, in four bytes, and the address. */
const peerName = new Uint8Array(4 + so.SOCKADDR_MAX);

/** Options of streams that make ancillary data come: timestamps and TCP_INQ. */
function makesControl(level: number, name: number): boolean {
  if (level !== so.SOL_SOCKET) return level === IPPROTO_TCP && name === TCP_INQ;
  return [
    so.SO_TIMESTAMP,
    so.SO_TIMESTAMPNS,
    so.SO_TIMESTAMP_NEW,
    so.SO_TIMESTAMPNS_NEW,
    so.SO_RXQ_OVFL,
    so.SO_RCVMARK,
    37,
    65,
  ].includes(name);
}
