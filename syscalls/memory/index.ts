/** The memory family: rows by Linux name. */
import {
  ADDR,
  bytesIn,
  FD,
  flags,
  HEX,
  INT,
  iovecIn,
  iovecOut,
  LONG,
  OFFSET,
  oneOf,
  PID,
  SIZE,
  STRING,
  UINT,
} from '../table/args.ts';
import { call, type Call } from '../table/row.ts';
import { sys_madvise, sys_mincore, sys_msync, sys_process_madvise } from './advice.ts';
import { sys_memfd_create } from './memfd.ts';
import { sys_mlock, sys_mlock2, sys_mlockall, sys_munlock, sys_munlockall } from './mlock.ts';
import {
  sys_brk,
  sys_mmap,
  sys_mprotect,
  sys_mremap,
  sys_mseal,
  sys_munmap,
  sys_pkey_alloc,
  sys_pkey_free,
  sys_pkey_mprotect,
  sys_remap_file_pages,
} from './mmap.ts';
import {
  sys_get_mempolicy,
  sys_mbind,
  sys_migrate_pages,
  sys_move_pages,
  sys_set_mempolicy,
} from './numa.ts';
import { sys_process_vm_readv, sys_process_vm_writev } from './process-vm.ts';

const PROT = flags('prot');
const ADVICE = oneOf('madvise');
const POLICY_NOTE = 'one node: policies are checked and answered';

export const memoryCalls = {
  mmap: call(
    sys_mmap,
    [ADDR, SIZE, PROT, flags('mmap'), FD, OFFSET],
    'full',
    'no huge page pools: MAP_HUGETLB is ENOMEM',
    'hex',
  ),
  munmap: call(sys_munmap, [ADDR, SIZE]),
  brk: call(sys_brk, [ADDR], 'full', '', 'hex'),
  mprotect: call(sys_mprotect, [ADDR, SIZE, PROT]),
  mremap: call(sys_mremap, [ADDR, SIZE, SIZE, flags('mremap'), ADDR], 'full', '', 'hex'),
  remap_file_pages: call(sys_remap_file_pages, [ADDR, SIZE, PROT, SIZE, flags('mmap')]),
  mseal: call(sys_mseal, [ADDR, SIZE, HEX]),
  pkey_alloc: call(sys_pkey_alloc, [HEX, HEX], 'errno', 'as on a processor without protection keys'),
  pkey_free: call(sys_pkey_free, [INT], 'errno', 'as on a processor without protection keys'),
  pkey_mprotect: call(sys_pkey_mprotect, [ADDR, SIZE, PROT, INT], 'full', 'key -1 only: there are no others'),
  madvise: call(
    sys_madvise,
    [ADDR, SIZE, ADVICE],
    'partial',
    'MADV_COLLAPSE and MADV_GUARD_* are EINVAL; MADV_MERGEABLE is noted and never merges',
  ),
  process_madvise: call(
    sys_process_madvise,
    [FD, iovecOut(2), SIZE, ADVICE, HEX],
    'partial',
    'hints are taken and not followed',
  ),
  msync: call(sys_msync, [ADDR, SIZE, flags('msync')]),
  mincore: call(sys_mincore, [ADDR, SIZE, ADDR], 'full', 'ranges beyond 480 MiB are told to be resident'),
  mlock: call(sys_mlock, [ADDR, SIZE], 'full', 'the host locks what its own limit allows'),
  mlock2: call(sys_mlock2, [ADDR, SIZE, flags('mlock2')], 'full', 'the host locks what its own limit allows'),
  munlock: call(sys_munlock, [ADDR, SIZE]),
  mlockall: call(sys_mlockall, [flags('mlockall')], 'full', 'the host locks what its own limit allows'),
  munlockall: call(sys_munlockall, []),
  memfd_create: call(
    sys_memfd_create,
    [STRING, flags('memfd')],
    'partial',
    'MFD_HUGETLB is ENOSYS: there are no huge page pools',
    'fd',
  ),
  process_vm_readv: call(sys_process_vm_readv, [PID, iovecOut(2), SIZE, iovecOut(4), SIZE, HEX]),
  process_vm_writev: call(sys_process_vm_writev, [PID, iovecIn(2), SIZE, iovecOut(4), SIZE, HEX]),
  set_mempolicy: call(sys_set_mempolicy, [oneOf('mempolicy'), ADDR, UINT], 'full', POLICY_NOTE),
  get_mempolicy: call(
    sys_get_mempolicy,
    [ADDR, ADDR, UINT, ADDR, flags('get_mempolicy')],
    'full',
    POLICY_NOTE,
  ),
  mbind: call(
    sys_mbind,
    [ADDR, SIZE, oneOf('mempolicy'), ADDR, UINT, flags('mbind')],
    'partial',
    "checked; get_mempolicy(MPOL_F_ADDR) answers the task's policy",
  ),
  migrate_pages: call(sys_migrate_pages, [PID, LONG, ADDR, ADDR], 'full', POLICY_NOTE),
  move_pages: call(
    sys_move_pages,
    [PID, SIZE, bytesIn(1, 8), ADDR, ADDR, flags('mbind')],
    'full',
    POLICY_NOTE,
  ),
} satisfies Record<string, Call>;
