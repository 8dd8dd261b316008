/** Integer options of the IP, IPv6, TCP and UDP levels: what values they take and what they say when never set. */
import { ENOPROTOOPT, EINVAL } from '../../../abi/errno.ts';
import * as abi from '../../../abi/inet.ts';
import { unimplemented } from '../../../base/unimplemented.ts';
import { putInt } from '../options.ts';

interface IntOption {
  readonly initial: number;
  readonly min: number;
  readonly max: number;
  /** Stored as 0 or 1. */
  readonly flag?: boolean;
}

const FLAG: IntOption = { initial: 0, min: -0x80000000, max: 0x7fffffff, flag: true };
const FLAG_ON: IntOption = { ...FLAG, initial: 1 };

function range(initial: number, min: number, max: number): IntOption {
  return { initial, min, max };
}

const IP = new Map<number, IntOption>([
  [abi.IP_TOS, range(0, 0, 255)],
  [abi.IP_TTL, range(64, -1, 255)],
  [abi.IP_RECVOPTS, FLAG],
  [abi.IP_RETOPTS, FLAG],
  [abi.IP_PKTINFO, FLAG],
  [abi.IP_MTU_DISCOVER, range(1, 0, 5)],
  [abi.IP_RECVERR, FLAG],
  [abi.IP_RECVTTL, FLAG],
  [abi.IP_RECVTOS, FLAG],
  [abi.IP_FREEBIND, FLAG],
  [abi.IP_RECVORIGDSTADDR, FLAG],
  [abi.IP_MINTTL, range(0, 0, 255)],
  [abi.IP_BIND_ADDRESS_NO_PORT, FLAG],
  [abi.IP_MULTICAST_TTL, range(1, -1, 255)],
  [abi.IP_MULTICAST_LOOP, FLAG_ON],
  [abi.IP_MULTICAST_ALL, FLAG_ON],
  [abi.IP_LOCAL_PORT_RANGE, range(0, -0x80000000, 0x7fffffff)],
]);

const IPV6 = new Map<number, IntOption>([
  [abi.IPV6_UNICAST_HOPS, range(64, -1, 255)],
  [abi.IPV6_MULTICAST_IF, range(0, 0, 1)],
  [abi.IPV6_MULTICAST_HOPS, range(1, -1, 255)],
  [abi.IPV6_MULTICAST_LOOP, FLAG_ON],
  [abi.IPV6_MTU_DISCOVER, range(1, 0, 5)],
  [abi.IPV6_MTU, range(abi.LO_MTU, 1280, abi.LO_MTU)],
  [abi.IPV6_RECVERR, FLAG],
  [abi.IPV6_V6ONLY, FLAG],
  [abi.IPV6_RECVPKTINFO, FLAG],
  [abi.IPV6_RECVHOPLIMIT, FLAG],
  [abi.IPV6_DONTFRAG, FLAG],
  [abi.IPV6_RECVTCLASS, FLAG],
  [abi.IPV6_TCLASS, range(0, -1, 255)],
]);

const TCP = new Map<number, IntOption>([
  [abi.TCP_NODELAY, FLAG],
  [abi.TCP_MAXSEG, range(536, 88, 32767)],
  [abi.TCP_CORK, FLAG],
  [abi.TCP_KEEPIDLE, range(7200, 1, 32767)],
  [abi.TCP_KEEPINTVL, range(75, 1, 32767)],
  [abi.TCP_KEEPCNT, range(9, 1, 127)],
  [abi.TCP_SYNCNT, range(6, 1, 127)],
  [abi.TCP_LINGER2, range(60, -1, 0x7fffffff)],
  [abi.TCP_DEFER_ACCEPT, range(0, -0x80000000, 0x7fffffff)],
  [abi.TCP_WINDOW_CLAMP, range(0, 0, 0x7fffffff)],
  [abi.TCP_QUICKACK, FLAG_ON],
  [abi.TCP_THIN_LINEAR_TIMEOUTS, range(0, 0, 1)],
  [abi.TCP_USER_TIMEOUT, range(0, 0, 0x7fffffff)],
  [abi.TCP_FASTOPEN, range(0, 0, 0x7fffffff)],
  [abi.TCP_TIMESTAMP, range(0, 0, 0x7fffffff)],
  [abi.TCP_NOTSENT_LOWAT, range(0, -0x80000000, 0x7fffffff)],
  [abi.TCP_SAVE_SYN, range(0, 0, 2)],
  [abi.TCP_FASTOPEN_CONNECT, range(0, 0, 1)],
  [abi.TCP_INQ, range(0, 0, 1)],
]);

const UDP = new Map<number, IntOption>([
  [abi.UDP_CORK, FLAG],
  [abi.UDP_SEGMENT, range(0, 0, 65535)],
  [abi.UDP_GRO, FLAG],
]);

const UDPLITE = new Map<number, IntOption>([
  [abi.UDPLITE_SEND_CSCOV, range(0, -0x80000000, 0x7fffffff)],
  [abi.UDPLITE_RECV_CSCOV, range(0, -0x80000000, 0x7fffffff)],
]);

const LEVELS = new Map([
  [abi.IPPROTO_UDPLITE, UDPLITE],
  [abi.IPPROTO_IP, IP],
  [abi.IPPROTO_IPV6, IPV6],
  [abi.IPPROTO_TCP, TCP],
  [abi.IPPROTO_UDP, UDP],
]);

export class IntOptions {
  private values: Map<number, number> | null = null;

  get(level: number, name: number): number {
    return this.values?.get(level * 65536 + name) ?? LEVELS.get(level)?.get(name)?.initial ?? 0;
  }

  /** setsockopt: 0, -EINVAL, -ENOPROTOOPT. IP level options may also be given as one byte. */
  set(level: number, name: number, value: Uint8Array): number {
    const option = LEVELS.get(level)?.get(name);
    if (option === undefined) {
      unimplemented(`setsockopt level ${level} option ${name}`);
      return -ENOPROTOOPT;
    }
    if (value.length < 4 && (level !== abi.IPPROTO_IP || value.length === 0)) return -EINVAL;
    let given =
      value.length >= 4 ? value[0]! | (value[1]! << 8) | (value[2]! << 16) | (value[3]! << 24) : value[0]!;
    if (level === abi.IPPROTO_IP && name === abi.IP_TTL && given === 0) return -EINVAL;
    // Of a byte-wide field the kernel looks at the low byte only.
    if (level === abi.IPPROTO_IP && name === abi.IP_TOS) given &= 0xff;
    if (given < option.min || given > option.max) return -EINVAL;
    const stored = option.flag === true ? (given !== 0 ? 1 : 0) : given;
    // -1 means the default where it is allowed at all.
    this.store(level, name, stored === -1 && option.min === -1 ? option.initial : stored);
    return 0;
  }

  store(level: number, name: number, value: number): void {
    (this.values ??= new Map()).set(level * 65536 + name, value);
  }

  /** getsockopt: bytes filled, or -ENOPROTOOPT. */
  fill(level: number, name: number, out: Uint8Array): number {
    if (LEVELS.get(level)?.has(name) !== true) {
      unimplemented(`getsockopt level ${level} option ${name}`);
      return -ENOPROTOOPT;
    }
    return putInt(out, this.get(level, name));
  }

  /** What an accepted socket takes over. */
  inherit(from: IntOptions): void {
    this.values = from.values === null ? null : new Map(from.values);
  }
}
