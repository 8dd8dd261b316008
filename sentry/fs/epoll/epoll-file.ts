/**
 * epoll instances (epoll(7)). Watched files announce changes through their wait queues; an announced item joins the
 * ready list, and epoll_wait looks only at that list. Level-triggered items stay on it until found not ready.
 */
import {
  EPOLL_BELL_HIGH,
  SOCKET_EPOLL,
  SOCKET_EPOLL_WAIT,
  SOCKET_NONE,
} from '../../../native/layout/layout.ts';
import { EEXIST, EINVAL, ENOENT, EPERM } from '../../abi/errno.ts';
import {
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  EPOLL_PRIVATE_BITS,
  EPOLLET,
  EPOLLEXCLUSIVE,
  EPOLLONESHOT,
} from '../../abi/epoll.ts';
import { O_RDWR } from '../../abi/fcntl.ts';
import { POLLERR, POLLHUP, READABLE } from '../../abi/poll.ts';
import type { KeptSocket } from '../../../platform/platform.ts';
import { HostQueue } from '../../base/host-queue.ts';
import { sharedAnonInode } from '../../vfs/anon-inode.ts';
import type { FileDescription } from '../../vfs/file-description.ts';
import type { CallerContext, OwnIo } from '../../vfs/context.ts';
import { EpollItem } from './epoll-item.ts';
import { HostEpoll } from './host-epoll.ts';
import { EpollNode, nestingAllowed } from './nesting.ts';

/** An instance that is waited on so often is worth a descriptor in the stub. */
const WAITS_BEFORE_OFFER = 8;

/** Sockets under higher descriptors are watched here: the number is one of ours, too, for a moment. */
const MOST_DESCRIPTORS = 65536;

function hostMayHave(fd: number, dataHi: number): boolean {
  return fd < MOST_DESCRIPTORS && dataHi !== EPOLL_BELL_HIGH;
}

/** Receives ready events; one per call. */
export type EventSink = (events: number, dataLo: number, dataHi: number) => void;

export class EpollFile extends EpollNode implements OwnIo {
  override readonly queue = new HostQueue();
  private readonly items = new Map<number, EpollItem>();
  private readyHead: EpollItem | null = null;
  private readyTail: EpollItem | null = null;
  private readyCount = 0;
  /** For what the host can watch; made with the first of it. */
  private host: HostEpoll | null = null;
  private waits = 0;
  /** The stubs that have it. */
  private stubs: KeptSocket[] = [];
  /** Sockets of the host's that are watched here nevertheless. */
  private socketsHere = 0;

  constructor() {
    super(O_RDWR, null, sharedAnonInode);
  }

  override name(): string {
    return 'anon_inode:[eventpoll]';
  }

  /** EPOLL_CTL_ADD. 0, -EEXIST, -EPERM (the file cannot be polled), -ELOOP, -EINVAL. */
  add(file: FileDescription, fd: number, events: number, dataLo: number, dataHi: number): number {
    if (file.queue === null) return -EPERM;
    if (this.find(file, fd) !== null) return -EEXIST;
    const given = this.giveToHost(file, fd, events, dataLo, dataHi);
    if (given === 0 || given === -EEXIST) return given;
    const item = new EpollItem(this, file, fd, events | POLLERR | POLLHUP, dataLo, dataHi);
    item.exclusive = (events & EPOLLEXCLUSIVE) !== 0;
    item.edge = (events & EPOLLET) !== 0;
    this.insert(item);
    const nesting = nestingAllowed(this, file);
    if (nesting < 0) {
      this.dropItem(item);
      return nesting;
    }
    file.queue.add(item, events & ~EPOLL_PRIVATE_BITS);
    if (item.current() !== 0) this.itemReady(item);
    return 0;
  }

  /** 0: the host watches it, and knows of it alone; -EEXIST: it did before. Else it has to be watched here. */
  private giveToHost(
    file: FileDescription,
    fd: number,
    events: number,
    dataLo: number,
    dataHi: number,
  ): number {
    const source = file.pollSource;
    if (source === null) return -EPERM;
    // The host wakes only one of its instances where a process sleeps in each: ours may be watched, too.
    if ((events & EPOLLEXCLUSIVE) !== 0 || !hostMayHave(fd, dataHi))
      return this.host?.has(source.hostFd, fd) ? -EEXIST : -EPERM;
    if (this.host === null) {
      this.host = HostEpoll.create();
      if (this.host === null) return -EPERM;
      this.queue.attach(this.host.fd, source.watcher);
      if (this.readyCount > 0) this.host.ring();
    }
    return this.host.control(EPOLL_CTL_ADD, source.hostFd, fd, events, dataLo, dataHi);
  }

  /** EPOLL_CTL_MOD. 0, -ENOENT, -EINVAL for an exclusive item. */
  modify(file: FileDescription, fd: number, events: number, dataLo: number, dataHi: number): number {
    const item = this.find(file, fd);
    if (item === null) {
      const source = file.pollSource;
      if (this.host === null || source === null) return -ENOENT;
      if (hostMayHave(fd, dataHi))
        return this.host.control(EPOLL_CTL_MOD, source.hostFd, fd, events, dataLo, dataHi);
      const r = this.host.control(EPOLL_CTL_DEL, source.hostFd, fd, 0, 0, 0);
      return r < 0 ? r : this.add(file, fd, events, dataLo, dataHi);
    }
    if ((item.events & EPOLLEXCLUSIVE) !== 0) return -EINVAL;
    item.events = events | POLLERR | POLLHUP;
    item.dataLo = dataLo;
    item.dataHi = dataHi;
    item.mask = item.events & ~EPOLL_PRIVATE_BITS;
    const edge = (events & EPOLLET) !== 0;
    if (edge && !item.edge) {
      // Its queue has to know before it announces anything more.
      item.edge = true;
      item.remove();
      file.queue?.add(item, item.mask);
    }
    item.edge = edge;
    // A change of an edge-triggered item reports what already holds once more.
    if (item.current() !== 0) this.itemReady(item);
    return 0;
  }

  /** EPOLL_CTL_DEL. */
  remove(file: FileDescription, fd: number): number {
    const item = this.find(file, fd);
    if (item === null) {
      const source = file.pollSource;
      if (this.host === null || source === null) return -ENOENT;
      return this.host.control(EPOLL_CTL_DEL, source.hostFd, fd, 0, 0, 0);
    }
    this.dropItem(item);
    return 0;
  }

  /** Hands out at most `max` ready events; their count. */
  collect(sink: EventSink, max: number): number {
    let delivered = 0;
    // Level-triggered items go back to the tail, behind this round's end.
    for (let left = this.readyCount; left > 0 && delivered < max; left--) {
      const item = this.readyHead!;
      this.unlinkReady(item);
      const events = item.current();
      if (events === 0) continue;
      sink(events, item.dataLo, item.dataHi);
      delivered++;
      if ((item.events & EPOLLONESHOT) !== 0) item.events &= EPOLL_PRIVATE_BITS;
      else if ((item.events & EPOLLET) === 0) this.linkReady(item);
    }
    if (this.host === null) return delivered;
    if (this.readyCount === 0) this.host.silence();
    return delivered < max ? delivered + this.host.take(sink, max - delivered) : delivered;
  }

  /** How many events the next collect() could yield, at most. */
  get pending(): number {
    return this.host === null ? this.readyCount : Infinity;
  }

  // ---- what a stub does by itself
  get hostFd(): number {
    return this.host === null ? -1 : this.host.fd;
  }
  ownIoMode(): number {
    if (this.host === null) return SOCKET_NONE;
    // What a stub adds is not compared with what is watched here.
    return this.socketsHere > 0 ? SOCKET_EPOLL_WAIT : SOCKET_EPOLL;
  }
  given(to: KeptSocket): void {
    this.stubs = this.stubs.filter((stub) => !stub.dropped);
    this.stubs.push(to);
  }
  private watchesSocket(change: number): void {
    this.socketsHere += change;
    const mode = this.ownIoMode();
    for (const stub of this.stubs) stub.setMode(mode);
  }
  /** A wait that came to the kernel: after some the caller's stub may do it. */
  waited(ctx: CallerContext): void {
    if (this.host !== null && ++this.waits % WAITS_BEFORE_OFFER === 0) ctx.ownIo = this;
  }

  override ioctl(): number {
    return -EINVAL;
  }

  /** lseek(2) succeeds and does nothing. */
  override seek(): number {
    return 0;
  }

  override readiness(): number {
    for (let item = this.readyHead; item !== null; item = this.readyHead) {
      if (item.current() !== 0) return READABLE;
      this.unlinkReady(item);
    }
    if (this.host === null) return 0;
    this.host.silence();
    return this.host.ready() ? READABLE : 0;
  }

  override release(): void {
    for (const first of this.items.values()) {
      for (let item: EpollItem | null = first; item !== null;) {
        const next: EpollItem | null = item.nextOfFd;
        this.dropItem(item);
        item = next;
      }
    }
    this.queue.end();
    this.host?.close();
    this.host = null;
  }

  /** Files that this instance watches, for the nesting check and /proc/PID/fdinfo. */
  *watched(): Generator<EpollItem> {
    for (const first of this.items.values()) {
      for (let item: EpollItem | null = first; item !== null; item = item.nextOfFd) yield item;
    }
  }

  // ---- for EpollItem
  itemReady(item: EpollItem): void {
    // An exclusive item spares the others only when somebody here is there to take the event.
    item.taken = !this.queue.empty;
    if (!item.ready) this.linkReady(item);
    this.host?.ring();
    this.queue.notify(READABLE);
  }

  /** Ends a watch: takes the item off its file, the table and the ready list. */
  dropItem(item: EpollItem): void {
    item.remove();
    if (item.file.pollSource !== null) this.watchesSocket(-1);
    if (item.ready) this.unlinkReady(item);
    const first = this.items.get(item.fd);
    if (first === item) {
      if (item.nextOfFd === null) this.items.delete(item.fd);
      else this.items.set(item.fd, item.nextOfFd);
    } else {
      for (let at: EpollItem | null = first ?? null; at !== null; at = at.nextOfFd) {
        if (at.nextOfFd === item) at.nextOfFd = item.nextOfFd;
      }
    }
    const file = item.file;
    if (file.epollLinks === item) {
      file.epollLinks = item.nextOfFile;
      return;
    }
    for (let at = file.epollLinks as EpollItem | null; at !== null; at = at.nextOfFile) {
      if (at.nextOfFile === item) at.nextOfFile = item.nextOfFile;
    }
  }

  private find(file: FileDescription, fd: number): EpollItem | null {
    let item = this.items.get(fd) ?? null;
    while (item !== null && item.file !== file) item = item.nextOfFd;
    return item;
  }

  private insert(item: EpollItem): void {
    item.nextOfFd = this.items.get(item.fd) ?? null;
    this.items.set(item.fd, item);
    item.nextOfFile = item.file.epollLinks as EpollItem | null;
    item.file.epollLinks = item;
    if (item.file.pollSource !== null) this.watchesSocket(1);
  }

  private linkReady(item: EpollItem): void {
    item.ready = true;
    item.readyPrev = this.readyTail;
    if (this.readyTail === null) this.readyHead = item;
    else this.readyTail.readyNext = item;
    this.readyTail = item;
    this.readyCount++;
  }

  private unlinkReady(item: EpollItem): void {
    if (item.readyPrev === null) this.readyHead = item.readyNext;
    else item.readyPrev.readyNext = item.readyNext;
    if (item.readyNext === null) this.readyTail = item.readyPrev;
    else item.readyNext.readyPrev = item.readyPrev;
    item.readyPrev = null;
    item.readyNext = null;
    item.ready = false;
    this.readyCount--;
  }
}
