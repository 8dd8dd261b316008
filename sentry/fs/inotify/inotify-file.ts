/** inotify instances (inotify(7)): watches on inodes, and a queue of events that read(2) drains. */
import { EAGAIN, EEXIST, EINVAL, ENOSPC, ENOTTY } from '../../abi/errno.ts';
import { O_RDONLY } from '../../abi/fcntl.ts';
import {
  INOTIFY_EVENT_SIZE,
  IN_ALL_EVENTS,
  IN_EXCL_UNLINK,
  IN_IGNORED,
  IN_MASK_ADD,
  IN_MASK_CREATE,
  IN_ONESHOT,
  IN_Q_OVERFLOW,
  MAX_QUEUED_EVENTS,
  MAX_USER_WATCHES,
} from '../../abi/inotify.ts';
import { FIONREAD } from '../../abi/ioctl.ts';
import { READABLE } from '../../abi/poll.ts';
import { WaitQueue } from '../../base/wait-queue.ts';
import { sharedAnonInode } from '../../vfs/anon-inode.ts';
import type { CallerContext } from '../../vfs/context.ts';
import { FileDescription } from '../../vfs/file-description.ts';
import type { Path } from '../../vfs/path.ts';
import type { WatchOwner } from './watch.ts';
import { Watch } from './watch.ts';

interface Event {
  readonly wd: number;
  readonly mask: number;
  readonly cookie: number;
  readonly name: string;
}

/** Kept in the mask of a watch besides its events. */
const STEERING = IN_ONESHOT | IN_EXCL_UNLINK;

export class InotifyFile extends FileDescription implements WatchOwner {
  override readonly queue = new WaitQueue();
  readonly uid: number;
  private readonly watches = new Map<number, Watch>();
  private lastWd = 0;
  private events: Event[] = [];
  /** Index of the first event not read yet; the array is cut when it is half empty. */
  private first = 0;
  private readonly onEnd: () => void;

  /** `onEnd` gives the user's instance back. */
  constructor(flags: number, uid: number, onEnd: () => void) {
    super(O_RDONLY | flags, null, sharedAnonInode);
    this.uid = uid;
    this.onEnd = onEnd;
  }

  override get asynchronous(): boolean {
    return true;
  }
  override get splicesOut(): boolean {
    return false;
  }

  override name(): string {
    return 'anon_inode:inotify';
  }

  /** inotify_add_watch(2): the descriptor of the watch, new or changed. */
  watch(path: Path, mask: number): number {
    const inode = path.dentry.inode!;
    const kept = mask & (IN_ALL_EVENTS | STEERING);
    const old = Watch.find(inode, this);
    if (old !== null) {
      if ((mask & IN_MASK_CREATE) !== 0) return -EEXIST;
      old.mask = (mask & IN_MASK_ADD) !== 0 ? old.mask | kept : kept;
      return old.wd;
    }
    if (this.watches.size >= MAX_USER_WATCHES) return -ENOSPC;
    const wd = ++this.lastWd;
    this.watches.set(wd, new Watch(this, wd, kept, path, inode));
    return wd;
  }

  /** inotify_rm_watch(2). */
  unwatch(wd: number): number {
    const watch = this.watches.get(wd);
    if (watch === undefined) return -EINVAL;
    this.endWatch(watch);
    return 0;
  }

  /** Ends a watch and says so by IN_IGNORED. */
  endWatch(watch: Watch): void {
    if (!this.watches.delete(watch.wd)) return;
    watch.detach();
    this.enqueue(watch.wd, IN_IGNORED, 0, '');
  }

  enqueue(wd: number, mask: number, cookie: number, name: string): void {
    const count = this.events.length - this.first;
    const last = count > 0 ? this.events[this.events.length - 1]! : null;
    // Identical successive events are one, unless the last has been read already.
    if (last !== null && last.mask === mask && last.wd === wd && last.name === name && last.cookie === cookie)
      return;
    if (count >= MAX_QUEUED_EVENTS) {
      if (last!.mask !== IN_Q_OVERFLOW)
        this.events.push({ wd: -1, mask: IN_Q_OVERFLOW, cookie: 0, name: '' });
      return;
    }
    this.events.push({ wd, mask, cookie, name });
    this.queue.notify(READABLE);
  }

  override read(buf: Uint8Array, off: number, len: number): number {
    if (this.first === this.events.length) return -EAGAIN;
    let done = 0;
    while (this.first < this.events.length) {
      const event = this.events[this.first]!;
      const size = INOTIFY_EVENT_SIZE + nameRoom(event.name);
      if (done + size > len) break;
      put(buf, off + done, event);
      done += size;
      this.first++;
    }
    if (this.first * 2 > this.events.length) {
      this.events = this.events.slice(this.first);
      this.first = 0;
    }
    return done === 0 ? -EINVAL : done;
  }

  /** lseek(2) succeeds and does nothing. */
  override seek(): number {
    return 0;
  }

  override readiness(): number {
    return this.first < this.events.length ? READABLE : 0;
  }

  override ioctl(cmd: number, arg: number, ctx: CallerContext): number {
    if (cmd !== FIONREAD) return -ENOTTY;
    let bytes = 0;
    for (let i = this.first; i < this.events.length; i++) {
      bytes += INOTIFY_EVENT_SIZE + nameRoom(this.events[i]!.name);
    }
    return ctx.writeI32(arg, bytes);
  }

  override release(): void {
    for (const watch of this.watches.values()) watch.detach();
    this.watches.clear();
    this.events = [];
    this.first = 0;
    this.onEnd();
  }
}

/** Bytes that a name takes: with its NUL, padded to a multiple of the event's own size; none for no name. */
function nameRoom(name: string): number {
  return name === '' ? 0 : (name.length + INOTIFY_EVENT_SIZE) & ~(INOTIFY_EVENT_SIZE - 1);
}

function put(buf: Uint8Array, at: number, event: Event): void {
  const room = nameRoom(event.name);
  putWord(buf, at, event.wd);
  putWord(buf, at + 4, event.mask);
  putWord(buf, at + 8, event.cookie);
  putWord(buf, at + 12, room);
  const text = at + INOTIFY_EVENT_SIZE;
  buf.fill(0, text, text + room);
  for (let i = 0; i < event.name.length; i++) buf[text + i] = event.name.charCodeAt(i);
}

function putWord(buf: Uint8Array, at: number, value: number): void {
  buf[at] = value;
  buf[at + 1] = value >>> 8;
  buf[at + 2] = value >>> 16;
  buf[at + 3] = value >>> 24;
}
