/** MSG_FASTOPEN (tcp(7), send(2)): a send that connects first. */
import { EAGAIN, EINPROGRESS, EALREADY, EOPNOTSUPP } from '../../sentry/abi/errno.ts';
import { WRITABLE } from '../../sentry/abi/poll.ts';
import { AF_INET, AF_INET6, AF_UNSPEC, MSG_DONTWAIT, MSG_FASTOPEN } from '../../sentry/abi/socket.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import type { Message } from '../../sentry/net/socket/message.ts';
import type { SocketFile } from '../../sentry/net/socket/socket-file.ts';
import { waitFor } from './support.ts';

/** 0: there is a connection, or the message asks for none; else what the call answers. Waits like connect(2). */
export function fastOpen(t: Task, s: SocketFile, msg: Message): number {
  if ((msg.flags & MSG_FASTOPEN) === 0 || !s.isStream) return 0;
  if (s.family !== AF_INET && s.family !== AF_INET6) return 0;
  msg.flags &= ~MSG_FASTOPEN;
  // It waits to send by now.
  if (typeof t.blockState === 'number') return 0;
  const again = t.retry;
  if (!again) {
    const family = msg.addr[0]! | (msg.addr[1]! << 8);
    if (msg.addrLen >= 2 && family === AF_UNSPEC) return -EOPNOTSUPP;
    const r = s.prepareFastOpen();
    if (r < 0) return r;
  }
  const r = s.connect(msg.addr, msg.addrLen, t, again);
  if (r !== -EAGAIN) return r;
  const nowait = s.nonblocking || (msg.flags & MSG_DONTWAIT) !== 0;
  if (nowait) return again ? -EALREADY : -EINPROGRESS;
  const waiting = waitFor(t, s.connectQueue(), WRITABLE, s.options.sndTimeoNs, false);
  return waiting === -EAGAIN ? -EINPROGRESS : waiting;
}
