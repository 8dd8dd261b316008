/** fcntl(2). */
import { EBADF, EFAULT, EINVAL, EPERM } from '../../sentry/abi/errno.ts';
import {
  F_ADD_SEALS,
  F_CREATED_QUERY,
  F_DUPFD,
  F_DUPFD_CLOEXEC,
  F_DUPFD_QUERY,
  F_GET_FILE_RW_HINT,
  F_GET_RW_HINT,
  F_GET_SEALS,
  F_GETFD,
  F_GETFL,
  F_GETLEASE,
  F_GETLK,
  F_GETOWN,
  F_GETOWN_EX,
  F_GETOWNER_UIDS,
  F_GETPIPE_SZ,
  F_GETSIG,
  F_NOTIFY,
  F_OFD_GETLK,
  F_OFD_SETLK,
  F_OFD_SETLKW,
  F_SET_FILE_RW_HINT,
  F_SET_RW_HINT,
  F_SETFD,
  F_SETFL,
  F_SETLEASE,
  F_SETLK,
  F_SETLKW,
  F_SETOWN,
  F_SETOWN_EX,
  F_SETPIPE_SZ,
  F_SETSIG,
  F_UNLCK,
  FASYNC,
  FD_CLOEXEC,
  O_APPEND,
  O_DIRECT,
  O_NOATIME,
  O_NONBLOCK,
  O_PATH,
} from '../../sentry/abi/fcntl.ts';
import { unimplemented } from '../../sentry/base/unimplemented.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import type { FileDescription } from '../../sentry/vfs/file-description.ts';
import type { Inode } from '../../sentry/vfs/inode.ts';
import { isOwnerOrCapable } from '../../sentry/vfs/permission.ts';
import { ownerId, ownerOf, setAsync, setOwner, setOwnerEx } from './owner.ts';
import { recordLock } from './record-locks.ts';

const SETTABLE = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME;
const RW_HINT_MAX = 5;
const NSIG = 64;

/** F_SET_RW_HINT's advice: kept and answered. */
const hints = new WeakMap<Inode, number>();

export function sys_fcntl(t: Task): number {
  const fd = t.argI32(0);
  const cmd = t.argI32(1);
  const file = t.files.get(fd);
  if (file === null) return -EBADF;
  switch (cmd) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC: {
      const min = t.argU32(2);
      if (min >= t.files.limit) return -EINVAL;
      return t.files.alloc(file, min, cmd === F_DUPFD_CLOEXEC);
    }
    case F_GETFD:
      return t.files.cloexec(fd) ? FD_CLOEXEC : 0;
    case F_SETFD:
      t.files.setCloexec(fd, (t.argI32(2) & FD_CLOEXEC) !== 0);
      return 0;
    case F_GETFL:
      return file.flags;
    case F_DUPFD_QUERY:
      return t.file(2) === null ? -EBADF : t.file(2) === file ? 1 : 0;
    default:
      return (file.flags & O_PATH) !== 0 ? -EBADF : fileControl(t, file, fd, cmd);
  }
}

function fileControl(t: Task, file: FileDescription, fd: number, cmd: number): number {
  switch (cmd) {
    case F_SETFL:
      return setFlags(t, file, fd, t.argI32(2));
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
    case F_OFD_GETLK:
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
      return recordLock(t, file, cmd);
    case F_SETOWN:
    case F_GETOWN:
    case F_SETOWN_EX:
    case F_GETOWN_EX:
    case F_GETOWNER_UIDS:
    case F_SETSIG:
    case F_GETSIG:
      return ownerControl(t, file, cmd);
    case F_GETPIPE_SZ:
      return file.pipeSize();
    case F_SETPIPE_SZ:
      return file.setPipeSize(t.argU32(2), t);
    case F_GET_SEALS:
      return file.inode?.seals() ?? -EINVAL;
    case F_ADD_SEALS:
      if (!file.writable) return -EPERM;
      return file.inode?.addSeals(t.argU32(2)) ?? -EINVAL;
    case F_GET_RW_HINT:
    case F_GET_FILE_RW_HINT:
    case F_SET_RW_HINT:
    case F_SET_FILE_RW_HINT:
      return lifetimeHint(t, file, cmd);
    case F_GETLEASE:
      return F_UNLCK;
    case F_SETLEASE:
      // Nobody else could break one: files shared with the host are not watched.
      unimplemented('fcntl F_SETLEASE');
      return -EINVAL;
    case F_NOTIFY:
      unimplemented('fcntl F_NOTIFY');
      return -EINVAL;
    case F_CREATED_QUERY:
      return 0;
    default:
      unimplemented(`fcntl ${cmd}`);
      return -EINVAL;
  }
}

function setFlags(t: Task, file: FileDescription, fd: number, arg: number): number {
  if ((arg & O_NOATIME) !== 0 && (file.flags & O_NOATIME) === 0) {
    if (file.inode !== null && !isOwnerOrCapable(file.inode, t.creds)) return -EPERM;
  }
  if ((arg & O_DIRECT) !== 0 && !file.direct) return -EINVAL;
  file.flags = (file.flags & ~SETTABLE) | (arg & SETTABLE);
  file.flagsChanged();
  const async = (arg & FASYNC) !== 0;
  if (file.asynchronous && async !== ((file.flags & FASYNC) !== 0)) setAsync(t, file, fd, async);
  return 0;
}

function ownerControl(t: Task, file: FileDescription, cmd: number): number {
  const owner = ownerOf(file);
  switch (cmd) {
    case F_SETOWN:
      return setOwner(t, file, t.argI32(2));
    case F_GETOWN:
      return ownerId(file);
    case F_SETOWN_EX: {
      const type = t.readI32(t.arg(2));
      const id = t.readI32(t.arg(2) + 4);
      if (type === null || id === null) return -EFAULT;
      return setOwnerEx(t, file, type, id);
    }
    case F_GETOWN_EX:
      return t.writeI32(t.arg(2), owner.type) < 0 || t.writeI32(t.arg(2) + 4, owner.id) < 0 ? -EFAULT : 0;
    case F_GETOWNER_UIDS:
      return t.writeU32(t.arg(2), owner.uid) < 0 || t.writeU32(t.arg(2) + 4, owner.euid) < 0 ? -EFAULT : 0;
    case F_SETSIG: {
      const signo = t.argI32(2);
      if (signo < 0 || signo > NSIG) return -EINVAL;
      owner.signo = signo;
      return 0;
    }
    default:
      return owner.signo;
  }
}

function lifetimeHint(t: Task, file: FileDescription, cmd: number): number {
  const inode = file.inode;
  if (inode === null) return -EINVAL;
  if (cmd === F_GET_RW_HINT || cmd === F_GET_FILE_RW_HINT) {
    return t.writeU64(t.arg(2), hints.get(inode) ?? 0) < 0 ? -EFAULT : 0;
  }
  const hint = t.readU64(t.arg(2));
  if (hint === null) return -EFAULT;
  if (hint > RW_HINT_MAX) return -EINVAL;
  hints.set(inode, hint);
  return 0;
}
