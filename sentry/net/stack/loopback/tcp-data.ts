/** Data of a TCP connection over lo, urgent data too: written into the ring of the other end, read from the own one. */
import { EAGAIN, EINVAL, ENOTCONN, EPIPE } from '../../../abi/errno.ts';
import { POLLERR, POLLHUP, POLLPRI, POLLRDHUP, READABLE, WRITABLE } from '../../../abi/poll.ts';
import { CLOCK_REALTIME } from '../../../time/clock.ts';
import { PSH, RST, URG } from './tcp-segments.ts';
import { Unheard } from './unheard.ts';
import { TcpConnection, TCP_ESTABLISHED, TCP_SYN_SENT, TCP_CLOSE, TCP_LISTEN } from './tcp-connection.ts';

export abstract class TcpData extends TcpConnection {
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
  private sendFiltered(buf: Uint8Array, off: number, len: number, peer: TcpConnection): number {
    const unheard = (peer.unheard ??= new Unheard());
    const free = this.capacity - peer.ring.used - unheard.bytes;
    if (free <= 0) return -EAGAIN;
    const data = buf.slice(off, off + Math.min(len, free));
    if (this.ports.segments.watched) this.ports.segments.showData(this, peer, data);
    unheard.add(data);
    peer.hearAgain();
    return data.length;
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
