/** struct sockaddr_in and sockaddr_in6 to and from the stack's endpoints. */
import { EAFNOSUPPORT, EINVAL } from '../../../abi/errno.ts';
import { SOCKADDR_IN6_MIN, SOCKADDR_IN6_SIZE, SOCKADDR_IN_SIZE } from '../../../abi/inet.ts';
import { AF_INET, AF_INET6, AF_UNSPEC } from '../../../abi/socket.ts';
import type { Endpoint } from '../../stack/ip.ts';
import { ipFromV4, ipFromV6, isV4, putV4, putV6 } from '../../stack/ip.ts';

/** The endpoint in an address for a socket of `family`; -EINVAL when too short, -EAFNOSUPPORT for another family. */
export function parseInetAddress(addr: Uint8Array, len: number, family: number): Endpoint | number {
  if (len < 2) return -EINVAL;
  const given = addr[0]! | (addr[1]! << 8);
  const port = ((addr[2]! << 8) | addr[3]!) & 0xffff;
  if (family === AF_INET) {
    if (len < SOCKADDR_IN_SIZE) return -EINVAL;
    if (given !== AF_INET && given !== AF_UNSPEC) return -EAFNOSUPPORT;
    return { ip: ipFromV4(addr, 4), port };
  }
  if (len < SOCKADDR_IN6_MIN) return -EINVAL;
  if (given !== AF_INET6) return -EAFNOSUPPORT;
  return { ip: ipFromV6(addr, 8), port };
}

/** ipv6(7): fe80::/10 and ff02::/16 mean something on one interface only, which sin6_scope_id names. */
export function lacksScope(addr: Uint8Array, len: number): boolean {
  if ((addr[0]! | (addr[1]! << 8)) !== AF_INET6) return false;
  const first = addr[8]!;
  const second = addr[9]!;
  const linkLocal = (first === 0xfe && (second & 0xc0) === 0x80) || (first === 0xff && (second & 0xf) === 2);
  return linkLocal && (len < SOCKADDR_IN6_SIZE || addr.subarray(24, 28).every((byte) => byte === 0));
}

/** Writes an endpoint as the address of a socket of `family`; its length. */
export function putInetAddress(out: Uint8Array, endpoint: Endpoint, family: number): number {
  const size = family === AF_INET ? SOCKADDR_IN_SIZE : SOCKADDR_IN6_SIZE;
  out.fill(0, 0, size);
  out[0] = family;
  out[2] = endpoint.port >>> 8;
  out[3] = endpoint.port;
  if (family === AF_INET) {
    if (isV4(endpoint.ip)) putV4(endpoint.ip, out, 4);
  } else {
    putV6(endpoint.ip, out, 8);
  }
  return size;
}
