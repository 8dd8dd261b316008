/** sock_diag(7): the sockets that ss(8) lists. */
import { EINVAL, ENOENT } from '../../../abi/errno.ts';
import { IPPROTO_IP, IPPROTO_IPV6, IPPROTO_TCP, IP_TOS, IPV6_TCLASS } from '../../../abi/inet.ts';
import * as abi from '../../../abi/netlink.ts';
import { AF_INET, AF_INET6, AF_UNIX } from '../../../abi/socket.ts';
import type { EndedConnection, InetStack, TcpEndpoint, TransportEndpoint } from '../../stack/inet-stack.ts';
import type { Endpoint, Ip } from '../../stack/ip.ts';
import { isV4, putV4, putV6 } from '../../stack/ip.ts';
import { openInetSockets } from '../inet/inet-socket.ts';
import type { InetSocket } from '../inet/inet-socket.ts';
import { tcpInfo } from '../inet/tcp-info.ts';
import { TcpSocket } from '../inet/tcp-socket.ts';
import type { UnixNetwork } from '../unix/unix-network.ts';
import { NetlinkWriter } from './netlink-message.ts';
import type { Answer } from './netlink-message.ts';
import { answerUnix } from './unix-diag.ts';

/** struct inet_diag_req_v2 and the inet_diag_sockid in it. */
const REQUEST_SIZE = 56;
const SOCKID_AT = 8;
const SOCKID_SIZE = 48;
/** A local and a remote port, the addresses behind them. */
const ADDRESS_SIZE = 16;
const AF_MAX = 46;
const ESTABLISHED = 1;
const CLOSE = 7;
/** The timer of TIME-WAIT. */
const TIMER_TIME_WAIT = 3;
const ANY_PORT: Endpoint = { ip: '0'.repeat(32), port: 0 };

/** One line of ss. */
interface Row {
  readonly state: number;
  readonly local: Endpoint;
  readonly remote: Endpoint | null;
  readonly receiving: number;
  readonly sending: number;
  readonly socket: InetSocket | null;
  readonly endpoint: TransportEndpoint | null;
  readonly expiresMs: number;
}

export function answerSockDiag(
  stack: InetStack,
  unix: UnixNetwork,
  type: number,
  dump: boolean,
  body: Uint8Array,
  nowNs: number,
): Answer[] | number {
  if (type !== abi.SOCK_DIAG_BY_FAMILY) return -EINVAL;
  if (body.length < 2) return -EINVAL;
  const family = body[0]!;
  if (family >= AF_MAX) return -EINVAL;
  if (family === AF_UNIX) return answerUnix(unix, dump, body);
  if (family !== AF_INET && family !== AF_INET6) return -ENOENT;
  if (body.length < REQUEST_SIZE) return -EINVAL;
  const states = view(body).getUint32(4, true);
  const rows = rowsOf(stack, body[1]!, family === AF_INET6, nowNs);
  if (rows === null) return -ENOENT;
  if (dump)
    return [...rows].filter((r) => (states & (1 << r.state)) !== 0).map((r) => answer(r, family, body[2]!));
  for (const row of rows) if (isAsked(row, body, family)) return [answer(row, family, body[2]!)];
  return -ENOENT;
}

/** The sockets of a protocol that have a port; null for a protocol that is not there. */
function rowsOf(stack: InetStack, protocol: number, v6: boolean, nowNs: number): Iterable<Row> | null {
  if (protocol === IPPROTO_TCP) return tcpRows(stack, v6, nowNs);
  return KNOWN.has(protocol) ? datagramRows(stack, protocol, v6) : null;
}
/** IPPROTO_UDP, IPPROTO_UDPLITE, IPPROTO_RAW (which has none). */
const KNOWN = new Set([17, 136, 255]);

function* tcpRows(stack: InetStack, v6: boolean, nowNs: number): Generator<Row> {
  const sockets = new Map<TransportEndpoint, InetSocket>();
  for (const s of openInetSockets(stack)) if (s instanceof TcpSocket) sockets.set(s.endpoint, s);
  for (const endpoint of stack.tcpEndpoints()) {
    if (endpoint.v6 !== v6 || endpoint.state === CLOSE) continue;
    yield tcpRow(endpoint, sockets.get(endpoint) ?? null);
  }
  for (const ended of stack.endedConnections()) if (ended.v6 === v6) yield endedRow(ended, nowNs);
}

function tcpRow(endpoint: TcpEndpoint, socket: InetSocket | null): Row {
  const { state, local, remote, queued, unread } = endpoint;
  return { state, local, remote, receiving: queued, sending: unread, socket, endpoint, expiresMs: 0 };
}

function endedRow(ended: EndedConnection, nowNs: number): Row {
  const { state, local, remote } = ended;
  const expiresMs = Math.max(0, Math.floor((ended.expiresNs - nowNs) / 1e6));
  return { state, local, remote, receiving: 0, sending: 0, socket: null, endpoint: null, expiresMs };
}

function* datagramRows(stack: InetStack, protocol: number, v6: boolean): Generator<Row> {
  for (const socket of openInetSockets(stack)) {
    if (socket instanceof TcpSocket || socket.protocol !== protocol || socket.v6 !== v6) continue;
    const { endpoint } = socket;
    if (endpoint.local.port === 0) continue;
    const { local, remote } = endpoint;
    const state = remote === null ? CLOSE : ESTABLISHED;
    yield { state, local, remote, receiving: socket.queuedBytes, sending: 0, socket, endpoint, expiresMs: 0 };
  }
}

/** Is this the one socket that the request names by its ends? */
function isAsked(row: Row, body: Uint8Array, family: number): boolean {
  const want = new Uint8Array(SOCKID_SIZE);
  putSockId(want, row, family);
  for (let i = 0; i < 4 + 2 * ADDRESS_SIZE; i++) if (want[i] !== body[SOCKID_AT + i]) return false;
  return true;
}

/** struct inet_diag_sockid: both ports, both addresses, interface, cookie. */
function putSockId(out: Uint8Array, row: Row, family: number): void {
  const remote = row.remote ?? ANY_PORT;
  const v = view(out);
  v.setUint16(0, row.local.port);
  v.setUint16(2, remote.port);
  putIp(row.local.ip, out, 4, family);
  if (row.remote !== null) putIp(remote.ip, out, 4 + ADDRESS_SIZE, family);
  if (row.endpoint?.options.deviceBound === true) v.setUint32(36, 1, true);
  v.setUint32(40, row.socket?.inode.ino ?? 0, true);
}

function putIp(ip: Ip, out: Uint8Array, at: number, family: number): void {
  if (family === AF_INET6) putV6(ip, out, at);
  else if (isV4(ip)) putV4(ip, out, at);
}

/** struct inet_diag_msg and the attributes that `extensions` asks for. */
function answer(row: Row, family: number, extensions: number): Answer {
  const id = new Uint8Array(SOCKID_SIZE);
  putSockId(id, row, family);
  const message = new NetlinkWriter()
    .u8(family)
    .u8(row.state)
    .u8(row.expiresMs > 0 ? TIMER_TIME_WAIT : 0)
    .u8(0)
    .raw(id)
    .u32(row.expiresMs)
    .u32(row.receiving)
    .u32(row.sending)
    .u32(row.endpoint?.options.uid ?? 0)
    .u32(row.socket?.inode.ino ?? 0);
  const asked = (attribute: number): boolean => (extensions & (1 << (attribute - 1))) !== 0;
  const { socket } = row;
  message.attribute(abi.INET_DIAG_SHUTDOWN, Uint8Array.of(0));
  if (socket === null) return { type: abi.SOCK_DIAG_BY_FAMILY, message };
  if (asked(abi.INET_DIAG_TOS))
    message.attribute(abi.INET_DIAG_TOS, Uint8Array.of(socket.ints.get(IPPROTO_IP, IP_TOS)));
  if (family === AF_INET6) {
    if (asked(abi.INET_DIAG_TCLASS))
      message.attribute(abi.INET_DIAG_TCLASS, Uint8Array.of(socket.ints.get(IPPROTO_IPV6, IPV6_TCLASS)));
    message.attribute(abi.INET_DIAG_SKV6ONLY, Uint8Array.of(Number(socket.endpoint.options.v6only)));
  }
  if (socket instanceof TcpSocket) {
    if (asked(abi.INET_DIAG_INFO)) message.attribute(abi.INET_DIAG_INFO, tcpInfo(socket.endpoint));
    if (asked(abi.INET_DIAG_CONG)) message.attributeText(abi.INET_DIAG_CONG, 'cubic');
  }
  return { type: abi.SOCK_DIAG_BY_FAMILY, message };
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
