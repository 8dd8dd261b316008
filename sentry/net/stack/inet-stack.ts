/**
 * What a TCP/IP implementation offers to the inet sockets above it. The loopback in this process is the first; host
 * sockets and a packet stack of our own come beside it without a change above.
 *
 * Operations return a value >= 0 or a negated errno; -EAGAIN means "would block", announced on `queue`.
 */
import type { SocketFilter } from '../../base/bpf/socket-filter.ts';
import type { WaitQueue } from '../../base/wait-queue.ts';
import { ANY4 } from './ip.ts';
import type { Endpoint, Ip } from './ip.ts';
import type { NetSettings } from './settings.ts';

/** Socket options that matter to binding and buffering, as they stand at the moment of the call. */
export interface EndpointOptions {
  reuseAddr: boolean;
  reusePort: boolean;
  v6only: boolean;
  /** Who owns the socket: SO_REUSEPORT shares only within one user. */
  uid: number;
  /** SO_SNDBUF and SO_RCVBUF in bytes when set by the user; 0: the stack's own choice. */
  sndbuf: number;
  rcvbuf: number;
  broadcast: boolean;
  /** SO_LINGER with time 0: close resets. */
  lingerReset: boolean;
  /** IP_MULTICAST_LOOP, IP_MULTICAST_ALL; whether an interface was chosen for multicast, and by what address. */
  multicastLoop: boolean;
  multicastAll: boolean;
  multicastInterface: boolean;
  multicastSource: Ip;
  /** SO_BINDTODEVICE names an interface. */
  deviceBound: boolean;
  /** IP_RECVERR and IPV6_RECVERR. */
  recvErr: boolean;
  recvErr6: boolean;
  /** IP_LOCAL_PORT_RANGE: first and last. */
  portRange: readonly [number, number] | null;
  /** SO_RCVLOWAT: so many bytes make a stream readable. */
  rcvLowat: number;
  /** SO_ATTACH_FILTER. */
  filter: SocketFilter | null;
  /** The time of what arrives is asked for. */
  stampArrivals: boolean;
  /** SO_MARK, of what is sent. */
  mark: number;
  /** TCP_SYNCNT and TCP_USER_TIMEOUT; 0: not set. */
  synRetries: number;
  userTimeoutMs: number;
}

/** An error that came back for something sent (ip(7), IP_RECVERR). */
export interface QueuedError {
  readonly errno: number;
  /** Found by this host itself, not told by an ICMP message. */
  readonly local: boolean;
  readonly type: number;
  readonly code: number;
  /** ee_info: the path's MTU, for EMSGSIZE. */
  readonly info: number;
  /** Where it had been sent, the start of it, and who complained. */
  readonly to: Endpoint;
  readonly data: Uint8Array;
  readonly offender: Ip;
}

/** Changes of who is heard in a group: IP_BLOCK_SOURCE, IP_UNBLOCK_SOURCE, IP_ADD_ and IP_DROP_SOURCE_MEMBERSHIP. */
export type SourceFilter = 'block' | 'unblock' | 'join' | 'leave';

/** Who is heard in a group: all but these, or these alone. */
export interface GroupSources {
  readonly exclude: boolean;
  readonly sources: ReadonlySet<Ip>;
}

export interface TransportEndpoint {
  readonly queue: WaitQueue;
  readonly options: EndpointOptions;
  readonly local: Endpoint;
  readonly remote: Endpoint | null;
  /** A pending error as a positive errno, which this takes; 0: none. */
  takeError(): number;
  readonly hasError: boolean;
  bind(ip: Ip, port: number): number;
  /** SO_ATTACH_REUSEPORT_CBPF: 0 or a negated errno. `filter` null takes it away. */
  setGroupFilter(filter: SocketFilter | null): number;
  /** `options.filter` is another one. */
  filterChanged(): void;
  /** poll(2) bits. */
  readiness(): number;
  shutdown(how: number): number;
  close(): void;
}

export interface TcpEndpoint extends TransportEndpoint {
  readonly v6: boolean;
  readonly listening: boolean;
  /** TCP_ESTABLISHED… as in tcp_info and /proc/net/tcp. */
  readonly state: number;
  /**
   * Bytes to read (SIOCINQ), and bytes sent that have not arrived (SIOCOUTQ). Of a listener: connections to accept,
   * and how many may wait.
   */
  readonly queued: number;
  readonly unread: number;
  /** Of the whole connection, for TCP_INFO. */
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** What bind(2) asked for; null: it was not bound by it. */
  readonly boundTo: Endpoint | null;
  /** An error that was taken, and told to nobody. */
  keepError(error: number): void;
  /** It will be closed, and somebody wants to hear on `queue` when `unread` changes after that. */
  announceArrivals(): void;
  listen(backlog: number): number;
  /** 0: established; -EINPROGRESS: announced later; or the failure. */
  connect(to: Endpoint): number;
  accept(): TcpEndpoint | number;
  send(buf: Uint8Array, off: number, len: number): number;
  /** Bytes copied, 0 at the end; `skip` bytes ahead when peeking. */
  receive(buf: Uint8Array, off: number, len: number, peek: boolean, skip: number): number;
  /** MSG_OOB: the last byte is urgent. */
  sendUrgent(byte: number): number;
  receiveUrgent(peek: boolean): number;
  /** When the last byte came (wall clock, ns), if that was asked for. */
  readonly arrivedNs: number;
  /** SIOCATMARK. */
  readonly atMark: boolean;
  /** SO_OOBINLINE. */
  urgentInline: boolean;
}

export interface Datagram {
  readonly data: Uint8Array;
  readonly from: Endpoint;
  /** The address it was sent to. */
  readonly to: Ip;
  /** ms since the epoch. */
  readonly timeMs: number;
  readonly ttl: number;
  readonly tos: number;
  readonly mark: number;
}

/** How a datagram goes: what the socket's options and the message's ancillary data say. */
export interface Sending {
  readonly ttl: number;
  readonly tos: number;
  /** IP_PKTINFO: the address that it is from; null: as the socket is bound. */
  readonly source: Ip | null;
  /** The same: it goes through lo, so that it needs no route. */
  readonly throughLo: boolean;
}

export interface UdpEndpoint extends TransportEndpoint {
  /** null dissolves the association. */
  connect(to: Endpoint | null): number;
  /** `to` null: the connected peer. */
  send(buf: Uint8Array, off: number, len: number, to: Endpoint | null, how: Sending): number;
  /**
   * The next datagram, or (peeking) the one that lies `skip` bytes ahead, which stays in the queue; 0 at the end that
   * SHUT_RD makes; or a negated errno.
   */
  receive(peek: boolean, skip: number): Datagram | number;
  /** Where in the datagram last peeked at `skip` bytes end. */
  readonly peekStart: number;
  readonly nextSize: number;
  /** What all datagrams in the queue count against the receive buffer. */
  readonly queuedBytes: number;
  /** The next entry of the error queue, or null. */
  receiveError(): QueuedError | null;
  /** Throws the error queue away. */
  clearErrors(): void;
  join(group: Ip): number;
  leave(group: Ip): number;
  filterSource(what: SourceFilter, group: Ip, source: Ip): number;
  /** IP_MSFILTER: the whole list of a group that it is in. */
  setSources(group: Ip, filter: GroupSources): number;
  /** null: it is not in the group. */
  sourcesOf(group: Ip): GroupSources | null;
}

/** A raw socket (raw(7)): its datagrams are packets, the port of its address is its protocol. */
export interface RawEndpoint extends UdpEndpoint {
  /** IP_HDRINCL: what is sent has its header. */
  headerIncluded: boolean;
  /** IPV6_CHECKSUM: where in the payload; -1: nowhere. */
  checksumAt: number;
  /** ICMP_FILTER, ICMPV6_FILTER: a bit for each type that is not wanted. */
  readonly icmpFilter: Uint32Array;
}

export interface NetworkInterface {
  readonly index: number;
  readonly name: string;
  /** IFF_ flags. */
  readonly flags: number;
  readonly mtu: number;
  /** ARPHRD_ type. */
  readonly type: number;
  readonly hardwareAddress: Uint8Array;
  readonly addresses: readonly { ip: Ip; prefix: number; scope: number }[];
}

/** A network whose interfaces are somebody else's to tell of: netdevice(7)'s requests are passed on. */
export interface InterfaceQuestions {
  /** SIOCGIF… on a struct ifreq, in place: 0 or a negated errno. */
  interfaceQuestion(cmd: number, request: Uint8Array): number;
  /** SIOCGIFCONF: bytes of struct ifreq filled, or a negated errno. */
  interfaceList(out: Uint8Array): number;
}

export interface InetStack {
  readonly interfaces: readonly NetworkInterface[];
  /** `queue`: announce on this one (of the endpoint that this one takes the place of). */
  tcp(v6: boolean, queue?: WaitQueue): TcpEndpoint;
  udp(v6: boolean): UdpEndpoint;
  /** UDP-Lite (udplite(7)): its ports are its own. */
  udplite(v6: boolean): UdpEndpoint;
  /** ICMP echo sockets (icmp(7)): what is sent and received are ICMP messages, the port is their identifier. */
  ping(v6: boolean): UdpEndpoint;
  /** Raw sockets; null where there are none (`--net-raw` was not given). */
  raw(v6: boolean, protocol: number): RawEndpoint | null;
  /** For /proc/net/tcp, tcp6: also those that nobody has accepted yet. */
  tcpEndpoints(): Iterable<TcpEndpoint>;
  /** The wall clock. */
  realtimeNs(): number;
  /** What sysctls decide. */
  readonly settings: NetSettings;
  /** Connections that no program has open any more: TIME-WAIT and FIN-WAIT-2, for /proc/net/tcp and ss. */
  endedConnections(): Iterable<EndedConnection>;
  /** Multicast groups that somebody is in, and how many. */
  groupMembers(): Iterable<readonly [Ip, number]>;
}

export interface EndedConnection {
  readonly v6: boolean;
  readonly state: number;
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /** Monotonic ns when it will be forgotten. */
  readonly expiresNs: number;
}

export function defaultEndpointOptions(): EndpointOptions {
  return {
    reuseAddr: false,
    reusePort: false,
    v6only: false,
    uid: 0,
    sndbuf: 0,
    rcvbuf: 0,
    broadcast: false,
    lingerReset: false,
    multicastLoop: true,
    multicastAll: true,
    multicastInterface: false,
    multicastSource: ANY4,
    deviceBound: false,
    recvErr: false,
    recvErr6: false,
    portRange: null,
    rcvLowat: 1,
    filter: null,
    mark: 0,
    stampArrivals: false,
    synRetries: 0,
    userTimeoutMs: 0,
  };
}
