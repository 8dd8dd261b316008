/**
 * TCP over lo without packets: a connection is two endpoints that write into each other's rings. States, errors and
 * readiness are those that tcp(7) shows; there is no TIME_WAIT.
 */
import {
  EADDRINUSE,
  EADDRNOTAVAIL,
  EAGAIN,
  ECONNREFUSED,
  ECONNRESET,
  EINPROGRESS,
  EINVAL,
  EISCONN,
  ENETUNREACH,
  ENOTCONN,
  EPIPE,
} from '../../../abi/errno.ts';
import { POLLERR, POLLHUP, POLLPRI, POLLRDHUP, READABLE, WRITABLE } from '../../../abi/poll.ts';
import { SHUT_RD, SHUT_RDWR, SHUT_WR, SOMAXCONN } from '../../../abi/socket.ts';
import { ByteRing } from '../../../base/byte-ring.ts';
import { WaitQueue } from '../../../base/wait-queue.ts';
import type { EndpointOptions, TcpEndpoint } from '../inet-stack.ts';
import { defaultEndpointOptions } from '../inet-stack.ts';
import type { Endpoint, Ip } from '../ip.ts';
import { ANY4, ANY6, LOOPBACK4, LOOPBACK6, isAny, isLoopback, isV4 } from '../ip.ts';
import type { PortTable } from './port-table.ts';
import { covers } from './port-table.ts';

export const TCP_ESTABLISHED = 1;
export const TCP_SYN_SENT = 2;
const TCP_FIN_WAIT2 = 5;
export const TCP_CLOSE = 7;
const TCP_CLOSE_WAIT = 8;
const TCP_LAST_ACK = 9;
export const TCP_LISTEN = 10;

/** What one direction buffers when neither side has set a size. */
const DEFAULT_CAPACITY = 524288;
const ALL = READABLE | WRITABLE | POLLRDHUP | POLLHUP | POLLERR;

export class LoopbackTcp implements TcpEndpoint {
  readonly queue: WaitQueue;
  readonly options: EndpointOptions = defaultEndpointOptions();
  local: Endpoint;
  remote: Endpoint | null = null;
  urgentInline = false;
  private readonly v6: boolean;
  private readonly ports: PortTable<LoopbackTcp>;
  private bound = false;
  private phase = TCP_CLOSE;
  private error = 0;
  /** Received and not read. */
  private readonly ring = new ByteRing();
  private peer: LoopbackTcp | null = null;
  /** FIN came (or SHUT_RD was asked for); FIN was sent. */
  private rcvShut = false;
  private finReceived = false;
  private sndShut = false;
  private closed = false;
  /** Established connections not accepted yet; connectors that found no room. */
  private backlog: LoopbackTcp[] = [];
  private backlogLimit = 0;
  private connecting: LoopbackTcp[] = [];
  private waitingAt: LoopbackTcp | null = null;
  /** Urgent byte out of line, and the stream position where it was. */
  private urgent = -1;
  private mark = -1;

  constructor(v6: boolean, ports: PortTable<LoopbackTcp>, queue = new WaitQueue()) {
    this.v6 = v6;
    this.queue = queue;
    this.ports = ports;
    this.local = { ip: v6 ? ANY6 : ANY4, port: 0 };
  }

  get listening(): boolean {
    return this.phase === TCP_LISTEN;
  }
  get hasError(): boolean {
    return this.error !== 0;
  }
  get queued(): number {
    return this.ring.used;
  }
  get unread(): number {
    return this.peer?.ring.used ?? 0;
  }
  get state(): number {
    if (this.phase !== TCP_ESTABLISHED) return this.phase;
    if (this.finReceived) return this.sndShut ? TCP_LAST_ACK : TCP_CLOSE_WAIT;
    return this.sndShut ? TCP_FIN_WAIT2 : TCP_ESTABLISHED;
  }

  takeError(): number {
    const error = this.error;
    this.error = 0;
    return error;
  }

  // ---- names
  bind(ip: Ip, port: number): number {
    if (this.bound || this.phase !== TCP_CLOSE) return -EINVAL;
    if (!isAny(ip) && !isLoopback(ip)) return -EADDRNOTAVAIL;
    const chosen = port === 0 ? this.ports.ephemeral(this, ip) : port;
    if (chosen < 0) return chosen;
    if (port !== 0 && !this.ports.allows(this, ip, port)) return -EADDRINUSE;
    this.hold({ ip, port: chosen });
    return 0;
  }

  private hold(local: Endpoint): void {
    this.local = local;
    this.bound = true;
    this.ports.add(this);
  }

  private letGo(): void {
    if (!this.bound) return;
    this.ports.remove(this);
    this.bound = false;
  }

  // ---- servers
  listen(backlog: number): number {
    if (this.phase !== TCP_CLOSE && this.phase !== TCP_LISTEN) return -EINVAL;
    if (!this.bound) {
      const r = this.bind(this.local.ip, 0);
      if (r < 0) return r;
    }
    if (this.phase === TCP_CLOSE) {
      for (const other of this.ports.at(this.local.port) ?? []) {
        if (other === this || !other.listening || (other.options.reusePort && this.options.reusePort))
          continue;
        if (covers(other.local.ip, other.options, this.local.ip)) return -EADDRINUSE;
        if (covers(this.local.ip, this.options, other.local.ip)) return -EADDRINUSE;
      }
    }
    this.phase = TCP_LISTEN;
    this.rcvShut = this.sndShut = false;
    this.backlogLimit = Math.min(backlog >>> 0, SOMAXCONN);
    this.admit();
    return 0;
  }

  accept(): LoopbackTcp | number {
    if (this.phase !== TCP_LISTEN) return -EINVAL;
    const made = this.backlog.shift();
    if (made === undefined) return -EAGAIN;
    this.admit();
    return made;
  }

  /** Lets waiting connectors in while there is room. */
  private admit(): void {
    while (this.connecting.length > 0 && this.backlog.length <= this.backlogLimit) {
      const client = this.connecting.shift()!;
      client.waitingAt = null;
      this.join(client);
      client.queue.notify(WRITABLE);
    }
  }

  // ---- clients
  connect(to: Endpoint): number {
    if (this.phase === TCP_LISTEN) return -EISCONN;
    const ip = isAny(to.ip) ? (to.ip === ANY4 || isV4(this.local.ip) ? LOOPBACK4 : LOOPBACK6) : to.ip;
    if (isV4(ip) ? this.options.v6only : !this.v6) return -ENETUNREACH;
    if (!isLoopback(ip)) return -ENETUNREACH;
    // A socket bound to an address of the other version cannot get there.
    if (this.bound && !isAny(this.local.ip) && isV4(this.local.ip) !== isV4(ip)) return -ENETUNREACH;
    const source = isAny(this.local.ip) ? (isV4(ip) ? sourceFor(ip) : LOOPBACK6) : this.local.ip;
    if (!this.bound) {
      const port = this.ports.ephemeral(this, source);
      if (port < 0) return -EADDRNOTAVAIL;
      this.hold({ ip: source, port });
    } else {
      this.local = { ip: source, port: this.local.port };
    }
    this.remote = { ip, port: to.port };
    this.rcvShut = this.sndShut = this.finReceived = false;
    const listener = this.findListener(ip, to.port);
    if (listener === null) return this.refuse();
    if (listener.backlog.length > listener.backlogLimit) {
      this.phase = TCP_SYN_SENT;
      this.waitingAt = listener;
      listener.connecting.push(this);
      return -EINPROGRESS;
    }
    listener.join(this);
    return 0;
  }

  private refuse(): number {
    this.phase = TCP_CLOSE;
    this.remote = null;
    return -ECONNREFUSED;
  }

  private findListener(ip: Ip, port: number): LoopbackTcp | null {
    let exact: LoopbackTcp[] = [];
    let wild: LoopbackTcp[] = [];
    for (const holder of this.ports.at(port) ?? []) {
      if (!holder.listening || !covers(holder.local.ip, holder.options, ip)) continue;
      (holder.local.ip === ip ? exact : wild).push(holder);
    }
    // 0.0.0.0 is closer than a dual-stack ::.
    const narrow = wild.filter((h) => h.local.ip !== ANY6);
    if (narrow.length > 0 && isV4(ip)) wild = narrow;
    if (exact.length === 0) exact = wild;
    return exact[Math.floor(Math.random() * exact.length)] ?? null;
  }

  /** Makes the server's end of a connection with `client`. */
  private join(client: LoopbackTcp): void {
    const server = new LoopbackTcp(this.v6, this.ports);
    Object.assign(server.options, this.options);
    server.urgentInline = this.urgentInline;
    server.hold(client.remote!);
    server.remote = client.local;
    server.peer = client;
    client.peer = server;
    server.phase = client.phase = TCP_ESTABLISHED;
    this.backlog.push(server);
    this.queue.notify(READABLE);
  }

  // ---- data
  private get capacity(): number {
    const receiver = this.peer!;
    const mine = this.options.sndbuf === 0 ? DEFAULT_CAPACITY / 2 : this.options.sndbuf;
    const theirs = receiver.options.rcvbuf === 0 ? DEFAULT_CAPACITY / 2 : receiver.options.rcvbuf;
    return mine + theirs;
  }

  send(buf: Uint8Array, off: number, len: number): number {
    const bad = this.maySend();
    if (bad !== 0) return bad;
    const peer = this.peer!;
    if (peer.closed) {
      // The data meets nobody: the answer is a reset, seen by the next call.
      this.reset();
      return len;
    }
    const free = this.capacity - peer.ring.used;
    if (free <= 0) return -EAGAIN;
    const n = len < free ? len : free;
    if (n > 0) {
      peer.ring.write(buf, off, n);
      peer.queue.notify(READABLE);
    }
    return n;
  }

  private maySend(): number {
    if (this.error !== 0) return -this.takeError();
    if (this.phase === TCP_SYN_SENT) return -EAGAIN;
    return this.phase !== TCP_ESTABLISHED || this.sndShut ? -EPIPE : 0;
  }

  receive(buf: Uint8Array, off: number, len: number, peek: boolean, skip: number): number {
    if (this.phase === TCP_LISTEN || this.phase === TCP_SYN_SENT) {
      return this.phase === TCP_LISTEN ? -ENOTCONN : -EAGAIN;
    }
    const held = this.ring.used - skip;
    if (held <= 0) {
      if (this.finReceived) return 0;
      if (this.error !== 0) return -this.takeError();
      if (this.rcvShut) return 0;
      return this.phase === TCP_CLOSE ? -ENOTCONN : -EAGAIN;
    }
    let n = len < held ? len : held;
    // A receive does not run across the urgent mark.
    const toMark = this.mark - (this.ring.readPos + skip);
    if (toMark > 0 && toMark < n) n = toMark;
    this.ring.peek(buf, off, n, skip);
    if (!peek) this.consume(n);
    return n;
  }

  private consume(n: number): void {
    const peer = this.peer;
    const before = this.ring.used;
    this.ring.consume(n);
    if (this.mark >= 0 && this.ring.readPos > this.mark) this.mark = -1;
    if (peer === null || peer.closed) return;
    const limit = peer.capacity;
    if (!roomy(before, limit) && roomy(this.ring.used, limit)) peer.queue.notify(WRITABLE);
  }

  // ---- urgent data
  sendUrgent(byte: number): number {
    const bad = this.maySend();
    if (bad !== 0) return bad;
    const peer = this.peer!;
    if (peer.closed) {
      this.reset();
      return 1;
    }
    peer.mark = peer.ring.writePos;
    if (peer.urgentInline) peer.ring.write(Uint8Array.of(byte), 0, 1);
    else peer.urgent = byte;
    peer.queue.notify(POLLPRI | (peer.urgentInline ? READABLE : 0));
    return 1;
  }

  receiveUrgent(peek: boolean): number {
    if (this.urgentInline || this.urgent < 0) return -EINVAL;
    const byte = this.urgent;
    if (!peek) this.urgent = -1;
    return byte;
  }

  get atMark(): boolean {
    return this.mark >= 0 && this.ring.readPos === this.mark;
  }

  // ---- the end
  shutdown(how: number): number {
    if (how < SHUT_RD || how > SHUT_RDWR) return -EINVAL;
    if (this.phase === TCP_LISTEN) {
      if (how === SHUT_WR) return 0;
      this.stopListening();
      this.rcvShut = true;
      this.queue.notify(ALL);
      return 0;
    }
    if (this.phase === TCP_SYN_SENT) {
      this.abandonConnect();
      this.queue.notify(ALL);
      return 0;
    }
    if (this.phase !== TCP_ESTABLISHED) return -ENOTCONN;
    if (how !== SHUT_WR) this.rcvShut = true;
    if (how !== SHUT_RD) this.sendFin();
    this.queue.notify(READABLE | WRITABLE | POLLRDHUP | (this.rcvShut && this.sndShut ? POLLHUP : 0));
    return 0;
  }

  private sendFin(): void {
    if (this.sndShut) return;
    this.sndShut = true;
    const peer = this.peer!;
    if (peer.phase !== TCP_ESTABLISHED || peer.finReceived) return;
    peer.finReceived = true;
    peer.rcvShut = true;
    peer.queue.notify(READABLE | POLLRDHUP | (peer.sndShut ? POLLHUP | WRITABLE : 0));
  }

  /** The connection ends by a reset from the other side. */
  private reset(): void {
    if (this.phase !== TCP_ESTABLISHED) return;
    this.error = this.finReceived && !this.sndShut ? EPIPE : ECONNRESET;
    this.phase = TCP_CLOSE;
    this.rcvShut = this.sndShut = true;
    this.letGo();
    this.queue.notify(ALL);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    if (this.phase === TCP_LISTEN) this.stopListening();
    else if (this.phase === TCP_SYN_SENT) this.abandonConnect();
    else if (this.phase === TCP_ESTABLISHED) {
      const peer = this.peer!;
      if (this.ring.used > 0 || this.options.lingerReset) peer.reset();
      else this.sendFin();
    }
    this.phase = TCP_CLOSE;
    this.ring.clear();
    this.letGo();
    const peer = this.peer;
    // A full sender learns by its next send that nobody reads any more.
    if (peer !== null && !peer.closed) peer.queue.notify(WRITABLE);
  }

  private stopListening(): void {
    this.phase = TCP_CLOSE;
    for (const client of this.connecting) {
      client.waitingAt = null;
      client.error = ECONNREFUSED;
      client.phase = TCP_CLOSE;
      client.queue.notify(ALL);
    }
    this.connecting = [];
    for (const server of this.backlog) {
      const client = server.peer!;
      client.reset();
      server.close();
    }
    this.backlog = [];
  }

  private abandonConnect(): void {
    const at = this.waitingAt;
    if (at !== null) at.connecting = at.connecting.filter((c) => c !== this);
    this.waitingAt = null;
    this.phase = TCP_CLOSE;
  }

  readiness(): number {
    if (this.phase === TCP_LISTEN) return this.backlog.length > 0 ? READABLE : 0;
    if (this.phase === TCP_SYN_SENT) return 0;
    let mask = this.error !== 0 ? POLLERR : 0;
    if (this.rcvShut) mask |= READABLE | POLLRDHUP;
    if ((this.rcvShut && this.sndShut) || this.phase === TCP_CLOSE) mask |= POLLHUP;
    if (this.ring.used > 0) mask |= READABLE;
    if (this.urgent >= 0 || (this.urgentInline && this.mark >= 0)) mask |= POLLPRI;
    if (this.sndShut || this.phase === TCP_CLOSE || this.peer!.closed) mask |= WRITABLE;
    else if (roomy(this.peer!.ring.used, this.capacity)) mask |= WRITABLE;
    return mask;
  }
}

/** Writable in the sense of poll(2): a third of the buffer is free. */
function roomy(used: number, capacity: number): boolean {
  return (capacity - used) * 3 >= capacity;
}

/** A connection to 127.x.y.z comes from 127.0.0.1, unless it goes to an address that is its own. */
function sourceFor(ip: Ip): Ip {
  return isV4(ip) ? (ip === LOOPBACK4 ? LOOPBACK4 : ip) : LOOPBACK6;
}
