/** Received messages of datagram and seqpacket sockets. */
import { MSG_PEEK, MSG_TRUNC } from '../../../abi/socket.ts';
import { copyBytes } from '../../../base/copy-bytes.ts';
import type { Message, PeerCredentials } from '../message.ts';
import type { SocketOptions } from '../options.ts';
import type { InFlight, Rights } from './rights.ts';
import type { UnixAddress } from './unix-address.ts';

export interface Packet {
  readonly data: Uint8Array;
  readonly address: UnixAddress | null;
  readonly creds: PeerCredentials;
  readonly rights: Rights | null;
  /** Whose send buffer it occupies, and by how much: told when the packet is gone. */
  readonly sender: { packetGone(charge: number): void };
}

/** Bytes of send buffer that a message of `len` bytes takes, about as in Linux: bookkeeping plus rounded data. */
export function packetCharge(len: number): number {
  return 576 + Math.max(192, (len + 63) & ~63);
}

export class PacketQueue {
  private packets: Packet[] = [];

  get length(): number {
    return this.packets.length;
  }
  /** Size of the next message in bytes; 0 when there is none (FIONREAD). */
  get nextSize(): number {
    return this.packets[0]?.data.length ?? 0;
  }
  /** Bytes in all messages. */
  get bytes(): number {
    return this.packets.reduce((sum, p) => sum + p.data.length, 0);
  }

  push(packet: Packet): void {
    this.packets.push(packet);
  }

  /**
   * Copies the next message (peeking with SO_PEEK_OFF: the one so many bytes ahead) into msg; null when there is none.
   * The result is the packet, removed unless MSG_PEEK; msg.outFlags and msg.rights are set.
   */
  receive(
    msg: Message,
    inFlight: InFlight,
    options: SocketOptions,
  ): { packet: Packet; count: number } | null {
    const peek = (msg.flags & MSG_PEEK) !== 0;
    let at = 0;
    let skip = peek && options.peekOff > 0 ? options.peekOff : 0;
    while (at < this.packets.length && skip > 0 && skip >= this.packets[at]!.data.length) {
      skip -= this.packets[at]!.data.length;
      at++;
    }
    const packet = this.packets[at];
    if (packet === undefined) return null;
    if (!peek) this.packets.shift();
    const size = packet.data.length - skip;
    const n = Math.min(msg.len, size);
    copyBytes(msg.buf, msg.off, packet.data, skip, n);
    if (options.peekOff >= 0)
      options.peekOff = peek ? options.peekOff + n : Math.max(0, options.peekOff - packet.data.length);
    if (n < size) msg.outFlags |= MSG_TRUNC;
    if (packet.rights !== null) {
      msg.rights = peek ? inFlight.copy(packet.rights) : inFlight.land(packet.rights);
    }
    if (!peek) packet.sender.packetGone(packetCharge(packet.data.length));
    return { packet, count: (msg.flags & MSG_TRUNC) !== 0 ? size : n };
  }

  eachRights(visit: (rights: Rights) => void): void {
    for (const p of this.packets) if (p.rights !== null) visit(p.rights);
  }

  /** Empties the queue; senders get their room back, rights are dropped. */
  clear(inFlight: InFlight): void {
    const packets = this.packets;
    this.packets = [];
    for (const p of packets) {
      p.sender.packetGone(packetCharge(p.data.length));
      if (p.rights !== null) inFlight.drop(p.rights);
    }
  }
}
