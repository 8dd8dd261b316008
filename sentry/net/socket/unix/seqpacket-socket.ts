/** AF_UNIX SOCK_SEQPACKET: connections of whole messages. */
import { EAGAIN, EINVAL, EMSGSIZE, ENOTCONN, EOPNOTSUPP, EPIPE } from '../../../abi/errno.ts';
import { FIONREAD } from '../../../abi/ioctl.ts';
import { READABLE, WRITABLE } from '../../../abi/poll.ts';
import { MSG_OOB, SIOCOUTQ, SOCK_SEQPACKET } from '../../../abi/socket.ts';
import { filterPlain } from '../../../base/bpf/socket-filter.ts';
import type { CallerContext } from '../../../vfs/context.ts';
import type { Message } from '../message.ts';
import { UnixConnectionSocket } from './connection-socket.ts';
import { PacketQueue, packetCharge } from './packet-queue.ts';
import type { Rights } from './rights.ts';
import type { UnixNetwork } from './unix-network.ts';

/** Of the send buffer, what a message cannot use. */
const RESERVED = 32;

export class UnixSeqpacketSocket extends UnixConnectionSocket {
  declare peer: UnixSeqpacketSocket | null;
  private readonly packets = new PacketQueue();
  /** Send buffer in use: messages that the peer has not read. */
  private sending = 0;

  constructor(net: UnixNetwork, flags: number, ctx: CallerContext) {
    super(net, SOCK_SEQPACKET, flags, ctx);
  }

  protected newPeer(ctx: CallerContext): UnixSeqpacketSocket {
    return new UnixSeqpacketSocket(this.net, 0, ctx);
  }
  protected get heldBytes(): number {
    return this.packets.bytes;
  }
  protected get hasData(): boolean {
    return this.packets.length > 0;
  }
  protected get hasRoom(): boolean {
    return this.sending * 4 <= this.options.sndbuf;
  }

  send(msg: Message, ctx: CallerContext): number {
    if ((msg.flags & MSG_OOB) !== 0) return -EOPNOTSUPP;
    const peer = this.peer;
    if (peer === null) return -ENOTCONN;
    if (msg.len > this.options.sndbuf - RESERVED) return -EMSGSIZE;
    if (this.sndShut || peer.dead || peer.rcvShut) return -EPIPE;
    if (this.sending >= this.options.sndbuf) return -EAGAIN;
    const data = filterPlain(peer.options.filter, msg.buf.slice(msg.off, msg.off + msg.len));
    // What a filter throws away counts as sent.
    if (data === null) return msg.len;
    const rights = this.takeRights(msg, ctx);
    if (typeof rights === 'number') return rights;
    peer.packets.push({
      data,
      address: this.address,
      creds: this.senderCreds(msg, ctx),
      rights,
      sender: this,
    });
    this.sending += packetCharge(data.length);
    peer.queue.notify(READABLE);
    return msg.len;
  }

  /** The peer has read (or dropped) a message. */
  packetGone(charge: number): void {
    const hadRoom = this.hasRoom;
    this.sending -= charge;
    if (!hadRoom && this.hasRoom && !this.dead) this.queue.notify(WRITABLE);
  }

  receive(msg: Message): number {
    if (this.peer === null) return -ENOTCONN;
    if ((msg.flags & MSG_OOB) !== 0) return -EOPNOTSUPP;
    const got = this.packets.receive(msg, this.net.inFlight, this.options);
    if (got === null) {
      if (this.pendingError !== 0) return -this.takeError();
      return this.rcvShut ? 0 : -EAGAIN;
    }
    this.setSender(msg, got.packet.address);
    this.passSender(msg, got.packet.creds);
    return got.count;
  }

  override ioctl(cmd: number, arg: number, ctx: CallerContext): number {
    if (cmd === FIONREAD) return this.listening ? -EINVAL : ctx.writeI32(arg, this.packets.bytes);
    if (cmd === SIOCOUTQ) return this.listening ? -EINVAL : ctx.writeI32(arg, this.sending);
    return super.ioctl(cmd, arg, ctx);
  }

  protected override clearQueue(): void {
    this.packets.clear(this.net.inFlight);
  }
  override eachQueuedRights(visit: (rights: Rights) => void): void {
    this.packets.eachRights(visit);
    super.eachQueuedRights(visit);
  }
  override dropQueuedRights(): void {
    this.packets.clear(this.net.inFlight);
    super.dropQueuedRights();
  }
}
