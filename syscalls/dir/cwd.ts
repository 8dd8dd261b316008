/** getcwd(2), chdir(2), fchdir(2), chroot(2). */
import { bytes, u8 } from '../../platform/arena.ts';
import { CAP_SYS_CHROOT } from '../../sentry/abi/capability.ts';
import { EBADF, ENAMETOOLONG, ENOENT, ENOTDIR, EPERM, ERANGE } from '../../sentry/abi/errno.ts';
import { PATH_MAX } from '../../sentry/abi/fcntl.ts';
import { S_IFDIR, S_IFMT } from '../../sentry/abi/stat.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { pathFrom, showPath } from '../../sentry/vfs/path-name.ts';
import type { Path } from '../../sentry/vfs/path.ts';
import { MAY_EXEC, pathPermission } from '../../sentry/vfs/permission.ts';
import { resolve, WALK_DIRECTORY } from '../../sentry/vfs/walk.ts';

export function sys_getcwd(t: Task): number {
  const cwd = t.cwd;
  if (cwd.dentry.deleted) return -ENOENT;
  const text = pathFrom(cwd, t.root) ?? `(unreachable)${showPath(cwd, t.root)}`;
  const size = text.length + 1;
  if (size > PATH_MAX) return -ENAMETOOLONG;
  if (size > t.arg(1)) return -ERANGE;
  const at = t.stage(size);
  if (at < 0) return at;
  bytes.latin1Write(text, at, text.length);
  u8[at + text.length] = 0;
  const r = t.copyOutStaged(t.arg(0), at, size);
  return r < 0 ? r : size;
}

export function sys_chdir(t: Task): number {
  const name = t.path(0);
  if (typeof name === 'number') return name;
  const path = resolve(t, null, name, WALK_DIRECTORY);
  return typeof path === 'number' ? path : changeTo(t, path);
}

export function sys_fchdir(t: Task): number {
  const file = t.file(0);
  if (file === null) return -EBADF;
  const path = file.path;
  if (path === null || (path.dentry.inode!.mode & S_IFMT) !== S_IFDIR) return -ENOTDIR;
  return changeTo(t, path);
}

function changeTo(t: Task, path: Path): number {
  const r = pathPermission(path, MAY_EXEC, t.creds);
  if (r < 0) return r;
  t.fs.cwd = path;
  return 0;
}

export function sys_chroot(t: Task): number {
  const name = t.path(0);
  if (typeof name === 'number') return name;
  const path = resolve(t, null, name, WALK_DIRECTORY);
  if (typeof path === 'number') return path;
  const r = pathPermission(path, MAY_EXEC, t.creds);
  if (r < 0) return r;
  if (!t.creds.hasCap(CAP_SYS_CHROOT)) return -EPERM;
  t.fs.root = path;
  return 0;
}

/** umask(2): cannot fail; only the permission bits count. */
export function sys_umask(t: Task): number {
  const old = t.fs.umask;
  t.fs.umask = t.argU32(0) & 0o777;
  return old;
}
