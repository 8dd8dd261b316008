/** Handlers that open files and make new ones. */
import { EEXIST, EINVAL, EISDIR, ELOOP, ENFILE, EPERM, EROFS } from '../../sentry/abi/errno.ts';
import { AT_REMOVEDIR, O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_TMPFILE } from '../../sentry/abi/fcntl.ts';
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '../../sentry/abi/stat.ts';
import { addon } from '../../native/addon.ts';
import type { Message } from '../protocol/message.ts';
import {
  ATTR_COUNT,
  ATTR_GID,
  ATTR_MODE,
  ATTR_UID,
  MEMORY_LIMIT,
  OPEN_MORE_LIMIT,
} from '../protocol/messages.ts';
import type { Handle } from './handles.ts';
import type { Session } from './session.ts';

/** Between making and unlinking; gofers may share a directory. */
const MEMORY_NAME = `.runsc-${randomName()}`;

/** A gofer without root's rights (rootless) cannot give files away: they stay its own, and the Sentry sees that. */
const privileged = process.geteuid?.() === 0;

export function open(session: Session, request: Message, reply: Message): number {
  const id = request.u32();
  const ino = request.f();
  const access = request.u32();
  const name = request.text();
  if (request.broken || access > O_RDWR) return -EINVAL;
  if (access !== O_RDONLY && session.refusesChange(id)) return -EROFS;
  const found = session.findServed(id, name, ino);
  if (found < 0) return found;
  const type = session.attrs[ATTR_MODE]! & S_IFMT;
  if (type !== S_IFREG) return type === S_IFDIR ? -EISDIR : type === S_IFLNK ? -ELOOP : -EINVAL;
  const fd = session.reopen(access);
  if (fd < 0) return fd;
  session.donate(fd);
  reply.putAttrs(session.attrs);
  openMore(session, request, reply);
  return 0;
}

/** Opens for reading what will be asked for next; what cannot be opened is found out when it is. */
function openMore(session: Session, request: Message, reply: Message): void {
  const more = Math.min(request.u32(), OPEN_MORE_LIMIT);
  for (let i = 0; i < more; i++) {
    const id = request.u32();
    const ino = request.f();
    const name = request.text();
    const found = request.broken || name === '' ? -EINVAL : session.findServed(id, name, ino);
    const regular = found === 0 && (session.attrs[ATTR_MODE]! & S_IFMT) === S_IFREG;
    const fd = regular ? session.reopen(O_RDONLY) : -1;
    if (fd >= 0) session.donate(fd);
    reply.putU32(fd >= 0 ? 1 : 0);
  }
}

export function create(session: Session, request: Message, reply: Message): number {
  const directory = session.handles.get(request.u32());
  const mode = request.u32();
  const uid = request.u32();
  const gid = request.u32();
  const name = request.text();
  if (request.broken || (mode & ~0o7777 & ~S_IFREG) !== 0) return -EINVAL;
  const dirFd = session.writableFd(directory, name);
  if (dirFd < 0) return dirFd;
  const fd = addon.openat(dirFd, name, O_CREAT | O_EXCL | O_RDWR, mode & 0o777);
  if (fd < 0) return fd;
  const result = dress(fd, uid, gid, mode);
  if (result < 0) {
    addon.close(fd);
    addon.unlinkat(dirFd, name, 0);
    return result;
  }
  addon.fstat(fd, session.attrs);
  session.donate(fd);
  reply.putAttrs(session.attrs);
  return 0;
}

/** O_TMPFILE: the file has no name, so the handle keeps a descriptor of its own. */
export function tmpfile(session: Session, request: Message, reply: Message): number {
  const directory = session.handles.get(request.u32());
  const mode = request.u32();
  const uid = request.u32();
  const gid = request.u32();
  if (request.broken || (mode & ~0o7777 & ~S_IFREG) !== 0) return -EINVAL;
  // The name only has to be a valid one: a nameless file has none.
  const dirFd = session.writableFd(directory, 'tmpfile');
  if (dirFd < 0) return dirFd;
  const fd = addon.openat(dirFd, '.', O_TMPFILE | O_RDWR, mode & 0o777);
  if (fd < 0) return fd;
  const result = dress(fd, uid, gid, mode);
  const donated = result < 0 ? result : addon.dup(fd);
  if (donated < 0) {
    addon.close(fd);
    return donated;
  }
  addon.fstat(fd, session.attrs);
  const handle = keep(session, fd, directory!.readonly);
  if (handle === null) {
    addon.close(donated);
    return -ENFILE;
  }
  session.donate(donated);
  session.grant(reply, handle);
  reply.putAttrs(session.attrs);
  return 0;
}

/** Files for the Sentry's own use: as many as can be made, at least one. */
export function memory(session: Session, request: Message, reply: Message): number {
  const directory = session.storeFds[request.u32()];
  const count = request.u32();
  if (request.broken || directory === undefined || count < 1 || count > MEMORY_LIMIT) return -EINVAL;
  let made = 0;
  for (; made < count; made++) {
    const result = makeNameless(session, directory);
    if (result < 0 && made === 0) return result;
    if (result < 0) break;
  }
  reply.putU32(made);
  return 0;
}

/**
 * A file by two descriptors, of which one can only read: so a guest that may only read can be given one that cannot do
 * more. Made by a name that is gone at once, since O_TMPFILE files open only once.
 */
function makeNameless(session: Session, directory: number): number {
  const fd = addon.openat(directory, MEMORY_NAME, O_CREAT | O_EXCL | O_RDWR, 0o700);
  if (fd < 0) return fd;
  const readable = addon.openat(directory, MEMORY_NAME, O_RDONLY, 0);
  addon.unlinkat(directory, MEMORY_NAME, 0);
  if (readable < 0) {
    addon.close(fd);
    return readable;
  }
  session.donate(fd);
  session.donate(readable);
  return 0;
}

export function mkdir(session: Session, request: Message, reply: Message): number {
  const directory = session.handles.get(request.u32());
  const mode = request.u32();
  const uid = request.u32();
  const gid = request.u32();
  const name = request.text();
  if (request.broken || (mode & ~0o7777 & ~S_IFDIR) !== 0) return -EINVAL;
  const dirFd = session.writableFd(directory, name);
  if (dirFd < 0) return dirFd;
  const made = addon.mkdirat(dirFd, name, mode & 0o777);
  if (made < 0) return made;
  const result = dressNew(session, dirFd, name, uid, gid, mode);
  if (result < 0) {
    addon.unlinkat(dirFd, name, AT_REMOVEDIR);
    return result;
  }
  const handle = session.handles.directory(directory!, name, session.attrs);
  if (typeof handle === 'number') return handle;
  session.grant(reply, handle);
  reply.putAttrs(session.attrs);
  return 0;
}

export function mknod(session: Session, request: Message, reply: Message): number {
  const directory = session.handles.get(request.u32());
  const mode = request.u32();
  const uid = request.u32();
  const gid = request.u32();
  const rdev = request.u32();
  const name = request.text();
  if (request.broken || (mode & ~0o7777 & ~S_IFMT) !== 0) return -EINVAL;
  const dirFd = session.writableFd(directory, name);
  if (dirFd < 0) return dirFd;
  const made = addon.mknodat(dirFd, name, (mode & S_IFMT) | (mode & 0o777), rdev);
  if (made < 0) return made;
  return finish(session, reply, dirFd, name, uid, gid, mode);
}

export function symlink(session: Session, request: Message, reply: Message): number {
  const directory = session.handles.get(request.u32());
  const uid = request.u32();
  const gid = request.u32();
  const name = request.text();
  const target = request.text();
  if (request.broken) return -EINVAL;
  const dirFd = session.writableFd(directory, name);
  if (dirFd < 0) return dirFd;
  const made = addon.symlinkat(target, dirFd, name);
  if (made < 0) return made;
  return finish(session, reply, dirFd, name, uid, gid, -1);
}

/** Keeps a descriptor of an object without a name under a handle; closes it and returns null when full. */
export function keep(session: Session, fd: number, readonly: boolean): Handle | null {
  const handle = session.handles.addNameless(fd, session.attrs, readonly);
  if (handle === null) addon.close(fd);
  return handle;
}

function finish(
  session: Session,
  reply: Message,
  dirFd: number,
  name: string,
  uid: number,
  gid: number,
  mode: number,
): number {
  const result = dressNew(session, dirFd, name, uid, gid, mode);
  if (result < 0) {
    addon.unlinkat(dirFd, name, 0);
    return result;
  }
  reply.putAttrs(session.attrs);
  return 0;
}

/** Owner and mode of what was just made under a name. mode -1: a symbolic link, which has none. */
function dressNew(
  session: Session,
  dirFd: number,
  name: string,
  uid: number,
  gid: number,
  mode: number,
): number {
  session.dirFd = dirFd;
  session.name = name;
  const found = session.refresh();
  if (found < 0) return found;
  const fd = session.pathFd();
  // Somebody on the host took the name in between: his object is not ours to change.
  if (fd < 0) return -EEXIST;
  const result = dress(fd, uid, gid, mode);
  addon.fstat(fd, session.attrs);
  addon.close(fd);
  return result;
}

const dressed = new Float64Array(ATTR_COUNT);

function dress(fd: number, uid: number, gid: number, mode: number): number {
  const seen = addon.fstat(fd, dressed);
  if (seen < 0) return seen;
  // Each change is a transaction of the filesystem's journal: most new files are right as they are.
  const foreign = dressed[ATTR_UID] !== uid || dressed[ATTR_GID] !== gid;
  const owner = foreign ? addon.fchownat(fd, '', uid, gid) : 0;
  if (owner < 0 && (privileged || (owner !== -EPERM && owner !== -EINVAL))) return owner;
  if (mode === -1) return 0;
  // After the owner: chown(2) clears the setuid and setgid bits. Directories may have inherited setgid.
  const exact = !foreign && (dressed[ATTR_MODE]! & 0o7777) === (mode & 0o7777);
  return exact ? 0 : addon.fchmod(fd, mode & 0o7777);
}

/** 128 bits. */
function randomName(): string {
  const bytes = Buffer.alloc(16);
  addon.random(bytes, 0, bytes.length);
  return bytes.toString('hex');
}
