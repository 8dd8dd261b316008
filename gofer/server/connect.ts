/** Unix sockets that processes of the host listen on: CONNECT, where the container was started with --host-uds. */
import { ECONNREFUSED, EINVAL, EPROTOTYPE } from '../../sentry/abi/errno.ts';
import { SOCK_DGRAM, SOCK_STREAM } from '../../sentry/abi/socket.ts';
import { S_IFMT, S_IFSOCK } from '../../sentry/abi/stat.ts';
import { addon } from '../../native/addon.ts';
import type { Message } from '../protocol/message.ts';
import { ATTR_MODE } from '../protocol/messages.ts';
import type { Session } from './session.ts';

export function connect(session: Session, request: Message): number {
  const id = request.u32();
  const ino = request.f();
  const type = request.u32();
  const name = request.text();
  if (request.broken) return -EINVAL;
  if (!session.hostSockets) return -ECONNREFUSED;
  if (type !== SOCK_STREAM && type !== SOCK_DGRAM) return -EPROTOTYPE;
  const found = session.findServed(id, name, ino);
  if (found < 0) return found;
  if ((session.attrs[ATTR_MODE]! & S_IFMT) !== S_IFSOCK || session.name === '') return -ECONNREFUSED;
  const fd = addon.connectUnix(session.dirFd, session.name, type);
  if (fd < 0) return fd;
  session.donate(fd);
  return 0;
}
