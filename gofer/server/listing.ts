/** Handlers that list directories: one at a time (READDIR), or all of a tree that fit one message (READTREE). */
import { EBADF, EINVAL, ELOOP, ENOENT, ENOTDIR } from '../../sentry/abi/errno.ts';
import { O_DIRECTORY } from '../../sentry/abi/fcntl.ts';
import { S_IFDIR, S_IFLNK, S_IFMT } from '../../sentry/abi/stat.ts';
import { addon } from '../../native/addon.ts';
import type { Message } from '../protocol/message.ts';
import { ATTR_COUNT, ATTR_DEV, ATTR_MODE, TREE_LIMIT } from '../protocol/messages.ts';
import { CHUNK_BYTES } from './cursors.ts';
import type { Handle } from './handles.ts';
import { checkName, type Session } from './session.ts';

/** Directories below the one asked for, one in another: each keeps a descriptor meanwhile. */
const DEPTH_LIMIT = 16;

/** See addon.readdirAttributes(): as many subdirectories as one block of entries is asked for. */
const SUBDIRECTORIES = 512;
const state = new Int32Array(3 + 2 * SUBDIRECTORIES);

export function readdir(session: Session, request: Message, reply: Message): number {
  const id = request.u32();
  const ino = request.f();
  let cursorId = request.u32();
  const name = request.text();
  if (request.broken) return -EINVAL;
  let named: Handle | number = 0;
  if (cursorId === 0) {
    const found = session.find(id, name, ino);
    if (found < 0) return found;
    if (session.barred) {
      for (let i = 0; i < 3; i++) reply.putU32(0);
      return 0;
    }
    const type = session.attrs[ATTR_MODE]! & S_IFMT;
    if (type !== S_IFDIR) return type === S_IFLNK ? -ELOOP : -ENOTDIR;
    const fd = session.reopen(O_DIRECTORY);
    if (fd < 0) return fd;
    cursorId = session.cursors.add(fd);
    if (name !== '') named = session.handles.directory(session.handles.get(id)!, name, session.attrs);
  }
  const cursor = session.cursors.get(cursorId);
  if (cursor === undefined) return -EBADF;

  if (typeof named === 'number') reply.putU32(0);
  else session.grant(reply, named);
  const cursorAt = reply.pos;
  reply.putU32(cursorId);
  reply.putU32(0);
  let blocks = 0;
  for (;;) {
    const more = cursor.fill();
    if (more !== true) {
      session.cursors.close(cursorId);
      if (more !== false) return more;
      reply.setU32(cursorAt, 0);
      break;
    }
    const n = putBlock(reply, cursor.fd, cursor.buffer, cursor.pos, cursor.end, 0);
    if (n < 0) return n;
    if (n > 0) blocks++;
    cursor.pos = state[0]!;
    // Records are left over: the message is full.
    if (cursor.pos < cursor.end) break;
  }
  reply.setU32(cursorAt + 4, blocks);
  return 0;
}

export function readtree(session: Session, request: Message, reply: Message): number {
  const directory = session.handles.get(request.u32());
  const limit = request.u32();
  const brief = request.u32();
  const count = request.u32();
  if (directory === undefined) return -EBADF;
  if (limit > TREE_LIMIT || count > TREE_LIMIT || brief > 1) return -EINVAL;
  const names: string[] = [];
  for (let i = 0; i < count; i++) names.push(request.text());
  if (request.broken) return -EINVAL;
  if (!directory.directory) return -ENOTDIR;
  const fd = directory.barred ? -ENOENT : session.handles.fdOf(directory);
  if (fd < 0) return fd;
  const countAt = reply.pos;
  reply.putU32(0);
  const tree = new TreeListing(session, reply, limit, brief);
  tree.list({ number: 0, handle: directory, fd, subdirectories: names }, 0);
  reply.setU32(countAt, tree.count);
  return 0;
}

/** A directory whose subdirectories are to be listed. */
interface Place {
  /** Of its listing in the reply; 0: the directory that was asked for. */
  readonly number: number;
  readonly handle: Handle;
  readonly fd: number;
  readonly subdirectories: readonly string[];
}

const chunk = new Uint8Array(CHUNK_BYTES);

/**
 * Listings in the order in which find(1) goes through a tree, until the message is full. What cannot be listed whole,
 * or is in another filesystem, is left out: it will be asked for by itself.
 */
class TreeListing {
  count = 0;
  private readonly session: Session;
  private readonly reply: Message;
  private readonly limit: number;
  private readonly brief: number;
  private full = false;

  constructor(session: Session, reply: Message, limit: number, brief: number) {
    this.session = session;
    this.reply = reply;
    this.limit = limit;
    this.brief = brief;
  }

  list(above: Place, depth: number): void {
    for (const name of above.subdirectories) {
      if (this.full || this.count >= this.limit) return;
      const place = this.listOne(above, name);
      if (place === null) continue;
      if (depth < DEPTH_LIMIT) this.list(place, depth + 1);
      addon.close(place.fd);
    }
  }

  private listOne(above: Place, name: string): Place | null {
    if (checkName(name) !== 0) return null;
    const fd = addon.openat(above.fd, name, O_DIRECTORY, 0);
    if (fd < 0) return null;
    const place = this.listOpen(above, name, fd);
    if (place === null) addon.close(fd);
    return place;
  }

  private listOpen(above: Place, name: string, fd: number): Place | null {
    const { session, reply } = this;
    const { attrs, handles } = session;
    if (addon.fstat(fd, attrs) < 0 || attrs[ATTR_DEV] !== above.handle.dev) return null;
    const start = reply.pos;
    if (reply.room < 64 + name.length + ATTR_COUNT * 8) {
      this.full = true;
      return null;
    }
    const handle = handles.directory(above.handle, name, attrs);
    if (typeof handle === 'number') return null;
    reply.putU32(above.number);
    reply.putText(name);
    reply.putU32(handle.id);
    reply.putAttrs(attrs);
    const blocksAt = reply.pos;
    reply.putU32(0);
    const subdirectories: string[] = [];
    const blocks = this.putAll(fd, subdirectories);
    if (blocks < 0) {
      reply.pos = start;
      // Nobody hears of it.
      handles.clunk(handle.id, 0);
      return null;
    }
    reply.setU32(blocksAt, blocks);
    handle.grants++;
    this.count++;
    return { number: this.count, handle, fd, subdirectories };
  }

  /** All entries of a directory: the number of blocks, or negative when they cannot all be there. */
  private putAll(fd: number, subdirectories: string[]): number {
    for (let blocks = 0; ;) {
      const bytes = addon.getdents(fd, chunk, 0, CHUNK_BYTES);
      if (bytes <= 0) return bytes < 0 ? bytes : blocks;
      const n = putBlock(this.reply, fd, chunk, 0, bytes, this.brief);
      if (n < 0) return n;
      if (state[0]! < bytes) {
        this.full = true;
        return -1;
      }
      if (n > 0) blocks++;
      for (let i = 0; i < state[2]!; i++) {
        const at = state[3 + 2 * i]!;
        subdirectories.push(this.reply.bytes.latin1Slice(at, at + state[4 + 2 * i]!));
      }
    }
  }
}

/** One block of entries, of the records [from, to); see `state`. Their number, or a negated errno. */
function putBlock(
  reply: Message,
  fd: number,
  records: Uint8Array,
  from: number,
  to: number,
  brief: number,
): number {
  const n = addon.readdirAttributes(fd, records, from, to, reply.bytes, reply.pos, state, brief);
  if (n >= 0) reply.pos = state[1]!;
  return n;
}
