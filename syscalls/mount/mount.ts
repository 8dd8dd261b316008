/** mount(2), umount2(2), pivot_root(2). */
import { CAP_SYS_ADMIN } from '../../sentry/abi/capability.ts';
import { EACCES, EAGAIN, EBUSY, EINVAL, ENODEV, ENOENT, ENOTDIR, EPERM } from '../../sentry/abi/errno.ts';
import {
  MNT_DETACH,
  MNT_EXPIRE,
  MNT_FLAGS,
  MNT_FORCE,
  MS_BIND,
  MS_MGC_MSK,
  MS_MGC_VAL,
  MS_MOVE,
  MS_PRIVATE,
  MS_RDONLY,
  MS_REC,
  MS_REMOUNT,
  MS_SHARED,
  MS_SILENT,
  MS_SLAVE,
  MS_UNBINDABLE,
  UMOUNT_NOFOLLOW,
} from '../../sentry/abi/mount.ts';
import { S_IFDIR, S_IFMT } from '../../sentry/abi/stat.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { isAncestor } from '../../sentry/vfs/dcache.ts';
import { makeFilesystem } from '../../sentry/vfs/filesystem-types.ts';
import type { MountNamespace } from '../../sentry/vfs/mount-namespace.ts';
import { samePath, type Mount, type Path } from '../../sentry/vfs/path.ts';
import { resolve, WALK_DIRECTORY, WALK_NOFOLLOW } from '../../sentry/vfs/walk.ts';

const PROPAGATION = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;
/** Mounts asked to expire once: the second umount2(MNT_EXPIRE) takes them (if unused in between). */
const expiring = new WeakSet<Mount>();

export function namespaceOf(t: Task): MountNamespace {
  return t.fs.mountNs as MountNamespace;
}

export function sys_mount(t: Task): number {
  const target = t.path(1);
  if (typeof target === 'number') return target;
  let flags = t.argI32(3);
  if ((flags & MS_MGC_MSK) === MS_MGC_VAL) flags &= ~MS_MGC_MSK;
  const at = resolve(t, null, target, 0);
  if (typeof at === 'number') return at;
  if (!t.creds.hasCap(CAP_SYS_ADMIN)) return -EPERM;
  const own = flags & MNT_FLAGS;
  if ((flags & (MS_REMOUNT | MS_BIND)) === (MS_REMOUNT | MS_BIND)) return remountBind(t, at, own);
  if ((flags & MS_REMOUNT) !== 0) return remount(t, at, own);
  if ((flags & MS_BIND) !== 0) return bind(t, at, (flags & MS_REC) !== 0);
  if ((flags & PROPAGATION) !== 0) return changePropagation(t, at, flags);
  if ((flags & MS_MOVE) !== 0) return moveMount(t, at);
  return newMount(t, at, flags);
}

function newMount(t: Task, at: Path, flags: number): number {
  const type = t.path(2);
  if (typeof type === 'number') return type;
  const source = textOf(t, 0);
  if (typeof source === 'number') return source;
  const options = textOf(t, 4);
  if (typeof options === 'number') return options;
  const fs = makeFilesystem(type, options, source, t);
  // A device that is not there: nothing here has block devices.
  if (typeof fs === 'number') return fs === -ENODEV && source.startsWith('/dev/') ? -ENOENT : fs;
  fs.superFlags = flags;
  const own = flags & MNT_FLAGS;
  const mounted = namespaceOf(t).mount(fs, at, own, source === '' ? 'none' : source, options);
  return typeof mounted === 'number' ? mounted : 0;
}

/** An optional string argument: '' for a null pointer. */
function textOf(t: Task, i: number): string | number {
  return t.arg(i) === 0 ? '' : t.path(i);
}

function bind(t: Task, at: Path, recursive: boolean): number {
  const source = t.path(0);
  if (typeof source === 'number') return source;
  if (source === '') return -EINVAL;
  const from = resolve(t, null, source, 0);
  if (typeof from === 'number') return from;
  const mounted = namespaceOf(t).bind(from, at, recursive);
  return typeof mounted === 'number' ? mounted : 0;
}

function remountBind(t: Task, at: Path, flags: number): number {
  if (at.dentry !== at.mount.root) return -EINVAL;
  namespaceOf(t).setFlags(at.mount, flags);
  return 0;
}

function remount(t: Task, at: Path, flags: number): number {
  if (at.dentry !== at.mount.root) return -EINVAL;
  const options = textOf(t, 4);
  if (typeof options === 'number') return options;
  const { mount } = at;
  const r = mount.fs.remount?.(options) ?? 0;
  if (r < 0) return r;
  // What the medium forbids cannot be asked for.
  if (mount.fs.readonly === true && (flags & MS_RDONLY) === 0) return -EACCES;
  namespaceOf(t).setFlags(mount, flags);
  return 0;
}

function changePropagation(t: Task, at: Path, flags: number): number {
  if ((flags & ~(PROPAGATION | MS_REC | MS_SILENT)) !== 0) return -EINVAL;
  const type = flags & PROPAGATION;
  if ((type & (type - 1)) !== 0 || at.dentry !== at.mount.root) return -EINVAL;
  const kind =
    type === MS_SHARED
      ? 'shared'
      : type === MS_PRIVATE
        ? 'private'
        : type === MS_SLAVE
          ? 'slave'
          : 'unbindable';
  namespaceOf(t).setPropagation(at.mount, kind, (flags & MS_REC) !== 0);
  return 0;
}

function moveMount(t: Task, at: Path): number {
  const source = t.path(0);
  if (typeof source === 'number') return source;
  if (source === '') return -EINVAL;
  const from = resolve(t, null, source, 0);
  if (typeof from === 'number') return from;
  if (from.dentry !== from.mount.root) return -EINVAL;
  return namespaceOf(t).move(from.mount, at);
}

export function sys_umount2(t: Task): number {
  const flags = t.argI32(1);
  if ((flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW)) !== 0) return -EINVAL;
  const name = t.path(0);
  if (typeof name === 'number') return name;
  const path = resolve(t, null, name, (flags & UMOUNT_NOFOLLOW) !== 0 ? WALK_NOFOLLOW : 0);
  if (typeof path === 'number') return path;
  if (!t.creds.hasCap(CAP_SYS_ADMIN)) return -EPERM;
  const { mount } = path;
  if (path.dentry !== mount.root || !mount.attached) return -EINVAL;
  if ((flags & MNT_EXPIRE) !== 0) {
    if ((flags & (MNT_FORCE | MNT_DETACH)) !== 0) return -EINVAL;
    if (inUse(t, mount)) return -EBUSY;
    if (!expiring.has(mount)) {
      expiring.add(mount);
      return -EAGAIN;
    }
  }
  return namespaceOf(t).umount(mount, (flags & MNT_DETACH) !== 0, (m) => inUse(t, m));
}

/** A task has its root, working directory or an open file there. */
function inUse(t: Task, mount: Mount): boolean {
  for (const task of t.kernel.allTasks()) {
    if (task.root.mount === mount || task.cwd.mount === mount) return true;
    for (let fd = task.files.nextOpen(0); fd >= 0; fd = task.files.nextOpen(fd + 1)) {
      if (task.files.get(fd)?.path?.mount === mount) return true;
    }
  }
  return false;
}

export function sys_pivot_root(t: Task): number {
  if (!t.creds.hasCap(CAP_SYS_ADMIN)) return -EPERM;
  const newName = t.path(0);
  if (typeof newName === 'number') return newName;
  const oldName = t.path(1);
  if (typeof oldName === 'number') return oldName;
  const newRoot = resolve(t, null, newName, WALK_DIRECTORY);
  if (typeof newRoot === 'number') return newRoot;
  const putOld = resolve(t, null, oldName, WALK_DIRECTORY);
  if (typeof putOld === 'number') return putOld;
  const root = t.root;
  if (newRoot.mount === root.mount || putOld.mount === root.mount) return -EBUSY;
  if (root.dentry !== root.mount.root || newRoot.dentry !== newRoot.mount.root) return -EINVAL;
  if (newRoot.mount.parent === null || newRoot.mount.peerGroup !== 0) return -EINVAL;
  if ((newRoot.dentry.inode!.mode & S_IFMT) !== S_IFDIR) return -ENOTDIR;
  if (!below(putOld, newRoot)) return -EINVAL;
  const r = namespaceOf(t).pivot(newRoot.mount, root.mount, putOld);
  if (r < 0) return r;
  // Whoever stood at the old root stands at the new one now.
  for (const task of t.kernel.allTasks()) {
    if (samePath(task.root, root)) task.fs.root = newRoot;
    if (samePath(task.cwd, root)) task.fs.cwd = newRoot;
  }
  return 0;
}

/** `path` is at or below `root`, mounts counted. */
function below(path: Path, root: Path): boolean {
  let { mount, dentry } = path;
  for (;;) {
    if (mount === root.mount) return isAncestor(root.dentry, dentry);
    if (mount.parent === null || mount.mountpoint === null) return false;
    dentry = mount.mountpoint;
    mount = mount.parent;
  }
}
