/** execve(2), execveat(2). */
import { E2BIG, EACCES, EAGAIN, EBADF, EINVAL, ELOOP, ENOENT } from '../../sentry/abi/errno.ts';
import { AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW, O_RDONLY } from '../../sentry/abi/fcntl.ts';
import { RLIMIT_NPROC, RLIMIT_STACK } from '../../sentry/abi/resource.ts';
import { S_IFLNK, S_IFMT, S_IFREG } from '../../sentry/abi/stat.ts';
import { execCredentials } from '../../sentry/auth/exec-credentials.ts';
import { NO_REPLY } from '../../sentry/base/result.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { commitExec } from '../../sentry/kernel/task-exec.ts';
import { copyStrings } from '../../sentry/loader/copy-strings.ts';
import { loadImage } from '../../sentry/loader/load-image.ts';
import type { FileDescription } from '../../sentry/vfs/file-description.ts';
import { isNoexec } from '../../sentry/vfs/permission.ts';
import type { Path } from '../../sentry/vfs/path.ts';
import { MAY_EXEC, permission } from '../../sentry/vfs/permission.ts';
import { WALK_EMPTY, WALK_NOFOLLOW, resolve } from '../../sentry/vfs/walk.ts';

const MS_NOSUID = 2;
const ADDR_NO_RANDOMIZE = 0x0040000;
/** Strings and pointers of argv and envp together, however large the stack (execve(2), "Limits"). */
const MAX_ARGS_BYTES = 6 << 20;

export function sys_execve(t: Task): number {
  const name = t.path(0);
  if (typeof name === 'number') return name;
  return execute(t, null, name, t.arg(1), t.arg(2), 0);
}

export function sys_execveat(t: Task): number {
  const dirfd = t.argI32(0);
  const name = t.path(1);
  const flags = t.argI32(4);
  if (typeof name === 'number') return name;
  if ((flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)) !== 0) return -EINVAL;
  let start: Path | null = null;
  if (dirfd !== AT_FDCWD && !name.startsWith('/')) {
    const file = t.files.get(dirfd);
    if (file === null) return -EBADF;
    if (file.path === null) return name === '' ? -EACCES : -EBADF;
    start = file.path;
    if (name === '' && (flags & AT_EMPTY_PATH) !== 0) {
      return execute(t, start, '', t.arg(2), t.arg(3), flags, `/dev/fd/${dirfd}`, t.files.cloexec(dirfd));
    }
    return execute(
      t,
      start,
      name,
      t.arg(2),
      t.arg(3),
      flags,
      `/dev/fd/${dirfd}/${name}`,
      t.files.cloexec(dirfd),
    );
  }
  return execute(t, start, name, t.arg(2), t.arg(3), flags);
}

/** `shown` is the path that a script's interpreter and AT_EXECFN get; hidden: it will be closed by then. */
function execute(
  t: Task,
  start: Path | null,
  name: string,
  argvAddr: number,
  envpAddr: number,
  flags: number,
  shown = name,
  hidden = false,
): number {
  if (exceedsNproc(t)) return -EAGAIN;
  if (name === '' && (flags & AT_EMPTY_PATH) === 0) return -ENOENT;
  const file = openExecutable(t, start, name, flags);
  if (typeof file === 'number') return file;
  file.incRef();
  const r = load(t, file, shown, argvAddr, envpAddr, hidden);
  file.decRef();
  return r;
}

function load(
  t: Task,
  file: FileDescription,
  shown: string,
  argvAddr: number,
  envpAddr: number,
  hidden: boolean,
): number {
  const stackLimit = t.group.limits.soft[RLIMIT_STACK]!;
  const maxBytes = Math.max(131072, Math.min(stackLimit / 4, MAX_ARGS_BYTES));
  const argv = copyStrings(t.mm.space, argvAddr, maxBytes);
  if (typeof argv === 'number') return argv;
  const envp = copyStrings(t.mm.space, envpAddr, maxBytes);
  if (typeof envp === 'number') return envp;
  if (argv.length + envp.length > maxBytes / 8) return -E2BIG;
  const image = loadImage({
    platform: t.kernel.platform,
    spaces: t.group.spaces,
    ctx: t,
    file,
    path: shown,
    argv,
    envp,
    openExec: (path) => openExecutable(t, null, path, 0),
    credentialsFor: (program) => newCredentials(t, program),
    stackLimit,
    noRandomize: (t.personality & ADDR_NO_RANDOMIZE) !== 0,
    pathInaccessible: hidden,
  });
  if (typeof image === 'number') return image;
  const readable = permission(image.file.inode!, 4, t.creds) === 0;
  commitExec(t.kernel, t, image, image.creds, image.name, !image.secure && readable);
  return NO_REPLY;
}

/** Opens a program for reading on the kernel's behalf: execute permission is enough. */
export function openExecutable(
  t: Task,
  start: Path | null,
  name: string,
  flags: number,
): FileDescription | number {
  let walk = 0;
  if ((flags & AT_SYMLINK_NOFOLLOW) !== 0) walk |= WALK_NOFOLLOW;
  if ((flags & AT_EMPTY_PATH) !== 0) walk |= WALK_EMPTY;
  const path = name === '' && start !== null ? start : resolve(t, start, name, walk);
  if (typeof path === 'number') return path;
  const inode = path.dentry.inode;
  if (inode === null) return -ENOENT;
  const kind = inode.mode & S_IFMT;
  if (kind === S_IFLNK) return -ELOOP;
  if (kind !== S_IFREG) return -EACCES;
  if (isNoexec(path.mount)) return -EACCES;
  const r = permission(inode, MAY_EXEC, t.creds);
  if (r < 0) return r;
  return inode.open(path, O_RDONLY, t);
}

function newCredentials(t: Task, program: FileDescription): ReturnType<typeof execCredentials> {
  const inode = program.inode!;
  const nosuid = program.path !== null && (program.path.mount.flags & MS_NOSUID) !== 0;
  return execCredentials(t.creds, inode, nosuid, t.noNewPrivs);
}

/** A setuid(2) beyond RLIMIT_NPROC is let pass and the next execve refused (setuid(2), EAGAIN). */
function exceedsNproc(t: Task): boolean {
  if (!t.nprocExceeded) return false;
  t.nprocExceeded = false;
  const limit = t.group.limits.soft[RLIMIT_NPROC]!;
  return limit !== Infinity && t.creds.uid !== 0 && t.kernel.countTasksOf(t.creds.uid) > limit;
}
