/** The gofer's loop: one request, one reply, for as long as the Sentry lives. The Sentry is the less trusted side. */
import { EINVAL, EIO, ENFILE, ENOSYS, ETOOMANYREFS } from '../../sentry/abi/errno.ts';
import { O_CLOEXEC, O_DIRECTORY } from '../../sentry/abi/fcntl.ts';
import { addon } from '../../native/addon.ts';
import { Message } from '../protocol/message.ts';
import {
  ATTACH,
  ATTR_COUNT,
  ATTR_MODE,
  CLUNK,
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
} from '../protocol/messages.ts';
import {
  fsync,
  getxattr,
  link,
  listxattr,
  removexattr,
  rename,
  setattr,
  setxattr,
  unlink,
} from './change.ts';
import { connect } from './connect.ts';
import { create, memory, mkdir, mknod, open, symlink, tmpfile } from './create.ts';
import { DirectoryCursors } from './cursors.ts';
import { Handle, HandleTable, O_PATH } from './handles.ts';
import { readdir, readtree } from './listing.ts';
import { attach, clunk, getattr, statfs, walk } from './lookup.ts';
import { Session, type Tree } from './session.ts';

/** A tree to serve: `name` beneath the directory `container`, both in the gofer's own root. */
export interface TreeSource {
  readonly index: number;
  readonly container: string;
  readonly name: string;
  readonly readonly: boolean;
  /** Mounts come and go in it. */
  readonly slave?: boolean;
}

const AT_FDCWD = -100;

/** Two seconds in all. */
const DELIVERY_TRIES = 1000;
const DELIVERY_PAUSE_MS = 10;
/** Something to wait for that does not come. */
const NEVER = new Int32Array(new SharedArrayBuffer(4));

type Handler = (session: Session, request: Message, reply: Message) => number;

const handlers: (Handler | undefined)[] = [];
handlers[ATTACH] = attach;
handlers[WALK] = walk;
handlers[OPEN] = open;
handlers[CREATE] = create;
handlers[MKDIR] = mkdir;
handlers[MKNOD] = mknod;
handlers[SYMLINK] = symlink;
handlers[LINK] = link;
handlers[UNLINK] = unlink;
handlers[RENAME] = rename;
handlers[SETATTR] = setattr;
handlers[GETATTR] = getattr;
handlers[READDIR] = readdir;
handlers[READTREE] = readtree;
handlers[STATFS] = statfs;
handlers[GETXATTR] = getxattr;
handlers[SETXATTR] = setxattr;
handlers[LISTXATTR] = listxattr;
handlers[REMOVEXATTR] = removexattr;
handlers[FSYNC] = fsync;
handlers[CLUNK] = clunk;
handlers[TMPFILE] = tmpfile;
handlers[MEMORY] = memory;
handlers[CONNECT] = connect;

/**
 * Opens the trees, and the directories for nameless files (MEMORY is refused without). Throws when one is missing: the
 * container cannot start then.
 */
export function openSession(
  sources: readonly TreeSource[],
  directoryLimit: number,
  stores: readonly string[] = [],
  hostSockets = false,
): Session {
  const storeFds = stores.map((path) => {
    const fd = addon.openat(AT_FDCWD, path, O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0) throw new Error(`gofer: ${path}: errno ${-fd}`);
    return fd;
  });
  const handles = new HandleTable(directoryLimit);
  const trees: Tree[] = [];
  for (const source of sources) trees[source.index] = { root: openTree(handles, source) };
  return new Session(handles, new DirectoryCursors(), trees, storeFds, hostSockets);
}

/** Serves until the peer closes the socket. */
export function serve(socket: number, session: Session): void {
  addon.setSocketBuffers(socket, SOCKET_BUFFER_BYTES);
  const request = new Message();
  const reply = new Message();
  const received = new Int32Array(17);
  let cpu = 0;
  for (;;) {
    const n = addon.recvMsg(socket, request.bytes, 0, request.bytes.length, received);
    // The Sentry has no business sending descriptors.
    for (let i = 0; i < received[16]!; i++) addon.close(received[i]!);
    if (n === 0) return;
    if (n < 0 && n !== -90) return; // EMSGSIZE: too long a message, refused below
    request.receive(Math.max(n, 0));
    // Sentry and gofer take turns: on one processor the hand-over is a switch (15 us for a lookup, all in), while
    // waking the other on a second one takes 50 us.
    const sender = request.bytes.readUInt16LE(2);
    if (sender !== cpu && sender !== 0 && n >= 4) {
      cpu = sender;
      addon.runOn(sender - 1);
    }
    answer(session, request, reply);
    const sent = deliver(socket, session, reply);
    session.dropDonations();
    if (sent < 0) return;
  }
}

/**
 * Descriptors under way are counted per user of the host (unix(7), ETOOMANYREFS), so that another program can have too
 * many: that passes, or the request fails.
 */
function deliver(socket: number, session: Session, reply: Message): number {
  for (let tries = 0; tries < DELIVERY_TRIES; tries++) {
    const sent = addon.sendMsg(socket, reply.bytes, 0, reply.pos, session.donations, session.donated);
    if (sent !== -ETOOMANYREFS) return sent;
    Atomics.wait(NEVER, 0, 0, DELIVERY_PAUSE_MS);
  }
  reply.setU32(0, -ENFILE >>> 0);
  reply.pos = 8;
  return addon.sendMsg(socket, reply.bytes, 0, reply.pos, session.donations, 0);
}

/** Handles one request; the reply ends at reply.pos. */
export function answer(session: Session, request: Message, reply: Message): void {
  reply.start(0);
  reply.putU32(0);
  const operation = request.u32() & 0xffff;
  const handler = handlers[operation];
  let result: number;
  try {
    result = request.broken ? -EINVAL : handler === undefined ? -ENOSYS : handler(session, request, reply);
  } catch {
    // A fault of ours must not take the container's files away.
    result = -EIO;
  }
  if (reply.broken && result >= 0) result = -EIO;
  if (result < 0) {
    session.dropDonations();
    if (operation !== WALK || reply.pos < 12) reply.pos = 8;
  }
  session.handles.closeFleeting();
  reply.setU32(0, result >>> 0);
}

function openTree(handles: HandleTable, source: TreeSource): Handle {
  const attrs = new Float64Array(ATTR_COUNT);
  const container = addon.openat(AT_FDCWD, source.container, O_PATH, 0);
  const fd = container < 0 ? container : addon.openat(container, source.name, O_PATH, 0);
  const result = fd < 0 ? fd : addon.fstat(fd, attrs);
  if (result < 0) throw new Error(`gofer: tree ${source.index} at ${source.container}: errno ${-result}`);
  const directory = (attrs[ATTR_MODE]! & 0o170000) === 0o040000;
  let outside: Handle | null = null;
  if (directory) {
    addon.close(container);
  } else {
    // A single file is opened through the directory that holds it, which never gets a handle number.
    outside = new Handle(null, '', attrs, true, source.readonly);
    outside.fd = container;
  }
  const root = new Handle(outside, source.name, attrs, directory, source.readonly);
  root.fd = fd;
  // Whatever the client gives back, trees stay.
  root.grants = Infinity;
  root.slave = source.slave === true;
  handles.add(root);
  return root;
}
