/** Routes and rules of rtnetlink(7): what the kernel puts into the table `local` by itself for each address. */
import { ENETUNREACH } from '../../../abi/errno.ts';
import * as abi from '../../../abi/netlink.ts';
import { AF_INET, AF_INET6, AF_UNSPEC } from '../../../abi/socket.ts';
import type { InetStack } from '../../stack/inet-stack.ts';
import type { Ip } from '../../stack/ip.ts';
import { LOOPBACK4, LOOPBACK_BROADCAST, ipFromV4, ipFromV6, isLoopback, isV4 } from '../../stack/ip.ts';
import { NetlinkWriter, bytesOf, familyOf, findAttribute, wanted } from './netlink-message.ts';
import type { Answer } from './netlink-message.ts';

/** The table `local`: there is no other without a network. */
export function routes(stack: InetStack, family: number): Answer[] {
  const found: Answer[] = [];
  for (const i of stack.interfaces) {
    for (const a of i.addresses) {
      if (!wanted(a.ip, family)) continue;
      if (!isV4(a.ip)) {
        found.push(route6(a.ip, i.index));
        continue;
      }
      if (a.prefix < 32)
        found.push(route4(networkOf(a.ip, a.prefix), a.prefix, a.ip, i.index, abi.RTN_LOCAL));
      found.push(route4(a.ip, 32, a.ip, i.index, abi.RTN_LOCAL));
      if (isLoopback(a.ip)) found.push(route4(LOOPBACK_BROADCAST, 32, a.ip, i.index, abi.RTN_BROADCAST));
    }
  }
  return found;
}

function route4(to: Ip, prefix: number, source: Ip, index: number, type: number): Answer {
  const message = header(
    AF_INET,
    prefix,
    0,
    type === abi.RTN_LOCAL ? abi.RT_SCOPE_HOST : abi.RT_SCOPE_LINK,
    type,
    0,
  )
    .attributeU32(abi.RTA_TABLE, abi.RT_TABLE_LOCAL)
    .attribute(abi.RTA_DST, bytesOf(to))
    .attribute(abi.RTA_PREFSRC, bytesOf(source))
    .attributeU32(abi.RTA_OIF, index);
  return { type: abi.RTM_NEWROUTE, message };
}

function route6(to: Ip, index: number): Answer {
  const message = header(AF_INET6, 128, 0, 0, abi.RTN_LOCAL, 0)
    .attributeU32(abi.RTA_TABLE, abi.RT_TABLE_LOCAL)
    .attribute(abi.RTA_DST, bytesOf(to))
    .attributeU32(abi.RTA_PRIORITY, 0)
    .attributeU32(abi.RTA_OIF, index);
  return { type: abi.RTM_NEWROUTE, message: tail6(message) };
}

/** struct rtmsg. */
function header(
  family: number,
  prefix: number,
  sourcePrefix: number,
  scope: number,
  type: number,
  flags: number,
  table: number = abi.RT_TABLE_LOCAL,
): NetlinkWriter {
  return new NetlinkWriter()
    .u8(family)
    .u8(prefix)
    .u8(sourcePrefix)
    .u8(0)
    .u8(table)
    .u8(abi.RTPROT_KERNEL)
    .u8(scope)
    .u8(type)
    .u32(flags);
}

function tail6(message: NetlinkWriter): NetlinkWriter {
  return message.attribute(abi.RTA_CACHEINFO, new Uint8Array(32)).attribute(abi.RTA_PREF, Uint8Array.of(0));
}

/** `ip route get`. */
export function routeTo(stack: InetStack, family: number, body: Uint8Array, uid: number): Answer[] | number {
  const data = findAttribute(body, 12, abi.RTA_DST);
  if (data === null || data.length < (family === AF_INET ? 4 : 16)) return -ENETUNREACH;
  const to = family === AF_INET ? ipFromV4(data, 0) : ipFromV6(data, 0);
  if (!isLoopback(to)) return -ENETUNREACH;
  const lo = stack.interfaces[0]!.index;
  if (familyOf(to) === AF_INET) {
    const message = header(
      AF_INET,
      32,
      0,
      0,
      abi.RTN_LOCAL,
      (abi.RTM_F_CLONED | abi.RTCF_LOCAL) >>> 0,
      abi.RT_TABLE_MAIN,
    )
      .attributeU32(abi.RTA_TABLE, abi.RT_TABLE_MAIN)
      .attribute(abi.RTA_DST, bytesOf(to))
      .attributeU32(abi.RTA_OIF, lo)
      .attribute(abi.RTA_PREFSRC, bytesOf(LOOPBACK4))
      .attributeU32(abi.RTA_UID, uid);
    return [{ type: abi.RTM_NEWROUTE, message: message.attribute(abi.RTA_CACHEINFO, new Uint8Array(32)) }];
  }
  const message = header(AF_INET6, 128, 128, 0, abi.RTN_LOCAL, 0)
    .attribute(abi.RTA_DST, bytesOf(to))
    .attribute(abi.RTA_SRC, new Uint8Array(16))
    .attributeU32(abi.RTA_TABLE, abi.RT_TABLE_LOCAL)
    .attribute(abi.RTA_PREFSRC, bytesOf(to))
    .attributeU32(abi.RTA_PRIORITY, 0)
    .attributeU32(abi.RTA_OIF, lo);
  return [{ type: abi.RTM_NEWROUTE, message: tail6(message) }];
}

/** The rules that are there from the start: look into `local`, then `main`, then (IPv4) `default`. */
export function rules(family: number): Answer[] {
  const found: Answer[] = [];
  if (family === AF_UNSPEC || family === AF_INET) {
    found.push(rule(AF_INET, 0, abi.RT_TABLE_LOCAL));
    found.push(rule(AF_INET, 32766, abi.RT_TABLE_MAIN));
    found.push(rule(AF_INET, 32767, abi.RT_TABLE_DEFAULT));
  }
  if (family === AF_UNSPEC || family === AF_INET6) {
    found.push(rule(AF_INET6, 0, abi.RT_TABLE_LOCAL));
    found.push(rule(AF_INET6, 32766, abi.RT_TABLE_MAIN));
  }
  return found;
}

/** struct fib_rule_hdr. */
function rule(family: number, priority: number, table: number): Answer {
  const message = new NetlinkWriter()
    .u32(family)
    .u8(table)
    .u8(0)
    .u8(0)
    .u8(abi.FR_ACT_TO_TBL)
    .u32(0)
    .attributeU32(abi.FRA_TABLE, table)
    .attributeU32(abi.FRA_SUPPRESS_PREFIXLEN, 0xffffffff)
    .attribute(abi.FRA_PROTOCOL, Uint8Array.of(abi.RTPROT_KERNEL));
  if (priority > 0) message.attributeU32(abi.FRA_PRIORITY, priority);
  return { type: abi.RTM_NEWRULE, message };
}

/** For prefixes of whole bytes, which is all that lo has. */
function networkOf(ip: Ip, prefix: number): Ip {
  const digits = 24 + prefix / 4;
  return ip.slice(0, digits) + '0'.repeat(32 - digits);
}
