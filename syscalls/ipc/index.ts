/** The System V IPC family: rows by Linux name. */
import { ADDR, flags, HEX, INT, oneOf, SIZE } from '../table/args.ts';
import { call, type Call } from '../table/row.ts';
import { sys_shmat, sys_shmctl, sys_shmdt, sys_shmget } from './shm.ts';

export const ipcCalls = {
  shmget: call(sys_shmget, [HEX, SIZE, flags('shmget')], 'full', 'no huge page pools: SHM_HUGETLB is ENOMEM'),
  shmat: call(sys_shmat, [INT, ADDR, flags('shmat')], 'full', '', 'hex'),
  shmdt: call(sys_shmdt, [ADDR]),
  shmctl: call(sys_shmctl, [INT, oneOf('shmctl'), ADDR], 'full', 'SHM_LOCK is noted, not done'),
} satisfies Record<string, Call>;
