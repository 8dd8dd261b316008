/** IP_ADD_MEMBERSHIP, MCAST_JOIN_GROUP and their kin (ip(7), ipv6(7)): their structures, and the interface that they name. */
import { EADDRNOTAVAIL, EINVAL, ENODEV, ENOPROTOOPT, EPROTO } from '../../../abi/errno.ts';
import * as abi from '../../../abi/inet.ts';
import { AF_INET, AF_INET6, SOCK_STREAM } from '../../../abi/socket.ts';
import type { GroupSources, SourceFilter } from '../../stack/inet-stack.ts';
import type { Ip } from '../../stack/ip.ts';
import { ipFromV4, ipFromV6, isAny, isLoopback, isMulticast } from '../../stack/ip.ts';
import type { InetSocket } from './inet-socket.ts';

/** What an endpoint offers that may be in groups. */
export interface GroupMember {
  join(group: Ip): number;
  leave(group: Ip): number;
  filterSource(what: SourceFilter, group: Ip, source: Ip): number;
  setSources(group: Ip, filter: GroupSources): number;
  sourcesOf(group: Ip): GroupSources | null;
}

/** struct group_req: u32 interface, then a sockaddr_storage at 8; group_source_req has one more behind it. */
const GROUP_AT = 8;
const SOURCE_AT = 136;
const IPV6_MREQ_SIZE = 20;
const GROUP_REQ_SIZE = 136;
const GROUP_SOURCE_REQ_SIZE = 264;
/** The only interface, lo. */
const LO = 1;

const FILTERS4 = new Map<number, SourceFilter>([
  [abi.IP_BLOCK_SOURCE, 'block'],
  [abi.IP_UNBLOCK_SOURCE, 'unblock'],
  [abi.IP_ADD_SOURCE_MEMBERSHIP, 'join'],
  [abi.IP_DROP_SOURCE_MEMBERSHIP, 'leave'],
]);
const FILTERS = new Map<number, SourceFilter>([
  [abi.MCAST_BLOCK_SOURCE, 'block'],
  [abi.MCAST_UNBLOCK_SOURCE, 'unblock'],
  [abi.MCAST_JOIN_SOURCE_GROUP, 'join'],
  [abi.MCAST_LEAVE_SOURCE_GROUP, 'leave'],
]);

export function isGroupOption(level: number, name: number): boolean {
  if (level !== abi.IPPROTO_IP && level !== abi.IPPROTO_IPV6) return false;
  if (name >= abi.MCAST_JOIN_GROUP && name <= abi.MCAST_LEAVE_SOURCE_GROUP) return true;
  if (level === abi.IPPROTO_IPV6)
    return name === abi.IPV6_ADD_MEMBERSHIP || name === abi.IPV6_DROP_MEMBERSHIP;
  return name === abi.IP_ADD_MEMBERSHIP || name === abi.IP_DROP_MEMBERSHIP || FILTERS4.has(name);
}

export function setGroupOption(s: InetSocket, level: number, name: number, value: Uint8Array): number {
  if (s.type === SOCK_STREAM) return refusedByStream(level, name, value);
  const member = s.groups;
  if (member === null) return -ENOPROTOOPT;
  if (name >= abi.MCAST_JOIN_GROUP) return setGeneric(member, level, name, value);
  if (level === abi.IPPROTO_IPV6) return setMembership6(member, name, value);
  const filter = FILTERS4.get(name);
  return filter === undefined ? setMembership4(member, name, value) : setFilter4(member, filter, value);
}

/** Connections are between two: the old calls say so, the newer find their arguments wrong. */
function refusedByStream(level: number, name: number, value: Uint8Array): number {
  if (level === abi.IPPROTO_IP) return name <= abi.IP_DROP_MEMBERSHIP ? -EPROTO : -EINVAL;
  if (name < abi.MCAST_JOIN_GROUP) return value.length < IPV6_MREQ_SIZE ? -EINVAL : -EPROTO;
  const whole = name === abi.MCAST_JOIN_GROUP || name === abi.MCAST_LEAVE_GROUP;
  return whole && value.length >= GROUP_REQ_SIZE ? -EADDRNOTAVAIL : -EINVAL;
}

/** struct ip_mreq (group, address of the interface) or ip_mreqn (and its index). */
function setMembership4(member: GroupMember, name: number, value: Uint8Array): number {
  if (value.length < 8) return -EINVAL;
  const group = ipFromV4(value, 0);
  const index = value.length >= 12 ? int(value, 8) : 0;
  if (name === abi.IP_ADD_MEMBERSHIP && !isMulticast(group)) return -EINVAL;
  // The address of no group is one that is routed to lo.
  if (isAny(group) && isAny(ipFromV4(value, 4))) return -EADDRNOTAVAIL;
  const missing = name === abi.IP_ADD_MEMBERSHIP ? -ENODEV : -EADDRNOTAVAIL;
  if (index !== 0 ? index !== LO : !isLoopback(ipFromV4(value, 4)))
    return isAny(ipFromV4(value, 4)) || index !== 0 ? -ENODEV : missing;
  return name === abi.IP_ADD_MEMBERSHIP ? member.join(group) : member.leave(group);
}

/** struct ip_mreq_source: group, interface, source. */
function setFilter4(member: GroupMember, filter: SourceFilter, value: Uint8Array): number {
  if (value.length !== 12) return -EINVAL;
  if (!isMulticast(ipFromV4(value, 0))) return -EINVAL;
  if (!isLoopback(ipFromV4(value, 4))) return -ENODEV;
  return member.filterSource(filter, ipFromV4(value, 0), ipFromV4(value, 8));
}

/** struct ipv6_mreq: group, interface. */
function setMembership6(member: GroupMember, name: number, value: Uint8Array): number {
  if (value.length < IPV6_MREQ_SIZE) return -EINVAL;
  const index = int(value, 16);
  if (index !== 0 && index !== LO) return -ENODEV;
  const group = ipFromV6(value, 0);
  return name === abi.IPV6_ADD_MEMBERSHIP ? member.join(group) : member.leave(group);
}

function setGeneric(member: GroupMember, level: number, name: number, value: Uint8Array): number {
  const filter = FILTERS.get(name);
  if (value.length < (filter === undefined ? GROUP_REQ_SIZE : GROUP_SOURCE_REQ_SIZE)) return -EINVAL;
  const group = addressAt(value, GROUP_AT, level);
  if (group === null) return filter === undefined && level === abi.IPPROTO_IP ? -EINVAL : -EADDRNOTAVAIL;
  const index = int(value, 0);
  if (index !== LO) return -ENODEV;
  if (filter === undefined) return name === abi.MCAST_JOIN_GROUP ? member.join(group) : member.leave(group);
  const source = addressAt(value, SOURCE_AT, level);
  return source === null ? -EADDRNOTAVAIL : member.filterSource(filter, group, source);
}

/** The address in a sockaddr_storage, if it is of the level's family. */
export function addressAt(value: Uint8Array, at: number, level: number): Ip | null {
  const family = value[at]! | (value[at + 1]! << 8);
  if (level === abi.IPPROTO_IP) return family === AF_INET ? ipFromV4(value, at + 4) : null;
  return family === AF_INET6 ? ipFromV6(value, at + 8) : null;
}

function int(value: Uint8Array, at: number): number {
  return value[at]! | (value[at + 1]! << 8) | (value[at + 2]! << 16) | (value[at + 3]! << 24);
}
