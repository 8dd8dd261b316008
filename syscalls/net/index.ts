/** Socket syscalls. */
import { MSGHDR_SIZE } from '../../sentry/abi/socket.ts';
import {
  ADDR,
  FD,
  INT,
  SIZE,
  UINT,
  bytesIn,
  bytesOut,
  flags,
  oneOf,
  structIn,
  structInOut,
  structOut,
} from '../table/args.ts';
import type { ArgKind } from '../table/args.ts';
import { call } from '../table/row.ts';
import type { Call } from '../table/row.ts';
import {
  sys_accept,
  sys_accept4,
  sys_bind,
  sys_connect,
  sys_getpeername,
  sys_getsockname,
  sys_listen,
  sys_shutdown,
} from './connection.ts';
import { sys_getsockopt, sys_setsockopt } from './option.ts';
import { sys_recvfrom, sys_recvmmsg, sys_recvmsg } from './receive.ts';
import { sys_sendmmsg, sys_sendmsg, sys_sendto } from './send.ts';
import { sys_socket, sys_socketpair } from './socket.ts';

/** struct sockaddr whose length is argument `lenArg`. */
function sockaddrIn(lenArg: number): ArgKind {
  return { ...bytesIn(lenArg), show: 'sockaddr' };
}
const SOCKADDR_OUT: ArgKind = { show: 'sockaddr', dir: 'out' };
const SOCKLEN = structInOut('socklen', 4);
const MSGHDR = structIn('msghdr', MSGHDR_SIZE);
const MSGHDR_OUT = structInOut('msghdr', MSGHDR_SIZE);
const MSG_FLAGS = flags('msg');
const FAMILY = oneOf('af');
const TYPE = flags('sock_type');

export const netCalls = {
  socket: call(sys_socket, [FAMILY, TYPE, INT], 'full', '', 'fd'),
  socketpair: call(sys_socketpair, [FAMILY, TYPE, INT, structOut('int2', 8)]),
  bind: call(sys_bind, [FD, sockaddrIn(2), INT]),
  connect: call(sys_connect, [FD, sockaddrIn(2), INT]),
  listen: call(sys_listen, [FD, INT]),
  accept: call(sys_accept, [FD, SOCKADDR_OUT, SOCKLEN], 'full', '', 'fd'),
  accept4: call(sys_accept4, [FD, SOCKADDR_OUT, SOCKLEN, flags('sock_type')], 'full', '', 'fd'),
  shutdown: call(sys_shutdown, [FD, oneOf('shut')]),
  getsockname: call(sys_getsockname, [FD, SOCKADDR_OUT, SOCKLEN]),
  getpeername: call(sys_getpeername, [FD, SOCKADDR_OUT, SOCKLEN]),
  setsockopt: call(sys_setsockopt, [FD, INT, INT, bytesIn(4), INT]),
  getsockopt: call(sys_getsockopt, [FD, INT, INT, ADDR, SOCKLEN]),
  sendto: call(sys_sendto, [FD, bytesIn(2), SIZE, MSG_FLAGS, sockaddrIn(5), INT]),
  sendmsg: call(sys_sendmsg, [FD, MSGHDR, MSG_FLAGS]),
  sendmmsg: call(sys_sendmmsg, [FD, ADDR, UINT, MSG_FLAGS]),
  recvfrom: call(sys_recvfrom, [FD, bytesOut(2), SIZE, MSG_FLAGS, SOCKADDR_OUT, SOCKLEN]),
  recvmsg: call(sys_recvmsg, [FD, MSGHDR_OUT, MSG_FLAGS]),
  recvmmsg: call(sys_recvmmsg, [FD, ADDR, UINT, MSG_FLAGS, structIn('timespec', 16)]),
} satisfies Record<string, Call>;
