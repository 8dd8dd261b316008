/**
 * The network of `--network host`: sockets of the host's kernel in the container's network namespace. The broker makes
 * them; this process has only their descriptors.
 */
import { addon } from '../../../../native/addon.ts';
import { CAP_NET_BIND_SERVICE, CAP_NET_RAW } from '../../../abi/capability.ts';
import { NETLINK_ROUTE } from '../../../abi/netlink.ts';
import { AF_INET, AF_INET6, AF_NETLINK, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM } from '../../../abi/socket.ts';
import type { Credentials } from '../../../auth/credentials.ts';
import type { Watcher } from '../../../base/host-queue.ts';
import type { InterfaceQuestions } from '../inet-stack.ts';
import type { Broker } from './broker.ts';
import { MAY_BIND_LOW, MAY_RAW } from './broker.ts';
import type { Link } from './links.ts';
import { readLinks } from './links.ts';

/** Decisions about destinations that are remembered. */
const MOST_DECISIONS = 1024;
const READ_STEP = 65536;
/** Tables longer than this are cut: nothing that a guest can make grow should fill the Sentry. */
const LONGEST_TABLE = 64 << 20;

export class HostStack implements InterfaceQuestions {
  readonly broker: Broker;
  readonly watcher: Watcher;
  /** --net-raw. */
  readonly raw: boolean;
  /** There are rules about destinations: the broker judges those of datagrams, too. */
  readonly policy: boolean;
  private readonly decisions = new Map<string, number>();
  /** For questions about interfaces, which any socket answers. */
  private questions = -1;
  private linkSocket = -1;

  constructor(broker: Broker, watcher: Watcher, options: { raw: boolean; policy: boolean }) {
    this.broker = broker;
    this.watcher = watcher;
    this.raw = options.raw;
    this.policy = options.policy;
  }

  /** A socket of the namespace: its descriptor or a negated errno. */
  open(family: number, type: number, protocol: number, creds: Credentials): number {
    const plain =
      (family === AF_INET || family === AF_INET6) &&
      (type === SOCK_STREAM || (type === SOCK_DGRAM && (protocol === 0 || protocol === 17)));
    return this.broker.socket(family, type, protocol, rightsOf(creds), plain);
  }

  bind(fd: number, addr: Uint8Array, len: number, creds: Credentials): number {
    return this.broker.bind(fd, addr, len, rightsOf(creds));
  }

  /** May a datagram go to the address? 0 or -EACCES. */
  maySend(addr: Uint8Array, len: number, protocol: number): number {
    if (!this.policy) return 0;
    let key = String.fromCharCode(protocol);
    for (let i = 0; i < len; i++) key += String.fromCharCode(addr[i]!);
    const known = this.decisions.get(key);
    if (known !== undefined) return known;
    const decision = this.broker.check(addr, len, protocol);
    if (this.decisions.size >= MOST_DECISIONS) this.decisions.clear();
    this.decisions.set(key, decision);
    return decision;
  }

  interfaceQuestion(cmd: number, request: Uint8Array): number {
    const fd = this.questioner();
    return fd < 0 ? fd : addon.socketQuestion(fd, cmd, request);
  }

  interfaceList(out: Uint8Array): number {
    const fd = this.questioner();
    return fd < 0 ? fd : addon.socketInterfaces(fd, out);
  }

  /** The namespace's interfaces now. */
  links(): Link[] {
    if (this.linkSocket < 0)
      this.linkSocket = this.broker.socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE, 0, false);
    return this.linkSocket < 0 ? [] : readLinks(this.linkSocket);
  }

  private questioner(): number {
    if (this.questions < 0) this.questions = this.broker.socket(AF_INET, SOCK_DGRAM, 0, 0, true);
    return this.questions;
  }

  /** The text of a table (PROC_NET, PROC_SYS_NET), or a negated errno. */
  table(tree: number, path: string): string | number {
    const fd = this.broker.open(tree, path);
    if (fd < 0) return fd;
    const parts: string[] = [];
    const buffer = Buffer.allocUnsafe(READ_STEP);
    for (let at = 0, n = 1; n > 0 && at < LONGEST_TABLE; at += n) {
      n = addon.pread(fd, buffer, 0, READ_STEP, at);
      if (n > 0) parts.push(buffer.latin1Slice(0, n));
    }
    addon.close(fd);
    return parts.join('');
  }
}

function rightsOf(creds: Credentials): number {
  return (creds.hasCap(CAP_NET_BIND_SERVICE) ? MAY_BIND_LOW : 0) | (creds.hasCap(CAP_NET_RAW) ? MAY_RAW : 0);
}
