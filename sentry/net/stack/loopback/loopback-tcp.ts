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
  EINPROGRESS,
  EINVAL,
  EISCONN,
  ENETUNREACH,
  ENOTCONN,
  ETIMEDOUT,
} from '../../../abi/errno.ts';
import { POLLHUP, POLLRDHUP, READABLE, WRITABLE } from '../../../abi/poll.ts';
import { SHUT_RD, SHUT_RDWR, SHUT_WR } from '../../../abi/socket.ts';
import { Timer } from '../../../time/timers.ts';
import type { PacketView, SocketFilter } from '../../../base/bpf/socket-filter.ts';
import type { TcpEndpoint } from '../inet-stack.ts';
import { ANY4, LOOPBACK4, LOOPBACK6, isAny, isLoopback, isV4, sameEndpoint } from '../ip.ts';
import type { Endpoint, Ip } from '../ip.ts';
import { AcceptQueue } from './accept-queue.ts';
import { covers } from './port-table.ts';
import type { PortHolder } from './port-table.ts';
import { chooseMember, joinGroup, setGroupFilter } from './reuse-group.ts';
import { RST } from './tcp-segments.ts';
import { TCP_FIN_WAIT2, TimeWait } from './time-wait.ts';
import { TCP_ESTABLISHED, TCP_SYN_SENT, TCP_CLOSE, TCP_LISTEN, ALL } from './tcp-connection.ts';
import { TcpData } from './tcp-data.ts';

/** net.ipv4.tcp_syn_linear_timeouts and one: so many tries are a second apart, then the pauses double. */
const LINEAR_SYNS = 5;

export class LoopbackTcp extends TcpData implements TcpEndpoint {
  get listening(): boolean {
    return this.phase === TCP_LISTEN;
  }

  get queued(): number {
    return this.accepting === null ? this.urgent.readable(this.ring) : this.accepting.made.length;
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

  /** Would a SYN from anywhere be taken? */
  get takesSyn(): boolean {
    return this.options.filter === null && !this.accepting!.full;
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
}
