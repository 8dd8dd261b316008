/** Handlers that only look: attach, walk, getattr, statfs, clunk. Listing is in listing.ts. */
import { EBADF, EINVAL, ENODEV, ENOENT, ENOTDIR } from '../../sentry/abi/errno.ts';
import { S_IFDIR, S_IFLNK, S_IFMT } from '../../sentry/abi/stat.ts';
import { addon } from '../../native/addon.ts';
import type { Message } from '../protocol/message.ts';
import { ATTR_MODE, CLUNK_LIMIT, WALK_LIMIT } from '../protocol/messages.ts';
import { checkName, type Session } from './session.ts';

export function attach(session: Session, request: Message, reply: Message): number {
  const tree = session.trees[request.u32()];
  if (tree === undefined) return -ENODEV;
  const found = session.find(tree.root.id, '', 0);
  if (found < 0) return found;
  session.grant(reply, tree.root);
  reply.putAttrs(session.attrs);
  return 0;
}

export function walk(session: Session, request: Message, reply: Message): number {
  const start = session.handles.get(request.u32());
  const count = request.u32();
  if (start === undefined) return -EBADF;
  if (count > WALK_LIMIT) return -EINVAL;
  const names: string[] = [];
  for (let i = 0; i < count; i++) names.push(request.text());
  if (request.broken) return -EINVAL;
  if (!start.directory) return -ENOTDIR;

  const foundAt = reply.pos;
  reply.putU32(0);
  let directory = start;
  let found = 0;
  let result = 0;
  for (const name of names) {
    result = checkName(name);
    if (result < 0) break;
    const fd = directory.barred ? -ENOENT : session.handles.fdOf(directory);
    result = fd < 0 ? fd : addon.fstatat(fd, name, session.attrs);
    if (result < 0) break;
    const type = session.attrs[ATTR_MODE]! & S_IFMT;
    if (type === S_IFDIR) {
      const next = session.handles.directory(directory, name, session.attrs);
      if (typeof next === 'number') {
        result = next;
        break;
      }
      directory = next;
      reply.putAttrs(session.attrs);
      session.grant(reply, next);
      reply.putText('');
      found++;
      continue;
    }
    const target = type === S_IFLNK ? addon.readlinkat(fd, name) : '';
    if (typeof target === 'number') {
      // It was a link a moment ago: somebody is exchanging it.
      result = target === -EINVAL ? -ENOENT : target;
      break;
    }
    reply.putAttrs(session.attrs);
    reply.putU32(0);
    reply.putText(target);
    found++;
    break;
  }
  reply.setU32(foundAt, found);
  return result;
}

export function getattr(session: Session, request: Message, reply: Message): number {
  const id = request.u32();
  const ino = request.f();
  const name = request.text();
  if (request.broken) return -EINVAL;
  const found = session.find(id, name, ino);
  if (found < 0) return found;
  reply.putAttrs(session.attrs);
  return 0;
}

const statfsNumbers = new Float64Array(8);

export function statfs(session: Session, request: Message, reply: Message): number {
  const handle = session.handles.get(request.u32());
  if (handle === undefined) return -EBADF;
  const fd = session.handles.fdOf(handle);
  if (fd < 0) return fd;
  const result = addon.fstatfs(fd, statfsNumbers);
  if (result < 0) return result;
  for (const number of statfsNumbers) reply.putF64(number);
  return 0;
}

export function clunk(session: Session, request: Message): number {
  const handles = request.u32();
  const cursors = request.u32();
  if (handles > CLUNK_LIMIT || cursors > CLUNK_LIMIT) return -EINVAL;
  for (let i = 0; i < handles; i++) {
    const id = request.u32();
    const grants = request.u32();
    if (request.broken) return -EINVAL;
    session.handles.clunk(id, grants);
  }
  for (let i = 0; i < cursors; i++) session.cursors.close(request.u32());
  return request.broken ? -EINVAL : 0;
}
