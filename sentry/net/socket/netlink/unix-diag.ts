/** The AF_UNIX part of sock_diag(7): struct unix_diag_req to unix_diag_msg. */
import { EINVAL, ENOENT } from '../../../abi/errno.ts';
import * as abi from '../../../abi/netlink.ts';
import { AF_UNIX } from '../../../abi/socket.ts';
import { UnixConnectionSocket } from '../unix/connection-socket.ts';
import type { UnixNetwork } from '../unix/unix-network.ts';
import type { UnixSocket } from '../unix/unix-socket.ts';
import { NetlinkWriter } from './netlink-message.ts';
import type { Answer } from './netlink-message.ts';

const REQUEST_SIZE = 24;
/** TCP's states are used for these too. */
const ESTABLISHED = 1;
const CLOSE = 7;
const LISTEN = 10;

export function answerUnix(network: UnixNetwork, dump: boolean, body: Uint8Array): Answer[] | number {
  if (body.length < REQUEST_SIZE) return -EINVAL;
  const v = new DataView(body.buffer, body.byteOffset, body.length);
  const states = v.getUint32(4, true);
  const ino = v.getUint32(8, true);
  const show = v.getUint32(12, true);
  if (dump) {
    const asked = [...network.sockets].filter((s) => !s.embryo && (states & (1 << stateOf(s))) !== 0);
    return asked.map((s) => answer(s, show));
  }
  for (const s of network.sockets) if (s.inode.ino === ino) return [answer(s, show)];
  return -ENOENT;
}

function stateOf(s: UnixSocket): number {
  if (s.listening) return LISTEN;
  return s.peer !== null && s.connectionOriented ? ESTABLISHED : CLOSE;
}

function answer(s: UnixSocket, show: number): Answer {
  const message = new NetlinkWriter()
    .u8(AF_UNIX)
    .u8(s.type)
    .u8(stateOf(s))
    .u8(0)
    .u32(s.inode.ino)
    .u32(s.inode.ino)
    .u32(0);
  if ((show & abi.UDIAG_SHOW_NAME) !== 0 && s.address !== null)
    message.attribute(abi.UNIX_DIAG_NAME, latin1(s.address.name));
  if ((show & abi.UDIAG_SHOW_VFS) !== 0 && s.node !== null) {
    const vfs = new Uint8Array(8);
    new DataView(vfs.buffer).setUint32(0, s.node.ino >>> 0, true);
    message.attribute(abi.UNIX_DIAG_VFS, vfs);
  }
  if ((show & abi.UDIAG_SHOW_PEER) !== 0 && s.peer !== null && !s.peer.dead && !s.peer.embryo)
    message.attributeU32(abi.UNIX_DIAG_PEER, s.peer.inode.ino);
  if ((show & abi.UDIAG_SHOW_ICONS) !== 0 && s instanceof UnixConnectionSocket && s.listening)
    message.attribute(abi.UNIX_DIAG_ICONS, words(s.waitingInodes));
  if ((show & abi.UDIAG_SHOW_RQLEN) !== 0) message.attribute(abi.UNIX_DIAG_RQLEN, words(s.queueLengths));
  message.attribute(abi.UNIX_DIAG_SHUTDOWN, Uint8Array.of((s.rcvShut ? 1 : 0) | (s.sndShut ? 2 : 0)));
  if ((show & abi.UDIAG_SHOW_UID) !== 0) message.attributeU32(abi.UNIX_DIAG_UID, s.inode.uid);
  return { type: abi.SOCK_DIAG_BY_FAMILY, message };
}

function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}

function words(values: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer);
}
