/**
 * The Sentry's side of the broker (native/launcher/broker_protocol.h), which makes, binds and connects the host's sockets
 * and opens tables of its network namespace. A call waits for the answer.
 */
import { addon } from '../../../../native/addon.ts';
import { EPIPE } from '../../../abi/errno.ts';

const SOCKET = 1;
const CONNECT = 2;
const BIND = 3;
const OPEN = 4;
const CHECK = 5;

/** struct BrokerRequest: u32 operation, u16 cpu, u16 rights, i32 a, b, c, u32 length, then bytes. */
const REQUEST_SIZE = 152;
const BYTES = 24;
const MOST_BYTES = REQUEST_SIZE - BYTES;
const MOST_SOCKETS = 8;

/** What the calling thread may do by its capabilities. */
export const MAY_BIND_LOW = 1;
export const MAY_RAW = 2;

/** Which of the two trees a table is in. */
export const PROC_NET = 0;
export const PROC_SYS_NET = 1;

/** Sockets of one kind that were made ahead. */
interface Shelf {
  readonly fds: number[];
  /** How many to ask for next time. */
  want: number;
}

export class Broker {
  private readonly fd: number;
  private readonly gone: () => void;
  private readonly request = new Uint8Array(REQUEST_SIZE);
  private readonly view = new DataView(this.request.buffer);
  private readonly fds = new Int32Array(MOST_SOCKETS + 1);
  private readonly shelves = new Map<number, Shelf>();

  /** gone: the broker has ended, and with it the sandbox's network. */
  constructor(fd: number, gone: () => void) {
    this.fd = fd;
    this.gone = gone;
  }

  /**
   * A non-blocking socket, or a negated errno. `plain`: of a kind that needs no rights; the more of them are asked for,
   * the more come with one message.
   */
  socket(family: number, type: number, protocol: number, rights: number, plain: boolean): number {
    if (!plain) {
      const n = this.make(family, type, protocol, rights, 1);
      return n < 0 ? n : this.fds[0]!;
    }
    const kind = (family << 16) | (type << 12) | protocol;
    let shelf = this.shelves.get(kind);
    if (shelf === undefined) this.shelves.set(kind, (shelf = { fds: [], want: 1 }));
    const ready = shelf.fds.pop();
    if (ready !== undefined) return ready;
    const n = this.make(family, type, protocol, rights, shelf.want);
    if (n < 0) return n;
    for (let i = n - 1; i > 0; i--) shelf.fds.push(this.fds[i]!);
    shelf.want = Math.min(2 * shelf.want, MOST_SOCKETS);
    return this.fds[0]!;
  }

  /** How many came, in fds; or a negated errno. */
  private make(family: number, type: number, protocol: number, rights: number, count: number): number {
    this.head(SOCKET, rights, family, type, protocol, count);
    return this.call(-1);
  }

  /** connect(2); `waits`: the caller is one that would wait, and can be told of a handshake's end at once. */
  connect(socket: number, addr: Uint8Array, len: number, waits: boolean): number {
    this.head(CONNECT, 0, waits ? 1 : 0, 0, 0, this.bytes(addr, len));
    return this.call(socket);
  }

  bind(socket: number, addr: Uint8Array, len: number, rights: number): number {
    this.head(BIND, rights, 0, 0, 0, this.bytes(addr, len));
    return this.call(socket);
  }

  /** A descriptor to read a table with, or a negated errno. */
  open(tree: number, path: string): number {
    for (let i = 0; i < Math.min(path.length, MOST_BYTES); i++) this.request[BYTES + i] = path.charCodeAt(i);
    this.head(OPEN, 0, tree, 0, 0, path.length);
    const r = this.call(-1);
    return r < 0 ? r : this.fds[0]!;
  }

  /** May a datagram be sent there? 0 or -EACCES. */
  check(addr: Uint8Array, len: number, protocol: number): number {
    this.head(CHECK, 0, protocol, 0, 0, this.bytes(addr, len));
    return this.call(-1);
  }

  private bytes(from: Uint8Array, len: number): number {
    const n = Math.min(len, MOST_BYTES);
    for (let i = 0; i < n; i++) this.request[BYTES + i] = from[i]!;
    return n;
  }

  private head(operation: number, rights: number, a: number, b: number, c: number, length: number): void {
    const v = this.view;
    v.setUint32(0, operation, true);
    v.setUint16(6, rights, true);
    v.setInt32(8, a, true);
    v.setInt32(12, b, true);
    v.setInt32(16, c, true);
    v.setUint32(20, length, true);
  }

  private call(socket: number): number {
    const r = addon.brokerCall(this.fd, this.request, socket, this.fds);
    if (r === -EPIPE) this.gone();
    return r;
  }
}
