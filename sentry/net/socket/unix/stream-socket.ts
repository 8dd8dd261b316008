/** AF_UNIX SOCK_STREAM: a byte ring at the receiver, with marks where rights or credentials came along. */
import { EAGAIN, EINVAL, EISCONN, ENOTCONN, EOPNOTSUPP, EPIPE } from '../../../abi/errno.ts';
import { FIONREAD } from '../../../abi/ioctl.ts';
import { POLLPRI, READABLE, WRITABLE } from '../../../abi/poll.ts';
import { MSG_OOB, MSG_PEEK, SIOCATMARK, SIOCOUTQ, SOCK_STREAM, SO_OOBINLINE } from '../../../abi/socket.ts';
import { ByteRing } from '../../../base/byte-ring.ts';
import type { CallerContext } from '../../../vfs/context.ts';
import type { Message, PeerCredentials } from '../message.ts';
import { UnixConnectionSocket } from './connection-socket.ts';
import type { Rights } from './rights.ts';
import type { UnixNetwork } from './unix-network.ts';
import { UrgentBytes } from './urgent-bytes.ts';
import { UNKNOWN_CREDS } from './unix-socket.ts';

/** Bytes per unit of sending: a send goes through while the buffer is not over its limit, in such units. */
const CHUNK = 32768;

/** Stream positions [start, end) of one send that carried something. */
interface Mark {
  readonly start: number;
  readonly end: number;
  rights: Rights | null;
  readonly creds: PeerCredentials | null;
}

export class UnixStreamSocket extends UnixConnectionSocket {
  declare peer: UnixStreamSocket | null;
  /** Received and not read yet. */
  private readonly ring = new ByteRing();
  private marks: Mark[] = [];
  private readonly urgent = new UrgentBytes();

  constructor(net: UnixNetwork, flags: number, ctx: CallerContext) {
    super(net, SOCK_STREAM, flags, ctx);
  }

  protected newPeer(ctx: CallerContext): UnixStreamSocket {
    return new UnixStreamSocket(this.net, 0, ctx);
  }
  protected get heldBytes(): number {
    return this.ring.used;
  }
  protected get hasData(): boolean {
    return this.ring.used > 0;
  }
  protected get hasRoom(): boolean {
    return this.peer === null || this.peer.ring.used * 4 <= this.options.sndbuf;
  }

  send(msg: Message, ctx: CallerContext): number {
    if (this.host !== null) return msg.addrLen > 0 ? -EISCONN : this.host.send(msg);
    const peer = this.peer;
    if (msg.addrLen > 0) return peer === null ? -EOPNOTSUPP : -EISCONN;
    if (peer === null) return -ENOTCONN;
    if (this.sndShut || peer.dead || peer.rcvShut) return -EPIPE;
    if (msg.len === 0) return 0;
    const ring = peer.ring;
    const limit = this.options.sndbuf;
    if (ring.used >= limit) return -EAGAIN;
    let n = msg.len;
    const urgent = (msg.flags & MSG_OOB) !== 0;
    // The urgent byte goes by itself, after the others.
    if (urgent && n > 1) n--;
    if (ring.used + n > limit) n = Math.min(n, Math.ceil((limit - ring.used) / CHUNK) * CHUNK);
    if (msg.rights !== null || msg.creds !== null || peer.options.asksSender || this.options.asksSender) {
      const r = this.mark(peer, msg, n, ctx);
      if (r < 0) return r;
    }
    ring.write(msg.buf, msg.off, n);
    if (urgent && msg.len === 1) peer.urgent.arrived(ring);
    peer.queue.notify(urgent && msg.len === 1 ? READABLE | POLLPRI : READABLE);
    return n;
  }

  private mark(peer: UnixStreamSocket, msg: Message, n: number, ctx: CallerContext): number {
    const rights = this.takeRights(msg, ctx);
    if (typeof rights === 'number') return rights;
    const start = peer.ring.writePos;
    const creds = this.senderCreds(msg, ctx);
    const last = peer.marks[peer.marks.length - 1];
    // Sends by the same sender are one run of bytes to the reader.
    if (rights === null && last !== undefined && last.end === start && last.rights === null) {
      if (last.creds !== null && sameCreds(last.creds, creds)) {
        peer.marks[peer.marks.length - 1] = { start: last.start, end: start + n, rights: null, creds };
        return 0;
      }
    }
    peer.marks.push({ start, end: start + n, rights, creds });
    return 0;
  }

  receive(msg: Message): number {
    if (this.host !== null) return this.host.receive(msg);
    if (this.peer === null) return -EINVAL;
    const peek = (msg.flags & MSG_PEEK) !== 0;
    if ((msg.flags & MSG_OOB) !== 0) return this.receiveUrgent(msg, peek);
    let skip = peek && this.options.peekOff > 0 ? this.options.peekOff : 0;
    while (this.urgent.any && this.urgent.skips(this.ring.readPos + skip)) {
      if (peek) skip++;
      else this.consume(1);
    }
    const held = this.ring.used - skip;
    if (held <= 0) {
      if (this.pendingError !== 0) return -this.takeError();
      return this.rcvShut ? 0 : -EAGAIN;
    }
    let n = msg.len < held ? msg.len : held;
    if (this.urgent.any) n = this.urgent.limit(this.ring.readPos + skip, n);
    if (this.marks.length > 0 || this.options.asksSender) n = this.readMarks(msg, skip, n, peek);
    this.ring.peek(msg.buf, msg.off, n, skip);
    this.setSender(msg, this.peer.address);
    if (peek) {
      if (this.options.peekOff >= 0) this.options.peekOff = skip + n;
    } else {
      this.consume(n);
    }
    return n;
  }

  private receiveUrgent(msg: Message, peek: boolean): number {
    const byte = this.urgent.take(this.ring, peek);
    if (byte < 0) return -EINVAL;
    msg.outFlags |= MSG_OOB;
    if (msg.len === 0) return 0;
    msg.buf[msg.off] = byte;
    return 1;
  }

  private consume(n: number): void {
    const peer = this.peer!;
    const limit = peer.options.sndbuf;
    const before = this.ring.used;
    this.ring.consume(n);
    if (this.urgent.any) this.urgent.passed(this.ring);
    if (this.options.peekOff > 0) this.options.peekOff = Math.max(0, this.options.peekOff - n);
    if (before * 4 > limit && this.ring.used * 4 <= limit) peer.queue.notify(WRITABLE);
  }

  /** Attaches what came with the next n bytes; how many of them one receive may return. */
  private readMarks(msg: Message, skip: number, n: number, peek: boolean): number {
    const from = this.ring.readPos + skip;
    let to = from + n;
    let creds: PeerCredentials | null = null;
    let i = 0;
    while (i < this.marks.length && this.marks[i]!.end <= from) i++;
    const first = i;
    for (; i < this.marks.length && this.marks[i]!.start < to; i++) {
      const m = this.marks[i]!;
      if (this.options.asksSender) {
        const mine = m.start <= from ? from : m.start;
        if (mine > from && (creds === null || m.creds === null || !sameCreds(creds, m.creds))) {
          to = mine;
          break;
        }
        creds = m.creds;
      }
      if (m.rights !== null) {
        msg.rights = peek ? this.net.inFlight.copy(m.rights) : this.net.inFlight.land(m.rights);
        if (!peek) m.rights = null;
        // Bytes after those that carried descriptors are for the next receive.
        if (m.end < to) to = m.end;
        break;
      }
    }
    this.passSender(msg, creds ?? UNKNOWN_CREDS);
    if (!peek) {
      let done = first;
      while (done < this.marks.length && this.marks[done]!.end <= to) done++;
      if (done > 0) this.marks.splice(0, done);
    }
    return to - from;
  }

  override ioctl(cmd: number, arg: number, ctx: CallerContext): number {
    if (cmd === FIONREAD && this.host !== null) return ctx.writeI32(arg, this.host.pendingBytes);
    if (cmd === FIONREAD)
      return this.listening ? -EINVAL : ctx.writeI32(arg, this.ring.used - this.urgent.holes);
    if (cmd === SIOCATMARK) return ctx.writeI32(arg, this.urgent.atMark(this.ring) ? 1 : 0);
    if (cmd === SIOCOUTQ) return this.listening ? -EINVAL : ctx.writeI32(arg, this.peer?.ring.used ?? 0);
    return super.ioctl(cmd, arg, ctx);
  }

  override readiness(): number {
    return super.readiness() | (this.urgent.pending ? POLLPRI : 0);
  }

  override optionChanged(name: number): void {
    super.optionChanged(name);
    if (name === SO_OOBINLINE) this.urgent.inline = this.options.flag(name);
  }

  protected override clearQueue(): void {
    this.ring.clear();
  }
  override eachQueuedRights(visit: (rights: Rights) => void): void {
    for (const m of this.marks) if (m.rights !== null) visit(m.rights);
    super.eachQueuedRights(visit);
  }
  override dropQueuedRights(): void {
    const marks = this.marks;
    this.marks = [];
    for (const m of marks) if (m.rights !== null) this.net.inFlight.drop(m.rights);
    super.dropQueuedRights();
  }
}

function sameCreds(a: PeerCredentials, b: PeerCredentials): boolean {
  return a.pid === b.pid && a.ns === b.ns && a.uid === b.uid && a.gid === b.gid;
}
