/** Connection-oriented AF_UNIX sockets: listen, connect, accept, shutdown. Streams and seqpackets extend it. */
import { EAGAIN, ECONNREFUSED, ECONNRESET, EINVAL, EISCONN, ENOTCONN } from '../../../abi/errno.ts';
import { POLLERR, POLLHUP, POLLRDHUP, POLLWRBAND, READABLE, WRITABLE } from '../../../abi/poll.ts';
import { SHUT_RD, SHUT_RDWR, SHUT_WR, SOMAXCONN } from '../../../abi/socket.ts';
import type { WaitQueue } from '../../../base/wait-queue.ts';
import type { CallerContext } from '../../../vfs/context.ts';
import type { PeerCredentials } from '../message.ts';
import { HostPeer } from './host-peer.ts';
import { putUnixAddress } from './unix-address.ts';
import type { Rights } from './rights.ts';
import { UNKNOWN_CREDS, UnixSocket, credsOf } from './unix-socket.ts';

export abstract class UnixConnectionSocket extends UnixSocket {
  declare peer: UnixConnectionSocket | null;
  /** Connections made and not accepted yet; null: not listening. */
  private backlog: UnixConnectionSocket[] | null = null;
  private backlogLimit = 0;
  /** Credentials of the last listen(2) caller: what connectors see as SO_PEERCRED. */
  private listenCreds: PeerCredentials | null = null;
  private listenGroups: readonly number[] = [];
  /** Instead of `peer`: a process of the host. */
  protected host: HostPeer | null = null;
  private connectingTo: UnixConnectionSocket | null = null;

  /** A socket of the same kind for the server's side. */
  protected abstract newPeer(ctx: CallerContext): UnixConnectionSocket;
  protected abstract get hasData(): boolean;
  /** May more be sent: the writability of poll(2). */
  protected abstract get hasRoom(): boolean;
  protected abstract clearQueue(): void;

  override get listening(): boolean {
    return this.backlog !== null;
  }
  /** Inodes of the connectors that wait to be accepted. */
  get waitingInodes(): number[] {
    return (this.backlog ?? []).map((server) => server.peer!.inode.ino);
  }
  override get queueLengths(): readonly [number, number] {
    if (this.backlog !== null) return [this.backlog.length, this.backlogLimit];
    return [this.heldBytes, this.peer?.heldBytes ?? 0];
  }
  /** Received and not read. */
  protected abstract get heldBytes(): number;
  get connected(): boolean {
    return this.peer !== null || this.host !== null;
  }
  private get backlogFull(): boolean {
    return this.backlog!.length > this.backlogLimit;
  }

  override listen(backlog: number, ctx: CallerContext): number {
    if (this.address === null || this.connected) return -EINVAL;
    this.backlog ??= [];
    this.backlogLimit = Math.min(backlog >>> 0, SOMAXCONN);
    this.listenCreds = credsOf(ctx);
    this.listenGroups = ctx.creds.groups;
    // A larger backlog may let blocked connectors in.
    this.queue.notify(WRITABLE);
    return 0;
  }

  connect(addr: Uint8Array, len: number, ctx: CallerContext): number {
    const found = this.lookup(addr, len, ctx);
    if (typeof found === 'number') return found;
    if (found instanceof HostPeer) return this.joinHost(found);
    const listener = found as UnixConnectionSocket;
    if (!listener.listening || listener.rcvShut) return -ECONNREFUSED;
    if (this.options.asksSender && this.address === null) this.autobind();
    if (this.connected) return -EISCONN;
    if (this.listening) return -EINVAL;
    if (listener.backlogFull) {
      this.connectingTo = listener;
      return -EAGAIN;
    }
    const server = this.newPeer(ctx);
    server.address = listener.address;
    server.embryo = true;
    server.setPeer(this, credsOf(ctx), ctx.creds.groups);
    this.setPeer(server, listener.listenCreds, listener.listenGroups);
    listener.backlog!.push(server);
    listener.queue.notify(READABLE);
    // The socket was readable as hung up while unconnected; watchers look again.
    this.queue.notify(WRITABLE);
    return 0;
  }

  private joinHost(host: HostPeer): number {
    if (this.connected || this.listening) {
      host.close();
      return this.connected ? -EISCONN : -EINVAL;
    }
    this.host = host;
    this.peerCreds = UNKNOWN_CREDS;
    host.watch(this.queue);
    this.queue.notify(WRITABLE);
    return 0;
  }

  override connectQueue(): WaitQueue {
    return (this.connectingTo ?? this).queue;
  }

  override accept(flags: number): UnixConnectionSocket | number {
    if (this.backlog === null) return -EINVAL;
    if (this.rcvShut) return -EINVAL;
    const wasFull = this.backlogFull;
    const server = this.backlog.shift();
    if (server === undefined) return -EAGAIN;
    server.flags |= flags;
    server.embryo = false;
    server.options.passCred = this.options.passCred;
    server.options.passPidfd = this.options.passPidfd;
    if (wasFull) this.queue.notify(WRITABLE);
    return server;
  }

  /** socketpair(2). */
  pairWith(other: UnixConnectionSocket, ctx: CallerContext): void {
    const creds = credsOf(ctx);
    this.setPeer(other, creds, ctx.creds.groups);
    other.setPeer(this, creds, ctx.creds.groups);
  }

  peerAddress(out: Uint8Array): number {
    if (this.host !== null) return this.host.name(out);
    return this.peer === null ? -ENOTCONN : putUnixAddress(out, this.peer.address);
  }

  shutdown(how: number): number {
    if (how < SHUT_RD || how > SHUT_RDWR) return -EINVAL;
    if (this.host !== null) return this.host.shutdown(how);
    const peer = this.peer;
    if (how !== SHUT_WR) this.rcvShut = true;
    if (how !== SHUT_RD) this.sndShut = true;
    if (peer !== null && !peer.dead) {
      if (how !== SHUT_WR) peer.sndShut = true;
      if (how !== SHUT_RD) peer.rcvShut = true;
      peer.announceShutdown();
    }
    this.announceShutdown();
    return 0;
  }

  private announceShutdown(): void {
    const hup = this.rcvShut && this.sndShut ? POLLHUP : 0;
    this.queue.notify(READABLE | WRITABLE | POLLRDHUP | hup);
  }

  override readiness(): number {
    if (this.host !== null) return this.host.readiness() | (this.pendingError !== 0 ? POLLERR : 0);
    if (this.backlog !== null) {
      return (this.backlog.length > 0 ? READABLE : 0) | (this.rcvShut ? READABLE | POLLRDHUP : 0);
    }
    let mask = 0;
    if (this.pendingError !== 0) mask |= POLLERR;
    if (this.rcvShut) mask |= READABLE | POLLRDHUP;
    if (this.hasData) mask |= READABLE;
    if (this.peer === null || (this.rcvShut && this.sndShut)) mask |= POLLHUP;
    if (this.peer === null || this.peer.dead || this.hasRoom) mask |= WRITABLE | POLLWRBAND;
    return mask;
  }

  protected override disconnect(): void {
    this.host?.close();
    this.host = null;
    const peer = this.peer;
    if (peer !== null && !peer.dead) {
      if (this.hasData) peer.pendingError = ECONNRESET;
      peer.rcvShut = true;
      peer.sndShut = true;
      peer.queue.notify(READABLE | WRITABLE | POLLRDHUP | POLLHUP | POLLERR);
    }
    const backlog = this.backlog;
    this.backlog = backlog === null ? null : [];
    for (const server of backlog ?? []) {
      const client = server.peer!;
      server.release();
      // Nobody ever took the connection.
      if (!client.dead) client.pendingError = ECONNRESET;
    }
    this.rcvShut = true;
    this.queue.notify(READABLE | WRITABLE | POLLHUP);
    this.clearQueue();
  }

  override eachQueuedRights(visit: (rights: Rights) => void): void {
    for (const server of this.backlog ?? []) server.eachQueuedRights(visit);
  }
  override dropQueuedRights(): void {
    for (const server of this.backlog ?? []) server.dropQueuedRights();
  }
}
