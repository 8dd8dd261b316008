/** AF_UNIX SOCK_DGRAM: reliable, ordered messages without connections. */
import {
  EAGAIN,
  ECONNREFUSED,
  EINVAL,
  EMSGSIZE,
  ENOTCONN,
  EOPNOTSUPP,
  EPERM,
  EPIPE,
} from '../../../abi/errno.ts';
import { FIONREAD } from '../../../abi/ioctl.ts';
import { POLLERR, POLLHUP, POLLRDHUP, POLLWRBAND, READABLE, WRITABLE } from '../../../abi/poll.ts';
import {
  AF_UNSPEC,
  MAX_DGRAM_QLEN,
  MSG_DONTWAIT,
  MSG_OOB,
  SIOCOUTQ,
  SHUT_RD,
  SHUT_RDWR,
  SHUT_WR,
  SOCK_DGRAM,
} from '../../../abi/socket.ts';
import { filterPlain } from '../../../base/bpf/socket-filter.ts';
import { WaitQueue } from '../../../base/wait-queue.ts';
import type { CallerContext } from '../../../vfs/context.ts';
import type { Message } from '../message.ts';
import { HostPeer } from './host-peer.ts';
import { PacketQueue, packetCharge } from './packet-queue.ts';
import type { Rights } from './rights.ts';
import { family, putUnixAddress } from './unix-address.ts';
import type { UnixNetwork } from './unix-network.ts';
import { UnixSocket, credsOf } from './unix-socket.ts';

/** Of the send buffer, what a message cannot use. */
const RESERVED = 32;

export class UnixDgramSocket extends UnixSocket {
  declare peer: UnixDgramSocket | null;
  private readonly packets = new PacketQueue();
  private sending = 0;
  /** The default destination, a process of the host, instead of `peer`. */
  private host: HostPeer | null = null;
  /** Sockets whose default destination this is: their POLLOUT depends on our queue. */
  private readonly connectedFrom = new Set<UnixDgramSocket>();
  /** Senders without a connection that wait for room here. */
  private readonly roomQueue = new WaitQueue();
  /** The full receiver that stopped the last send, or null: the own send buffer did. */
  private blockedBy: UnixDgramSocket | null = null;

  constructor(net: UnixNetwork, flags: number, ctx: CallerContext) {
    super(net, SOCK_DGRAM, flags, ctx);
  }

  override get listening(): boolean {
    return false;
  }
  override get queueLengths(): readonly [number, number] {
    return [this.packets.nextSize, this.sending];
  }
  private get queueFull(): boolean {
    return this.packets.length > MAX_DGRAM_QLEN;
  }

  connect(addr: Uint8Array, len: number, ctx: CallerContext): number {
    if (family(addr) === AF_UNSPEC) {
      this.setDestination(null);
      this.setHost(null);
      this.peerCreds = null;
      return 0;
    }
    const found = this.lookup(addr, len, ctx);
    if (typeof found === 'number') return found;
    if (found instanceof HostPeer) {
      this.setDestination(null);
      this.setHost(found);
      return 0;
    }
    this.setHost(null);
    const other = found as UnixDgramSocket;
    if (this.options.asksSender && this.address === null) this.autobind();
    if (!other.accepts(this)) return -EPERM;
    this.setDestination(other);
    return 0;
  }

  private setHost(host: HostPeer | null): void {
    this.host?.close();
    this.host = host;
    host?.watch(this.queue);
  }

  /** Without a connection nobody would say when there is room again. */
  private sendToHost(to: HostPeer, msg: Message): number {
    if (this.sndShut) return -EPIPE;
    const n = to.send(msg);
    if (to === this.host) return n;
    to.close();
    if (n === -EAGAIN) msg.flags |= MSG_DONTWAIT;
    return n;
  }

  /** A connected receiver takes messages only from its own peer. */
  private accepts(sender: UnixDgramSocket): boolean {
    return this.peer === null || this.peer === sender;
  }

  private setDestination(other: UnixDgramSocket | null): void {
    const old = this.peer;
    old?.connectedFrom.delete(this);
    this.peer = other;
    other?.connectedFrom.add(this);
    if (old !== null && old !== other) {
      this.packets.clear(this.net.inFlight);
      this.queue.notify(WRITABLE);
    }
  }

  pairWith(other: UnixDgramSocket, ctx: CallerContext): void {
    const creds = credsOf(ctx);
    this.setDestination(other);
    other.setDestination(this);
    this.setPeer(other, creds, ctx.creds.groups);
    other.setPeer(this, creds, ctx.creds.groups);
  }

  peerAddress(out: Uint8Array): number {
    if (this.host !== null) return this.host.name(out);
    return this.peer === null ? -ENOTCONN : putUnixAddress(out, this.peer.address);
  }

  shutdown(how: number): number {
    if (how < SHUT_RD || how > SHUT_RDWR) return -EINVAL;
    if (how !== SHUT_WR) this.rcvShut = true;
    if (how !== SHUT_RD) this.sndShut = true;
    const hup = this.rcvShut && this.sndShut ? POLLHUP : 0;
    this.queue.notify(READABLE | WRITABLE | POLLRDHUP | hup);
    return 0;
  }

  send(msg: Message, ctx: CallerContext): number {
    if ((msg.flags & MSG_OOB) !== 0) return -EOPNOTSUPP;
    const to = this.destination(msg, ctx);
    if (typeof to === 'number') return to;
    if (to instanceof HostPeer) return this.sendToHost(to, msg);
    if (this.options.asksSender && this.address === null) this.autobind();
    if (msg.len > this.options.sndbuf - RESERVED) return -EMSGSIZE;
    if (this.sndShut) return -EPIPE;
    this.blockedBy = null;
    if (this.sending >= this.options.sndbuf) return -EAGAIN;
    const data = filterPlain(to.options.filter, msg.buf.slice(msg.off, msg.off + msg.len));
    // What a filter throws away counts as sent.
    if (data === null) return msg.len;
    if (to.dead) {
      this.setDestination(null);
      return -ECONNREFUSED;
    }
    if (!to.accepts(this)) return -EPERM;
    if (to.rcvShut) return -EPIPE;
    if (to !== this && to.peer !== this && to.queueFull) {
      this.blockedBy = to;
      return -EAGAIN;
    }
    const rights = this.takeRights(msg, ctx);
    if (typeof rights === 'number') return rights;
    to.packets.push({
      data,
      address: this.address,
      creds: this.senderCreds(msg, ctx),
      rights,
      sender: this,
    });
    this.sending += packetCharge(data.length);
    to.queue.notify(READABLE);
    return msg.len;
  }

  private destination(msg: Message, ctx: CallerContext): UnixDgramSocket | HostPeer | number {
    if (msg.addrLen === 0) return this.peer ?? this.host ?? -ENOTCONN;
    return this.lookup(msg.addr, msg.addrLen, ctx) as UnixDgramSocket | HostPeer | number;
  }

  override sendQueue(): WaitQueue {
    return this.blockedBy?.roomQueue ?? this.queue;
  }

  packetGone(charge: number): void {
    const before = this.sending;
    this.sending -= charge;
    if (this.dead) return;
    const limit = this.options.sndbuf;
    if (before * 4 > limit && this.sending * 4 <= limit) this.queue.notify(WRITABLE);
  }

  receive(msg: Message): number {
    if ((msg.flags & MSG_OOB) !== 0) return -EOPNOTSUPP;
    const wasFull = this.queueFull;
    const got = this.packets.receive(msg, this.net.inFlight, this.options);
    if (got === null) {
      if (this.pendingError !== 0) return -this.takeError();
      return this.rcvShut ? 0 : -EAGAIN;
    }
    if (wasFull && !this.queueFull) this.announceRoom();
    this.setSender(msg, got.packet.address);
    this.passSender(msg, got.packet.creds);
    return got.count;
  }

  private announceRoom(): void {
    this.roomQueue.notify(WRITABLE);
    for (const sender of this.connectedFrom) sender.queue.notify(WRITABLE);
  }

  override readiness(): number {
    let mask = 0;
    if (this.pendingError !== 0) mask |= POLLERR;
    if (this.rcvShut) mask |= READABLE | POLLRDHUP;
    if (this.rcvShut && this.sndShut) mask |= POLLHUP;
    if (this.packets.length > 0) mask |= READABLE;
    const peer = this.peer;
    const peerFull = peer !== null && !peer.dead && peer.peer !== this && peer.queueFull;
    const hostFull = this.host !== null && (this.host.readiness() & WRITABLE) === 0;
    if (!peerFull && !hostFull && this.sending * 4 <= this.options.sndbuf) mask |= WRITABLE | POLLWRBAND;
    return mask;
  }

  override ioctl(cmd: number, arg: number, ctx: CallerContext): number {
    if (cmd === FIONREAD) return ctx.writeI32(arg, this.packets.nextSize);
    if (cmd === SIOCOUTQ) return ctx.writeI32(arg, this.sending);
    return super.ioctl(cmd, arg, ctx);
  }

  protected override disconnect(): void {
    this.setHost(null);
    this.peer?.connectedFrom.delete(this);
    this.packets.clear(this.net.inFlight);
    this.announceRoom();
    this.connectedFrom.clear();
  }
  override eachQueuedRights(visit: (rights: Rights) => void): void {
    this.packets.eachRights(visit);
  }
  override dropQueuedRights(): void {
    this.packets.clear(this.net.inFlight);
  }
}
