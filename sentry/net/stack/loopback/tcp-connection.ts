/**
 * One end of a TCP connection over lo: what both ends know of each other, and how it ends. Data is the matter of
 * tcp-data.ts, making connections that of loopback-tcp.ts.
 */
import { ECONNRESET, EPIPE } from '../../../abi/errno.ts';
import { POLLERR, POLLHUP, POLLRDHUP, READABLE, WRITABLE } from '../../../abi/poll.ts';
import { ByteRing, ringBytes } from '../../../base/byte-ring.ts';
import { WaitQueue } from '../../../base/wait-queue.ts';
import type { Timer } from '../../../time/timers.ts';
import { defaultEndpointOptions } from '../inet-stack.ts';
import type { EndpointOptions } from '../inet-stack.ts';
import { ANY4, ANY6 } from '../ip.ts';
import type { Endpoint, Ip } from '../ip.ts';
import type { AcceptQueue } from './accept-queue.ts';
import type { PortHolder } from './port-table.ts';
import type { ReuseGroup } from './reuse-group.ts';
import type { TcpPorts } from './tcp-ports.ts';
import type { SegmentTarget } from './tcp-input.ts';
import { FIN } from './tcp-segments.ts';
import { TCP_FIN_WAIT2, TCP_TIME_WAIT, TimeWait } from './time-wait.ts';
import { Unheard } from './unheard.ts';
import type { Hearer } from './unheard.ts';
import { Urgent } from './urgent.ts';
import type { LoopbackTcp } from './loopback-tcp.ts';

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
/** What changes when a connection comes to be or ends. */
export const ALL = READABLE | WRITABLE | POLLRDHUP | POLLHUP | POLLERR;

/** Members that the interfaces do not name are for the other end of the connection, and for the classes above. */
export abstract class TcpConnection implements PortHolder, Hearer, SegmentTarget {
  readonly firstSequence: number;
  reuseGroup: ReuseGroup | null = null;
  readonly queue: WaitQueue;
  readonly options: EndpointOptions = defaultEndpointOptions();
  local: Endpoint;
  remote: Endpoint | null = null;
  readonly v6: boolean;
  chosenByConnect = false;
  readonly ports: TcpPorts;
  /** In the table of ports; and by bind(2), so that the end of a connection does not end it. */
  protected holding = false;
  protected bound = false;
  /** The address that bind(2) gave, before connect chose a source. */
  protected boundIp: Ip;
  phase = TCP_CLOSE;
  error = 0;
  /** Received and not read. */
  readonly ring = new ByteRing();
  readonly urgent = new Urgent();
  peer: TcpConnection | null = null;
  /** What the filter doesn't let in. */
  unheard: Unheard | null = null;
  /** FIN came (or SHUT_RD was asked for); FIN was sent. */
  rcvShut = false;
  finReceived = false;
  sndShut = false;
  arrivedNs = 0;
  closed = false;
  /** A close(2) waits until the other side has room for what was sent. */
  protected awaited = false;
  accepting: AcceptQueue | null = null;
  /** The listener without room that a connect waits at, and for how long. */
  waitingAt: LoopbackTcp | null = null;
  protected connectTimer: Timer | null = null;
  /** What keeps the port once the program has gone. */
  protected remains: TimeWait | null = null;

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

  get connected(): boolean {
    return this.phase === TCP_ESTABLISHED;
  }

  get hasError(): boolean {
    return this.error !== 0;
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

  abstract get takesSyn(): boolean;
  abstract get listening(): boolean;

  takeError(): number {
    const error = this.error;
    this.error = 0;
    return error;
  }

  keepError(error: number): void {
    this.error = error;
  }

  protected hold(local: Endpoint): void {
    this.local = local;
    this.holding = true;
    this.ports.table.add(this);
  }

  protected letGo(): void {
    if (this.holding) this.ports.table.remove(this);
    this.holding = false;
  }

  // ---- data
  get capacity(): number {
    const mine = this.options.sndbuf === 0 ? DEFAULT_CAPACITY / 2 : this.options.sndbuf;
    const wanted = mine + this.peer!.receiveBuffer;
    return ringBytes() > PRESSURE ? Math.min(wanted, PRESSED_CAPACITY) : wanted;
  }

  /** More will not come before something is read. */
  protected get isFull(): boolean {
    return this.peer !== null && this.ring.used >= this.peer.capacity;
  }

  get receiveBuffer(): number {
    return this.options.rcvbuf === 0 ? DEFAULT_CAPACITY / 2 : this.options.rcvbuf;
  }

  /** RFC 1122, 4.2.2.13: both directions are shut down, so that data which comes now is lost. */
  get hearsNothing(): boolean {
    return this.rcvShut && this.sndShut && !this.finReceived;
  }

  sendFin(): void {
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

  waitOut(): void {
    if (this.remains !== null) this.ports.waits.finReceived(this.remains);
    else if (this.phase === TCP_ESTABLISHED) this.leaveBehind(TCP_TIME_WAIT);
    this.phase = TCP_CLOSE;
  }

  /** Hands the port over to what remains of the connection. */
  protected leaveBehind(state: number): void {
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
  protected endConnection(): void {
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

  /** The connection ends by a reset from the other side. */
  reset(): void {
    this.dropRemains();
    if (this.phase !== TCP_ESTABLISHED) return;
    this.error = this.finReceived && !this.sndShut ? EPIPE : ECONNRESET;
    this.rcvShut = this.sndShut = true;
    this.endConnection();
    this.queue.notify(ALL);
  }

  announceArrivals(): void {
    this.awaited = true;
  }

  arrived(): void {
    if (this.awaited) this.queue.notify(WRITABLE);
  }

  hearAgain(): void {
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
}
