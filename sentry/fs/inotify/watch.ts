/** One watch: the link between an inode and an inotify instance; and the listener that the VFS tells of events. */
import { IN_ALL_EVENTS, IN_EXCL_UNLINK, IN_ONESHOT } from '../../abi/inotify.ts';
import { holdPath, releasePath } from '../../vfs/dcache.ts';
import type { Inode } from '../../vfs/inode.ts';
import {
  IN_DELETE_SELF,
  IN_ISDIR,
  IN_MOVE_SELF,
  IN_UNMOUNT,
  adjustActiveMarks,
  setNotifyListener,
} from '../../vfs/notify.ts';
import type { Path } from '../../vfs/path.ts';

export interface WatchOwner {
  enqueue(wd: number, mask: number, cookie: number, name: string): void;
  endWatch(watch: Watch): void;
}

export class Watch {
  readonly owner: WatchOwner;
  readonly wd: number;
  /** Events wanted, IN_ONESHOT, IN_EXCL_UNLINK. */
  mask: number;
  /** Held, so that the inode stays the object that the VFS announces. */
  private readonly path: Path;
  private readonly inode: Inode;
  /** Next watch of the same inode. */
  private next: Watch | null;
  private attached = true;

  constructor(owner: WatchOwner, wd: number, mask: number, path: Path, inode: Inode) {
    this.owner = owner;
    this.wd = wd;
    this.mask = mask;
    this.path = path;
    this.inode = inode;
    this.next = inode.marks as Watch | null;
    inode.marks = this;
    holdPath(path);
    adjustActiveMarks(1);
  }

  /** The watch that `owner` has on the inode, or null. */
  static find(inode: Inode, owner: WatchOwner): Watch | null {
    let watch = inode.marks as Watch | null;
    while (watch !== null && watch.owner !== owner) watch = watch.next;
    return watch;
  }

  detach(): void {
    if (!this.attached) return;
    this.attached = false;
    if (this.inode.marks === this) {
      this.inode.marks = this.next;
    } else {
      for (let at = this.inode.marks as Watch | null; at !== null; at = at.next) {
        if (at.next === this) at.next = this.next;
      }
    }
    adjustActiveMarks(-1);
    releasePath(this.path);
  }

  /** Tells every watch of the inode. `mask` may carry IN_EXCL_UNLINK: the child has no name any more. */
  static dispatch(inode: Inode, mask: number, name: string, cookie: number): void {
    for (let watch = inode.marks as Watch | null; watch !== null;) {
      // The watch may end by this very event.
      const next: Watch | null = watch.next;
      watch.tell(mask, name, cookie);
      watch = next;
    }
  }

  private tell(mask: number, name: string, cookie: number): void {
    if ((this.mask & mask & IN_EXCL_UNLINK) !== 0 && name !== '') return;
    // Events on the object itself do not say whether it is a directory: programs know what they watch.
    const self = (mask & (IN_DELETE_SELF | IN_MOVE_SELF)) !== 0;
    const shown = (mask & (IN_ALL_EVENTS | IN_UNMOUNT)) | (self ? 0 : mask & IN_ISDIR);
    if ((mask & this.mask & IN_ALL_EVENTS) !== 0 || (mask & IN_UNMOUNT) !== 0) {
      this.owner.enqueue(this.wd, shown, cookie, name);
      if ((this.mask & IN_ONESHOT) !== 0) this.owner.endWatch(this);
    }
    if ((mask & (IN_DELETE_SELF | IN_UNMOUNT)) !== 0) this.owner.endWatch(this);
  }
}

/** Called once before the first watch. */
export function listenToVfs(): void {
  setNotifyListener((inode, mask, name, cookie) => Watch.dispatch(inode, mask, name, cookie));
}
