/** Calls on the mount table. */
import { DIRFD, flags, PATH, SIZE, STRING, structIn, UINT } from '../table/args.ts';
import { call } from '../table/row.ts';
import type { Call } from '../table/row.ts';
import { sys_mount, sys_pivot_root, sys_umount2 } from './mount.ts';
import { sys_mount_setattr, sys_move_mount, sys_open_tree } from './tree.ts';

const ONE_NAMESPACE = 'one mount namespace per container: propagation is recorded, nothing propagates';

export const mountCalls = {
  mount: call(sys_mount, [PATH, PATH, STRING, flags('mount'), STRING], 'partial', ONE_NAMESPACE),
  umount2: call(sys_umount2, [PATH, flags('umount')]),
  pivot_root: call(sys_pivot_root, [PATH, PATH]),
  open_tree: call(sys_open_tree, [DIRFD, PATH, flags('open_tree')], 'full', '', 'fd'),
  move_mount: call(
    sys_move_mount,
    [DIRFD, PATH, DIRFD, PATH, flags('move_mount')],
    'partial',
    'no MOVE_MOUNT_SET_GROUP, no MOVE_MOUNT_BENEATH',
  ),
  mount_setattr: call(
    sys_mount_setattr,
    [DIRFD, PATH, UINT, structIn('mount_attr', 32), SIZE],
    'partial',
    'no idmapped mounts',
  ),
} satisfies Record<string, Call>;
