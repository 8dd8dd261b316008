/** IP_MSFILTER and MCAST_MSFILTER: whole lists of the sources that are heard in a group, or not (RFC 3678). */
import { EADDRNOTAVAIL, EINVAL, ENOBUFS, ENODEV } from '../../../abi/errno.ts';
import * as abi from '../../../abi/inet.ts';
import { AF_INET, AF_INET6 } from '../../../abi/socket.ts';
import type { Ip } from '../../stack/ip.ts';
import { ipFromV4, isLoopback, isMulticast, putV4, putV6 } from '../../stack/ip.ts';
import { addressAt } from './group-options.ts';
import type { GroupMember } from './group-options.ts';

const EXCLUDE = 0;
const INCLUDE = 1;
/** net.core.optmem_max; net.ipv4.igmp_max_msf and net.ipv6.mld_max_msf. */
const OPTMEM_MAX = 131072;
const MOST4 = 10;
const MOST6 = 64;

/** Where things are in struct ip_msfilter, and in struct group_filter, which has a sockaddr_storage for an address. */
interface Layout {
  readonly mode: number;
  readonly count: number;
  readonly sources: number;
  readonly sourceSize: number;
}
const PLAIN: Layout = { mode: 8, count: 12, sources: 16, sourceSize: 4 };
const GENERIC: Layout = { mode: 136, count: 140, sources: 144, sourceSize: 128 };
const GROUP_AT = 8;

export function isSourceFilter(level: number, name: number): boolean {
  if (name === abi.MCAST_MSFILTER) return level === abi.IPPROTO_IP || level === abi.IPPROTO_IPV6;
  return level === abi.IPPROTO_IP && name === abi.IP_MSFILTER;
}

/** `member` null: a stream, which is in no group. */
export function setSourceFilter(
  member: GroupMember | null,
  level: number,
  name: number,
  value: Uint8Array,
): number {
  const layout = name === abi.IP_MSFILTER ? PLAIN : GENERIC;
  if (value.length < layout.sources) return -EINVAL;
  if (value.length > OPTMEM_MAX) return -ENOBUFS;
  const v = view(value);
  const count = v.getUint32(layout.count, true);
  if (count > (level === abi.IPPROTO_IP ? MOST4 : MOST6)) return -ENOBUFS;
  if (layout.sources + count * layout.sourceSize > value.length) return -EINVAL;
  const group = groupOf(value, level, layout);
  if (group === null) return -EADDRNOTAVAIL;
  const sources = new Set<Ip>();
  for (let i = 0; i < count; i++) {
    const source = sourceAt(value, layout.sources + i * layout.sourceSize, level, layout);
    if (source === null) return -EADDRNOTAVAIL;
    sources.add(source);
  }
  const mode = v.getUint32(layout.mode, true);
  if (!isMulticast(group) || (mode !== EXCLUDE && mode !== INCLUDE)) return -EINVAL;
  if (!isOnLo(value, layout)) return -ENODEV;
  if (member !== null) return member.setSources(group, { exclude: mode === EXCLUDE, sources });
  return mode === INCLUDE && count === 0 ? -EADDRNOTAVAIL : -EINVAL;
}

/** `out` holds the question, and as much of the answer as there is room for. */
export function getSourceFilter(
  member: GroupMember | null,
  level: number,
  name: number,
  out: Uint8Array,
): number {
  const layout = name === abi.IP_MSFILTER ? PLAIN : GENERIC;
  if (out.length < layout.sources) return -EINVAL;
  const group = groupOf(out, level, layout);
  if (group === null || !isMulticast(group)) return -EINVAL;
  if (layout === PLAIN && !isOnLo(out, layout)) return -ENODEV;
  const filter = isOnLo(out, layout) ? (member?.sourcesOf(group) ?? null) : null;
  if (filter === null) return -EADDRNOTAVAIL;
  const v = view(out);
  const room = Math.floor((out.length - layout.sources) / layout.sourceSize);
  const shown = Math.min(filter.sources.size, v.getUint32(layout.count, true), room);
  v.setUint32(layout.mode, filter.exclude ? EXCLUDE : INCLUDE, true);
  v.setUint32(layout.count, filter.sources.size, true);
  let at = layout.sources;
  for (const source of [...filter.sources].slice(0, shown)) {
    putSource(source, out, at, level, layout);
    at += layout.sourceSize;
  }
  return at;
}

function groupOf(value: Uint8Array, level: number, layout: Layout): Ip | null {
  return layout === PLAIN ? ipFromV4(value, 0) : addressAt(value, GROUP_AT, level);
}

function sourceAt(value: Uint8Array, at: number, level: number, layout: Layout): Ip | null {
  return layout === PLAIN ? ipFromV4(value, at) : addressAt(value, at, level);
}

function putSource(source: Ip, out: Uint8Array, at: number, level: number, layout: Layout): void {
  if (layout === PLAIN) {
    putV4(source, out, at);
    return;
  }
  out.fill(0, at, at + layout.sourceSize);
  const v4 = level === abi.IPPROTO_IP;
  out[at] = v4 ? AF_INET : AF_INET6;
  if (v4) putV4(source, out, at + 4);
  else putV6(source, out, at + 8);
}

/** The interface is named by its address, or by its number. */
function isOnLo(value: Uint8Array, layout: Layout): boolean {
  return layout === PLAIN ? isLoopback(ipFromV4(value, 4)) : view(value).getUint32(0, true) === abi.LO;
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
