/**
 * Socket options that pass to the host's sockets, with the longest value that each takes. None holds a pointer, a
 * descriptor or a program.
 */
import * as ip from '../../../abi/inet.ts';
import { SOL_NETLINK } from '../../../abi/netlink.ts';
import * as so from '../../../abi/socket.ts';

const INT = 4;
const SOL_RAW = 255;
const SOL_PACKET = 263;

/** struct tcp_md5sig. */
const TCP_MD5SIG_SIZE = 216;
/** struct group_source_req and struct group_req: the longest of the multicast requests. */
const GROUP_SOURCE_REQ = 264;
const GROUP_REQ = 136;
/** Room for what the kernel fills: struct tcp_info grows. */
const TCP_INFO_MOST = 512;

type Level = ReadonlyMap<number, number>;

function ints(...names: readonly number[]): [number, number][] {
  return names.map((name) => [name, INT]);
}

const SOCKET: Level = new Map([
  ...ints(so.SO_DEBUG, so.SO_REUSEADDR, so.SO_DONTROUTE, so.SO_BROADCAST, so.SO_SNDBUF, so.SO_RCVBUF),
  ...ints(so.SO_KEEPALIVE, so.SO_OOBINLINE, so.SO_NO_CHECK, so.SO_PRIORITY, so.SO_BSDCOMPAT, so.SO_REUSEPORT),
  ...ints(so.SO_PASSCRED, so.SO_RCVLOWAT, so.SO_TIMESTAMP, so.SO_SNDBUFFORCE, so.SO_RCVBUFFORCE),
  ...ints(so.SO_TIMESTAMPNS, so.SO_MARK, so.SO_RXQ_OVFL, so.SO_PEEK_OFF, so.SO_SELECT_ERR_QUEUE),
  ...ints(
    so.SO_BUSY_POLL,
    so.SO_INCOMING_CPU,
    so.SO_BINDTOIFINDEX,
    so.SO_TIMESTAMP_NEW,
    so.SO_TIMESTAMPNS_NEW,
  ),
  ...ints(so.SO_BUF_LOCK, so.SO_TXREHASH, so.SO_RCVMARK, so.SO_LOCK_FILTER, so.SO_DETACH_FILTER),
  ...ints(so.SO_DETACH_REUSEPORT_BPF),
  // SO_TIMESTAMPING and its new form: struct so_timestamping.
  [37, 8],
  [65, 8],
  [so.SO_MAX_PACING_RATE, 8],
  [so.SO_BINDTODEVICE, 16],
]);

const SOCKET_READ_ONLY: Level = new Map([
  ...ints(so.SO_TYPE, so.SO_ERROR, so.SO_ACCEPTCONN, so.SO_PROTOCOL, so.SO_DOMAIN, so.SO_SNDLOWAT),
  ...ints(so.SO_INCOMING_NAPI_ID, so.SO_BPF_EXTENSIONS, so.SO_ZEROCOPY),
  [so.SO_PEERCRED, so.UCRED_SIZE],
  [so.SO_PEERNAME, so.SOCKADDR_MAX],
  [so.SO_COOKIE, 8],
  [so.SO_NETNS_COOKIE, 8],
]);

/** Lists of sources: the host's limit is igmp_max_msf, and its memory for options. */
const SOURCES_MOST = 65536;
/** Of an IPv4 header. */
const OPTIONS_MOST = 40;

const IP: Level = new Map([
  [ip.IP_OPTIONS, OPTIONS_MOST],
  ...ints(
    ip.IP_TOS,
    ip.IP_TTL,
    ip.IP_RECVOPTS,
    ip.IP_PKTINFO,
    ip.IP_MTU_DISCOVER,
    ip.IP_RECVERR,
    ip.IP_RECVTTL,
  ),
  // IP_HDRINCL, IP_RETOPTS, IP_TRANSPARENT, IP_NODEFRAG, IP_CHECKSUM, IP_UNICAST_IF, IP_RECVFRAGSIZE, IP_RECVERR_RFC4884
  ...ints(3, 7, 19, 22, 23, 50, 25, 26),
  ...ints(ip.IP_RECVTOS, ip.IP_FREEBIND, ip.IP_RECVORIGDSTADDR, ip.IP_MINTTL, ip.IP_BIND_ADDRESS_NO_PORT),
  ...ints(ip.IP_MULTICAST_TTL, ip.IP_MULTICAST_LOOP, ip.IP_MULTICAST_ALL, ip.IP_LOCAL_PORT_RANGE),
  [ip.IP_MSFILTER, SOURCES_MOST],
  [ip.MCAST_MSFILTER, SOURCES_MOST],
  // struct ip_mreqn, and struct ip_mreq_source for IP_(UN)BLOCK_SOURCE, IP_ADD/DROP_SOURCE_MEMBERSHIP
  ...[ip.IP_MULTICAST_IF, ip.IP_ADD_MEMBERSHIP, ip.IP_DROP_MEMBERSHIP, 37, 38, 39, 40].map(
    (name): [number, number] => [name, 12],
  ),
  // MCAST_JOIN_GROUP, MCAST_LEAVE_GROUP; the ones with a source
  ...[42, 45].map((name): [number, number] => [name, GROUP_REQ]),
  ...[43, 44, 46, 47].map((name): [number, number] => [name, GROUP_SOURCE_REQ]),
]);
const IP_READ_ONLY: Level = new Map([[ip.IP_MTU, INT]]);

const IPV6: Level = new Map([
  ...ints(ip.IPV6_UNICAST_HOPS, ip.IPV6_MULTICAST_IF, ip.IPV6_MULTICAST_HOPS, ip.IPV6_MULTICAST_LOOP),
  ...ints(ip.IPV6_MTU_DISCOVER, ip.IPV6_MTU, ip.IPV6_RECVERR, ip.IPV6_V6ONLY, ip.IPV6_RECVPKTINFO),
  ...ints(ip.IPV6_RECVHOPLIMIT, ip.IPV6_DONTFRAG, ip.IPV6_RECVTCLASS, ip.IPV6_TCLASS),
  // IPV6_ADDRFORM, _2292PKTINFO, _2292HOPOPTS, _2292DSTOPTS, _2292RTHDR, _CHECKSUM, _2292HOPLIMIT, _FLOWINFO
  ...ints(1, 2, 3, 4, 5, 7, 8, 11),
  // IPV6_ROUTER_ALERT_ISOLATE, _MULTICAST_ALL, _RECVERR_RFC4884, _FLOWINFO_SEND, _RECVHOPOPTS, _RECVRTHDR, _RECVDSTOPTS
  ...ints(30, 29, 31, 33, 53, 56, 58),
  [ip.MCAST_MSFILTER, SOURCES_MOST],
  // IPV6_RECVPATHMTU, _AUTOFLOWLABEL, _ADDR_PREFERENCES, _MINHOPCOUNT, _RECVORIGDSTADDR, _TRANSPARENT, _UNICAST_IF,
  // _RECVFRAGSIZE, _FREEBIND
  ...ints(60, 70, 72, 73, 74, 75, 76, 77, 78),
  ...[ip.IPV6_ADD_MEMBERSHIP, ip.IPV6_DROP_MEMBERSHIP, 27, 28].map((name): [number, number] => [name, 20]),
  ...[42, 45].map((name): [number, number] => [name, GROUP_REQ]),
  ...[43, 44, 46, 47].map((name): [number, number] => [name, GROUP_SOURCE_REQ]),
]);
/** IPV6_PATHMTU: struct ip6_mtuinfo. */
const IPV6_READ_ONLY: Level = new Map([[61, 32]]);

const TCP: Level = new Map([
  ...ints(ip.TCP_NODELAY, ip.TCP_MAXSEG, ip.TCP_CORK, ip.TCP_KEEPIDLE, ip.TCP_KEEPINTVL, ip.TCP_KEEPCNT),
  ...ints(ip.TCP_SYNCNT, ip.TCP_LINGER2, ip.TCP_DEFER_ACCEPT, ip.TCP_WINDOW_CLAMP, ip.TCP_QUICKACK),
  ...ints(ip.TCP_THIN_LINEAR_TIMEOUTS, 17, ip.TCP_USER_TIMEOUT, ip.TCP_FASTOPEN, ip.TCP_TIMESTAMP),
  ...ints(ip.TCP_NOTSENT_LOWAT, ip.TCP_SAVE_SYN, ip.TCP_FASTOPEN_CONNECT, 34, ip.TCP_INQ, 37),
  // TCP_RTO_MAX_MS, TCP_RTO_MIN_US, TCP_DELACK_MAX_US
  ...ints(44, 45, 46),
  [ip.TCP_CONGESTION, 16],
  // TCP_MD5SIG, TCP_MD5SIG_EXT
  [14, TCP_MD5SIG_SIZE],
  [32, TCP_MD5SIG_SIZE],
]);
const TCP_READ_ONLY: Level = new Map([
  [ip.TCP_INFO, TCP_INFO_MOST],
  // TCP_CC_INFO, TCP_SAVED_SYN
  [26, 64],
  [28, 512],
]);

const UDP: Level = new Map(ints(ip.UDP_CORK, ip.UDP_SEGMENT, ip.UDP_GRO, 101, 102));
const UDPLITE: Level = new Map([...UDP, ...ints(ip.UDPLITE_SEND_CSCOV, ip.UDPLITE_RECV_CSCOV)]);
/** ICMP_FILTER and IPV6_CHECKSUM; ICMPV6_FILTER. */
const RAW: Level = new Map(ints(1, 7));
const ICMPV6: Level = new Map([[1, 32]]);
/** NETLINK_ADD_MEMBERSHIP to _NO_ENOBUFS, _CAP_ACK, _EXT_ACK, _GET_STRICT_CHK. */
const NETLINK: Level = new Map(ints(1, 2, 3, 4, 5, 10, 11, 12));
/** NETLINK_LIST_MEMBERSHIPS. */
const NETLINK_READ_ONLY: Level = new Map([[9, 64]]);
/** PACKET_ADD_MEMBERSHIP, PACKET_DROP_MEMBERSHIP (struct packet_mreq), PACKET_AUXDATA, PACKET_ORIGDEV, PACKET_LOSS. */
const PACKET: Level = new Map([[1, 16], [2, 16], ...ints(8, 9, 14)]);
/** PACKET_STATISTICS. */
const PACKET_READ_ONLY: Level = new Map([[6, 12]]);

const SETTABLE: ReadonlyMap<number, Level> = new Map([
  [so.SOL_SOCKET, SOCKET],
  [ip.IPPROTO_IP, IP],
  [ip.IPPROTO_IPV6, IPV6],
  [ip.IPPROTO_TCP, TCP],
  [ip.IPPROTO_UDP, UDP],
  [ip.IPPROTO_UDPLITE, UDPLITE],
  [ip.IPPROTO_ICMPV6, ICMPV6],
  [SOL_RAW, RAW],
  [SOL_NETLINK, NETLINK],
  [SOL_PACKET, PACKET],
]);
const READ_ONLY: ReadonlyMap<number, Level> = new Map([
  [so.SOL_SOCKET, SOCKET_READ_ONLY],
  [ip.IPPROTO_IP, IP_READ_ONLY],
  [ip.IPPROTO_IPV6, IPV6_READ_ONLY],
  [ip.IPPROTO_TCP, TCP_READ_ONLY],
  [SOL_NETLINK, NETLINK_READ_ONLY],
  [SOL_PACKET, PACKET_READ_ONLY],
]);

/** RFC 791: does a list of options name routers to go by (LSRR, SSRR)? A list that isn't one is the host's to refuse. */
export function hasSourceRoute(options: Uint8Array): boolean {
  for (let at = 0; at < options.length && options[at] !== 0;) {
    const kind = options[at]!;
    if (kind === 0x83 || kind === 0x89) return true;
    at += kind === 1 ? 1 : Math.max(2, options[at + 1] ?? 2);
  }
  return false;
}

/** The longest value that setsockopt(2) may pass on; undefined: not at all. */
export function longestToSet(level: number, name: number): number | undefined {
  return SETTABLE.get(level)?.get(name);
}

/** The longest value that getsockopt(2) may fetch. */
export function longestToGet(level: number, name: number): number | undefined {
  return SETTABLE.get(level)?.get(name) ?? READ_ONLY.get(level)?.get(name);
}
