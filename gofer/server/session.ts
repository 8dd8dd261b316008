/** What the gofer's handlers share: the trees, the handles, and how an object named by a message is reached. */
import { EACCES, EBADF, EINVAL, ENAMETOOLONG, ENOENT, EROFS, ESTALE } from '../../sentry/abi/errno.ts';
import { S_IFDIR, S_IFMT } from '../../sentry/abi/stat.ts';
import { addon } from '../../native/addon.ts';
import type { Message } from '../protocol/message.ts';
import { ATTR_COUNT, ATTR_INO, ATTR_MODE, OPEN_MORE_LIMIT } from '../protocol/messages.ts';
import type { DirectoryCursors } from './cursors.ts';
import { O_PATH, type Handle, type HandleTable } from './handles.ts';

/** One served tree: a directory, or a single file. */
export interface Tree {
  readonly root: Handle;
}

export class Session {
  readonly handles: HandleTable;
  readonly cursors: DirectoryCursors;
  readonly trees: readonly (Tree | undefined)[];
  /** The object found last: its attributes… */
  readonly attrs = new Float64Array(ATTR_COUNT);
  /** …the directory's descriptor and the name ("" for the descriptor itself) that reach it. */
  dirFd = -1;
  name = '';
  /** It is (in) a kernel filesystem, of which only attributes are told. */
  barred = false;
  /** Descriptors to go out with the reply; closed afterwards. */
  readonly donations = new Int32Array(1 + OPEN_MORE_LIMIT);
  donated = 0;
  /** Directories in which nameless files are made, by store (MEMORY). */
  readonly storeFds: readonly (number | undefined)[];
  /** CONNECT is served. */
  readonly hostSockets: boolean;

  constructor(
    handles: HandleTable,
    cursors: DirectoryCursors,
    trees: readonly (Tree | undefined)[],
    storeFds: readonly (number | undefined)[],
    hostSockets: boolean,
  ) {
    this.handles = handles;
    this.cursors = cursors;
    this.trees = trees;
    this.storeFds = storeFds;
    this.hostSockets = hostSockets;
  }

  /** Sends a descriptor along with the reply. */
  donate(fd: number): void {
    this.donations[this.donated++] = fd;
  }

  /** Closes what was to go out with the reply. */
  dropDonations(): void {
    for (let i = 0; i < this.donated; i++) addon.close(this.donations[i]!);
    this.donated = 0;
  }

  /** Finds the object (handle, name) and reads its attributes: 0, or a negated errno. */
  find(id: number, name: string, ino: number): number {
    const handle = this.handles.get(id);
    if (handle === undefined) return -EBADF;
    if (name === '') return this.findHandle(handle, ino);
    const fd = this.directoryFd(handle, name);
    if (fd < 0) return fd;
    this.dirFd = fd;
    this.name = name;
    const result = addon.fstatat(fd, name, this.attrs);
    if (result < 0) return result;
    this.barred = this.handles.isForbidden(handle, fd, name, this.attrs);
    return ino !== 0 && this.attrs[ATTR_INO] !== ino ? -ESTALE : 0;
  }

  /** find() for what is to be opened or changed: refuses objects of kernel filesystems. */
  findServed(id: number, name: string, ino: number): number {
    const result = this.find(id, name, ino);
    return result === 0 && this.barred ? -EACCES : result;
  }

  /** The descriptor of a directory in which `name` is to be acted on; refuses what is not one plain component. */
  directoryFd(handle: Handle | undefined, name: string): number {
    if (handle === undefined) return -EBADF;
    const wrong = checkName(name);
    if (wrong !== 0) return wrong;
    if (handle.barred) return -ENOENT;
    return handle.directory ? this.handles.fdOf(handle) : -EBADF;
  }

  /** True when nothing may be changed at or beneath the handle. */
  refusesChange(id: number): boolean {
    const handle = this.handles.get(id);
    return handle !== undefined && (handle.readonly || handle.barred);
  }

  /** The same for changes. */
  writableFd(handle: Handle | undefined, name: string): number {
    if (handle?.readonly === true || handle?.barred === true) return -EROFS;
    return this.directoryFd(handle, name);
  }

  /** A new O_PATH descriptor of the object that find() found; to be closed. The name may have changed: checked. */
  pathFd(): number {
    if (this.name === '') return addon.dup(this.dirFd);
    return this.checked(addon.openat(this.dirFd, this.name, O_PATH, 0));
  }

  /** Opens the object found for real. Call it for regular files and directories only: others act when opened. */
  reopen(flags: number): number {
    const O_NONBLOCK = 0o4000;
    const O_NOCTTY = 0o400;
    if (this.name !== '') {
      return this.checked(addon.openat(this.dirFd, this.name, flags | O_NONBLOCK | O_NOCTTY, 0));
    }
    // Directories by their own ".", nameless files by the real descriptor that their handle keeps.
    if ((this.attrs[ATTR_MODE]! & S_IFMT) === S_IFDIR) return addon.openat(this.dirFd, '.', flags, 0);
    return addon.dup(this.dirFd);
  }

  /** Refreshes `attrs` from the object found, after a change. */
  refresh(): number {
    return addon.fstatat(this.dirFd, this.name, this.attrs);
  }

  /** Writes a handle to the reply and counts it as granted. */
  grant(reply: Message, handle: Handle): void {
    handle.grants++;
    reply.putU32(handle.id);
  }

  private findHandle(handle: Handle, ino: number): number {
    let fd: number;
    this.name = '';
    if (!handle.directory && handle.parent !== null) {
      // A tree that is a single file is reached by name, so that it can be opened.
      this.name = handle.name;
      fd = this.handles.fdOf(handle.parent);
    } else {
      fd = this.handles.fdOf(handle);
    }
    if (fd < 0) return fd;
    this.dirFd = fd;
    this.barred = handle.barred;
    const result = addon.fstatat(fd, this.name, this.attrs);
    if (result < 0) return result;
    return ino !== 0 && this.attrs[ATTR_INO] !== ino ? -ESTALE : 0;
  }

  /** Closes what is no longer the object in `attrs`: somebody exchanged it between the look and the open. */
  private checked(fd: number): number {
    if (fd < 0) return fd;
    const expected = this.attrs[ATTR_INO];
    const type = this.attrs[ATTR_MODE]! & S_IFMT;
    const result = addon.fstat(fd, this.attrs);
    if (result === 0 && this.attrs[ATTR_INO] === expected && (this.attrs[ATTR_MODE]! & S_IFMT) === type)
      return fd;
    addon.close(fd);
    return -ESTALE;
  }
}

/** 0 for a single plain path component, else a negated errno. */
export function checkName(name: string): number {
  if (name.length > 255) return -ENAMETOOLONG;
  if (name === '' || name === '.' || name === '..' || name.includes('/') || name.includes('\0'))
    return -EINVAL;
  return 0;
}
