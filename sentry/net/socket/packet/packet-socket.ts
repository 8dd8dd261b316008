/** Packet sockets on lo (packet(7)): what passes, with an Ethernet header (SOCK_RAW) or without. */
import * as errno from '../../../abi/errno.ts';
import { FIONREAD } from '../../../abi/ioctl.ts';
import { ARPHRD_LOOPBACK, LO, LO_MTU } from '../../../abi/inet.ts';
import * as abi from '../../../abi/packet.ts';
import { POLLWRBAND, READABLE, WRITABLE } from '../../../abi/poll.ts';
import * as sock from '../../../abi/socket.ts';
import { copyBytes } from '../../../base/copy-bytes.ts';
import type { CallerContext } from '../../../vfs/context.ts';
import type { Mappable } from '../../../mm/mappable.ts';
import { CLOCK_REALTIME } from '../../../time/clock.ts';
import type { InetStack } from '../../stack/inet-stack.ts';
import { packetView } from '../../stack/loopback/packet.ts';
import type { PacketTap, Wire } from '../../stack/loopback/wire.ts';
import type { StackHost } from '../../stack/settings.ts';
import { interfaceIoctl } from '../interface-ioctl.ts';
import type { Message } from '../message.ts';
import { putInt, putInts } from '../options.ts';
import { SocketFile } from '../socket-file.ts';
import { timestamps } from '../timestamps.ts';
import { BlockRing } from './block-ring.ts';
import { FrameRing } from './frame-ring.ts';
import { PacketOptions } from './packet-options.ts';
import { checkRequest, readRequest } from './ring.ts';
import type { Ring } from './ring.ts';
import { RingMemory } from './ring-memory.ts';

/** What a queued packet takes beside its bytes, as far as SO_RCVBUF goes. */
const OVERHEAD = 768;

interface Queued {
  /** What a receiver gets: a frame, or (SOCK_DGRAM) a packet; what it was before a filter cut it. */
  readonly data: Uint8Array;
  readonly length: number;
  readonly timeNs: number;
  readonly ethertype: number;
  readonly kind: number;
}

export class PacketSocket extends SocketFile implements PacketTap {
  override readonly connectPending: number = -errno.EOPNOTSUPP;
  override readonly listening = false;
  private readonly stack: InetStack;
  private readonly wire: Wire;
  private readonly host: StackHost;
  /** Ethertype that it hears, in the host's order; 0: none. */
  private ethertype: number;
  /** 0: every interface. */
  private interfaceIndex = 0;
  private queued: Queued[] = [];
  private held = 0;
  // PACKET_STATISTICS: since somebody asked last.
  private seen = 0;
  private dropped = 0;
  private readonly own = new PacketOptions();
  private ring: Ring | null = null;
  private memory: RingMemory | null = null;

  constructor(
    stack: InetStack,
    wire: Wire,
    host: StackHost,
    type: number,
    protocol: number,
    flags: number,
    ctx: CallerContext,
  ) {
    super(sock.AF_PACKET, type, 0, flags, ctx);
    this.stack = stack;
    this.wire = wire;
    this.host = host;
    this.ethertype = swap16(protocol);
    if (this.ethertype !== 0) wire.taps.add(this);
  }

  bind(addr: Uint8Array, len: number): number {
    if (len < abi.SOCKADDR_LL_SIZE || family(addr) !== sock.AF_PACKET) return -errno.EINVAL;
    const index = view(addr).getInt32(4, true);
    if (index !== 0 && index !== LO) return -errno.ENODEV;
    const asked = view(addr).getUint16(2, false);
    if (asked !== 0) this.ethertype = asked;
    this.interfaceIndex = index;
    if (this.ethertype !== 0) this.wire.taps.add(this);
    return 0;
  }

  connect(): number {
    return -errno.EOPNOTSUPP;
  }
  override shutdown(): number {
    return -errno.EOPNOTSUPP;
  }
  localAddress(out: Uint8Array): number {
    return this.putAddress(out, this.ethertype, this.interfaceIndex, abi.PACKET_HOST, false);
  }
  peerAddress(): number {
    return -errno.EOPNOTSUPP;
  }

  packet(whole: Uint8Array, v6: boolean, outgoing: boolean, mark: number): void {
    const ethertype = v6 ? abi.ETH_P_IPV6 : abi.ETH_P_IP;
    // Sockets of one protocol see what arrives; only those of all see what leaves.
    if (this.ethertype !== abi.ETH_P_ALL && (outgoing || this.ethertype !== ethertype)) return;
    if (outgoing && this.own.get(abi.PACKET_IGNORE_OUTGOING) !== 0) return;
    const kind = outgoing ? abi.PACKET_OUTGOING : abi.PACKET_HOST;
    const data = this.filtered(whole, ethertype, kind, mark);
    if (data === null) return;
    this.seen++;
    const length = whole.length + (this.type === sock.SOCK_RAW ? abi.ETH_HEADER : 0);
    const timeNs = this.host.clock.nowNs(CLOCK_REALTIME);
    if (this.ring !== null) {
      this.putIntoRing(this.ring, { data, length, timeNs, ethertype, kind });
      return;
    }
    if (this.held + data.length + OVERHEAD > this.options.rcvbuf) {
      this.dropped++;
      return;
    }
    this.held += data.length + OVERHEAD;
    this.queued.push({ data, length, timeNs, ethertype, kind });
    this.queue.notify(READABLE);
  }

  private putIntoRing(ring: Ring, { data, length, timeNs, ethertype, kind }: Queued): void {
    const address = new Uint8Array(abi.SOCKADDR_LL_SIZE);
    this.putAddress(address, ethertype, LO, kind, true);
    const network = this.type === sock.SOCK_RAW ? abi.ETH_HEADER : 0;
    const status = this.dropped > 0 ? abi.TP_STATUS_LOSING : 0;
    if (!ring.put({ data, length, network, address, timeNs }, status)) this.dropped++;
    else if (ring.readable) this.queue.notify(READABLE);
  }

  /** What of a packet is wanted, framed if the socket is for frames; null: nothing. */
  private filtered(packet: Uint8Array, ethertype: number, kind: number, mark: number): Uint8Array | null {
    const { filter } = this.options;
    const frames = this.type === sock.SOCK_RAW;
    const frame = frames || filter !== null ? framed(packet, ethertype) : packet;
    if (filter === null) return frame;
    const start = frames ? 0 : abi.ETH_HEADER;
    const seen = packetView(packet, 0, mark, kind);
    const payload = seen.payload + abi.ETH_HEADER;
    const wanted = filter.run({ ...seen, data: frame, start, network: abi.ETH_HEADER, payload });
    return wanted === 0 ? null : frame.subarray(start, start + wanted);
  }

  receive(msg: Message): number {
    if ((msg.flags & ~KNOWN_FLAGS) !== 0) return -errno.EINVAL;
    const next = this.queued[0];
    if (next === undefined) return this.pendingError !== 0 ? -this.takeError() : -errno.EAGAIN;
    if ((msg.flags & sock.MSG_PEEK) === 0) {
      this.queued.shift();
      this.held -= next.data.length + OVERHEAD;
    }
    const { data } = next;
    const n = Math.min(msg.len, data.length);
    copyBytes(msg.buf, msg.off, data, 0, n);
    if (n < data.length) msg.outFlags |= sock.MSG_TRUNC;
    msg.addrLen = this.putAddress(msg.addr, next.ethertype, LO, next.kind, true);
    this.addControl(msg, next);
    return (msg.flags & sock.MSG_TRUNC) !== 0 ? data.length : n;
  }

  private addControl(msg: Message, packet: Queued): void {
    const control = timestamps(this.options, packet.timeNs);
    if (this.own.get(abi.PACKET_AUXDATA) !== 0) {
      const data = new Uint8Array(abi.TPACKET_AUXDATA_SIZE);
      const v = view(data);
      v.setUint32(0, abi.TP_STATUS_USER, true);
      v.setUint32(4, packet.length, true);
      v.setUint32(8, packet.data.length, true);
      v.setUint16(14, this.type === sock.SOCK_RAW ? abi.ETH_HEADER : 0, true);
      control.push({ level: abi.SOL_PACKET, type: abi.PACKET_AUXDATA, data });
    }
    if (control.length > 0) msg.control = control;
  }

  send(msg: Message): number {
    let index = this.interfaceIndex;
    let ethertype = this.ethertype;
    if (msg.addrLen > 0) {
      if (msg.addrLen < abi.SOCKADDR_LL_MIN) return -errno.EINVAL;
      index = view(msg.addr).getInt32(4, true);
      ethertype = view(msg.addr).getUint16(2, false);
    }
    if (index === 0) return -errno.ENXIO;
    if (index !== LO) return -errno.ENXIO;
    const header = this.type === sock.SOCK_RAW ? abi.ETH_HEADER : 0;
    if (msg.len > LO_MTU + header) return -errno.EMSGSIZE;
    if (msg.len < header) return -errno.EINVAL;
    const at = msg.off + header;
    if (header !== 0) ethertype = (msg.buf[at - 2]! << 8) | msg.buf[at - 1]!;
    const packet = msg.buf.slice(at, msg.off + msg.len);
    if (ethertype === abi.ETH_P_IP || ethertype === abi.ETH_P_IPV6) this.wire.inject(packet);
    return msg.len;
  }

  private putAddress(
    out: Uint8Array,
    ethertype: number,
    index: number,
    kind: number,
    received: boolean,
  ): number {
    out.fill(0, 0, abi.SOCKADDR_LL_SIZE);
    const v = view(out);
    v.setUint16(0, sock.AF_PACKET, true);
    v.setUint16(2, ethertype, false);
    v.setInt32(4, index, true);
    if (index === 0) return abi.SOCKADDR_LL_MIN;
    v.setUint16(8, ARPHRD_LOOPBACK, true);
    out[10] = kind;
    // A hardware address of six zeros.
    out[11] = 6;
    return received ? abi.SOCKADDR_LL_SIZE : abi.SOCKADDR_LL_MIN + 6;
  }

  override readiness(): number {
    return WRITABLE | POLLWRBAND | (this.queued.length > 0 || this.ring?.readable === true ? READABLE : 0);
  }

  override ioctl(cmd: number, arg: number, ctx: CallerContext): number {
    if (cmd === FIONREAD) {
      const next = this.queued[0];
      return ctx.writeI32(arg, next === undefined ? 0 : next.data.length);
    }
    if (cmd === sock.SIOCOUTQ) return ctx.writeI32(arg, 0);
    return super.ioctl(cmd, arg, ctx);
  }

  protected override interfaceIoctl(cmd: number, arg: number, ctx: CallerContext): number {
    return interfaceIoctl(this.stack, cmd, arg, ctx);
  }

  /** Sending through a ring, fanout, and headers of virtual machines are not there: as of a kernel without them. */
  override setOption(level: number, name: number, value: Uint8Array): number {
    if (level !== abi.SOL_PACKET) return -errno.ENOPROTOOPT;
    if (name === abi.PACKET_ADD_MEMBERSHIP || name === abi.PACKET_DROP_MEMBERSHIP) {
      if (value.length < abi.PACKET_MREQ_SIZE) return -errno.EINVAL;
      const index = view(value).getInt32(0, true);
      // lo hears everything anyway.
      return index === LO || name === abi.PACKET_DROP_MEMBERSHIP ? 0 : -errno.ENODEV;
    }
    if (name === abi.PACKET_RX_RING) return this.setRing(value);
    return this.own.set(name, value, this.ring !== null) ?? -errno.ENOPROTOOPT;
  }

  private setRing(value: Uint8Array): number {
    const version = this.own.get(abi.PACKET_VERSION);
    const reserve = this.own.get(abi.PACKET_RESERVE);
    const request = readRequest(value, version);
    if (typeof request === 'number') return request;
    if (this.memory !== null && this.memory.mappings > 0) return -errno.EBUSY;
    if (request.blocks > 0 && this.ring !== null) return -errno.EBUSY;
    const bad = checkRequest(request, version, reserve);
    if (bad < 0) return bad;
    this.dropRing();
    if (request.blocks === 0) return 0;
    const memory = RingMemory.make(request.blocks * request.blockSize, this.inode.ino);
    if (typeof memory === 'number') return memory;
    this.memory = memory;
    this.ring =
      version === abi.TPACKET_V3
        ? new BlockRing(memory, request, reserve, this.host, () => this.queue.notify(READABLE))
        : new FrameRing(memory, request, version, reserve);
    this.queued = [];
    this.held = 0;
    return 0;
  }

  private dropRing(): void {
    this.ring?.free();
    this.ring = this.memory = null;
  }

  override mappable(): Mappable | null {
    return this.memory;
  }

  override getOption(level: number, name: number, out: Uint8Array): number {
    if (level !== abi.SOL_PACKET) return -errno.ENOPROTOOPT;
    if (name === abi.PACKET_HDRLEN) {
      // The version that is asked about is where the answer goes.
      if (out.length < 4) return -errno.EINVAL;
      const header = abi.TPACKET_HEADERS[view(out).getInt32(0, true)];
      return header === undefined ? -errno.EINVAL : putInt(out.subarray(0, 4), header);
    }
    if (name === abi.PACKET_STATISTICS) {
      const freezes = this.own.get(abi.PACKET_VERSION) === abi.TPACKET_V3 ? [0] : [];
      const n = putInts(out, this.seen, this.dropped, ...freezes);
      this.seen = this.dropped = 0;
      return n;
    }
    const value = this.own.ask(name);
    return value === null ? -errno.ENOPROTOOPT : putInt(out, value);
  }

  override release(): void {
    this.wire.taps.delete(this);
    this.dropRing();
    this.queued = [];
    this.held = 0;
  }
}

const KNOWN_FLAGS =
  sock.MSG_PEEK |
  sock.MSG_DONTWAIT |
  sock.MSG_TRUNC |
  sock.MSG_WAITALL |
  sock.MSG_CMSG_CLOEXEC |
  sock.MSG_ERRQUEUE;

function framed(packet: Uint8Array, ethertype: number): Uint8Array {
  const frame = new Uint8Array(abi.ETH_HEADER + packet.length);
  frame[abi.ETH_HEADER - 2] = ethertype >>> 8;
  frame[abi.ETH_HEADER - 1] = ethertype;
  frame.set(packet, abi.ETH_HEADER);
  return frame;
}

function swap16(value: number): number {
  return ((value & 0xff) << 8) | ((value >>> 8) & 0xff);
}

function family(addr: Uint8Array): number {
  return addr[0]! | (addr[1]! << 8);
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
