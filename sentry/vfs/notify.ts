/** Where the VFS tells inotify what happened. Costs one load while nobody watches anything. */
import { IN_EXCL_UNLINK } from '../abi/inotify.ts';
import { S_IFDIR, S_IFMT } from '../abi/stat.ts';
import type { Inode } from './inode.ts';
import type { Path } from './path.ts';

export const IN_ACCESS = 0x1;
export const IN_MODIFY = 0x2;
export const IN_ATTRIB = 0x4;
export const IN_CLOSE_WRITE = 0x8;
export const IN_CLOSE_NOWRITE = 0x10;
export const IN_OPEN = 0x20;
export const IN_MOVED_FROM = 0x40;
export const IN_MOVED_TO = 0x80;
export const IN_CREATE = 0x100;
export const IN_DELETE = 0x200;
export const IN_DELETE_SELF = 0x400;
export const IN_MOVE_SELF = 0x800;
export const IN_UNMOUNT = 0x2000;
export const IN_ISDIR = 0x40000000;

/** Told of each event on an inode that has marks. `name` is '' for events on the object itself. */
export type NotifyListener = (inode: Inode, mask: number, name: string, cookie: number) => void;

let listener: NotifyListener | null = null;
let cookies = 0;

/** Number of marks that exist; while 0 nothing is looked at. Kept by the listener's owner. */
export let activeMarks = 0;

export function setNotifyListener(next: NotifyListener): void {
  listener = next;
}
export function adjustActiveMarks(delta: number): void {
  activeMarks += delta;
}
/** Ties an IN_MOVED_FROM to its IN_MOVED_TO. */
export function newCookie(): number {
  cookies = (cookies + 1) >>> 0;
  return cookies;
}

export function notifyInode(inode: Inode, mask: number, name: string, cookie: number): void {
  if (activeMarks !== 0 && inode.marks !== null && listener !== null) listener(inode, mask, name, cookie);
}

/** An event on an object reached by a path: its own marks and those of the directory that names it. */
export function notifyPath(path: Path | null, inode: Inode | null, mask: number): void {
  if (activeMarks === 0 || path === null || inode === null) return;
  const bits = (inode.mode & S_IFMT) === S_IFDIR ? mask | IN_ISDIR : mask;
  const dentry = path.dentry;
  const parent = dentry.parent?.inode ?? null;
  if (parent !== null && dentry !== path.mount.root) {
    // IN_EXCL_UNLINK in an event says that the child has no name any more.
    notifyInode(parent, dentry.deleted ? bits | IN_EXCL_UNLINK : bits, dentry.name, 0);
  }
  notifyInode(inode, bits, '', 0);
}
