/** What one sendmsg or recvmsg carries between the syscall layer and a socket. Reused, never kept by sockets. */
import { SOCKADDR_MAX } from '../../abi/socket.ts';
import type { FileDescription } from '../../vfs/file-description.ts';

/** Identity attached to messages (struct ucred). */
export interface PeerCredentials {
  readonly pid: number;
  /** The pid namespace that `pid` is of; null: nobody's. */
  readonly ns: object | null;
  readonly uid: number;
  readonly gid: number;
  /** The process, for SO_PEERPIDFD and SCM_PIDFD; null: nobody that is known. */
  readonly process: object | null;
}

/** An ancillary message of any protocol, in its wire form. */
export interface ControlMessage {
  readonly level: number;
  readonly type: number;
  readonly data: Uint8Array;
}

export class Message {
  /** Data: buf[off, off+len). Received: up to len bytes are put there. */
  buf: Uint8Array = new Uint8Array(0);
  off = 0;
  len = 0;
  /** MSG_ flags of the call. */
  flags = 0;
  /** Address of the other side: to send to (0: none given), or filled in by receive. */
  readonly addr = new Uint8Array(SOCKADDR_MAX);
  addrLen = 0;
  /** SCM_RIGHTS: sending: lent by the caller. Receiving: the receiver owns one reference to each. */
  rights: FileDescription[] | null = null;
  /** Sending: descriptors that the user may have in flight. */
  rightsLimit = Infinity;
  /** SCM_CREDENTIALS given (checked) or received. */
  creds: PeerCredentials | null = null;
  /** SO_PASSPIDFD: the process that sent it. */
  process: object | null = null;
  /** Other ancillary messages. */
  control: ControlMessage[] | null = null;
  /** Receive: MSG_TRUNC, MSG_EOR, MSG_ERRQUEUE… to report in msg_flags. */
  outFlags = 0;

  reset(buf: Uint8Array, off: number, len: number, flags: number): void {
    this.buf = buf;
    this.off = off;
    this.len = len;
    this.flags = flags;
    this.addrLen = 0;
    this.rights = null;
    this.creds = null;
    this.process = null;
    this.control = null;
    this.outFlags = 0;
  }
}
