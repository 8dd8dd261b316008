/** Calls on descriptors themselves. */
import { FD, flags, HEX, oneOf, UINT } from '../table/args.ts';
import { call } from '../table/row.ts';
import type { Call } from '../table/row.ts';
import { sys_close, sys_close_range, sys_dup, sys_dup2, sys_dup3 } from './dup.ts';
import { sys_fcntl } from './fcntl.ts';
import { sys_ioctl } from './ioctl.ts';
import { sys_flock } from './record-locks.ts';

export const fdCalls = {
  close: call(sys_close, [FD]),
  close_range: call(sys_close_range, [UINT, UINT, flags('close_range')]),
  dup: call(sys_dup, [FD], 'full', '', 'fd'),
  dup2: call(sys_dup2, [FD, FD], 'full', '', 'fd'),
  dup3: call(sys_dup3, [FD, FD, flags('pipe2')], 'full', '', 'fd'),
  fcntl: call(sys_fcntl, [FD, oneOf('fcntl'), HEX], 'partial', 'no leases (F_SETLEASE), no F_NOTIFY'),
  flock: call(sys_flock, [FD, flags('flock')]),
  ioctl: call(
    sys_ioctl,
    [FD, oneOf('ioctl'), HEX],
    'partial',
    'requests are those of the file kinds that exist',
  ),
} satisfies Record<string, Call>;
