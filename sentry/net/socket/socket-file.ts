/**
 * Sockets as open file descriptions. Each family extends this class; syscalls/net calls it after it has copied
 * arguments in. -EAGAIN means "would block": the syscall layer waits on `queue` and calls again.
 */
import { EINVAL, ENOENT, EOPNOTSUPP, ENOTTY, EPIPE } from '../../abi/errno.ts';
import { O_RDWR } from '../../abi/fcntl.ts';
import { SIOCATMARK } from '../../abi/socket.ts';
import {
  MSG_NOSIGNAL,
  SOCK_DGRAM,
  SOCK_RAW,
  SOCK_STREAM,
  SO_ATTACH_FILTER,
  SO_REUSEPORT,
} from '../../abi/socket.ts';
import type { SocketFilter } from '../../base/bpf/socket-filter.ts';
import { WaitQueue } from '../../base/wait-queue.ts';
import type { CallerContext } from '../../vfs/context.ts';
import { FileDescription } from '../../vfs/file-description.ts';
import type { Inode } from '../../vfs/inode.ts';
import { Message } from './message.ts';
import { SocketOptions } from './options.ts';
import { SocketInode } from './socket-inode.ts';

const SIGPIPE = 13;
/** For read(2) and write(2) on sockets; one call runs at a time. */
const plain = new Message();

export abstract class SocketFile extends FileDescription {
  readonly family: number;
  readonly type: number;
  readonly protocol: number;
  override readonly queue: WaitQueue;
  declare readonly inode: Inode;
  readonly options = new SocketOptions();
  /** SO_ERROR: a positive errno, reported once. */
  pendingError = 0;

  constructor(
    family: number,
    type: number,
    protocol: number,
    flags: number,
    ctx: CallerContext,
    queue = new WaitQueue(),
  ) {
    super(O_RDWR | flags, null, new SocketInode(ctx, family, type, protocol));
    this.family = family;
    this.type = type;
    this.protocol = protocol;
    this.queue = queue;
  }

  override get asynchronous(): boolean {
    return true;
  }

  override name(): string {
    return `socket:[${this.inode.ino}]`;
  }

  /** Stream sockets have no message boundaries: a short send is completed, MSG_WAITALL means something. */
  get isStream(): boolean {
    return this.type === SOCK_STREAM;
  }
  /** Is the whole of a message consumed by one receive? */
  get isDatagram(): boolean {
    return this.type === SOCK_DGRAM || this.type === SOCK_RAW;
  }

  abstract bind(addr: Uint8Array, len: number, ctx: CallerContext): number;
  /**
   * 0, a negated errno, or -EAGAIN: in progress, to be called again when connectQueue() announces something.
   * `again` is true on those later calls.
   */
  abstract connect(addr: Uint8Array, len: number, ctx: CallerContext, again: boolean): number;
  /** What a would-block connect waits for. */
  connectQueue(): WaitQueue {
    return this.queue;
  }
  /** Before a connect whose data is there already (MSG_FASTOPEN): 0 or a negated errno. */
  prepareFastOpen(): number {
    return 0;
  }
  /** What a non-blocking connect answers for a would-block one: -EAGAIN, or -EINPROGRESS. */
  abstract readonly connectPending: number;
  listen(_backlog: number, _ctx: CallerContext): number {
    return -EOPNOTSUPP;
  }
  /** The next connection (without references), or a negated errno. */
  accept(_flags: number, _ctx: CallerContext): SocketFile | number {
    return -EOPNOTSUPP;
  }
  /** how: SHUT_. */
  abstract shutdown(how: number): number;
  /** Writes the own (or the peer's) address into out; its length or a negated errno. */
  abstract localAddress(out: Uint8Array): number;
  abstract peerAddress(out: Uint8Array): number;
  /** What accept(2) reports of a connection, which may have ended already. */
  acceptedAddress(out: Uint8Array): number {
    return this.peerAddress(out);
  }
  /** Bytes sent (a stream may take fewer than given), or a negated errno. SIGPIPE is the caller's matter. */
  abstract send(msg: Message, ctx: CallerContext): number;
  /** Bytes received into msg (for a truncated datagram with MSG_TRUNC its real length), or a negated errno. */
  abstract receive(msg: Message, ctx: CallerContext): number;
  /** What a would-block send waits for. */
  sendQueue(_msg: Message): WaitQueue {
    return this.queue;
  }
  abstract get listening(): boolean;

  /** Options at level SOL_SOCKET go to setOption and getOption too. */
  readonly ownOptions: boolean = false;
  /** Options of the family's own levels; SOL_SOCKET is handled by options.ts, which falls back to this. */
  setOption(_level: number, _name: number, _value: Uint8Array, _ctx: CallerContext): number {
    return -EOPNOTSUPP;
  }
  /** Fills out (at most out.length bytes); the number of bytes or a negated errno. */
  getOption(_level: number, _name: number, _out: Uint8Array, _ctx: CallerContext): number {
    return -EOPNOTSUPP;
  }
  /** SO_SNDBUF changed, SO_PASSCRED was set…: what is kept elsewhere follows. */
  optionChanged(_name: number): void {
    // most families read the options when they need them
  }

  /** SO_ATTACH_FILTER. */
  attachFilter(filter: SocketFilter): number {
    this.options.filter = filter;
    this.optionChanged(SO_ATTACH_FILTER);
    return 0;
  }

  /** SOF_TIMESTAMPING_OPT_ID: may sends be counted now? They are counted from here on. */
  get maySetTimestampingId(): boolean {
    return true;
  }
  countSends(): void {
    // for the families that tell when something was sent
  }

  /** SO_ATTACH_REUSEPORT_CBPF: a program that chooses among the sockets of a port. */
  attachGroupFilter(_filter: SocketFilter): number {
    return -EINVAL;
  }
  detachGroupFilter(): number {
    return this.options.flag(SO_REUSEPORT) ? -ENOENT : -EINVAL;
  }

  takeError(): number {
    const error = this.pendingError;
    this.pendingError = 0;
    return error;
  }

  // ---- as a file
  override get readTimeoutNs(): number {
    return this.options.rcvTimeoNs;
  }
  override get writeTimeoutNs(): number {
    return this.options.sndTimeoNs;
  }

  override read(buf: Uint8Array, off: number, len: number, ctx: CallerContext): number {
    if (len === 0) return 0;
    plain.reset(buf, off, len, 0);
    const n = this.receive(plain, ctx);
    dropRights(plain);
    return n;
  }

  override write(buf: Uint8Array, off: number, len: number, ctx: CallerContext): number {
    plain.reset(buf, off, len, 0);
    return this.sendOrSignal(plain, ctx);
  }

  /** send() with SIGPIPE where a stream is broken and MSG_NOSIGNAL is not set. */
  sendOrSignal(msg: Message, ctx: CallerContext): number {
    const n = this.send(msg, ctx);
    if (n === -EPIPE && this.isStream && (msg.flags & MSG_NOSIGNAL) === 0) ctx.signalSelf(SIGPIPE);
    return n;
  }

  override ioctl(cmd: number, arg: number, ctx: CallerContext): number {
    const r = this.interfaceIoctl(cmd, arg, ctx);
    return r !== -ENOTTY ? r : cmd === SIOCATMARK && this.isStream ? ctx.writeI32(arg, 0) : -ENOTTY;
  }

  /** SIOCGIF… of netdevice(7), for the families that have interfaces. */
  protected interfaceIoctl(_cmd: number, _arg: number, _ctx: CallerContext): number {
    return -ENOTTY;
  }

  override fsync(): number {
    return -EINVAL;
  }
}

/** Lets go of descriptors that came with a message nobody wants them from. */
export function dropRights(msg: Message): void {
  if (msg.rights === null) return;
  for (const file of msg.rights) file.decRef();
  msg.rights = null;
}
