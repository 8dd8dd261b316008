/** What a change of user ids does to capabilities (capabilities(7), "Effect of user ID changes on capabilities"). */
import {
  CAP_CHOWN,
  CAP_DAC_OVERRIDE,
  CAP_DAC_READ_SEARCH,
  CAP_FOWNER,
  CAP_FSETID,
  CAP_LINUX_IMMUTABLE,
  CAP_MAC_OVERRIDE,
  CAP_MKNOD,
  SECBIT_KEEP_CAPS,
  SECBIT_NO_SETUID_FIXUP,
} from '../abi/capability.ts';
import { capIntersect, capOf, capUnion, capWithout } from './capabilities.ts';
import type { Credentials } from './credentials.ts';
import { CAP_EMPTY } from './credentials.ts';

const FILESYSTEM_CAPS = [
  CAP_CHOWN,
  CAP_MKNOD,
  CAP_DAC_OVERRIDE,
  CAP_DAC_READ_SEARCH,
  CAP_FOWNER,
  CAP_FSETID,
  CAP_LINUX_IMMUTABLE,
  CAP_MAC_OVERRIDE,
]
  .map(capOf)
  .reduce(capUnion);

/** `now` has the new real, effective and saved ids; returns it with the capability sets that follow. */
export function fixCapsAfterSetuid(old: Credentials, now: Credentials): Credentials {
  if ((old.securebits & SECBIT_NO_SETUID_FIXUP) !== 0) return now;
  let { permitted, effective, ambient } = now;
  const hadRoot = old.uid === 0 || old.euid === 0 || old.suid === 0;
  const hasRoot = now.uid === 0 || now.euid === 0 || now.suid === 0;
  if (hadRoot && !hasRoot) {
    if ((old.securebits & SECBIT_KEEP_CAPS) === 0) {
      permitted = CAP_EMPTY;
      effective = CAP_EMPTY;
    }
    ambient = CAP_EMPTY;
  }
  if (old.euid === 0 && now.euid !== 0) effective = CAP_EMPTY;
  if (old.euid !== 0 && now.euid === 0) effective = permitted;
  return now.with({ permitted, effective, ambient });
}

/** setfsuid(2): the filesystem capabilities follow fsuid 0. */
export function fixCapsAfterSetfsuid(old: Credentials, now: Credentials): Credentials {
  if ((old.securebits & SECBIT_NO_SETUID_FIXUP) !== 0) return now;
  if (old.fsuid === 0 && now.fsuid !== 0)
    return now.with({ effective: capWithout(now.effective, FILESYSTEM_CAPS) });
  if (old.fsuid !== 0 && now.fsuid === 0) {
    return now.with({ effective: capUnion(now.effective, capIntersect(FILESYSTEM_CAPS, now.permitted)) });
  }
  return now;
}
