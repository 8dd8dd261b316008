/** Ancillary data (cmsg(3)): decoding what sendmsg gives, encoding what recvmsg returns. */
import { CAP_SETGID, CAP_SETUID, CAP_SYS_ADMIN, CAP_SYS_RESOURCE } from '../../sentry/abi/capability.ts';
import { EBADF, EFAULT, EINVAL, ENOBUFS, EPERM, ESRCH } from '../../sentry/abi/errno.ts';
import {
  AF_UNIX,
  CMSG_HEADER,
  MSG_CMSG_CLOEXEC,
  MSG_CTRUNC,
  SCM_CREDENTIALS,
  SCM_MAX_FD,
  SCM_PIDFD,
  SCM_RIGHTS,
  SOL_SOCKET,
  UCRED_SIZE,
} from '../../sentry/abi/socket.ts';
import { PidFile } from '../../sentry/fs/pidfd/pidfd.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import type { ThreadGroup } from '../../sentry/kernel/thread-group.ts';
import type { Message } from '../../sentry/net/socket/message.ts';
import { dropRights } from '../../sentry/net/socket/socket-file.ts';
import type { SocketFile } from '../../sentry/net/socket/socket-file.ts';
import { pidSeenBy } from '../../sentry/net/socket/unix/unix-socket.ts';
import type { FileDescription } from '../../sentry/vfs/file-description.ts';

/** net.core.optmem_max. */
const OPTMEM_MAX = 131072;

function align(n: number): number {
  return (n + 7) & ~7;
}

/** Decodes the control messages of a sendmsg into `msg`. 0 or a negated errno. */
export function decodeControl(t: Task, s: SocketFile, msg: Message, addr: number, len: number): number {
  if (len > OPTMEM_MAX) return -ENOBUFS;
  if (len < CMSG_HEADER) return 0;
  const bytes = t.copyInBytes(addr, len);
  if (typeof bytes === 'number') return bytes;
  const v = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at + CMSG_HEADER <= len;) {
    const size = v.getUint32(at + 4, true) === 0 ? v.getUint32(at, true) : Infinity;
    if (size < CMSG_HEADER || size > len - at) return -EINVAL;
    const level = v.getInt32(at + 8, true);
    const type = v.getInt32(at + 12, true);
    const data = bytes.subarray(at + CMSG_HEADER, at + size);
    const r = decodeOne(t, s, msg, level, type, data);
    if (r < 0) return r;
    at += align(size);
  }
  return 0;
}

function decodeOne(
  t: Task,
  s: SocketFile,
  msg: Message,
  level: number,
  type: number,
  data: Uint8Array,
): number {
  if (level !== SOL_SOCKET) {
    if (s.family !== AF_UNIX) (msg.control ??= []).push({ level, type, data });
    return 0;
  }
  if (type === SCM_RIGHTS && s.family === AF_UNIX) return decodeRights(t, msg, data);
  if (type === SCM_CREDENTIALS && s.family === AF_UNIX) return decodeCredentials(t, msg, data);
  if (s.family === AF_UNIX) return -EINVAL;
  (msg.control ??= []).push({ level, type, data });
  return 0;
}

function decodeRights(t: Task, msg: Message, data: Uint8Array): number {
  const v = new DataView(data.buffer, data.byteOffset, data.length);
  const count = data.length >>> 2;
  const files: FileDescription[] = msg.rights ?? [];
  if (files.length + count > SCM_MAX_FD) return -EINVAL;
  for (let i = 0; i < count; i++) {
    const file = t.files.get(v.getInt32(i * 4, true));
    if (file === null) return -EBADF;
    files.push(file);
  }
  if (files.length > 0) msg.rights = files;
  const free = t.creds.hasCap(CAP_SYS_RESOURCE) || t.creds.hasCap(CAP_SYS_ADMIN);
  msg.rightsLimit = free ? Infinity : t.files.limit;
  return 0;
}

function decodeCredentials(t: Task, msg: Message, data: Uint8Array): number {
  if (data.length !== UCRED_SIZE) return -EINVAL;
  const v = new DataView(data.buffer, data.byteOffset, data.length);
  const pid = v.getInt32(0, true);
  const uid = v.getUint32(4, true);
  const gid = v.getUint32(8, true);
  const c = t.creds;
  if (pid !== t.pid && !c.hasCap(CAP_SYS_ADMIN)) return -EPERM;
  if (uid !== c.uid && uid !== c.euid && uid !== c.suid && !c.hasCap(CAP_SETUID)) return -EPERM;
  if (gid !== c.gid && gid !== c.egid && gid !== c.sgid && !c.hasCap(CAP_SETGID)) return -EPERM;
  if (pid !== t.pid && !t.pidns.pids.has(pid)) return -ESRCH;
  msg.creds = { pid, ns: t.pidns, uid, gid, process: t.pidns.groups.get(pid) ?? null };
  return 0;
}

/** Writes control messages one after the other into a buffer as long as the receiver's. */
class ControlWriter {
  readonly bytes: Uint8Array;
  used = 0;
  truncated = false;

  constructor(room: number) {
    this.bytes = new Uint8Array(room);
  }

  get left(): number {
    return this.bytes.length - this.used;
  }

  put(level: number, type: number, data: Uint8Array): void {
    if (this.left < CMSG_HEADER) {
      this.truncated = true;
      return;
    }
    let size = CMSG_HEADER + data.length;
    if (size > this.left) {
      this.truncated = true;
      size = this.left;
    }
    const v = new DataView(this.bytes.buffer, this.used);
    v.setUint32(0, size, true);
    v.setInt32(8, level, true);
    v.setInt32(12, type, true);
    this.bytes.set(data.subarray(0, size - CMSG_HEADER), this.used + CMSG_HEADER);
    this.used = Math.min(this.bytes.length, this.used + align(size));
  }
}

/** Encodes what came with a message, installing descriptors; bytes written to `addr`, or -EFAULT. */
export function encodeControl(t: Task, msg: Message, addr: number, room: number): number {
  if (msg.creds === null && msg.rights === null && msg.control === null && msg.process === null) return 0;
  if (addr === 0 || room === 0) {
    dropRights(msg);
    msg.outFlags |= MSG_CTRUNC;
    return 0;
  }
  const out = new ControlWriter(Math.min(room, OPTMEM_MAX));
  for (const c of msg.control ?? []) out.put(c.level, c.type, c.data);
  if (msg.creds !== null) {
    const data = new Uint8Array(UCRED_SIZE);
    const v = new DataView(data.buffer);
    v.setInt32(0, pidSeenBy(t, msg.creds), true);
    v.setInt32(4, msg.creds.uid, true);
    v.setInt32(8, msg.creds.gid, true);
    out.put(SOL_SOCKET, SCM_CREDENTIALS, data);
  }
  const fds = msg.rights === null ? [] : installRights(t, msg, out);
  if (msg.process !== null) installPidfd(t, msg.process as ThreadGroup, out, fds);
  if (out.truncated) msg.outFlags |= MSG_CTRUNC;
  if (out.used > 0 && t.copyOutBytes(addr, out.bytes, 0, out.used) < 0) {
    for (const fd of fds) t.files.remove(fd);
    return -EFAULT;
  }
  return out.used;
}

/** Gives the descriptors numbers, as many as fit; the others are dropped and the message is marked truncated. */
function installRights(t: Task, msg: Message, out: ControlWriter): number[] {
  const fit = Math.floor((out.left - CMSG_HEADER) / 4);
  const fds: number[] = [];
  for (const file of msg.rights!) {
    if (fds.length >= fit) break;
    const fd = t.files.alloc(file, 0, (msg.flags & MSG_CMSG_CLOEXEC) !== 0);
    if (fd < 0) break;
    fds.push(fd);
  }
  if (fds.length < msg.rights!.length) out.truncated = true;
  dropRights(msg);
  if (fds.length > 0) out.put(SOL_SOCKET, SCM_RIGHTS, new Uint8Array(Int32Array.from(fds).buffer));
  return fds;
}

/** SCM_PIDFD: a descriptor for the sender. */
function installPidfd(t: Task, group: ThreadGroup, out: ControlWriter, fds: number[]): void {
  if (out.left < CMSG_HEADER + 4) {
    out.truncated = true;
    return;
  }
  const fd = t.files.alloc(new PidFile(group, null, 0), 0, true);
  if (fd >= 0) fds.push(fd);
  out.put(SOL_SOCKET, SCM_PIDFD, new Uint8Array(Int32Array.of(fd).buffer));
}
