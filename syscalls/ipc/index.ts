/** System V IPC and POSIX message queues: rows by Linux name. */
import {
  ADDR,
  bytesIn,
  FD,
  flags,
  HEX,
  INT,
  LONG,
  MODE,
  oneOf,
  PATH,
  SIZE,
  structIn,
  UINT,
} from '../table/args.ts';
import { call, type Call } from '../table/row.ts';
import { sys_mq_notify } from './mq-notify.ts';
import {
  sys_mq_getsetattr,
  sys_mq_open,
  sys_mq_timedreceive,
  sys_mq_timedsend,
  sys_mq_unlink,
} from './mqueue.ts';
import { sys_msgctl } from './msg-control.ts';
import { sys_msgget, sys_msgrcv, sys_msgsnd } from './msg.ts';
import { sys_semctl } from './sem-control.ts';
import { sys_semget, sys_semop, sys_semtimedop } from './sem.ts';
import { sys_shmat, sys_shmctl, sys_shmdt, sys_shmget } from './shm.ts';

/** struct sembuf. */
const OPERATIONS = bytesIn(2, 6);

export const ipcCalls = {
  shmget: call(sys_shmget, [HEX, SIZE, flags('shmget')], 'full', 'no huge page pools: SHM_HUGETLB is ENOMEM'),
  shmat: call(sys_shmat, [INT, ADDR, flags('shmat')], 'full', '', 'hex'),
  shmdt: call(sys_shmdt, [ADDR]),
  shmctl: call(sys_shmctl, [INT, oneOf('shmctl'), ADDR], 'full', 'SHM_LOCK is noted, not done'),
  semget: call(sys_semget, [HEX, INT, flags('semget')]),
  semop: call(sys_semop, [INT, OPERATIONS, SIZE]),
  semtimedop: call(sys_semtimedop, [INT, OPERATIONS, SIZE, structIn('timespec', 16)]),
  semctl: call(sys_semctl, [INT, INT, oneOf('semctl'), ADDR]),
  msgget: call(sys_msgget, [HEX, flags('msgget')]),
  msgsnd: call(sys_msgsnd, [INT, ADDR, SIZE, flags('msgop')]),
  msgrcv: call(sys_msgrcv, [INT, ADDR, SIZE, LONG, flags('msgop')]),
  msgctl: call(sys_msgctl, [INT, oneOf('msgctl'), ADDR]),
  mq_open: call(sys_mq_open, [PATH, flags('open'), MODE, ADDR], 'full', '', 'fd'),
  mq_unlink: call(sys_mq_unlink, [PATH]),
  mq_timedsend: call(sys_mq_timedsend, [FD, bytesIn(2), SIZE, UINT, structIn('timespec', 16)]),
  mq_timedreceive: call(sys_mq_timedreceive, [FD, ADDR, SIZE, ADDR, structIn('timespec', 16)]),
  mq_notify: call(sys_mq_notify, [FD, structIn('sigevent', 64)]),
  mq_getsetattr: call(sys_mq_getsetattr, [FD, ADDR, ADDR]),
} satisfies Record<string, Call>;
