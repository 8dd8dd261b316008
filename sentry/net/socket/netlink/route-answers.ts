/** rtnetlink(7) queries about the stack's interfaces: links, addresses, routes. */
import { ENODEV, EOPNOTSUPP } from '../../../abi/errno.ts';
import * as abi from '../../../abi/netlink.ts';
import { AF_INET6, AF_UNSPEC } from '../../../abi/socket.ts';
import { unimplemented } from '../../../base/unimplemented.ts';
import type { InetStack, NetworkInterface } from '../../stack/inet-stack.ts';
import { isV4 } from '../../stack/ip.ts';
import { NetlinkWriter, bytesOf, familyOf, findAttribute, wanted } from './netlink-message.ts';
import type { Answer } from './netlink-message.ts';
import { routeTo, routes, rules } from './routes.ts';

const AF_BRIDGE = 7;
/** An attribute AF_INET6 with the attribute IFLA_INET6_ADDR_GEN_MODE inside, of value 0. */
const GEN_MODE_EUI64 = Uint8Array.of(12, 0, AF_INET6, 0, 5, 0, abi.IFLA_INET6_ADDR_GEN_MODE, 0, 0, 0, 0, 0);

/** The messages that answer a request (all of them for a dump, else one), or a negated errno. */
export function answerRoute(
  stack: InetStack,
  type: number,
  dump: boolean,
  body: Uint8Array,
  uid: number,
): Answer[] | number {
  const family = body[0] ?? AF_UNSPEC;
  switch (type) {
    case abi.RTM_GETLINK:
      return links(stack, dump, body);
    case abi.RTM_GETADDR:
      return dump ? addresses(stack, family) : -EOPNOTSUPP;
    case abi.RTM_GETROUTE:
      return dump ? routes(stack, family) : routeTo(stack, family, body, uid);
    case abi.RTM_GETRULE:
      if (dump) return rules(family);
      break;
    case abi.RTM_GETQDISC:
      if (dump) return stack.interfaces.map(qdisc);
      break;
    case abi.RTM_GETNEIGH:
      if (dump) return [];
      break;
  }
  unimplemented(`rtnetlink message ${type}`);
  return -EOPNOTSUPP;
}

function links(stack: InetStack, dump: boolean, body: Uint8Array): Answer[] | number {
  // Bridges' ports are listed by their own family; there are none.
  if (dump) return body[0] === AF_BRIDGE ? [] : stack.interfaces.map(link);
  const v = new DataView(body.buffer, body.byteOffset, body.length);
  const index = body.length >= 8 ? v.getInt32(4, true) : 0;
  const nameBytes = findAttribute(body, 16, abi.IFLA_IFNAME);
  const name = nameBytes === null ? '' : String.fromCharCode(...nameBytes).replace(/\0.*$/s, '');
  const found = stack.interfaces.find((i) => (index > 0 ? i.index === index : i.name === name));
  return found === undefined ? -ENODEV : [link(found)];
}

function link(i: NetworkInterface): Answer {
  const message = new NetlinkWriter()
    .u8(AF_UNSPEC)
    .u8(0)
    .u16(i.type)
    .u32(i.index)
    .u32(i.flags)
    .u32(0)
    .attributeText(abi.IFLA_IFNAME, i.name)
    .attributeU32(abi.IFLA_TXQLEN, 1000)
    .attribute(abi.IFLA_OPERSTATE, Uint8Array.of(0))
    .attribute(abi.IFLA_LINKMODE, Uint8Array.of(0))
    .attributeU32(abi.IFLA_MTU, i.mtu)
    .attributeU32(abi.IFLA_GROUP, 0)
    .attributeU32(abi.IFLA_PROMISCUITY, 0)
    .attributeU32(abi.IFLA_ALLMULTI, 0)
    .attributeU32(abi.IFLA_MIN_MTU, 0)
    .attributeU32(abi.IFLA_MAX_MTU, 0)
    .attributeU32(abi.IFLA_GSO_MAX_SEGS, 65535)
    .attributeU32(abi.IFLA_GSO_MAX_SIZE, 65536)
    .attributeU32(abi.IFLA_GRO_MAX_SIZE, 65536)
    .attributeU32(abi.IFLA_TSO_MAX_SIZE, 524280)
    .attributeU32(abi.IFLA_TSO_MAX_SEGS, 65535)
    .attributeU32(abi.IFLA_NUM_TX_QUEUES, 1)
    .attributeU32(abi.IFLA_NUM_RX_QUEUES, 1)
    .attribute(abi.IFLA_CARRIER, Uint8Array.of(1))
    .attributeText(abi.IFLA_QDISC, 'noqueue')
    .attribute(abi.IFLA_ADDRESS, i.hardwareAddress)
    .attribute(abi.IFLA_BROADCAST, new Uint8Array(i.hardwareAddress.length))
    .attribute(abi.IFLA_STATS64, new Uint8Array(200))
    .attribute(abi.IFLA_STATS, new Uint8Array(100))
    .attribute(abi.IFLA_AF_SPEC, GEN_MODE_EUI64);
  return { type: abi.RTM_NEWLINK, message };
}

function qdisc(i: NetworkInterface): Answer {
  const message = new NetlinkWriter()
    .u32(AF_UNSPEC)
    .u32(i.index)
    .u32(0)
    .u32(abi.TC_H_ROOT)
    .u32(2)
    .attributeText(abi.TCA_KIND, 'noqueue');
  return { type: abi.RTM_NEWQDISC, message };
}

function addresses(stack: InetStack, family: number): Answer[] {
  const found: Answer[] = [];
  for (const i of stack.interfaces) {
    for (const a of i.addresses) {
      if (!wanted(a.ip, family)) continue;
      const message = new NetlinkWriter()
        .u8(familyOf(a.ip))
        .u8(a.prefix)
        .u8(abi.IFA_F_PERMANENT)
        .u8(a.scope)
        .u32(i.index)
        .attribute(abi.IFA_ADDRESS, bytesOf(a.ip));
      if (isV4(a.ip)) message.attribute(abi.IFA_LOCAL, bytesOf(a.ip)).attributeText(abi.IFA_LABEL, i.name);
      const forever = new Uint8Array(16).fill(0xff, 0, 8);
      message.attribute(abi.IFA_CACHEINFO, forever).attributeU32(abi.IFA_FLAGS, abi.IFA_F_PERMANENT);
      found.push({ type: abi.RTM_NEWADDR, message });
    }
  }
  return found;
}
