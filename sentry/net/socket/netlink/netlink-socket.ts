/** Netlink sockets (netlink(7)): requests are answered at once into the receive queue. */
import { CAP_NET_ADMIN } from '../../../abi/capability.ts';
import {
  EADDRINUSE,
  EAGAIN,
  EBUSY,
  ECONNREFUSED,
  EINVAL,
  ENODATA,
  ENOPROTOOPT,
  EOPNOTSUPP,
  EPERM,
} from '../../../abi/errno.ts';
import * as abi from '../../../abi/netlink.ts';
import { POLLWRBAND, READABLE, WRITABLE } from '../../../abi/poll.ts';
import { AF_NETLINK, MSG_PEEK, MSG_TRUNC } from '../../../abi/socket.ts';
import { filterPlain } from '../../../base/bpf/socket-filter.ts';
import { copyBytes } from '../../../base/copy-bytes.ts';
import type { CallerContext } from '../../../vfs/context.ts';
import type { InetStack } from '../../stack/inet-stack.ts';
import { interfaceIoctl } from '../interface-ioctl.ts';
import type { Message } from '../message.ts';
import { putInt } from '../options.ts';
import { SocketFile } from '../socket-file.ts';
import { NetlinkWriter, packed } from './netlink-message.ts';
import type { Answer } from './netlink-message.ts';
/** RTNLGRP_MAX, as of Linux 6.1. */
const GROUPS = 36;
const NETLINK_LIST_MEMBERSHIPS = 9;

/** What the queue of a reader who does not read may hold. */
const QUEUE_LIMIT = 1 << 20;

/** One protocol of AF_NETLINK: what its sockets share, and what the kernel's end does. */
export interface NetlinkProtocol {
  /** Port numbers in use. */
  readonly ports: Map<number, NetlinkSocket>;
  /** Is this a type of message that changes something? */
  readonly changes: (type: number) => boolean;
  /** The messages that answer a request, or a negated errno; null: nobody listens. */
  readonly answer: ((type: number, dump: boolean, body: Uint8Array, uid: number) => Answer[] | number) | null;
}

/** How much of a dump is queued at once. */
const DUMP_PART = 1 << 18;

/** A dump that has not been told to its end. */
interface Dump {
  readonly type: number;
  readonly seq: number;
  /** The request behind its header, and who asked. */
  readonly body: Uint8Array;
  readonly uid: number;
  /** How many answers have been told. */
  told: number;
}

export class NetlinkSocket extends SocketFile {
  override readonly connectPending: number = -EAGAIN;
  override readonly listening = false;
  private readonly stack: InetStack;
  private readonly kernel: NetlinkProtocol;
  private port = 0;
  private groups = 0;
  private queued: Uint8Array[] = [];
  private queuedBytes = 0;
  private dump: Dump | null = null;
  private readonly switches = new Map<number, number>();

  constructor(
    stack: InetStack,
    kernel: NetlinkProtocol,
    type: number,
    protocol: number,
    flags: number,
    ctx: CallerContext,
  ) {
    super(AF_NETLINK, type, protocol, flags, ctx);
    this.stack = stack;
    this.kernel = kernel;
  }

  override get isStream(): boolean {
    return false;
  }

  bind(addr: Uint8Array, len: number, ctx: CallerContext): number {
    if (len < abi.SOCKADDR_NL_SIZE || (addr[0]! | (addr[1]! << 8)) !== AF_NETLINK) return -EINVAL;
    const v = new DataView(addr.buffer, addr.byteOffset, addr.length);
    const port = v.getUint32(4, true);
    if (this.port !== 0 && port !== 0 && port !== this.port) return -EINVAL;
    this.groups = v.getUint32(8, true);
    return this.port !== 0 ? 0 : this.takePort(port, ctx);
  }

  /** The process id is the first choice of a port, as in Linux; others count down from the top. */
  private takePort(asked: number, ctx: CallerContext): number {
    let port = asked !== 0 ? asked : ctx.pid;
    if (this.kernel.ports.has(port)) {
      if (asked !== 0) return -EADDRINUSE;
      port = 0xfffff000;
      while (this.kernel.ports.has(port)) port--;
    }
    this.port = port;
    this.kernel.ports.set(port, this);
    return 0;
  }

  connect(_addr: Uint8Array, len: number, ctx: CallerContext): number {
    if (len < abi.SOCKADDR_NL_SIZE) return -EINVAL;
    return this.port !== 0 ? 0 : this.takePort(0, ctx);
  }

  localAddress(out: Uint8Array): number {
    return putAddress(out, this.port, this.groups);
  }
  peerAddress(out: Uint8Array): number {
    return putAddress(out, 0, 0);
  }
  shutdown(): number {
    return -EOPNOTSUPP;
  }

  send(msg: Message, ctx: CallerContext): number {
    if (msg.addrLen > 0) {
      const v = new DataView(msg.addr.buffer, msg.addr.byteOffset, msg.addr.length);
      if (msg.addrLen < abi.SOCKADDR_NL_SIZE || v.getUint16(0, true) !== AF_NETLINK) return -EINVAL;
      const toOthers = v.getUint32(4, true) !== 0 || v.getUint32(8, true) !== 0;
      if (toOthers && !ctx.creds.hasCap(CAP_NET_ADMIN)) return -EPERM;
      // Nobody but the kernel is there to talk to.
      if (v.getUint32(4, true) !== 0) return -ECONNREFUSED;
    }
    if (msg.len === 0) return -ENODATA;
    if (this.port === 0) {
      const r = this.takePort(0, ctx);
      if (r < 0) return r;
    }
    if (this.kernel.answer === null) return -ECONNREFUSED;
    // A private copy: the guest could change its own under our reading.
    const bytes = msg.buf.slice(msg.off, msg.off + msg.len);
    const v = new DataView(bytes.buffer);
    for (let at = 0; at + abi.NLMSG_HEADER <= bytes.length;) {
      const size = v.getUint32(at, true);
      if (size < abi.NLMSG_HEADER || at + size > bytes.length) break;
      this.request(bytes.subarray(at, at + size), ctx);
      at += (size + 3) & ~3;
    }
    return msg.len;
  }

  private request(bytes: Uint8Array, ctx: CallerContext): void {
    const v = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const type = v.getUint16(4, true);
    const flags = v.getUint16(6, true);
    if ((flags & abi.NLM_F_REQUEST) === 0 || type < abi.NLMSG_MIN_TYPE) {
      if ((flags & abi.NLM_F_ACK) !== 0) this.acknowledge(bytes, 0);
      return;
    }
    if (this.kernel.changes(type)) {
      this.acknowledge(bytes, ctx.creds.hasCap(CAP_NET_ADMIN) ? -EOPNOTSUPP : -EPERM);
      return;
    }
    const seq = v.getUint32(8, true);
    const dump = (flags & abi.NLM_F_DUMP) !== 0;
    if (dump && this.dump !== null) {
      // One at a time.
      this.acknowledge(bytes, -EBUSY);
      return;
    }
    const answers = this.kernel.answer!(type, dump, bytes.subarray(abi.NLMSG_HEADER), ctx.creds.uid);
    if (typeof answers === 'number') {
      this.acknowledge(bytes, answers);
      return;
    }
    if (dump) {
      this.dump = { type, seq, body: bytes.subarray(abi.NLMSG_HEADER), uid: ctx.creds.uid, told: 0 };
      this.tell(this.dump, answers);
      return;
    }
    this.enqueue(answers.map((a) => a.message.finish(a.type, 0, seq, this.port)));
    if ((flags & abi.NLM_F_ACK) !== 0) this.acknowledge(bytes, 0);
  }

  /** As much of a dump as the queue is to hold; the rest when that has been read, as things are then. */
  private tell(dump: Dump, answers: readonly Answer[]): void {
    const { seq } = dump;
    const messages: Uint8Array[] = [];
    let bytes = 0;
    for (; dump.told < answers.length && bytes < DUMP_PART; dump.told++) {
      const { type, message } = answers[dump.told]!;
      const finished = message.finish(type, abi.NLM_F_MULTI, seq, this.port);
      messages.push(finished);
      bytes += finished.length;
    }
    if (dump.told >= answers.length) {
      this.dump = null;
      messages.push(new NetlinkWriter().u32(0).finish(abi.NLMSG_DONE, abi.NLM_F_MULTI, seq, this.port));
    }
    this.enqueue(messages);
  }

  private tellMore(): void {
    const { dump } = this;
    if (dump === null || this.queued.length > 0) return;
    const answers = this.kernel.answer!(dump.type, true, dump.body, dump.uid);
    this.tell(dump, typeof answers === 'number' ? [] : answers);
  }

  /** NLMSG_ERROR: 0 is an acknowledgement. The request's header comes back, with a failure all of it. */
  private acknowledge(bytes: Uint8Array, error: number): void {
    const seq = new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(8, true);
    const back = error === 0 ? bytes.subarray(0, abi.NLMSG_HEADER) : bytes;
    const message = new NetlinkWriter().u32(error >>> 0).raw(back);
    this.enqueue([message.finish(abi.NLMSG_ERROR, 0, seq, this.port)]);
  }

  /** A message of the kernel's own accord, as mq_notify(2) sends. */
  deliver(datagram: Uint8Array): void {
    this.enqueueOne(datagram);
    this.queue.notify(READABLE);
  }

  private enqueue(messages: readonly Uint8Array[]): void {
    for (const datagram of packed(messages)) this.enqueueOne(datagram);
    this.queue.notify(READABLE);
  }

  private enqueueOne(datagram: Uint8Array): void {
    if (this.queuedBytes > QUEUE_LIMIT) return;
    const wanted = filterPlain(this.options.filter, datagram);
    if (wanted === null) return;
    this.queued.push(wanted);
    this.queuedBytes += wanted.length;
  }

  receive(msg: Message): number {
    const datagram = this.queued[0];
    if (datagram === undefined) return -EAGAIN;
    if ((msg.flags & MSG_PEEK) === 0) {
      this.queued.shift();
      this.queuedBytes -= datagram.length;
      this.tellMore();
    }
    const n = Math.min(msg.len, datagram.length);
    copyBytes(msg.buf, msg.off, datagram, 0, n);
    if (n < datagram.length) msg.outFlags |= MSG_TRUNC;
    msg.addrLen = putAddress(msg.addr, 0, 0);
    return (msg.flags & MSG_TRUNC) !== 0 ? datagram.length : n;
  }

  override readiness(): number {
    return WRITABLE | POLLWRBAND | (this.queued.length > 0 ? READABLE : 0);
  }

  override setOption(level: number, name: number, value: Uint8Array, ctx: CallerContext): number {
    if (level !== abi.SOL_NETLINK) return -ENOPROTOOPT;
    if (name < 1 || name > 12 || name === 6 || name === 7 || name === 9) return -ENOPROTOOPT;
    const given = value.length < 4 ? 0 : value[0]! | (value[1]! << 8) | (value[2]! << 16) | (value[3]! << 24);
    // Memberships: nothing ever changes, so members hear nothing.
    if (name <= 2) return given < 1 || given > GROUPS ? -EINVAL : 0;
    // NETLINK_LISTEN_ALL_NSID
    if (name === 8 && !ctx.creds.hasCap(CAP_NET_ADMIN)) return -EPERM;
    this.switches.set(name, given !== 0 ? 1 : 0);
    return 0;
  }

  override getOption(level: number, name: number, out: Uint8Array): number {
    if (level !== abi.SOL_NETLINK) return -ENOPROTOOPT;
    if (name === NETLINK_LIST_MEMBERSHIPS) return 0;
    if (name < 3 || name > 12 || name === 6 || name === 7) return -ENOPROTOOPT;
    return out.length < 4 ? -EINVAL : putInt(out, this.switches.get(name) ?? 0);
  }

  override ioctl(cmd: number, arg: number, ctx: CallerContext): number {
    return super.ioctl(cmd, arg, ctx);
  }

  protected override interfaceIoctl(cmd: number, arg: number, ctx: CallerContext): number {
    return interfaceIoctl(this.stack, cmd, arg, ctx);
  }

  override release(): void {
    if (this.port !== 0) this.kernel.ports.delete(this.port);
    this.queued = [];
    this.dump = null;
  }
}

function putAddress(out: Uint8Array, port: number, groups: number): number {
  const v = new DataView(out.buffer, out.byteOffset, out.length);
  v.setUint32(0, AF_NETLINK, true);
  v.setUint32(4, port, true);
  v.setUint32(8, groups, true);
  return abi.SOCKADDR_NL_SIZE;
}
