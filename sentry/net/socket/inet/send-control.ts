/** Ancillary data of what is sent over IP (cmsg(3), ip(7), ipv6(7)): each by its level, of which others are passed over. */
import { CAP_NET_ADMIN, CAP_NET_RAW } from '../../../abi/capability.ts';
import { EINVAL, ENODEV, EPERM } from '../../../abi/errno.ts';
import * as abi from '../../../abi/inet.ts';
import {
  SCM_CREDENTIALS,
  SCM_RIGHTS,
  SOL_SOCKET,
  SO_MARK,
  SO_TIMESTAMPING,
  SO_TIMESTAMPING_NEW,
  SO_TXTIME,
} from '../../../abi/socket.ts';
import type { CallerContext } from '../../../vfs/context.ts';
import type { Sending } from '../../stack/inet-stack.ts';
import type { Ip } from '../../stack/ip.ts';
import { ipFromV4, ipFromV6, isAny, isLoopback, isV4 } from '../../stack/ip.ts';
import type { ControlMessage } from '../message.ts';
import type { SocketOptions } from '../options.ts';
import { TX_FLAGS } from '../timestamping.ts';
import { validIpOptions } from './ip-options.ts';

export interface SendControl extends Sending {
  ttl: number;
  tos: number;
  source: Ip | null;
  throughLo: boolean;
  /** UDP_SEGMENT; 0: the datagram is not cut. */
  segment: number;
  /** SO_TIMESTAMPING's flags, as they are for this message. */
  timestamping: number;
}

/** Changes `how` as the messages say; 0 or a negated errno. */
export function readSendControl(
  control: readonly ControlMessage[] | null,
  how: SendControl,
  kind: {
    readonly v6: boolean;
    /** An IPv4 destination of an IPv6 socket. */
    readonly mapped: boolean;
    readonly udp: boolean;
    readonly options: SocketOptions;
  },
  ctx: CallerContext,
): number {
  for (const c of control ?? []) {
    let r = 0;
    if (c.level === SOL_SOCKET) r = readSocketLevel(c, how, kind.options, ctx);
    else if (c.level === abi.IPPROTO_UDP && kind.udp) r = readUdp(c, how);
    else if (c.level === abi.IPPROTO_IP && !kind.v6) r = readIp(c, how);
    else if (c.level === abi.IPPROTO_IPV6 && kind.v6) r = readIpv6(c, how, ctx);
    else if (c.level === abi.IPPROTO_IPV6 && kind.mapped && c.type === abi.IPV6_PKTINFO)
      r = readPacketInfo6(c.data, how, true);
    if (r < 0) return r;
  }
  return 0;
}

export function readSocketLevel(
  { type, data }: ControlMessage,
  how: { timestamping: number },
  options: SocketOptions,
  ctx: CallerContext,
): number {
  switch (type) {
    case SO_MARK:
      if (!ctx.creds.hasCap(CAP_NET_ADMIN) && !ctx.creds.hasCap(CAP_NET_RAW)) return -EPERM;
      return data.length === 4 ? 0 : -EINVAL;
    case SO_TIMESTAMPING:
    case SO_TIMESTAMPING_NEW: {
      if (data.length !== 4) return -EINVAL;
      const flags = int(data);
      if ((flags & ~TX_FLAGS) !== 0) return -EINVAL;
      how.timestamping = (how.timestamping & ~TX_FLAGS) | flags;
      return 0;
    }
    case SO_TXTIME:
      return options.txTime === null || data.length !== 8 ? -EINVAL : 0;
    case SCM_RIGHTS:
    case SCM_CREDENTIALS:
      return 0;
    default:
      return -EINVAL;
  }
}

function readUdp({ type, data }: ControlMessage, how: SendControl): number {
  if (type !== abi.UDP_SEGMENT || data.length !== 2) return -EINVAL;
  how.segment = data[0]! | (data[1]! << 8);
  return 0;
}

/** struct in_pktinfo, in6_pktinfo, ipv6_opt_hdr. */
const PKTINFO_SIZE = 12;
const PKTINFO6_SIZE = 20;
const OPTION_HEADER = 2;

function readIp({ type, data }: ControlMessage, how: SendControl): number {
  switch (type) {
    case abi.IP_RETOPTS:
      return validIpOptions(data.subarray(0, 40)) ? 0 : -EINVAL;
    case abi.IP_PKTINFO:
      return readPacketInfo(data, how);
    case abi.IP_TTL:
      if (data.length !== 4 || int(data) < 1 || int(data) > 255) return -EINVAL;
      how.ttl = int(data);
      return 0;
    case abi.IP_TOS: {
      const value = data.length === 4 ? int(data) : data.length === 1 ? data[0]! : -1;
      if (value < 0 || value > 255) return -EINVAL;
      how.tos = value;
      return 0;
    }
    case abi.IP_PROTOCOL:
      return data.length === 4 && int(data) >= 1 && int(data) <= 255 ? 0 : -EINVAL;
    default:
      return -EINVAL;
  }
}

/** ip(7): where it is from (the second address is for what is received), and through which interface it goes. */
function readPacketInfo(data: Uint8Array, how: SendControl): number {
  if (data.length !== PKTINFO_SIZE) return -EINVAL;
  return takePacketInfo(how, int(data), ipFromV4(data, 4));
}

function readPacketInfo6(data: Uint8Array, how: SendControl, mapped: boolean): number {
  if (data.length < PKTINFO6_SIZE) return -EINVAL;
  const source = ipFromV6(data, 0);
  if (mapped && !isV4(source)) return -EINVAL;
  return takePacketInfo(how, int(data.subarray(16)), source);
}

function takePacketInfo(how: SendControl, index: number, source: Ip): number {
  if (index !== 0 && index !== 1) return -ENODEV;
  if (!isAny(source) && !isLoopback(source)) return -EINVAL;
  how.source = isAny(source) ? null : source;
  how.throughLo = index === 1;
  return 0;
}

function readIpv6({ type, data }: ControlMessage, how: SendControl, ctx: CallerContext): number {
  switch (type) {
    case abi.IPV6_PKTINFO:
    case abi.IPV6_2292PKTINFO:
      return readPacketInfo6(data, how, false);
    case abi.IPV6_FLOWINFO:
      return data.length >= 4 ? 0 : -EINVAL;
    case abi.IPV6_HOPLIMIT:
    case abi.IPV6_2292HOPLIMIT:
      if (!isByteOrDefault(data)) return -EINVAL;
      if (int(data) >= 0) how.ttl = int(data);
      return 0;
    case abi.IPV6_TCLASS:
      if (!isByteOrDefault(data)) return -EINVAL;
      if (int(data) >= 0) how.tos = int(data);
      return 0;
    case abi.IPV6_DONTFRAG:
      return data.length === 4 && (int(data) === 0 || int(data) === 1) ? 0 : -EINVAL;
    case abi.IPV6_2292HOPOPTS:
    case abi.IPV6_HOPOPTS:
    case abi.IPV6_2292DSTOPTS:
    case abi.IPV6_DSTOPTS:
    case abi.IPV6_RTHDRDSTOPTS:
      // Extension headers are never sent.
      if (data.length < OPTION_HEADER || data.length < (data[1]! + 1) * 8) return -EINVAL;
      return ctx.creds.hasCap(CAP_NET_RAW) ? -EINVAL : -EPERM;
    default:
      return -EINVAL;
  }
}

function isByteOrDefault(data: Uint8Array): boolean {
  return data.length === 4 && int(data) >= -1 && int(data) <= 255;
}

function int(data: Uint8Array): number {
  return data[0]! | (data[1]! << 8) | (data[2]! << 16) | (data[3]! << 24);
}
