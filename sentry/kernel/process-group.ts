/** Process groups and sessions (credentials(7), setpgid(2), setsid(2)): the ground of job control. */
import type { ThreadGroup } from './thread-group.ts';

/** What the kernel needs of a controlling terminal; implemented by sentry/fs/tty. */
export interface ControllingTerminal {
  /** Device number, for /proc/PID/stat. */
  readonly rdev: number;
  session: Session | null;
  foreground: ProcessGroup | null;
  /** The session leader exits or gives it up: SIGHUP and SIGCONT to the foreground group, then nobody's. */
  disassociate(session: Session): void;
}

export class Session {
  readonly sid: number;
  /** null once the leader has exited. */
  leader: ThreadGroup | null;
  tty: ControllingTerminal | null = null;
  readonly groups = new Set<ProcessGroup>();

  constructor(sid: number, leader: ThreadGroup | null) {
    this.sid = sid;
    this.leader = leader;
  }
}

export class ProcessGroup {
  readonly pgid: number;
  readonly session: Session;
  readonly members = new Set<ThreadGroup>();

  constructor(pgid: number, session: Session) {
    this.pgid = pgid;
    this.session = session;
    session.groups.add(this);
  }

  /**
   * Orphaned: no live member has a parent in another group of the same session (setpgid(2)). `except` is a member
   * that is about to leave.
   */
  isOrphaned(except: ThreadGroup | null = null): boolean {
    for (const group of this.members) {
      if (group === except || group.zombie || group.parent === null) continue;
      if (group.parent.pgrp !== this && group.parent.session === this.session) return false;
    }
    return true;
  }

  hasStoppedMember(): boolean {
    for (const group of this.members) if (group.stopped) return true;
    return false;
  }
}
