/** Handlers that change names and attributes: link, unlink, rename, setattr, fsync, extended attributes. */
import { EACCES, EBADF, EINVAL, EISDIR, EOPNOTSUPP, EROFS, ESTALE } from '../../sentry/abi/errno.ts';
import { AT_REMOVEDIR, O_RDONLY, O_RDWR, O_WRONLY, RENAME_EXCHANGE } from '../../sentry/abi/fcntl.ts';
import { S_IFDIR, S_IFMT, S_IFREG } from '../../sentry/abi/stat.ts';
import { XATTR_SIZE_MAX } from '../../sentry/abi/xattr.ts';
import { addon } from '../../native/addon.ts';
import type { Message } from '../protocol/message.ts';
import {
  ATTR_MODE,
  SET_ATIME,
  SET_GID,
  SET_MODE,
  SET_MTIME,
  SET_SIZE,
  SET_UID,
} from '../protocol/messages.ts';
import { keep } from './create.ts';
import type { Handle } from './handles.ts';
import type { Session } from './session.ts';

const NO_ID = 0xffffffff;

export function link(session: Session, request: Message, reply: Message): number {
  const sourceId = request.u32();
  const ino = request.f();
  const directory = session.handles.get(request.u32());
  const sourceName = request.text();
  const name = request.text();
  if (request.broken) return -EINVAL;
  const source = session.handles.get(sourceId);
  if (source === undefined) return -EBADF;
  const to = session.writableFd(directory, name);
  if (to < 0) return to;
  const found = session.findServed(sourceId, sourceName, ino);
  if (found < 0) return found;
  // Reaching the source may have closed the target's descriptor.
  const target = session.handles.fdOf(directory!);
  if (target < 0) return target;
  const result = addon.linkat(session.dirFd, session.name, target, name);
  if (result < 0) return result;
  session.dirFd = target;
  session.name = name;
  const seen = session.refresh();
  if (seen < 0) return seen;
  reply.putAttrs(session.attrs);
  return 0;
}

export function unlink(session: Session, request: Message, reply: Message): number {
  const directory = session.handles.get(request.u32());
  const flags = request.u32();
  const pin = request.u32();
  const name = request.text();
  if (request.broken || (flags & ~AT_REMOVEDIR) !== 0) return -EINVAL;
  const dirFd = session.writableFd(directory, name);
  if (dirFd < 0) return dirFd;
  const kept = pin === 0 ? -1 : openForKeeping(session, dirFd, name);
  const result = addon.unlinkat(dirFd, name, flags);
  if (result < 0) {
    if (kept >= 0) addon.close(kept);
    return result;
  }
  const known = directory!.children?.get(name);
  if (known !== undefined) session.handles.orphan(known);
  putKept(session, reply, kept, directory!);
  return 0;
}

export function rename(session: Session, request: Message, reply: Message): number {
  const oldDirectory = session.handles.get(request.u32());
  const newDirectory = session.handles.get(request.u32());
  const flags = request.u32();
  const pin = request.u32();
  const oldName = request.text();
  const newName = request.text();
  if (request.broken) return -EINVAL;
  let from = session.writableFd(oldDirectory, oldName);
  if (from < 0) return from;
  const to = session.writableFd(newDirectory, newName);
  if (to < 0) return to;
  from = session.handles.fdOf(oldDirectory!);
  // Only when a path deeper than the descriptor limit had to be reopened.
  if (from < 0 || newDirectory!.fd !== to) return -ESTALE;
  const exchange = (flags & RENAME_EXCHANGE) !== 0;
  const kept = pin === 0 || exchange ? -1 : openForKeeping(session, to, newName);
  const result = addon.renameat2(from, oldName, to, newName, flags);
  if (result < 0) {
    if (kept >= 0) addon.close(kept);
    return result;
  }
  session.handles.moved(oldDirectory!, oldName, newDirectory!, newName, exchange);
  putKept(session, reply, kept, newDirectory!);
  return 0;
}

export function setattr(session: Session, request: Message, reply: Message): number {
  const id = request.u32();
  const ino = request.f();
  const mask = request.u32();
  const mode = request.u32();
  const uid = request.u32();
  const gid = request.u32();
  const size = request.f();
  const times = [request.f(), request.f(), request.f(), request.f()] as const;
  const name = request.text();
  if (request.broken) return -EINVAL;
  if (session.refusesChange(id)) return -EROFS;
  const found = session.findServed(id, name, ino);
  if (found < 0) return found;
  if ((mask & SET_SIZE) !== 0) {
    const result = truncate(session, size);
    if (result < 0) return result;
  }
  const fd = session.pathFd();
  if (fd < 0) return fd;
  let result = 0;
  if ((mask & (SET_UID | SET_GID)) !== 0) {
    result = addon.fchownat(
      fd,
      '',
      (mask & SET_UID) !== 0 ? uid : NO_ID,
      (mask & SET_GID) !== 0 ? gid : NO_ID,
    );
  }
  if (result === 0 && (mask & SET_MODE) !== 0) result = chmod(session, fd, mode & 0o7777);
  if (result === 0 && (mask & (SET_ATIME | SET_MTIME)) !== 0) {
    const omit = -1;
    result = addon.utimensat(
      fd,
      '',
      times[0],
      (mask & SET_ATIME) !== 0 ? times[1] : omit,
      times[2],
      (mask & SET_MTIME) !== 0 ? times[3] : omit,
    );
  }
  addon.fstat(fd, session.attrs);
  addon.close(fd);
  if (result < 0) return result;
  reply.putAttrs(session.attrs);
  return 0;
}

export function fsync(session: Session, request: Message): number {
  const id = request.u32();
  const ino = request.f();
  const dataOnly = request.u32() !== 0;
  const name = request.text();
  if (request.broken) return -EINVAL;
  return withContent(session, id, name, ino, (fd) => addon.fsync(fd, dataOnly));
}

const xattrBuffer = new Uint8Array(XATTR_SIZE_MAX);

export function getxattr(session: Session, request: Message, reply: Message): number {
  const { id, ino, name, key } = attributeRequest(request);
  if (request.broken) return -EINVAL;
  if (!served(key)) return -EOPNOTSUPP;
  const n = withContent(session, id, name, ino, (fd) => addon.fgetxattr(fd, key, xattrBuffer));
  if (n < 0) return n;
  reply.putBytes(xattrBuffer.subarray(0, n));
  return 0;
}

export function setxattr(session: Session, request: Message): number {
  const id = request.u32();
  const ino = request.f();
  const flags = request.u32();
  const name = request.text();
  const key = request.text();
  const value = request.blob();
  if (request.broken || value.length > XATTR_SIZE_MAX) return -EINVAL;
  if (!served(key)) return -EOPNOTSUPP;
  if (session.refusesChange(id)) return -EROFS;
  return withContent(session, id, name, ino, (fd) => addon.fsetxattr(fd, key, value, flags));
}

export function listxattr(session: Session, request: Message, reply: Message): number {
  const id = request.u32();
  const ino = request.f();
  const name = request.text();
  if (request.broken) return -EINVAL;
  const n = withContent(session, id, name, ino, (fd) => addon.flistxattr(fd, xattrBuffer));
  if (n < 0) return n;
  reply.putBytes(xattrBuffer.subarray(0, n));
  return 0;
}

export function removexattr(session: Session, request: Message): number {
  const { id, ino, name, key } = attributeRequest(request);
  if (request.broken) return -EINVAL;
  if (!served(key)) return -EOPNOTSUPP;
  if (session.refusesChange(id)) return -EROFS;
  return withContent(session, id, name, ino, (fd) => addon.fremovexattr(fd, key));
}

function attributeRequest(request: Message): { id: number; ino: number; name: string; key: string } {
  return { id: request.u32(), ino: request.f(), name: request.text(), key: request.text() };
}

/** Access control lists would be the host's to judge by, not the Sentry's: they are not passed on. */
function served(key: string): boolean {
  return key.startsWith('user.') || key.startsWith('trusted.') || key.startsWith('security.');
}

/** Runs `act` on a real descriptor of a regular file or directory; others have nothing that can be opened. */
function withContent(
  session: Session,
  id: number,
  name: string,
  ino: number,
  act: (fd: number) => number,
): number {
  const found = session.findServed(id, name, ino);
  if (found < 0) return found;
  const type = session.attrs[ATTR_MODE]! & S_IFMT;
  if (type !== S_IFREG && type !== S_IFDIR) return -EOPNOTSUPP;
  const fd = session.reopen(O_RDONLY);
  if (fd < 0) return fd;
  const result = act(fd);
  addon.close(fd);
  return result;
}

function truncate(session: Session, size: number): number {
  if (!Number.isSafeInteger(size) || size < 0) return -EINVAL;
  const type = session.attrs[ATTR_MODE]! & S_IFMT;
  if (type !== S_IFREG) return type === S_IFDIR ? -EISDIR : -EINVAL;
  const fd = session.reopen(O_WRONLY);
  if (fd < 0) return fd;
  const result = addon.ftruncate(fd, size);
  addon.close(fd);
  return result;
}

function chmod(session: Session, fd: number, mode: number): number {
  const result = addon.fchmod(fd, mode);
  if (result !== -EOPNOTSUPP) return result;
  // A kernel without fchmodat2(2) changes only what can be opened.
  const type = session.attrs[ATTR_MODE]! & S_IFMT;
  if (type !== S_IFREG && type !== S_IFDIR) return result;
  const real = session.reopen(O_RDONLY);
  if (real < 0) return real;
  const again = addon.fchmod(real, mode);
  addon.close(real);
  return again;
}

/** A descriptor that outlives the name: a real one for a regular file, so that it can be donated later. */
function openForKeeping(session: Session, dirFd: number, name: string): number {
  session.dirFd = dirFd;
  session.name = name;
  if (session.refresh() < 0) return -1;
  if ((session.attrs[ATTR_MODE]! & S_IFMT) !== S_IFREG) return session.pathFd();
  const fd = session.reopen(O_RDWR);
  return fd === -EACCES || fd === -EROFS ? session.reopen(O_RDONLY) : fd;
}

function putKept(session: Session, reply: Message, fd: number, directory: Handle): void {
  const handle = fd < 0 ? null : keep(session, fd, directory.readonly);
  if (handle === null) reply.putU32(0);
  else session.grant(reply, handle);
}
