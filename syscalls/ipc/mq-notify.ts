/** mq_notify(2). */
import * as errno from '../../sentry/abi/errno.ts';
import { NOTIFY_COOKIE_LEN, NOTIFY_REMOVED, NOTIFY_WOKENUP } from '../../sentry/abi/mqueue.ts';
import { NSIG, SI_MESGQ, SIGEV_NONE, SIGEV_SIGNAL, SIGEV_THREAD } from '../../sentry/abi/signal.ts';
import { MqueueFile } from '../../sentry/fs/mqueue/mqueue-file.ts';
import type { MqNotification } from '../../sentry/ipc/mqueue.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { NetlinkSocket } from '../../sentry/net/socket/netlink/netlink-socket.ts';
import { SocketFile } from '../../sentry/net/socket/socket-file.ts';
import { SigInfo } from '../../sentry/signal/sig-info.ts';

const SIGEVENT_SIZE = 64;

/** The parts of struct sigevent that count here; the value's words. */
interface Event {
  readonly valueLo: number;
  readonly valueHi: number;
  readonly signo: number;
  readonly notify: number;
}

export function sys_mq_notify(t: Task): number {
  const event = t.arg(1) === 0 ? null : eventIn(t, t.arg(1));
  if (typeof event === 'number') return event;
  const tell = event === null ? null : teller(t, event);
  if (typeof tell === 'number') return tell;
  const file = t.fileNoPath(0);
  if (!(file instanceof MqueueFile)) return -errno.EBADF;
  const { queue } = file.inode;
  if (tell === null) {
    queue.forgetNotification(t.group);
    return 0;
  }
  if (queue.notification !== null) return -errno.EBUSY;
  queue.notification = tell;
  return 0;
}

function eventIn(t: Task, addr: number): Event | number {
  const bytes = t.copyInBytes(addr, SIGEVENT_SIZE);
  if (typeof bytes === 'number') return bytes;
  const v = new DataView(bytes.buffer);
  return {
    valueLo: v.getInt32(0, true),
    valueHi: v.getInt32(4, true),
    signo: v.getInt32(8, true),
    notify: v.getInt32(12, true),
  };
}

function teller(t: Task, event: Event): MqNotification | number {
  const { group, kernel } = t;
  const about = { owner: group, pid: t.pid, kind: event.notify };
  const nothing = (): void => undefined;
  switch (event.notify) {
    case SIGEV_NONE:
      return { ...about, signo: 0, arrived: nothing, removed: nothing };
    case SIGEV_SIGNAL:
      if (event.signo < 0 || event.signo > NSIG) return -errno.EINVAL;
      return {
        ...about,
        signo: event.signo,
        arrived: (pid, uid) => {
          if (event.signo === 0 || group.zombie) return;
          const info = new SigInfo(event.signo, SI_MESGQ);
          info.pid = pid;
          info.uid = uid;
          info.valueLo = event.valueLo;
          info.valueHi = event.valueHi;
          kernel.signals.sendToGroup(group, info);
        },
        removed: nothing,
      };
    case SIGEV_THREAD:
      return byNetlink(t, event, about);
    default:
      return -errno.EINVAL;
  }
}

/** The C library's way to start a thread: it waits for a cookie of its own on a netlink socket. */
function byNetlink(
  t: Task,
  event: Event,
  about: Pick<MqNotification, 'owner' | 'pid' | 'kind'>,
): MqNotification | number {
  const cookie = t.copyInBytes((event.valueHi >>> 0) * 4294967296 + (event.valueLo >>> 0), NOTIFY_COOKIE_LEN);
  if (typeof cookie === 'number') return cookie;
  const socket = t.files.get(event.signo);
  if (socket === null) return -errno.EBADF;
  if (!(socket instanceof SocketFile)) return -errno.ENOTSOCK;
  if (!(socket instanceof NetlinkSocket)) return -errno.EINVAL;
  socket.incRef();
  const send = (what: number): void => {
    const bytes = cookie.slice();
    bytes[NOTIFY_COOKIE_LEN - 1] = what;
    socket.deliver(bytes);
    socket.decRef();
  };
  return {
    ...about,
    signo: 0,
    arrived: () => {
      send(NOTIFY_WOKENUP);
    },
    removed: () => {
      send(NOTIFY_REMOVED);
    },
  };
}
