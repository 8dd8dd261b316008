/** The Sentry's end of the gofer protocol: one method per message, synchronous, negated errnos for failures. */
import { EIO } from '../../sentry/abi/errno.ts';
import { addon } from '../../native/addon.ts';
import { Message } from '../protocol/message.ts';
import {
  ATTACH,
  CLUNK,
  CLUNK_LIMIT,
  CONNECT,
  CREATE,
  FSYNC,
  GETATTR,
  GETXATTR,
  LINK,
  LISTXATTR,
  MEMORY,
  MKDIR,
  MKNOD,
  OPEN,
  OPEN_MORE_LIMIT,
  READDIR,
  READTREE,
  REMOVEXATTR,
  RENAME,
  SETATTR,
  SETXATTR,
  SOCKET_BUFFER_BYTES,
  STATFS,
  SYMLINK,
  TMPFILE,
  UNLINK,
  WALK,
  WALK_LIMIT,
} from '../protocol/messages.ts';

/** Clunks wait until there are so many, then go in one message. */
const CLUNK_BATCH = 256;

/** What setattr changes: see SET_ bits. */
export interface AttributeChange {
  mask: number;
  mode: number;
  uid: number;
  gid: number;
  size: number;
  atimeSec: number;
  atimeNsec: number;
  mtimeSec: number;
  mtimeNsec: number;
}

/** A file by the directory that holds it. */
export interface FileAddress {
  readonly directory: number;
  readonly name: string;
  readonly ino: number;
}

/**
 * After a successful call, `reply` stands before the reply's fields that the method has not read itself; the caller
 * reads them before its next call. `fd` is the descriptor that came along, the caller's from then on (-1: none).
 */
export class GoferClient {
  readonly reply: Message;
  /** The handle and descriptor of the last reply. */
  handle = 0;
  fd = -1;
  /** All that came along, fdCount of them. */
  readonly fds = new Int32Array(2 + OPEN_MORE_LIMIT);
  fdCount = 0;
  /** Round trips so far. */
  calls = 0;
  private readonly socket: number;
  private readonly message = new Message();
  private readonly clunkedHandles: number[] = [];
  private readonly clunkedCursors: number[] = [];
  private dead = false;
  private readonly onDeath: () => void;

  /** onDeath: the gofer is gone; every later call answers -EIO. */
  constructor(socket: number, onDeath: () => void) {
    this.socket = socket;
    this.reply = this.message;
    this.onDeath = onDeath;
    addon.setSocketBuffers(socket, SOCKET_BUFFER_BYTES);
  }

  /** Nothing of the gofer is needed any more, which ends with this. Called once. */
  close(): void {
    this.dead = true;
    addon.close(this.socket);
  }

  /** Attributes follow. */
  attach(tree: number): number {
    this.message.start(ATTACH);
    this.message.putU32(tree);
    return this.withHandle(this.exchange());
  }

  /**
   * Walks down; `names` beyond WALK_LIMIT are ignored. Returns 0 or the errno of the first missing component; the
   * reply stands before `found` (u32) and so many of: attributes, handle (u32), link text.
   */
  walk(directory: number, names: readonly string[]): number {
    const m = this.message;
    const count = Math.min(names.length, WALK_LIMIT);
    m.start(WALK);
    m.putU32(directory);
    m.putU32(count);
    for (let i = 0; i < count; i++) m.putText(names[i]!);
    return this.exchange();
  }

  /**
   * Attributes follow; `fd` is the file. Then, for each of `others` (at most OPEN_MORE_LIMIT), a u32: whether there is
   * a descriptor of it among fds[1…], in order.
   */
  open(
    directory: number,
    name: string,
    ino: number,
    access: number,
    others: readonly FileAddress[] = [],
  ): number {
    const m = this.message;
    m.start(OPEN);
    m.putU32(directory);
    m.putF64(ino);
    m.putU32(access);
    m.putText(name);
    m.putU32(others.length);
    for (const other of others) {
      m.putU32(other.directory);
      m.putF64(other.ino);
      m.putText(other.name);
    }
    return this.exchange(1 + others.length);
  }

  /** Attributes follow; `fd` is the file, open for both. */
  create(directory: number, name: string, mode: number, uid: number, gid: number): number {
    this.startMaking(CREATE, directory, mode, uid, gid);
    this.message.putText(name);
    return this.exchange();
  }

  /** Attributes follow; `handle` and `fd` are the file's. */
  tmpfile(directory: number, mode: number, uid: number, gid: number): number {
    this.startMaking(TMPFILE, directory, mode, uid, gid);
    return this.withHandle(this.exchange());
  }

  /**
   * Makes `count` nameless files, or fewer: their number follows (u32). fds[2 * i] is open for both, fds[2 * i + 1] is
   * the same file, open for reading.
   */
  memory(store: number, count: number): number {
    this.message.start(MEMORY);
    this.message.putU32(store);
    this.message.putU32(count);
    return this.exchange(2 * count);
  }

  /** `fd` is a connection to the unix socket. */
  connect(directory: number, name: string, ino: number, type: number): number {
    const m = this.message;
    m.start(CONNECT);
    m.putU32(directory);
    m.putF64(ino);
    m.putU32(type);
    m.putText(name);
    return this.exchange();
  }

  /** Attributes follow. */
  mkdir(directory: number, name: string, mode: number, uid: number, gid: number): number {
    this.startMaking(MKDIR, directory, mode, uid, gid);
    this.message.putText(name);
    return this.withHandle(this.exchange());
  }

  /** Attributes follow. */
  mknod(directory: number, name: string, mode: number, uid: number, gid: number, rdev: number): number {
    this.startMaking(MKNOD, directory, mode, uid, gid);
    this.message.putU32(rdev);
    this.message.putText(name);
    return this.exchange();
  }

  /** Attributes follow. */
  symlink(directory: number, name: string, target: string, uid: number, gid: number): number {
    const m = this.message;
    m.start(SYMLINK);
    m.putU32(directory);
    m.putU32(uid);
    m.putU32(gid);
    m.putText(name);
    m.putText(target);
    return this.exchange();
  }

  /** Attributes of the linked file follow. */
  link(source: number, sourceName: string, ino: number, directory: number, name: string): number {
    const m = this.message;
    m.start(LINK);
    m.putU32(source);
    m.putF64(ino);
    m.putU32(directory);
    m.putText(sourceName);
    m.putText(name);
    return this.exchange();
  }

  /** With `pin`, `handle` is the nameless file's. */
  unlink(directory: number, name: string, flags: number, pin: boolean): number {
    const m = this.message;
    m.start(UNLINK);
    m.putU32(directory);
    m.putU32(flags);
    m.putU32(pin ? 1 : 0);
    m.putText(name);
    return this.withHandle(this.exchange());
  }

  /** With `pin`, `handle` is that of the file which newName named. */
  rename(from: number, oldName: string, to: number, newName: string, flags: number, pin: boolean): number {
    const m = this.message;
    m.start(RENAME);
    m.putU32(from);
    m.putU32(to);
    m.putU32(flags);
    m.putU32(pin ? 1 : 0);
    m.putText(oldName);
    m.putText(newName);
    return this.withHandle(this.exchange());
  }

  /** Attributes follow. */
  setattr(directory: number, name: string, ino: number, change: Readonly<AttributeChange>): number {
    const m = this.message;
    m.start(SETATTR);
    m.putU32(directory);
    m.putF64(ino);
    m.putU32(change.mask);
    m.putU32(change.mode);
    m.putU32(change.uid);
    m.putU32(change.gid);
    m.putF64(change.size);
    m.putF64(change.atimeSec);
    m.putF64(change.atimeNsec);
    m.putF64(change.mtimeSec);
    m.putF64(change.mtimeNsec);
    m.putText(name);
    return this.exchange();
  }

  /** Attributes follow. */
  getattr(directory: number, name: string, ino: number): number {
    this.startAddressed(GETATTR, directory, name, ino);
    return this.exchange();
  }

  /**
   * cursor 0 starts; `handle` is then the directory's, if it was named. The reply stands before: cursor (0: the end),
   * count, and so many blocks.
   */
  readdir(directory: number, name: string, ino: number, cursor: number): number {
    const m = this.message;
    m.start(READDIR);
    m.putU32(directory);
    m.putF64(ino);
    m.putU32(cursor);
    m.putText(name);
    return this.withHandle(this.exchange());
  }

  /**
   * Lists subdirectories and what is below them. The reply stands before: count, and so many of: above (0: the
   * directory; n: the nth listing), name, handle, attributes, blocks, and so many blocks.
   */
  readtree(directory: number, names: readonly string[], limit: number, brief: boolean): number {
    const m = this.message;
    m.start(READTREE);
    m.putU32(directory);
    m.putU32(limit);
    m.putU32(brief ? 1 : 0);
    m.putU32(names.length);
    for (const name of names) m.putText(name);
    return this.exchange();
  }

  /** The reply stands before the 8 doubles of addon.fstatfs(). */
  statfs(directory: number): number {
    this.message.start(STATFS);
    this.message.putU32(directory);
    return this.exchange();
  }

  getxattr(directory: number, name: string, ino: number, key: string): Uint8Array | number {
    this.startAddressed(GETXATTR, directory, name, ino);
    this.message.putText(key);
    const result = this.exchange();
    return result < 0 ? result : this.message.blob();
  }

  setxattr(
    directory: number,
    name: string,
    ino: number,
    key: string,
    value: Uint8Array,
    flags: number,
  ): number {
    const m = this.message;
    m.start(SETXATTR);
    m.putU32(directory);
    m.putF64(ino);
    m.putU32(flags);
    m.putText(name);
    m.putText(key);
    m.putBytes(value);
    return this.exchange();
  }

  /** The keys, each ended by NUL. */
  listxattr(directory: number, name: string, ino: number): string | number {
    this.startAddressed(LISTXATTR, directory, name, ino);
    const result = this.exchange();
    return result < 0 ? result : this.message.text();
  }

  removexattr(directory: number, name: string, ino: number, key: string): number {
    this.startAddressed(REMOVEXATTR, directory, name, ino);
    this.message.putText(key);
    return this.exchange();
  }

  fsync(directory: number, name: string, ino: number, dataOnly: boolean): number {
    const m = this.message;
    m.start(FSYNC);
    m.putU32(directory);
    m.putF64(ino);
    m.putU32(dataOnly ? 1 : 0);
    m.putText(name);
    return this.exchange();
  }

  /** Gives back `grants` grants of a handle, some time soon. */
  clunk(handle: number, grants: number): void {
    this.clunkedHandles.push(handle, grants);
    if (this.clunkedHandles.length >= 2 * CLUNK_BATCH) this.flushClunks();
  }

  /** Ends a listing early, some time soon. */
  closeCursor(cursor: number): void {
    this.clunkedCursors.push(cursor);
    if (this.clunkedCursors.length >= 16) this.flushClunks();
  }

  flushClunks(): void {
    const m = this.message;
    while (this.clunkedHandles.length + this.clunkedCursors.length > 0) {
      const handles = this.clunkedHandles.splice(0, 2 * CLUNK_LIMIT);
      const cursors = this.clunkedCursors.splice(0, CLUNK_LIMIT);
      m.start(CLUNK);
      m.putU32(handles.length / 2);
      m.putU32(cursors.length);
      for (const number of handles) m.putU32(number);
      for (const cursor of cursors) m.putU32(cursor);
      this.exchange();
    }
  }

  private startMaking(operation: number, directory: number, mode: number, uid: number, gid: number): void {
    const m = this.message;
    m.start(operation);
    m.putU32(directory);
    m.putU32(mode);
    m.putU32(uid);
    m.putU32(gid);
  }

  private startAddressed(operation: number, directory: number, name: string, ino: number): void {
    const m = this.message;
    m.start(operation);
    m.putU32(directory);
    m.putF64(ino);
    m.putText(name);
  }

  /** Takes the handle that a successful reply starts with. */
  private withHandle(result: number): number {
    this.handle = result < 0 ? 0 : this.message.u32();
    return result;
  }

  /**
   * One round trip: the reply's result, with the message standing before its fields. At most `wanted` descriptors are
   * the caller's.
   */
  private exchange(wanted = 1): number {
    const m = this.message;
    this.fd = -1;
    this.fdCount = 0;
    // The gofer checks lengths as well; what does not fit was asked for by a guest.
    if (m.broken) return -EIO;
    if (this.dead) return -EIO;
    this.calls++;
    const { fds } = this;
    fds[fds.length - 1] = 0;
    const n = addon.exchange(this.socket, m.bytes, m.pos, fds);
    const count = fds[fds.length - 1]!;
    for (let i = wanted; i < count; i++) addon.close(fds[i]!);
    this.fdCount = Math.min(wanted, count);
    if (count > 0) this.fd = fds[0]!;
    if (n < 8) {
      this.dead = true;
      this.onDeath();
      return -EIO;
    }
    m.receive(n);
    const result = m.i32();
    m.u32();
    return result;
  }
}
