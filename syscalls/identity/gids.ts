/** Group ids: getgid(2), setgid(2), setregid(2), setresgid(2), setfsgid(2), getgroups(2), setgroups(2). */
import { CAP_SETGID } from '../../sentry/abi/capability.ts';
import { EFAULT, EINVAL, EPERM } from '../../sentry/abi/errno.ts';
import type { Credentials } from '../../sentry/auth/credentials.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { afterIdChange } from './uids.ts';

const KEEP = 0xffffffff;
const NGROUPS_MAX = 65536;

export function sys_getgid(t: Task): number {
  return t.creds.gid;
}
export function sys_getegid(t: Task): number {
  return t.creds.egid;
}

export function sys_getresgid(t: Task): number {
  const { gid, egid, sgid } = t.creds;
  if (t.writeU32(t.arg(0), gid) < 0 || t.writeU32(t.arg(1), egid) < 0) return -EFAULT;
  return t.writeU32(t.arg(2), sgid);
}

export function sys_setgid(t: Task): number {
  const id = t.argU32(0);
  const { creds } = t;
  if (id === KEEP) return -EINVAL;
  if (creds.hasCap(CAP_SETGID)) return commit(t, { gid: id, egid: id, sgid: id, fsgid: id });
  if (id !== creds.gid && id !== creds.sgid) return -EPERM;
  return commit(t, { egid: id, fsgid: id });
}

export function sys_setregid(t: Task): number {
  const rgid = t.argU32(0);
  const egid = t.argU32(1);
  const { creds } = t;
  const privileged = creds.hasCap(CAP_SETGID);
  const gid = rgid === KEEP ? creds.gid : rgid;
  const newEgid = egid === KEEP ? creds.egid : egid;
  if (rgid !== KEEP && rgid !== creds.gid && rgid !== creds.egid && !privileged) return -EPERM;
  if (egid !== KEEP && egid !== creds.gid && egid !== creds.egid && egid !== creds.sgid && !privileged)
    return -EPERM;
  const follows = rgid !== KEEP || (egid !== KEEP && egid !== creds.gid);
  return commit(t, { gid, egid: newEgid, sgid: follows ? newEgid : creds.sgid, fsgid: newEgid });
}

export function sys_setresgid(t: Task): number {
  const { creds } = t;
  const ids = [t.argU32(0), t.argU32(1), t.argU32(2)] as const;
  if (!creds.hasCap(CAP_SETGID)) {
    for (const id of ids) {
      if (id !== KEEP && id !== creds.gid && id !== creds.egid && id !== creds.sgid) return -EPERM;
    }
  }
  const egid = ids[1] === KEEP ? creds.egid : ids[1];
  return commit(t, {
    gid: ids[0] === KEEP ? creds.gid : ids[0],
    egid,
    sgid: ids[2] === KEEP ? creds.sgid : ids[2],
    fsgid: egid,
  });
}

/** Returns the previous id, whether or not it changed. */
export function sys_setfsgid(t: Task): number {
  const id = t.argU32(0);
  const { creds } = t;
  const old = creds.fsgid;
  const known = id === creds.gid || id === creds.egid || id === creds.sgid || id === old;
  if (id !== KEEP && (known || creds.hasCap(CAP_SETGID))) commit(t, { fsgid: id });
  return old;
}

export function sys_getgroups(t: Task): number {
  const size = t.argI32(0);
  const { groups } = t.creds;
  if (size < 0) return -EINVAL;
  if (size === 0) return groups.length;
  if (groups.length > size) return -EINVAL;
  const bytes = new Uint8Array(Uint32Array.from(groups).buffer);
  const r = t.copyOutBytes(t.arg(1), bytes, 0, bytes.length);
  return r < 0 ? r : groups.length;
}

export function sys_setgroups(t: Task): number {
  const size = t.argI32(0);
  if (!t.creds.hasCap(CAP_SETGID)) return -EPERM;
  if (size < 0 || size > NGROUPS_MAX) return -EINVAL;
  const bytes = t.copyInBytes(t.arg(1), size * 4);
  if (typeof bytes === 'number') return -EFAULT;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const groups: number[] = [];
  for (let i = 0; i < size; i++) {
    const gid = view.getUint32(4 * i, true);
    if (gid === KEEP) return -EINVAL;
    groups.push(gid);
  }
  t.creds = t.creds.with({ groups: groups.sort((a, b) => a - b) });
  return 0;
}

function commit(t: Task, change: Partial<Credentials>): number {
  const now = t.creds.with(change);
  afterIdChange(t, t.creds, now);
  t.creds = now;
  return 0;
}
