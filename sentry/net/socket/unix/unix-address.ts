/** Addresses of AF_UNIX sockets (unix(7), "Address format"): pathname, abstract, unnamed. */
import { EINVAL } from '../../../abi/errno.ts';
import { AF_UNIX, SOCKADDR_UN_SIZE } from '../../../abi/socket.ts';

/** Offset of sun_path. */
const PATH = 2;

export class UnixAddress {
  /** struct sockaddr_un as getsockname returns it, exactly as long. */
  readonly bytes: Uint8Array;
  /** The name after the family as latin1: a path, or NUL and the abstract name. */
  readonly name: string;

  constructor(name: string) {
    this.name = name;
    // A pathname is returned with its final NUL.
    const length = PATH + name.length + (name.charCodeAt(0) === 0 ? 0 : 1);
    this.bytes = new Uint8Array(length);
    this.bytes[0] = AF_UNIX;
    for (let i = 0; i < name.length; i++) this.bytes[PATH + i] = name.charCodeAt(i);
  }

  get abstract(): boolean {
    return this.name.charCodeAt(0) === 0;
  }
}

/** The address of `len` bytes, or -EINVAL. Not for the family-only form (autobind, AF_UNSPEC). */
export function parseUnixAddress(addr: Uint8Array, len: number): UnixAddress | number {
  if (len <= PATH || len > SOCKADDR_UN_SIZE || family(addr) !== AF_UNIX) return -EINVAL;
  let end = len;
  if (addr[PATH] !== 0) {
    end = PATH;
    while (end < len && addr[end] !== 0) end++;
  }
  let name = '';
  for (let i = PATH; i < end; i++) name += String.fromCharCode(addr[i]!);
  return new UnixAddress(name);
}

export function family(addr: Uint8Array): number {
  return addr[0]! | (addr[1]! << 8);
}

/** Writes a socket's address, or the unnamed one; its length. */
export function putUnixAddress(out: Uint8Array, address: UnixAddress | null): number {
  if (address === null) {
    out[0] = AF_UNIX;
    out[1] = 0;
    return PATH;
  }
  out.set(address.bytes);
  return address.bytes.length;
}
