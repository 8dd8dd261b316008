/**
 * Descriptors in flight inside AF_UNIX messages (unix(7), SCM_RIGHTS): who holds them, how many one user may have,
 * and the collection of sockets that only lie in each other's queues.
 */
import { ETOOMANYREFS } from '../../../abi/errno.ts';
import type { FileDescription } from '../../../vfs/file-description.ts';
import { Timer } from '../../../time/timers.ts';
import type { StackHost } from '../../stack/settings.ts';
import { SocketFile } from '../socket-file.ts';

const SOONEST_NS = 10e6;
const PER_SOCKET_NS = 50e3;

/** The descriptors of one message; holds a reference to each until taken or dropped. */
export class Rights {
  readonly files: readonly FileDescription[];
  readonly uid: number;

  constructor(files: readonly FileDescription[], uid: number) {
    this.files = files;
    this.uid = uid;
  }
}

/** A socket whose receive queue (or whose unaccepted connections' queues) can hold rights. */
export abstract class RightsHolder extends SocketFile {
  abstract eachQueuedRights(visit: (rights: Rights) => void): void;

  /** How many descriptors wait to be received (proc_pid_fdinfo(5)). */
  override fdinfo(): string {
    let count = 0;
    this.eachQueuedRights((rights) => {
      count += rights.files.length;
    });
    return `scm_fds: ${count}\n`;
  }
  /** Throws the queued rights away. */
  abstract dropQueuedRights(): void;
}

export class InFlight {
  /** How many times each AF_UNIX socket is in flight. */
  private readonly sockets = new Map<RightsHolder, number>();
  private readonly perUser = new Map<number, number>();
  private closesSinceCollection = 0;
  private collecting = false;
  private readonly ending: FileDescription[] = [];
  private dropping = false;
  private readonly host: StackHost | null;
  private readonly timer = new Timer(() => this.collectNow());

  /** `host` null: there are no timers, garbage waits for the next close. */
  constructor(host: StackHost | null) {
    this.host = host;
  }

  /** Puts descriptors in flight; -ETOOMANYREFS beyond `limit` (RLIMIT_NOFILE; Infinity for the privileged). */
  send(files: readonly FileDescription[], uid: number, limit: number): Rights | number {
    const count = this.perUser.get(uid) ?? 0;
    if (count > limit) return -ETOOMANYREFS;
    this.perUser.set(uid, count + files.length);
    for (const file of files) {
      file.incRef();
      if (file instanceof RightsHolder) this.sockets.set(file, (this.sockets.get(file) ?? 0) + 1);
    }
    return new Rights(files, uid);
  }

  /** Lands them: the caller now owns a reference to each file. */
  land(rights: Rights): FileDescription[] {
    const count = (this.perUser.get(rights.uid) ?? 0) - rights.files.length;
    if (count > 0) this.perUser.set(rights.uid, count);
    else this.perUser.delete(rights.uid);
    for (const file of rights.files) {
      if (!(file instanceof RightsHolder)) continue;
      const left = (this.sockets.get(file) ?? 1) - 1;
      if (left > 0) this.sockets.set(file, left);
      else this.sockets.delete(file);
    }
    return [...rights.files];
  }

  /**
   * A file that ends drops what lies in its own queue: a program can nest that as deep as it has descriptors, so one
   * after the other, not one inside the other.
   */
  drop(rights: Rights): void {
    this.ending.push(...this.land(rights));
    if (this.dropping) return;
    this.dropping = true;
    for (let file = this.ending.pop(); file !== undefined; file = this.ending.pop()) file.decRef();
    this.dropping = false;
  }

  /** References for MSG_PEEK: the rights stay in flight and are handed out as well. */
  copy(rights: Rights): FileDescription[] {
    for (const file of rights.files) file.incRef();
    return [...rights.files];
  }

  /** A socket has ended. Collects now and then, so that the cost per close stays constant on average. */
  socketClosed(): void {
    if (this.sockets.size === 0 || this.collecting) return;
    if (++this.closesSinceCollection * 4 < this.sockets.size) this.collectSoon();
    else this.collectNow();
  }

  /** A descriptor of a socket is closed; it may have been the last one that isn't in flight. */
  descriptorClosed(socket: RightsHolder): void {
    if (this.sockets.size > 0 && this.sockets.has(socket)) this.collectSoon();
  }

  /** Later the more there is to look at, so that looking takes a small part of the time. */
  private collectSoon(): void {
    if (this.host === null || this.timer.armed) return;
    const delayNs = Math.max(SOONEST_NS, this.sockets.size * PER_SOCKET_NS);
    this.host.timers.arm(this.timer, this.host.clock.monotonicNs() + delayNs);
  }

  private collectNow(): void {
    this.host?.timers.cancel(this.timer);
    this.closesSinceCollection = 0;
    this.collecting = true;
    this.collect();
    this.collecting = false;
  }

  /** Sockets all of whose references are in flight, and that no queue of a reachable socket holds, are garbage. */
  private collect(): void {
    const suspects = new Map<RightsHolder, number>();
    for (const [socket, count] of this.sockets) if (socket.refs === count) suspects.set(socket, count);
    if (suspects.size === 0) return;
    const outside = new Map(suspects);
    for (const socket of suspects.keys()) {
      eachSocket(socket, (s) => {
        const n = outside.get(s);
        if (n !== undefined) outside.set(s, n - 1);
      });
    }
    // What is still referenced from elsewhere is reachable, and so is all that lies in its queues.
    const reachable = [...outside].filter(([, n]) => n > 0).map(([s]) => s);
    for (let s = reachable.pop(); s !== undefined; s = reachable.pop()) {
      if (!suspects.delete(s)) continue;
      eachSocket(s, (held) => {
        if (suspects.has(held)) reachable.push(held);
      });
    }
    const garbage = [...suspects.keys()];
    for (const s of garbage) s.incRef();
    for (const s of garbage) s.dropQueuedRights();
    for (const s of garbage) s.decRef();
  }
}

function eachSocket(holder: RightsHolder, visit: (socket: RightsHolder) => void): void {
  holder.eachQueuedRights((rights) => {
    for (const file of rights.files) if (file instanceof RightsHolder) visit(file);
  });
}
