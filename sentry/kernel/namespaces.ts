/** The namespaces that a process lives in (namespaces(7)), as Linux's nsproxy: one object for all of a container. */
import { MqueueTable } from '../ipc/mqueue.ts';
import { MsgTable } from '../ipc/msg.ts';
import { SemTable } from '../ipc/sem.ts';
import { ShmTable } from '../ipc/shm.ts';
import type { Cgroup } from './cgroup.ts';
import type { PidNamespace } from './pid-namespace.ts';

/** Host and domain name (uts_namespaces(7)). */
export class UtsNamespace {
  hostname: string;
  domainname: string;

  constructor(hostname: string, domainname: string) {
    this.hostname = hostname;
    this.domainname = domainname;
  }
}

/** System V IPC and POSIX message queues (ipc_namespaces(7)). */
export class IpcNamespace {
  readonly shm: ShmTable;
  readonly sem = new SemTable();
  readonly msg = new MsgTable();
  readonly mqueue = new MqueueTable();

  constructor(hostMemoryBytes: number) {
    this.shm = new ShmTable(hostMemoryBytes);
  }

  /** Nobody lives in it any more. */
  destroy(): void {
    this.shm.destroy();
    this.sem.destroy();
    this.msg.destroy();
  }
}

export interface Namespaces {
  readonly pid: PidNamespace;
  readonly uts: UtsNamespace;
  readonly ipc: IpcNamespace;
  readonly cgroup: Cgroup;
}
