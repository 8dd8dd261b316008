/** Limits of System V IPC and of message queues, in /proc/sys/kernel and /proc/sys/fs/mqueue: those of the namespace (ipc_namespaces(7)). */
import { EINVAL } from '../../abi/errno.ts';
import { HARD_MSGMAX, HARD_MSGSIZEMAX } from '../../abi/mqueue.ts';
import type { IpcNamespace } from '../../kernel/namespaces.ts';
import type { Live } from './sysctl.ts';

const INT_MAX = 0x7fffffff;
const MIN_MSGSIZEMAX = 128;
/** Place of SEMMNI in kernel.sem. */
const SEMMNI_FIELD = 3;
/** IPCMNI, the highest that kernel.shmmni and its like can be. */
const IPCMNI = 32768;

export function ipcSysctls({ shm, sem, msg, mqueue }: IpcNamespace): Live[] {
  return [
    number('kernel/msgmax', INT_MAX, msg, 'messageBytes'),
    number('kernel/msgmnb', INT_MAX, msg, 'queueBytes'),
    number('kernel/msgmni', IPCMNI, msg.ids, 'limit'),
    number('kernel/shmmni', IPCMNI, shm.ids, 'limit'),
    number('fs/mqueue/queues_max', INT_MAX, mqueue, 'queuesMax'),
    number('fs/mqueue/msg_max', HARD_MSGMAX, mqueue, 'msgMax', 1),
    number('fs/mqueue/msgsize_max', HARD_MSGSIZEMAX, mqueue, 'msgsizeMax', MIN_MSGSIZEMAX),
    number('fs/mqueue/msg_default', HARD_MSGMAX, mqueue, 'msgDefault', 1),
    number('fs/mqueue/msgsize_default', HARD_MSGSIZEMAX, mqueue, 'msgsizeDefault', MIN_MSGSIZEMAX),
    {
      path: 'kernel/sem',
      show: () => sem.limits.join('\t'),
      // Of four; what is left out stays.
      set: (text) => {
        const values = text.trim().split(/\s+/).map(parse);
        if (values.length > sem.limits.length) return -EINVAL;
        const next = sem.limits.map((old, i) => values[i] ?? old);
        if (values.includes(-1) || next[SEMMNI_FIELD]! > IPCMNI) return -EINVAL;
        sem.limits.splice(0, next.length, ...next);
        sem.ids.limit = next[SEMMNI_FIELD]!;
        return 0;
      },
    },
  ];
}

function number<K extends string>(path: string, max: number, of: Record<K, number>, field: K, min = 0): Live {
  return {
    path,
    show: () => String(of[field]),
    set: (text) => {
      const value = parse(text.trim());
      if (value < min || value > max) return -EINVAL;
      of[field] = value;
      return 0;
    },
  };
}

/** A non-negative int, or -1. */
function parse(text: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : -1;
  return value > INT_MAX ? -1 : value;
}
