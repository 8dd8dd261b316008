/**
 * The other side of a connection to a process of the host (--host-uds): a unix socket of the host's, which the gofer has
 * connected. Only data goes through: no descriptors, no credentials.
 */
import { addon } from '../../../../native/addon.ts';
import { EOPNOTSUPP } from '../../../abi/errno.ts';
import { POLLERR, POLLHUP, POLLNVAL, POLLRDHUP, READABLE, WRITABLE } from '../../../abi/poll.ts';
import { MSG_EOR, MSG_OOB, MSG_PEEK } from '../../../abi/socket.ts';
import type { Watcher } from '../../../base/host-queue.ts';
import type { WaitQueue } from '../../../base/wait-queue.ts';
import type { Message } from '../message.ts';

const ALL_BITS = READABLE | WRITABLE | POLLERR | POLLHUP | POLLRDHUP;

export class HostPeer {
  private readonly fd: number;
  private readonly watcher: Watcher;
  private watched = false;

  constructor(fd: number, watcher: Watcher) {
    this.fd = fd;
    this.watcher = watcher;
  }

  /** Announces there what the host announces here. */
  watch(queue: WaitQueue): void {
    this.watched = true;
    this.watcher.watch(this.fd, (bits) => queue.notify(bits));
  }

  send(msg: Message): number {
    if (msg.rights !== null || (msg.flags & MSG_OOB) !== 0) return -EOPNOTSUPP;
    return addon.socketSend(this.fd, msg.buf, msg.off, msg.len, msg.flags & MSG_EOR);
  }

  receive(msg: Message): number {
    if ((msg.flags & MSG_OOB) !== 0) return -EOPNOTSUPP;
    return addon.socketReceive(this.fd, msg.buf, msg.off, msg.len, msg.flags & MSG_PEEK);
  }

  /** The name that it has on the host. */
  name(out: Uint8Array): number {
    return addon.socketName(this.fd, true, out);
  }

  shutdown(how: number): number {
    return addon.socketShutdown(this.fd, how);
  }

  readiness(): number {
    const now = addon.poll(this.fd, ALL_BITS);
    return now < 0 ? POLLERR : now & ~POLLNVAL;
  }

  get pendingBytes(): number {
    return addon.pendingBytes(this.fd);
  }

  close(): void {
    if (this.watched) this.watcher.unwatch(this.fd);
    addon.close(this.fd);
  }
}
