/** How execve(2) transforms credentials (capabilities(7), "Transformation of capabilities during execve()"). */
import { SECBIT_KEEP_CAPS, SECBIT_NOROOT } from '../abi/capability.ts';
import { capIntersect, capIsSubset, capUnion } from './capabilities.ts';
import type { Credentials } from './credentials.ts';
import { CAP_EMPTY } from './credentials.ts';

const S_ISUID = 0o4000;
const S_ISGID = 0o2000;
const S_IXGRP = 0o010;

/** The file that decides: its mode and owner. File capabilities are not supported: as if every file had none. */
export interface ExecutableOwner {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Credentials of the new program; `secure` is AT_SECURE. */
export function execCredentials(
  old: Credentials,
  file: ExecutableOwner,
  nosuid: boolean,
  noNewPrivs: boolean,
): { creds: Credentials; secure: boolean } {
  let { euid, egid } = old;
  if (!nosuid && !noNewPrivs) {
    if ((file.mode & S_ISUID) !== 0) euid = file.uid;
    // Set-group-ID without group execute is mandatory locking's mark, not a privilege.
    if ((file.mode & (S_ISGID | S_IXGRP)) === (S_ISGID | S_IXGRP)) egid = file.gid;
  }
  const setId = euid !== old.uid || egid !== old.gid;
  const idChanged = euid !== old.euid || !old.inGroup(egid);
  let permitted = CAP_EMPTY;
  let effectiveBit = false;
  if ((old.securebits & SECBIT_NOROOT) === 0) {
    if (euid === 0 || old.uid === 0) permitted = capUnion(old.bounding, old.inheritable);
    effectiveBit = euid === 0;
  }
  // Root gains nothing by execve then either, and what an effective id gave before is gone.
  if (noNewPrivs && !capIsSubset(permitted, old.permitted)) {
    permitted = capIntersect(permitted, old.permitted);
    euid = old.uid;
    egid = old.gid;
  }
  // It is the change that takes ambient capabilities away, not that real and effective ids differ (Linux 6.16).
  const ambient = idChanged ? CAP_EMPTY : old.ambient;
  permitted = capUnion(permitted, ambient);
  const effective = effectiveBit ? permitted : ambient;
  const creds = old.with({
    euid,
    egid,
    suid: euid,
    sgid: egid,
    fsuid: euid,
    fsgid: egid,
    permitted,
    effective,
    ambient,
    securebits: old.securebits & ~SECBIT_KEEP_CAPS,
  });
  const grew = effectiveBit || !capIsSubset(permitted, ambient);
  return { creds, secure: setId || (old.uid !== 0 && grew) };
}
