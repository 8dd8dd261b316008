/**
 * What a TCP/IP implementation offers to the inet sockets above it. The loopback in this process is the first; host
 * sockets and a packet stack of our own come beside it without a change above.
 *
 * Operations return a value >= 0 or a negated errno; -EAGAIN means "would block", announced on `queue`.
 */
import type { WaitQueue } from '../../base/wait-queue.ts';
import type { Endpoint, Ip } from './ip.ts';

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
  /** IP_MULTICAST_LOOP, and whether an interface was chosen for multicast. */
  multicastLoop: boolean;
  multicastInterface: boolean;
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
  /** poll(2) bits. */
  readiness(): number;
  shutdown(how: number): number;
  close(): void;
}

export interface TcpEndpoint extends TransportEndpoint {
  readonly listening: boolean;
  /** TCP_ESTABLISHED… as in tcp_info and /proc/net/tcp. */
  readonly state: number;
  /** Bytes to read, and bytes sent that the other side has not read. */
  readonly queued: number;
  readonly unread: number;
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
}

export interface UdpEndpoint extends TransportEndpoint {
  /** null dissolves the association. */
  connect(to: Endpoint | null): number;
  /** `to` null: the connected peer. */
  send(buf: Uint8Array, off: number, len: number, to: Endpoint | null, ttl: number, tos: number): number;
  /** The next datagram, left in the queue when peeking; 0 at the end that SHUT_RD makes; or a negated errno. */
  receive(peek: boolean): Datagram | number;
  readonly nextSize: number;
  join(group: Ip): number;
  leave(group: Ip): number;
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

export interface InetStack {
  readonly interfaces: readonly NetworkInterface[];
  /** `queue`: announce on this one (of the endpoint that this one takes the place of). */
  tcp(v6: boolean, queue?: WaitQueue): TcpEndpoint;
  udp(v6: boolean): UdpEndpoint;
  /** UDP-Lite (udplite(7)): its ports are its own. */
  udplite(v6: boolean): UdpEndpoint;
  /** For /proc/net/tcp, tcp6, udp, udp6. */
  tcpEndpoints(): Iterable<TcpEndpoint>;
  udpEndpoints(): Iterable<UdpEndpoint>;
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
    multicastInterface: false,
  };
}
