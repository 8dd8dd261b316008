/** Sockets: what depends on the family, the level, or on what was received. */
import * as inet from '../abi/inet.ts';
import * as socket from '../abi/socket.ts';
import type { Call } from './arguments.ts';
import { address, showMsghdr, showSocketOption } from './arguments.ts';
import type { Special } from './special.ts';
import { Bytes } from './structs.ts';
import { showConst } from './tables.ts';

const PROTOCOLS: ReadonlyMap<number, string> = new Map([
  [socket.AF_INET, 'ip_protocol'],
  [socket.AF_INET6, 'ip_protocol'],
  [socket.AF_NETLINK, 'netlink_protocol'],
]);
const OPTIONS: ReadonlyMap<number, string> = new Map([
  [socket.SOL_SOCKET, 'so'],
  [inet.IPPROTO_IP, 'ip_option'],
  [inet.IPPROTO_TCP, 'tcp_option'],
  [inet.IPPROTO_UDP, 'udp_option'],
  [inet.IPPROTO_IPV6, 'ipv6_option'],
]);

const protocol: Special = (call, i) => {
  const table = i === 2 ? PROTOCOLS.get(call.task.argI32(0)) : undefined;
  return table === undefined ? null : showConst(table, call.task.argI32(2));
};

/** Level and name of an option; of its value what is an integer or SO_LINGER's. */
const option: Special = (call, i, done) => {
  const { task } = call;
  const level = task.argI32(1);
  if (i === 1) return showConst('sol', level);
  if (i === 2) {
    const table = OPTIONS.get(level);
    return table === undefined ? null : showConst(table, task.argI32(2));
  }
  if (i !== 3) return null;
  const get = call.name === 'getsockopt';
  if (get && !done) return null;
  return showSocketOption(call, get ? storedLength(call) : task.argI32(4));
};

function storedLength(call: Call): number {
  const bytes = call.read(call.task.arg(4), 4);
  return bytes === null ? 0 : new Bytes(bytes).i32(0);
}

/** Of a message that didn't come only the length of the room for its sender is known. */
const recvmsg: Special = (call, i, done) => {
  if (i !== 1) return null;
  return done ? showMsghdr(call, call.task.arg(1), call.result) : failedMsghdr(call);
};

function failedMsghdr(call: Call): string | null {
  const bytes = call.read(call.task.arg(1), socket.MSGHDR_SIZE);
  return bytes === null ? address(call, 1) : `{msg_namelen=${new Bytes(bytes).u32(8)}}`;
}

const mmsg: Special = (call, i, done) => {
  if (i !== 1 || !done) return null;
  const shown: string[] = [];
  for (let k = 0; k < call.result; k++) {
    const addr = call.task.arg(1) + k * socket.MMSGHDR_SIZE;
    const bytes = call.read(addr, socket.MMSGHDR_SIZE);
    if (bytes === null) return address(call, 1);
    const length = new Bytes(bytes).u32(socket.MSGHDR_SIZE);
    shown.push(`{msg_hdr=${showMsghdr(call, addr, length)}, msg_len=${length}}`);
  }
  return `[${shown.join(', ')}]`;
};

export const NET_SPECIAL: readonly (readonly [string, Special])[] = [
  ['socket', protocol],
  ['socketpair', protocol],
  ['getsockopt', option],
  ['setsockopt', option],
  ['recvmsg', recvmsg],
  ['sendmmsg', mmsg],
  ['recvmmsg', mmsg],
];
