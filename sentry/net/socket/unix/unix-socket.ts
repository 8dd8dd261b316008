/** What all AF_UNIX sockets have in common: names, peer, credentials, options (unix(7)). */
import {
  EADDRINUSE,
  EAGAIN,
  ECONNREFUSED,
  EEXIST,
  EINVAL,
  ENODATA,
  ENOPROTOOPT,
  ENOSPC,
  EOPNOTSUPP,
  EPROTOTYPE,
  ERANGE,
} from '../../../abi/errno.ts';
import {
  AF_UNIX,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SOL_SOCKET,
  SO_PEERCRED,
  SO_PEERGROUPS,
  UCRED_SIZE,
} from '../../../abi/socket.ts';
import { S_IFMT, S_IFSOCK } from '../../../abi/stat.ts';
import type { CallerContext } from '../../../vfs/context.ts';
import { holdPath, releasePath } from '../../../vfs/dcache.ts';
import type { Inode } from '../../../vfs/inode.ts';
import { lastMade, makeNode } from '../../../vfs/names.ts';
import type { Path } from '../../../vfs/path.ts';
import { MAY_WRITE, pathPermission } from '../../../vfs/permission.ts';
import { WALK_NOFOLLOW, resolve } from '../../../vfs/walk.ts';
import { interfaceIoctl } from '../interface-ioctl.ts';
import type { Message, PeerCredentials } from '../message.ts';
import { putInt } from '../options.ts';
import { HostPeer } from './host-peer.ts';
import { RightsHolder } from './rights.ts';
import type { Rights } from './rights.ts';
import { UnixAddress, family, parseUnixAddress, putUnixAddress } from './unix-address.ts';
import type { UnixNetwork } from './unix-network.ts';

/** What SO_PASSCRED receivers see of bytes sent before anyone asked for credentials: nobody. */
export const UNKNOWN_CREDS: PeerCredentials = { pid: 0, ns: null, uid: 65534, gid: 65534, process: null };

export abstract class UnixSocket extends RightsHolder {
  readonly net: UnixNetwork;
  address: UnixAddress | null = null;
  /** For sock_diag: bytes received and sent and not read; of a listener connections waiting, and how many may. */
  abstract get queueLengths(): readonly [number, number];
  /** The other side; kept after its death for its address. */
  peer: UnixSocket | null = null;
  /** The server's end of a connection that nobody has accepted yet. */
  embryo = false;
  /** Nobody refers to it any more. */
  dead = false;
  rcvShut = false;
  sndShut = false;
  /** SO_PEERCRED and SO_PEERGROUPS. */
  peerCreds: PeerCredentials | null = null;
  peerGroups: readonly number[] = [];
  override readonly connectPending: number = -EAGAIN;
  /** What bind(2) made in a filesystem. */
  node: Inode | null = null;
  private nodePath: Path | null = null;

  constructor(net: UnixNetwork, type: number, flags: number, ctx: CallerContext) {
    super(AF_UNIX, type, 0, flags, ctx);
    this.net = net;
    net.sockets.add(this);
  }

  /** SOCK_STREAM and SOCK_SEQPACKET. */
  get connectionOriented(): boolean {
    return this.type === SOCK_STREAM || this.type === SOCK_SEQPACKET;
  }

  bind(addr: Uint8Array, len: number, ctx: CallerContext): number {
    if (len === 2 && family(addr) === AF_UNIX) return this.autobind();
    const address = parseUnixAddress(addr, len);
    if (typeof address === 'number') return address;
    if (address.abstract) {
      if (this.address !== null) return -EINVAL;
      if (this.net.findAbstract(this.type, address.name) !== null) return -EADDRINUSE;
      this.net.addAbstract(this.type, address.name, this);
      this.address = address;
      return 0;
    }
    if (this.address === null) return this.bindPath(address, ctx);
    // Linux makes the node before it looks: an existing name is reported first.
    return typeof resolve(ctx, null, address.name, WALK_NOFOLLOW) === 'number' ? -EINVAL : -EADDRINUSE;
  }

  private bindPath(address: UnixAddress, ctx: CallerContext): number {
    const r = makeNode(ctx, null, address.name, S_IFSOCK | (this.inode.mode & 0o777), 0);
    if (r < 0) return r === -EEXIST ? -EADDRINUSE : r;
    this.node = lastMade();
    this.net.addNode(this.node, this);
    const path = resolve(ctx, null, address.name, WALK_NOFOLLOW);
    if (typeof path !== 'number') {
      holdPath(path);
      this.nodePath = path;
    }
    this.address = address;
    return 0;
  }

  /** Gives an unbound socket an abstract name of the kernel's choice. */
  autobind(): number {
    if (this.address !== null) return 0;
    const name = this.net.autobindName(this.type);
    if (name === null) return -ENOSPC;
    this.address = new UnixAddress(name);
    this.net.addAbstract(this.type, name, this);
    return 0;
  }

  /** The socket that an address names, for connect and sendto. */
  protected lookup(addr: Uint8Array, len: number, ctx: CallerContext): UnixSocket | HostPeer | number {
    const address = parseUnixAddress(addr, len);
    if (typeof address === 'number') return address;
    if (address.abstract) return this.net.findAbstract(this.type, address.name) ?? -ECONNREFUSED;
    const path = resolve(ctx, null, address.name, 0);
    if (typeof path === 'number') return path;
    const allowed = pathPermission(path, MAY_WRITE, ctx.creds);
    if (allowed < 0) return allowed;
    const inode = path.dentry.inode!;
    if ((inode.mode & S_IFMT) !== S_IFSOCK) return -ECONNREFUSED;
    const found = this.net.findNode(inode);
    if (found === null) return this.openHost(inode);
    return found.type === this.type ? found : -EPROTOTYPE;
  }

  /** Nobody inside listens there: a process of the host may. */
  private openHost(inode: Inode): HostPeer | number {
    const { watcher } = this.net;
    if (watcher === null || this.type === SOCK_SEQPACKET) return -ECONNREFUSED;
    const fd = inode.connectSocket(this.type);
    // Its queue of connections is full, and nobody would say when it isn't any more.
    if (fd < 0) return fd === -EAGAIN ? -ECONNREFUSED : fd;
    return new HostPeer(fd, watcher);
  }

  localAddress(out: Uint8Array): number {
    return putUnixAddress(out, this.address);
  }

  /** Fills in a message's sender. Unnamed senders give no address at all. */
  protected setSender(msg: Message, address: UnixAddress | null): void {
    msg.addrLen = address === null ? 0 : putUnixAddress(msg.addr, address);
  }

  /** What goes with a message by itself when one side asked for credentials. */
  protected senderCreds(msg: Message, ctx: CallerContext): PeerCredentials {
    if (msg.creds !== null) return msg.creds;
    return { pid: ctx.pid, ns: ctx.pidns, uid: ctx.creds.uid, gid: ctx.creds.gid, process: ctx.group };
  }

  /** Gives a receiver what it asked to know of a message's sender. */
  protected passSender(msg: Message, creds: PeerCredentials): void {
    if (this.options.passCred) msg.creds = creds;
    if (this.options.passPidfd) msg.process = creds.process;
  }

  override getOption(level: number, name: number, out: Uint8Array, ctx: CallerContext): number {
    if (level !== SOL_SOCKET) return -EOPNOTSUPP;
    if (name === SO_PEERCRED) {
      const c = this.peerCreds ?? { pid: 0, ns: null, uid: -1, gid: -1, process: null };
      const full = new Uint8Array(UCRED_SIZE);
      putInt(full, pidSeenBy(ctx, c));
      putInt(full.subarray(4), c.uid);
      putInt(full.subarray(8), c.gid);
      const n = Math.min(UCRED_SIZE, out.length);
      out.set(full.subarray(0, n));
      return n;
    }
    if (name === SO_PEERGROUPS) {
      if (this.peerCreds === null) return -ENODATA;
      if (out.length < this.peerGroups.length * 4) return -ERANGE;
      this.peerGroups.forEach((gid, i) => putInt(out.subarray(i * 4), gid));
      return this.peerGroups.length * 4;
    }
    return -ENOPROTOOPT;
  }

  protected override interfaceIoctl(cmd: number, arg: number, ctx: CallerContext): number {
    return interfaceIoctl(this.net.stack, cmd, arg, ctx);
  }

  /** Puts a message's descriptors in flight; null when it has none. */
  protected takeRights(msg: Message, ctx: CallerContext): Rights | null | number {
    if (msg.rights === null) return null;
    return this.net.inFlight.send(msg.rights, ctx.creds.uid, msg.rightsLimit);
  }

  /** Adopts the other side at connect and socketpair time. */
  setPeer(peer: UnixSocket, creds: PeerCredentials | null, groups: readonly number[]): void {
    this.peer = peer;
    this.peerCreds = creds;
    this.peerGroups = groups;
  }

  override flush(ctx: CallerContext): number {
    this.net.inFlight.descriptorClosed(this);
    return super.flush(ctx);
  }

  override release(): void {
    this.dead = true;
    this.net.sockets.delete(this);
    if (this.node !== null) this.net.removeNode(this.node);
    else if (
      this.address?.abstract === true &&
      this.net.findAbstract(this.type, this.address.name) === this
    ) {
      this.net.removeAbstract(this.type, this.address.name);
    }
    if (this.nodePath !== null) releasePath(this.nodePath);
    this.node = null;
    this.nodePath = null;
    this.disconnect();
    this.dropQueuedRights();
    this.net.inFlight.socketClosed();
  }

  /** The end of the connection and of what waits in queues; called once, by release. */
  protected abstract disconnect(): void;
}

/** SO_PEERCRED of a task: effective ids. */
export function credsOf(ctx: CallerContext): PeerCredentials {
  return { pid: ctx.pid, ns: ctx.pidns, uid: ctx.creds.euid, gid: ctx.creds.egid, process: ctx.group };
}

/** A process of another pid namespace has no number in the reader's (unix(7), SCM_CREDENTIALS). */
export function pidSeenBy(reader: CallerContext, { pid, ns }: PeerCredentials): number {
  return ns === reader.pidns ? pid : 0;
}
