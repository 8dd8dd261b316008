/** The integer options of the IP, IPv6, TCP and UDP levels: what values they take and what they say when never set. */
import { EADDRNOTAVAIL, EINVAL, ENOPROTOOPT, EPERM } from '../../../abi/errno.ts';
import * as abi from '../../../abi/inet.ts';

export interface IntOption {
  readonly initial: number;
  readonly min: number;
  readonly max: number;
  /** Values that are taken besides those of the range. */
  readonly also?: readonly number[];
  /** Says no to some values of the range. */
  readonly accepts?: (value: number) => boolean;
  /** Stored as 0 or 1. */
  readonly flag?: boolean;
  /** Must an int be given (the usual), exactly one, is a byte enough, or does nothing at all stand for 0? */
  readonly takes?: 'int' | 'exact' | 'byte' | 'any';
  /** What setting it answers, whatever the value: it can only be asked for. */
  readonly refuses?: number;
  /** What a value out of range answers, if not EINVAL. */
  readonly outOfRange?: number;
  /** It is taken and has no effect, as it says itself. */
  readonly ignored?: boolean;
  /** Streams refuse to set it with this. */
  readonly notForStreams?: number;
}

const INT_MIN = -0x80000000;
const INT_MAX = 0x7fffffff;
/** kernel.HZ of 250: what times in ticks are kept in fits so many seconds. */
const MAX_TX_DELAY = (1 << 28) - 1;

const FLAG: IntOption = { initial: 0, min: INT_MIN, max: INT_MAX, flag: true };
/** Of a level that takes one byte, or none, for a value. */
const BYTE_FLAG: IntOption = { ...FLAG, takes: 'byte' };
const ANY_FLAG: IntOption = { ...FLAG, takes: 'any' };

function range(initial: number, min: number, max: number): IntOption {
  return { initial, min, max };
}
function bytes(initial: number, min: number, max: number): IntOption {
  return { initial, min, max, takes: 'byte' };
}
/** Can be asked for only. */
function fixed(initial: number, refuses: number): IntOption {
  return { initial, min: 0, max: 0, refuses };
}

export const IP = new Map<number, IntOption>([
  [abi.IP_TOS, { initial: 0, min: 0, max: 255, takes: 'any' }],
  [abi.IP_TTL, bytes(64, -1, 255)],
  [abi.IP_HDRINCL, fixed(0, ENOPROTOOPT)],
  [abi.IP_ROUTER_ALERT, fixed(0, EINVAL)],
  [abi.IP_RECVOPTS, ANY_FLAG],
  [abi.IP_RETOPTS, ANY_FLAG],
  [abi.IP_PKTINFO, ANY_FLAG],
  [abi.IP_MTU_DISCOVER, { initial: 1, min: 0, max: 5, takes: 'any' }],
  [abi.IP_RECVERR, ANY_FLAG],
  [abi.IP_RECVTTL, ANY_FLAG],
  [abi.IP_RECVTOS, ANY_FLAG],
  [abi.IP_FREEBIND, BYTE_FLAG],
  [abi.IP_PASSSEC, ANY_FLAG],
  [abi.IP_TRANSPARENT, BYTE_FLAG],
  [abi.IP_RECVORIGDSTADDR, ANY_FLAG],
  [abi.IP_MINTTL, bytes(0, 0, 255)],
  [abi.IP_NODEFRAG, fixed(0, ENOPROTOOPT)],
  [abi.IP_CHECKSUM, ANY_FLAG],
  [abi.IP_BIND_ADDRESS_NO_PORT, ANY_FLAG],
  [abi.IP_RECVFRAGSIZE, { ...ANY_FLAG, notForStreams: EINVAL }],
  [abi.IP_RECVERR_RFC4884, { initial: 0, min: 0, max: 1, takes: 'any' }],
  [abi.IP_MULTICAST_TTL, { ...bytes(1, -1, 255), notForStreams: EINVAL }],
  [abi.IP_MULTICAST_LOOP, { ...BYTE_FLAG, initial: 1 }],
  [abi.IP_MULTICAST_ALL, bytes(1, 0, 1)],
  // The index is in network byte order: none, or lo.
  [abi.IP_UNICAST_IF, { ...range(0, 0, 0), also: [0x01000000], takes: 'exact', outOfRange: EADDRNOTAVAIL }],
  [abi.IP_LOCAL_PORT_RANGE, { ...range(0, INT_MIN, INT_MAX), takes: 'exact' }],
]);

/** IPV6_PREFER_SRC_: of each of three pairs one, or the default; care-of addresses there are none. */
function isPreference(value: number): boolean {
  const chosen = value & (0x1 | 0x2 | 0x100);
  return (chosen & (chosen - 1)) === 0 && (value & 0x808) !== 0x808 && (value & 0x4) === 0;
}

export const IPV6 = new Map<number, IntOption>([
  ...[
    abi.IPV6_2292PKTINFO,
    abi.IPV6_2292HOPOPTS,
    abi.IPV6_2292DSTOPTS,
    abi.IPV6_2292RTHDR,
    abi.IPV6_2292HOPLIMIT,
    abi.IPV6_FLOWINFO,
    abi.IPV6_RECVERR,
    abi.IPV6_V6ONLY,
    abi.IPV6_ROUTER_ALERT_ISOLATE,
    abi.IPV6_FLOWINFO_SEND,
    abi.IPV6_RECVPKTINFO,
    abi.IPV6_RECVHOPLIMIT,
    abi.IPV6_RECVHOPOPTS,
    abi.IPV6_RECVRTHDR,
    abi.IPV6_RECVDSTOPTS,
    abi.IPV6_RECVPATHMTU,
    abi.IPV6_RECVTCLASS,
    abi.IPV6_RECVORIGDSTADDR,
    abi.IPV6_TRANSPARENT,
    abi.IPV6_FREEBIND,
  ].map((name): [number, IntOption] => [name, FLAG]),
  [abi.IPV6_UNICAST_HOPS, range(64, -1, 255)],
  [abi.IPV6_MULTICAST_IF, { ...range(0, 0, 1), notForStreams: ENOPROTOOPT }],
  [abi.IPV6_MULTICAST_HOPS, { ...range(1, -1, 255), notForStreams: ENOPROTOOPT }],
  [abi.IPV6_MULTICAST_LOOP, range(1, 0, 1)],
  [abi.IPV6_ROUTER_ALERT, fixed(0, ENOPROTOOPT)],
  [abi.IPV6_MTU_DISCOVER, range(1, 0, 5)],
  [abi.IPV6_MTU, { ...range(0, 1280, INT_MAX), also: [0] }],
  [abi.IPV6_MULTICAST_ALL, { ...FLAG, initial: 1 }],
  [abi.IPV6_RECVERR_RFC4884, range(0, 0, 1)],
  [abi.IPV6_DONTFRAG, ANY_FLAG],
  [abi.IPV6_TCLASS, range(0, -1, 255)],
  [abi.IPV6_AUTOFLOWLABEL, { ...ANY_FLAG, initial: 1 }],
  [abi.IPV6_ADDR_PREFERENCES, { ...range(0x500, INT_MIN, INT_MAX), accepts: isPreference }],
  [abi.IPV6_MINHOPCOUNT, range(0, 0, 255)],
  [abi.IPV6_UNICAST_IF, { ...range(0, 0, 0), also: [0x01000000], takes: 'exact', outOfRange: EADDRNOTAVAIL }],
  [abi.IPV6_RECVFRAGSIZE, ANY_FLAG],
]);

export const TCP = new Map<number, IntOption>([
  [abi.TCP_NODELAY, FLAG],
  [abi.TCP_MAXSEG, { ...range(536, 88, 32767), also: [0] }],
  [abi.TCP_CORK, FLAG],
  [abi.TCP_KEEPIDLE, range(7200, 1, 32767)],
  [abi.TCP_KEEPINTVL, range(75, 1, 32767)],
  [abi.TCP_KEEPCNT, range(9, 1, 127)],
  [abi.TCP_SYNCNT, range(6, 1, 127)],
  [abi.TCP_LINGER2, range(60, INT_MIN, INT_MAX)],
  [abi.TCP_DEFER_ACCEPT, range(0, INT_MIN, INT_MAX)],
  [abi.TCP_WINDOW_CLAMP, range(0, INT_MIN, INT_MAX)],
  [abi.TCP_QUICKACK, { ...FLAG, initial: 1 }],
  [abi.TCP_THIN_LINEAR_TIMEOUTS, range(0, 0, 1)],
  [abi.TCP_THIN_DUPACK, { ...range(0, 0, 1), ignored: true }],
  [abi.TCP_USER_TIMEOUT, range(0, 0, INT_MAX)],
  // Repairing, and timestamps with it, are for who may administer the network; here nobody.
  [abi.TCP_REPAIR, fixed(0, EPERM)],
  [abi.TCP_FASTOPEN, range(0, 0, INT_MAX)],
  [abi.TCP_TIMESTAMP, fixed(0, EPERM)],
  [abi.TCP_NOTSENT_LOWAT, range(0, INT_MIN, INT_MAX)],
  [abi.TCP_SAVE_SYN, range(0, 0, 2)],
  [abi.TCP_FASTOPEN_CONNECT, range(0, 0, 1)],
  [abi.TCP_FASTOPEN_NO_COOKIE, range(0, 0, 1)],
  [abi.TCP_INQ, range(0, 0, 1)],
  [abi.TCP_TX_DELAY, range(0, 0, MAX_TX_DELAY)],
]);

export const UDP = new Map<number, IntOption>([
  [abi.UDP_CORK, FLAG],
  [abi.UDPLITE_SEND_CSCOV, fixed(0, ENOPROTOOPT)],
  [abi.UDPLITE_RECV_CSCOV, fixed(0, ENOPROTOOPT)],
  [abi.UDP_ENCAP, { ...range(0, 0, 0), outOfRange: ENOPROTOOPT }],
  [abi.UDP_NO_CHECK6_TX, FLAG],
  [abi.UDP_NO_CHECK6_RX, FLAG],
  [abi.UDP_SEGMENT, range(0, 0, 65535)],
  [abi.UDP_GRO, FLAG],
]);

export const UDPLITE = new Map<number, IntOption>([
  ...UDP,
  [abi.UDPLITE_SEND_CSCOV, range(0, INT_MIN, INT_MAX)],
  [abi.UDPLITE_RECV_CSCOV, range(0, INT_MIN, INT_MAX)],
]);
