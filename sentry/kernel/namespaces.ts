/** The namespaces that a process lives in (namespaces(7)), as Linux's nsproxy: one object for all of a container. */
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

/** What keeps System V IPC and message queues apart; it has no state of its own, but an identity (/proc/PID/ns/ipc). */
export class IpcNamespace {}

export interface Namespaces {
  readonly pid: PidNamespace;
  readonly uts: UtsNamespace;
  readonly ipc: IpcNamespace;
  readonly cgroup: Cgroup;
}
