/** struct msghdr, as sendmsg(2) and recvmsg(2) take it. */
import { EFAULT, EINVAL, EMSGSIZE } from '../../sentry/abi/errno.ts';
import { UIO_MAXIOV } from '../../sentry/abi/fcntl.ts';
import { MSGHDR_SIZE, SOCKADDR_MAX } from '../../sentry/abi/socket.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { getU64, i32 } from '../../platform/arena.ts';

/** The header of the call at hand, read once. */
export const hdr = {
  name: 0,
  nameLen: 0,
  iov: 0,
  iovLen: 0,
  control: 0,
  controlLen: 0,
};

const NAMELEN = 8;
const CONTROLLEN = 40;

/** Loads the header at `addr` into `hdr`. 0 or a negated errno. */
export function loadMsghdr(t: Task, addr: number): number {
  const at = t.copyIn(addr, MSGHDR_SIZE);
  if (at < 0) return at;
  hdr.name = getU64(at);
  const nameLen = i32[(at + NAMELEN) >>> 2]!;
  hdr.iov = getU64(at + 16);
  hdr.iovLen = getU64(at + 24);
  hdr.control = getU64(at + 32);
  hdr.controlLen = getU64(at + CONTROLLEN);
  if (hdr.name === 0) hdr.nameLen = 0;
  else if (nameLen < 0) return -EINVAL;
  else hdr.nameLen = Math.min(nameLen, SOCKADDR_MAX);
  return hdr.iovLen > UIO_MAXIOV ? -EMSGSIZE : 0;
}

/** Stores what recvmsg reports in the header: the address length (if a name was asked for), control length, flags. */
export function storeMsghdr(
  t: Task,
  addr: number,
  nameLen: number,
  controlLen: number,
  outFlags: number,
): number {
  if (hdr.name !== 0 && t.writeI32(addr + NAMELEN, nameLen) < 0) return -EFAULT;
  const at = t.stage(12);
  if (at < 0) {
    // The data fill the slot.
    const r = t.writeU64(addr + CONTROLLEN, controlLen);
    return r < 0 ? r : t.writeU32(addr + CONTROLLEN + 8, outFlags);
  }
  i32[at >>> 2] = controlLen;
  i32[(at >>> 2) + 1] = 0;
  i32[(at >>> 2) + 2] = outFlags;
  return t.copyOutStaged(addr + CONTROLLEN, at, 12);
}
