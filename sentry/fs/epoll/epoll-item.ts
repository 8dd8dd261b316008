/** One watched descriptor of an epoll instance: the pair (description, descriptor number) of epoll(7), Q1. */
import { EPOLL_PRIVATE_BITS } from '../../abi/epoll.ts';
import { Waiter } from '../../base/wait-queue.ts';
import type { FileDescription, ReleaseListener } from '../../vfs/file-description.ts';
import type { EpollFile } from './epoll-file.ts';

export class EpollItem extends Waiter implements ReleaseListener {
  readonly epoll: EpollFile;
  readonly file: FileDescription;
  readonly fd: number;
  /** Events and steering bits as given to epoll_ctl; 0 but for steering bits once a oneshot item has fired. */
  events: number;
  dataLo: number;
  dataHi: number;
  /** Links of the ready list. */
  ready = false;
  readyPrev: EpollItem | null = null;
  readyNext: EpollItem | null = null;
  /** Next of the items that watch the same description, in any instance (FileDescription.epollLinks is the first). */
  nextOfFile: EpollItem | null = null;
  /** Next of this instance's items with the same descriptor number: the older ones were dup'd elsewhere. */
  nextOfFd: EpollItem | null = null;

  constructor(
    epoll: EpollFile,
    file: FileDescription,
    fd: number,
    events: number,
    dataLo: number,
    dataHi: number,
  ) {
    super(announce);
    this.epoll = epoll;
    this.file = file;
    this.fd = fd;
    this.events = events;
    this.dataLo = dataLo;
    this.dataHi = dataHi;
  }

  /** Events asked for that hold now. */
  current(): number {
    return this.file.readiness() & this.events & ~EPOLL_PRIVATE_BITS;
  }

  /** The description's last reference goes: every item on it ends. */
  onRelease(): void {
    for (let next = this.nextOfFile; next !== null;) {
      const item = next;
      next = item.nextOfFile;
      item.epoll.dropItem(item);
    }
    this.epoll.dropItem(this);
  }
}

/** Called by the watched file's queue: one function for all items, so that a watch allocates no closure. */
function announce(_mask: number, waiter: Waiter): void {
  const item = waiter as EpollItem;
  if ((item.events & ~EPOLL_PRIVATE_BITS) === 0) return;
  item.epoll.itemReady(item);
}
