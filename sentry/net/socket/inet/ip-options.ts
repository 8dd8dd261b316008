/** Options of the IP and IPv6 levels that are no plain integers (ip(7), ipv6(7)); null: it is none of these. */
import { EINVAL, ENOENT, ENOPROTOOPT, ENOTCONN, EPERM } from '../../../abi/errno.ts';
import * as abi from '../../../abi/inet.ts';
import { AF_INET, CMSG_HEADER } from '../../../abi/socket.ts';

/** What IP_OPTIONS holds at most. */
const MAX_IP_OPTIONS = 40;
const IPOPT_END = 0;
const IPOPT_NOOP = 1;
/** struct in6_pktinfo, ipv6_mreq. */
const IN6_PKTINFO_SIZE = 20;
const IPV6_ADDRFORM = 1;

export function setIpOption(level: number, name: number, value: Uint8Array): number | null {
  if (level === abi.IPPROTO_IP) {
    switch (name) {
      case abi.IP_IPSEC_POLICY:
      case abi.IP_XFRM_POLICY:
        return -EPERM;
      case abi.IP_OPTIONS:
        return validIpOptions(value) ? 0 : -EINVAL;
    }
  } else if (level === abi.IPPROTO_IPV6) {
    switch (name) {
      case IPV6_ADDRFORM:
        return value.length >= 4 && value[0] === AF_INET ? -ENOTCONN : -EINVAL;
      case abi.IPV6_JOIN_ANYCAST:
        return value.length < IN6_PKTINFO_SIZE ? -EINVAL : -EPERM;
      case abi.IPV6_LEAVE_ANYCAST:
        return value.length < IN6_PKTINFO_SIZE ? -EINVAL : -ENOENT;
      case abi.IPV6_FLOWLABEL_MGR:
        return -EINVAL;
      case abi.IPV6_RTHDR:
      case abi.IPV6_HOPOPTS:
      case abi.IPV6_RTHDRDSTOPTS:
      case abi.IPV6_DSTOPTS:
        // Extension headers are never sent: there can be none.
        return value.length === 0 ? 0 : -EINVAL;
      case abi.IPV6_2292PKTOPTIONS:
        return value.length < CMSG_HEADER ? 0 : -EINVAL;
      case abi.IPV6_PKTINFO:
        // Each message can have one; of a lasting one only its absence is known.
        return value.length >= IN6_PKTINFO_SIZE && value.every((byte) => byte === 0) ? 0 : -EINVAL;
      case abi.IPV6_IPSEC_POLICY:
      case abi.IPV6_XFRM_POLICY:
        return -EPERM;
    }
  }
  return null;
}

/** Only padding: whatever else there is (routes, timestamps) has no meaning on loopback. */
export function validIpOptions(value: Uint8Array): boolean {
  if (value.length > MAX_IP_OPTIONS) return false;
  for (const byte of value) {
    if (byte === IPOPT_END) return true;
    if (byte !== IPOPT_NOOP) return false;
  }
  return true;
}

export function getIpOption(level: number, name: number, isStream: boolean): number | null {
  if (level === abi.IPPROTO_IP) {
    switch (name) {
      case abi.IP_PKTOPTIONS:
        return isStream ? 0 : -ENOPROTOOPT;
    }
  } else if (level === abi.IPPROTO_IPV6) {
    switch (name) {
      case IPV6_ADDRFORM:
        return -ENOTCONN;
      case abi.IPV6_2292PKTOPTIONS:
        return isStream ? 0 : -ENOPROTOOPT;
      case abi.IPV6_RTHDR:
      case abi.IPV6_HOPOPTS:
      case abi.IPV6_RTHDRDSTOPTS:
      case abi.IPV6_DSTOPTS:
        return 0;
      case abi.IPV6_FLOWLABEL_MGR:
        return -EINVAL;
      case abi.IPV6_PKTINFO:
        return -ENOPROTOOPT;
      case abi.IPV6_JOIN_ANYCAST:
      case abi.IPV6_LEAVE_ANYCAST:
        return -ENOPROTOOPT;
    }
  }
  return null;
}
