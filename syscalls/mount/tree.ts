/** open_tree(2), move_mount(2), mount_setattr(2): mounts as descriptors. */
import { u32 } from '../../platform/arena.ts';
import { CAP_SYS_ADMIN } from '../../sentry/abi/capability.ts';
import { E2BIG, EINVAL, ENOENT, EPERM } from '../../sentry/abi/errno.ts';
import {
  AT_EMPTY_PATH,
  AT_NO_AUTOMOUNT,
  AT_RECURSIVE,
  AT_SYMLINK_NOFOLLOW,
  O_PATH,
} from '../../sentry/abi/fcntl.ts';
import {
  MOUNT_ATTR__ATIME,
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NODIRATIME,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_NOSYMFOLLOW,
  MOUNT_ATTR_RDONLY,
  MOUNT_ATTR_STRICTATIME,
  MOVE_MOUNT_BENEATH,
  MOVE_MOUNT_F_AUTOMOUNTS,
  MOVE_MOUNT_F_EMPTY_PATH,
  MOVE_MOUNT_F_SYMLINKS,
  MOVE_MOUNT_SET_GROUP,
  MOVE_MOUNT_T_AUTOMOUNTS,
  MOVE_MOUNT_T_EMPTY_PATH,
  MOVE_MOUNT_T_SYMLINKS,
  MS_NOATIME,
  MS_NODEV,
  MS_NODIRATIME,
  MS_NOEXEC,
  MS_NOSUID,
  MS_NOSYMFOLLOW,
  MS_PRIVATE,
  MS_RDONLY,
  MS_SHARED,
  MS_SLAVE,
  MS_STRICTATIME,
  MS_UNBINDABLE,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from '../../sentry/abi/mount.ts';
import { unimplemented } from '../../sentry/base/unimplemented.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import type { MountNamespace } from '../../sentry/vfs/mount-namespace.ts';
import { PathFile } from '../../sentry/vfs/path-file.ts';
import { Path, type Mount } from '../../sentry/vfs/path.ts';
import { resolve, WALK_EMPTY, WALK_NOFOLLOW } from '../../sentry/vfs/walk.ts';
import { startAt } from '../dir/dir-fd.ts';
import { namespaceOf } from './mount.ts';

const MOUNT_ATTR_SIZE = 32;

/** A detached tree of mounts: dissolved with its last descriptor unless it has been attached. */
class DetachedTree extends PathFile {
  private readonly ns: MountNamespace;

  constructor(ns: MountNamespace, tree: Mount) {
    super(new Path(tree, tree.root), O_PATH);
    this.ns = ns;
  }
  override release(): void {
    const { mount } = this.path!;
    if (!mount.attached) this.ns.dissolve(mount);
  }
}

export function sys_open_tree(t: Task): number {
  const flags = t.argU32(2);
  const known =
    AT_EMPTY_PATH |
    AT_NO_AUTOMOUNT |
    AT_RECURSIVE |
    AT_SYMLINK_NOFOLLOW |
    OPEN_TREE_CLONE |
    OPEN_TREE_CLOEXEC;
  if ((flags & ~known) !== 0) return -EINVAL;
  if ((flags & (AT_RECURSIVE | OPEN_TREE_CLONE)) === AT_RECURSIVE) return -EINVAL;
  const clone = (flags & OPEN_TREE_CLONE) !== 0;
  if (clone && !t.creds.hasCap(CAP_SYS_ADMIN)) return -EPERM;
  const follow = (flags & AT_SYMLINK_NOFOLLOW) === 0;
  const path = placeAt(t, 0, follow, (flags & AT_EMPTY_PATH) !== 0);
  if (typeof path === 'number') return path;
  const ns = namespaceOf(t);
  let file: PathFile;
  if (clone) {
    const tree = ns.copyTree(path, (flags & AT_RECURSIVE) !== 0);
    if (typeof tree === 'number') return tree;
    file = new DetachedTree(ns, tree);
  } else {
    file = new PathFile(path, O_PATH);
  }
  const fd = t.files.alloc(file, 0, (flags & OPEN_TREE_CLOEXEC) !== 0);
  if (fd < 0) {
    file.incRef();
    file.decRef();
  }
  return fd;
}

export function sys_move_mount(t: Task): number {
  const flags = t.argU32(4);
  const known =
    MOVE_MOUNT_F_SYMLINKS |
    MOVE_MOUNT_F_AUTOMOUNTS |
    MOVE_MOUNT_F_EMPTY_PATH |
    MOVE_MOUNT_T_SYMLINKS |
    MOVE_MOUNT_T_AUTOMOUNTS |
    MOVE_MOUNT_T_EMPTY_PATH |
    MOVE_MOUNT_SET_GROUP |
    MOVE_MOUNT_BENEATH;
  if (!t.creds.hasCap(CAP_SYS_ADMIN)) return -EPERM;
  if ((flags & ~known) !== 0) return -EINVAL;
  if ((flags & (MOVE_MOUNT_SET_GROUP | MOVE_MOUNT_BENEATH)) !== 0) {
    unimplemented('move_mount SET_GROUP or BENEATH');
    return -EINVAL;
  }
  const from = placeAt(t, 0, (flags & MOVE_MOUNT_F_SYMLINKS) !== 0, (flags & MOVE_MOUNT_F_EMPTY_PATH) !== 0);
  if (typeof from === 'number') return from;
  const to = placeAt(t, 2, (flags & MOVE_MOUNT_T_SYMLINKS) !== 0, (flags & MOVE_MOUNT_T_EMPTY_PATH) !== 0);
  if (typeof to === 'number') return to;
  if (from.dentry !== from.mount.root) return -EINVAL;
  const ns = namespaceOf(t);
  return from.mount.attached ? ns.move(from.mount, to) : ns.attachTree(from.mount, to);
}

export function sys_mount_setattr(t: Task): number {
  const flags = t.argU32(2);
  const size = t.arg(4);
  if ((flags & ~(AT_EMPTY_PATH | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT)) !== 0) return -EINVAL;
  if (size > 4096) return -E2BIG;
  if (size < MOUNT_ATTR_SIZE) return -EINVAL;
  if (!t.creds.hasCap(CAP_SYS_ADMIN)) return -EPERM;
  const at = t.copyIn(t.arg(3), MOUNT_ATTR_SIZE);
  if (at < 0) return at;
  const set = u32[at >>> 2]!;
  const clear = u32[(at >>> 2) + 2]!;
  const propagation = u32[(at >>> 2) + 4]!;
  const high = u32[(at >>> 2) + 1]! | u32[(at >>> 2) + 3]! | u32[(at >>> 2) + 5]!;
  const onFlags = toMountFlags(set);
  const offFlags = toMountFlags(clear);
  if (onFlags < 0 || offFlags < 0 || high !== 0) return -EINVAL;
  // The three kinds of atime are one field: it is cleared whole before another is set.
  const atime = (set & MOUNT_ATTR__ATIME) !== 0;
  if ((clear & MOUNT_ATTR__ATIME) !== 0 ? (clear & MOUNT_ATTR__ATIME) !== MOUNT_ATTR__ATIME : atime)
    return -EINVAL;
  const kind = propagationKind(propagation);
  if (kind === undefined) return -EINVAL;
  const path = placeAt(t, 0, (flags & AT_SYMLINK_NOFOLLOW) === 0, (flags & AT_EMPTY_PATH) !== 0);
  if (typeof path === 'number') return path;
  if (path.dentry !== path.mount.root) return -EINVAL;
  const ns = namespaceOf(t);
  const off = (clear & MOUNT_ATTR__ATIME) !== 0 ? offFlags | MS_NOATIME | MS_STRICTATIME : offFlags;
  const apply = (m: Mount): void => {
    ns.setFlags(m, (m.flags & ~off) | onFlags);
    if ((flags & AT_RECURSIVE) !== 0) for (const child of m.children) apply(child);
  };
  apply(path.mount);
  if (kind !== null) ns.setPropagation(path.mount, kind, (flags & AT_RECURSIVE) !== 0);
  return 0;
}

/** MOUNT_ATTR_ as MS_ flags; -1 for bits that are unknown or need what is not there (idmapped mounts). */
function toMountFlags(attr: number): number {
  const known =
    MOUNT_ATTR_RDONLY |
    MOUNT_ATTR_NOSUID |
    MOUNT_ATTR_NODEV |
    MOUNT_ATTR_NOEXEC |
    MOUNT_ATTR__ATIME |
    MOUNT_ATTR_NODIRATIME |
    MOUNT_ATTR_NOSYMFOLLOW;
  if ((attr & ~known) !== 0) return -1;
  let out = 0;
  if ((attr & MOUNT_ATTR_RDONLY) !== 0) out |= MS_RDONLY;
  if ((attr & MOUNT_ATTR_NOSUID) !== 0) out |= MS_NOSUID;
  if ((attr & MOUNT_ATTR_NODEV) !== 0) out |= MS_NODEV;
  if ((attr & MOUNT_ATTR_NOEXEC) !== 0) out |= MS_NOEXEC;
  if ((attr & MOUNT_ATTR_NODIRATIME) !== 0) out |= MS_NODIRATIME;
  if ((attr & MOUNT_ATTR_NOSYMFOLLOW) !== 0) out |= MS_NOSYMFOLLOW;
  if ((attr & MOUNT_ATTR__ATIME) === MOUNT_ATTR_NOATIME) out |= MS_NOATIME;
  if ((attr & MOUNT_ATTR__ATIME) === MOUNT_ATTR_STRICTATIME) out |= MS_STRICTATIME;
  return out;
}

function propagationKind(value: number): 'shared' | 'private' | 'slave' | 'unbindable' | null | undefined {
  switch (value) {
    case 0:
      return null;
    case MS_SHARED:
      return 'shared';
    case MS_PRIVATE:
      return 'private';
    case MS_SLAVE:
      return 'slave';
    case MS_UNBINDABLE:
      return 'unbindable';
    default:
      return undefined;
  }
}

/** The place named by descriptor argument `i` and path argument `i + 1`. */
function placeAt(t: Task, i: number, follow: boolean, empty: boolean): Path | number {
  const name = t.path(i + 1);
  if (typeof name === 'number') return name;
  if (name === '' && !empty) return -ENOENT;
  const start = startAt(t, t.argI32(i), name);
  if (typeof start === 'number') return start;
  return resolve(t, start, name, (follow ? 0 : WALK_NOFOLLOW) | (empty ? WALK_EMPTY : 0));
}
