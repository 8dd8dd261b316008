/** The values of a socket's integer options (int-table.ts). */
import { EINVAL, ENOPROTOOPT } from '../../../abi/errno.ts';
import * as abi from '../../../abi/inet.ts';
import { unimplemented } from '../../../base/unimplemented.ts';
import { putInt } from '../options.ts';
import { IP, IPV6, TCP, UDP, UDPLITE, type IntOption } from './int-table.ts';

const LEVELS = new Map([
  [abi.IPPROTO_UDPLITE, UDPLITE],
  [abi.IPPROTO_IP, IP],
  [abi.IPPROTO_IPV6, IPV6],
  [abi.IPPROTO_TCP, TCP],
  [abi.IPPROTO_UDP, UDP],
]);
/** Coverage of checksums: none, or at least a header (RFC 3828, 3.1). */
const UDP_HEADER = 8;

export class IntOptions {
  private values: Map<number, number> | null = null;

  get(level: number, name: number): number {
    return this.values?.get(level * 65536 + name) ?? LEVELS.get(level)?.get(name)?.initial ?? 0;
  }

  /** setsockopt: 0 or a negated errno. */
  set(level: number, name: number, value: Uint8Array, isStream: boolean): number {
    // TCP and UDP look at the length before the name.
    const transport = level !== abi.IPPROTO_IP && level !== abi.IPPROTO_IPV6;
    if (transport && value.length < 4) return -EINVAL;
    const option = LEVELS.get(level)?.get(name);
    if (option === undefined) {
      unimplemented(`setsockopt level ${level} option ${name}`);
      return -ENOPROTOOPT;
    }
    if (level === abi.IPPROTO_IPV6 && !longEnough(option, value.length) && option.notForStreams === undefined)
      return -EINVAL;
    if (option.refuses !== undefined) return -option.refuses;
    if (isStream && option.notForStreams !== undefined) return -option.notForStreams;
    if (!longEnough(option, value.length)) return -EINVAL;
    let given = value.length >= 4 ? intOf(value) : level === abi.IPPROTO_IP ? (value[0] ?? 0) : 0;
    if (level === abi.IPPROTO_IP && name === abi.IP_TTL && given === 0) return -EINVAL;
    if (level === abi.IPPROTO_IP && name === abi.IP_LOCAL_PORT_RANGE && !isRange(given)) return -EINVAL;
    // Of a byte-wide field the kernel looks at the low byte only.
    if (level === abi.IPPROTO_IP && name === abi.IP_TOS) given &= 0xff;
    if ((given < option.min || given > option.max) && option.also?.includes(given) !== true) {
      return -(option.outOfRange ?? EINVAL);
    }
    if (option.accepts?.(given) === false) return -EINVAL;
    this.store(level, name, stored(option, level, name, given));
    return 0;
  }

  /** Was it ever set? */
  has(level: number, name: number): boolean {
    return this.values?.has(level * 65536 + name) === true;
  }

  store(level: number, name: number, value: number): void {
    (this.values ??= new Map()).set(level * 65536 + name, value);
  }

  /** getsockopt: bytes filled, or -ENOPROTOOPT. The IP level answers in one byte where there is no room for an int. */
  fill(level: number, name: number, out: Uint8Array): number {
    if (LEVELS.get(level)?.has(name) !== true) {
      unimplemented(`getsockopt level ${level} option ${name}`);
      return -ENOPROTOOPT;
    }
    return putIpInt(level, out, this.get(level, name));
  }

  /** What an accepted socket takes over. */
  inherit(from: IntOptions): void {
    this.values = from.values === null ? null : new Map(from.values);
  }
}

/** An int, or at the IP level one byte if there is no room for more and it is enough. */
export function putIpInt(level: number, out: Uint8Array, value: number): number {
  const short = level === abi.IPPROTO_IP && out.length > 1 && out.length < 4 && value >= 0 && value <= 255;
  return putInt(short ? out.subarray(0, 1) : out, value);
}

function longEnough({ takes }: IntOption, length: number): boolean {
  switch (takes) {
    case 'any':
      return true;
    case 'byte':
      return length >= 1;
    case 'exact':
      return length === 4;
    default:
      return length >= 4;
  }
}

function stored(option: IntOption, level: number, name: number, given: number): number {
  if (option.ignored === true) return option.initial;
  if (option.flag === true) return given !== 0 ? 1 : 0;
  if (name === abi.IPV6_ADDR_PREFERENCES && level === abi.IPPROTO_IPV6) return preferences(given);
  // -1 means the default where it is allowed at all, 0 that of the segment size.
  if (given === -1 && option.min === -1) return option.initial;
  if (level === abi.IPPROTO_TCP && name === abi.TCP_MAXSEG && given === 0) return option.initial;
  const coverage = name === abi.UDPLITE_SEND_CSCOV || name === abi.UDPLITE_RECV_CSCOV;
  if (level !== abi.IPPROTO_UDPLITE || !coverage || given === 0) return given;
  return given < UDP_HEADER ? UDP_HEADER : Math.min(given, 0xffff);
}

/** What is left open counts as the default: public addresses, those of home. */
function preferences(given: number): number {
  return (given & 0x3 || 0x100) | (given & 0x808) | 0x400;
}

/** IP_LOCAL_PORT_RANGE: the last port above the first, unless one of them is left open. */
function isRange(value: number): boolean {
  const first = value & 0xffff;
  const last = value >>> 16;
  return first === 0 || last === 0 || first <= last;
}

function intOf(value: Uint8Array): number {
  return value[0]! | (value[1]! << 8) | (value[2]! << 16) | (value[3]! << 24);
}
