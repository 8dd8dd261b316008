/**
 * Address and ancillary data of one message to or from a host socket, in the layout that the addon takes
 * (socketReceiveMessage): lengths and flags, 128 bytes of address, 4096 of control messages. One buffer serves all:
 * one call runs at a time.
 */
import { EINVAL, ENOBUFS } from '../../../abi/errno.ts';
import * as ip from '../../../abi/inet.ts';
import { CMSG_HEADER, MSG_CTRUNC, MSG_EOR, MSG_ERRQUEUE, MSG_OOB, MSG_TRUNC } from '../../../abi/socket.ts';
import { SCM_CREDENTIALS, SCM_RIGHTS, SO_MARK, SO_PRIORITY, SOL_SOCKET } from '../../../abi/socket.ts';
import { copyBytes } from '../../../base/copy-bytes.ts';
import type { ControlMessage, Message } from '../message.ts';

const NAME = 16;
const CONTROL = NAME + 128;
const CONTROL_ROOM = 4096;

export const extra = new Uint8Array(CONTROL + CONTROL_ROOM);
const view = new DataView(extra.buffer);

/** What msg_flags may tell. */
const TOLD = MSG_OOB | MSG_CTRUNC | MSG_TRUNC | MSG_EOR | MSG_ERRQUEUE;

/** Longer ancillary messages of these kinds do not exist. */
const LONGEST = 128;
/** Types that a program may send by level; other levels are ignored, as in Linux. */
const SENDABLE: ReadonlyMap<number, ReadonlySet<number>> = new Map([
  // SO_TIMESTAMPING, SCM_TXTIME and SCM_TS_OPT_ID besides the named ones
  [SOL_SOCKET, new Set([SO_MARK, SO_PRIORITY, 37, 65, 61, 81])],
  [ip.IPPROTO_IP, new Set([ip.IP_TOS, ip.IP_TTL, ip.IP_PKTINFO, 52])],
  // IPV6_2292PKTINFO, _2292HOPLIMIT and _FLOWINFO besides
  [ip.IPPROTO_IPV6, new Set([ip.IPV6_PKTINFO, ip.IPV6_HOPLIMIT, ip.IPV6_TCLASS, ip.IPV6_DONTFRAG, 2, 8, 11])],
  [ip.IPPROTO_UDP, new Set([ip.UDP_SEGMENT])],
]);

/** Fills `extra` with what goes along with a message. 0 or a negated errno. */
export function packExtra(
  addr: Uint8Array,
  addrLen: number,
  control: readonly ControlMessage[] | null,
): number {
  view.setUint32(0, addrLen, true);
  copyBytes(extra, NAME, addr, 0, addrLen);
  view.setUint32(4, 0, true);
  if (control === null) return 0;
  let at = 0;
  for (const { level, type, data } of control) {
    // These mean something between unix sockets only.
    if (level === SOL_SOCKET && (type === SCM_RIGHTS || type === SCM_CREDENTIALS)) continue;
    const types = SENDABLE.get(level);
    if (types === undefined) continue;
    if (!types.has(type) || data.length > LONGEST) return -EINVAL;
    const size = CMSG_HEADER + data.length;
    if (at + size > CONTROL_ROOM) return -ENOBUFS;
    const p = CONTROL + at;
    view.setUint32(p, size, true);
    view.setUint32(p + 4, 0, true);
    view.setInt32(p + 8, level, true);
    view.setInt32(p + 12, type, true);
    extra.set(data, p + CMSG_HEADER);
    at += (size + 7) & ~7;
  }
  view.setUint32(4, Math.min(at, CONTROL_ROOM), true);
  return 0;
}

/** Takes address, ancillary messages and flags of a received message over into `msg`. */
export function unpackExtra(msg: Message): void {
  msg.outFlags |= view.getInt32(8, true) & TOLD;
  msg.addrLen = Math.min(view.getUint32(0, true), msg.addr.length);
  copyBytes(msg.addr, 0, extra, NAME, msg.addrLen);
  const end = view.getUint32(4, true);
  if (end < CMSG_HEADER) return;
  const found: ControlMessage[] = [];
  for (let at = 0; at + CMSG_HEADER <= end;) {
    const p = CONTROL + at;
    const size = view.getUint32(p, true);
    if (size < CMSG_HEADER || size > end - at) break;
    const data = extra.slice(p + CMSG_HEADER, p + size);
    found.push({ level: view.getInt32(p + 8, true), type: view.getInt32(p + 12, true), data });
    at += (size + 7) & ~7;
  }
  if (found.length > 0) msg.control = found;
}
