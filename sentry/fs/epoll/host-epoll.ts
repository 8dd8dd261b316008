/**
 * The half of an epoll instance that the host keeps: an instance of its own kernel with the guest's sockets of the
 * host's, under the guest's events and data. What the Sentry watches itself shows there as a bell, which is readable
 * while some of that may be ready: so a guest's stub can wait for everything at one place (native/stub/sockets.c).
 */
import { addon } from '../../../native/addon.ts';
import { EPOLL_BELL_HIGH, FD_SOCKETS } from '../../../native/layout/layout.ts';
import {
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_DATA_OFFSET,
  EPOLL_EVENT_SIZE,
  EPOLL_PRIVATE_BITS,
} from '../../abi/epoll.ts';
import { EEXIST } from '../../abi/errno.ts';
import { POLLIN } from '../../abi/poll.ts';
import type { EventSink } from './epoll-file.ts';

/** Most events that are taken at once. */
const BATCH = 1024;
const taken = new Uint8Array(BATCH * EPOLL_EVENT_SIZE);
const view = new DataView(taken.buffer);
const one = new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0]);
const count = new Uint8Array(8);

export class HostEpoll {
  readonly fd: number;
  private readonly bell: number;
  private rung = false;

  private constructor(fd: number, bell: number) {
    this.fd = fd;
    this.bell = bell;
  }

  /** Null where the host has no descriptors left. */
  static create(): HostEpoll | null {
    const fd = addon.epollCreate();
    if (fd < 0) return null;
    const bell = addon.eventfd();
    if (bell >= 0 && addon.epollControl(fd, EPOLL_CTL_ADD, bell, bell, POLLIN, 0, EPOLL_BELL_HIGH) === 0)
      return new HostEpoll(fd, bell);
    addon.close(fd);
    if (bell >= 0) addon.close(bell);
    return null;
  }

  /**
   * epoll_ctl(2) of the socket that the guest has as `fd`: under the number that its stub has it by, since the stub
   * makes such calls, too. So it is the host that knows what is watched, and forgets it with the socket.
   */
  control(
    operation: number,
    socket: number,
    fd: number,
    events: number,
    dataLo: number,
    dataHi: number,
  ): number {
    return addon.epollControl(this.fd, operation, socket, FD_SOCKETS + fd, events, dataLo, dataHi);
  }

  /** Is the socket among those that the host watches for this descriptor? */
  has(socket: number, fd: number): boolean {
    const r = this.control(EPOLL_CTL_ADD, socket, fd, 0, 0, 0);
    if (r === 0) this.control(EPOLL_CTL_DEL, socket, fd, 0, 0, 0);
    return r === -EEXIST;
  }

  /** Something of the Sentry's may be ready, or nothing is. */
  ring(): void {
    if (this.rung) return;
    this.rung = true;
    addon.write(this.bell, one, 0, 8);
  }
  silence(): void {
    if (!this.rung) return;
    this.rung = false;
    addon.read(this.bell, count, 0, 8);
  }

  /** Is anything of the host's ready, the bell apart? */
  ready(): boolean {
    return !this.rung && addon.poll(this.fd, POLLIN) > 0;
  }

  /** Hands out at most `max` ready events; their count. */
  take(sink: EventSink, max: number): number {
    const n = addon.epollTake(this.fd, taken, Math.min(max, BATCH));
    let delivered = 0;
    for (let i = 0, at = 0; i < n; i++, at += EPOLL_EVENT_SIZE) {
      const high = view.getUint32(at + EPOLL_DATA_OFFSET + 4, true);
      if (high === EPOLL_BELL_HIGH) continue;
      const events = view.getInt32(at, true) & ~EPOLL_PRIVATE_BITS;
      sink(events, view.getUint32(at + EPOLL_DATA_OFFSET, true), high);
      delivered++;
    }
    return delivered;
  }

  close(): void {
    addon.close(this.fd);
    addon.close(this.bell);
  }
}
