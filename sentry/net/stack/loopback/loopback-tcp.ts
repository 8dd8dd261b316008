/**
 * TCP over lo without packets: a connection is two endpoints that write into each other's rings. States, errors and
 * readiness are those that tcp(7) shows.
 */
import {
  EADDRINUSE,
  EADDRNOTAVAIL,
  EAFNOSUPPORT,
  EAGAIN,
  ECONNREFUSED,
  ECONNRESET,
  EINPROGRESS,
  EINVAL,
  EISCONN,
  ENETUNREACH,
  ENOTCONN,
  EPIPE,
  ETIMEDOUT,
} from '../../../abi/errno.ts';
import { POLLERR, POLLHUP, POLLPRI, POLLRDHUP, READABLE, WRITABLE } from '../../../abi/poll.ts';
import { SHUT_RD, SHUT_RDWR, SHUT_WR } from '../../../abi/socket.ts';
import { ByteRing, ringBytes } from '../../../base/byte-ring.ts';
import { WaitQueue } from '../../../base/wait-queue.ts';
import { CLOCK_REALTIME } from '../../../time/clock.ts';
import { Timer } from '../../../time/timers.ts';
import type { PacketView, SocketFilter } from '../../../base/bpf/socket-filter.ts';
import type { EndpointOptions, TcpEndpoint } from '../inet-stack.ts';
import { defaultEndpointOptions } from '../inet-stack.ts';
import type { Endpoint, Ip } from '../ip.ts';
import { ANY4, ANY6, LOOPBACK4, LOOPBACK6, isAny, isLoopback, isV4, sameEndpoint } from '../ip.ts';
import { AcceptQueue } from './accept-queue.ts';
import type { PortHolder } from './port-table.ts';
import { covers } from './port-table.ts';
import { chooseMember, joinGroup, setGroupFilter } from './reuse-group.ts';
import type { ReuseGroup } from './reuse-group.ts';
import type { TcpPorts } from './tcp-ports.ts';
import type { SegmentTarget } from './tcp-input.ts';
import { FIN, PSH, RST, URG } from './tcp-segments.ts';
import { TCP_FIN_WAIT2, TCP_TIME_WAIT, TimeWait } from './time-wait.ts';
import { Unheard } from './unheard.ts';
import type { Hearer } from './unheard.ts';
import { Urgent } from './urgent.ts';

export const TCP_ESTABLISHED = 1;
export const TCP_SYN_SENT = 2;
export const TCP_CLOSE = 7;
const TCP_CLOSE_WAIT = 8;
export const TCP_LISTEN = 10;

/** What one direction buffers when neither side has set a size. */
const DEFAULT_CAPACITY = 524288;
/** When all streams together hold so much, each one gets less (tcp(7), tcp_mem). */
const PRESSURE = 128 << 20;
const PRESSED_CAPACITY = 65536;
const ALL = READABLE | WRITABLE | POLLRDHUP | POLLHUP | POLLERR;
/** net.ipv4.tcp_syn_linear_timeouts and one: so many tries are a second apart, then the pauses double. */
const LINEAR_SYNS = 5;

export class LoopbackTcp implements TcpEndpoint, PortHolder, Hearer, SegmentTarget {
  readonly firstSequence: number;
  reuseGroup: ReuseGroup | null = null;
  readonly queue: WaitQueue;
  readonly options: EndpointOptions = defaultEndpointOptions();
  local: Endpoint;
  remote: Endpoint | null = null;
  readonly v6: boolean;
  chosenByConnect = false;
  private readonly ports: TcpPorts;
  /** In the table of ports; and by bind(2), so that the end of a connection does not end it. */
  private holding = false;
  private bound = false;
  /** The address that bind(2) gave, before connect chose a source. */
  private boundIp: Ip;
  private phase = TCP_CLOSE;
  private error = 0;
  /** Received and not read. */
  private readonly ring = new ByteRing();
  private readonly urgent = new Urgent();
  private peer: LoopbackTcp | null = null;
  /** What the filter doesn't let in. */
  private unheard: Unheard | null = null;
  /** FIN came (or SHUT_RD was asked for); FIN was sent. */
  private rcvShut = false;
  private finReceived = false;
  private sndShut = false;
  arrivedNs = 0;
  private closed = false;
  /** A close(2) waits until the other side has room for what was sent. */
  private awaited = false;
  private accepting: AcceptQueue | null = null;
  /** The listener without room that a connect waits at, and for how long. */
  private waitingAt: LoopbackTcp | null = null;
  private connectTimer: Timer | null = null;
  /** What keeps the port once the program has gone. */
  private remains: TimeWait | null = null;

  constructor(v6: boolean, ports: TcpPorts, queue = new WaitQueue()) {
    this.v6 = v6;
    this.firstSequence = ports.segments.newSequence();
    this.queue = queue;
    this.ports = ports;
    this.boundIp = v6 ? ANY6 : ANY4;
    this.local = { ip: this.boundIp, port: 0 };
  }

  get boundTo(): Endpoint | null {
    return this.bound ? { ip: this.boundIp, port: this.local.port } : null;
  }
  get listening(): boolean {
    return this.phase === TCP_LISTEN;
  }
  get connected(): boolean {
    return this.phase === TCP_ESTABLISHED;
  }
  get hasError(): boolean {
    return this.error !== 0;
  }
  get queued(): number {
    return this.accepting === null ? this.urgent.readable(this.ring) : this.accepting.made.length;
  }
  get unread(): number {
    if (this.accepting !== null) return this.accepting.limit;
    const peer = this.peer;
    // What fits into the receiver's buffer counts as arrived.
    if (peer === null) return 0;
    return Math.max(0, peer.ring.used - peer.receiveBuffer) + (peer.unheard?.bytes ?? 0);
  }
  get bytesReceived(): number {
    return this.ring.writePos;
  }
  get bytesSent(): number {
    return this.peer?.ring.writePos ?? 0;
  }
  get sentUnits(): number {
    const peer = this.peer;
    if (peer === null) return 0;
    return peer.ring.writePos + (peer.unheard?.bytes ?? 0) + (this.sndShut ? 1 : 0);
  }
  get receivedUnits(): number {
    return this.ring.writePos + (this.finReceived ? 1 : 0);
  }
  get window(): number {
    return Math.max(0, this.receiveBuffer - this.ring.used);
  }
  get state(): number {
    if (this.phase !== TCP_ESTABLISHED) return this.phase;
    if (this.finReceived) return TCP_CLOSE_WAIT;
    return this.sndShut ? TCP_FIN_WAIT2 : TCP_ESTABLISHED;
  }
  get urgentInline(): boolean {
    return this.urgent.inline;
  }
  set urgentInline(on: boolean) {
    this.urgent.inline = on;
  }

  takeError(): number {
    const error = this.error;
    this.error = 0;
    return error;
  }

  keepError(error: number): void {
    this.error = error;
  }

  // ---- names
  bind(ip: Ip, port: number): number {
    if (this.bound || this.phase !== TCP_CLOSE) return -EINVAL;
    if (!isAny(ip) && !isLoopback(ip)) return -EADDRNOTAVAIL;
    this.ports.waits.expire();
    const chosen = port === 0 ? this.ports.table.ephemeral(this, ip) : port;
    if (chosen < 0) return chosen;
    if (port !== 0 && !this.ports.table.allows(this, ip, port)) return -EADDRINUSE;
    this.bound = true;
    this.boundIp = ip;
    this.hold({ ip, port: chosen });
    return 0;
  }

  private hold(local: Endpoint): void {
    this.local = local;
    this.holding = true;
    this.ports.table.add(this);
  }

  private letGo(): void {
    if (this.holding) this.ports.table.remove(this);
    this.holding = false;
  }

  // ---- servers
  listen(backlog: number): number {
    if (this.phase !== TCP_CLOSE && this.phase !== TCP_LISTEN) return -EINVAL;
    if (!this.bound) {
      const r = this.bind(this.local.ip, 0);
      if (r < 0) return r;
    }
    if (this.accepting === null) {
      if (this.listenerInTheWay()) return -EADDRINUSE;
      this.accepting = new AcceptQueue();
      joinGroup(this, this.ports.table.listenersAt(this.local.port) as LoopbackTcp[]);
      this.ports.table.startListening(this);
    }
    this.phase = TCP_LISTEN;
    this.rcvShut = this.sndShut = false;
    this.accepting.limit = Math.min(backlog >>> 0, this.ports.settings.somaxconn);
    this.admit();
    return 0;
  }

  private listenerInTheWay(): boolean {
    for (const other of this.ports.table.listenersAt(this.local.port) as LoopbackTcp[]) {
      if (other.options.reusePort && this.options.reusePort) continue;
      if (covers(other.local.ip, other.options, this.local.ip)) return true;
      if (covers(this.local.ip, this.options, other.local.ip)) return true;
    }
    return false;
  }

  accept(): LoopbackTcp | number {
    if (this.accepting === null) return -EINVAL;
    const made = this.accepting.made.shift();
    if (made === undefined) return -EAGAIN;
    this.admit();
    return made;
  }

  /** Lets waiting connectors in while there is room. */
  private admit(): void {
    for (let c = this.accepting!.nextAdmitted(); c !== null; c = this.accepting!.nextAdmitted()) {
      this.admitOne(c);
    }
  }

  private admitOne(client: LoopbackTcp): void {
    client.stopWaiting();
    this.join(client);
    client.queue.notify(WRITABLE);
  }

  // ---- clients
  connect(to: Endpoint): number {
    if (this.phase === TCP_LISTEN) return -EISCONN;
    const ip = isAny(to.ip) ? (to.ip === ANY4 || isV4(this.local.ip) ? LOOPBACK4 : LOOPBACK6) : to.ip;
    if (isV4(ip) ? this.options.v6only : !this.v6) return -ENETUNREACH;
    if (!isLoopback(ip)) return -ENETUNREACH;
    // A socket bound to an address of the other version cannot get there.
    if (this.bound && !isAny(this.local.ip) && isV4(this.local.ip) !== isV4(ip))
      return isV4(ip) ? -ENETUNREACH : -EAFNOSUPPORT;
    const source = isAny(this.local.ip) ? (isV4(ip) ? LOOPBACK4 : LOOPBACK6) : this.local.ip;
    const r = this.takeSource(source, { ip, port: to.port });
    if (r < 0) return r;
    this.rcvShut = this.sndShut = this.finReceived = false;
    const listener = this.findListener(ip, to.port, this);
    const { segments } = this.ports;
    if (segments.watched) segments.showSyn(this, null);
    if (listener === null) return sameEndpoint(this.local, this.remote!) ? this.meetItself() : this.refuse();
    const heard = listener.hearsSynOf(this);
    if (!heard || listener.accepting!.full) {
      this.phase = TCP_SYN_SENT;
      this.waitingAt = listener;
      (heard ? listener.accepting!.waiting : listener.accepting!.unheard).add(this);
      this.startConnectTimer();
      return -EINPROGRESS;
    }
    listener.join(this);
    return 0;
  }

  /** Takes a local port for a connection from `ip`, one that is not in use between the same ends. */
  private takeSource(ip: Ip, remote: Endpoint): number {
    const { table, waits } = this.ports;
    waits.expire();
    let local = { ip, port: this.local.port };
    if (this.bound) {
      for (const other of table.at(local.port) ?? []) {
        if (other === this || other.remote === null || !sameEndpoint(other.remote, remote)) continue;
        if (other.local.ip === ip && !this.displaces(other)) return -EADDRNOTAVAIL;
      }
      this.local = local;
    } else {
      this.letGo();
      const port = table.ephemeralToConnect(this, (other) => {
        if (other.chosenByConnect !== true) return false;
        const taken = other.local.ip === ip && sameEndpoint(other.remote!, remote);
        return !taken || (other instanceof TimeWait && waits.reusable(other));
      });
      if (port < 0) return -EADDRNOTAVAIL;
      local = { ip, port };
      this.chosenByConnect = true;
      this.hold(local);
    }
    const old = waits.find(local, remote);
    if (old !== null) waits.remove(old);
    this.remote = remote;
    return 0;
  }

  private displaces(other: PortHolder): boolean {
    return other instanceof TimeWait && this.ports.waits.reusable(other);
  }

  /** A connect to the own address is a simultaneous open. */
  private meetItself(): number {
    this.peer = this;
    this.phase = TCP_ESTABLISHED;
    return 0;
  }

  private refuse(): number {
    if (this.ports.segments.watched) this.ports.segments.showRefusal(this);
    this.endConnection();
    this.remote = null;
    return -ECONNREFUSED;
  }

  private startConnectTimer(): void {
    const { synRetries, userTimeoutMs } = this.options;
    const retries = synRetries > 0 ? synRetries : this.ports.settings.synRetries;
    let seconds = LINEAR_SYNS + 2 ** (retries + 1) - 2;
    if (userTimeoutMs > 0) seconds = Math.min(seconds, Math.ceil(userTimeoutMs / 1000));
    this.connectTimer ??= new Timer(() => this.giveUp(ETIMEDOUT));
    const { clock, timers } = this.ports.host;
    timers.arm(this.connectTimer, clock.monotonicNs() + seconds * 1e9);
  }

  private stopWaiting(): void {
    if (this.connectTimer !== null) this.ports.host.timers.cancel(this.connectTimer);
    this.waitingAt?.accepting?.waiting.delete(this);
    this.waitingAt?.accepting?.unheard.delete(this);
    this.waitingAt = null;
  }

  /** A connect that was under way has failed. */
  private giveUp(error: number): void {
    this.stopWaiting();
    this.endConnection();
    this.error = error;
    this.queue.notify(ALL);
  }

  private findListener(ip: Ip, port: number, client: LoopbackTcp): LoopbackTcp | null {
    const listeners = this.ports.table.listenersAt(port) as LoopbackTcp[];
    if (listeners.length === 1) {
      const only = listeners[0]!;
      return covers(only.local.ip, only.options, ip) ? only : null;
    }
    const fitting = listeners.filter((l) => covers(l.local.ip, l.options, ip));
    // An address is closer than a wildcard, and 0.0.0.0 closer than a dual-stack ::.
    let best = fitting.filter((l) => l.local.ip === ip);
    if (best.length === 0) best = fitting.filter((l) => l.local.ip === ANY4);
    if (best.length === 0) best = fitting;
    const chosen = chooseMember(best, () => client.synAtEnd());
    return chosen ?? best[Math.floor(Math.random() * best.length)] ?? null;
  }

  /** Makes the server's end of a connection with `client`. */
  private join(client: LoopbackTcp): void {
    const { waits } = this.ports;
    const old = waits.find(client.remote!, client.local);
    if (old !== null) waits.remove(old);
    const server = new LoopbackTcp(this.v6, this.ports);
    Object.assign(server.options, this.options);
    server.urgentInline = this.urgentInline;
    server.hold(client.remote!);
    server.remote = client.local;
    server.peer = client;
    client.peer = server;
    server.phase = client.phase = TCP_ESTABLISHED;
    const { segments } = this.ports;
    if (segments.watched) {
      segments.showSyn(server, client);
      segments.show(client, server, 0);
    }
    this.accepting!.made.push(server);
    this.queue.notify(READABLE);
  }

  // ---- data
  private get capacity(): number {
    const mine = this.options.sndbuf === 0 ? DEFAULT_CAPACITY / 2 : this.options.sndbuf;
    const wanted = mine + this.peer!.receiveBuffer;
    return ringBytes() > PRESSURE ? Math.min(wanted, PRESSED_CAPACITY) : wanted;
  }
  /** More will not come before something is read. */
  private get isFull(): boolean {
    return this.peer !== null && this.ring.used >= this.peer.capacity;
  }
  private get receiveBuffer(): number {
    return this.options.rcvbuf === 0 ? DEFAULT_CAPACITY / 2 : this.options.rcvbuf;
  }

  send(buf: Uint8Array, off: number, len: number): number {
    const bad = this.maySend();
    if (bad !== 0) return bad;
    const peer = this.peer!;
    // Nothing makes no segment, and so no answer.
    if (len === 0) return 0;
    if (peer.closed || peer.hearsNothing) return this.meetNobody(buf.subarray(off, off + len));
    if (peer.options.filter !== null || peer.unheard !== null) return this.sendFiltered(buf, off, len, peer);
    const free = this.capacity - peer.ring.used;
    if (free <= 0) return -EAGAIN;
    const n = len < free ? len : free;
    if (n > 0) {
      const watched = this.ports.segments.watched;
      if (watched) this.ports.segments.showData(this, peer, buf.subarray(off, off + n));
      peer.ring.write(buf, off, n);
      if (peer.options.stampArrivals) peer.arrivedNs = this.ports.host.clock.nowNs(CLOCK_REALTIME);
      if (watched) this.ports.segments.show(peer, this, 0);
      peer.queue.notify(READABLE);
    }
    return n;
  }

  /** Through the receiver's filter: what that refuses is kept, and counts as on its way. */
  private sendFiltered(buf: Uint8Array, off: number, len: number, peer: LoopbackTcp): number {
    const unheard = (peer.unheard ??= new Unheard());
    const free = this.capacity - peer.ring.used - unheard.bytes;
    if (free <= 0) return -EAGAIN;
    const data = buf.slice(off, off + Math.min(len, free));
    if (this.ports.segments.watched) this.ports.segments.showData(this, peer, data);
    unheard.add(data);
    peer.hearAgain();
    return data.length;
  }

  /** RFC 1122, 4.2.2.13: both directions are shut down, so that data which comes now is lost. */
  private get hearsNothing(): boolean {
    return this.rcvShut && this.sndShut && !this.finReceived;
  }

  /** Data for a program that has gone: the answer is a reset, seen by the next call. */
  private meetNobody(data: Uint8Array): number {
    const peer = this.peer!;
    const { segments } = this.ports;
    if (segments.watched) {
      segments.showData(this, peer, data);
      segments.show(peer, this, RST);
    }
    peer.reset();
    this.reset();
    return data.length;
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
    if (this.urgent.skips(this.ring.readPos + skip)) {
      // The urgent byte is for MSG_OOB; reading goes on behind it.
      if (peek) skip++;
      else this.consume(1);
    }
    const held = this.ring.used - skip;
    if (held <= 0) {
      if (this.finReceived) return 0;
      if (this.error !== 0) return -this.takeError();
      if (this.rcvShut) return 0;
      return this.phase === TCP_CLOSE ? -ENOTCONN : -EAGAIN;
    }
    // A receive does not run across the urgent mark.
    const n = this.urgent.limit(this.ring.readPos + skip, len < held ? len : held);
    this.ring.peek(buf, off, n, skip);
    if (!peek) this.consume(n);
    return n;
  }

  private consume(n: number): void {
    const peer = this.peer;
    const before = this.ring.used;
    this.ring.consume(n);
    this.urgent.passed(this.ring);
    if (peer === null) return;
    if (peer.closed) {
      peer.arrived();
      return;
    }
    const limit = peer.capacity;
    if (!roomy(before, limit) && roomy(this.ring.used, limit)) peer.queue.notify(WRITABLE);
  }

  // ---- urgent data
  sendUrgent(byte: number): number {
    const bad = this.maySend();
    if (bad !== 0) return bad;
    const peer = this.peer!;
    const data = Uint8Array.of(byte);
    if (peer.closed || peer.hearsNothing) return this.meetNobody(data);
    const { segments } = this.ports;
    if (segments.watched) segments.showData(this, peer, data, PSH | URG);
    peer.ring.write(data, 0, 1);
    peer.urgent.arrived(peer.ring, byte);
    if (segments.watched) segments.show(peer, this, 0);
    peer.queue.notify(POLLPRI | (peer.urgentInline ? READABLE : 0));
    return 1;
  }

  receiveUrgent(peek: boolean): number {
    const byte = this.urgent.take(peek);
    return byte < 0 ? -EINVAL : byte;
  }

  get atMark(): boolean {
    return this.urgent.atMark(this.ring);
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
      this.stopWaiting();
      this.endConnection();
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
    const peer = this.peer!;
    const { segments } = this.ports;
    if (segments.watched) segments.show(this, peer, FIN);
    this.sndShut = true;
    if (!peer.closed && peer.phase === TCP_ESTABLISHED && !peer.finReceived) {
      if (peer.options.filter === null && peer.unheard === null) peer.hearEnd();
      else {
        peer.unheard ??= new Unheard();
        peer.unheard.end();
        peer.hearAgain();
      }
    }
    if (segments.watched) segments.show(peer, this, 0);
    if (!this.finReceived) return;
    // Both have ended: who did so first waits in TIME-WAIT.
    peer.waitOut();
    this.endConnection();
  }

  hearEnd(): void {
    this.finReceived = true;
    this.rcvShut = true;
    this.queue.notify(READABLE | POLLRDHUP | (this.sndShut ? POLLHUP | WRITABLE : 0));
  }

  private waitOut(): void {
    if (this.remains !== null) this.ports.waits.finReceived(this.remains);
    else if (this.phase === TCP_ESTABLISHED) this.leaveBehind(TCP_TIME_WAIT);
    this.phase = TCP_CLOSE;
  }

  /** Hands the port over to what remains of the connection. */
  private leaveBehind(state: number): void {
    if (!this.holding) return;
    const entry = new TimeWait(state, this);
    if (this.closed || !this.bound) this.letGo();
    if (!this.ports.waits.add(entry)) return;
    this.ports.table.add(entry);
    this.remains = entry;
  }

  private dropRemains(): void {
    if (this.remains !== null) this.ports.waits.remove(this.remains);
    this.remains = null;
  }

  /** No connection any more; a port that bind(2) chose stays. */
  private endConnection(): void {
    this.phase = TCP_CLOSE;
    if (!this.bound || this.closed) this.letGo();
  }

  // ---- for segments of raw sockets
  get expected(): number {
    return (this.peer!.firstSequence + 1 + this.receivedUnits) >>> 0;
  }
  get nextSequence(): number {
    return this.firstSequence + 1 + this.sentUnits;
  }
  resetByPeer(): void {
    this.reset();
  }

  /** Would a SYN from anywhere be taken? */
  get takesSyn(): boolean {
    return this.options.filter === null && !this.accepting!.full;
  }

  /** The connection ends by a reset from the other side. */
  private reset(): void {
    this.dropRemains();
    if (this.phase !== TCP_ESTABLISHED) return;
    this.error = this.finReceived && !this.sndShut ? EPIPE : ECONNRESET;
    this.rcvShut = this.sndShut = true;
    this.endConnection();
    this.queue.notify(ALL);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    const peer = this.peer;
    if (this.phase === TCP_LISTEN) this.stopListening();
    else if (this.phase === TCP_SYN_SENT) this.stopWaiting();
    else if (this.phase === TCP_ESTABLISHED) {
      if (this.ring.used > 0 || this.options.lingerReset) {
        if (this.ports.segments.watched) this.ports.segments.show(this, peer!, RST);
        peer!.reset();
      } else {
        this.sendFin();
        if (this.phase === TCP_ESTABLISHED) this.leaveBehind(TCP_FIN_WAIT2);
      }
    }
    this.phase = TCP_CLOSE;
    this.ring.clear();
    this.unheard = null;
    this.urgent.forget();
    this.letGo();
    // A full sender learns by its next send that nobody reads any more.
    if (peer === null) return;
    if (peer.closed) peer.arrived();
    else peer.queue.notify(WRITABLE);
  }

  announceArrivals(): void {
    this.awaited = true;
  }

  private arrived(): void {
    if (this.awaited) this.queue.notify(WRITABLE);
  }

  private stopListening(): void {
    const { made, waiting, unheard } = this.accepting!;
    this.reuseGroup = null;
    this.ports.table.stopListening(this);
    this.accepting = null;
    this.phase = TCP_CLOSE;
    for (const client of [...waiting, ...unheard]) client.giveUp(ECONNREFUSED);
    for (const server of made) {
      if (this.ports.segments.watched) this.ports.segments.show(server, server.peer!, RST);
      server.peer!.reset();
      server.phase = TCP_CLOSE;
      server.close();
    }
  }

  // ---- filters
  setGroupFilter(filter: SocketFilter | null): number {
    return setGroupFilter(this, this.phase !== TCP_CLOSE, filter);
  }

  /** For the program of a group: a SYN has no data. */
  private synAtEnd(): PacketView {
    const packet = this.ports.segments.viewOfSyn(this, null);
    return { ...packet, start: packet.payload };
  }

  /** Do the filters of both sides let the handshake through? */
  private hearsSynOf(client: LoopbackTcp): boolean {
    const own = this.options.filter;
    const other = client.options.filter;
    if (own === null && other === null) return true;
    const syn = this.ports.segments.viewOfSyn(client, null);
    return own?.run(syn) !== 0 && other?.run(syn) !== 0;
  }

  /** What was refused before is sent again, and again, until it is heard. */
  filterChanged(): void {
    this.hearAgain();
    const queue = this.accepting ?? this.waitingAt?.accepting ?? null;
    const listener = this.accepting === null ? this.waitingAt : this;
    for (const client of queue?.unheard ?? []) {
      if (!listener!.hearsSynOf(client)) continue;
      queue!.unheard.delete(client);
      if (queue!.full) queue!.waiting.add(client);
      else listener!.admitOne(client);
    }
  }

  private hearAgain(): void {
    const { unheard } = this;
    if (unheard === null) return;
    unheard.retry(this.ports.segments, this.peer!, this);
    if (unheard.empty) this.unheard = null;
  }

  hear(data: Uint8Array): void {
    this.ring.write(data, 0, data.length);
    if (this.ports.segments.watched) this.ports.segments.show(this, this.peer!, 0);
    this.queue.notify(READABLE);
  }

  readiness(): number {
    if (this.accepting !== null) return this.accepting.made.length > 0 ? READABLE : 0;
    if (this.phase === TCP_SYN_SENT) return 0;
    let mask = this.error !== 0 ? POLLERR : 0;
    if (this.rcvShut) mask |= READABLE | POLLRDHUP;
    if ((this.rcvShut && this.sndShut) || this.phase === TCP_CLOSE) mask |= POLLHUP;
    const { urgent, ring } = this;
    const enough = this.options.rcvLowat + (urgent.skips(ring.readPos) ? 1 : 0);
    if (ring.used >= enough || (this.options.rcvLowat > 1 && this.isFull)) mask |= READABLE;
    if (urgent.pending) mask |= POLLPRI;
    if (this.sndShut || this.phase === TCP_CLOSE || this.peer!.closed) mask |= WRITABLE;
    else if (roomy(this.peer!.ring.used + (this.peer!.unheard?.bytes ?? 0), this.capacity)) mask |= WRITABLE;
    return mask;
  }
}

/** Writable in the sense of poll(2): a third of the buffer is free. */
function roomy(used: number, capacity: number): boolean {
  return (capacity - used) * 3 >= capacity;
}
