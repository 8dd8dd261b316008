/** The interfaces of the host's network namespace, as its kernel describes them (rtnetlink(7), RTM_GETLINK). */
import { addon } from '../../../../native/addon.ts';
import * as abi from '../../../abi/netlink.ts';

const IFINFOMSG = 16;
const ATTRIBUTE_HEADER = 4;
const ROOM = 65536;
const IFLA_LINK = 5;
const IFLA_IFALIAS = 20;
const IFLA_CARRIER_CHANGES = 35;
const IFLA_PROTO_DOWN = 39;
const IFLA_CARRIER_UP_COUNT = 47;
const IFLA_CARRIER_DOWN_COUNT = 48;

export interface Link {
  readonly name: string;
  readonly index: number;
  /** ARPHRD_ of its addresses. */
  readonly type: number;
  /** IFF_ flags as netlink tells them. */
  readonly flags: number;
  /** In hexadecimal with colons. */
  readonly address: string;
  readonly broadcast: string;
  readonly alias: string;
  /** Index of the interface that it goes through; its own if that is none. */
  readonly lower: number;
  readonly mtu: number;
  readonly txQueueLength: number;
  /** IF_OPER_. */
  readonly operstate: number;
  readonly linkMode: number;
  readonly group: number;
  readonly protoDown: number;
  readonly carrier: number;
  readonly carrierChanges: number;
  readonly carrierUps: number;
  readonly carrierDowns: number;
  /** struct rtnl_link_stats64, in its order. */
  readonly statistics: readonly number[];
}

const buffer = new Uint8Array(ROOM);

/** All of them, over a netlink socket of the namespace; what is cut short is left out. */
export function readLinks(socket: number): Link[] {
  const request = new Uint8Array(abi.NLMSG_HEADER + IFINFOMSG);
  const v = new DataView(request.buffer);
  v.setUint32(0, request.length, true);
  v.setUint16(4, abi.RTM_GETLINK, true);
  v.setUint16(6, abi.NLM_F_REQUEST | abi.NLM_F_DUMP, true);
  const links: Link[] = [];
  if (addon.socketSend(socket, request, 0, request.length, 0) < 0) return links;
  for (;;) {
    const n = addon.socketReceive(socket, buffer, 0, ROOM, 0);
    if (n <= 0 || !takeLinks(buffer.subarray(0, n), links)) return links;
  }
}

/** False: that was the end of the dump. */
function takeLinks(datagram: Uint8Array, links: Link[]): boolean {
  const v = new DataView(datagram.buffer, datagram.byteOffset, datagram.length);
  for (let at = 0; at + abi.NLMSG_HEADER <= datagram.length;) {
    const size = v.getUint32(at, true);
    if (size < abi.NLMSG_HEADER || at + size > datagram.length) return false;
    const type = v.getUint16(at + 4, true);
    if (type === abi.NLMSG_DONE || type === abi.NLMSG_ERROR) return false;
    if (type === abi.RTM_NEWLINK && size >= abi.NLMSG_HEADER + IFINFOMSG)
      links.push(linkOf(datagram.subarray(at + abi.NLMSG_HEADER, at + size)));
    at += (size + 3) & ~3;
  }
  return true;
}

function linkOf(message: Uint8Array): Link {
  const v = new DataView(message.buffer, message.byteOffset, message.length);
  const attributes = new Map<number, Uint8Array>();
  for (let at = IFINFOMSG; at + ATTRIBUTE_HEADER <= message.length;) {
    const size = v.getUint16(at, true);
    if (size < ATTRIBUTE_HEADER || at + size > message.length) break;
    attributes.set(v.getUint16(at + 2, true) & 0x3fff, message.slice(at + ATTRIBUTE_HEADER, at + size));
    at += (size + 3) & ~3;
  }
  const number = (name: number, otherwise = 0): number => {
    const bytes = attributes.get(name);
    if (bytes === undefined || bytes.length === 0) return otherwise;
    return bytes.length < 4 ? bytes[0]! : new DataView(bytes.buffer).getUint32(0, true);
  };
  const text = (name: number): string =>
    String.fromCharCode(...(attributes.get(name) ?? [])).replace(/\0.*$/s, '');
  const hardware = (name: number): string =>
    Array.from(attributes.get(name) ?? [], (byte) => byte.toString(16).padStart(2, '0')).join(':');
  const index = v.getInt32(4, true);
  return {
    name: text(abi.IFLA_IFNAME),
    index,
    type: v.getUint16(2, true),
    flags: v.getUint32(8, true),
    address: hardware(abi.IFLA_ADDRESS),
    broadcast: hardware(abi.IFLA_BROADCAST),
    alias: text(IFLA_IFALIAS),
    lower: number(IFLA_LINK, index),
    mtu: number(abi.IFLA_MTU),
    txQueueLength: number(abi.IFLA_TXQLEN),
    operstate: number(abi.IFLA_OPERSTATE),
    linkMode: number(abi.IFLA_LINKMODE),
    group: number(abi.IFLA_GROUP),
    protoDown: number(IFLA_PROTO_DOWN),
    carrier: number(abi.IFLA_CARRIER),
    carrierChanges: number(IFLA_CARRIER_CHANGES),
    carrierUps: number(IFLA_CARRIER_UP_COUNT),
    carrierDowns: number(IFLA_CARRIER_DOWN_COUNT),
    statistics: counters(attributes.get(abi.IFLA_STATS64)),
  };
}

function counters(bytes: Uint8Array | undefined): number[] {
  const values: number[] = [];
  if (bytes === undefined) return values;
  const v = new DataView(bytes.buffer);
  for (let at = 0; at + 8 <= bytes.length; at += 8)
    values.push(v.getUint32(at, true) + v.getUint32(at + 4, true) * 0x100000000);
  return values;
}
