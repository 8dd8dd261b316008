/** inotify_init(2), inotify_init1(2), inotify_add_watch(2), inotify_rm_watch(2). */
import { EBADF, EINVAL, EMFILE, ENOTDIR } from '../../sentry/abi/errno.ts';
import { O_CLOEXEC, O_NONBLOCK } from '../../sentry/abi/fcntl.ts';
import {
  IN_ALL_EVENTS,
  IN_DONT_FOLLOW,
  IN_EXCL_UNLINK,
  IN_MASK_ADD,
  IN_MASK_CREATE,
  IN_ONESHOT,
  IN_ONLYDIR,
  MAX_USER_INSTANCES,
} from '../../sentry/abi/inotify.ts';
import { S_IFDIR, S_IFMT } from '../../sentry/abi/stat.ts';
import { InotifyFile } from '../../sentry/fs/inotify/inotify-file.ts';
import { listenToVfs } from '../../sentry/fs/inotify/watch.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { MAY_READ, pathPermission } from '../../sentry/vfs/permission.ts';
import { WALK_NOFOLLOW, resolve } from '../../sentry/vfs/walk.ts';
import { newFd } from './new-fd.ts';

const VALID =
  IN_ALL_EVENTS | IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK | IN_MASK_CREATE | IN_MASK_ADD | IN_ONESHOT;

/** Instances by user, per kernel. */
const instances = new WeakMap<object, Map<number, number>>();

export function sys_inotify_init(t: Task): number {
  return doInit(t, 0);
}

export function sys_inotify_init1(t: Task): number {
  return doInit(t, t.argI32(0));
}

function doInit(t: Task, flags: number): number {
  if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) !== 0) return -EINVAL;
  let byUser = instances.get(t.kernel);
  if (byUser === undefined) {
    instances.set(t.kernel, (byUser = new Map<number, number>()));
    listenToVfs();
  }
  const users = byUser;
  const uid = t.creds.uid;
  const count = users.get(uid) ?? 0;
  if (count >= MAX_USER_INSTANCES) return -EMFILE;
  users.set(uid, count + 1);
  const file = new InotifyFile(flags & O_NONBLOCK, uid, () => users.set(uid, users.get(uid)! - 1));
  return newFd(t, file, (flags & O_CLOEXEC) !== 0);
}

export function sys_inotify_add_watch(t: Task): number {
  const mask = t.argI32(2);
  if ((mask & VALID) === 0) return -EINVAL;
  const file = t.fileNoPath(0);
  if (file === null) return -EBADF;
  if ((mask & IN_MASK_ADD) !== 0 && (mask & IN_MASK_CREATE) !== 0) return -EINVAL;
  if (!(file instanceof InotifyFile)) return -EINVAL;
  const name = t.path(1);
  if (typeof name === 'number') return name;
  const path = resolve(t, null, name, (mask & IN_DONT_FOLLOW) !== 0 ? WALK_NOFOLLOW : 0);
  if (typeof path === 'number') return path;
  const inode = path.dentry.inode!;
  if ((mask & IN_ONLYDIR) !== 0 && (inode.mode & S_IFMT) !== S_IFDIR) return -ENOTDIR;
  const allowed = pathPermission(path, MAY_READ, t.creds);
  return allowed < 0 ? allowed : file.watch(path, mask);
}

export function sys_inotify_rm_watch(t: Task): number {
  const file = t.fileNoPath(0);
  if (file === null) return -EBADF;
  return file instanceof InotifyFile ? file.unwatch(t.argI32(1)) : -EINVAL;
}
