/** The wait queue of a host descriptor: the host's epoll is asked to watch it when somebody waits, and no earlier. */
import { POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from '../abi/poll.ts';
import type { Waiter } from './wait-queue.ts';
import { WaitQueue } from './wait-queue.ts';

/** Announces readiness of a host descriptor with poll(2) bits, edge-triggered: Platform.watch. */
export interface Watcher {
  watch(fd: number, callback: (mask: number) => void): void;
  /** `gone`: nobody else has what the descriptor stands for, and it will be closed: the host forgets it by itself. */
  unwatch(fd: number, gone?: boolean): void;
  settle(fd: number): number;
  /** Announces at once what there is to announce: something has been done that others wait for. */
  announce(): void;
}

/** After so many changes in a row that nobody waited for, the host is asked no more: each wakes this process. */
const IDLE_CHANGES = 8;

export class HostQueue extends WaitQueue {
  private fd = -1;
  private watcher: Watcher | null = null;
  private watching = false;
  /** The host has yet to announce what held at the start of the watch. */
  private fresh = false;
  private idle = 0;

  /** Speaks of this descriptor from now on. */
  attach(fd: number, watcher: Watcher): this {
    this.fd = fd;
    this.watcher = watcher;
    if (!this.empty) this.begin();
    return this;
  }

  /**
   * What holds at the start of a watch is announced too, so nothing is lost between a look and a wait. To who waits for
   * edges it would look like one.
   */
  override add(waiter: Waiter, mask: number): void {
    if (!this.watching) this.begin();
    if (waiter.edge && this.fresh) this.settle();
    super.add(waiter, mask);
  }

  private begin(): void {
    if (this.watcher === null) return;
    this.watching = this.fresh = true;
    this.idle = 0;
    this.watcher.watch(this.fd, (bits) => this.changed(bits));
  }

  private settle(): void {
    this.fresh = false;
    const bits = this.watcher?.settle(this.fd) ?? 0;
    if (bits !== 0 && !this.empty) this.changed(bits);
  }

  private changed(bits: number): void {
    this.fresh = false;
    if (this.empty) {
      if (++this.idle >= IDLE_CHANGES) this.end();
      return;
    }
    this.idle = 0;
    const more = ((bits & POLLIN) !== 0 ? POLLRDNORM : 0) | ((bits & POLLOUT) !== 0 ? POLLWRNORM : 0);
    this.notify((bits & 0xffff) | more);
  }

  /** Before the descriptor is closed; `gone`: it is the last one. */
  end(gone = false): void {
    if (!this.watching) return;
    this.watching = false;
    this.watcher?.unwatch(this.fd, gone);
  }
}
