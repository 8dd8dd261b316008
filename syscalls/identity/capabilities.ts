/** capget(2), capset(2). */
import { CAP_SETPCAP } from '../../sentry/abi/capability.ts';
import { EFAULT, EINVAL, EPERM, ESRCH } from '../../sentry/abi/errno.ts';
import { capIntersect, capIsSubset, capSet, capUnion } from '../../sentry/auth/capabilities.ts';
import type { Task } from '../../sentry/kernel/task.ts';

const VERSION_1 = 0x19980330;
const VERSION_2 = 0x20071026;
const VERSION_3 = 0x20080522;

/** Words per set that the header's version implies; an unknown one is answered with ours. */
function wordsOf(t: Task, headerAddr: number): number {
  const version = t.readU32(headerAddr);
  if (version === null) return -EFAULT;
  if (version === VERSION_1) return 1;
  if (version === VERSION_2 || version === VERSION_3) return 2;
  return t.writeU32(headerAddr, VERSION_3) < 0 ? -EFAULT : -EINVAL;
}

export function sys_capget(t: Task): number {
  const headerAddr = t.arg(0);
  const dataAddr = t.arg(1);
  const words = wordsOf(t, headerAddr);
  if (words < 0) return dataAddr === 0 && words === -EINVAL ? 0 : words;
  const pid = t.readI32(headerAddr + 4);
  if (pid === null) return -EFAULT;
  if (pid < 0) return -EINVAL;
  const target = pid === 0 ? t : t.pidns.pids.get(pid);
  if (target === undefined) return -ESRCH;
  if (dataAddr === 0) return 0;
  const { effective, permitted, inheritable } = target.creds;
  const data = new Uint32Array([
    effective.lo,
    permitted.lo,
    inheritable.lo,
    effective.hi,
    permitted.hi,
    inheritable.hi,
  ]);
  return t.copyOutBytes(dataAddr, new Uint8Array(data.buffer), 0, 12 * words);
}

export function sys_capset(t: Task): number {
  const headerAddr = t.arg(0);
  const words = wordsOf(t, headerAddr);
  if (words < 0) return words;
  const pid = t.readI32(headerAddr + 4);
  if (pid === null) return -EFAULT;
  // Only of the caller itself (capset(2), "the pid field").
  if (pid !== 0 && pid !== t.tid) return -EPERM;
  const bytes = t.copyInBytes(t.arg(1), 12 * words);
  if (typeof bytes === 'number') return -EFAULT;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = (i: number): number => (i < 3 * words ? view.getUint32(4 * i, true) : 0);
  const effective = capSet(word(0), word(3));
  const permitted = capSet(word(1), word(4));
  const inheritable = capSet(word(2), word(5));
  const { creds } = t;
  const mayInherit = creds.hasCap(CAP_SETPCAP) ? null : capUnion(creds.inheritable, creds.permitted);
  if (mayInherit !== null && !capIsSubset(inheritable, mayInherit)) return -EPERM;
  if (!capIsSubset(inheritable, capUnion(creds.inheritable, creds.bounding))) return -EPERM;
  if (!capIsSubset(permitted, creds.permitted) || !capIsSubset(effective, permitted)) return -EPERM;
  const ambient = capIntersect(creds.ambient, capIntersect(permitted, inheritable));
  t.creds = creds.with({ effective, permitted, inheritable, ambient });
  return 0;
}
