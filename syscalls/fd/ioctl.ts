/** ioctl(2): requests that any file understands; the rest is the file's own. */
import { EBADF, EFAULT, EOPNOTSUPP, ENOTTY, EPERM, EINVAL, EXDEV, EISDIR } from '../../sentry/abi/errno.ts';
import { CAP_SYS_ADMIN, CAP_SYS_RAWIO } from '../../sentry/abi/capability.ts';
import { FASYNC, O_NONBLOCK, O_APPEND } from '../../sentry/abi/fcntl.ts';
import {
  FIOASYNC,
  FIOCLEX,
  FIOGETOWN,
  FIONBIO,
  FIONREAD,
  FIOQSIZE,
  FIOSETOWN,
  SIOCGPGRP,
  SIOCSPGRP,
} from '../../sentry/abi/ioctl.ts';
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '../../sentry/abi/stat.ts';
import { unimplemented } from '../../sentry/base/unimplemented.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { SocketFile } from '../../sentry/net/socket/socket-file.ts';
import type { FileDescription } from '../../sentry/vfs/file-description.ts';
import { Stat } from '../../sentry/vfs/stat.ts';
import { ownerId, setAsync, setOwner } from './owner.ts';

const FIONCLEX = 0x5450;
const FIBMAP = 1;
const FIGETBSZ = 2;
const FICLONE = 0x40049409;
const FICLONERANGE = 0x4020940d;
const FIDEDUPERANGE = 0xc0189436;
const FS_IOC_FIEMAP = 0xc020660b;
const FIFREEZE = 0xc0045877;
const FITHAW = 0xc0045878;

const st = new Stat();

export function sys_ioctl(t: Task): number {
  const fd = t.argI32(0);
  const file = t.fileNoPath(0);
  if (file === null) return -EBADF;
  const cmd = t.argU32(1);
  switch (cmd) {
    case FIOCLEX:
      t.files.setCloexec(fd, true);
      return 0;
    case FIONCLEX:
      t.files.setCloexec(fd, false);
      return 0;
    case FIONBIO: {
      const on = t.readI32(t.arg(2));
      if (on === null) return -EFAULT;
      file.flags = on !== 0 ? file.flags | O_NONBLOCK : file.flags & ~O_NONBLOCK;
      file.flagsChanged();
      return 0;
    }
    case FIOASYNC: {
      const on = t.readI32(t.arg(2));
      if (on === null) return -EFAULT;
      if ((on !== 0) === ((file.flags & FASYNC) !== 0)) return 0;
      if (!file.asynchronous) return -ENOTTY;
      setAsync(t, file, fd, on !== 0);
      return 0;
    }
    case FIOSETOWN:
    case SIOCSPGRP: {
      if (!(file instanceof SocketFile)) break;
      const id = t.readI32(t.arg(2));
      return id === null ? -EFAULT : setOwner(t, file, id);
    }
    case FIOGETOWN:
    case SIOCGPGRP:
      if (!(file instanceof SocketFile)) break;
      return t.writeI32(t.arg(2), ownerId(file)) < 0 ? -EFAULT : 0;
  }
  return fileIoctl(t, file, cmd);
}

/** No filesystem here shares blocks: what is left is the order of errors (ioctl_ficlonerange(2)). */
function cloneFrom(source: FileDescription | null, target: FileDescription): number {
  if (source === null) return -EBADF;
  const from = source.inode;
  const to = target.inode;
  if (from === null || to === null) return -EINVAL;
  if (from.fs !== to.fs) return -EXDEV;
  if ((from.mode & S_IFMT) === S_IFDIR || (to.mode & S_IFMT) === S_IFDIR) return -EISDIR;
  if ((from.mode & S_IFMT) !== S_IFREG || (to.mode & S_IFMT) !== S_IFREG) return -EINVAL;
  if (!source.readable || !target.writable || (target.flags & O_APPEND) !== 0) return -EBADF;
  return -EOPNOTSUPP;
}

function fileIoctl(t: Task, file: FileDescription, cmd: number): number {
  const type = file.inode === null ? 0 : file.inode.mode & S_IFMT;
  switch (cmd) {
    case FIOQSIZE:
      if (type !== S_IFREG && type !== S_IFDIR && type !== S_IFLNK) return -ENOTTY;
      return t.writeI64(t.arg(2), file.inode!.size()) < 0 ? -EFAULT : 0;
    case FIONREAD:
      if (type !== S_IFREG) break;
      return t.writeI32(t.arg(2), Math.max(0, file.inode!.size() - file.pos)) < 0 ? -EFAULT : 0;
    case FIGETBSZ: {
      const r = file.stat(st);
      return r < 0 ? r : t.writeI32(t.arg(2), st.blksize) < 0 ? -EFAULT : 0;
    }
    case FIBMAP:
      if (type !== S_IFREG) break;
      return t.creds.hasCap(CAP_SYS_RAWIO) ? -ENOTTY : -EPERM;
    case FICLONE:
      return cloneFrom(t.file(2), file);
    case FICLONERANGE: {
      const fd = t.readI64(t.arg(2));
      return fd === null ? -EFAULT : cloneFrom(t.files.get(fd), file);
    }
    case FIDEDUPERANGE:
    case FS_IOC_FIEMAP:
      if (type === S_IFREG) return -EOPNOTSUPP;
      break;
    case FIFREEZE:
    case FITHAW:
      return t.creds.hasCap(CAP_SYS_ADMIN) ? -EOPNOTSUPP : -EPERM;
    default:
      break;
  }
  const r = file.ioctl(cmd, t.arg(2), t);
  if (r === -ENOTTY && type !== S_IFREG && type !== S_IFDIR) unimplemented(`ioctl 0x${cmd.toString(16)}`);
  return r;
}
