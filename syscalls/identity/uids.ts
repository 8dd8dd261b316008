/** User ids: getuid(2), setuid(2), setreuid(2), setresuid(2), setfsuid(2) and the get forms (credentials(7)). */
import { CAP_SETUID } from '../../sentry/abi/capability.ts';
import { EFAULT, EINVAL, EPERM } from '../../sentry/abi/errno.ts';
import { RLIMIT_NPROC } from '../../sentry/abi/resource.ts';
import type { Credentials } from '../../sentry/auth/credentials.ts';
import { fixCapsAfterSetfsuid, fixCapsAfterSetuid } from '../../sentry/auth/uid-change.ts';
import type { Task } from '../../sentry/kernel/task.ts';

/** -1 as an id: "leave it". */
const KEEP = 0xffffffff;

export function sys_getuid(t: Task): number {
  return t.creds.uid;
}
export function sys_geteuid(t: Task): number {
  return t.creds.euid;
}

export function sys_getresuid(t: Task): number {
  const { uid, euid, suid } = t.creds;
  if (t.writeU32(t.arg(0), uid) < 0 || t.writeU32(t.arg(1), euid) < 0) return -EFAULT;
  return t.writeU32(t.arg(2), suid);
}

export function sys_setuid(t: Task): number {
  const id = t.argU32(0);
  const { creds } = t;
  if (id === KEEP) return -EINVAL;
  if (creds.hasCap(CAP_SETUID)) return commit(t, { uid: id, euid: id, suid: id, fsuid: id });
  if (id !== creds.uid && id !== creds.suid) return -EPERM;
  return commit(t, { euid: id, fsuid: id });
}

export function sys_setreuid(t: Task): number {
  const ruid = t.argU32(0);
  const euid = t.argU32(1);
  const { creds } = t;
  const privileged = creds.hasCap(CAP_SETUID);
  const uid = ruid === KEEP ? creds.uid : ruid;
  const newEuid = euid === KEEP ? creds.euid : euid;
  if (ruid !== KEEP && ruid !== creds.uid && ruid !== creds.euid && !privileged) return -EPERM;
  if (euid !== KEEP && euid !== creds.uid && euid !== creds.euid && euid !== creds.suid && !privileged)
    return -EPERM;
  const follows = ruid !== KEEP || (euid !== KEEP && euid !== creds.uid);
  return commit(t, { uid, euid: newEuid, suid: follows ? newEuid : creds.suid, fsuid: newEuid });
}

export function sys_setresuid(t: Task): number {
  const { creds } = t;
  const ids = [t.argU32(0), t.argU32(1), t.argU32(2)] as const;
  if (!creds.hasCap(CAP_SETUID)) {
    for (const id of ids) {
      if (id !== KEEP && id !== creds.uid && id !== creds.euid && id !== creds.suid) return -EPERM;
    }
  }
  const euid = ids[1] === KEEP ? creds.euid : ids[1];
  return commit(t, {
    uid: ids[0] === KEEP ? creds.uid : ids[0],
    euid,
    suid: ids[2] === KEEP ? creds.suid : ids[2],
    fsuid: euid,
  });
}

/** Returns the previous id, whether or not it changed. */
export function sys_setfsuid(t: Task): number {
  const id = t.argU32(0);
  const { creds } = t;
  const old = creds.fsuid;
  if (id === KEEP || id === old) return old;
  const known = id === creds.uid || id === creds.euid || id === creds.suid;
  if (known || creds.hasCap(CAP_SETUID)) {
    const now = fixCapsAfterSetfsuid(creds, creds.with({ fsuid: id }));
    afterIdChange(t, creds, now);
    t.creds = now;
  }
  return old;
}

function commit(t: Task, change: Partial<Credentials>): number {
  const old = t.creds;
  const now = fixCapsAfterSetuid(old, old.with(change));
  if (now.uid !== old.uid) {
    // Going over the limit is let pass here; the next execve fails (setuid(2), EAGAIN).
    const limit = t.group.limits.soft[RLIMIT_NPROC]!;
    t.nprocExceeded = limit !== Infinity && now.uid !== 0 && t.kernel.countTasksOf(now.uid) > limit;
  }
  afterIdChange(t, old, now);
  t.creds = now;
  return 0;
}

/** A change of effective ids makes the process undumpable and drops its parent-death signal (prctl(2)). */
export function afterIdChange(t: Task, old: Credentials, now: Credentials): void {
  if (old.euid === now.euid && old.egid === now.egid && old.fsuid === now.fsuid && old.fsgid === now.fsgid)
    return;
  t.group.dumpable = 0;
  t.pdeathSignal = 0;
}
