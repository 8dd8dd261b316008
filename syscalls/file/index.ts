/** Calls that move file content. */
import {
  bytesIn,
  bytesOut,
  FD,
  flags,
  INT,
  iovecIn,
  iovecOut,
  OFFSET,
  oneOf,
  PATH,
  SIZE,
  structInOut,
  UINT,
} from '../table/args.ts';
import { call } from '../table/row.ts';
import type { Call } from '../table/row.ts';
import { sys_copy_file_range, sys_sendfile } from './copy.ts';
import {
  sys_lseek,
  sys_pread64,
  sys_preadv,
  sys_preadv2,
  sys_pwrite64,
  sys_pwritev,
  sys_pwritev2,
  sys_read,
  sys_readv,
  sys_write,
  sys_writev,
} from './read-write.ts';
import { sys_splice, sys_tee, sys_vmsplice } from './splice.ts';
import {
  sys_fadvise64,
  sys_fallocate,
  sys_fdatasync,
  sys_fsync,
  sys_ftruncate,
  sys_readahead,
  sys_sync,
  sys_sync_file_range,
  sys_syncfs,
  sys_truncate,
} from './sync.ts';

const OFF = structInOut('loff_t', 8);

export const fileCalls = {
  read: call(sys_read, [FD, bytesOut(2), SIZE]),
  write: call(sys_write, [FD, bytesIn(2), SIZE]),
  pread64: call(sys_pread64, [FD, bytesOut(2), SIZE, OFFSET]),
  pwrite64: call(sys_pwrite64, [FD, bytesIn(2), SIZE, OFFSET]),
  readv: call(sys_readv, [FD, iovecOut(2), INT]),
  writev: call(sys_writev, [FD, iovecIn(2), INT]),
  preadv: call(sys_preadv, [FD, iovecOut(2), INT, OFFSET, OFFSET]),
  pwritev: call(sys_pwritev, [FD, iovecIn(2), INT, OFFSET, OFFSET]),
  preadv2: call(sys_preadv2, [FD, iovecOut(2), INT, OFFSET, OFFSET, flags('rwf')]),
  pwritev2: call(sys_pwritev2, [FD, iovecIn(2), INT, OFFSET, OFFSET, flags('rwf')]),
  lseek: call(sys_lseek, [FD, OFFSET, oneOf('seek')]),
  sendfile: call(sys_sendfile, [FD, FD, OFF, SIZE]),
  copy_file_range: call(sys_copy_file_range, [FD, OFF, FD, OFF, SIZE, UINT]),
  splice: call(sys_splice, [FD, OFF, FD, OFF, SIZE, flags('splice')]),
  tee: call(sys_tee, [FD, FD, SIZE, flags('splice')]),
  vmsplice: call(
    sys_vmsplice,
    [FD, iovecIn(2), SIZE, flags('splice')],
    'partial',
    'copies: pages are never shared',
  ),
  fsync: call(sys_fsync, [FD]),
  fdatasync: call(sys_fdatasync, [FD]),
  sync: call(sys_sync, []),
  syncfs: call(sys_syncfs, [FD]),
  sync_file_range: call(sys_sync_file_range, [FD, OFFSET, OFFSET, flags('sync_file_range')]),
  truncate: call(sys_truncate, [PATH, OFFSET]),
  ftruncate: call(sys_ftruncate, [FD, OFFSET]),
  fallocate: call(sys_fallocate, [FD, flags('fallocate'), OFFSET, OFFSET]),
  fadvise64: call(sys_fadvise64, [FD, OFFSET, OFFSET, oneOf('fadvise')]),
  readahead: call(sys_readahead, [FD, OFFSET, SIZE]),
} satisfies Record<string, Call>;
